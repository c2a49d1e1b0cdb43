"""What a hand-written test may not have noticed: faults that nobody met, and requests that nobody answered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_agentready.domain import Request, did_you_mean, listed, some_of
from pytest_agentready.world.outages import EVERY, Outage, Outages, count
from pytest_agentready.world.unanswered import AGENT_WORLD, MARKER, unanswered, unspoken
from pytest_agentready.world.world import World

PORT = re.compile(r":\d+(/udp)?$")


def unmet(world: World, outages: Outages) -> list[str]:
    """The faults that made no difference: a test that passes has not shown what it was to show."""
    asked = list(dict.fromkeys([*(PORT.sub("", name).lower() for name in world.network.peers), *(r.host for r in world.network.requests)]))
    told = (_why(world, outage, asked) for outage in outages.known if not outage.met)
    return list(dict.fromkeys(why for why in told if why))


def _why(world: World, outage: Outage, asked: list[str]) -> str:
    """Why nobody met it; "" where its host was not asked any more, which may be just what the test shows."""
    whose = "every host" if outage.host == EVERY else repr(outage.host)
    never = f"the fault {outage.fault.slug!r} for {whose} was never met"
    requests = [request for request in world.network.requests if outage.host in (EVERY, request.host)]
    if outage.asked and outage.begins and count(world.network.requests, outage.host) <= outage.begins:
        return f"{never}: it was to begin after {outage.begins} requests, and there were {len(requests)}"
    if outage.asked:
        return f"{never}: it does not apply to {_shown(requests) or 'what was asked there'}"
    if world.network.allowed.covers(outage.host, 0) or world.network.allowed.knows(outage.host):
        return f"{never}: that host is on agentready_allow_hosts, and reached for real"
    if not asked:
        return f"{never}: the test asked nobody"
    if outage.host == EVERY or outage.host in asked:
        return ""
    return f"{never}: the test asked {listed(asked)}.{did_you_mean(outage.host, asked)}"


def _shown(requests: list[Request]) -> str:
    return some_of(dict.fromkeys(f"{request.method} {request.url.partition('?')[0]}" for request in requests))


def unheard(world: World, backend: object, *, marked: bool) -> Iterator[str]:
    """Requests that had no answer but a 404, or none that the world can give, and what to write."""
    missing = (request for request in world.network.requests if request.routed is False)
    if said := unanswered(missing, backend, MARKER if marked else AGENT_WORLD):
        yield said
    if world.network.unspoken:
        yield unspoken(world.network.unspoken)
