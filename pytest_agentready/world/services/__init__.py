"""What the peers speak: one module per protocol, chosen by the backend, the port, or the first bytes that the client sends."""

from __future__ import annotations

import re

from pytest_agentready.world.peer import Greeter, Peer, Service
from pytest_agentready.world.places import LOCAL

__all__ = ["ends_well", "greeter", "pick", "real", "tls_first"]
TLS_FIRST = (465,)  # ports at which TLS comes before the first word


class Unspoken:
    """A protocol that the world does not know: it is said, and the run proves nothing about this peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        peer.network.unspoken.setdefault(f"{peer.host}:{peer.port}")
        peer.close()

    def receive(self, data: bytes) -> None:
        """Nothing that arrives can be answered."""


def pick(peer: Peer, data: bytes) -> Service:
    """The protocol that begins with these bytes."""
    from pytest_agentready.world.services import http, postgres, redis

    if http.speaks(data):
        return http.HTTP(peer)
    if redis.speaks(data):
        return redis.Redis(peer)
    if postgres.speaks(data):
        return postgres.Postgres(peer)
    return Unspoken(peer)


def real(peer: Peer) -> Service:
    """What is spoken with a real server, behind this peer."""
    from pytest_agentready.world.services import redis

    return redis.Redis(peer)


def tls_first(peer: Peer) -> bool:
    place = peer.network.backend.protocol(peer.host, peer.port)
    return peer.port in TLS_FIRST or (place is not None and place.tls)


def greeter(peer: Peer) -> Greeter | None:
    """The service that speaks first at this place; None where the client does."""
    from pytest_agentready.world.services import mysql, smtp

    if _is_http(peer):
        return None
    place = peer.network.backend.protocol(peer.host, peer.port)
    protocol = "" if place is None else place.protocol
    if protocol == "mysql" or (place is None and (peer.port in mysql.PORTS or mysql.SOCKET.search(peer.host))):
        return mysql.MySQL(peer)
    if protocol == "smtp" or (place is None and peer.port in smtp.PORTS):
        return smtp.SMTP(peer)
    return None


def ends_well(service: Service | None) -> bool:
    """HTTP's alone: whoever waits on any other connection is to be told at once."""
    from pytest_agentready.world.services.http import HTTP

    return isinstance(service, HTTP)


def _is_http(peer: Peer) -> bool:
    """Does the backend have HTTP routes there, although the port is usual for another protocol?"""
    hosts = LOCAL if peer.host in LOCAL else (peer.host,)
    places = tuple(re.escape(f"http://{host}:{peer.port}/") for host in hosts)
    return any(route.pattern.pattern.startswith(places) for route in peer.network.backend.routes)
