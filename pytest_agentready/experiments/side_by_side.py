"""Several callers at the same time, each a moment after the one before it: in threads, or in tasks of the tools' loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context

from pytest_agentready.world import loops

LATER = 0.005  # virtual seconds by which each begins later


def in_threads(caller: Callable[[int], object], contexts: Sequence[Context]) -> None:
    """`caller` is told its number, and runs in the context of that number."""
    threads = [threading.Thread(target=context.run, args=(caller, number), daemon=True) for number, context in enumerate(contexts)]
    for thread in threads:
        thread.start()
        time.sleep(LATER)
    for thread in threads:
        thread.join()


def in_tasks(caller: Callable[[int], Awaitable[object]], count: int) -> None:
    """`caller` is told its number."""

    async def in_turn(number: int) -> None:
        await asyncio.sleep(LATER * number)
        await caller(number)

    async def together() -> None:
        await asyncio.gather(*map(in_turn, range(count)))

    loops.drive(together())
