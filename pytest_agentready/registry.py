"""Finds checks, experiments, faults and adapters: the project's own modules first, then third parties' entry points.

Entry-point groups: `agentready.checks` (a module with a `check`), `agentready.faults` (a WireFault, or an iterable
of them) and `agentready.adapters` (a module with an `adapt` function).
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from pytest_agentready.domain import Check, Fault, Profile, Tool

PACKAGE = "pytest_agentready"


class UnknownName(LookupError):
    """A name that nothing here has; the message says what was meant."""


class Registry:
    """What the plugin is made of, loaded when first asked for."""

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """All checks, sorted by id. Raises ValueError where two claim one id."""
        checks: dict[str, Check] = {}
        for module in (*_own_modules("checks"), *_foreign("agentready.checks")):
            check = module.check if isinstance(module, ModuleType) else module
            if not isinstance(check, Check):
                raise TypeError(f"{getattr(module, '__name__', module)!r} holds no Check named `check`")
            if check.id in checks:
                raise ValueError(f"{check.id} is claimed twice: by {checks[check.id].module} and by {check.module}")
            checks[check.id] = check.freeze()
        return tuple(checks[id] for id in sorted(checks))

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """All faults, in the order in which the matrix tries them."""
        own: Iterable[Fault] = importlib.import_module(f"{PACKAGE}.world.faults").FAULTS
        foreign = (found for entry in _foreign("agentready.faults") for found in ([entry] if isinstance(entry, Fault) else entry))
        return (*own, *foreign)

    @cached_property
    def adapters(self) -> tuple[Callable[[object], Tool | None], ...]:
        """Third parties first: they know their own objects best. Plain Python is the last resort."""
        own = sorted(_own_modules("adapters"), key=lambda module: module.__name__.endswith(".python"))
        return tuple(module.adapt for module in (*_foreign("agentready.adapters"), *own))

    def in_profile(self, profile: Profile) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.in_profile(profile))

    def check(self, name: str) -> Check:
        """By id, slug or both (`AR202`, `unbounded-wait`, `AR202-unbounded-wait`). Raises UnknownName."""
        names = {spelling.lower(): check for check in self.checks for spelling in (check.id, check.slug, check.label)}
        if found := names.get(name.lower()):
            return found
        hint = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
        meant = f" Did you mean {names[hint[0]].label}?" if hint else ""
        raise UnknownName(f"There is no check {name!r}.{meant} Known: {', '.join(check.label for check in self.checks)}.")

    def experiment(self, name: str) -> Callable[..., Any]:
        """An experiment's module is named as the parameter by which a judge asks for it. Raises UnknownName."""
        try:
            module = importlib.import_module(f"{PACKAGE}.experiments.{name}")
        except ModuleNotFoundError as missing:
            if missing.name != f"{PACKAGE}.experiments.{name}":
                raise
            raise UnknownName(f"There is no experiment {name!r}") from None
        experiment: Callable[..., Any] = module.run
        return experiment


def _own_modules(room: str) -> Iterator[ModuleType]:
    package = importlib.import_module(f"{PACKAGE}.{room}")
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        yield importlib.import_module(f"{package.__name__}.{info.name}")


def _foreign(group: str) -> Iterator[Any]:
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        try:
            yield entry.load()
        except Exception as failure:
            raise ImportError(f"the entry point {entry.name!r} of {group} ({entry.value}) cannot be loaded: {failure!r}") from failure
