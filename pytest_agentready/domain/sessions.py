"""Two users of one loop: what was planted in the conversation of each, and where it turned up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_agentready.domain.model import ModelCall, ModelRequest

# Whose words they are.
WROTE = "wrote"
IDS = "is known by"
ANSWERED = "was answered by the model"
TOLD = "was told by a backend"


@dataclass(frozen=True, slots=True)
class User:
    """A user, and the words by which all that is its own is known."""

    name: str  # "the first user"
    user: str
    session: str
    marks: Mapping[str, str] = field(default_factory=dict)  # word -> whose it is: WROTE, IDS, ...

    def marked(self, text: str) -> str:
        """The first of its words that stands in this text; "" for none."""
        folded = text.lower()
        return next((mark for mark in self.marks if mark in folded), "")

    def word(self, origin: str) -> str:
        return next((mark for mark, whose in self.marks.items() if whose == origin), "")


@dataclass(frozen=True, slots=True)
class Served:
    """One call of the loop for one user."""

    user: User
    calls: tuple[ModelCall, ...]  # of the model; of both users, where they were served at the same time
    said: str | None
    problem: str = ""  # how it failed


@dataclass(frozen=True, slots=True)
class CrossedSessions:
    """Two users, one after the other and at the same time."""

    in_turn: tuple[Served, ...] = ()
    together: tuple[Served, ...] = ()
    known: bool = False  # is the loop told who is asking?
    keeper: str = ""  # why they may have been one and the same: an object of the call holds what the first user wrote, say
    obstacle: str = ""  # why they could not be tried


@dataclass(frozen=True, slots=True)
class Crossing:
    """Something of one user that another's conversation shows."""

    mark: str
    origin: str  # WROTE, IDS, ...
    owner: User
    place: str  # "is sent to the model, in a message of the role user"
    where: str


def texts_of(request: ModelRequest) -> Iterator[tuple[str, str]]:
    """All that a model is told, each with where it stands."""
    for message in request.messages:
        yield f"is sent to the model, in a message of the role {message.role}", message.text
        for call in message.calls:
            yield "is sent to the model, in a call of a tool", call.arguments
    yield "is sent to the model, as the one whom the request is for", request.user


def crossings(served: tuple[Served, ...]) -> Iterator[Crossing]:
    """What of each user got to another. Where both are served at once, a request that shows both has one too many."""
    users = list({one.user.name: one.user for one in served}.values())
    for one in served:
        for other in (user for user in users if user.name != one.user.name):
            for call in one.calls:
                yield from _in_request(call, one.user, other, beside=_is_beside(one, served))
            if one.said is not None and (mark := other.marked(one.said)):
                where = one.calls[-1].where if one.calls else ""
                yield Crossing(mark, other.marks[mark], other, "stands in the answer", where)


def _is_beside(one: Served, served: tuple[Served, ...]) -> bool:
    return any(other is not one and other.calls and other.calls == one.calls for other in served)


def _in_request(call: ModelCall, user: User, other: User, *, beside: bool) -> Iterator[Crossing]:
    texts = list(texts_of(call.request))
    if beside and not any(user.marked(text) for _, text in texts):
        return  # it is the other's own
    for place, text in texts:
        if mark := other.marked(text):
            yield Crossing(mark, other.marks[mark], other, place, call.where)
            return
