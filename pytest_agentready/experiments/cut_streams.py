"""A stream that breaks off before the end of a call's arguments: the connection is closed, goes silent, or the stream just ends.

All of the values have arrived, and their end has not: whoever mends what is not finished gets something that looks whole. Or nothing
but the name has: whoever takes no arguments for an empty object gets a call that looks whole, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_agentready.domain import CutStreams, Loop, Slip, Slips
from pytest_agentready.experiments.conversing import Player, calling, converse
from pytest_agentready.script import cut_stream, malformed, say
from pytest_agentready.script.steps import Call
from pytest_agentready.world.stdio import muted

ALL = 10_000  # deltas: none of those that there are is left out, but all that comes behind them is
ANSWER = "Something went wrong, please ask again."
CUTS: Mapping[str, Mapping[str, bool]] = MappingProxyType(
    {"closed": {}, "silent": {"in_silence": True}, "ended": {"in_good_order": True}},
)
BEGUN: Mapping[str, Mapping[str, bool]] = MappingProxyType({"closed at its name": {}, "ended at its name": {"in_good_order": True}})


def run(loop: Loop, malformed_calls: Slips) -> CutStreams:
    trial = malformed_calls.trial
    asked = trial.asked if trial is not None else None
    if trial is None or asked is None:
        return CutStreams(malformed_calls)
    if not asked.stream:
        return CutStreams(malformed_calls, streamed=False)
    lenient = min((malformed_calls, *malformed_calls.others), key=_required)
    assert lenient.trial is not None
    name = int(asked.endpoint == "chat")  # deltas before the arguments: there the name is one of them

    def after(how: str, call: Call, deltas: int, options: Mapping[str, bool]) -> Slip:
        return Slip(how, converse(loop, Player(cut_stream(call, deltas, **options), say(ANSWER))), call.name)

    unclosed = malformed(trial.tool.name, "unclosed", **trial.arguments)
    whole = calling(loop, lenient.trial.tool, lenient.trial.arguments)
    with muted():
        cuts = tuple(after(how, unclosed, ALL, options) for how, options in CUTS.items())
        begun = tuple(after(how, whole, name, options) for how, options in BEGUN.items()) if lenient.trial.arguments else ()
    return CutStreams(malformed_calls, cuts, lenient=lenient, begun=begun)


def _required(slips: Slips) -> int:
    return len(slips.trial.tool.schema.get("required") or ()) if slips.trial is not None else 0
