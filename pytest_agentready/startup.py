"""What the process was started with: imported with the plugin, before a test can change it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


def _inodes() -> Iterator[tuple[int, int]]:
    """Of all that is open."""
    for name in os.listdir("/dev/fd") if os.path.isdir("/dev/fd") else ():
        with contextlib.suppress(OSError):  # that of the listing itself
            found = os.fstat(int(name))
            yield found.st_dev, found.st_ino


SEARCH_PATH = os.environ.get("PATH", os.defpath)

# The files that the process has been given, or pytest has opened, by then: its output may go to a file, and so may that of other processes.
GIVEN = frozenset(_inodes())
