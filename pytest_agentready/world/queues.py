"""`queue.SimpleQueue` waits in C, where nobody sees it: a run gets the one in Python, which waits in virtual time.

Thread pools keep the real one: what their idle threads wait for is no concern of the run's. `from queue import SimpleQueue`
keeps it, too.
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Iterator
from typing import Any

from pytest_agentready.world import active
from pytest_agentready.world.patching import Patch

_in_c: Any = queue.SimpleQueue
_in_python: Any = getattr(queue, "_PySimpleQueue", _in_c)
_POOLS = "concurrent.futures"


def patches() -> Iterator[Patch]:
    yield Patch(queue, "SimpleQueue", SimpleQueue)


class _Meta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return super().__instancecheck__(instance) or (cls is SimpleQueue and isinstance(instance, (_in_c, _in_python)))


class SimpleQueue(_in_c, metaclass=_Meta):  # type: ignore[misc]
    """Called as the class that it stands for; one that is derived from it during the run is derived from the real one."""

    def __new__(cls) -> Any:
        if cls is not SimpleQueue:
            return super().__new__(cls)
        caller = str(sys._getframe(1).f_globals.get("__name__", ""))
        return _in_c() if active.mine() is None or caller.startswith(_POOLS) else _in_python()
