"""Why a test was ended: which wait, for whom, and where."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from types import TracebackType

from pytest_agentready.domain import Ending, ModelCall, ModelFailure
from pytest_agentready.prices import cost_of
from pytest_agentready.world import stack
from pytest_agentready.world.backend_calls import BackendFailed
from pytest_agentready.world.ending import OutboundBlocked
from pytest_agentready.world.timeline import Timeline

TOWARDS = {"recv": "from", "TLS read": "from", "send": "to", "TLS write": "to", "connect": "to", "TLS handshake": "with"}
REACHING = ("a connection to", "a message to", "a look-up of")  # what the allow-list can let out

Relative = Callable[[str], str]


def story(time: Timeline, calls: Sequence[ModelCall], relative: Relative) -> str:
    """`recv from api.example.com:443 waits for ever, no timeout is set (shop/tools.py:12)`; "" where the test came to its own end."""
    if time.ending is None:
        return ""
    if time.ending.kind == "stuck":
        return _endless_wait(time, time.ending, relative)
    if time.ending.kind == "runaway" and 2 * len(calls) >= time.ending.count:
        return _endless_loop(time.ending, calls, relative)
    return _at(f"the test does not end: {time.ending.story}", time.ending.where, relative)


def refusal(blocked: OutboundBlocked, relative: Relative) -> str:
    said = str(blocked)
    if said.startswith(REACHING):
        said += ", but to the hosts of agentready_allow_hosts"
    return _at(said, stack.of_traceback(blocked.__traceback__), relative)


def failed_backend(failure: BackendFailed, relative: Relative) -> str:
    """What is wrong with the backend, and the traceback of the user's own lines where they raised."""
    whose = "" if failure.what.startswith("the script") else "the backend does not work: "
    said = _at(f"{whose}{failure.what}", failure.where, relative)
    cause = failure.__cause__
    trace = cause.__traceback__ if cause is not None else None
    while trace is not None and not stack.is_users(trace.tb_frame.f_code):
        trace = trace.tb_next
    if cause is None or trace is None:
        return said
    return f"{said}\n\n{''.join(traceback.format_exception(type(cause), cause, trace)).rstrip()}"


def leave_us_out(error: BaseException) -> None:
    """Where a simulated call has failed, the user's line and the library's are the place to look at, and not how the world did it."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = _without_us(one.__traceback__)
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _without_us(trace: TracebackType | None) -> TracebackType | None:
    entries: list[TracebackType] = []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    kept = [entry for entry in entries if not stack.is_ours(entry.tb_frame.f_code)]
    for entry in reversed(kept or entries):
        trace = TracebackType(trace, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return trace


def stranded(failure: BackendFailed, calls: Sequence[ModelCall], relative: Relative) -> str:
    """The model was asked for what its script does not have, at this line."""
    told = str(failure)
    where = next((call.where for call in calls if isinstance(call.answer, ModelFailure) and call.answer.message == told), "")
    return _at(told, where, relative)


def _endless_loop(ending: Ending, calls: Sequence[ModelCall], relative: Relative) -> str:
    times = min(len(calls), ending.count)  # the call with which it was ended may be among them
    asks = _at(f"the loop does not end: the model was called {times} times, and is called again", ending.where, relative)
    used = sum(call.usage.total for call in calls if call.usage is not None)
    cost = cost_of(calls, {})
    price = f", which cost ${cost.dollars:,.2f}" if cost.dollars and cost.is_known else ""
    spent = f" They used {used:,} tokens{price}." if used else ""
    return f"{asks}.{spent} Give the loop a limit of its own: a number of calls, or a budget of tokens."


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
