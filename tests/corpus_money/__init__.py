"""Labelled breakers and loops: what the checks of money have to say about them, decided from the checklist's meaning before any was run.

Each module holds such as have a fault beside look-alikes that have not, with redis-py, its asyncio half, and memory. One states the
verdicts of all checks that it is about; `KEPT` are those of one that has no fault.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

WORDS = ("passed", "failed", "unproven", "not_applicable")
LIMITS = {"session": 0.50, "user_daily": 5.00, "global_hourly": 20.00}
PRICES = {
    "gpt-5.1": {"input": 1.25, "output": 10},
    "gpt-5-nano": {"input": 0.05, "output": 0.4},
    "claude-sonnet-4-6": {"input": 3, "output": 15},
    "claude-haiku-4-5": {"input": 1, "output": 5},
}
KEPT = dict.fromkeys(("AR601", "AR602", "AR603", "AR604", "AR605", "AR606", "AR607", "AR608"), "passed")

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Labelled:
    """A breaker or a loop, the facts that its marker would state, and the true verdicts."""

    kind: Literal["breaker", "loop"]
    subject: Any
    name: str
    facts: Mapping[str, Any]
    verdicts: Mapping[str, str]


CORPUS: list[Labelled] = []


def breaker(facts: Mapping[str, Any] | None = None, **faults: str) -> Callable[[Thing], Thing]:
    """A function, or a class of which an instance is made. What is not said of it is as of one that has no fault."""
    return _labelled("breaker", facts or {}, {**KEPT, **faults})


def loop(facts: Mapping[str, Any] | None = None, **faults: str) -> Callable[[Thing], Thing]:
    return _labelled("loop", {"prices": PRICES, **(facts or {})}, {**KEPT, **faults})


def routed(**verdicts: str) -> Callable[[Thing], Thing]:
    """A loop that is about its models, and has no limits."""
    return _labelled("loop", {"prices": PRICES, "limits": None}, verdicts)


def _labelled(kind: Literal["breaker", "loop"], facts: Mapping[str, Any], verdicts: Mapping[str, str]) -> Callable[[Thing], Thing]:
    if unknown := {*verdicts.values()} - {*WORDS}:
        raise ValueError(f"a label is one of {', '.join(WORDS)}, and not {sorted(unknown)}")

    def keep(thing: Thing) -> Thing:
        made = thing() if isinstance(thing, type) else thing
        name = f"{thing.__module__.rpartition('.')[2]}.{thing.__name__}"  # type: ignore[attr-defined]
        stated = {"limits": LIMITS, **facts}
        CORPUS.append(Labelled(kind, made, name, {key: value for key, value in stated.items() if value is not None}, verdicts))
        return thing

    return keep


def load() -> list[Labelled]:
    """Import every module of the corpus, in the order of their names, and return the whole of it."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return CORPUS
