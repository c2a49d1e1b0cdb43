"""The backends of several tools, as one outside world."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import Loop
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.messages import IncomingRequest, Response


def backend_of(loop: Loop) -> Backend:
    """What the outside world answers to a loop: by its own mark, and by those of its tools."""
    return joined((loop.facts.backend, *(tool.facts.backend for tool in (*loop.facts.tools, *loop.known()))))


def joined(backends: Iterable[object]) -> Backend:
    """Who is asked twice answers as the first of them."""
    found = [backend for backend in dict.fromkeys(backends) if isinstance(backend, Backend)]
    return found[0] if len(found) == 1 else _Joint(found)


class _Joint(Backend):
    def __init__(self, backends: list[Backend]) -> None:
        super().__init__(
            tuple(route for backend in backends for route in backend.routes),
            {host: app for backend in reversed(backends) for host, app in backend.apps.items()},
            procedures=next((backend.procedures for backend in backends if backend.procedures), None),
            peers=tuple(peer for backend in backends for peer in backend.peers),
            streams=tuple(route for backend in backends for route in backend.streams),
        )
        self._handlers = [backend for backend in backends if backend.handler is not None]

    def answer(self, request: IncomingRequest) -> Response | None:
        """The routes come first: they say what they are for."""
        found = super().answer(request)
        answers = (backend.answer(request) for backend in self._handlers)
        return next((answer for answer in answers if answer is not None), None) if found is None else found
