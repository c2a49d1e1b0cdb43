"""A tool behind its confirmation gate: what was tried, what happened, and what of that is the gate's own."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.observation import Request, Run
from pytest_agentready.domain.verdict import NotApplicable, Unproven
from pytest_agentready.domain.wording import listed, shortened

# What tells a model that a human has to agree first.
ASKS = re.compile(
    r"confirm|approv|authori[sz]|permission|consent|sign[\s_-]?off|go[\s_-]?ahead|human|interrupt|handoff|hand[\s_-]over|elicit"
    r"|review(?:ed)?\s+by|(?:user|operator|customer)\s+(?:must|has to|needs? to)|ask\s+(?:the|your)\s+(?:user|operator|customer)"
    r"|are\s+you\s+sure|not\s+allowed\s+without",
    re.IGNORECASE,
)
# What sounds like it, and tells that all is done: "your review is confirmed"; with an `open` before it, it is still to come.
DONE = re.compile(
    r"(?P<open>\b(?:not|never|be|until|unless|once|if|\w+n't)\s+(?:\w+\s+)?)?"
    r"\b(?:confirmed|approved|authori[sz]ed|consented)\b(?![\"']?\s*[:=]\s*(?:false|null|none|0))(?!\s+by\b)",
    re.IGNORECASE,
)
# So it is with what is given after it, unless something is still to come: "pending, confirmation id X1".
RECEIPT = re.compile(
    r"\bconfirmation[\s_-](?:number|code|id|no|e-?mail|mail|message|letter|link|text|was|has\s+been)\b"
    r"|\b(?:sent|sends?|e?mailed|got|gets?|receives?|with)\s+(?:\w+\s+){0,3}confirmation\b"
    r"|[\"']confirmation[\"']\s*:",
    re.IGNORECASE,
)
TO_COME = re.compile(r"requir|await|pending", re.IGNORECASE)
# What a store of a gate's own is called, where nothing else says so: one of the words of a table's, a key's or a file's name.
GATES_OWN = re.compile(
    r"confirm(?:s|ed|ing|ations?)?|approv(?:e|es|ed|al|als|ing)|unapproved|unconfirmed|pending|intents?|consents?|permissions?|gates?"
    r"|challenges?|nonces?|hitl",
    re.IGNORECASE,
)
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # `PendingIntents`, `pending_intents`
STORES = ("command", "statement", "file", "memory")
TOKENS = re.compile(rb"[A-Za-z0-9_.+\-]+|[^A-Za-z0-9_.+\-]")
CONFIRM = "give confirm=, a function that takes the tool's own arguments and records a human's approval of exactly that call"
SHOWN = 60  # characters of a value
SAID = 120  # characters of what a tool says


@dataclass(frozen=True, slots=True)
class Trial:
    """One call of the tool, and its effects: those that count, and are none of its gate's."""

    run: Run
    effects: tuple[Effect, ...] = ()
    how: str = ""  # "with confirm=True"

    @property
    def told(self) -> str:
        """What the tool said."""
        if self.run.raised is not None:
            return f"{self.run.raised.kind.rpartition('.')[2]}: {self.run.raised.message}"
        answer = self.run.answer
        return "" if answer is None else answer.message or answer.text

    @property
    def asks(self) -> bool:
        """Did it say that a confirmation is required? A success does not, whatever words it has for it."""
        answer = self.run.answer
        if self.run.raised is not None or answer is None:
            return ASKS.search(self.told) is not None
        if answer.tells_of_failure:
            return ASKS.search(f"{answer.message}\n{answer.text}") is not None
        text = DONE.sub(_if_open, answer.text)
        text = text if TO_COME.search(text) else RECEIPT.sub(" ", text)
        return answer.status != "success" and ASKS.search(text) is not None

    @property
    def deeds(self) -> str:
        """`POST https://api.mail.example/send (twice) and MAIL smtp://mail.example:25`."""
        counts = Counter(effect.story for effect in self.effects)
        times = {1: "", 2: " (twice)"}
        return listed(f"{story}{times.get(count, f' ({count} times)')}" for story, count in counts.items())


@dataclass(frozen=True, slots=True)
class Change:
    """A call with one argument that is not what was approved; where several values were tried, the one that tells most."""

    argument: str  # "body", "items[0].price", "user"
    approved: object
    given: object
    trial: Trial
    moot: bool = False  # it was refused for another reason, so that the gate was not asked

    @property
    def story(self) -> str:
        return f"{self.argument}={_shown(self.given)} in the place of {_shown(self.approved)}"


