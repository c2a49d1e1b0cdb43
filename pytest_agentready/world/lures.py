"""Peers to which a hostile address leads: inner ones, which answer as they would in life, and public ones that point to them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pytest_agentready.world.backend import Backend
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.names import spelt_out

PAGE = "<!doctype html><title>Status</title><p>All is well.</p>"


class Lured(Backend):
    """The usual peers of a tool, and those beside them."""

    def __init__(
        self, usual: object, redirects: Mapping[str, str], names: Mapping[str, Sequence[str]], alike: tuple[str, Sequence[str]] = ("", ())
    ) -> None:
        """`redirects`: host -> where it sends everybody; `names`: host, and all below it -> its address at each
        look-up, the last for all that follow; `alike`: how hosts begin, and their addresses."""
        known = usual if isinstance(usual, Backend) else Backend()
        super().__init__(known.routes, known.apps, known.handler, known.procedures, known.peers, known.streams)
        self._redirects = redirects
        self._names = names
        self._alike = alike

    def answer(self, request: IncomingRequest) -> Response | None:
        host = urlsplit(request.url).hostname or ""
        if host in self._redirects:
            return Response(302, headers={"Location": self._redirects[host]})
        named = any(route.match(request) is not None for route in self.routes)
        if not named and (host in self._names or is_internal(host)):
            return Response(body=PAGE, content_type="text/html")
        return super().answer(request)

    def address(self, host: str, look_up: int) -> str | None:
        told = next((addresses for name, addresses in self._names.items() if f".{host}".endswith(f".{name}")), None)
        if told is None and self._alike[0] and host.startswith(self._alike[0]):
            told = self._alike[1]
        return None if told is None else told[min(look_up, len(told)) - 1]


def is_internal(host: str) -> bool:
    """Is it an address that nobody outside could reach (loopback, link-local, private), in whatever form?"""
    if host == "localhost":
        return True
    try:
        return not ipaddress.ip_address(spelt_out(host)).is_global
    except ValueError:
        return False
