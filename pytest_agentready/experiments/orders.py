"""What goes to another process and comes back: an order of calls, and how they went there."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain import Run
from pytest_agentready.experiments.by_name import Named
from pytest_agentready.experiments.memory import Kept
from pytest_agentready.world.granted import Grant

HEAD = struct.Struct(">Q")  # the length of what follows


@dataclass(frozen=True, slots=True)
class There:
    """The calls as they went in the other process, or why they could not be made there."""

    obstacle: str = ""  # "" where they were made
    runs: tuple[Run, ...] = ()  # the values of those are gone that cannot come back
    texts: tuple[str, ...] = ()  # each value in words: sets in an order of their own, and no addresses
    kept: tuple[tuple[Kept, ...], ...] = ()  # what each call has left in the memory of the user's modules


@dataclass(frozen=True)
class Order:
    """What the child is to do; it reads `content` only when it can import what that names."""

    path: list[str]
    directory: str
    environment: dict[str, str]
    modules: dict[str, str]  # of the user's, by name, and their files: some cannot be found by the import path
    content: bytes


@dataclass(frozen=True)
class Content:
    calls: list[tuple[Named, dict[str, Any]]]
    tokens: tuple[str, ...]  # the parameters of the last call for what the call before it, a confirmation, gives
    variables: list[tuple[Named, Any]]  # ContextVars, and what they hold
    peers: tuple[Any, ...]  # of a backend, beside HTTP
    procedures: Any
    streams: tuple[Any, ...]
    allowed: Any  # hosts
    grant: Grant
    began: float | None
    chance: str


def write(pipe: int, data: bytes) -> None:
    view = memoryview(HEAD.pack(len(data)) + data)
    while view:
        view = view[os.write(pipe, view) :]
