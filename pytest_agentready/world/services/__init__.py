"""What the peers speak: one module per protocol, chosen by the first bytes that the client sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_agentready.world.peer import Peer


class Service(Protocol):
    """One protocol on one connection."""

    def receive(self, data: bytes) -> None: ...


class Unspoken:
    """A protocol that the world does not know: it is said, and the run proves nothing about this peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        peer.network.unspoken.setdefault(f"{peer.host}:{peer.port}")
        peer.close()

    def receive(self, data: bytes) -> None:
        """Nothing that arrives can be answered."""


def pick(peer: Peer, data: bytes) -> Service:
    from pytest_agentready.world.services import http

    return http.HTTP(peer) if http.speaks(data) else Unspoken(peer)
