"""The healthy warm-up, and why it is sometimes no normal call."""

from __future__ import annotations

import dataclasses
import functools
import types
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import requests

from pytest_agentready.domain import Facts, NormalCall, Tool, Unjudgeable
from pytest_agentready.experiments import normal_call
from pytest_agentready.world import Backend, Limits
from pytest_agentready.world.leftovers import collected
from tests.examining import as_tool

ORDERS = "https://api.example.com/orders"
SHOP = {f"GET {ORDERS}/{{id}}": {"state": "shipped"}}


def fetch(id: str) -> Any:
    response = requests.get(f"{ORDERS}/{id}", timeout=5)
    response.raise_for_status()
    return response.json()["state"]


def observe(call: Any, **facts: Any) -> NormalCall:
    with collected(call):
        return normal_call.run(as_tool(call, facts))


def test_the_tool_is_called_once_with_each_set_of_arguments() -> None:
    found = observe(fetch, args=[{"id": "7"}, {"id": "8"}], backend=SHOP)
    assert [run.arguments for run in found.runs] == [{"id": "7"}, {"id": "8"}]
    assert [run.answer and run.answer.text for run in found.runs] == ["shipped", "shipped"]
    assert found.obstacle == ""
    assert not found.self_contained


def test_the_answer_is_read() -> None:
    found = observe(lambda: {"status": "success", "data": requests.get(f"{ORDERS}/7").json()}, backend=SHOP)
    assert found.runs[0].answer is not None
    assert found.runs[0].answer.typed


def test_an_async_tool_is_awaited() -> None:
    async def tool(id: str) -> Any:
        return fetch(id)

    answer = observe(tool, args={"id": "7"}, backend=SHOP).runs[0].answer
    assert answer is not None
    assert answer.text == "shipped"


def test_a_tool_that_asks_nothing_outside_is_self_contained() -> None:
    found = observe(lambda a, b: a + b, args={"a": 1, "b": 2})
    assert found.self_contained
    assert found.runs[0].answer is not None
    assert found.runs[0].answer.text == "3"


def test_a_value_is_let_go_of_once_it_is_read() -> None:
    assert observe(lambda: requests.get(f"{ORDERS}/7"), backend=SHOP).runs[0].value is None


def test_what_a_tool_yields_is_read_as_a_list() -> None:
    def tool(ids: list[str]) -> Any:
        for id in ids:
            yield fetch(id)

    found = observe(tool, args={"ids": ["7", "8"]}, backend=SHOP).runs[0]
    assert len(found.requests) == 2
    assert found.answer is not None
    assert found.answer.text == "['shipped', 'shipped']"


def test_the_tool_cannot_change_the_arguments_of_its_next_run() -> None:
    args = {"items": [1]}
    observe(lambda items: items.append(2), args=args)
    assert args == {"items": [1]}


def test_the_arguments_are_recorded_as_they_were_given() -> None:
    assert observe(lambda items: items.pop(), args={"items": [1]}).runs[0].arguments == {"items": [1]}


def test_many_requests_of_a_healthy_tool_are_fine() -> None:
    found = observe(lambda: [fetch(str(number)) for number in range(150)], backend=SHOP)
    assert found.obstacle == ""
    assert len(found.runs[0].requests) == 150


def endless() -> None:
    while True:
        fetch("7")


def answer_with_an_error() -> Any:
    return {"status": "error", "message": "out of stock", "data": fetch("7")}


def start_a_process() -> None:
    import subprocess

    try:
        subprocess.run(["git", "status"], check=False)
    except BaseException:
        pass


def speak_ldap() -> None:
    import socket

    with socket.create_connection(("ldap.example.com", 389), timeout=5) as line:
        line.sendall(b"0\x0c\x02\x01\x01")
        line.recv(100)


def speak_imap() -> Any:
    import imaplib

    try:
        return imaplib.IMAP4("mail.example.com", timeout=5).welcome
    except OSError:
        return "down"


def listen_at_an_unknown_port() -> Any:
    import socket

    with socket.create_connection(("mail.example.com", 4711), timeout=5) as line:
        try:
            return line.recv(100)
        except OSError:
            return "down"


def ask_by_datagram() -> Any:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(2)
        line.sendto(b"what time is it?", ("ntp.example.com", 123))
        try:
            return line.recv(100)
        except OSError:
            return "down"


def broken(request: Any) -> Any:
    raise LookupError("no fixture")


