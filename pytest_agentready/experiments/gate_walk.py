"""A walk around a tool's confirmation gate: unconfirmed, confirmed, changed, twice, a day later, and opened by the model itself.

Each step is in a world of its own, so that no approval is left over from the step before; in memory it is taken back. Where the marker
gives no `confirm`, the normal call is the unconfirmed one, and only what a model could do by itself is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from pytest_agentready.arguments.another import others
from pytest_agentready.domain import STORES, Change, GateWalk, NormalCall, Run, Tool, Trial, counted, effects_of, listed
from pytest_agentready.experiments.calling import approve, called_within, confirm_name, problem_of, shut
from pytest_agentready.experiments.changed_calls import another_user, changed_calls
from pytest_agentready.experiments.gate_stage import Stage
from pytest_agentready.experiments.memory import added
from pytest_agentready.experiments.self_opened import Opened, opened_by_a_choice, opened_by_the_model
from pytest_agentready.world import BackendFailed, Stay
from pytest_agentready.world.stdio import muted

DAY = 86_400.0 + 60.0  # virtual seconds: what lives for exactly a day is over
LEFT_OVER = 3  # approvals that are used up before one is given


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
        self.stage = Stage(tool)
        self.untried = ""
        self.traceless = False
        self.inner_calls: Sequence[str] = ()  # of the tool, by `confirm`
        self.token: Mapping[str, Any] = {}  # what `confirm` gives for the tool

    def walked(self) -> GateWalk:
        if self.tool.facts.confirm is not None:
            self._get_to_know(normal.arguments for normal in self.normal_call.runs)
        unconfirmed = [self._unconfirmed(number) for number in range(len(self.sets))]
        acts = any(trial.effects for trial in unconfirmed)
        opened = Opened() if acts else opened_by_the_model(self.stage, self.sets, unconfirmed)
        if not acts and not opened.trials:
            unconfirmed[0] = self._in_earnest(unconfirmed[0])
        self.stage.refusal = unconfirmed[0].told
        name = confirm_name(self.tool)
        walk = GateWalk(
            unconfirmed=tuple(unconfirmed),
            confirm_name=name,
            stale=self.stage.stale,
            opened=opened.trials,
            tried=opened.tried,
            looked_up=opened.looked_up,
            unseen=bool(self.normal_call.missing),
        )
        if self.stage.confirming is not None:
            walk = replace(
                walk, confirming=self.stage.confirming, traceless=self.traceless, broken=problem_of(self.tool, self.stage.confirming)
            )
        return walk if self.stage.confirming is None or walk.broken or walk.is_open else self._confirmed(walk)

    # -- unconfirmed

    def _in_earnest(self, trial: Trial) -> Trial:
        """The refusal of a call that is no dry run, where its switch alone opens nothing."""
        arguments = self.normal_call.runs[0].arguments
        if trial.asks or self.sets[0] == arguments or self.tool.facts.confirm is None:
            return trial
        (found,) = self.stage.in_a_world(lambda world: [world.call(self.tool.call, arguments)])
        return trial if (said := self.stage.trial(found)).effects else said

    def _unconfirmed(self, number: int) -> Trial:
        arguments, normal = self.sets[number], self.normal_call.runs[number]
        if self.tool.facts.confirm is None and arguments == normal.arguments:
            return self.stage.trial(self.normal_call.beside(normal))  # with programs that succeed: what it does behind them counts
        if number < len(self.normal_call.unconfirmed) and not self.stage.stale:
            return self.stage.trial(self.normal_call.unconfirmed[number])
        (found,) = self.stage.in_a_world(lambda world: [world.call(self.tool.call, arguments)])
        return self.stage.trial(found)

    # -- confirmed

    def _get_to_know(self, sets: Iterable[Mapping[str, Any]]) -> None:
        """What `confirm` touches is the gate's own."""
        arguments = next(iter(sets))
        if not self._learn(arguments) and self.stage.confirming is not None and self.stage.confirming.raised is None:
            self.stage.stale = self._learn(self._otherwise(arguments))
            self._learn(arguments)

    def _otherwise(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Another call. Its approval shows where that of the first one is, which somebody may have left there before."""
        return {name: next((other for part, other in others(value) if not part), value) for name, value in arguments.items()}

    def _learn(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """The containers in which this approval leaves something."""
        places: list[str] = []

        def step(world: Stay) -> Sequence[Run]:
            before = self.stage.memory.snapshot()
            with called_within(self.tool, self.tool.facts.confirm) as self.inner_calls:
                confirming, given = approve(world, self.tool, arguments)
            kept = added(before, self.stage.memory.snapshot())
            places.extend(each.place for each in kept if each.is_new)
            self.traceless = not (kept or confirming.requests or confirming.local_effects or confirming.value is not None)
            self.token = {name: value for name, value in given.items() if name not in arguments or arguments[name] is not value}
            return [confirming]

        (self.stage.confirming,) = self.stage.in_a_world(step)
        return tuple(dict.fromkeys(places))

    def _confirmed(self, walk: GateWalk) -> GateWalk:
        best: GateWalk | None = None
        for number, normal in enumerate(self.normal_call.runs):
            confirmed, again = self._twice(normal.arguments)
            found = replace(walk, arguments=normal.arguments, confirmed=confirmed, again=again)
            best = best or found
            if deed := self._done_by_confirm(confirmed):
                return replace(found, broken=f"{walk.confirm_name} itself {deed}. Let it record the approval alone")
            if self.inner_calls and not confirmed.effects:
                name = self.tool.name.rpartition(".")[2]
                deed = f"calls {name} itself, and nothing is left for the confirmed call to do"
                return replace(found, broken=f"{walk.confirm_name} {deed}. Let it record the approval alone")
            if confirmed.effects:
                later, sample = self._a_day_later(normal.arguments)
                changes = changed_calls(self.stage, normal.arguments, self.token, confirmed, sample)
                changes += self._for_another_user(normal.arguments)
                found = replace(found, later=later, sample=sample, changes=changes, untried=self.untried)
                chosen = () if found.opened else opened_by_a_choice(self.stage, self.sets[number], confirmed, sample)
                return replace(found, opened=(*found.opened, *chosen))
        return best or walk

    def _done_by_confirm(self, confirmed: Trial) -> str:
        """What a `confirm` does beside the tool; "" where it only records."""
        assert self.stage.confirming is not None
        own = effects_of(self.stage.confirming)
        deeds = [effect for effect in counted(confirmed.run, self.tool.facts) if effect.kind not in STORES]
        for effect in deeds:
            if effect.identity in {one.identity for one in own}:
                return f"does what the tool does: {effect.story}"
        mail = next((effect for effect in own if effect.kind == "mail"), None)
        return "" if mail is None else f"sends a mail to {listed(mail.places)}, so that the tool's mails cannot be told from its own"

    def _twice(self, arguments: Mapping[str, Any]) -> tuple[Trial, Trial]:
        def step(world: Stay) -> Sequence[Run]:
            for _ in range(LEFT_OVER):  # approvals that earlier runs have left in a store of the machine
                if not self.stage.trial(world.call(self.tool.call, arguments)).effects:
                    break
            given = self.stage.approve(world, arguments)
            return [world.call(self.tool.call, given), world.call(self.tool.call, given)]

        first, second = self.stage.in_a_world(step)
        return self.stage.trial(first), self.stage.trial(second)

    def _a_day_later(self, arguments: Mapping[str, Any]) -> tuple[Trial, Trial]:
        """A call by an approval that is a day old; and one by a new approval, for comparison."""

        def step(world: Stay) -> Sequence[Run]:
            given = self.stage.approve(world, arguments)
            world.pause(DAY)
            late = world.call(self.tool.call, given)
            return [late, world.call(self.tool.call, self.stage.approve(world, arguments))]

        late, fresh = self.stage.in_a_world(step)
        return self.stage.trial(late), self.stage.trial(fresh)

    def _for_another_user(self, arguments: Mapping[str, Any]) -> tuple[Change, ...]:
        user = self.tool.facts.user
        if not isinstance(user, ContextVar):
            return ()
        try:
            return tuple(another_user(self.stage, user, arguments))
        except LookupError:
            self.untried = f"user={user.name} has no value in this test: set one in a fixture, so that another user can be tried"
            return ()
