"""Sentinel: who asks a Redis of the world for the master of a service is led to the Redis that the backend names."""

from __future__ import annotations

from typing import Any

from pytest_agentready.world.peer import Peer

MASTERS = "masters"  # in the network's memory: the names of the services that clients look for
USUAL = "mymaster"  # as Redis's own configuration calls it
PORT = 6379


def answer(peer: Peer, words: list[bytes]) -> Any:
    """The reply to `SENTINEL ...`, as a value."""
    verb = words[0].upper() if words else b""
    host, port = _master(peer)
    if verb == b"GET-MASTER-ADDR-BY-NAME":
        return [host.encode(), b"%d" % port]
    if verb == b"MASTERS":
        return [_state(name, host, port, b"master") for name in peer.network.memory.get(MASTERS, {USUAL: None})]
    if verb == b"MASTER":
        return _state(words[1].decode(errors="replace") if len(words) > 1 else USUAL, host, port, b"master")
    if verb in (b"SLAVES", b"REPLICAS"):  # one that has all that the master has
        return [_state(f"{host}:{port}", host, port, b"slave")]
    if verb == b"SENTINELS":
        return []
    return ValueError(f"ERR unknown subcommand '{verb.decode(errors='replace')}'. Try SENTINEL HELP.")


def _master(peer: Peer) -> tuple[str, int]:
    """The first Redis of the backend that is not this one; else one on the same host, at the usual port."""
    places = [place for place, _ in peer.network.backend.peers if place.protocol == "redis" and not place.is_at(peer.host, peer.port)]
    return (places[0].host, places[0].port) if places else (peer.host, PORT)


def _state(name: str, host: str, port: int, role: bytes) -> dict[bytes, bytes]:
    return {
        b"name": name.encode(),
        b"ip": host.encode(),
        b"port": b"%d" % port,
        b"flags": role,
        b"num-slaves": b"1",
        b"num-other-sentinels": b"2",
        b"quorum": b"2",
        b"master-link-status": b"ok",
    }
