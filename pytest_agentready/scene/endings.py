"""Why a test was ended: which wait, for whom, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_agentready.domain import Ending, ModelCall, ModelFailure, OutOfScript
from pytest_agentready.world import stack
from pytest_agentready.world.ending import OutboundBlocked
from pytest_agentready.world.timeline import Timeline

TOWARDS = {"recv": "from", "TLS read": "from", "send": "to", "TLS write": "to", "connect": "to", "TLS handshake": "with"}

Relative = Callable[[str], str]


def story(time: Timeline, relative: Relative) -> str:
    """`recv from api.example.com:443 waits for ever, no timeout is set (shop/tools.py:12)`; "" where the test came to its own end."""
    if time.ending is None:
        return ""
    if time.ending.kind == "stuck":
        return _endless_wait(time, time.ending, relative)
    return _at(f"the test does not end: {time.ending.story}", time.ending.where, relative)


def refusal(blocked: OutboundBlocked, relative: Relative) -> str:
    return _at(str(blocked), stack.of_traceback(blocked.__traceback__), relative)


def stranded(failure: OutOfScript, calls: Sequence[ModelCall], relative: Relative) -> str:
    """The model was asked for what its script does not have, at this line."""
    told = str(failure)
    where = next((call.where for call in calls if isinstance(call.answer, ModelFailure) and call.answer.message == told), "")
    return _at(told, where, relative)


def _endless_wait(time: Timeline, ending: Ending, relative: Relative) -> str:
    stuck = [wait for wait in time.waits if wait.outcome == "unbounded"]
    for wait in stuck:
        if wait.peer and wait.bound is None:
            what = f"{wait.primitive} {TOWARDS.get(wait.primitive, 'for')} {wait.peer}"
            return _at(f"{what} waits for ever, no timeout is set", wait.where, relative)
    if stuck:
        return _at(f"{stuck[0].primitive} waits for ever, for a thread or a signal that will never come", stuck[0].where, relative)
    return _at(ending.detail, ending.where, relative)


def _at(what: str, where: str, relative: Relative) -> str:
    return f"{what} ({relative(where)})" if where else what