@dataclass(frozen=True, slots=True)
class GateWalk:
    """The calls that show whether a tool has a gate, and what passes it."""

    arguments: Mapping[str, object] = field(default_factory=dict)  # of the confirmed calls
    unconfirmed: tuple[Trial, ...] = ()  # one for each set of arguments
    confirmed: Trial | None = None  # with the arguments that lead to an effect
    again: Trial | None = None  # a second time, by the same approval
    later: Trial | None = None  # a day after the approval
    sample: Trial | None = None  # confirmed once more: what differs from the first is chance, or the time
    changes: tuple[Change, ...] = ()
    untried: str = ""  # why the approval of one user was not tried with another; "" where it was, or there is none
    opened: tuple[Trial, ...] = ()  # unconfirmed calls, by which the model tried to open the gate, and did
    tried: tuple[str, ...] = ()  # the parameters by which it tried
    confirming: Run | None = None  # the first call of `confirm`
    traceless: bool = False  # which has left nothing behind that could be seen
    stale: tuple[str, ...] = ()  # what of the user's memory held an approval of the same call from before, and was emptied for the walk
    broken: str = ""  # why `confirm` cannot be used
    confirm_name: str = ""  # "confirm=grant"; "" where the marker gives none
    gap: str = ""  # why there is nothing to judge

    @property
    def nothing_to_confirm(self) -> Unproven | NotApplicable | None:
        """Why the gate cannot be walked through; None where it can."""
        if self.gap:
            return Unproven(self.gap)
        if not self.confirm_name:
            if not self.acts and not self.refuses:
                return NotApplicable("it has no effects")
            return Unproven(CONFIRM)
        if self.broken:
            return Unproven(self.broken)
        if self.is_open:
            return NotApplicable("see AR401: it acts without any confirmation")
        if self.confirmed is None or (
            not self.confirmed.effects and not self.confirmed.asks and not self.refuses and self.confirmed.run.returned
        ):
            return NotApplicable("it has no effects")
        return None

    @property
    def not_opened(self) -> Unproven | NotApplicable | None:
        """Why nothing can be said of what passes the gate; None where a confirmed call passes it."""
        if (why := self.nothing_to_confirm) is not None:
            return why
        assert self.confirmed is not None
        if self.confirmed.effects:
            return None
        return Unproven(f"the confirmed call does nothing ({shortened(self.confirmed.told, SAID)}): see AR402")

    @property
    def acts(self) -> bool:
        """Has the tool any effect, as far as it was seen?"""
        trials = [*self.unconfirmed, self.confirmed, *self.opened]
        return any(trial is not None and trial.effects for trial in trials)

    @property
    def is_open(self) -> bool:
        """Does it act without anybody's confirmation?"""
        return any(trial.effects for trial in self.unconfirmed)

    @property
    def refuses(self) -> bool:
        return any(trial.asks for trial in self.unconfirmed)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a confirmation, or the tool as it looks for one, has written, changed or asked for."""

    place: str  # "SET redis://cache.internal:6379", "shop.tools.APPROVED"
    text: bytes


@dataclass(frozen=True, slots=True)
class ConfirmationKeys:
    """The marks of one confirmed call: here, here once more, and in another process."""

    here: tuple[Mark, ...] = ()
    again: tuple[Mark, ...] = ()
    there: tuple[Mark, ...] = ()
    gap: str = ""  # why they could not be compared


def without_gates_own(effects: Iterable[Effect], confirming: Run | None, touched: Iterable[Effect], refused: bool) -> tuple[Effect, ...]:
    """The effects on the world that are not the gate's own book-keeping: its stores are those that `confirm` has touched.

    So is what a refusal leaves in stores that are called like one, such as an intent that waits for its approval.
    """
    own = {family for effect in touched for family in _families(effect)}
    if confirming is not None:
        own |= {family for request in confirming.requests for family in _families_of_request(request)}

    def is_gates(effect: Effect) -> bool:
        if effect.kind == "memory":  # what a process remembers nobody outside of it gets to see
            return True
        families = set(_families(effect))
        if families and families <= own:
            return True
        return refused and _is_called_like_a_gates(effect)

    return tuple(effect for effect in effects if not is_gates(effect))


def _if_open(done: re.Match[str]) -> str:
    return done[0] if done["open"] else " "


def _is_called_like_a_gates(effect: Effect) -> bool:
    match effect.kind:
        case "command":
            names = effect.places or tuple(_keys(effect.content))
        case "statement":
            names = effect.places
        case "file":
            names = ("/".join(effect.target.split(os.sep)[-2:]),)  # the file, and its folder
        case _:
            return False
    return bool(names) and all(map(_has_a_gates_word, names))


def _has_a_gates_word(name: str) -> bool:
    return any(GATES_OWN.fullmatch(word) for word in WORDS.findall(name))


def _families(effect: Effect) -> Iterator[str]:
    """Where an effect belongs: its table, the keys that are named like its own, the folder, the collection of an API."""
    match effect.kind:
        case "command":
            keys = effect.places or _keys(effect.content)
            yield from (f"{effect.target} {_family(key)}" for key in keys)
        case "statement":
            yield from (f"{effect.target} {table.lower()}" for table in effect.places)
        case "file":
            yield f"file {os.path.dirname(effect.target)}/*{os.path.splitext(effect.target)[1]}"
        case "request":
            yield f"request {_collection(effect.target)}"
        case _:
            yield f"{effect.kind} {effect.target}"


def _families_of_request(request: Request) -> Iterator[str]:
    """What is asked for counts as well: `confirm` may look an intent up that the tool has stored."""
    if request.url.startswith("redis"):
        yield from (f"{request.url.partition('?')[0]} {_family(key)}" for key in request.places or _keys(request.body))
    elif request.is_http:
        yield f"request {_collection(request.url.partition('?')[0])}"
    else:
        yield from (f"{request.url.partition('?')[0]} {table.lower()}" for table in request.places)


def _keys(command: bytes) -> Iterator[str]:
    for line in command.splitlines():
        words = line.split()
        if len(words) > 1:
            yield words[1].decode(errors="replace")


def _family(key: str) -> str:
    """`shop:approvals:*` for `shop:approvals:7f3a:mail`."""
    parts = key.split(":")
    for number, part in enumerate(parts[:-1], 1):
        if _has_a_gates_word(part):
            return f"{':'.join(parts[:number])}:*"
    return f"{':'.join(parts[:-1])}:*" if parts[1:] else re.sub(r"[0-9a-fA-F]{6,}|\d+", "*", key)


def _collection(url: str) -> str:
    """`https://api.example.com/approvals` for what lies below it."""
    parts = urlsplit(url)
    pieces = [piece for piece in parts.path.split("/") if piece]
    while pieces and (any(char.isdigit() for char in pieces[-1]) and not re.fullmatch(r"v\d+", pieces[-1])):
        pieces.pop()
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(pieces)}"


def does_another_thing(changed: Iterable[Effect], approved: Iterable[Effect], sample: Iterable[Effect]) -> bool:
    """Is one of these effects none of the approved ones? What differs between those and a sample of the same is chance, or the time."""
    first, second = [*approved], [*sample]
    pairs = list(zip(first, second, strict=True)) if len(first) == len(second) else [(effect, effect) for effect in first]
    return any(not any(_is_same(effect, one, other) for one, other in pairs) for effect in changed)


def _is_same(effect: Effect, one: Effect, other: Effect) -> bool:
    if (effect.kind, effect.verb) != (one.kind, one.verb):
        return False
    return alike(_text(effect), _text(one), _text(other))


def _text(effect: Effect) -> bytes:
    return effect.target.encode() + b"\n" + effect.content


def alike(text: bytes, one: bytes, other: bytes) -> bool:
    """Is it the same as `one`, but for what differs between that and `other`?"""
    if text == one:
        return True
    found = unlike(text, one, other)
    return found is not None and not found


def unlike(text: bytes, one: bytes, other: bytes) -> list[tuple[bytes, bytes]] | None:
    """The words in which a text is not as `one`, without those in which `other` is not either; None where they are built otherwise."""
    words, ones, others = TOKENS.findall(text), TOKENS.findall(one), TOKENS.findall(other)
    if not len(words) == len(ones) == len(others):
        return None
    return [(mine, theirs) for mine, theirs, again in zip(words, ones, others, strict=True) if mine != theirs and theirs == again]


def _shown(value: object) -> str:
    try:
        return shortened(repr(value), SHOWN)
    except Exception:  # a __repr__ of the user's own
        return f"<{type(value).__name__}>"


def call_of(name: str, arguments: Mapping[str, object]) -> str:
    """`send_email(to='ada@example.com', ...)`, for a message."""
    return f"{name.rpartition('.')[2]}({', '.join(f'{key}={_shown(value)}' for key, value in arguments.items())})"
