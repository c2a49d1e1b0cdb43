"""Notices the clients that are imported while a run is on, once they are complete."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class Arrivals(MetaPathFinder):
    """Finds nothing itself: it lets the other finders find, and says when the module has been executed."""

    def __init__(self, names: Sequence[str], arrived: Callable[[str], object]) -> None:
        self._names = frozenset(names)
        self._arrived = arrived

    @contextlib.contextmanager
    def noticed(self) -> Iterator[None]:
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Announcing(spec, spec.loader, self._arrived)
                return spec
        return None


class _Announcing(Loader):
    """A loader that steps aside once it has done its work."""

    def __init__(self, spec: ModuleSpec, loader: Loader, arrived: Callable[[str], object]) -> None:
        self._spec, self._loader, self._arrived = spec, loader, arrived

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._arrived(self._spec.name)
