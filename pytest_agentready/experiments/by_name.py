"""The name by which another process can import what is to be called there: `shop.tools:send_email`, or a part of an object."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import pickle
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from pytest_agentready.domain import did_you_mean
from pytest_agentready.world.stack import is_users_file

MAIN = "__main__"
OURS = f"{__name__.partition('.')[0]}."  # what this package consists of, wherever it is installed


class Nameless(Exception):
    """Another process cannot import it; the message says why, and what to do about it."""


@dataclass(frozen=True)
class Named:
    """Where to find it, or, where it stands under no name, of what it is made."""

    module: str
    path: str = ""
    made: bytes = b""  # pickled: a partial of functions that have names
    others: tuple[str, ...] = ()  # modules that hold the same under the same path

    @property
    def object(self) -> Any:
        """Raises Nameless, and whatever the import of the user's module raises."""
        if self.made:
            return pickle.loads(self.made)
        module = self._least_to_import
        found: Any = importlib.import_module(module)
        for part in self.path.split("."):
            if not hasattr(found, part):
                raise Nameless(f"{module} has no {part!r}.{did_you_mean(part, dir(found))} It is made later than at the import")
            found = getattr(found, part)
        return found

    @property
    def _least_to_import(self) -> str:
        """What says not where it was made, such as a ContextVar, may stand in a module that imports a whole framework beside it."""
        return next((name for name in (self.module, *self.others) if name in sys.modules), self.module)


def name_of(wanted: Any, called: str) -> Named:
    """The name of a callable, or of anything that a module holds. `called` is what messages call it. Raises Nameless."""
    function = inspect.unwrap(wanted) if callable(wanted) else wanted
    home = str(getattr(function, "__module__", None) or type(wanted).__module__)
    path = str(getattr(wanted, "__qualname__", None) or getattr(function, "__qualname__", None) or "")
    if home == MAIN:
        raise Nameless(f"{called} is defined in __main__, which no other process can import: move it into a module, and name that")
    if _stands(home, path, wanted):
        return Named(home, path)
    owner = getattr(wanted, "__self__", wanted)  # a method's object
    for module in _modules(home):
        for key, value in list(vars(module).items()):
            if value is wanted:
                others = (other.__name__ for other in _modules(home) if other is not module and vars(other).get(key) is wanted)
                return Named(module.__name__, key, others=tuple(others))
            if value is owner and _stands(module.__name__, own := f"{key}.{wanted.__name__}", wanted):
                return Named(module.__name__, own)
            if part := _part_of(value, wanted):
                return Named(module.__name__, f"{key}.{part}")
    if isinstance(wanted, functools.partial):
        try:
            return Named("", made=pickle.dumps(wanted))
        except Exception as problem:  # a __reduce__ of the user's own raises what it likes
            raise Nameless(f"{called} is a partial that no other process can be given, for what it holds ({problem})") from problem
    where = "inside another function" if "<locals>" in path else f"under no name in {home}"
    raise Nameless(
        f"{called} is made {where}, where another process cannot import it: move it to the top of a module, "
        "or give an import string such as tool='shop.tools:send_email'"
    )


def _stands(home: str, path: str, wanted: Any) -> bool:
    found: Any = sys.modules.get(home)
    if found is None:
        return False
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except Exception:  # a property of the user's own
            return False
    return found is wanted or (inspect.ismethod(wanted) and found == wanted)


def _part_of(value: Any, wanted: Any) -> str:
    """As which of its attributes it holds this, such as the `grant` that a decorator has put on a function; "" for none."""
    held = getattr(value, "__dict__", None)
    if isinstance(value, ModuleType) or not isinstance(held, Mapping):
        return ""
    return next((key for key, part in list(held.items()) if part is wanted and key != "__wrapped__"), "")


def _modules(home: str) -> Iterator[ModuleType]:
    """Its own first, then all of the user's."""
    names = [home, *(name for name in sorted(modules_of_the_user()) if name != home)]
    yield from (module for name in names if name != MAIN and isinstance(module := sys.modules.get(name), ModuleType))


def modules_of_the_user() -> dict[str, str]:
    """The user's modules that are loaded, and their files."""
    return {
        name: file
        for name, module in sys.modules.copy().items()  # what is collected meanwhile may import something
        if name != MAIN
        and not name.startswith(OURS)
        and isinstance(file := getattr(module, "__file__", None), str)
        and file.endswith(".py")
        and is_users_file(file)
    }


class _Finder:
    """Finds the modules that the other process has loaded from where the import path does not lead."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        file = self.files.get(name)
        return None if file is None else importlib.util.spec_from_file_location(name, file)


_finder = _Finder()


def find(files: Mapping[str, str]) -> None:
    """From here on these modules can be imported, too. What was loaded from another file of the same name is forgotten."""
    loaded = {name: getattr(sys.modules[name], "__file__", None) for name in files if name in sys.modules}
    if any(loaded[name] != files[name] for name in loaded):
        for name in modules_of_the_user():
            del sys.modules[name]
        importlib.invalidate_caches()
    _finder.files = dict(files)
    if _finder not in sys.meta_path:
        sys.meta_path.append(_finder)
