"""Two users at the same time, and one of them gets what the other asked for.

A header that is set on a client which all calls share, a global for the current user, a list as a default argument, the last answer kept
in a module: with one call at a time nobody notices. Agents make several at once, for one user and for many.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    Finding,
    InterleavedCalls,
    Judgement,
    Meeting,
    NotApplicable,
    RepeatedCall,
    Severity,
    Tool,
    Unproven,
    contrasted,
    counted,
    differences,
    mixtures,
)

check = Check(
    id="AR305",
    title="Two calls at the same time get in each other's way",
    severity=Severity.HIGH,
    profile="standard",
    fix=(
        "Keep what belongs to one call in its own variables and arguments: headers with the request (`client.get(url, headers=...)`) "
        "and not on the shared client, the user in a ContextVar, `None` as the default of a list, a temporary file of its own."
    ),
    since="0.1",
)
SHOWN = 40  # characters of an argument
FILES = (
    "Give each call files of its own: `with tempfile.TemporaryDirectory() as folder:`, or a name that is made from the arguments; let what "
    "others may have removed meanwhile be no failure (`path.unlink(missing_ok=True)`)."
)


@check
def judge(tool: Tool, repeated_call: RepeatedCall, interleaved_calls: InterleavedCalls) -> Iterator[Judgement]:
    if not interleaved_calls.meetings:
        alike = (
            bool(repeated_call.repeats) and not any(repeat.first.arguments for repeat in repeated_call.repeats) and tool.facts.user is None
        )
        yield NotApplicable("it is given nothing in which two calls could differ") if alike else Unproven(interleaved_calls.obstacle)
        return
    unstable = {found.path for repeat in repeated_call.repeats for found in differences(repeat.first.value, repeat.twin.value)}
    for meeting in interleaved_calls.meetings:
        runs = (meeting.one.solo, meeting.other.solo, meeting.together)
        keeps_records = any(effect.kind != "memory" for run in runs for effect in counted(run, tool.facts))
        found = list(mixtures(meeting, unstable, keeps_records=keeps_records))
        if found:
            first = found[0]
            yield Finding(
                f"of two calls at the same time{_told(meeting)}, {first.story}" if first.kind != "memory" else first.story,
                where=first.where or tool.source,
                evidence={
                    "arguments": [dict(meeting.one.arguments), dict(meeting.other.arguments)],
                    "found": [each.story for each in found[:5]],
                },
                fix=FILES if first.kind == "file" else "",
            )
            return


def _told(meeting: Meeting) -> str:
    """In what they differ: ` (with customer='Ada', and customer='AdaCallerone')`."""
    one, other = meeting.one.arguments, meeting.other.arguments
    name = next((name for name in one if name in other and one[name] != other[name]), "")
    if not name:
        return ""
    values = contrasted(repr(one[name]), repr(other[name]), SHOWN)
    return f" (with {name}={values[0]}, and {name}={values[1]})"


@check.passes(args={"customer": "Ada"}, backend={"GET https://crm.example.com/customers/{name}": {"name": "Ada", "debt": 12.5}})
def with_its_own_header(customer: str) -> dict[str, object]:
    import requests

    headers = {"X-Customer": customer}
    response = requests.get(f"https://crm.example.com/customers/{customer}", headers=headers, timeout=5)
    return {"status": "success", "data": response.json()["debt"]}


@check.fails(args={"customer": "Ada"}, backend={"GET https://crm.example.com/customers/{name}": {"name": "Ada", "debt": 12.5}})
def with_a_default_that_remembers(customer: str, seen: list[str] = []) -> dict[str, object]:  # noqa: B006
    import requests

    response = requests.get(f"https://crm.example.com/customers/{customer}", timeout=5)
    seen.append(customer)
    return {"status": "success", "data": {"debt": response.json()["debt"], "customers": list(seen)}}
