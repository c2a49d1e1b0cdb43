"""Programs that a run may start for real: libraries ask the machine about itself by them, and they change nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_agentready import startup

HARMLESS = frozenset({"ldconfig", "gcc", "cc", "ld", "objdump", "uname", "lsb_release", "sw_vers"})
SYSTEM = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin"})


def candidates(name: str, environment: Mapping[Any, Any] | None, *, beside: bool) -> list[str]:
    """Where a program of this name would be looked for, in order; `beside`: in the current directory first."""
    if os.path.dirname(name):
        return [name]
    folders = os.get_exec_path(environment)
    return [*([name] if beside else []), *(os.path.join(folder, name) for folder in folders)]


def is_harmless(paths: Iterable[str], folder: str) -> bool:
    """Is the first of these at which there is a program one that this machine has by that name? `folder`: where it would be started."""
    whole = [os.path.join(folder, path) for path in paths]
    if any(os.path.basename(path) not in HARMLESS for path in whole):
        return False
    found = next((path for path in whole if os.path.isfile(path) and os.access(path, os.X_OK)), None)
    return found is None or _is_of_this_machine(found)  # none: nothing will run


def _is_of_this_machine(path: str) -> bool:
    folder, name = os.path.split(path)
    if os.path.realpath(folder) in SYSTEM:
        return True
    usual = shutil.which(name, path=startup.SEARCH_PATH)
    return usual is not None and os.path.realpath(usual) == os.path.realpath(path)
