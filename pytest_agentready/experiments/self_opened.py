"""A gate's walk without any confirmation: what a model can say or repeat by itself, and what comes through by it."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any
from urllib.parse import unquote

from pytest_agentready.arguments.levers import Pull, choices, pulls
from pytest_agentready.arguments.names import words_of
from pytest_agentready.arguments.self_service import is_gate
from pytest_agentready.domain import Parameter, Run, Trial, does_another_thing
from pytest_agentready.experiments.gate_stage import Stage
from pytest_agentready.experiments.handed_out import QUOTED, words_of_refusal
from pytest_agentready.experiments.reach import code_of
from pytest_agentready.world import Stay

TELLING = 2  # values of one parameter that open the gate
HANDED_OUT = 6  # words of a refusal that may be the token
TOGETHER = 8  # calls in one world: a gate may lock itself after a few that it refuses
LOOKED_UP = (
    "{what} is looked up by {how}, and the backend says yes whatever stands there: let a callable answer that knows what was approved"
)
LEADING = 3  # ways from a preview to a refusal
VERBS = 4  # with which a phrase may begin
KNOWN = 24  # texts that the model has been told
LOUD = re.compile(r"\b[A-Z][A-Z_]{2,}\b")  # type DELETE to go on
TYPED = re.compile(r"\b(?:type|enter|say|write)\s+(\S.{0,60}?)\s+(?:to|in order|for|as)\b", re.IGNORECASE)
ASSIGNED = re.compile(r"=\s*[\"']?(\w+)")  # call again with mode=send
IDENTIFIER = re.compile(r"[A-Za-z_]\w{1,40}")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a model could do by itself."""

    trials: tuple[Trial, ...] = ()
    tried: tuple[str, ...] = ()  # the parameters
    looked_up: str = ""  # a word for which a peer was asked that says yes to everything: nothing is proved by it


def opened_by_the_model(stage: Stage, sets: Sequence[Mapping[str, Any]], unconfirmed: Sequence[Trial]) -> Opened:
    """By the first of these sets of arguments by which anything comes through.

    `unconfirmed` is what each of them comes to by itself.
    """
    tried: dict[str, None] = {}  # an ordered set
    looked_up = ""
    for arguments, trial in zip(sets, unconfirmed, strict=True):
        fails = trial.run.answer is not None and trial.run.answer.is_error
        model = _Model(stage, arguments, is_refused=trial.asks or fails, refusal=trial.told)
        found = (model.repeated() if trial.asks else []) or model.by_all()
        for pull, asking in model.leading[:LEADING] if not found else ():  # from a mode that only shows to one that asks
            deeper = _Model(stage, {**arguments, root_of(pull): pull.argument}, is_refused=True, refusal=asking.told, said=pull)
            found += deeper.by_all()
            looked_up = looked_up or deeper.looked_up
        tried |= dict.fromkeys(model.tried)
        looked_up = looked_up or model.looked_up
        if found:
            return Opened(tuple(found), tuple(tried), looked_up)
    return Opened((), tuple(tried), looked_up)


def opened_by_a_choice(stage: Stage, arguments: Mapping[str, Any], confirmed: Trial, sample: Trial) -> tuple[Trial, ...]:
    """By a flag or an enumeration whose name says nothing of it: what comes through has to be what a confirmation is for.

    Another member may well stand for another thing that needs none, such as `environment="staging"`.
    """
    model = _Model(stage, arguments, is_refused=True)
    found = (model.said(pull) for parameter in model.parameters for pull in choices(parameter, model.current(parameter)))
    same = (trial for trial in found if trial and not does_another_thing(trial.effects, confirmed.effects, sample.effects))
    return tuple(itertools.islice(same, TELLING))


