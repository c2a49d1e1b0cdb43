"""What clients of Redis know, and do not say on the wire: the service that a Sentinel is asked for, whose reply names all services."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.world import active
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.services.redis_sentinel import MASTERS

MODULES = ("redis.sentinel", "redis.asyncio.sentinel", "valkey.sentinel", "valkey.asyncio.sentinel")


def patches() -> Iterator[Patch]:
    """Of what is imported by now."""
    for name in MODULES:
        if (cls := getattr(sys.modules.get(name), "Sentinel", None)) is not None:
            yield Patch(cls, "discover_master", _noticed(cls.discover_master))


def _noticed(discover: Callable[..., Any]) -> Callable[..., Any]:
    def discover_master(self: Any, service_name: str) -> Any:
        if (world := active.mine()) is not None:
            world.network.memory.setdefault(MASTERS, {})[service_name] = None
        return discover(self, service_name)

    return discover_master
