"""Modules that are imported for the first time while a run goes on: what is to be replaced in them is, before their importer sees them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class Arrivals(MetaPathFinder):
    """Stands first among the finders for the time of a run, and says `arrived(name)` of each awaited module that has been executed."""

    def __init__(self, awaited: Collection[str], arrived: Callable[[str], None]) -> None:
        self._awaited = frozenset(awaited)
        self._arrived = arrived

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in self._awaited:
            return None
        for finder in tuple(sys.meta_path):
            spec = finder.find_spec(fullname, path, target) if finder is not self else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Told(spec, spec.loader, self._arrived)
                return spec
        return None


class _Told(Loader):
    """The module's own loader, which stands in its place again as soon as it has been used."""

    def __init__(self, spec: ModuleSpec, own: Loader, arrived: Callable[[str], None]) -> None:
        self._spec = spec
        self._own = own
        self._arrived = arrived

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._spec.loader = module.__loader__ = self._own
        self._own.exec_module(module)
        self._arrived(module.__name__)
