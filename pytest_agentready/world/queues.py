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


class SimpleQueue:
    """Called as the class that it stands for."""

    def __new__(cls) -> Any:
        caller = str(sys._getframe(1).f_globals.get("__name__", ""))
        return _in_c() if active.mine() is None or caller.startswith(_POOLS) else _in_python()
