"""stay(visit): several calls of the user's code in one world, each with a frozen record of its own.

What the peers keep (the contents of a Redis, say), and what the code itself remembers, lasts from one call to the next, and the
clock goes on. A fault can begin and end between two calls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pytest_agentready.domain import Run
from pytest_agentready.world import real
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.ending import calm_down
from pytest_agentready.world.faults import WireFault
from pytest_agentready.world.limits import Limits
from pytest_agentready.world.order import Order
from pytest_agentready.world.outages import Outages
from pytest_agentready.world.run import carried_out, entered, in_a_thread, interrupted, recorded
from pytest_agentready.world.world import World

T = TypeVar("T")
RECORDS = ("waits", "sleeps", "attempts", "requests", "refused", "local_effects", "unseen")
MOMENTS = ("attempts", "requests", "local_effects")  # those of them that say when they happened
PATIENCE = Limits(attempts=1_000, turns=20_000, horizon=400 * 86_400.0, real=20.0)


def stay(visit: Callable[[Stay], T], *, backend: object = None, limits: Limits = PATIENCE) -> T:
    """What `visit` gives, having made its calls. `backend` is a `Backend` as the tool's facts have it. Raises BackendFailed."""
    if asyncio._get_running_loop() is not None:  # an async test: its thread's loop is taken
        return in_a_thread(lambda: stay(visit, backend=backend, limits=limits))
    world = World(None, backend if isinstance(backend, Backend) else Backend(), limits)
    with entered(world):
        return visit(Stay(world))


@dataclass(frozen=True, slots=True)
class _Mark:
    """How much of each record belongs to the calls before."""

    now: float
    fired: int
    lengths: Mapping[str, int]


class Stay:
    """One world, for as long as the visit takes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._fault: WireFault | None = None
        self._spared = 0

    @property
    def over(self) -> bool:
        """Had the world to end a call? What is called from then on ends at once."""
        return self._world.time.over

    @property
    def began(self) -> float:
        """Seconds since the epoch, by the clock of this world."""
        return self._world.time.wall

    def begin_at(self, moment: float) -> None:
        """Let this world have begun at that moment, as another one did."""
        self._world.time.wall = moment

    def call(self, call: Callable[..., Any], arguments: Mapping[str, Any]) -> Run:
        """One call to its end, well or not, and what it alone did. Its moments count from its own beginning."""
        mark, start = self._mark(), real.perf_counter()
        run = carried_out(call, Run(dict(arguments), self._fault, self._spared))
        calm_down()
        if interrupted():
            raise KeyboardInterrupt
        run = replace(run, virtual=self._world.time.now - mark.now)
        self._world.settle()
        return _since(mark, recorded(self._world, run, real.perf_counter() - start))

    def pause(self, seconds: float) -> None:
        """Let virtual time pass, for the dates too."""
        if not self.over:
            self._world.time.wait("advance", seconds, lambda: False, real.sleep)

    def forgiven(self) -> BaseException | None:
        """What the user's own backend has raised; it counts no more, and the next call is answered again."""
        network = self._world.network
        failure, network.backend_failure = network.backend_failure, None
        return failure

    def fault(self, fault: WireFault | None, spared: int = 0) -> None:
        """From here on every peer has this fault, but for the next `spared` requests; None: all is well."""
        network = self._world.network
        network.outages = Outages(fault, len(network.requests) + spared)
        self._fault, self._spared = fault, spared
        if fault is not None and fault.precedes_the_request and not spared:
            network.drop_idle("*")

    def slow_down(self, seconds: float) -> None:
        """From here on an answer takes as long as this."""
        self._world.network.latency = seconds

    @contextlib.contextmanager
    def shuffled(self) -> Iterator[Order]:
        """For as long as the context is open, what has no order of its own comes in another one."""
        network = self._world.network
        network.order = order = Order()
        try:
            with order.in_place():
                yield order
        finally:
            network.order = None

    def _mark(self) -> _Mark:
        everything = recorded(self._world, Run({}), 0.0)
        return _Mark(self._world.time.now, everything.fired, {name: len(getattr(everything, name)) for name in RECORDS})


def _since(mark: _Mark, run: Run) -> Run:
    parts: dict[str, Any] = {name: getattr(run, name)[mark.lengths[name] :] for name in RECORDS}
    for name in MOMENTS:
        parts[name] = tuple(replace(part, at=part.at - mark.now) for part in parts[name])
    asked = parts["requests"] or parts["attempts"]
    return replace(run, fired=run.fired - mark.fired, peers=run.peers if asked else (), **parts)
