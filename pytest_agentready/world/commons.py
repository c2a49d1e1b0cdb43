"""What all peers of one run have in common: what they saw, the faults that they meet, the clock, and who knows the answers."""

from __future__ import annotations

from _thread import RLock, get_ident
from collections.abc import Callable
from typing import Any, TypeVar

from pytest_agentready.domain import ModelCall, Request, Respond, Secret
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.backend_calls import BackendFailed
from pytest_agentready.world.connection import LATENCY
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.order import Order
from pytest_agentready.world.outages import Outages, count
from pytest_agentready.world.timeline import Timeline
from pytest_agentready.world.wire import WireFault

T = TypeVar("T")


class Commons:
    """Of one run."""

    time: Timeline  # set by the world: each needs the other

    def __init__(self, outages: Outages, backend: Backend) -> None:
        self.outages = outages
        self.backend = backend
        self.thread = get_ident()  # which calls the tool
        self.fired = 0
        self.requests: list[Request] = []
        self.model_calls: list[ModelCall] = []
        self.respond: Respond | None = None  # what a model answers, whichever provider is asked; None: there are no providers
        self.unspoken: dict[str, None] = {}  # an ordered set
        self.credentials: dict[Secret, None] = {}
        self.own_clocks: dict[str, None] = {}  # real stores that were asked for what goes by their own time
        self.refused: list[str] = []
        self.tls = False
        self.backend_failure: BackendFailed | None = None
        self.own_failure: Exception | None = None
        self.farewells_held = False  # a peer that would close a connection by itself now leaves it open for good
        self.memory: dict[str, Any] = {}  # what the services keep for as long as the run: the contents of a Redis, say
        self.latency = LATENCY  # virtual seconds until an answer comes
        self.steps: list[Request | None] = []  # all that was asked for, one after the other: None is the next of `requests`
        self._numbering = RLock()  # threads ask for statements at the same time, and a finalizer in the midst of that
        self.held: dict[int, float] = {}  # steps, by their numbers, that are carried out so many seconds later
        self.order: Order | None = None  # where an experiment gives the peers' lists another one

    def fault(self, request: int | None = None, host: str = "") -> WireFault | None:
        """The fault that this request meets, by its number; without one, that of whatever comes next to this host."""
        if request is not None:
            host = self.requests[request].host
        return self.outages.met_by(host.lower(), lambda whose: count(self.requests[:request], whose))

    def note(self, request: Request) -> float:
        """A peer was asked; virtual seconds for which that is held back."""
        self.requests.append(request)
        return self.hold_of(self.note_step(None))

    def note_step(self, step: Request | None) -> int:
        """A statement of SQLite, or a pause; None for the request that was noted last. Gives its number."""
        with self._numbering:
            self.steps.append(step)
            return len(self.steps) - 1

    def hold_of(self, number: int) -> float:
        """Virtual seconds for which this step is held back."""
        return self.held.get(number, 0.0)

    def fire(self, host: str) -> None:
        """The fault of this host has acted once more."""
        self.fired += 1
        self.outages.fired(host.lower())

    def ask_backend(self, request: IncomingRequest) -> Response | None:
        """The backend's normal answer to an HTTP request."""
        return self.ask(
            lambda: self.backend.answer(request),
            lambda failure: Response(status=500, body=f"the backend itself failed: {failure}"),
        )

    def ask(self, question: Callable[[], T], otherwise: Callable[[BackendFailed], T]) -> T:
        """Ask the backend. That it does not work is kept, and told when the run is over: what it answers no longer counts."""
        try:
            return question()
        except BackendFailed as failure:
            self.fail(failure)
            return otherwise(failure)

    def fail(self, failure: Exception) -> None:
        """Keep the first failure of the user's backend, and the first of our own: neither is a word about the tool."""
        if isinstance(failure, BackendFailed):
            self.backend_failure = self.backend_failure or failure
        else:
            self.own_failure = self.own_failure or failure
