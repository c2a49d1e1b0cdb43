"""What a loop made of a model on a bad day: calls of tools that are not there, malformed ones, several at once, answers that break off."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pytest_agentready.domain.conversation import Conversation, ToolTrial
from pytest_agentready.domain.model import ModelAnswer, ModelCall, ModelRequest, ToolCall
from pytest_agentready.domain.observation import Raised

UNKNOWN = re.compile(
    r"\b(?:unknown|unsupported|unrecogni[sz]ed|not (?:found|available|defined|supported)|no (?:such )?(?:tool|function)|"
    r"(?:does|do) ?n[o']t exist|invalid|available|error)\b",
    re.IGNORECASE,
)  # by which a model is told that there is no such tool

NOTHING = ("", "None", "null", "[]", "{}")  # what the user of a loop gets that has nothing to say


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done outside of the loop: a request of somebody who is no model, or a change on this machine."""

    verb: str
    target: str  # its address, without a query
    where: str
    content: str  # all of what was asked or written, in the clear

    @property
    def kind(self) -> tuple[str, str, str]:
        """The same for two calls of one tool with different arguments: one line does one thing at one place."""
        address = urlsplit(self.target)
        first = address.path.lstrip("/").partition("/")[0]
        return self.verb, f"{address.netloc}/{first}" if address.netloc else "", self.where

    @property
    def elsewhere(self) -> tuple[str, str, str]:
        """The same for two calls of one tool whose argument is the very beginning of the path."""
        return self.verb, urlsplit(self.target).netloc, self.where

    def begins_with_one_of(self, values: Iterable[str]) -> bool:
        """Does the path of its address begin with one of these?"""
        address = urlsplit(self.target)
        return bool(address.netloc) and unquote(address.path).lstrip("/").partition("/")[0] in set(values) - {""}

    @property
    def story(self) -> str:
        return f"{self.verb} {self.target}"


def acts(conversation: Conversation) -> tuple[Act, ...]:
    """All that was done in a conversation, by the loop or by its tools."""
    found = []
    for turn in conversation.turns:
        for request in turn.backend_requests:
            body = request.body.decode("utf-8", "replace")
            found.append(Act(request.method, request.url.partition("?")[0], request.where, f"{unquote(request.url)}\n{unquote(body)}"))
        for effect in turn.run.local_effects:
            told = f"{effect.target}\n{effect.content.decode('utf-8', 'replace')}"
            found.append(Act(effect.verb, effect.target, effect.where, told))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Slip:
    """A conversation in which the model makes one call that it should not make so, and is then done."""

    how: str  # "unknown", "truncated", "closed", ...
    conversation: Conversation
    tool: str = ""  # whose name it calls; "" for one that is made up

    @property
    def made(self) -> tuple[ModelCall, ToolCall] | None:
        """The call, as it reached the loop, and the answer of the model that has it; None where the model was never asked for one.

        A loop may demand others before: of its router, say.
        """
        for made, wanted in self.conversation.wanted:
            if wanted.name == self.tool or (not self.tool and all(wanted.name != tool.name for tool in made.tools)):
                return made, wanted
        return None

    @property
    def told(self) -> str | None:
        """What the model was told of it; None where it was told nothing."""
        answers = self.conversation.answers_to(self.made[1]) if self.made is not None else ()
        return "\n".join(message.text for message in answers) if answers else None

    @property
    def is_marked(self) -> bool:
        """Is what the model was told marked as a failure?"""
        return self.made is not None and any(message.is_error for message in self.conversation.answers_to(self.made[1]))

    @property
    def went_on(self) -> bool:
        """Was a model asked after it?"""
        calls = self.conversation.model_calls
        return self.made is not None and calls[-1] is not self.made[0]

    @property
    def where(self) -> str:
        """The user's line that got the call from the model."""
        return self.made[0].where if self.made is not None else ""

    @property
    def is_dangling(self) -> bool:
        """Does a later request repeat the call, and no answer to it?"""
        return self.made is not None and bool(unanswered(self.conversation, (self.made[1],)))


