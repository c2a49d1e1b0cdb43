"""The healthy warm-up: the tool is called once with each set of arguments, and everything answers as it should.

It comes first: it does the imports that a library puts off to its first use, says whom the tool talks to, and shows the
normal answer that the answers under a fault are compared with.
"""

from __future__ import annotations

import functools
import inspect
from types import CodeType
from typing import Any

from pytest_agentready.domain import NormalCall, Run, Tool, Unjudgeable, read, some_of
from pytest_agentready.world import BackendFailed, Limits, foreign, observe
from pytest_agentready.world.stack import is_librarys
from pytest_agentready.world.unanswered import unanswered

PATIENCE = Limits(attempts=1_000, turns=20_000)  # a healthy tool may well send many requests


SHOWN = 120  # characters of an answer


def run(tool: Tool) -> NormalCall:
    with foreign.led_in():  # it shows which clients cannot be
        blind = _blind_spots(tool)
    if tool.facts.args is None:
        return NormalCall((), obstacle=f"it needs {_required(tool)}: give args={{...}} in the marker", blind=blind)
    if blind:
        return NormalCall((), obstacle=f"its sockets cannot be seen: it uses {' and '.join(map(_with_remedy, blind))}", blind=blind)
    runs: list[Run] = []
    for arguments in tool.facts.args:
        try:
            found = observe(tool.call, arguments, backend=tool.facts.backend, limits=PATIENCE)
        except BackendFailed as failure:
            raise Unjudgeable(f"the marker's backend= does not work: it raised {failure}") from failure
        runs.append(read(tool, found))
    return NormalCall(tuple(runs), obstacle=_obstacle(tool, runs))


def _obstacle(tool: Tool, runs: list[Run]) -> str:
    """Why there is no normal answer to go by, and what would make one; "" where there is one."""
    made_up = f" with generated arguments {dict(runs[0].arguments)!r}" if tool.facts.generated else ""
    other = ", or give args={...} in the marker" if tool.facts.generated else ""
    for run in runs:
        missing = unanswered((request for request in run.requests if request.routed is False), tool.facts.backend)
        if run.refused:
            remedy = ": let the tool ask from Python itself" if any(what.startswith("a process") for what in run.refused) else ""
            return f"the normal call{made_up} wants {some_of(run.refused)}, which the world does not let out{remedy}"
        if run.unspoken:
            return f"{', '.join(run.unspoken)}: the world does not speak this protocol"
        if missing:
            return f"{missing}{other}"
        if run.ending is not None:
            return f"the normal call{made_up} does not end: {run.ending.story}{_mute(run)}"
        if run.raised is not None:
            said = f": {run.raised.message}" if run.raised.message else ""
            remedy = "give args={...} in the marker" if made_up else "give it arguments, a backend and an environment in which it succeeds"
            return f"the normal call{made_up} raises {run.raised.kind}{said}: {remedy}"
        if run.answer is not None and run.answer.tells_of_failure:
            message = run.answer.message or (run.answer.text[:SHOWN] if not run.answer.typed else "without a message")
            return f"the normal call{made_up} answers with an error ({message}): give args= and backend= that succeed"
    return ""


def _mute(run: Run) -> str:
    """A peer to which nothing is said: at a port that is not the protocol's own, the world does not know who speaks first."""
    if not run.is_mute:
        return ""
    peer = run.peers[-1]
    return f" (nothing was said to {peer}: if it speaks first, name its protocol in backend=, such as {{'smtp://{peer}': {{}}}})"


def _with_remedy(client: str) -> str:
    return f"{client} ({foreign.out_of_reach.get(client) or foreign.INSTEAD[client]})"


def _required(tool: Tool) -> str:
    parameters = inspect.signature(tool.call).parameters.values()
    names = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return " and ".join(names)


def _blind_spots(tool: Tool) -> tuple[str, ...]:
    """Such clients among what the tool's code names, and the user's code that it names, in turn."""
    found: set[str] = set()
    waiting: list[Any] = [_function(tool.call)]
    seen: set[int] = set()
    while waiting:
        function = waiting.pop()
        code, known = getattr(function, "__code__", None), getattr(function, "__globals__", {})
        if code is None or id(code) in seen:
            continue
        seen.add(id(code))
        names = _names(code)
        found |= names & {*foreign.UNSEEN, *foreign.out_of_reach}  # imported in the function itself
        for value in (known[name] for name in names if name in known):
            home = getattr(value, "__module__", None) or getattr(value, "__name__", None) or type(value).__module__
            client = str(home).partition(".")[0]
            if client in (*foreign.UNSEEN, *foreign.out_of_reach) or (client in foreign.BY_MODULE and not inspect.ismodule(value)):
                found.add(client)
            else:
                owner = value if inspect.isclass(value) or inspect.ismodule(value) else type(value)
                parts = [part for name, part in vars(owner).items() if name in names or not inspect.ismodule(owner)]
                waiting += [part for part in map(_function, [value, *parts]) if _is_users(part)]
    return tuple(name for name in (*foreign.UNSEEN, *foreign.ADAPTED) if name in found)


def _function(value: Any) -> Any:
    while isinstance(value, functools.partial):
        value = value.func
    try:
        return inspect.unwrap(getattr(value, "__func__", value))
    except Exception:  # an object that has any attribute it is asked for, a mock's `call` say, seems to wrap itself
        return value


def _is_users(value: Any) -> bool:
    code = getattr(value, "__code__", None)
    return isinstance(code, CodeType) and not is_librarys(code)


def _names(code: CodeType) -> set[str]:
    """The global names of a function, and of the functions within it."""
    return set(code.co_names).union(*(_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)))
