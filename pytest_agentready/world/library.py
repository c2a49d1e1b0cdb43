"""What libraries keep for the whole process: warnings filters, the root logger, decimal's context, the locale, telemetry.

Chance is kept for a whole experiment, not for each run: two runs with the same random numbers would hide that a tool
makes another key, or another answer, each time.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple


class Provider(NamedTuple):
    """Where OpenTelemetry keeps a global provider, and that it was set."""

    module: str
    name: str
    once: str


PROVIDERS = (
    Provider("opentelemetry.trace", "_TRACER_PROVIDER", "_TRACER_PROVIDER_SET_ONCE"),
    Provider("opentelemetry.metrics._internal", "_METER_PROVIDER", "_METER_PROVIDER_SET_ONCE"),
    Provider("opentelemetry._logs._internal", "_LOGGER_PROVIDER", "_LOGGER_PROVIDER_SET_ONCE"),
)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    filters = list(warnings.filters)
    root = logging.root
    logger = root.level, root.manager.disable, list(root.handlers), list(root.filters)
    decimals = _decimals()
    place = _locale()
    providers = _providers()
    try:
        yield
    finally:
        if warnings.filters != filters:
            warnings.filters[:] = filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
        if (root.level, root.manager.disable, root.handlers, root.filters) != logger:
            root.setLevel(logger[0])
            root.manager.disable = logger[1]
            root.handlers[:], root.filters[:] = logger[2], logger[3]
        if decimals is not None and repr(_decimals()) != repr(decimals):
            sys.modules["decimal"].setcontext(decimals)
        if place != _locale() and place is not None:
            sys.modules["locale"].setlocale(sys.modules["locale"].LC_ALL, place)
        for found, before in zip(PROVIDERS, providers, strict=True):
            _restore(found, before)


@contextlib.contextmanager
def chance_kept(seed: int) -> Iterator[None]:
    """An experiment has random numbers of its own, the same each time; the user's go on where they stood."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _decimals() -> Any:
    module = sys.modules.get("decimal")
    return None if module is None else module.getcontext().copy()


def _locale() -> Any:
    module = sys.modules.get("locale")
    return None if module is None else module.setlocale(module.LC_ALL)


def _providers() -> list[tuple[Any, bool]]:
    return [_provider(found) for found in PROVIDERS]


def _provider(found: Provider) -> tuple[Any, bool]:
    module = sys.modules.get(found.module)
    return getattr(module, found.name, None), bool(getattr(getattr(module, found.once, None), "_done", False))


def _restore(found: Provider, before: tuple[Any, bool]) -> None:
    module = sys.modules.get(found.module)
    if module is not None and _provider(found) != before and hasattr(module, found.name):
        setattr(module, found.name, before[0])
        getattr(module, found.once)._done = before[1]
