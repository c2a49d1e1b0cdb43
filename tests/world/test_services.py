"""Databases, stores, mail servers and streams, asked by their real clients: in good health, and under every fault of the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world.clients_of_databases import BACKEND, CLIENTS, Client
from tests.world.entering import enter, exception
from tests.world.test_clients import agrees, told

each = pytest.mark.parametrize("client", [pytest.param(client, id=client.call.__name__) for client in CLIENTS])


@each
def test_a_healthy_peer_answers_at_once(client: Client) -> None:
    run = enter(client.call, backend=BACKEND)
    assert (run.value, run.raised, run.ending, run.unspoken) == (client.answer, None, None, ())
    assert run.virtual < 0.1
    assert run.requests
    assert all(request.committed and request.routed for request in run.requests)


@pytest.mark.parametrize("silence", ["connect-hang", "accept-hang", "response-hang", "trickle"])
@each
def test_a_silent_peer_holds_a_client_for_as_long_as_in_reality(client: Client, silence: str) -> None:
    run = enter(client.call, silence, backend=BACKEND)
    assert run.fired > 0
    assert agrees(run, client.truths[silence]), f"{told(run)}, not {client.truths[silence]}"


@pytest.mark.parametrize(
    ("fault", "committed"), [("reset-before-answer", 0), ("reset-during-answer", 1), ("truncated-body", 1), ("lost-response", 1)]
)
@each
def test_a_broken_connection_is_an_exception_of_the_client(client: Client, fault: str, committed: int) -> None:
    run = enter(client.call, fault, backend=BACKEND)
    assert run.fired > 0
    assert exception(run) in client.broken.split(" or ")
    assert sum(request.committed for request in run.requests) == committed * run.fired


@pytest.mark.parametrize("fault", ["500", "429-retry-after", "malformed-json", "html", "redirect-loop"])
@pytest.mark.parametrize(
    "client", [client for client in CLIENTS if "websocket" not in client.call.__name__], ids=lambda client: client.call.__name__
)
def test_what_only_http_can_suffer_leaves_other_protocols_alone(client: Client, fault: str) -> None:
    run = enter(client.call, fault, backend=BACKEND)
    assert (run.value, run.fired) == (client.answer, 0)


@each
def test_nothing_resolves_and_nothing_connects_under_the_first_two_faults(client: Client) -> None:
    for fault in ("dns-failure", "refused"):
        run = enter(client.call, fault, backend=BACKEND)
        assert run.raised is not None
        assert run.fired > 0
        assert run.requests == ()


def test_the_same_client_of_a_module_is_right_in_every_run_of_a_row() -> None:
    import redis

    cache = redis.Redis(host="cache.internal", socket_timeout=2, retry=None)

    def count() -> Any:
        return cache.incr("visits")

    runs = [enter(count, fault, backend=BACKEND) for fault in ("", "response-hang", "", "lost-response", "")]
    assert [run.value for run in runs if run.fault is None] == [1, 1, 1]  # each run begins with the contents of the backend
    assert [run.fired > 0 for run in runs] == [False, True, False, True, False]
