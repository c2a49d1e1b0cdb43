"""A call that the user wants and a human approves of: by the marker's `approve`, by the tool's own `confirm`, or at the keyboard."""

from __future__ import annotations

import contextvars
import functools
import json
from collections.abc import Callable
from typing import Any

from pytest_agentready.arguments.annotations import signature_of
from pytest_agentready.domain import Conversation, Loop, Run, ToolTrial, Unjudgeable
from pytest_agentready.experiments.conversing import DONE, USER, Player, afresh, calling, limits_of, turn
from pytest_agentready.script import say
from pytest_agentready.world import Stay, stay
from pytest_agentready.world.joint_backend import backend_of
from pytest_agentready.world.run import finished

USERS = ("user", "user_id")  # the parameter of `approve` that says who approves
YES = ("y", "yes")  # what is said at the keyboard


def wish(trial: ToolTrial) -> str:
    """The user's words for it."""
    return f"Please call {trial.tool.name} for me, with {json.dumps(dict(trial.arguments), default=str)}. I am sure, and I approve of it."


def approved(loop: Loop, trial: ToolTrial, works: Callable[[Conversation], bool]) -> Conversation | None:
    """The first conversation in which the approved call works; None where there is none. Raises BackendFailed."""
    approve = approval_of(loop, trial)
    call = calling(loop, trial.tool, trial.arguments)

    def visit(world: Stay) -> Conversation | None:
        for yes in YES:  # twice, for some look for a call that waits for its approval: the first one is that then
            if approve is not None:
                _check(world.call(approve, {}))
            if world.over:
                break
            conversation = Conversation((turn(world, loop, wish(trial), typed=yes),))
            if works(conversation):
                return conversation
        return None

    with afresh(loop):
        player = Player(call, say(DONE), call, say(DONE))
        return stay(visit, backend=backend_of(loop), limits=limits_of(loop), respond=player)


def _check(approving: Run) -> None:
    if (raised := approving.raised) is not None:
        said = f": {raised.message}" if raised.message else ""
        where = f" ({raised.where})" if raised.where else ""
        raise Unjudgeable(f"the approval raises {raised.kind}{said}{where}", "it is called as approve(tool_name, arguments), to record it")


def approval_of(loop: Loop, trial: ToolTrial) -> Callable[[], Any] | None:
    """A human's approval of exactly this call; None where nobody has said how it is given."""
    arguments = dict(trial.arguments)
    if (approve := loop.facts.approve) is not None:
        signature = signature_of(approve)
        named = {} if signature is None else signature.parameters
        return functools.partial(approve, trial.tool.name, arguments, **{name: USER for name in USERS if name in named})
    for tool in (*loop.facts.tools, *loop.known()):
        if (confirm := tool.facts.confirm) is not None and tool.name.rpartition(".")[2] == trial.tool.name:
            return functools.partial(_as_user, tool.facts.user, functools.partial(confirm, **arguments))
    return None


def _as_user(variable: object, confirm: Callable[[], Any]) -> Any:
    """The one who approves is the one whom the loop is called for."""
    if not isinstance(variable, contextvars.ContextVar):
        return confirm()
    before = variable.set(USER)
    try:
        return finished(confirm())
    finally:
        variable.reset(before)