class _Model:
    def __init__(
        self, stage: Stage, arguments: Mapping[str, Any], *, is_refused: bool, refusal: str = "", said: Pull | None = None
    ) -> None:
        self.stage = stage
        self.leading: list[tuple[Pull, Trial]] = []  # to a refusal, from what was none
        self.looked_up = ""
        self.before = "" if said is None else f"{said.path}={said.shown!r}, "
        self.refusal = refusal  # what is said to it
        self.is_refused = is_refused  # what comes back may also be a preview, or the answer of a tool that only reads
        self.arguments = arguments
        self.parameters = stage.tool.interface().offered
        self.tried: list[str] = []
        self._told: list[str] | None = None

    def current(self, parameter: Parameter) -> Any:
        return self.arguments.get(parameter.name, parameter.default)

    def repeated(self) -> list[Trial]:
        """Does it do the next time what it asked to be confirmed?"""
        first, second = self.stage.in_a_world(lambda world: [world.call(self.stage.tool.call, self.arguments) for _ in range(2)])
        again = (
            first if self.stage.tool.facts.confirm is None and self.stage.trial(first).effects else second
        )  # it remembers the normal call
        trial = self.stage.trial(again, "by the same call once more")
        return [trial] if trial.effects and (again is first or not self.stage.trial(first).effects) else []

    def by_all(self) -> list[Trial]:
        return [trial for parameter in self.parameters for trial in self.by(parameter)]

    def by(self, parameter: Parameter) -> list[Trial]:
        found = pulls(parameter, self.current(parameter), self._known(parameter), self._keys if self.is_refused else None)
        first = next(found, None)
        if first is None:
            return []
        self.tried.append(parameter.name)
        handed_out = self._handed_out(parameter) if is_gate(parameter) else iter(())
        likely = self._likely(itertools.chain([first], found))
        trials: dict[str, list[Trial]] = {}
        said = ((pull.path, self.said(pull)) for pull in likely if not (pull.is_crude and trials))
        for path, trial in itertools.chain(((parameter.name, each) for each in handed_out), said):
            if trial is not None and len(trials.setdefault(path, [])) < TELLING:
                trials[path].append(trial)
                if len(trials[path]) == TELLING:
                    break
        return list(itertools.chain.from_iterable(trials.values()))

    def said(self, pull: Pull) -> Trial | None:
        """What comes of it, in a world of its own."""
        given = {**self.arguments, root_of(pull): pull.argument}
        return self._unless_looked_up(
            pull.path, pull.shown, self._after_a_refusal(lambda _refusal: given, f"with {self.before}{pull.path}={pull.shown!r}")
        )

    def _unless_looked_up(self, path: str, word: Any, trial: Trial | None) -> Trial | None:
        """A peer that was asked about this very word, and has one answer for all, knows of no approval."""
        if trial is None or not isinstance(word, str) or not word or word in self.arguments.values():
            return trial
        as_a_word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])")
        deeds = {(effect.verb, effect.target) for effect in trial.effects}
        for request in trial.run.requests:
            if (request.method, request.url.partition("?")[0]) in deeds:
                return trial
            if request.is_http and as_a_word.search(f"{unquote(request.url)}\n{request.body.decode(errors='replace')}"):
                self.looked_up = self.looked_up or LOOKED_UP.format(
                    what=f"{path}={word!r}", how=f"{request.method} {request.url.partition('?')[0]}"
                )
                return None
        return trial

    # -- how

    def _likely(self, found: Iterator[Pull]) -> Iterator[Pull]:
        """Those by which something happens; some of them share a world, and each counts only when it is tried by itself."""
        while some := list(itertools.islice(found, TOGETHER)):

            def step(world: Stay, some: Sequence[Pull] = some) -> Sequence[Run]:
                calls = [{**self.arguments, root_of(pull): pull.argument} for pull in some]
                return [world.call(self.stage.tool.call, given) for given in calls if not world.over]

            trials = map(self.stage.trial, self.stage.in_a_world(step))
            for pull, trial in zip(some, trials, strict=False):
                if trial.effects:
                    yield pull
                elif trial.asks and not self.is_refused:
                    self.leading.append((pull, trial))

    def _after_a_refusal(self, given: Any, how: str) -> Trial | None:
        """A call after a refused one; None where nothing comes through, or did before: somebody may have left an approval behind."""

        def step(world: Stay) -> Sequence[Run]:
            before = world.call(self.stage.tool.call, self.arguments)
            return [before, world.call(self.stage.tool.call, given(before))]

        before, found = self.stage.in_a_world(step)
        if self.stage.trial(before).effects:
            return None
        trial = self.stage.trial(found, how)
        return trial if trial.effects else None

    def _handed_out(self, parameter: Parameter) -> Iterator[Trial]:
        """What opens it by the refusal's own words, by their number among these: each refusal may hand out another token."""
        if "boolean" in str(parameter.schema.get("type", "")):
            return
        (refusal,) = self.stage.in_a_world(lambda world: [world.call(self.stage.tool.call, self.arguments)])
        values = {str(value) for value in self.arguments.values()}
        for number, word in enumerate(words_of_refusal(refusal.value)[:HANDED_OUT]):
            if word in values:
                continue

            def given(before: Run, number: int = number) -> Mapping[str, Any]:
                shown = words_of_refusal(before.value)
                return {**self.arguments, parameter.name: shown[number] if number < len(shown) else ""}

            if (trial := self._after_a_refusal(given, "")) is None:
                continue
            said = trial.run.arguments.get(parameter.name)
            how = f"with {self.before}{parameter.name}={said!r}, which its own refusal hands out"
            if self._unless_looked_up(parameter.name, said, trial) is not None:
                yield Trial(trial.run, trial.effects, how)

    # -- what a model knows

    def _known(self, parameter: Parameter) -> list[str]:
        """Other arguments, what the descriptions and the refusal spell out, and what the tool does, in words."""
        if self._told is None:
            tool = self.stage.tool
            values = [value for value in self.arguments.values() if isinstance(value, str)]
            verb = next(iter(words_of(tool.name.rpartition(".")[2])), "")
            texts = (tool.description, *(each.description for each in self.parameters), self.refusal)
            spelled = [word for text in texts for word in _spelled(text)]
            loud = dict.fromkeys([verb, verb.upper(), *(word for text in texts for word in LOUD.findall(text))])
            phrases = [f"{said} {value}" for value in values[:2] for said in list(loud)[:VERBS]]
            self._told = [*values, verb.upper(), verb, *phrases, *spelled]
        own = self.arguments.get(parameter.name)
        return list(dict.fromkeys(word for word in self._told if word and word != own))[:KNOWN]

    @functools.cached_property
    def _keys(self) -> list[str]:
        """Names that the tool's code looks up in a dict: a model may know them by its description, or guess them."""
        return [name for code in code_of(self.stage.tool) for name in _texts_of(code) if IDENTIFIER.fullmatch(name)]


def root_of(pull: Pull) -> str:
    """The name of the parameter."""
    return re.split(r"[.\[]", pull.path)[0]


def _spelled(text: str) -> list[str]:
    quoted = [next(filter(None, groups)) for groups in QUOTED.findall(text)]
    return [*quoted, *TYPED.findall(text), *ASSIGNED.findall(text), *LOUD.findall(text)]


def _texts_of(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _texts_of(constant)
