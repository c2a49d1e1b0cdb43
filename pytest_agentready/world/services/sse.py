"""Server-sent events: how the providers of models stream their answers, delta by delta, and how such a stream breaks off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pytest_agentready.domain import ModelAnswer
from pytest_agentready.world.messages import Response, Transmission

EVENT_STREAM = "text/event-stream; charset=utf-8"
MOST = 40  # deltas of one text; in a longer one each has more
_WORDS = re.compile(r"\s*\S+|\s+$")


class Event(NamedTuple):
    data: bytes
    is_delta: bool = False  # a part of what the model says, and not of the frame around it


def event(value: Mapping[str, Any] | str, name: str = "", *, is_delta: bool = False) -> Event:
    """One event, with a name where the protocol names them."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    named = f"event: {name}\n" if name else ""
    return Event(f"{named}data: {text}\n\n".encode(), is_delta)


def stream(events: Iterable[Event], answer: ModelAnswer, headers: Mapping[str, str]) -> Transmission:
    """The whole stream, or as many deltas of it as get out; `in_good_order` the client cannot tell that there should be more."""
    chunks, ending = list(events), _ending(answer)
    if answer.breaks_after is not None:
        chunks = list(_until(chunks, answer.breaks_after))
    return Transmission(chunks=[chunk.data for chunk in chunks], ending=ending, headers=headers, content_type=EVENT_STREAM)


def whole(body: Mapping[str, Any], answer: ModelAnswer, headers: Mapping[str, str]) -> Response:
    """An answer that is no stream: whole, or its first half."""
    if answer.breaks_after is None or answer.in_good_order:
        return Response(json=body, headers=headers)
    return Transmission(body=json.dumps(body).encode(), ending=_ending(answer), headers=headers)


def pieces(text: str) -> list[str]:
    """The text as it is said, some words at a time."""
    words = _WORDS.findall(text)
    size = -(-len(words) // MOST) or 1
    return ["".join(words[start : start + size]) for start in range(0, len(words), size)]


def fragments(text: str) -> list[str]:
    """Arguments as they are written: parts of them that are no JSON by themselves."""
    size = max(6, -(-len(text) // MOST))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _until(events: Iterable[Event], deltas: int) -> Iterator[Event]:
    """The events before the delta that does not get out; of an answer with fewer, all but the frame behind the last."""
    kept = list(events)
    sent = [number for number, one in enumerate(kept) if one.is_delta]
    if deltas < len(sent):
        return iter(kept[: sent[deltas]])
    return iter(kept[: sent[-1] + 1] if sent else kept[:1])


def _ending(answer: ModelAnswer) -> Literal["whole", "closed", "silence"]:
    if answer.breaks_after is None or answer.in_good_order:
        return "whole"
    return "silence" if answer.in_silence else "closed"
