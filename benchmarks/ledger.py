"""What the ledger of effects costs a tool that only reads: the same run with it and without, in turn, in one process.

    python benchmarks/ledger.py

Without it, neither the functions of files, processes and SQLite are replaced, nor are their audit events looked at.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from unittest.mock import patch

import requests

from pytest_agentready.world import Backend, early, exits, files, guard, installation, observe, sqlite
from pytest_agentready.world.files import replacements
from pytest_agentready.world.ledger import Ledger
from pytest_agentready.world.leftovers import collected

RUNS = 400
BACKEND = Backend.parse({"GET http://api.example.com/orders/{id}": {"state": "shipped"}})
OF_PROCESSES = ("os.system", "os.exec", "os.spawn", "os.fork", "os.forkpty", "os.posix_spawn")
OF_FILES = [event for event in guard._WATCHED if event.startswith(("open", "os.", "sqlite3")) and event not in OF_PROCESSES]


def read(order: int) -> str:
    return str(requests.get(f"http://api.example.com/orders/{order}", timeout=5).json()["state"])


def seconds() -> float:
    start = time.thread_time()
    run = observe(read, {"order": 7}, backend=BACKEND)
    assert run.value == "shipped"
    return time.thread_time() - start


@contextlib.contextmanager
def without() -> Iterator[None]:
    watched = {event: guard._WATCHED[event] for event in guard._WATCHED if event not in OF_FILES}
    nothing = [patch.object(module, "patches", lambda: iter(())) for module in (replacements, exits, sqlite)]
    begun = [patch.object(owner, name, lambda *_: None) for owner, name in ((files.Files, "begin"), (Ledger, "close"))]
    ended = [patch.object(sqlite.Databases, name, lambda *_: None) for name in ("begin", "settle", "end")]
    with contextlib.ExitStack() as stack:
        for one in (*nothing, *begun, *ended, patch.object(guard, "_WATCHED", watched)):
            stack.enter_context(one)
        yield


def main() -> None:
    ratios = []
    with collected(read):
        seconds()
        for _ in range(RUNS):
            with_it = seconds()
            installation._patches_with.cache_clear()
            places = installation._early_names()._places
            kept = [place for place in places if id(place.original) not in early._of_modules()]
            with without(), patch.object(installation._early_names(), "_places", kept):
                installation._patches_with(())
                installation._patches()
                bare = seconds()
            installation._patches_with.cache_clear()
            installation._patches()
            ratios.append((with_it, bare))
    ours, theirs = (statistics.median(values) for values in zip(*ratios, strict=True))
    ratio = statistics.median(one / other for one, other in ratios)
    print(f"with the ledger {ours * 1000:.3f} ms, without {theirs * 1000:.3f} ms: {(ratio - 1) * 100:+.1f} % (median of {RUNS} pairs)")


if __name__ == "__main__":
    main()
