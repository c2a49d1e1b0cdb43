"""`agent_world`: the virtual world of one hand-written test, from its first line to its last.

The test's thread is the world's first member, as a tool is in an experiment. Fixtures begin and end in real life.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from pytest_agentready.domain import Effect, OutOfScript, Request, Respond, Run, Sleep, Wait, did_you_mean, effects_of
from pytest_agentready.prices import dollars_of
from pytest_agentready.scene import endings, notes
from pytest_agentready.scene.clock import ADVANCE, Clock
from pytest_agentready.telemetry.tree import drawn
from pytest_agentready.world import Backend, BackendError, Limits, Response, WireFault
from pytest_agentready.world.allowed import Hosts
from pytest_agentready.world.ending import OutboundBlocked
from pytest_agentready.world.faults import answering
from pytest_agentready.world.granted import Grant, granted
from pytest_agentready.world.installation import installed, prepare
from pytest_agentready.world.leftovers import sweep
from pytest_agentready.world.outages import EVERY, Outages, count
from pytest_agentready.world.records import recorded
from pytest_agentready.world.tls import load_postponed
from pytest_agentready.world.world import World

# A test may well do more than a tool: send many requests, wait for days, and take a while.
LIMITS = Limits(attempts=500, turns=20_000, horizon=366 * 86_400.0, real=60.0)


class AgentWorld:
    """The world of one test. What it is told before the test begins, by a fixture, holds from its first line."""

    def __init__(
        self, known: Callable[[], tuple[WireFault, ...]], allow: Hosts, relative: Callable[[str], str], grant: Callable[[], Grant]
    ) -> None:
        """`known` gives the faults that have a name; `relative` says how the user knows a file; `grant` what the test may do here."""
        self.clock = Clock(self)
        self.judge_passively: Callable[[], str] | None = None  # what is wrong with the calls of the tool, in words
        self.respond: Respond | None = None  # the model behind the providers
        self.unplayed: Callable[[], str] | None = None  # what of its script nobody has asked for, in words
        self.astray: Callable[[], list[str]] = list  # what its script calls that nobody has offered, in words
        self._known = known
        self._allow = allow
        self._relative = relative
        self._grant = grant
        self._outages = Outages()
        self.notes: list[str] = []  # what the test's own outcome does not say, once it is over
        self._backend = Backend()
        self._has_backend = False
        self._world: World | None = None
        self._plays = False

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Raises TypeError: it is no function."""
        __tracebackhide__ = True
        raise TypeError(
            "agent_world is the world of the test itself, and no function. Say what answers in it by agent_world.backend({...}), and what "
            "fails by agent_world.fault('api.example.com', 'response-hang')"
        )

    # -- what the test arranges

    def backend(self, backend: object) -> None:
        """What the outside world answers, as the `agent_tool` mark takes it. It takes the place of the one before."""
        __tracebackhide__ = True
        try:
            self._backend = Backend.parse(backend)
        except BackendError as error:
            raise ValueError("\n".join(error.problems)) from None
        self._has_backend = True
        if self._world is not None:
            self._world.network.backend = self._backend

    def fault(self, *host_and_fault: str | WireFault | Response, after: int = 0, **given: object) -> None:
        """Let a host fail from here on: `fault("api.example.com", "response-hang")`. Without a host, or for "*", all do.

        The fault is one by its slug, a `WireFault` such as `Hang()`, or a `Response` with which everything is answered. The next
        `after` requests are still answered well. A host has one fault; a second one takes the first one's place.
        """
        __tracebackhide__ = True
        if given or len(host_and_fault) not in (1, 2):
            raise TypeError('fault() takes a host and a fault, or a fault for every host: fault("api.example.com", "response-hang")')
        if isinstance(after, bool) or not isinstance(after, int) or after < 0:
            raise ValueError(f"after={after!r} is no number of requests that are still answered well: write such as after=2")
        *host, fault = host_and_fault
        name = _host(host[0]) if host else EVERY
        found = self._fault(fault)
        network = self._world.network if self._world is not None else None
        before = count(network.requests, name) if network is not None else 0
        self._outages.begin(name, found, before + after if after else 0)
        if network is not None and found.precedes_the_request and not after:
            network.drop_idle(name)

    def clear(self, host: str | None = None) -> None:
        """The host's own fault is over, or every fault is. "*" is the one for every host."""
        __tracebackhide__ = True
        name = None if host is None else _host(host)
        try:
            self._outages.end(name)
        except KeyError:
            raise ValueError(_nothing_to_clear(str(name), self._outages.hosts)) from None

    def _fault(self, fault: object) -> WireFault:
        __tracebackhide__ = True
        if isinstance(fault, WireFault):
            return fault
        if isinstance(fault, Response):
            if fault.flaws:
                raise ValueError("\n".join(fault.flaws))
            return answering(fault)
        known = {known.slug: known for known in self._known()}
        if isinstance(fault, str) and fault in known:
            return known[fault]
        if isinstance(fault, int) and not isinstance(fault, bool):
            slug = f"the fault {str(fault)!r}, or " if str(fault) in known else ""
            raise TypeError(f"{fault} is no fault: write {slug}Response(status={int(fault)})")
        if isinstance(fault, type) and issubclass(fault, WireFault):
            raise TypeError(f"{fault.__name__} is a class: write {fault.__name__}()")
        raise ValueError(f"there is no fault {fault!r}.{did_you_mean(str(fault), known)} Known: {', '.join(known)}.")

    # -- what the test sees

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests so far, as the peers saw them."""
        return () if self._world is None else tuple(self._world.network.requests)

    @property
    def waits(self) -> tuple[Wait, ...]:
        """Every wait so far, in virtual seconds."""
        waits = () if self._world is None else tuple(self._world.time.waits)
        return tuple(wait.freeze() for wait in waits if wait.primitive != ADVANCE)

    @property
    def sleeps(self) -> tuple[Sleep, ...]:
        return () if self._world is None else tuple(self._world.time.sleeps)

    @property
    def refused(self) -> tuple[str, ...]:
        """What would have left the world, and was refused."""
        return () if self._world is None else tuple(self._world.network.refused)

    @property
    def backend_in_force(self) -> Backend | None:
        """What the test, or its mark, has given; None where neither has."""
        return self._backend if self._has_backend else None

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What the test, and all that it calls, has changed so far: at the peers, in files, in databases; what was refused, too.

        A file counts by what it is at this moment: one that was made and removed since the last look is no effect.
        """
        if self._world is None:
            return ()
        network = self._world.network
        return effects_of(Run({}, requests=tuple(network.requests), local_effects=tuple(self._world.ledger.effects)))

    @property
    def trace(self) -> str:
        """What happened so far as a tree: the spans, and the calls of models and requests that no span covers; in virtual time.

        With what calls of models cost, where genai-prices is installed and knows the model. "" where nothing has happened.
        """
        if self._world is None:
            return ""
        return drawn(recorded(self._world, Run({}, virtual=self._world.time.now), 0.0), lambda calls: dollars_of(calls, {}))

    @property
    def outages(self) -> Outages:
        return self._outages

    @property
    def running(self) -> World:
        """The world itself. Raises RuntimeError before the test begins, and when it is over."""
        __tracebackhide__ = True
        if self._world is None or not self._plays:
            raise RuntimeError(
                "this works only while the test runs: its world begins with the first line of the test and ends with the last"
            )
        return self._world

    @property
    def last(self) -> World | None:
        """The world itself, also when it is over; None before it begins."""
        return self._world

    # -- the course of the test

    @contextlib.contextmanager
    def played(self, subject: object = None) -> Iterator[None]:
        """The test runs in the world; `subject` is what it refers to.

        Raises pytest's Failed where the world had to end it, or a passive check fails."""
        __tracebackhide__ = True
        prepare(subject or self)
        with granted(self._grant()):
            world = self._world = World(None, self._backend, LIMITS, allow=self._allow, abrupt=True, respond=self.respond)
        world.network.outages = self._outages
        world.sees_stores = False  # what a test of the user's own does to a real Redis, it means to do
        outcome: BaseException | None = None
        try:
            with installed(world):
                self._plays = True
                try:
                    yield
                    world.settle()
                finally:
                    self._plays = False
                    world.finished = True
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:
            outcome = error  # told of outside of this clause, so that it is no part of what is told instead
        finally:
            if world.time.over:
                sweep(outcome)
            elif world.network.fired or world.network.model_calls:  # clients of models are seldom closed
                sweep()
            load_postponed()  # for those that are still there
        self._tell(world, outcome)
        if outcome is not None:
            raise outcome

    def told(self, outcome: BaseException) -> BaseException:
        """What the test ends with, as its reader is to see it."""
        if not isinstance(outcome, WorldFailed):
            endings.leave_us_out(outcome)
        return outcome

    def _tell(self, world: World, error: BaseException | None) -> None:
        """What the test's own outcome does not say."""
        __tracebackhide__ = True
        network = world.network
        if network.own_failure is not None:
            raise WorldFailed("the virtual world itself has failed: the test and its tool are not to blame") from network.own_failure
        if (failure := network.backend_failure) is not None:
            if isinstance(failure.__cause__, OutOfScript):
                told = endings.stranded(failure, network.model_calls, self._relative)
            else:
                told = endings.failed_backend(failure, self._relative)
            raise pytest.fail.Exception(told, pytrace=False) from None
        ended = endings.story(world.time, network.model_calls, self._relative)
        unmet = [*notes.unmet(world, self._outages), *self.astray()]
        self.notes = [*unmet, *notes.unheard(world, self.backend_in_force, marked=self.judge_passively is not None)]
        complaint = self.judge_passively() if self.judge_passively is not None and (error is None or ended) else ""
        if error is None and not ended and unmet:
            complaint = "\n\n".join([*unmet, *([complaint] if complaint else [])])
            self.notes = self.notes[len(unmet) :]
        if complaint or ended:
            raise pytest.fail.Exception(complaint or ended, pytrace=False) from None
        if isinstance(error, OutboundBlocked):
            raise pytest.fail.Exception(endings.refusal(error, self._relative), pytrace=False) from None
        if error is None and self.unplayed is not None and (left := self.unplayed()):
            raise pytest.fail.Exception(left, pytrace=False)


class WorldFailed(Exception):
    """A mistake of our own; its cause has the traceback."""


def _nothing_to_clear(host: str, hosts: tuple[str, ...]) -> str:
    if hosts == (EVERY,):
        return (
            f"{host!r} has no fault of its own: the one in force is for every host. Write clear(), and set faults for the hosts that fail"
        )
    known = f" In force: {', '.join(map(repr, hosts))}." if hosts else " No fault is in force."
    return f"{host!r} has no fault.{did_you_mean(host, hosts)}{known}"


def _host(host: Any) -> str:
    __tracebackhide__ = True
    if not isinstance(host, str) or not host:
        raise TypeError(f"{host!r} is no host: write such as fault('api.example.com', 'response-hang')")
    if "/" in host or (":" in host and host.count(":") == 1):
        raise ValueError(f"{host!r}: give the host alone, without a scheme, port or path, such as 'api.example.com'")
    return host.lower()
