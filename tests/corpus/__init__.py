"""Labelled tools: what each check has to say about them, decided from the checklist's meaning before any check was run.

Each module is named as a check's slug, or as what its tools have in common, and holds tools that have the fault beside
look-alikes that have not. Every tool states its whole truth: the verdict of all checks, not only of the one that its
module is named after.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

CHECKS = ("AR101", "AR102", "AR103", "AR104", "AR202", "AR203")  # every tool has a label for these
# Labelled only where a tool is about it: AR204 is strict, and nearly every real tool fails it; the others are about a conduct of their own.
MORE = (
    *("AR105", "AR106", "AR107", "AR108", "AR201", "AR204", "AR205", "AR206", "AR207", "AR208", "AR209"),
    *("AR301", "AR302", "AR303", "AR304", "AR305"),
    *("AR801", "AR803", "AR804", "AR805", "AR806", "AR807"),
    *("AR904", "AR905", "AR906"),
)
GATES = ("AR401", "AR402", "AR403", "AR404", "AR405", "AR406", "AR407")
WORDS = ("passed", "failed", "unproven", "not_applicable")

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Labelled:
    """A tool, the facts that its marker would state, and the true verdict of every check."""

    function: Callable[..., Any]
    facts: Mapping[str, Any]
    verdicts: Mapping[str, str]


CORPUS: list[Labelled] = []


def labelled(
    *,
    args: Mapping[str, Any] | list[dict[str, Any]],
    backend: Mapping[str, Any],
    timeout: float | None = None,
    kind: str = "api",
    result_budget: int = 4_000,
    confirm: Callable[..., Any] | None = None,
    user: object = None,
    conduct: Mapping[str, Any] = MappingProxyType({}),
    **verdicts: str,
) -> Callable[[Function], Function]:
    """Put a tool into the corpus. A check that is not named passes. `conduct` is what the marker says of its effects."""
    unknown = sorted(set(verdicts) - set(CHECKS) - set(MORE) - set(GATES)) + sorted(set(verdicts.values()) - set(WORDS))
    if unknown:
        raise ValueError(f"unknown in a label: {', '.join(unknown)}")
    facts = {"args": args, "backend": backend, "kind": kind, "result_budget": result_budget, **conduct}
    if confirm is not None:
        facts["confirm"] = confirm
    if user is not None:
        facts["user"] = user
    if timeout is not None:
        facts["timeout"] = timeout

    def keep(function: Function) -> Function:
        CORPUS.append(Labelled(function, facts, {**dict.fromkeys(CHECKS, "passed"), **verdicts}))
        return function

    return keep


def load() -> list[Labelled]:
    """Import every module of the corpus, in the order of their names, and return the whole of it."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return CORPUS
