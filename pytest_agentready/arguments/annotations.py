"""The annotations of a callable's parameters, resolved one by one: one name that only type checkers know does not hide the others."""

from __future__ import annotations

import functools
import inspect
import operator
import re
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any

import typing_extensions

# What frameworks hand to a tool by themselves: classes by their names, markers within Annotated, and defaults.
CONTEXTS = (
    *("AgentContext", "BackgroundTasks", "CallbackContext", "Context", "InvocationContext", "Request", "RunContext"),
    *("RunContextWrapper", "RunnableConfig", "ToolContext", "ToolRuntime", "WebSocket"),
)
MARKERS = ("Injected", "Depends", "Dependency", "CurrentContext", "SkipJsonSchema")


class Unresolved:
    """An annotation that names what cannot be found."""

    def __init__(self, text: str) -> None:
        self.text = text


def signature_of(call: Callable[..., Any]) -> inspect.Signature | None:
    """None for what does not tell, as some builtins."""
    try:
        if sys.version_info >= (3, 14):
            import annotationlib

            return inspect.signature(call, annotation_format=annotationlib.Format.FORWARDREF)
        return inspect.signature(call)
    except (TypeError, ValueError):
        return None


def resolved(annotation: Any, function: Any) -> Any:
    """The type that the annotation means, with its Annotated metadata; Unresolved where a name of it cannot be found."""
    home = inspect.unwrap(function) if callable(function) else function
    if inspect.isclass(home):
        home = home.__init__
    holder = typing.cast(Any, type("Holder", (), {"__annotations__": {"it": annotation}, "__module__": getattr(home, "__module__", "")}))
    try:
        hints = typing_extensions.get_type_hints(holder, {**getattr(home, "__globals__", {})}, _closed_over(home), include_extras=True)
    except Exception:  # NameError, or whatever the names' evaluation raises
        return Unresolved(annotation if isinstance(annotation, str) else repr(annotation))
    return hints["it"]


def _closed_over(function: Any) -> Mapping[str, Any]:
    """What a function that was made in another one sees there."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    found: dict[str, Any] = {}
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    return found


def parts(annotation: Any) -> tuple[Any, tuple[object, ...]]:
    """The type without Annotated, and the metadata."""
    if typing_extensions.get_origin(annotation) is typing_extensions.Annotated:
        return annotation.__origin__, annotation.__metadata__
    return annotation, ()


def is_injected(annotation: Any, metadata: tuple[object, ...], default: object, function: Any) -> bool:
    """Does a framework hand it over, so that the model never sees it? A `Request` of the user's own is no framework's."""
    kind, _ = parts(annotation)
    options = [
        typing_extensions.get_origin(option) or option for option in (typing_extensions.get_args(kind) if _is_union(kind) else [kind])
    ]
    own = _package(function)
    if any(getattr(option, "__name__", "") in CONTEXTS and _package(option) != own for option in options):
        return True
    classes = [item if inspect.isclass(item) else type(item) for item in (*metadata, default)]
    return any(base.__name__.startswith(MARKERS) for cls in classes for base in cls.__mro__)


def _package(owner: Any) -> str:
    return str(getattr(owner, "__module__", "")).partition(".")[0]


def _is_union(kind: Any) -> bool:
    return typing_extensions.get_origin(kind) is typing.Union or type(kind).__name__ == "UnionType"


def written(annotation: Any) -> str:
    """The annotation as its owner would write it."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, Unresolved):
        return annotation.text
    if annotation is inspect.Parameter.empty:
        return ""
    kind, _ = parts(annotation)
    return re.sub(r"(?:[\w<>]+\.)+(?=\w)", "", inspect.formatannotation(kind))


def modern(annotation: Any) -> Any:
    """With the TypedDicts that pydantic asks for below Python 3.12: those of typing do not say which keys are required."""
    if isinstance(annotation, type) and typing_extensions.is_typeddict(annotation):
        hints = typing_extensions.get_type_hints(annotation, include_extras=True)
        required = getattr(annotation, "__required_keys__", frozenset(hints))
        wraps = {name: typing_extensions.Required if name in required else typing_extensions.NotRequired for name in hints}
        made = {name: wraps[name][modern(hint)] for name, hint in hints.items()}
        return typing_extensions.TypedDict(annotation.__name__, made)  # type: ignore[operator]
    origin, arguments = typing_extensions.get_origin(annotation), typing_extensions.get_args(annotation)
    if origin in (list, tuple, set, dict):
        return origin[tuple(modern(argument) for argument in arguments)]
    if _is_union(annotation):
        return functools.reduce(operator.or_, map(modern, arguments))
    return annotation
