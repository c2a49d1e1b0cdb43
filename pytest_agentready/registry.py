"""Finds checks, experiments, faults and adapters: the project's own modules first, then third parties' entry points.

Entry-point groups: `agentready.checks` (a module with a `check`), `agentready.faults` (a WireFault, or an iterable
of them) and `agentready.adapters` (a module with an `adapt` function).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from pytest_agentready.domain import AnySubject, Check, Fault, Loop, Profile, Tool, all_nearest, either

PACKAGE = "pytest_agentready"


class UnknownName(LookupError):
    """A name that nothing here has; the message says what was meant, and where all are listed. The problem alone does without that."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".rstrip())
        self.problem = problem


class Unloadable(ImportError):
    """What a third party brings cannot be used; the message names its package."""


class Registry:
    """What the plugin is made of, loaded when first asked for. Raises Unloadable for what third parties bring."""

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """All checks, sorted by id."""
        checks: dict[str, Check] = {module.check.id: module.check.freeze() for module in _own_modules("checks")}
        for entry in _entries("agentready.checks"):
            found = _loaded(entry)
            check = getattr(found, "check", None) if isinstance(found, ModuleType) else found
            if not isinstance(check, Check):
                raise _unloadable(entry, "holds no Check named `check`")
            if check.id in checks:
                raise _unloadable(entry, f"claims {check.id}, which {checks[check.id].module} has already")
            try:
                checks[check.id] = check.freeze()
            except TypeError as unfinished:
                raise _unloadable(entry, f"is not finished: {unfinished}") from unfinished
        return tuple(checks[id] for id in sorted(checks))

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """All faults, in the order in which the matrix tries them."""
        world = importlib.import_module(f"{PACKAGE}.world.faults")
        faults: dict[str, Fault] = {fault.slug: fault for fault in world.FAULTS}
        for entry in _entries("agentready.faults"):
            found = _loaded(entry)
            for fault in [found] if isinstance(found, Fault) or not isinstance(found, Iterable) else found:
                if not isinstance(fault, world.WireFault):
                    raise _unloadable(entry, f"holds {fault!r}, which is no WireFault")
                if fault.slug in faults:
                    raise _unloadable(entry, f"claims the fault {fault.slug!r}, which is there already")
                faults[fault.slug] = fault
        return tuple(faults.values())

    @cached_property
    def adapters(self) -> tuple[Callable[[object], Tool | None], ...]:
        """Third parties first: they know their own objects best. Plain Python is the last resort."""
        own = sorted(_own_modules("adapters"), key=lambda module: module.__name__.endswith(".python"))
        return (*map(_foreign_adapter, _entries("agentready.adapters")), *(module.adapt for module in own))

    @cached_property
    def loop_adapters(self) -> tuple[Callable[[object], Loop | None], ...]:
        """Of the adapters, those that know loops as well, in the same order."""
        own = sorted(_own_modules("adapters"), key=lambda module: module.__name__.endswith(".python"))
        return tuple(module.adapt_loop for module in own if hasattr(module, "adapt_loop"))

    @property
    def framework_adapters(self) -> tuple[Callable[[object], Tool | None], ...]:
        """Those that take only what was made to be a tool; plain Python takes whatever can be called."""
        return self.adapters[:-1]

    def in_profile(self, profile: Profile, subject: AnySubject | None = None) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.in_profile(profile, subject))

    def check(self, name: str) -> Check:
        """By id, slug or both (`AR202`, `unbounded-wait`, `AR202-unbounded-wait`). Raises UnknownName."""
        names = {spelling.lower(): check for check in self.checks for spelling in (check.id, check.slug, check.label)}
        if found := names.get(name.lower()):
            return found
        meant = either(dict.fromkeys(names[near].label for near in all_nearest(name.lower(), names)))
        remedy = "`pytest-agentready list` lists the checks."
        raise UnknownName(f"There is no check {name!r}.{f' Did you mean {meant}?' if meant else ''}", remedy)

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


def _entries(group: str) -> list[EntryPoint]:
    return sorted(entry_points(group=group), key=lambda entry: entry.name)


def _loaded(entry: EntryPoint) -> object:
    try:
        found: object = entry.load()
    except Exception as failure:
        raise _unloadable(entry, f"cannot be loaded: {failure!r}") from failure
    return found


def _foreign_adapter(entry: EntryPoint) -> Callable[[object], Tool | None]:
    """A third party's adapter; where it fails, its package is named."""
    adapt = getattr(_loaded(entry), "adapt", None)
    if not callable(adapt):
        raise _unloadable(entry, "has no function `adapt`")

    def adapted(obj: object) -> Tool | None:
        try:
            tool = adapt(obj)
        except Exception as failure:
            raise _unloadable(entry, f"could not read {obj!r}: {failure!r}") from failure
        if tool is not None and not isinstance(tool, Tool):
            raise _unloadable(entry, f"made {tool!r} of {obj!r}: an adapter gives a Tool, or None")
        return tool

    return adapted


def _unloadable(entry: EntryPoint, problem: str) -> Unloadable:
    package = f", which the package {entry.dist.name!r} brings," if entry.dist else ""
    return Unloadable(f"the entry point {entry.name!r} of {entry.group} ({entry.value}){package} {problem}")
