"""A backend around another one: it has the same peers, and may change what that one answers."""

from __future__ import annotations

from pytest_agentready.world.backend import Backend


class Wrapped(Backend):
    def __init__(self, inner: Backend) -> None:
        super().__init__(inner.routes, inner.apps, inner.handler, inner.procedures, inner.peers, inner.streams)
        self._inner = inner
