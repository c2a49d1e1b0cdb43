"""Which signals somebody suffers from: those for which the code has a handler, or which it ignores, are its own affair, and arrive."""

from __future__ import annotations

import os
import signal

# They do nothing where nobody handles them.
HARMLESS = frozenset(getattr(signal, name, 0) for name in ("SIGCHLD", "SIGURG", "SIGWINCH", "SIGCONT"))
UNSTOPPABLE = frozenset(getattr(signal, name, 0) for name in ("SIGKILL", "SIGSTOP"))


def would_end(pid: int, number: int) -> bool:
    """Would this process end, or is it another's?"""
    if number == 0:
        return False
    if pid not in (os.getpid(), 0) or number in UNSTOPPABLE:
        return True
    handler = signal.getsignal(number)  # None: one of C's, as faulthandler's, after which the process ends all the same
    return (handler is signal.SIG_DFL and number not in HARMLESS) or handler is None
