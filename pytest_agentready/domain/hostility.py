"""Calls that violate a tool's own schema, and the harm that they do: a crash deep inside, or an effect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.effects import counted, is_incidental
from pytest_agentready.domain.observation import Raised, Request, Run
from pytest_agentready.domain.subject import Facts
from pytest_agentready.domain.wording import shortened

Identity = tuple[str | bytes, ...]  # of a request: method, URL, body; of a program that is started, as an effect has it
SHOWN = 120  # characters of an exception's message
TELLING = 4  # characters: what is shorter stands in a request by chance


@dataclass(frozen=True, slots=True)
class HostileCall:
    """One call with arguments that violate the tool's schema."""

    parameter: str
    value: object  # JSON
    run: Run
    others: Mapping[str, object] = field(default_factory=dict)  # that are wrong, too
    varied: Mapping[str, object] = field(default_factory=dict)  # valid, but not as in the normal call
    drawn: bool = False  # by lot: it is not the simplest of its kind

    @property
    def wrong(self) -> dict[str, object]:
        return {self.parameter: self.value, **self.others}

    @property
    def changed(self) -> dict[str, object]:
        """All arguments that are not as in the normal call."""
        return {**self.wrong, **self.varied}


@dataclass(frozen=True, slots=True)
class HostileArguments:
    """Calls that violate the schema: one parameter at a time, the simplest of each kind first; then the one that drawing found."""

    calls: tuple[HostileCall, ...] = ()
    nothing: str = ""  # why there is nothing to violate; "" where there is
    gap: str = ""  # what could not be tried, and why


@dataclass(frozen=True, slots=True)
class Harm:
    """What one call did that it should not have done."""

    story: str  # "crashes with TypeError: ..."
    where: str
    cause: str  # the same for calls that one guard would mend


def harm_of(call: HostileCall, usual: Set[Identity], facts: Facts) -> Harm | None:
    """`usual` are the requests that valid arguments lead to, and the programs."""
    run = call.run
    if (effect := _effect(call, usual, facts)) is not None:
        return Harm(f"is carried out: {effect.method} {effect.url} was sent", effect.where, f"effect at {effect.where}")
    if (program := _program(call, usual, facts)) is not None:
        line = shortened(program.content.decode("utf-8", "replace"), SHOWN)
        return Harm(f"is carried out: {line} would be started", program.where, f"effect at {program.where}")
    if run.ending is not None:
        return Harm(f"does not end: {run.ending.story}", run.ending.where, f"ending at {run.ending.where}")
    if run.raised is not None and _is_crash(run.raised, run):
        return Harm(f"crashes with {_told(run.raised)}", run.raised.where, f"crash at {run.raised.where} by {call.parameter}")
    return None


def identities(*runs: Run) -> frozenset[Identity]:
    """The requests and the programs of these runs, to be told from others."""
    requests = frozenset(_identity(request) for run in runs for request in run.requests)
    return requests | {effect.identity for run in runs for effect in run.local_effects if effect.kind == "process"}


def _effect(call: HostileCall, usual: Set[Identity], facts: Facts) -> Request | None:
    """The first write that a peer carried out, other than the normal call's own: there the argument was mended, or is not used.

    A refusal of the peer's own is no effect; that the backend has no answer for it is not a refusal. A drawn value may be mended
    to something that is not the normal call's (1000.5 to 1000): its write is an effect only where the value itself arrived.
    """
    for request in call.run.requests:
        refused = request.routed is not False and request.status is not None and request.status >= 400
        if not request.is_write or not request.committed or refused or _identity(request) in usual or is_incidental(request, facts):
            continue
        if not call.drawn or any(_carries(request, value) for value in call.wrong.values()):
            return request
    return None


def _program(call: HostileCall, usual: Set[Identity], facts: Facts) -> Effect | None:
    """The first program that the call would have started and the normal call would not; a drawn value has to stand in its words."""
    for effect in counted(call.run, facts):
        if effect.kind == "process" and effect.verb == "start" and effect.target and effect.identity not in usual:
            words = effect.content.decode("utf-8", "replace")
            if not call.drawn or any(len(str(value)) >= TELLING and str(value) in words for value in call.wrong.values()):
                return effect
    return None


def _identity(request: Request) -> Identity:
    return request.method, request.url, request.body


def _carries(request: Request, value: object) -> bool:
    """Does the value stand in the request as it was given: as a part of its JSON, of its address, or somewhere in its text?"""
    text = request.body.decode("utf-8", "replace")
    try:
        if any(type(part) is type(value) and part == value for part in _parts(json.loads(text))):
            return True
    except (ValueError, RecursionError):
        pass
    written = str(value)
    address = urlsplit(request.url)
    pieces = [unquote_plus(piece) for piece in re.split(r"[/&=?]", f"{address.path}?{address.query}&{text}")]
    return written in pieces if len(written) < TELLING else any(written in piece for piece in [unquote_plus(request.url), text, *pieces])


def _parts(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _parts(part)


def _is_crash(raised: Raised, run: Run) -> bool:
    """A slip of the code below the door. After an error of the peer's the slip is about that, and AR102 speaks of it."""
    if raised.refusal or any(status >= 400 for status in run.statuses):
        return False
    return raised.accidental or raised.fatal


def _told(raised: Raised) -> str:
    kind, message = raised.kind.rpartition(".")[2], " ".join(raised.message.split())
    return f"{kind}: {shortened(message, SHOWN)}" if message else kind
