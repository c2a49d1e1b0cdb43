"""Every text that a run's telemetry has in it, one by one, with where it stands, and by whose leave it may say whom it is about.

By the conventions the content of prompts, of calls and of their results is opt-in: it has attributes of its own, which somebody turns on
and keeps apart. So is an id: it is there to tell one user from another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_agentready.domain import LogLine, Span, Telemetry

Kind = Literal["span", "exception", "metric", "log"]

# Words of a key that say that what was given or answered stands there; in all three dialects, and in names of a project's own.
CONTENT = frozenset(
    (
        *("arg", "args", "arguments", "kwargs", "parameters", "input", "inputs", "output", "outputs", "result", "results"),
        *("prompt", "prompts", "completion", "completions", "messages", "content", "instructions", "definitions", "documents"),
    )
)
# Of what stands in another namespace, however a key goes on, there is no such leave: `url.query`, `exception.message`, `db.query.text`.
PLAIN = frozenset(("url", "http", "exception", "error", "db", "server", "client", "network", "net", "messaging", "rpc", "code", "process"))
ID = frozenset(("id", "ids", "uid", "uuid", "hash", "userid", "sessionid"))


@dataclass(frozen=True, slots=True)
class Saying:
    """A text, and where it stands."""

    text: str
    place: str  # in words: "the attribute url.full of the span GET"
    where: str  # the user's line
    kind: Kind
    content: bool = False  # it is opt-in content
    identifies: bool = False  # it stands for somebody, as an id
    line: LogLine | None = None  # of which it is


def sayings(telemetry: Telemetry) -> Iterator[Saying]:
    for span in telemetry.spans:
        yield from _of_span(span)
    for one in telemetry.measurements:
        for key, value in one.attributes.items():
            yield Saying(_text(value), f"the attribute {key} of the metric {one.name}", one.where, "metric", identifies=_is_id(key))
    for line in telemetry.logs:
        place = f"{f'the event {line.event}' if line.event else 'a line'} of the logger {line.logger}, at {line.level}"
        content = line.event.startswith("gen_ai.")
        yield Saying(line.text, place, line.where, "log", content=content, line=line)
        for key, value in line.attributes.items():
            told = f"the field {key} of {place}"
            yield Saying(_text(value), told, line.where, "log", content=content and _is_content(key), identifies=_is_id(key), line=line)


def _of_span(span: Span) -> Iterator[Saying]:
    yield Saying(span.name, f"the name of the span {span.name}", span.where, "span")
    for key, value in span.attributes.items():
        place = f"the attribute {key} of the span {span.name}"
        yield Saying(_text(value), place, span.where, "span", _is_content(key), _is_id(key))
    for event in span.events:
        for key, value in event.attributes.items():
            content = event.name.startswith("gen_ai.") or _is_content(key)
            kind: Kind = "exception" if key.startswith("exception.") else "span"
            place = f"the event {event.name}{'' if kind == 'exception' else f' ({key})'} of the span {span.name}"
            yield Saying(_text(value), place, span.where, kind, content, _is_id(key))
    if span.description:
        yield Saying(span.description, f"the status of the span {span.name}", span.where, "exception")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_text(part)}" for key, part in value.items())
    return " ".join(map(_text, value)) if isinstance(value, (list, tuple)) else str(value)


def _is_content(key: str) -> bool:
    words = _words(key)
    return words[0] not in PLAIN and not CONTENT.isdisjoint(words)


def _is_id(key: str) -> bool:
    return _words(key)[-1] in ID


def _words(key: str) -> list[str]:
    return [word for word in re.split(r"[._]+", key.lower()) if word and not word.isdigit()] or [""]