@dataclass(frozen=True, slots=True)
class Slips:
    """One tool of a loop: called well, and by a model on a bad day."""

    trial: ToolTrial | None = None  # called well; None: no tool is offered, or none was called
    plain: Conversation | None = None  # in which no tool is called
    unknown: Slip | None = None
    malformed: tuple[Slip, ...] = ()
    others: tuple[Slips, ...] = ()  # further tools, called with what a parser lets through

    @property
    def kinds(self) -> frozenset[tuple[str, str, str]]:
        """Of what the tool does, and the loop by itself does not: where something has its arguments in it, that alone."""
        return frozenset(act.kind for act in self._of_the_tool)

    @property
    def _of_the_tool(self) -> tuple[Act, ...]:
        if self.trial is None:
            return ()
        done = tuple(act for act in acts(self.trial.conversation) if act.kind not in self._usual)
        values = [str(value) for value in self.trial.arguments.values() if str(value)]
        return tuple(act for act in done if any(value in act.content for value in values)) or done

    @property
    def _usual(self) -> set[tuple[str, str, str]]:
        """The kinds of what is done whether the tool is called or not."""
        usual = {act.kind for act in self._by_itself}
        if self.unknown is not None and not self.in_its_place:  # what is noted of every call, be there such a tool or not
            usual |= {act.kind for act in acts(self.unknown.conversation)}
        return usual

    @property
    def _by_itself(self) -> tuple[Act, ...]:
        """What the loop does where it is not asked for the tool; some have to ask for one first, whatever the model wants."""
        assert self.trial is not None
        if self.plain is None or any(wanted.name == self.trial.tool.name for _, wanted in self.plain.wanted):
            return ()
        return acts(self.plain)

    def breaks_off(self, slip: Slip) -> Raised | None:
        """The exception that left the loop for this slip; None where none did, or the same one leaves it for a call that is well made."""
        raised, usual = slip.conversation.raised, self.failure
        is_usual = raised is not None and usual is not None and (raised.kind, raised.where) == (usual.kind, usual.where)
        return None if is_usual else raised

    def ends_silently(self, slip: Slip) -> bool:
        """Was no model asked any more, and nothing said to the user, who gets an answer else?"""
        conversation = slip.conversation
        ended = conversation.raised is None and conversation.ending is None and not slip.went_on
        return ended and conversation.heard.strip() in NOTHING and self.plain is not None and self.plain.heard.strip() not in NOTHING

    @property
    def failure(self) -> Raised | None:
        """With which the loop ends where the call is well made."""
        return self.trial.conversation.raised if self.trial is not None else None

    @property
    def in_its_place(self) -> tuple[Act, ...]:
        """What was done for a tool that is not there: all that the one that is there does, and the model was told nothing else."""
        if self.trial is None or self.plain is None or self.unknown is None or self.unknown.is_marked:
            return ()
        told, made = self.unknown.told or "", self.unknown.made
        if UNKNOWN.search(told) or (made is not None and made[1].name in told):
            return ()
        usual = {(act.kind, act.content) for act in self._by_itself}
        of_the_tool = {(act.kind, act.content) for act in acts(self.trial.conversation)} - usual
        done = {(act.kind, act.content): act for act in acts(self.unknown.conversation)}
        return tuple(done[each] for each in done if each in of_the_tool) if of_the_tool <= done.keys() else ()

    def carried_out(self, slip: Slip) -> tuple[Act, ...]:
        """What the tool did in the conversation of this slip."""
        kinds, usual = self.kinds, self._usual
        values = [] if self.trial is None else [str(value) for value in self.trial.arguments.values()]
        anywhere = {act.elsewhere for act in self._of_the_tool if act.begins_with_one_of(values)}
        return tuple(act for act in acts(slip.conversation) if act.kind in kinds or (act.elsewhere in anywhere and act.kind not in usual))


@dataclass(frozen=True, slots=True)
class ParallelCalls:
    """Several calls of one tool: each in a conversation of its own, and all at once."""

    tool: str = ""  # its name
    apart: tuple[Conversation, ...] = ()
    together: Conversation | None = None  # None: not tried
    one_at_a_time: bool = False  # the loop asks the model for one call at a time

    @property
    def told(self) -> dict[str, str]:
        """What the model is told of each call when it is made alone, by its arguments."""
        made = [(each, call) for each in self.apart for _, call in each.wanted if call.name == self.tool]
        found = {call.arguments: answer_of(each, call) for each, call in made}
        return {arguments: told for arguments, told in found.items() if told is not None}


@dataclass(frozen=True, slots=True)
class HugeOutput:
    """A tool whose backend answers at great length, and the same at twice that."""

    trial: ToolTrial  # with the usual answer
    size: int  # bytes of the backend's answer
    huge: Conversation
    twice: Conversation | None = None  # None: not tried


@dataclass(frozen=True, slots=True)
class CutStreams:
    """Streams that break off in the middle of a call's arguments."""

    calls: Slips  # the call of a stream that comes to its end
    cuts: tuple[Slip, ...] = ()
    streamed: bool = True
    lenient: Slips | None = None  # of the tool that can do with the fewest arguments
    begun: tuple[Slip, ...] = ()  # of which no argument has arrived

    @property
    def tried(self) -> tuple[tuple[Slips, Slip], ...]:
        """Each stream that broke off, beside the same tool's call of one that did not."""
        begun = () if self.lenient is None else tuple((self.lenient, slip) for slip in self.begun)
        return (*((self.calls, slip) for slip in self.cuts), *begun)


def unanswered(conversation: Conversation, wanted: Iterable[ToolCall]) -> tuple[str, ...]:
    """The ids of these calls that the first request which repeats them does not answer in their place."""
    ids = {call.id for call in wanted}
    for request in conversation.requests:
        if any(call.id in ids for message in request.messages for call in message.calls):
            return tuple(dict.fromkeys(_unanswered(request, ids)))
    return ()


def answered_twice(conversation: Conversation, wanted: Iterable[ToolCall]) -> tuple[str, ...]:
    """The ids of these calls that one request answers more than once."""
    ids = [call.id for call in wanted]
    for request in conversation.requests:
        count = Counter(message.answers for message in request.messages if message.role == "tool")
        if found := tuple(id for id in ids if count[id] > 1):
            return found
    return ()


def _unanswered(request: ModelRequest, ids: set[str]) -> Iterator[str]:
    """Chat and Messages want the answers right behind the calls; in Responses they may stand anywhere behind."""
    messages = request.messages
    for number, message in enumerate(messages):
        answered = set()
        for later in messages[number + 1 :]:
            if later.role == "tool":
                answered.add(later.answers)
            elif request.endpoint != "responses":
                break
        yield from (call.id for call in message.calls if call.id in ids and call.id not in answered)


def answer_of(conversation: Conversation, call: ToolCall) -> str | None:
    """What the model was told of this call, whoever's answer it is; None for nothing."""
    told = conversation.answers_to(call)
    return "\n".join(message.text for message in told) if told else None


def calls_of(conversation: Conversation) -> tuple[ToolCall, ...]:
    """The calls of the first answer that has several; () where none has."""
    answers = (call.answer for call in conversation.model_calls)
    return next((answer.calls for answer in answers if isinstance(answer, ModelAnswer) and len(answer.calls) > 1), ())
