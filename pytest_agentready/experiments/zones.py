"""The time zone of the machine, for as long as a charge takes; and the night in which an hour comes twice."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

HOME = "America/New_York"  # 01:30 comes twice, when summer time ends
ABROAD = "Pacific/Honolulu"  # at that moment it is yesterday there
HALF_PAST_FIVE = 5  # o'clock in UTC, and a half: 01:30 in New York, for the first time
_database = Path("/usr/share/zoneinfo")


def are_known(*names: str) -> bool:
    """Does the system know these zones, and can a process change its own?"""
    return hasattr(time, "tzset") and all((_database / name).exists() for name in names)


@contextlib.contextmanager
def in_zone(name: str) -> Iterator[None]:
    """As if the machine stood there."""
    if not are_known(name):
        yield
        return
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = before
        time.tzset()


def end_of_summer_time(now: float) -> float:
    """Half past one, for the first time, in New York: the next night that has it twice. Both in seconds since the epoch."""
    year = datetime.fromtimestamp(now, timezone.utc).year
    for each in (year, year + 1):
        first = datetime(each, 11, 1, HALF_PAST_FIVE, 30, tzinfo=timezone.utc)
        sunday = first + timedelta(days=(6 - first.weekday()) % 7)
        if sunday.timestamp() > now:
            return sunday.timestamp()
    raise AssertionError("every year has a November")
