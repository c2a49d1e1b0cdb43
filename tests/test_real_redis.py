"""Where the tests find a real Redis."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real_redis import NotStarted, Place, place, started


@pytest.mark.parametrize(
    ("url", "worker", "expected"),
    [
        ("redis://localhost", "gw0", Place("localhost", 6379, 1)),
        ("redis://localhost:7000", "gw15", Place("localhost", 7000, 16)),
        ("redis://:a%40b@store:7000/4", "gw2", Place("store", 7000, 6, "a@b")),
        ("redis://store/0", "gw0", Place("store", 6379, 0)),
    ],
)
def test_each_worker_has_a_database_of_the_server_that_is_named(url: str, worker: str, expected: Place) -> None:
    assert place(url, worker) == expected


@pytest.mark.parametrize("url", ["rediss://localhost", "redis://ada:secret@localhost", "localhost:6379"])
def test_a_server_that_the_tests_cannot_reach_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="REDIS_SERVER_URL has to be like"):
        place(url, "gw0")


def test_a_server_that_ends_at_once_is_not_waited_for(tmp_path: Path) -> None:
    server = tmp_path / "server"
    server.write_text("#!/bin/sh\necho Bad directive: tls-port >&2\nexit 1\n")
    server.chmod(0o755)
    with pytest.raises(NotStarted, match="Bad directive: tls-port"), started(str(server)):
        pass
