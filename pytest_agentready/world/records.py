"""The frozen record of a run, or of one call among several in a world: all that the world has seen since it began."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pytest_agentready.domain import Request, Run
from pytest_agentready.telemetry.recording import Reach
from pytest_agentready.world.world import SETTLES, World


@dataclass(frozen=True, slots=True)
class Mark:
    """How much of each record belongs to what was before."""

    now: float = 0.0  # virtual seconds
    fired: int = 0
    waits: int = 0
    sleeps: int = 0
    attempts: int = 0
    requests: int = 0
    steps: int = 0
    model_calls: int = 0
    refused: int = 0
    effects: int = 0
    unseen: int = 0
    telemetry: Reach = Reach()


BEGINNING = Mark()


def mark(world: World) -> Mark:
    """As of now; what has become of files and transactions so far belongs to what was before."""
    network, time = world.network, world.time
    return Mark(
        time.now,
        network.fired,
        len(time.waits),
        len(time.sleeps),
        len(network.attempts),
        len(network.requests),
        len(network.steps),
        len(network.model_calls),
        len(network.refused),
        len(world.ledger.effects),
        len(time.crowd.unseen.found),
        world.telemetry.reach(),
    )


def recorded(world: World, run: Run, seconds: float, since: Mark = BEGINNING) -> Run:
    """The run with all that its world has seen since then. Its moments count from there, too."""
    network, time = world.network, world.time
    requests = network.requests[since.requests :]
    if not world.works_beside:
        requests = [replace(one, beside=False) if one.beside else one for one in requests]
    asked = tuple(_from(since.now, requests))
    attempts = network.attempts[since.attempts :]
    return replace(
        run,
        fired=network.fired - since.fired,
        ending=time.ending or run.ending,
        waits=tuple(wait.freeze() for wait in time.waits[since.waits :] if wait.primitive != SETTLES),
        sleeps=tuple(time.sleeps[since.sleeps :]),
        attempts=tuple(_from(since.now, attempts)),
        requests=asked,
        steps=tuple(_steps(world, asked, since)),
        model_calls=tuple(_from(since.now, network.model_calls[since.model_calls :])),
        peers=tuple(network.peers) if requests or attempts or since is BEGINNING else (),
        tls=network.tls,
        allowed=tuple(network.allowed.reached),
        own_clocks=tuple(network.own_clocks),
        unspoken=tuple(network.unspoken),
        credentials=tuple(network.credentials),
        refused=tuple(network.refused[since.refused :]),
        local_effects=tuple(_from(since.now, world.ledger.effects[since.effects :])),
        unseen=tuple(time.crowd.unseen.found)[since.unseen :],
        in_real_time=world.in_real_time,
        telemetry=world.telemetry.frozen(since.telemetry, since.now),
        real=seconds,
    )


def _steps(world: World, requests: Iterable[Request], since: Mark) -> Iterator[Request]:
    """Requests and statements, in the order in which they were asked."""
    following = iter(requests)
    for step in world.network.steps[since.steps :]:
        yield next(following) if step is None else replace(step, at=step.at - since.now)


def _from(moment: float, things: Iterable[Any]) -> Iterator[Any]:
    """They say when they happened: from this moment on."""
    return (replace(one, at=one.at - moment) for one in things) if moment else iter(things)
