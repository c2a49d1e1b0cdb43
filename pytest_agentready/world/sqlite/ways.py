"""Where a connection leads: how the code names a database, and which one that is in the run."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from pytest_agentready.world import runs
from pytest_agentready.world.files.system import MOST

SIDECARS = ("-wal", "-journal")
SMALL = 16 << 20  # bytes of a database that is copied at once; a larger one when something is written to it


class Way(NamedTuple):
    """Where a connection leads."""

    name: str
    is_uri: bool
    url: str  # what an effect calls it
    counts_from: float  # the call from which on it is one
    original: str = ""  # the real file that is read until something is written
    refusal: str = ""  # why nothing may be


def parts_of(name: str, is_uri: bool) -> SplitResult | None:
    """None for a plain path."""
    return urlsplit(name) if is_uri and name.startswith("file:") else None


def place_of(name: str, is_uri: bool) -> str:
    parts = parts_of(name, is_uri)
    return unquote(parts.path) if parts else name


def home_of(name: str, is_uri: bool) -> str:
    """The real database, as a URI by which none is made; "" where there is none."""
    place, parts = place_of(name, is_uri), parts_of(name, is_uri)
    query = dict(parse_qsl(parts.query)) if parts else {}
    query["mode"] = "ro" if query.get("mode") == "ro" else "rw"
    return f"file:{quote(place)}?{urlencode(query)}" if os.path.exists(place) else ""


def read_in_place(place: str, url: str, counts_from: float) -> Way | None:
    """How a large database is read where it is, with nothing written beside it; None where it has to be copied."""
    try:
        size = os.path.getsize(place)
        if size <= SMALL or (size <= MOST and sys.version_info < (3, 11)):  # whose cursors do not outlive that they are led elsewhere
            return None
        if any(os.path.exists(f"{place}{end}") and os.path.getsize(f"{place}{end}") for end in SIDECARS):
            return None
        with runs.bypassed(), open(place, "rb") as file:
            is_logged = file.read(20)[18:19] == b"\2"
    except OSError:
        return None
    mode = "mode=ro&immutable=1" if is_logged else "mode=ro"  # a reader makes files of the write-ahead log, too
    refusal = f"a change of the database {place} (it is too large to be copied for it)"
    return Way(f"file:{quote(place)}?{mode}", True, url, counts_from, "" if size > MOST else place, refusal)
