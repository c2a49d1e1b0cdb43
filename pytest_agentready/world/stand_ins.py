"""What stands in for a program that a run wants and must not start: a child of the system's own that ends well, badly, or not at all.

A tool that starts programs depends on them as others do on their peers: they are missing, fail, and hang. What one *says* nobody knows,
and so each of them says nothing, but for the one that fails.
"""

from __future__ import annotations

import functools
import os
import shutil
from typing import Literal

Conduct = Literal["refused", "succeeds", "fails", "missing", "silent"]

STATUS = 1
COMPLAINT = "error: the operation could not be completed"
# Real seconds: whoever reads from one in C, where no wait is seen, comes back after these.
LIFETIME = 4


@functools.cache
def words_of(conduct: Conduct) -> list[str]:
    """The command line of what behaves like that; [] where nothing does, or this system has no such program."""
    true, shell, sleep = (shutil.which(name, path=os.defpath) or "" for name in ("true", "sh", "sleep"))
    match conduct:
        case "succeeds" | "missing":
            return [true] if true else []
        case "fails":
            return [shell, "-c", f"echo '{COMPLAINT}' >&2; exit {STATUS}"] if shell else []
        case "silent":
            return [sleep, str(LIFETIME)] if sleep else []
        case _:
            return []
