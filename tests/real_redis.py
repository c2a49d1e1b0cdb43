"""A real Redis for the tests that need one: that of REDIS_SERVER_URL, else one that is started for as long as they run."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PROGRAMS = ("redis-server", "valkey-server")
NOT_INSTALLED = "there is no real Redis here: install one (apt-get install redis-server, brew install redis)"
MISSING = f"{NOT_INSTALLED}, or name one that is running: REDIS_SERVER_URL=redis://localhost:6379"
FIRST = 1  # of the databases of a server that does not say which one is for the tests
PATIENCE = 10.0  # seconds in which it has to be there


class NotStarted(RuntimeError):
    """A server has ended before it could be reached; with what it has said."""


class Place(NamedTuple):
    """As `redis.Redis(*place)` takes it."""

    host: str
    port: int
    database: int  # another one in each worker of xdist, for they may share a server
    password: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port


@contextlib.contextmanager
def running() -> Iterator[Place | None]:
    """Where it is; None where there is none to be had."""
    if url := os.environ.get("REDIS_SERVER_URL"):
        yield place(url, os.environ.get("PYTEST_XDIST_WORKER", "gw0"))
    elif (found := program()) is None:
        yield None
    else:
        with started(found) as port:
            yield Place("localhost", port, FIRST)


def program() -> str | None:
    """The server that is installed on this machine."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def place(url: str, worker: str) -> Place:
    """What belongs to a worker of xdist, of a server that all of them share: the database of the URL is the first worker's.

    Raises ValueError for a URL that `Place` cannot hold.
    """
    parts = urlsplit(url)
    if parts.scheme != "redis" or parts.username:
        raise ValueError("REDIS_SERVER_URL has to be like redis://:PASSWORD@HOST:PORT/DATABASE, without a user name and without TLS")
    first = int(parts.path.strip("/") or FIRST)
    password = unquote(parts.password) if parts.password else None
    return Place(parts.hostname or "localhost", parts.port or 6379, first + int(worker.removeprefix("gw")), password)


@contextlib.contextmanager
def started(program: str, *more: str) -> Iterator[int]:
    """On a free port, with its data nowhere. Raises NotStarted, where it does not like its options for example."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        words = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder, *more]
        said = Path(folder, "said")
        with said.open("wb") as log:
            server = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            _await(port, server, said)
            yield port
        finally:
            server.terminate()
            server.wait()


def _await(port: int, server: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if server.poll() is not None:
                raise NotStarted(said.read_text(errors="replace")) from None
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
