"""The same call again and again: in good health, with a peer that fails or is silent, and, for an async tool, cancelled while it waits.

After each call a moment passes, and what is still open then is written down. Two calls are enough where the second has left no more than
the first. Where that grows with each call, a longer time passes at the end, for tasks and threads may end by themselves. The garbage
collector is off meanwhile: when it runs depends on everything else in the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import CancelledCalls, FaultMatrix, Held, HeldKind, NormalCall, RepeatedCalls, Run, Series, Tool
from pytest_agentready.experiments.calling import confirm_first, memory_kept
from pytest_agentready.world import BackendFailed, Limits, Refusal, WireFault, active, loops, observe
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.inventory import Inventory
from pytest_agentready.world.run import awaited, copied, finished, interrupted
from pytest_agentready.world.stdio import muted

TWO = 2  # calls that show that nothing does
FEW = 6  # calls that show whether anything grows
MANY = 14  # calls that tell a leak from a pool that is being filled
PAUSE = 1.0  # virtual seconds after each call; all calls together take less than it takes aiohttp to close an idle connection (15 s)
REST = 300.0  # virtual seconds in which tasks and threads may come to their own end
MOMENT = 1.0  # virtual seconds to end in after a cancellation
FAILING = ("500", "404", "reset-during-answer", "response-hang")
REFUSAL = Refusal("refusal", "the server answers with an error", "status", expected="transient")  # of a database, or of a mail server

Call = Callable[..., None]


def run(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix, cancelled_call: CancelledCalls) -> RepeatedCalls:
    if normal_call.obstacle or not normal_call.runs:
        return RepeatedCalls(gap=normal_call.obstacle)
    found: list[Series] = []
    gaps: list[str] = []
    with muted(), memory_kept(tool), _uncollected():
        for before, call, cancelled in _circumstances(tool, normal_call, fault_matrix, cancelled_call):
            try:
                series = _series(tool, before, call, {kind for series in found for kind in series.leaking})
            except BackendFailed as failure:
                gaps.append(f"the backend does not work in a repeated call: {failure}")
                continue
            if _is_open(series):
                gaps.append(f"only {len(series.left)} of {FEW} repeated calls came to an end ({series.circumstance})")
            if before.fault is not REFUSAL or series.run.fired:  # what it asks for may be nothing that can be refused
                found.append(replace(series, cancelled=cancelled))
    return RepeatedCalls(tuple(found), "; ".join(gaps))


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _unrecorded() -> Iterator[None]:
    """pytest keeps what is logged in a test, with its exception, and all that hangs on that: the code that logs it does not."""
    handlers = [handler for handler in logging.getLogger().handlers if type(handler).__module__.startswith("_pytest.")]
    kept = [records for handler in handlers if isinstance(records := getattr(handler, "records", None), list)]
    before = [len(records) for records in kept]
    try:
        yield
    finally:
        for records, length in zip(kept, before, strict=True):
            del records[length:]


def _circumstances(
    tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix, cancelled_call: CancelledCalls
) -> Iterator[tuple[Run, Call, bool]]:
    """A run that shows what the call does there, how it is called, and whether it is cancelled."""
    once = _once(tool)
    yield normal_call.runs[0], once, False
    shown: list[Run] = []
    for slug in FAILING:
        met = [run for run in fault_matrix.runs if run.fault is not None and run.fault.slug == slug and run.fired and run.finished]
        if not met or (slug == "404" and any(_ends_alike(met[0], other) for other in shown)):
            continue
        if slug == "response-hang" and normal_call.in_real_time:
            continue  # a few real seconds for each call
        # A status meets the first request, a broken connection the last: both ways out of a tool that makes several.
        shown.append(met[0 if slug in ("500", "404") else -1])
        yield shown[-1], once, False
    if any(not request.is_http for request in normal_call.runs[0].requests):
        yield replace(normal_call.runs[0], fault=REFUSAL), once, False
    for cancellation in cancelled_call.reached:
        if cancellation.obeyed and cancellation.run.fault is not None and cancellation.run.fault.slug == "response-hang":
            yield cancellation.run, _cancelling(tool, cancellation.at or 0.0), True
            return


def _ends_alike(one: Run, other: Run) -> bool:
    """So that the tool makes no difference between the two faults, as far as can be told from outside."""

    def outcome(run: Run) -> object:
        return (run.raised.kind, run.raised.where) if run.raised is not None else run.answer.text if run.answer is not None else None

    return outcome(one) == outcome(other)


def _series(tool: Tool, before: Run, call: Call, known: set[HeldKind]) -> Series:
    fault = before.fault
    assert fault is None or isinstance(fault, WireFault)
    usual = max(len(before.requests), len(before.peers), 1)
    limits = Limits(attempts=100 + 3 * MANY * usual, turns=20_000, horizon=100_000.0, real=20.0)
    repeater = _Repeater(call, known)
    run = observe(repeater, before.arguments, backend=tool.facts.backend, fault=fault, spared=before.spared, limits=limits)
    return replace(repeater.series, run=run)


def _is_open(series: Series) -> bool:
    """Is it not known yet whether anything grows?"""
    calls = len(series.left)
    return calls < TWO or (calls < FEW and bool(series.rising))


class _Repeater:
    """Calls until it is clear whether anything grows, and keeps the books."""

    def __init__(self, call: Call, known: set[HeldKind]) -> None:
        self._call = call
        self._known = known  # to leak in another circumstance: a few calls tell that they do in this one
        self.series = Series(Run({}), ())

    def __call__(self, **arguments: Any) -> None:
        world = active.world
        assert world is not None
        inventory = Inventory(world)
        while _is_open(self.series) or (FEW <= len(self.series.left) < MANY and set(self.series.growing) - self._known):
            with _unrecorded():
                self._call(**copied(arguments))
            if interrupted():  # the tool has swallowed it
                raise KeyboardInterrupt
            world.network.farewells_held = True  # what the call has left open shall not be closed from the other side
            loops.drive(asyncio.sleep(PAUSE))
            world.network.farewells_held = False
            self.series = replace(self.series, left=(*self.series.left, inventory.left()))
        if self.series.growing:
            gc.collect()
            loops.drive(asyncio.sleep(0))
            self.series = replace(self.series, freed=self._gone(inventory.left()))
            loops.drive(asyncio.sleep(REST))
            self.series = replace(self.series, ended=self._gone(inventory.left()) - self.series.freed)

    def _gone(self, left: tuple[Held, ...]) -> frozenset[HeldKind]:
        """Of which of the growing kinds most is there no more?"""
        now = replace(self.series, left=(left,))
        return frozenset(kind for kind in self.series.growing if now.counts(kind)[0] <= self.series.counts(kind)[-1] - FEW)


def _once(tool: Tool) -> Call:
    """A call to its end, well or not; neither its value nor its exception is kept, for they may hold what it opened."""

    def call(**arguments: Any) -> None:
        try:
            finished(tool.call(**confirm_first(tool, arguments)))
        except Signal:
            raise
        except BaseException as error:
            if interrupted() or type(error).__module__.startswith("_pytest."):
                raise

    return call


def _cancelling(tool: Tool, at: float) -> Call:
    async def cancel(value: Any) -> None:
        task = asyncio.ensure_future(awaited(value))
        await asyncio.wait({task}, timeout=at)
        for _ in range(2):
            task.cancel()
            await asyncio.wait({task}, timeout=MOMENT)
        if task.done() and not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain of it

    def call(**arguments: Any) -> None:
        loops.drive(cancel(tool.call(**confirm_first(tool, arguments))))

    return call
