"""A gate's walk with something changed: one call is approved, and another one made.

All of them are tried in one world first, each after an approval of its own, for most are refused, and a world takes longer than a
call. What came through there, or was refused in words of its own, is tried in a world of its own: only that counts.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from pytest_agentready.arguments.another import others
from pytest_agentready.arguments.near_misses import NearMiss, near_misses
from pytest_agentready.arguments.plausible import resolved, value_for
from pytest_agentready.arguments.self_service import is_gate
from pytest_agentready.domain import Change, Effect, Parameter, Run, Trial, does_another_thing
from pytest_agentready.experiments.gate_stage import Stage
from pytest_agentready.world import Limits, Stay

ARGUMENTS = 24  # that are changed in turn
VALUES = 4  # other ones, of one argument or one part of it
CALLS = 200  # in one world
MANY = Limits(attempts=10_000, turns=200_000, horizon=10 * 86_400.0)
ALONE = 40  # calls in worlds of their own


def changed_calls(stage: Stage, arguments: Mapping[str, Any], token: Iterable[str], confirmed: Trial, sample: Trial) -> tuple[Change, ...]:
    """The calls of which something may be said: for each place what came through, else that it was refused, and how."""
    return tuple(_Changes(stage, arguments, frozenset(token), (confirmed, sample)).made())


def another_user(stage: Stage, user: ContextVar[Any], arguments: Mapping[str, Any]) -> Iterator[Change]:
    """The approved call, made for somebody else. Raises LookupError where nobody is set."""
    current = user.get()
    for part, other in others(current)[:1]:

        def step(world: Stay, other: Any = other) -> Sequence[Run]:
            given = stage.approve(world, arguments)
            before = user.set(other)
            try:
                return [world.call(stage.tool.call, given)]
            finally:
                user.reset(before)

        trial = stage.trial(stage.in_a_world(step)[0])
        yield Change(f"{user.name}{part}", current, other, trial, moot=stage.is_moot(trial))


class _Changes:
    def __init__(self, stage: Stage, arguments: Mapping[str, Any], token: frozenset[str], usual: tuple[Trial, Trial]) -> None:
        self.stage = stage
        self.arguments = arguments
        self.token = token
        self.usual = (usual[0].effects, usual[1].effects)  # of the approved call, twice
        self.varied = self._varied()
        self.defaults = {name: value for name, value, _ in self.varied if name not in arguments}
        self.alone = 0

    def made(self) -> Iterator[Change]:
        calls = [*itertools.chain.from_iterable(map(self._plain, self.varied)), *self._near()][:CALLS]
        together, is_sound = self._together(calls)
        found: dict[str, list[Change]] = {}
        loose: set[str] = set()  # places that need no further proof
        for call, first in itertools.zip_longest(calls, together):
            is_settled = first is not None and self._is_settled(call, first, is_sound=is_sound)
            if not is_settled and (self.alone >= ALONE or loose & {call.place, *_roots(call)} or (first is None and call.how)):
                continue  # the last: a slow tool does not come as far as all of them
            trial = first if first is not None and is_settled else self._by_itself(call)
            if trial.effects and not is_settled and self._needs_no_approval(call):
                continue
            change = self._change(call, trial)
            found.setdefault(call.place, []).append(change)
            if trial.effects and does_another_thing(trial.effects, *(change.reference or self.usual)):
                loose.add(call.place)
        for changes in found.values():
            told = [change for change in changes if not change.moot]
            yield from told or [change for change in changes if not change.how][:1]

    # -- what is tried

    def _varied(self) -> list[tuple[str, Any, Parameter | None]]:
        """What is given, then what may be given; not the gate's own."""
        parameters = {parameter.name: parameter for parameter in self.stage.tool.interface().parameters}
        found: list[tuple[str, Any, Parameter | None]] = []
        for name, value in self.arguments.items():
            if name not in self.token and not (name in parameters and is_gate(parameters[name])):
                found.append((name, value, parameters.get(name)))
        for name, parameter in parameters.items():
            may_be_given = name not in self.arguments and not parameter.required and parameter.is_models
            if may_be_given and not is_gate(parameter) and name not in self.token:
                found.append((name, parameter.default, parameter))
        return found[:ARGUMENTS]

    def _plain(self, varied: tuple[str, Any, Parameter | None]) -> Iterator[NearMiss]:
        name, old, parameter = varied
        candidates = others(old, parameter)
        if old is None and parameter is not None and parameter.schema:
            with contextlib.suppress(Exception):  # a validator of the user's own
                candidates = [("", parameter.read(value_for(parameter))), *candidates]
        counts: dict[str, int] = {}
        for part, other in candidates:
            counts[part] = counts.get(part, 0) + 1
            if counts[part] <= VALUES:
                yield NearMiss(f"{name}{part}", self.arguments, {**self.arguments, name: other}, "")

    def _near(self) -> Iterator[NearMiss]:
        known = {name: parameter or Parameter(name) for name, _, parameter in self.varied}
        for call in near_misses({**self.arguments, **self.defaults}, known):
            yield NearMiss(call.place, self._without_defaults(call.approved), self._without_defaults(call.given), call.how)

    def _without_defaults(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: value for name, value in arguments.items() if name not in self.defaults or value is not self.defaults[name]}

    # -- how

    def _together(self, calls: Sequence[NearMiss]) -> tuple[list[Trial], bool]:
        """What each came to; and whether the approved call is still let through in the end, as it is in a world of its own."""

        def step(world: Stay) -> Sequence[Run]:
            return [run for call in (*calls, NearMiss("", self.arguments, self.arguments, "")) for run in self._made(world, call)]

        trials = list(map(self.stage.trial, self.stage.in_a_world(step, MANY)))
        is_sound = len(trials) == len(calls) + 1 and bool(trials[-1].effects)
        return trials[: len(calls)], is_sound and not any(trial.effects for trial in trials[:-1])

    def _made(self, world: Stay, call: NearMiss) -> Iterator[Run]:
        if not world.over:
            token = {name: value for name, value in self.stage.approve(world, call.approved).items() if name not in call.approved}
            yield world.call(self.stage.tool.call, {**call.given, **token})

    def _is_settled(self, call: NearMiss, trial: Trial, *, is_sound: bool) -> bool:
        """Need it not be tried by itself?"""
        if self.stage.is_moot(trial):
            return is_sound and bool(call.how)
        if not trial.effects:
            return True
        return call.approved == self.arguments and not self._is_of_the_user(call) and not does_another_thing(trial.effects, *self.usual)

    def _is_of_the_user(self, call: NearMiss) -> bool:
        return isinstance(user := self.stage.tool.facts.user, str) and call.place.startswith(user)

    def _by_itself(self, call: NearMiss) -> Trial:
        self.alone += 1
        (run,) = self.stage.in_a_world(lambda world: list(self._made(world, call)))
        return self.stage.trial(run)

    def _needs_no_approval(self, call: NearMiss) -> bool:
        """A payment below a limit, say: that it comes through is no approval's doing."""
        (run,) = self.stage.in_a_world(lambda world: [world.call(self.stage.tool.call, call.given)])
        return bool(self.stage.trial(run).effects)

    def _change(self, call: NearMiss, trial: Trial) -> Change:
        """With the effects of what was approved, where that is not the usual call."""
        is_usual = call.approved == self.arguments
        reference: tuple[tuple[Effect, ...], ...] = ()
        if trial.effects and not is_usual:
            itself = NearMiss("", call.approved, call.approved, "")
            reference = (self._by_itself(itself).effects, self._by_itself(itself).effects)
        approved, given = self._shown(call) if is_usual else (None, None)
        moot = self.stage.is_moot(trial) and not self._is_idle(call, trial)
        return Change(call.place, approved, given, trial, call.how, moot=moot, reference=reference)

    def _is_idle(self, call: NearMiss, trial: Trial) -> bool:
        """A preview, say: another member of a closed set, for which the tool does nothing, and is content."""
        parameter = next((parameter for name, _, parameter in self.varied if name == call.place), None)
        schema = {} if parameter is None else resolved(parameter.schema, parameter.schema.get("$defs", {}))
        is_closed = "enum" in schema or schema.get("type") == "boolean"
        return is_closed and trial.run.answer is not None and trial.run.answer.status == "success"

    def _shown(self, call: NearMiss) -> tuple[Any, Any]:
        """What was approved in this place, and what was given: of a part it alone, where it is there in both."""
        name, part = re.match(r"(\w*)(.*)", call.place, re.DOTALL).groups()  # type: ignore[union-attr]
        if part.startswith(" "):  # two of them
            return None, None
        default = None if name in self.arguments else self.defaults.get(name)
        approved, given = call.approved.get(name, default), call.given.get(name)
        try:
            return _at(approved, part), _at(given, part)
        except (LookupError, AttributeError, TypeError):  # one more, or one less
            return approved, given


def _roots(call: NearMiss) -> list[str]:
    """The arguments of a near miss, all of which are loose where one of them is; none of another value, for each part counts."""
    return [re.split(r"[.\[]", name)[0] for name in call.place.split(" and ")] if call.how else []


def _at(value: Any, part: str) -> Any:
    """What stands there: `.to` or `[0]['sku']`. Raises LookupError where nothing does."""
    if part == "[-1]":  # the last of the one is not in the other
        raise LookupError(part)
    for name, key in re.findall(r"\.(\w+)|\[(.+?)\]", part):
        value = getattr(value, name) if name else value[ast.literal_eval(key)]
    return value
