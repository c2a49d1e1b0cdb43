"""Clients whose sockets are made in C, where no replaced method sees them.

Each has a module here that leads it into the world all the same, at the highest place that every one of its calls passes. A
module is imported only where its client is: a tool without such clients pays for a look into `sys.modules`, and nothing else.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache, lru_cache
from typing import Any

from pytest_agentready.world.foreign.arrivals import Arrivals
from pytest_agentready.world.foreign.refused import BLIND, INSTEAD, PARTLY

# Client -> the module that leads it into the world.
ADAPTED = {
    "psycopg": "psycopg",
    "psycopg2": "psycopg2",
    "grpc": "grpc",
    "grpc.aio": "grpc_aio",
    "pycurl": "pycurl",
    "curl_cffi": "curl_cffi",
}
UNSEEN = tuple(client for client in BLIND if "." not in client and client not in PARTLY)
EARLY = ("pycurl", "psycopg2.extensions", "psycopg.pq")  # modules with types in C, which other modules may have bound by name
BY_TYPE = ("pycurl",)  # led in by types of ours: an object that was made before the run is out of reach
out_of_reach: dict[str, str] = {}  # clients that could not be led in, and why

__all__ = ["ADAPTED", "BLIND", "BY_TYPE", "EARLY", "INSTEAD", "UNSEEN", "early_names", "led_in", "out_of_reach"]


@cache
def _adapter(name: str) -> Any:
    """Kept: what it replaces and what it is replaced by have to be of one import."""
    return importlib.import_module(f"{__name__}.{name}")


def in_place(client: str) -> AbstractContextManager[None]:
    """What leads this client into the world, or refuses it, for as long as the context is open."""
    if client in BLIND:
        from pytest_agentready.world.foreign import refused

        return refused.in_place(client)
    adapter: AbstractContextManager[None] = _adapter(ADAPTED[client]).in_place()
    return adapter


@contextlib.contextmanager
def led_in() -> Iterator[None]:
    """Every client that is there already, and those that the run imports."""
    with contextlib.ExitStack() as undo:

        def lead_in(client: str) -> None:
            try:
                undo.enter_context(in_place(client))
            except (ImportError, AttributeError) as problem:  # a version of it that we do not know: no matter to other tools
                out_of_reach[client.partition(".")[0]] = f"its version is not known here: {problem}"

        for client in (*ADAPTED, *BLIND):
            if client in sys.modules:
                lead_in(client)
        undo.enter_context(Arrivals((*ADAPTED, *BLIND), lead_in).noticed())
        yield


def early_names() -> dict[int, tuple[Any, Any]]:
    """Entry points of clients in C, by their id, and what takes their place wherever a name holds them."""
    return _early_names(tuple((name, sys.modules[name]) for name in (*EARLY, *BLIND) if name in sys.modules))


@lru_cache(maxsize=1)
def _early_names(present: tuple[tuple[str, Any], ...]) -> dict[int, tuple[Any, Any]]:
    from pytest_agentready.world.foreign import refused

    found: dict[int, tuple[Any, Any]] = {}
    for name, _ in present:
        if name in BLIND:
            pairs = tuple(refused.early_names(name))
        else:
            try:
                pairs = _adapter(name.partition(".")[0]).EARLY
            except (ImportError, AttributeError):  # an unknown version, of which `led_in` tells
                continue
        found |= {id(original): (original, replacement) for original, replacement in pairs}
    return found
