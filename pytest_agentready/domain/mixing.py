"""What of one call got into another that was made at the same time: into what it asked for, or into what it gave."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_agentready.domain.observation import Request, Run
from pytest_agentready.domain.repeats import Meeting, Party
from pytest_agentready.domain.structure import differences, masked
from pytest_agentready.domain.wording import shortened

# Headers that say nothing of what is asked for, or by whom.
TECHNICAL = frozenset({
    "host", "user-agent", "accept", "accept-encoding", "accept-language", "connection", "content-length", "content-type",
    "transfer-encoding",
    "traceparent", "tracestate", "baggage", "date", "cache-control", "pragma", "expect", "te", "upgrade-insecure-requests",
})  # fmt: skip
OF_FILES = ("FileNotFoundError", "FileExistsError", "IsADirectoryError", "NotADirectoryError")
FLAG = re.compile(r"true|false|null|", re.IGNORECASE)
NEAR = 1_000  # of two numbers that may have been counted
SHOWN = 60  # characters of a value
INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Mixture:
    """One piece of evidence."""

    story: str
    where: str = ""
    kind: str = "result"  # "request", "memory", "raised", "file": it raised what the system says of a file


def mixtures(meeting: Meeting, unstable: Iterable[str] = (), *, keeps_records: bool = False) -> Iterator[Mixture]:
    """`unstable`: parts of the result that differ anyway. Who `keeps_records` in a store may well show them to every caller."""
    yield from _in_requests(meeting)
    for party, other in ((meeting.one, meeting.other), (meeting.other, meeting.one)):
        yield from _in_result(party, other, set(unstable), keeps_records=keeps_records)


def _in_requests(meeting: Meeting) -> Iterator[Mixture]:
    ours, theirs = ([_fields(request) for request in party.solo.requests] for party in (meeting.one, meeting.other))
    for request in meeting.together.requests:
        fields = _fields(request)
        if fields in ours or fields in theirs:
            continue
        if (both := _of_both(fields, ours, theirs)) is not None:
            one, other = both
            what = f"{request.method} {shortened(request.url, 80)}"
            yield Mixture(f"{what} is sent with {one} of the one call and {other} of the other", request.where, "request")
    yield from _swapped(meeting, ours, theirs)


def _swapped(meeting: Meeting, ours: list[dict[str, str]], theirs: list[dict[str, str]]) -> Iterator[Mixture]:
    """The one call's question is missing, and the other's was asked twice."""
    asked = Counter(_key(_fields(request)) for request in meeting.together.requests)
    alone = [Counter(map(_key, fields)) for fields in (ours, theirs)]
    for mine, other in (alone, alone[::-1]):
        missing = [key for key in mine - other if asked[key] < mine[key]]
        doubled = [key for key in other - mine if asked[key] > other[key]]
        if missing and doubled:
            of = next(request for request in meeting.together.requests if _key(_fields(request)) == doubled[0])
            yield Mixture(f"{of.method} {shortened(of.url, 80)} of the one call is sent for both", of.where, "request")
            return


def _of_both(fields: Mapping[str, str], ours: list[dict[str, str]], theirs: list[dict[str, str]]) -> tuple[str, str] | None:
    """Which of its parts belongs to the one call alone, and which to the other."""
    for mine in ours:
        for other in theirs:
            if mine["method"] != fields["method"] or other["method"] != fields["method"]:
                continue
            told = [name for name in fields if mine.get(name) != other.get(name)]
            of_mine = [name for name in told if fields[name] == mine.get(name)]
            of_other = [name for name in told if fields[name] == other.get(name)]
            if len(of_mine) + len(of_other) != len(told):
                continue
            of_mine, of_other = ([name for name in names if _tells(mine.get(name), other.get(name))] for names in (of_mine, of_other))
            if of_mine and of_other:
                return _named(of_mine[0], fields), _named(of_other[0], fields)
    return None


def _tells(one: str | None, other: str | None) -> bool:
    """Whose it is? Requests that are numbered have each other's numbers by chance, and a switch says nothing."""
    if one is None or other is None or not (one.isdecimal() and other.isdecimal()):
        return not (FLAG.fullmatch(one or "") and FLAG.fullmatch(other or ""))
    return abs(int(one) - int(other)) > NEAR


def _named(name: str, fields: Mapping[str, str]) -> str:
    if name == "url":
        return "the address"
    return "the body" if name == "body" else f"the {name.lstrip('?.')} ({shortened(fields[name], 24)})"


def _fields(request: Request) -> dict[str, str]:
    """Its parts, each of which may come from another call: `?name` is one of the query, `.name` one of a JSON object in the body."""
    found = {"method": request.method, **_of_address(request), **_of_body(request)}
    return found | {name: masked(value) for name, value in request.headers if name not in TECHNICAL}


def _of_address(request: Request) -> dict[str, str]:
    if not request.is_http:
        return {"url": masked(unquote(request.url))}
    parts = urlsplit(request.url)
    query: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query[f"?{name}"] = f"{query[f'?{name}']}, {masked(value)}" if f"?{name}" in query else masked(value)
    return {"host": masked(parts.netloc), "path": masked(unquote(parts.path)), **query}


def _of_body(request: Request) -> dict[str, str]:
    text = request.body.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        content = json.loads(text) if request.is_http and text[:1] == "{" else None
        if isinstance(content, dict):
            return {
                f".{name}": masked(part if isinstance(part, str) else json.dumps(part, sort_keys=True)) for name, part in content.items()
            }
    return {"body": masked(text)}


def _key(fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(fields.items()))


def _in_result(party: Party, other: Party, unstable: set[str], *, keeps_records: bool) -> Iterator[Mixture]:
    beside = party.beside
    if beside.raised is not None and party.solo.returned:
        kind = "file" if beside.raised.kind in OF_FILES else "raised"
        yield Mixture(f"beside the other it raises {beside.raised.kind}: {shortened(beside.raised.message, 80)}", beside.raised.where, kind)
        return
    if not beside.returned:
        return
    changed = {found.path: found for found in differences(party.solo.value, beside.value) if not _is_unstable(found.path, unstable)}
    unlike = {found.path for found in differences(other.solo.value, beside.value)}
    for path, found in changed.items():
        strange = next((mark for mark in other.marks if mark in repr(found.other) and mark not in repr(found.one)), "")
        if (path not in unlike and found.one != found.other) or (strange and not keeps_records):
            other_way = f"by itself it is {shortened(repr(found.one), SHOWN)}"
            yield Mixture(f"{found.place} is {shortened(repr(found.other), SHOWN)}, which is the other call's; {other_way}")
            return
    if not keeps_records and (mark := _remembered(party.solo, other) or _remembered(beside, other)):
        yield Mixture(f"what one call was given ({mark!r}) stands in the result of another, later one", kind="memory")


def _is_unstable(path: str, unstable: set[str]) -> bool:
    """Is it such a part, or does it stand in the same list, or below it? What is drawn by lot may come at any place of a list."""
    place = INDEX.sub("[]", path)
    return any(place == known or place.startswith((f"{known}.", f"{known}[")) for known in (INDEX.sub("[]", each) for each in unstable))


def _remembered(run: Run, other: Party) -> str:
    text = repr(run.value)
    return next((mark for mark in other.marks if mark in text), "")
