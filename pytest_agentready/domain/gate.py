"""A tool behind its confirmation gate: what was tried, and what happened."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.exempted import programs_read
from pytest_agentready.domain.observation import Run
from pytest_agentready.domain.verdict import NotApplicable, Unproven
from pytest_agentready.domain.wording import contrasted, listed, shortened

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
STORES = ("command", "statement", "file", "memory")
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
    """A call with one argument that is not what was approved."""

    argument: str  # "body", "items[0].price", "user", "to and body"
    approved: object
    given: object
    trial: Trial
    how: str = ""  # in what it differs, where a careless key takes it for the same: "in another case"
    moot: bool = False  # it was refused for another reason, so that the gate was not asked
    reference: tuple[tuple[Effect, ...], ...] = ()  # the effects of what was approved, twice, where that is not the usual call

    @property
    def name(self) -> str:
        """What the approval does not cover, where this came through."""
        return f"all of {self.argument}" if self.how else self.argument

    @property
    def story(self) -> str:
        if self.how and self.approved is None:
            return f"{self.argument} {self.how}"
        given, approved = contrasted(_written(self.given), _written(self.approved), SHOWN)
        return f"{self.argument}={given} in the place of {approved}" + (f" ({self.how})" if self.how else "")


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
    looked_up: str = ""  # why a word by which one came through proves nothing
    confirming: Run | None = None  # the first call of `confirm`
    traceless: bool = False  # which has left nothing behind that could be seen
    stale: tuple[str, ...] = ()  # what of the user's memory held an approval of the same call from before, and was emptied for the walk
    broken: str = ""  # why `confirm` cannot be used
    confirm_name: str = ""  # "confirm=grant"; "" where the marker gives none
    gap: str = ""  # why there is nothing to judge
    unseen: bool = False  # the normal call did not get so far that all its effects were seen

    @property
    def nothing_to_confirm(self) -> Unproven | NotApplicable | None:
        """Why the gate cannot be walked through; None where it can."""
        if self.gap:
            return Unproven(self.gap)
        if not self.confirm_name:
            if not self.acts and not self.refuses:
                return NotApplicable("no effect of it was seen, see AR401" if self.unseen else "it has no effects")
            readings = named_as_reads(self.unconfirmed)
            return Unproven(f"{CONFIRM}; or, where what it starts only reads, reads={readings}" if readings else CONFIRM)
        if self.broken:
            return Unproven(self.broken)
        if self.is_open:
            return NotApplicable("see AR401: it acts without any confirmation")
        if self.confirmed is None or (
            not self.confirmed.effects and not self.stays_shut and not self.refuses and self.confirmed.run.returned
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
    def stays_shut(self) -> bool:
        """Is a confirmed call refused as one without a confirmation is?"""
        if self.confirmed is None or self.confirmed.effects:
            return False
        answer = self.confirmed.run.answer
        fails = self.confirmed.run.raised is not None or (answer is not None and answer.tells_of_failure)
        return self.confirmed.asks or (fails and any(self.confirmed.told == trial.told for trial in self.unconfirmed))

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
    yonder: tuple[Mark, ...] = ()  # in one more process, where they are not as there: the order of a set, say, may be the same by chance
    refused: bool = False  # there are none, and what was handed out here is refused there
    gap: str = ""  # why they could not be compared


@dataclass(frozen=True, slots=True)
class RacedApproval:
    """What two calls did that used one approval at the same time."""

    effects: tuple[Effect, ...] = ()
    gap: str = ""  # why they were not made

    def deeds_of_two(self, one: Trial) -> Trial | None:
        """What was done more often than by one call alone; None where nothing was."""
        usual = Counter(_deed(effect) for effect in one.effects)
        known = {
            (_deed(effect), effect.key): effect for effect in reversed(self.effects) if effect.key
        }  # its peer knows a second one again
        counting = [effect for effect in self.effects if not effect.key or known[_deed(effect), effect.key] is effect]
        found = Counter(map(_deed, counting))
        more = tuple(effect for effect in counting if found[_deed(effect)] > usual[_deed(effect)] > 0)
        return Trial(one.run, more) if more else None


def _deed(effect: Effect) -> tuple[str, str, str, tuple[str, ...]]:
    return effect.kind, effect.verb, effect.target, effect.places


def _if_open(done: re.Match[str]) -> str:
    return done[0] if done["open"] else " "


def _shown(value: object) -> str:
    return shortened(_written(value), SHOWN)


def _written(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # a __repr__ of the user's own
        return f"<{type(value).__name__}>"


def named_as_reads(trials: Iterable[Trial]) -> list[str]:
    """How the mark would say that these only read, where they have started programs and done nothing else."""
    found = [*trials]
    effects = [effect for trial in found for effect in trial.effects]
    return programs_read(effects, [value for trial in found for value in trial.run.arguments.values()])


def call_of(name: str, arguments: Mapping[str, object]) -> str:
    """`send_email(to='ada@example.com', ...)`, for a message."""
    return f"{name.rpartition('.')[2]}({', '.join(f'{key}={_shown(value)}' for key, value in arguments.items())})"