@pytest.mark.parametrize(
    ("call", "backend", "told"),
    [
        (
            lambda: fetch("7"),
            None,
            f"nothing answers GET {ORDERS}/7: give backend={{'GET {ORDERS}/7': {{...}}}} in its agent_tool mark",
        ),
        (
            lambda: requests.get(f"{ORDERS}?page=2").text,
            {"GET https://other.example.com/": {}},
            f"the backend has no route for GET {ORDERS}: add it to the marker's backend=",
        ),
        (lambda: [requests.get(f"{ORDERS}/{n}").text for n in range(5)], {}, "GET https://api.example.com/orders/2 and 2 more"),
        (lambda: fetch("7"), {f"GET {ORDERS}/7": {"status": "shipped"}}, "the normal call raises KeyError: 'state'"),
        (endless, SHOP, "the normal call does not end: "),
        (answer_with_an_error, SHOP, "the normal call answers with an error (out of stock)"),
        (start_a_process, None, "the normal call wants a process (git), which the world does not let out"),
        (speak_imap, None, "hears nothing from mail.example.com:143: its server would have to greet, and the world does not speak IMAP"),
        (
            listen_at_an_unknown_port,
            None,
            "hears nothing from mail.example.com:4711 (nothing was said to mail.example.com:4711: if it speaks",
        ),
        (ask_by_datagram, None, "hears nothing from ntp.example.com:123/udp: nobody answers datagrams in the world"),
        (speak_ldap, None, "ldap.example.com:389: the world does not speak this protocol"),
    ],
)
def test_an_obstacle_says_what_is_in_the_way_and_what_would_remove_it(
    monkeypatch: pytest.MonkeyPatch, call: Any, backend: Any, told: str
) -> None:
    monkeypatch.setattr(normal_call, "PATIENCE", Limits(attempts=50))
    assert told in observe(call, backend=backend).obstacle


def test_a_backend_that_fails_makes_the_test_an_error() -> None:
    with pytest.raises(Unjudgeable, match=r"the marker's backend= does not work: its 'GET .*/7' raised LookupError: no fixture \(.*:\d+\)"):
        observe(lambda: fetch("7"), backend={f"GET {ORDERS}/7": broken})


def test_without_arguments_nothing_is_called_and_the_missing_ones_are_named() -> None:
    called: list[int] = []

    def tool(order_id: str, note: str, urgent: bool = False, *rest: Any, **more: Any) -> None:
        called.append(1)

    found = normal_call.run(Tool("tool", tool, is_async=False, source="", facts=Facts(backend=Backend())))
    assert (found.runs, called) == ((), [])
    assert found.obstacle == "it needs order_id and note: give args={...} in its agent_tool mark"


@pytest.mark.parametrize("name", ["pymssql", "primp"])
def test_a_client_that_cannot_be_seen_is_named(name: str) -> None:
    called: list[int] = []
    shop = {"client": ModuleType(name), "called": called, "__name__": "blind_shop"}
    exec("def fetch():\n    return client.get()\n\ndef tool():\n    called.append(1)\n    return fetch()\n", shop)
    tool: Any = shop["tool"]
    found = observe(tool)
    assert (found.blind, called) == ((name,), [])
    assert not found.self_contained
    assert name in found.obstacle


def test_a_client_that_cannot_be_seen_is_no_matter_to_a_tool_of_its_module_that_does_not_use_it() -> None:
    shop = {"client": ModuleType("primp"), "__name__": "blind_shop"}
    exec("def other():\n    return client.get()\n\ndef tool():\n    return 7\n", shop)
    assert observe(shop["tool"]).self_contained


def test_a_client_that_is_imported_where_it_is_used_is_named_too() -> None:
    def tool() -> Any:
        import primp  # type: ignore[import-not-found]

        return primp.get("https://api.example.com")

    assert observe(tool).blind == ("primp",)


def test_looking_for_blind_clients_takes_whatever_a_module_may_hold() -> None:
    shop: dict[str, Any] = {
        "dataclasses": dataclasses,
        "types": types,
        "call": mock.call,
        "magic": mock.MagicMock(),
        "__name__": "odd_shop",
    }
    exec("def tool():\n    return [dataclasses, types, call, magic] and 7\n", shop)
    assert observe(shop["tool"]).self_contained


def test_a_client_that_cannot_be_seen_is_found_behind_a_module_and_a_partial() -> None:
    client = ModuleType("shop_client")
    vars(client)["primp"] = ModuleType("primp")
    exec("def fetch(id):\n    return primp.Client()\n\ndef other():\n    return pymssql.connect()\n", vars(client))
    vars(client)["pymssql"] = ModuleType("pymssql")
    shop: dict[str, Any] = {"client": client, "__name__": "blind_shop"}
    exec("def tool(id):\n    return client.fetch(id)\n", shop)
    assert observe(functools.partial(shop["tool"], "7")).blind == ("primp",)
