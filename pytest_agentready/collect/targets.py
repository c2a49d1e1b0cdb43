"""From a target to the tools behind it: those of a module, a registry, a class, or the one that it names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pytest_agentready.collect import names
from pytest_agentready.collect.imports import Misuse, attribute, module, raised
from pytest_agentready.domain import some_of
from pytest_agentready.registry import Registry

HELD = ("tools", "_tools", "registry", "_registry")  # where an object that registers tools keeps them


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tool as its target knows it."""

    subject: object
    home: str = ""  # what holds it: "shop.registry.TOOLS"
    key: str = ""  # by which that holds it
    was_made: bool = False  # a method of an object that was made to be examined


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads targets; raises Misuse for one behind which there is no tool."""

    registry: Registry

    def read(self, target: str) -> list[Candidate]:
        module_name, colon, path = target.partition(":")
        found: object = module(module_name, target)
        if not colon:
            assert isinstance(found, ModuleType)
            return self._of_module(found, target)
        return self._of_object(attribute(found, path, target), f"{module_name}.{path}", target)

    def hidden(self, target: str, known: Iterable[object]) -> str:
        """The public functions of a module that its registries do not hold and nobody knows of, in words; "" where there are none."""
        if ":" in target:
            return ""
        found = module(target, target)
        tools = self._of_module(found, target)
        held = {id(inspect.unwrap(one)) for one in (*known, *(tool.subject for tool in tools)) if callable(one)}
        functions = [(name, getattr(found, name)) for name in names.public(found, target)]
        left = [name for name, value in functions if _is_function(name, value) and id(inspect.unwrap(value)) not in held]
        homes = dict.fromkeys(tool.home.removeprefix(f"{target}.") for tool in tools if tool.home != target)
        if not left or not homes:
            return ""
        what = f"{len(left)} public function{'s' * (len(left) != 1)} of {target} that {'is' if len(left) == 1 else 'are'}"
        return f"not examined: {what} not in its registry {' or '.join(homes)}: {some_of(left)}. Name such a tool as `{target}:{left[0]}`"

    def _of_module(self, found: ModuleType, target: str) -> list[Candidate]:
        """Its framework tools and registries; without any, its public functions."""
        named = [(name, getattr(found, name)) for name in names.public(found, target)]
        home = found.__name__
        tools: list[Candidate] = []
        for name, value in named:
            if self._is_framework_tool(value):
                tools.append(Candidate(value, home, name))
            elif not inspect.isclass(value) and (entries := _entries(value)) and all(map(self._is_tool, entries.values())):
                tools += [Candidate(tool, f"{home}.{name}", key) for key, tool in entries.items()]
        tools = tools or [Candidate(value, home, name) for name, value in named if _is_function(name, value)]
        if not tools:
            raise Misuse(f"{target!r}: {home} has no tools: no function of its own and no registry. {names.beside(found)}")
        return tools

    def _of_object(self, found: object, home: str, target: str) -> list[Candidate]:
        if isinstance(found, ModuleType):
            return self._of_module(found, target)
        if self._is_framework_tool(found) or _is_plain(found):
            return [Candidate(found, *_split(home))]
        if inspect.isclass(found):
            made = _made(found, target)
            return [Candidate(method, home, key, was_made=True) for key, method in _methods(made, target)]
        if (entries := _entries(found)) is not None:
            return self._of_registry(entries, home, target)
        if callable(found):
            return [Candidate(found, *_split(home))]
        return [Candidate(method, home, key) for key, method in _methods(found, target)]

    def _of_registry(self, entries: Mapping[str, object], home: str, target: str) -> list[Candidate]:
        if not entries:
            raise Misuse(f"{target!r} holds no tools: it is empty when its module has been imported")
        wrong = [f"{target!r}: its entry {key} is {value!r}, and no tool" for key, value in entries.items() if not self._is_tool(value)]
        if wrong:
            raise Misuse(*wrong)
        return [Candidate(value, home, key) for key, value in entries.items()]

    def _is_tool(self, value: object) -> bool:
        return self._is_framework_tool(value) or (callable(value) and not inspect.isclass(value))

    def _is_framework_tool(self, value: object) -> bool:
        return any(adapt(value) is not None for adapt in self.registry.framework_adapters)


def _is_plain(value: object) -> bool:
    """A function, or what stands for one: it is the tool itself, whatever attributes it has."""
    return inspect.isroutine(value) or isinstance(value, functools.partial)


def _is_function(name: str, value: Any) -> bool:
    """A function of a module that may be meant to be a tool; pytest's own kinds are not."""
    wraps = inspect.isfunction(value) or isinstance(value, functools.partial) or inspect.isfunction(getattr(value, "__wrapped__", None))
    is_fixture = hasattr(value, "_fixture_function_marker") or hasattr(value, "_pytestfixturefunction")
    return wraps and callable(value) and not inspect.isclass(value) and not is_fixture and not name.startswith("test")


def _entries(value: object) -> Mapping[str, object] | None:
    """What a registry holds, by its keys; None for what is no registry."""
    if isinstance(value, Mapping):
        return {str(key): _entry(tool) for key, tool in value.items()}
    if isinstance(value, (list, tuple)):
        return {str(number): _entry(tool) for number, tool in enumerate(value, 1)}
    if isinstance(value, Set):
        return _entries(sorted(value, key=lambda tool: (getattr(tool, "__qualname__", ""), repr(type(tool)))))
    if _is_plain(value) or inspect.isclass(value) or isinstance(value, (str, bytes, ModuleType)):
        return None
    for name in HELD:
        try:
            held = getattr(value, name, None)
        except Exception:  # a proxy of something that is not there yet
            return None
        if isinstance(held, (Mapping, list, tuple, Set)):
            return _entries(held)
    return None


def _entry(value: object) -> object:
    """The tool of an entry; `{"function": send_email, "description": "..."}` holds it among other things."""
    held: Iterable[object] = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    tools = [each for each in held if callable(each) and not inspect.isclass(each)]
    return tools[0] if len(tools) == 1 else value


def _made(cls: type, target: str) -> object:
    remedy = "Name an object that is ready to use, such as 'shop.desk:desk', or a list of its methods"
    try:
        inspect.signature(cls).bind()
    except TypeError as missing:
        raise Misuse(f"{target!r} is a class, and {cls.__name__}{inspect.signature(cls)} cannot be made: {missing}. {remedy}") from None
    except ValueError:  # it has no signature to look at
        pass
    try:
        return cls()
    except Exception as failure:
        raise Misuse(f"{target!r} is a class, and {cls.__name__}() raised {raised(failure)}. {remedy}") from failure


def _methods(holder: object, target: str) -> Iterator[tuple[str, object]]:
    """The public methods of an object: its class's own, and its family's, but no library's."""
    if inspect.iscoroutine(holder):
        holder.close()  # it will never be awaited, and Python would warn of it
    cls = type(holder)
    family = cls.__module__.partition(".")[0]
    found: dict[str, object] = {}
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] == family:
            for name, part in vars(base).items():
                if not name.startswith("_") and isinstance(inspect.unwrap(getattr(part, "__func__", part)), type(_made)):
                    found.setdefault(name, getattr(holder, name))
    if not found:
        raise Misuse(f"{target!r} is {holder!r}: no callable, and it holds none. Name a function, a registry, or an object with methods")
    yield from found.items()


def _split(path: str) -> tuple[str, str]:
    home, _, key = path.rpartition(".")
    return home, key
