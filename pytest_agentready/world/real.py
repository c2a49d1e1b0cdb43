"""The real functions, as they were before any world replaced them."""

from __future__ import annotations

import _socket
import concurrent.futures.thread
import os as _os
import select as _select
import signal as _signal
import ssl
import subprocess  # noqa: F401  (it imports _posixsubprocess, where there is one)
import sys
import threading
import time as _time
from typing import Any

sleep = _time.sleep
time = _time.time
monotonic = _time.monotonic
perf_counter = _time.perf_counter
time_ns = _time.time_ns
monotonic_ns = _time.monotonic_ns
perf_counter_ns = _time.perf_counter_ns

select = _select.select
poll = _select.poll
epoll: Any = getattr(_select, "epoll", None)

socket = _socket.socket
getaddrinfo = _socket.getaddrinfo
gethostbyname = _socket.gethostbyname
gethostbyname_ex = _socket.gethostbyname_ex
gethostbyaddr = _socket.gethostbyaddr
getnameinfo = _socket.getnameinfo

wrap_socket = ssl.SSLContext.wrap_socket
wrap_bio = ssl.SSLContext.wrap_bio

condition_wait = threading.Condition.wait
condition_notify = threading.Condition.notify
thread_start = threading.Thread.start
thread_join = threading.Thread.join
submit = concurrent.futures.thread.ThreadPoolExecutor.submit
pool_worker = concurrent.futures.thread._worker  # type: ignore[attr-defined,unused-ignore]

setitimer: Any = getattr(_signal, "setitimer", None)
alarm: Any = getattr(_signal, "alarm", None)
fork_exec: Any = getattr(sys.modules.get("_posixsubprocess"), "fork_exec", None)

exit_now = _os._exit
abort = _os.abort
kill = _os.kill
killpg: Any = getattr(_os, "killpg", None)
raise_signal = _signal.raise_signal
waitid: Any = getattr(_os, "waitid", None)

READABLE = getattr(_select, "POLLIN", 1)
WRITABLE = getattr(_select, "POLLOUT", 4)


def pollable(fd: int, mask: int) -> Any:
    """A poll object for one descriptor; `.poll(0)` looks without taking anything away."""
    found = poll()
    found.register(fd, mask)
    return found
