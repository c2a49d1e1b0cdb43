"""What a tool is declared to be: by the marker, or by hints in the manner of MCP on the function or the framework's object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.subject import Tool

HOLDERS = ("annotations", "tool_annotations", "mcp_annotations", "hints", "metadata")
HINTS: Mapping[str, tuple[str, ...]] = {
    "read_only": ("readOnlyHint", "read_only_hint", "readonly_hint", "readOnly", "read_only"),
    "destructive": ("destructiveHint", "destructive_hint", "destructive"),
    "idempotent": ("idempotentHint", "idempotent_hint", "idempotent"),
}
LAYERS = 5  # of decorators and partials


@dataclass(frozen=True, slots=True)
class Declared:
    """None: nothing is said."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    source: str = ""  # where the hints stand
    contradictions: tuple[str, ...] = ()  # between them and the marker

    @property
    def anything(self) -> bool:
        return any(said is not None for said in (self.read_only, self.destructive, self.idempotent))


@dataclass(frozen=True, slots=True)
class DeclaredConduct:
    """What is declared, and what was seen of it."""

    declared: Declared
    effects: tuple[Effect, ...] = ()  # of the normal calls
    repeated: tuple[Effect, ...] = ()  # writes that a second identical call has done again
    gap: str = ""


def declared(tool: Tool) -> Declared:
    """The marker wins where both speak."""
    hints = _hints(tool.call)
    facts = {name: getattr(tool.facts, name) for name in HINTS}
    contradictions = tuple(
        f"{name}={facts[name]} and {key}={said}" for name, (key, said) in hints.items() if facts[name] is not None and facts[name] != said
    )
    said = {name: facts[name] if facts[name] is not None else hints[name][1] if name in hints else None for name in HINTS}
    return Declared(**said, source="its own annotations" if hints else "", contradictions=contradictions)


def _hints(call: Any) -> dict[str, tuple[str, bool]]:
    found: dict[str, tuple[str, bool]] = {}
    for layer in _layers(call):
        for holder in (layer, *(held for name in HOLDERS if (held := _held(layer, name)) is not None)):
            for name, spellings in HINTS.items():
                for spelling in spellings:
                    if isinstance(said := _held(holder, spelling), bool):
                        found.setdefault(name, (spelling, said))
    return found


def _layers(call: Any) -> Iterator[Any]:
    for _ in range(LAYERS):
        if call is None:
            return
        yield call
        if (owner := _held(call, "__self__")) is not None and not isinstance(owner, type) and type(owner).__name__ != "module":
            yield owner
        call = next((below for name in ("__wrapped__", "func", "__func__") if callable(below := _held(call, name))), None)


def _held(holder: Any, name: str) -> Any:
    if isinstance(holder, Mapping):
        return holder.get(name)
    try:
        return getattr(holder, name, None)
    except Exception:  # a property of the user's own
        return None
