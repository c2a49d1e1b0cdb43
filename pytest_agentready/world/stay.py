"""stay(visit): several calls of the user's code in one world, each with a frozen record of its own.

What the peers keep (the contents of a Redis, say), and what the code itself remembers, lasts from one call to the next, and the
clock goes on. A fault can begin and end between two calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pytest_agentready.domain import Request, Respond, Run, Stored
from pytest_agentready.world import directories, real
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.ending import calm_down
from pytest_agentready.world.limits import Limits
from pytest_agentready.world.order import Order
from pytest_agentready.world.outages import Outages
from pytest_agentready.world.records import mark, recorded
from pytest_agentready.world.run import carried_out, entered, in_a_thread, interrupted
from pytest_agentready.world.services.redis_stores import Server
from pytest_agentready.world.sqlite.states import MEMORY, locked_out, undone
from pytest_agentready.world.sqlite.twins import another
from pytest_agentready.world.wire import WireFault
from pytest_agentready.world.world import World

T = TypeVar("T")
PATIENCE = Limits(attempts=1_000, turns=20_000, horizon=400 * 86_400.0, real=20.0)


def stay(visit: Callable[[Stay], T], *, backend: object = None, limits: Limits = PATIENCE, respond: Respond | None = None) -> T:
    """What `visit` gives, having made its calls. Raises BackendFailed.

    `backend` is a `Backend` as the tool's facts have it; `respond` is the model behind the providers, where there are any.
    """
    if asyncio._get_running_loop() is not None:  # an async test: its thread's loop is taken
        return in_a_thread(lambda: stay(visit, backend=backend, limits=limits, respond=respond))
    world = World(None, backend if isinstance(backend, Backend) else Backend(), limits, respond=respond)
    with entered(world):
        return visit(Stay(world))


class Stay:
    """One world, for as long as the visit takes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._fault: WireFault | None = None
        self._spared = 0
        self.forgotten = False  # something could not be put back, since somebody held it

    @property
    def over(self) -> bool:
        """Had the world to end a call? What is called from then on ends at once."""
        return self._world.time.over

    @property
    def began(self) -> float:
        """Seconds since the epoch, by the clock of this world."""
        return self._world.time.wall

    @property
    def now(self) -> float:
        """Virtual seconds since this world began; what calls have left running may take some between them, too."""
        return self._world.time.now

    def begin_at(self, moment: float) -> None:
        """Let this world have begun at that moment, as another one did."""
        self._world.time.wall = moment

    def call(self, call: Callable[..., Any], arguments: Mapping[str, Any]) -> Run:
        """One call to its end, well or not, and what it alone did. Its moments count from its own beginning."""
        before, start, handled = mark(self._world), real.perf_counter(), sys.exc_info()[1]
        run = carried_out(call, Run(dict(arguments), self._fault, self._spared))
        with self._undisturbed():
            calm_down(handled)
            if interrupted():
                raise KeyboardInterrupt
            run = replace(run, virtual=self._world.time.now - before.now)
        self._world.settle()
        with self._undisturbed():
            return recorded(self._world, run, real.perf_counter() - start, before)

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """What we do between the calls is not interrupted, however long the call before has taken."""
        self._world.finished = True
        try:
            yield
        finally:
            self._world.finished = False

    def begin_count(self) -> None:
        """What was tried so far is none of what the limits allow: they are those of a call, and not of the whole visit."""
        self._world.time.tries.clear()

    def pause(self, seconds: float) -> None:
        """Let virtual time pass, for the dates too."""
        if not self.over:
            self._world.time.wait("advance", seconds, lambda: False, real.sleep)

    def forgiven(self) -> BaseException | None:
        """What the user's own backend has raised; it counts no more, and the next call is answered again."""
        network = self._world.network
        failure, network.backend_failure = network.backend_failure, None
        return failure

    def fault(self, fault: WireFault | None, spared: int = 0, but: Collection[str] = ()) -> None:
        """From here on every peer but these hosts has this fault, but for the next `spared` requests; None: all is well."""
        network = self._world.network
        network.outages = Outages(fault, len(network.requests) + spared, but)
        self._fault, self._spared = fault, spared
        if fault is not None and fault.precedes_the_request and not spared:
            network.drop_idle("*", but)

    def watch_files(self) -> None:
        """From here on it is noted which files are opened."""
        self._world.opened = {}

    @property
    def connections(self) -> tuple[Any, ...]:
        """To SQLite, that the user's code holds."""
        return self._world.databases.kept

    @property
    def opened(self) -> tuple[str, ...]:
        """The files that the user's code has opened since then, and the databases of SQLite that it has connected to."""
        seen = self._world.files.overlay.seen
        files = (seen(path) for path, where in (self._world.opened or {}).items() if where)
        return tuple(dict.fromkeys([*files, *self._world.databases.places]))

    def slow_down(self, seconds: float) -> None:
        """From here on an answer takes as long as this."""
        self._world.network.latency = seconds

    @property
    def asked(self) -> int:
        """How many steps there were so far: requests to its peers, and statements of SQLite while these are wanted."""
        return len(self._world.network.steps)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """For a thread of ours that takes part in a call: True as soon as that is so, False when the time has passed."""
        return self._world.time.wait("sleep", seconds, ready, real.sleep)

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen so many virtual seconds from now, in whichever thread waits then."""
        self._world.time.at(seconds, event)

    def hold(self, number: int, seconds: float) -> None:
        """The step of this number, counted from 0, is carried out so much later, while others are not kept waiting."""
        self._world.network.held = {number: seconds}

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Afterwards every Redis of this world, and every database of SQLite, holds again what it held; else it has `forgotten`."""
        problems: list[Exception] = []
        with contextlib.ExitStack() as stores:
            problems = stores.enter_context(undone(self._world.databases))
            for server in self._redis():
                stores.enter_context(server.put_back())
            yield
        self.forgotten |= bool(problems)

    def in_steps(self) -> contextlib.AbstractContextManager[None]:
        """For as long as the context is open each statement of SQLite is a step, too, and can be held back."""
        return self._world.databases.steps.wanted()

    def pause_of(self, where: str) -> float:
        """The code lets others come in at this line: a step, which may be held for so many virtual seconds."""
        pause = Request(
            method="PAUSE",
            url=MEMORY,
            headers=(),
            body=b"",
            is_write=False,
            committed=False,
            status=None,
            routed=None,
            at=self._world.time.now,
            where=where,
        )
        return self._world.network.hold_of(self._world.network.note_step(pause))

    def locked_out(self) -> contextlib.AbstractContextManager[None]:
        """For as long as the context is open somebody else has the lock of each database of SQLite."""
        return locked_out(self._world.databases)

    @contextlib.contextmanager
    def in_pauses(self) -> Iterator[None]:
        """For as long as the context is open each `time.sleep` is a step, too, whose end can be held back."""
        self._world.time.paused = lambda: self.pause_of(self._world.where())
        try:
            yield
        finally:
            self._world.time.paused = None

    def another(self, connection: Any) -> Any:
        """A connection to the same database of SQLite, of the calling thread's own; itself where it is in memory. Raises sqlite3.Error."""
        return another(self._world.databases, connection)

    def stored(self) -> tuple[Stored, ...]:
        """What every Redis of this world holds by now."""
        return tuple(found for server in self._redis() for found in server.stored())

    def _redis(self) -> tuple[Server, ...]:
        return tuple(self._world.network.memory.get("redis", {}).values())

    @contextlib.contextmanager
    def shuffled(self) -> Iterator[Order]:
        """For as long as the context is open, what has no order of its own comes in another one."""
        network = self._world.network
        network.order = order = Order()
        try:
            with directories.turned(order), self._world.databases.turned(order):
                yield order
        finally:
            network.order = None
