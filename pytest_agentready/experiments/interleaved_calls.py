"""Two calls about different things, for different users, at the same time; and each of them by itself."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from typing import Any

from pytest_agentready.arguments.other_calls import another, marks, replaced, varied
from pytest_agentready.domain import InterleavedCalls, Meeting, NormalCall, Party, RepeatedCall, Run, Tool
from pytest_agentready.experiments.at_once import Side, at_once
from pytest_agentready.experiments.calling import CannotConfirm, memory_kept
from pytest_agentready.experiments.normal_call import hindered
from pytest_agentready.world import Backend, BackendFailed
from pytest_agentready.world.echo import Caller, Echo
from pytest_agentready.world.stdio import muted

ALIKE = "two calls with the same arguments cannot be told apart: give args=[{...}, {...}], or user="


def run(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall) -> InterleavedCalls:
    if not repeated_call.repeats:
        return InterleavedCalls(obstacle=repeated_call.obstacle)
    if normal_call.in_real_time:
        return InterleavedCalls(obstacle="its client waits in real time, in which no two calls are made at once")
    why = ""
    with muted(), memory_kept(tool):
        for one, other, tells_apart in _pairs(tool):
            try:
                meeting, reason = _meeting(tool, normal_call, one, other, tells_apart=tells_apart)
            except CannotConfirm as refusal:
                return InterleavedCalls(obstacle=str(refusal))
            except BackendFailed as failure:
                reason, meeting = f"the backend raised {failure} for other arguments", None
            if meeting is not None:
                return InterleavedCalls((meeting,))
            why = why or reason
    return InterleavedCalls(obstacle=f"{why}. Give a second set of arguments: args=[{{...}}, {{...}}]" if why else ALIKE)


def _pairs(tool: Tool) -> Iterator[tuple[Side, Side, bool]]:
    """Two callers, the most different first; and whether their answers are told apart."""
    sets = tool.facts.args or ()
    if not sets:
        return
    users = _users(tool)
    given = dict(sets[0])
    if len(sets) > 1:
        pairs = [(dict(sets[0]), dict(sets[1]))]
    else:
        pairs = [(another(given, tool.schema, 0), another(given, tool.schema, 1)), (given, another(given, tool.schema, 1))]
    if isinstance(tool.facts.user, str) and tool.facts.user in given:
        name = tool.facts.user
        pairs.append((given, given | {name: varied(given[name], name, 1)}))
    elif users[0] != users[1]:
        pairs.append((given, given))
    for one, other in pairs:
        if one == other and users[0] == users[1]:
            continue
        named = tuple(str(user) for user in users if isinstance(user, str))
        first = Side(one, users[0], (*marks(one, other), *named[:1]))
        second = Side(other, users[1], (*marks(other, one), *named[1:]))
        yield first, second, True
        if first.marks or second.marks:
            yield first, second, False


def _users(tool: Tool) -> tuple[Any, Any]:
    """Two values for a context's user; (None, None) where the tool has none there."""
    if not isinstance(tool.facts.user, contextvars.ContextVar):
        return None, None
    try:
        current = tool.facts.user.get()
    except LookupError:  # nobody is set, and there is no default
        current = None
    if current is None or isinstance(current, str):
        return varied(current or "user", "user", 0), varied(current or "user", "user", 1)
    if type(current) is int or type(current) is dict:
        return varied(current, "user_id", 0), varied(current, "user_id", 1)
    return current, current


def _meeting(tool: Tool, normal_call: NormalCall, one: Side, other: Side, *, tells_apart: bool) -> tuple[Meeting | None, str]:
    """None, and why, where one of the calls does not succeed by itself."""
    backend = tool.facts.backend if isinstance(tool.facts.backend, Backend) else Backend()
    if tells_apart:
        given = (tool.facts.args or ({},))[0]
        callers = [Caller(each.marks, replaced(given, each.arguments), shift) for shift, each in enumerate((one, other))]
        backend = Echo(backend, callers)
    solos: list[Run] = []
    for each in (one, other):
        (solo,), _ = at_once(tool, [each], backend, is_async=bool(normal_call.is_async))
        if why := hindered(tool, solo):
            named = f"a call with {dict(each.arguments)!r}"
            return None, why.replace("the normal call", named).replace("the confirmed call", named)
        solos.append(solo)
    (first, second), together = at_once(tool, [one, other], backend, is_async=bool(normal_call.is_async))
    for each, run in zip((one, other), (first, second), strict=True):
        if run.raised is not None and not normal_call.is_async:  # a connection to SQLite may belong to the thread that made it
            (solo,), _ = at_once(tool, [each], backend, is_async=False, threaded=True)
            if solo.raised is not None:
                return None, f"called in a thread of its own it raises {solo.raised.kind}: {solo.raised.message}"
    if together.ending is not None:
        return None, f"two calls at the same time do not come to an end ({together.ending.story})"
    return Meeting(
        Party(one.arguments, _shown(one.user), solos[0], first, one.marks),
        Party(other.arguments, _shown(other.user), solos[1], second, other.marks),
        together,
    ), ""


def _shown(user: Any) -> str:
    return "" if user is None else str(user)
