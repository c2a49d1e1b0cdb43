"""Enters the world as an experiment does, with short names for what the tests ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_agentready.domain import Run
from pytest_agentready.world import FAULTS, Backend, Limits, WireFault, observe
from pytest_agentready.world.leftovers import collected

HTTP = "http://api.example.com/orders/7"
HTTPS = "https://api.example.com/orders/7"
ORDER = {"state": "shipped"}
SHOP = {
    "GET http://api.example.com/orders/{id}": ORDER,
    "GET https://api.example.com/orders/{id}": ORDER,
    "POST http://api.example.com/orders": {"id": 8},
    "POST https://api.example.com/orders": {"id": 8},
}
FAULT: Mapping[str, WireFault] = {fault.slug: fault for fault in FAULTS}


def enter(
    call: Callable[..., Any],
    fault: str = "",
    *,
    backend: object = SHOP,
    arguments: Mapping[str, Any] | None = None,
    spared: int = 0,
    limits: Limits | None = None,
) -> Run:
    """One run of the call, in good health or under the fault of this name."""
    with collected(call):
        return observe(
            call,
            arguments or {},
            backend=Backend.parse(backend),
            fault=FAULT[fault] if fault else None,
            spared=spared,
            limits=limits,
        )


def exception(run: Run) -> str:
    """The class of the exception that left the tool, without its module; "" where none did."""
    return run.raised.kind.rpartition(".")[2] if run.raised else ""


def line_of(function: Callable[..., Any], text: str) -> str:
    """The one line of a function that has this text, as a record names it: `path:line`."""
    import inspect

    lines, first = inspect.getsourcelines(function)
    (found,) = (number for number, line in enumerate(lines, first) if text in line)
    return f"{function.__code__.co_filename}:{found}"


def verdicts(call: Callable[..., Any], fault: str, repeats: int = 30) -> set[tuple[str, str, float]]:
    """How many different outcomes the same call has."""
    runs = [enter(call, fault) for _ in range(repeats)]
    return {(exception(run), run.ending.kind if run.ending else "", round(run.virtual, 1)) for run in runs}
