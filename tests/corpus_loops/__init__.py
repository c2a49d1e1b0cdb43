"""Labelled loops: what the checks have to say about them, decided from the checklist's meaning before any check was run.

Each module is named as a check's slug, or as what its loops have in common, and holds loops that have the fault beside look-alikes
that have not, with the providers' own SDKs and with plain HTTP clients. A loop states the verdicts of the checks that it is about.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

WORDS = ("passed", "failed", "unproven", "not_applicable")

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class LabelledLoop:
    """A loop, the facts that its marker would state, and the true verdicts."""

    function: Callable[..., Any]
    facts: Mapping[str, Any]
    verdicts: Mapping[str, str]


CORPUS: list[LabelledLoop] = []


def labelled(facts: Mapping[str, Any] = MappingProxyType({}), **verdicts: str) -> Callable[[Function], Function]:
    """Put a loop into the corpus, with what its mark states and the verdicts by the ids of their checks."""
    if not verdicts or (unknown := set(verdicts.values()) - set(WORDS)):
        raise ValueError(f"a label is {' or '.join(WORDS)}, and not {sorted(unknown) if verdicts else 'missing'}")

    def keep(function: Function) -> Function:
        CORPUS.append(LabelledLoop(function, facts, verdicts))
        return function

    return keep


def load() -> list[LabelledLoop]:
    """Import every module of the corpus, in the order of their names, and return the whole of it."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return CORPUS
