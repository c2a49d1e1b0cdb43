"""Inner addresses in a run: numbers in every form that the system takes, names that lead there, and pages that redirect there."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.domain import Run
from pytest_agentready.world import Backend, observe
from pytest_agentready.world.lures import Lured, is_internal

USUAL = Backend.parse({"GET http://10.1.1.1/health": {"ok": True}, "GET https://api.example.com/a": {"a": 1}})
LURED = Lured(USUAL, {"go.example.com": "http://169.254.169.254/"}, {"in.example.com": ("100.128.9.9", "10.0.0.9")})


def get(url: str) -> Any:
    return requests.get(url, timeout=5).text


def connected(run: Run) -> list[str]:
    return [attempt.host for attempt in run.attempts if attempt.kind == "connection"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_each_form_of_the_loopback_address_is_connected_to_as_the_system_would(host: str) -> None:
    run = observe(get, {"url": f"http://{host}/"}, backend=LURED)
    assert connected(run) == ["127.0.0.1"]
    assert "All is well" in str(run.value)


def test_a_name_of_digits_and_letters_is_a_name() -> None:
    def look_up(host: str) -> str:
        return socket.gethostbyname(host)

    assert observe(look_up, {"host": "7eleven.example.com"}).value == "100.128.0.1"
    assert observe(look_up, {"host": "10.1"}).value == "10.0.0.1"


def test_a_name_may_lead_elsewhere_when_it_is_looked_up_again() -> None:
    def look_up_and_get(url: str) -> tuple[str, str]:
        return socket.gethostbyname("in.example.com"), httpx.get(url, timeout=5).text

    run = observe(look_up_and_get, {"url": "http://in.example.com/"}, backend=LURED)
    assert connected(run) == ["10.0.0.9"]
    assert run.value is not None
    assert run.value[0] == "100.128.9.9"  # type: ignore[index]


def test_a_redirect_leads_inside() -> None:
    assert connected(observe(get, {"url": "http://go.example.com/x"}, backend=LURED)) == ["go.example.com", "169.254.169.254"]


def test_the_usual_peers_answer_as_ever_also_where_they_are_inner_ones() -> None:
    assert observe(get, {"url": "https://api.example.com/a"}, backend=LURED).value == '{"a": 1}'
    assert observe(get, {"url": "http://10.1.1.1/health"}, backend=LURED).value == '{"ok": true}'
    assert observe(get, {"url": "https://api.example.com/b"}, backend=LURED).requests[0].status == 404


def test_inner_addresses_are_told_from_public_ones() -> None:
    inner = ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.7", "172.16.0.7", "192.168.0.7", "0.0.0.0", "::1", "fd00::7"]
    assert all(map(is_internal, inner))
    assert not any(map(is_internal, ["93.184.215.14", "2606:2800::1", "example.com", ""]))


def test_a_name_that_begins_alike_leads_inside() -> None:
    alike = Lured(USUAL, {}, {}, ("not-", ("10.0.0.9",)))
    assert connected(observe(get, {"url": "http://not-example.com/"}, backend=alike)) == ["10.0.0.9"]
    assert connected(observe(get, {"url": "http://example.com/"}, backend=alike)) == ["example.com"]
