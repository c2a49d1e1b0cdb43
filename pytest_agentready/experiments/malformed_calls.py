"""A model that calls a tool which it was not offered, and one whose arguments are not what the tool's schema asks for.

Each call is made once, in a conversation of its own, and as the provider hands it on: Anthropic's have an object for arguments
whatever the model wrote, but for the beginning of one in a stream that the limit of the output cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_agentready.domain import Loop, ModelRequest, NormalConversation, Slip, Slips, ToolTrial, acts
from pytest_agentready.experiments.conversing import Player, converse
from pytest_agentready.script import malformed, say, unknown_tool
from pytest_agentready.script.malformation import Malformation
from pytest_agentready.script.steps import Call
from pytest_agentready.world.stdio import muted

OTHERS = 3  # tools that are tried beside the first
LET_THROUGH: tuple[Malformation, ...] = ("types", "missing")  # what every parser of JSON lets through
ANSWER = "That did not work. Your order 42 is on its way."


def run(loop: Loop, normal_conversation: NormalConversation) -> Slips:
    plain = normal_conversation.plain
    trials = _by_worth(normal_conversation)
    if not trials:
        return Slips(plain=plain)

    def after(how: str, call: Call) -> Slip:
        return Slip(how, converse(loop, Player(call, say(ANSWER))), "" if how == "unknown" else call.name)

    def malformed_in(trial: ToolTrial, hows: Iterable[Malformation]) -> tuple[Slip, ...]:
        return tuple(after(how, malformed(trial.tool.name, how, **trial.arguments)) for how in hows)

    best, *others = trials
    assert best.asked is not None
    with muted():
        unknown = after("unknown", unknown_tool(f"{best.tool.name}_v2", **best.arguments))
        slips = malformed_in(best, _carried_by(best.asked))
        further = tuple(Slips(trial, plain, unknown, malformed_in(trial, LET_THROUGH)) for trial in others)
    return Slips(best, plain, unknown, slips, further)


def _by_worth(normal: NormalConversation) -> list[ToolTrial]:
    """Of the tools that could be called: first one that needs arguments, and with whom it is seen whether it was carried out.

    What becomes of text that is no JSON is up to the loop, and the same for all of them; types are looked at by each for itself.
    """
    called = [trial for trial in normal.tools if trial.asked is not None]
    usual = {act.kind for act in acts(normal.plain)}

    def is_seen(trial: ToolTrial) -> bool:
        return any(act.kind not in usual for act in acts(trial.conversation))

    def worth(trial: ToolTrial) -> tuple[bool, bool, bool]:
        return is_seen(trial), bool(trial.tool.schema.get("required")), bool(trial.arguments)

    best = max(called, key=worth, default=None)
    others = [trial for trial in called if trial is not best and is_seen(trial) and trial.arguments]
    return [] if best is None else [best, *others[:OTHERS]]


def _carried_by(request: ModelRequest) -> Iterator[Malformation]:
    """What of it the provider's protocol can carry; all else arrives as an empty object."""
    if request.provider != "anthropic" or request.stream:
        yield from ("truncated", "unclosed")
    if request.provider != "anthropic":
        yield from ("array", "text", "empty")
    yield from ("types", "missing")
