"""A walk around a tool's confirmation gate: unconfirmed, confirmed, changed, twice, a day later, and opened by the model itself.

Each step is in a world of its own, so that no approval is left over from the step before; in memory it is taken back. Where the marker
gives no `confirm`, the normal call is the unconfirmed one, and only what a model could do by itself is tried.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from pytest_agentready.arguments.another import others
from pytest_agentready.arguments.plausible import value_for
from pytest_agentready.arguments.self_service import is_gate, opening
from pytest_agentready.domain import (
    STORES,
    Change,
    GateWalk,
    NormalCall,
    Parameter,
    Run,
    Tool,
    Trial,
    counted,
    effects_of,
    read,
    without_gates_own,
)
from pytest_agentready.experiments.calling import approve, confirm_name, memory_of, problem_of, shut
from pytest_agentready.experiments.handed_out import words_of_refusal
from pytest_agentready.experiments.memory import added
from pytest_agentready.world import BackendFailed, Limits, Stay, stay
from pytest_agentready.world.stdio import muted

PATIENCE = Limits(attempts=1_000, turns=20_000, horizon=10 * 86_400.0)
DAY = 86_400.0 + 60.0  # virtual seconds: what lives for exactly a day is over
CHANGES = 24  # arguments, and parts of them, that are changed in turn
VALUES = 3  # tried of one argument, where the tool refuses the first for a reason of its own
LEFT_OVER = 3  # approvals that are used up before one is given
TELLING = 2  # values of one parameter that open the gate
HANDED_OUT = 6  # words of a refusal that may be the token

Step = Callable[[Stay], Sequence[Run]]


def run(tool: Tool, normal_call: NormalCall) -> GateWalk:
    if not normal_call.runs:
        return GateWalk(gap=normal_call.obstacle)
    try:
        with muted():
            return _Walk(tool, normal_call).walked()
    except BackendFailed as failure:
        return GateWalk(gap=f"the backend raised {failure} in a call that is not confirmed, or has another argument")


class _Walk:
    def __init__(self, tool: Tool, normal_call: NormalCall) -> None:
        self.tool = tool
        self.normal_call = normal_call
        self.sets = [shut(tool, run.arguments) for run in normal_call.runs]
        self.memory = memory_of(tool)
        self.stale: tuple[str, ...] = ()  # containers in which somebody else has left an approval of the same call
        self.untried = ""
        self.refusal = ""  # what the tool says unconfirmed
        self.confirming: Run | None = None  # the first call of `confirm`
        self.traceless = False
        self.token: Mapping[str, Any] = {}  # what `confirm` gives for the tool

    def walked(self) -> GateWalk:
        if self.tool.facts.confirm is not None:
            self._get_to_know(normal.arguments for normal in self.normal_call.runs)
        unconfirmed = [self._unconfirmed(number) for number in range(len(self.sets))]
        self.refusal = unconfirmed[0].told
        opened: list[Trial] = []
        tried: list[str] = []
        if not any(trial.effects for trial in unconfirmed):
            for number in range(len(self.sets)):
                found, names = self._opened_by_the_model(self.sets[number])
                opened += found
                tried += names
                if found:
                    break
        name = confirm_name(self.tool)
        walk = GateWalk(
            unconfirmed=tuple(unconfirmed), confirm_name=name, stale=self.stale, opened=tuple(opened), tried=tuple(dict.fromkeys(tried))
        )
        if self.confirming is not None:
            walk = replace(walk, confirming=self.confirming, traceless=self.traceless, broken=problem_of(self.tool, self.confirming))
        return walk if self.confirming is None or walk.broken or walk.is_open else self._confirmed(walk)

    # -- unconfirmed

    def _unconfirmed(self, number: int) -> Trial:
        arguments, normal = self.sets[number], self.normal_call.runs[number]
        if self.tool.facts.confirm is None and arguments == normal.arguments:
            return self._trial(normal)
        if number < len(self.normal_call.unconfirmed) and not self.stale:
            return self._trial(self.normal_call.unconfirmed[number])
        (found,) = self._in_a_world(lambda world: [world.call(self.tool.call, arguments)])
        return self._trial(found)

    def _opened_by_the_model(self, arguments: Mapping[str, Any]) -> tuple[list[Trial], list[str]]:
        """What a model can do by itself: a switch among the parameters, or a token that the refusal hands out."""
        found: list[Trial] = []
        names: list[str] = []
        for parameter in filter(is_gate, self.tool.interface().offered):
            names.append(parameter.name)
            attempts = self._handed_out(parameter, arguments)
            trials = (
                self._tried(parameter.name, value, arguments, handed_out)
                for value, handed_out in itertools.chain(attempts, ((value, False) for value in opening(parameter)))
            )
            found += itertools.islice(filter(None, trials), TELLING)
        return found, names

    def _tried(self, name: str, value: Any, arguments: Mapping[str, Any], handed_out: bool) -> Trial | None:
        def step(world: Stay) -> Sequence[Run]:
            before = world.call(self.tool.call, arguments)
            shown = words_of_refusal(before.value) if handed_out else []
            word = (shown[value] if value < len(shown) else "") if handed_out else value
            return [before, world.call(self.tool.call, {**arguments, name: word})]

        before, found = self._in_a_world(step)
        if self._trial(before).effects:  # by an approval that somebody has left in a store of the machine
            return None
        how = f"with {name}={found.arguments.get(name)!r}" + (", which its own refusal hands out" if handed_out else "")
        trial = self._trial(found, how)
        return trial if trial.effects else None

    def _handed_out(self, parameter: Parameter, arguments: Mapping[str, Any]) -> Iterator[tuple[int, bool]]:
        """What opens it by the refusal's own words, by their number among these: each refusal may hand out another token."""
        if "boolean" in str(parameter.schema.get("type", "")):
            return
        (refusal,) = self._in_a_world(lambda world: [world.call(self.tool.call, arguments)])
        given = {str(value) for value in arguments.values()}
        for number, word in enumerate(words_of_refusal(refusal.value)):
            if word not in given and number < HANDED_OUT:
                yield number, True

    # -- confirmed

    def _get_to_know(self, sets: Iterable[Mapping[str, Any]]) -> None:
        """What `confirm` touches is the gate's own."""
        arguments = next(iter(sets))
        if not self._learn(arguments) and self.confirming is not None and self.confirming.raised is None:
            self.stale = self._learn(self._otherwise(arguments))
            self._learn(arguments)

    def _otherwise(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Another call. Its approval shows where that of the first one is, which somebody may have left there before."""
        return {name: next((other for part, other in others(value) if not part), value) for name, value in arguments.items()}

    def _learn(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """The containers in which this approval leaves something."""
        places: list[str] = []

        def step(world: Stay) -> Sequence[Run]:
            before = self.memory.snapshot()
            confirming, given = approve(world, self.tool, arguments)
            kept = added(before, self.memory.snapshot())
            places.extend(each.place for each in kept if each.is_new)
            self.traceless = not (kept or confirming.requests or confirming.local_effects or confirming.value is not None)
            self.token = {name: value for name, value in given.items() if name not in arguments or arguments[name] is not value}
            return [confirming]

        (self.confirming,) = self._in_a_world(step)
        return tuple(dict.fromkeys(places))

    def _confirmed(self, walk: GateWalk) -> GateWalk:
        best: GateWalk | None = None
        for normal in self.normal_call.runs:
            confirmed, again = self._twice(normal.arguments)
            found = replace(walk, arguments=normal.arguments, confirmed=confirmed, again=again)
            best = best or found
            if deed := self._done_by_confirm(confirmed):
                broken = f"{walk.confirm_name} itself does what the tool does: {deed}. Let it record the approval alone"
                return replace(found, broken=broken)
            if confirmed.effects:
                later, sample = self._a_day_later(normal.arguments)
                changes = tuple(self._changes(normal.arguments))
                return replace(found, later=later, sample=sample, changes=changes, untried=self.untried)
        return best or walk

    def _done_by_confirm(self, confirmed: Trial) -> str:
        """A `confirm` that sends the mail itself; "" where it only records."""
        assert self.confirming is not None
        own = {effect.identity for effect in effects_of(self.confirming)}
        deeds = [effect for effect in counted(confirmed.run, self.tool.facts) if effect.kind not in STORES]
        mails = [effect.story for effect in effects_of(self.confirming) if effect.kind == "mail"]
        return next(iter([*(effect.story for effect in deeds if effect.identity in own), *mails]), "")

    def _twice(self, arguments: Mapping[str, Any]) -> tuple[Trial, Trial]:
        def step(world: Stay) -> Sequence[Run]:
            for _ in range(LEFT_OVER):  # approvals that earlier runs have left in a store of the machine
                if not self._trial(world.call(self.tool.call, arguments)).effects:
                    break
            given = self._approve(world, arguments)
            return [world.call(self.tool.call, given), world.call(self.tool.call, given)]

        first, second = self._in_a_world(step)
        return self._trial(first), self._trial(second)

    def _a_day_later(self, arguments: Mapping[str, Any]) -> tuple[Trial, Trial]:
        """A call by an approval that is a day old; and one by a new approval, for comparison."""

        def step(world: Stay) -> Sequence[Run]:
            given = self._approve(world, arguments)
            world.pause(DAY)
            late = world.call(self.tool.call, given)
            return [late, world.call(self.tool.call, self._approve(world, arguments))]

        late, fresh = self._in_a_world(step)
        return self._trial(late), self._trial(fresh)

    def _approve(self, world: Stay, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return approve(world, self.tool, arguments)[1]

    # -- with something changed

    def _changes(self, arguments: Mapping[str, Any]) -> Iterator[Change]:
        user = self.tool.facts.user
        for name, old, parameter in itertools.islice(self._arguments(arguments), CHANGES):
            yield from self._changed(name, old, arguments, parameter)
        if isinstance(user, ContextVar):
            yield from self._another_user(user, arguments)

    def _arguments(self, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any, Parameter | None]]:
        """What is given, then what may be given; not the gate's own."""
        parameters = {parameter.name: parameter for parameter in self.tool.interface().parameters}
        for name, value in arguments.items():
            if name not in self.token and not (name in parameters and is_gate(parameters[name])):
                yield name, value, parameters.get(name)
        for name, parameter in parameters.items():
            may_be_given = name not in arguments and not parameter.required and parameter.is_models
            if may_be_given and not is_gate(parameter) and name not in self.token:
                yield name, parameter.default, parameter

    def _changed(self, name: str, old: Any, arguments: Mapping[str, Any], parameter: Parameter | None) -> Iterator[Change]:
        found: dict[str, Change] = {}
        candidates = others(old, parameter)
        if old is None and parameter is not None and parameter.schema:
            with contextlib.suppress(Exception):  # a validator of the user's own
                candidates = [("", parameter.read(value_for(parameter))), *candidates]
        tries: dict[str, int] = {}
        for part, other in candidates:
            place = f"{name}{part}"
            if (place in found and not found[place].moot) or tries.get(place, 0) >= VALUES:
                continue
            tries[place] = tries.get(place, 0) + 1
            given = {**arguments, name: other}

            def step(world: Stay, given: Mapping[str, Any] = given) -> Sequence[Run]:
                token = {key: value for key, value in self._approve(world, arguments).items() if key not in arguments}
                return [world.call(self.tool.call, {**given, **token})]

            trial = self._trial(self._in_a_world(step)[0])
            found[place] = Change(place, old, other, trial, moot=self._is_moot(trial))
        yield from found.values()

    def _another_user(self, user: ContextVar[Any], arguments: Mapping[str, Any]) -> Iterator[Change]:
        try:
            current = user.get()
        except LookupError:
            self.untried = f"user={user.name} has no value in this test: set one in a fixture, so that another user can be tried"
            return
        for part, other in others(current)[:1]:

            def step(world: Stay, other: Any = other) -> Sequence[Run]:
                given = self._approve(world, arguments)
                before = user.set(other)
                try:
                    return [world.call(self.tool.call, given)]
                finally:
                    user.reset(before)

            trial = self._trial(self._in_a_world(step)[0])
            yield Change(f"{user.name}{part}", current, other, trial, moot=self._is_moot(trial))

    def _is_moot(self, trial: Trial) -> bool:
        """Was it refused for another reason than that this call is not confirmed?"""
        return not trial.effects and not trial.asks and trial.told != self.refusal

    # -- how a step is made

    def _in_a_world(self, step: Step) -> Sequence[Run]:
        with self.memory.restored(self.stale):
            return stay(step, backend=self.tool.facts.backend, limits=PATIENCE)

    def _trial(self, run: Run, how: str = "") -> Trial:
        run = read(self.tool, run) if run.answer is None else run
        plain = Trial(run, how=how)
        touched = [] if self.confirming is None else effects_of(self.confirming)
        effects = without_gates_own(counted(run, self.tool.facts), self.confirming, touched, plain.asks)
        return Trial(run, effects, how)
