"""Hostile calls are made in a healthy world, one wrong argument at a time, then drawn ones; what makes them impossible is said."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import pytest
import requests
from pydantic import Field

from pytest_agentready import Response
from pytest_agentready.arguments.hostile import violations
from pytest_agentready.domain import HostileArguments, Outcome, Verdict
from tests.examining import as_tool, engine, examine

URL = "https://api.example.com/orders/7"


def hostile(function: Callable[..., Any], **facts: Any) -> HostileArguments:
    observed: HostileArguments = engine()._observe(as_tool(function, facts), "hostile_arguments")
    return observed


def verdict(function: Callable[..., Any], **facts: Any) -> Verdict:
    return examine(function, facts)["AR107"]


def messages(found: Verdict) -> list[str]:
    return [finding.message for finding in found.findings]


def change(order_id: str, pieces: int = 1) -> str:
    return requests.put(URL, json={"id": order_id, "pieces": pieces}, timeout=5).text


def test_each_call_breaks_one_argument_and_keeps_the_others(capfd: pytest.CaptureFixture[str]) -> None:
    def noisy(order_id: str, pieces: int) -> None:
        print(order_id, pieces)

    seen = hostile(noisy, args={"order_id": "7", "pieces": 2})
    assert [(call.parameter, call.value, call.run.arguments) for call in seen.calls[:3]] == [
        ("order_id", None, {"order_id": None, "pieces": 2}),
        ("pieces", None, {"order_id": "7", "pieces": None}),
        ("order_id", [], {"order_id": [], "pieces": 2}),
    ]
    assert capfd.readouterr().out.strip() == "7 2"  # the normal call's own words


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda: 1, "it has no parameters that a model fills"),
        (lambda order_id: 1, "its parameters have no types: nothing says what is wrong for them"),
    ],
)
def test_where_nothing_can_be_violated_the_check_does_not_apply(function: Callable[..., Any], reason: str) -> None:
    found = verdict(function, args={} if "no parameters" in reason else {"order_id": "7"})
    assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, reason)


def test_what_takes_anything_cannot_be_violated() -> None:
    def anything(them: list[Any], it: dict[str, Any] | str | list[Any] | float | None) -> None: ...

    def everything(it: dict[str, Any] | str | list[Any] | float | None) -> None: ...

    assert {call.parameter for call in hostile(anything, args={"them": [], "it": 1.0}).calls} == {"them"}
    assert hostile(everything, args={"it": 1.0}).nothing == "its parameters take anything that JSON can carry"


def test_without_a_normal_call_nothing_is_proved() -> None:
    found = verdict(change, args={"order_id": "7"})
    assert found.outcome is Outcome.UNPROVEN
    assert "give backend=" in found.reason


def test_of_a_tool_that_wants_programs_alone_it_is_seen_which_it_would_start() -> None:
    def run_code(code: str) -> str:
        return subprocess.run(["python3", "-c", code], capture_output=True, text=True, timeout=9).stdout

    def run_words(words: list[str]) -> str:
        return subprocess.run(words, capture_output=True, text=True, timeout=9).stdout

    def ping(host: str) -> str:
        if not isinstance(host, str) or not host.isalnum():
            raise ValueError("host is a name")
        return subprocess.run(["ping", "-c", "1", host], capture_output=True, text=True, timeout=9).stdout

    crash = "run_code(code=None) crashes with TypeError: expected str, bytes or os.PathLike object, not NoneType"
    assert messages(verdict(run_code, args={"code": "print(1)"})) == [crash]
    assert "run_words(words='abc') is carried out: abc would be started" in messages(verdict(run_words, args={"words": ["ls", "-l"]}))
    reading = messages(verdict(run_words, args={"words": ["ls", "-l"]}, reads=["process:ls", "process:abc"]))
    assert not any("is carried out" in message for message in reading)
    found = verdict(ping, args={"host": "router"})
    assert (found.outcome, messages(found)) == (Outcome.UNPROVEN, [])
    assert "wants a process (ping)" in found.reason


def test_an_effect_is_told_with_the_request_and_all_parameters_that_cause_it() -> None:
    found = verdict(change, args={"order_id": "7"}, backend={f"PUT {URL}": {}})
    assert messages(found) == [f"change(order_id=None) is carried out: PUT {URL} was sent; the same with wrong values of pieces"]
    assert "change(pieces='abc')" in found.findings[0].evidence
    assert found.findings[0].where.startswith("tests/experiments/test_hostile_arguments.py:")


def test_a_peer_that_refuses_guards_the_tool() -> None:
    def only_seven(request: Any) -> Any:
        return {} if b'{"id": "7", "pieces": 1}' in request.body else Response(422, json={})

    assert verdict(change, args={"order_id": "7"}, backend={f"PUT {URL}": only_seven}).outcome is Outcome.PASSED


def test_a_write_that_the_backend_has_no_answer_for_was_sent_all_the_same() -> None:
    def remove(order_id: str) -> str:
        return requests.delete(f"https://api.example.com/orders/{order_id}", timeout=5).text

    assert messages(verdict(remove, args={"order_id": "7"}, backend={f"DELETE {URL}": {}})) == [
        "remove(order_id=None) is carried out: DELETE https://api.example.com/orders/None was sent"
    ]


def test_the_same_request_as_ever_is_no_effect_of_the_wrong_argument() -> None:
    def mended(order_id: str, pieces: int) -> str:
        count = pieces if isinstance(pieces, int) else 1
        return requests.put(URL, json={"id": "7", "pieces": count}, timeout=5).text

    assert verdict(mended, args={"order_id": "7", "pieces": 1}, backend={f"PUT {URL}": {}}).outcome is Outcome.PASSED


def test_a_slip_after_an_error_of_the_peers_is_not_the_arguments_fault() -> None:
    def state(order_id: str) -> str:
        found: Mapping[str, str] = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).json()
        return found["state"]

    assert verdict(state, args={"order_id": "7"}, backend={f"GET {URL}": {"state": "sent"}}).outcome is Outcome.PASSED


def test_a_loop_without_an_end_is_found() -> None:
    def wait_for(seconds: float) -> None:
        left = seconds if isinstance(seconds, float) else 1.0
        while left != 0:
            time.sleep(1)
            left -= 1

    found = verdict(wait_for, args={"seconds": 1.0})
    assert found.outcome is Outcome.PASSED

    def count_down(pieces: int) -> None:
        while pieces != 0:
            time.sleep(1)
            pieces -= 1

    found = verdict(count_down, args={"pieces": 2})
    assert any(message.startswith("count_down(pieces=1.5) does not end") for message in messages(found))


def test_an_exit_is_a_crash() -> None:
    def stop(code: int) -> None:
        if not isinstance(code, int):
            sys.exit("code must be a number")

    assert messages(verdict(stop, args={"code": 1}))[0] == "stop(code=None) crashes with SystemExit: code must be a number"


def test_a_backend_that_fails_under_a_wrong_argument_leaves_it_unproven() -> None:
    def lengths(request: Any) -> Any:
        return {"length": len(request.url) // (1 if request.url.endswith("7") else 0)}

    def length(order_id: str) -> str:
        return requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).text

    found = verdict(length, args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": lengths})
    assert found.outcome is Outcome.UNPROVEN
    assert found.reason.startswith(
        "the backend does not work under 3 calls, such as order_id=None: its 'GET https://api.example.com/orders/{id}' raised Zero"
    )


def test_the_same_findings_come_each_time() -> None:
    facts: dict[str, Any] = {"args": {"order_id": "7"}, "backend": {f"PUT {URL}": {}}}
    first, second = verdict(change, **facts), verdict(change, **facts)
    assert first.findings == second.findings


def price(lowest: int, highest: int) -> int:
    if type(lowest) is not type(highest):
        raise ValueError("lowest and highest are both whole numbers")
    return highest - lowest


def test_where_the_simplest_do_no_harm_others_are_drawn_and_shrunk() -> None:
    found = verdict(price, args={"lowest": 1, "highest": 2})
    assert messages(found) == [
        "price(lowest=None, highest=None) crashes with TypeError: unsupported operand type(s) for -: 'NoneType' and 'NoneType'"
    ]
    assert found.findings == verdict(price, args={"lowest": 1, "highest": 2}).findings


def test_where_one_of_the_simplest_does_harm_none_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)  # it could not be imported
    assert [call.drawn for call in hostile(len_of, args={"text": "a"}).calls] == [False] * 3


def len_of(text: str) -> int:
    return len(text) // len(text)


def test_the_calls_are_few_and_none_is_made_twice() -> None:
    made: list[str] = []

    def careful(state: Literal["open", "closed"], pieces: Annotated[int, Field(ge=1, le=9)], name: str) -> None:
        made.append(repr((state, pieces, name)))
        if state not in ("open", "closed") or type(pieces) is not int or not 1 <= pieces <= 9 or not isinstance(name, str):
            raise ValueError("look again")

    hostile(careful, args={"state": "open", "pieces": 2, "name": "a"})
    wrong = made[1:]  # after the normal call
    assert len(violations(as_tool(careful, {}).interface(), {"state": "open", "pieces": 2, "name": "a"})) < len(wrong) <= 60
    assert len(wrong) == len(set(wrong))


def test_calls_that_reach_a_peer_are_fewer() -> None:
    made: list[str] = []

    def state(order_id: str) -> str:
        made.append(order_id)
        return requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).text

    hostile(state, args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {}})
    assert 6 <= len(made) <= 20


def test_what_valid_arguments_do_by_themselves_is_no_harm_of_the_wrong_ones() -> None:
    def remind(days: Annotated[int, Field(ge=1)], urgent: bool) -> str:
        pause = {False: 1}[urgent]  # a slip, but no wrong argument is needed for it
        if type(days) is not int or days < 1:
            raise ValueError("days is a whole number")
        return requests.put(URL, json={"days": days, "pause": pause}, timeout=5).text

    facts: dict[str, Any] = {"args": {"days": 1, "urgent": False}, "backend": {f"PUT {URL}": {}}}
    assert not any(message.endswith("KeyError: True") and "urgent=True" in message for message in messages(verdict(remind, **facts)))


def test_a_value_that_was_mended_is_carried_out_as_another() -> None:
    def rate(stars: Annotated[int, Field(ge=1)]) -> str:
        try:
            given = max(int(stars), 1)
        except (TypeError, ValueError, OverflowError):
            raise ValueError("stars is a whole number") from None
        return requests.put(URL, json={"stars": given}, timeout=5).text

    assert verdict(rate, args={"stars": 1}, backend={f"PUT {URL}": {}}).outcome is Outcome.PASSED


def test_a_backend_that_fails_under_drawn_arguments_proves_nothing() -> None:
    def only_short(request: Any) -> Any:
        return {"length": 1 // (1 if len(request.url) < 50 else 0)}

    def length(order_id: str) -> str:
        return requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).text

    found = verdict(length, args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": only_short})
    assert found.outcome is Outcome.PASSED
