"""The time that passes between two runs, in which nobody looks.

What a tool remembers of a run (an open breaker, a cache) shall not hide the next one.
"""

from __future__ import annotations

# Seconds, from the end of a run to the next. Not a day: a tool has some eighty runs, and "tomorrow" among its arguments would be in
# the past after the first. Whoever remembers for longer is seen, for it asks nobody, and only then a day passes.
INTERVAL = 600.0
_passed = 0.0  # seconds that the clocks are ahead of the real ones: a monotonic clock never goes back
_passed_for_subject = 0.0  # a date does, for the next subject: its verdict shall not depend on who came before


def begin_subject() -> None:
    global _passed_for_subject
    _passed_for_subject = 0.0


def let_pass(seconds: float) -> None:
    """Time goes by between two runs."""
    global _passed, _passed_for_subject
    _passed += seconds
    _passed_for_subject += seconds


def passed() -> float:
    """Seconds by which the clocks that never go back are ahead."""
    return _passed


def passed_for_subject() -> float:
    """Seconds by which the date is ahead."""
    return _passed_for_subject
