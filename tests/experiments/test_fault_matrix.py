"""One run for each fault: which are tried, which stages of a call, and when it is enough."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections import Counter
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.domain import FaultMatrix
from pytest_agentready.experiments import fault_matrix, normal_call
from pytest_agentready.world import FAULTS, IncomingRequest
from pytest_agentready.world.leftovers import collected
from tests.examining import as_tool, examine
from tests.world.entering import line_of

SHOP = "http://shop.example.com"
BACKEND = {f"GET {SHOP}/{{page}}": {"next": 1}, "GET https://shop.example.com/{page}": {"next": 1}}
PLAIN = tuple(fault for fault in FAULTS if fault.family != "certificate")
SOME = tuple(fault for fault in FAULTS if fault.slug in ("refused", "500", "html"))


def observe(call: Any, faults: Any = FAULTS, **facts: Any) -> FaultMatrix:
    tool = as_tool(call, {"backend": BACKEND, **facts})
    with collected(tool):
        return fault_matrix.run(tool, normal_call.run(tool), faults)


def get(page: str, scheme: str = "http") -> Any:
    return requests.get(f"{scheme}://shop.example.com/{page}", timeout=5).json()


def test_every_fault_is_tried_and_met_once() -> None:
    found = observe(lambda: get("a", "https"))
    assert [run.fault for run in found.runs] == list(FAULTS)
    assert all(run.fired for run in found.runs)
    assert found.skipped == {}


def test_certificates_are_left_out_for_a_tool_without_tls() -> None:
    found = observe(lambda: get("a"))
    assert [run.fault for run in found.runs] == list(PLAIN)
    assert set(found.skipped.values()) == {"the tool does not use TLS"}
    assert len(found.skipped) == len(FAULTS) - len(PLAIN)


def test_each_set_of_arguments_meets_each_fault() -> None:
    found = observe(get, SOME, args=[{"page": "a"}, {"page": "b"}])
    assert Counter((run.fault.slug, run.arguments["page"]) for run in found.runs if run.fault) == {
        (fault.slug, page): 1 for fault in SOME for page in "ab"
    }


def test_a_returned_value_is_read_and_a_raised_exception_is_not() -> None:
    found = observe(lambda: {"status": "error", "code": requests.get(f"{SHOP}/a", timeout=5).status_code}, SOME)
    answers = {run.fault.slug: run.answer for run in found.runs if run.fault}
    assert answers["refused"] is None
    assert answers["500"] is not None
    assert answers["500"].is_error


def test_a_tool_that_stays_at_home_is_not_tried() -> None:
    found = observe(lambda: 42)
    assert found.runs == ()
    assert set(found.skipped.values()) == {"the normal call does not reach the outside world"}


def test_a_tool_whose_normal_call_does_not_end_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normal_call, "PATIENCE", normal_call.Limits(attempts=50))

    def tool() -> None:
        while True:
            get("a")

    found = observe(tool)
    assert found.runs == ()
    assert set(found.skipped.values()) == {"the normal call does not end"}


def test_a_tool_that_waits_for_a_greeting_for_ever_meets_what_can_befall_it_before() -> None:
    def tool() -> Any:
        with socket.create_connection(("mail.example.com", 143)) as line:
            return line.recv(100)

    found = observe(tool)
    assert {run.fault.family for run in found.runs if run.fault} == {"break", "silence"}
    assert [run.mishap_slug for run in found.fired if run.ending] == ["accept-hang"]


def test_a_datagram_without_an_answer_is_a_silent_peer() -> None:
    def tool() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(b"what time is it?", ("ntp.example.com", 123))
            return line.recv(100)

    assert [run.mishap_slug for run in observe(tool).silent] == ["response-hang"]


def two_steps() -> Any:
    first = requests.get(f"{SHOP}/a", timeout=5).json()
    second = requests.get(f"{SHOP}/b").json()
    return first, second


def test_a_later_request_from_another_line_fails_in_its_turn() -> None:
    found = observe(two_steps, SOME)
    assert [(run.fault.slug, run.spared) for run in found.runs if run.fault] == [(fault.slug, at) for fault in SOME for at in (0, 1)]
    assert all(run.fired for run in found.runs)


def test_a_missing_timeout_does_not_hide_behind_an_earlier_call_that_has_one() -> None:
    silence = tuple(fault for fault in FAULTS if fault.slug == "response-hang")
    endings = {run.spared: run.ending.kind if run.ending else None for run in observe(two_steps, silence).runs}
    assert endings == {0: None, 1: "stuck"}


def test_many_pages_from_one_line_are_one_kind_of_request_and_one_other() -> None:
    found = observe(lambda: [get(page) for page in "abcdefgh"], SOME[:1])
    assert [run.spared for run in found.runs] == [0, 1]


def test_a_second_page_fails_in_its_turn_and_stands_for_all_further_ones() -> None:
    found = observe(lambda: [get("a?page=1"), get("a?page=2"), get("a?page=3"), get("a")][0], SOME[:1])
    assert [run.spared for run in found.runs] == [0, 1]


def test_no_more_than_eight_stages_of_one_call_are_tried() -> None:
    def tool() -> Any:
        get("a")
        requests.get(f"{SHOP}/b", timeout=5)
        requests.get(f"{SHOP}/c", timeout=5)
        requests.get(f"{SHOP}/d", timeout=5)
        requests.get(f"{SHOP}/e", timeout=5)
        requests.get(f"{SHOP}/f", timeout=5)
        requests.get(f"{SHOP}/g", timeout=5)
        requests.get(f"{SHOP}/h", timeout=5)
        return requests.get(f"{SHOP}/i", timeout=5).text

    assert [run.spared for run in observe(tool, SOME[:1]).runs] == list(range(8))


def retrying() -> Any:
    while True:
        try:
            response = requests.get(f"{SHOP}/a", timeout=2)
            response.raise_for_status()
            return response.json()
        except Exception:
            time.sleep(1)


def test_once_a_line_is_known_to_run_away_its_further_runs_are_ended_sooner() -> None:
    ended = [run for run in observe(retrying, PLAIN).runs if run.ending and run.ending.kind == "runaway"]
    silent = [run.ending for run in ended if run.fault and run.fault.family == "silence" and run.ending]
    others = [run.ending for run in ended if run.fault and run.fault.family != "silence" and run.ending]
    for endings in (silent, others):  # who does not give up on a peer that fails may do so on one that is silent
        assert [ending.early for ending in endings] == [False] + [True] * (len(endings) - 1)
        assert endings[0].count == fault_matrix.ATTEMPTS + 10  # ten for each request of the normal call
    sooner = [number + 1 for number in fault_matrix.SOON]
    redirects = fault_matrix.SOON[-1] * fault_matrix.HOPS + 1  # a client follows many of them in one attempt
    assert {ending.count for ending in others[1:]} == {*sooner, redirects}


def test_a_tool_with_a_last_attempt_has_one_under_a_redirect_loop_too() -> None:
    def tool() -> Any:
        for _ in range(10):
            with contextlib.suppress(requests.RequestException):
                if (response := requests.get(f"{SHOP}/a", timeout=2)).ok:
                    return response.json()
        return "down"

    assert [run.mishap_slug for run in observe(tool, PLAIN).runs if run.ending and run.ending.kind == "runaway"] == []


def retrying_at_two_lines() -> Any:
    while True:
        try:
            response = requests.get(f"{SHOP}/a", timeout=2)  # the first
        except requests.ConnectionError:
            continue
        while response.status_code == 500:
            response = requests.get(f"{SHOP}/a", timeout=3)
        return response.text


def test_another_line_that_runs_away_is_given_as_many_attempts_as_the_first() -> None:
    endings = [run.ending for run in observe(retrying_at_two_lines, PLAIN).runs if run.ending and run.ending.kind == "runaway"]
    assert {ending.where for ending in endings if not ending.early} == {
        line_of(retrying_at_two_lines, "timeout=2)  # the first"),
        line_of(retrying_at_two_lines, "timeout=3)"),
    }
    assert all(ending.count == fault_matrix.ATTEMPTS + 10 for ending in endings if not ending.early)


def test_a_tool_that_runs_away_from_every_request_on_shows_so_once() -> None:
    def tool() -> Any:
        while True:
            try:
                return [requests.get(f"{SHOP}/{page}", timeout=2).json() for page in "ab"]
            except Exception:
                continue

    found = observe(tool, SOME).runs  # an error 500 has a body, too, and is no reason for this one to go on
    assert [run.mishap_slug for run in found] == ["refused", "refused@2", "500", "500@2", "html"]


def test_a_tool_that_stops_after_a_few_attempts_is_not_cut_short_by_one_line_that_does_not() -> None:
    def tool() -> Any:
        for _ in range(3):
            response = get_until_connected()
            if response.ok:
                break
        return response.status_code

    found = {run.mishap_slug: run for run in observe(tool, SOME).runs}
    assert found["refused"].ending is not None
    assert found["500"].ending is None
    assert len(found["500"].requests) == 3


def get_until_connected() -> Any:
    while True:
        try:
            return requests.get(f"{SHOP}/a", timeout=2)
        except requests.ConnectionError:
            continue


def test_a_healthy_number_of_requests_is_no_runaway_under_a_fault() -> None:
    def tool() -> list[int]:
        return [requests.get(f"{SHOP}/{number}", timeout=5).status_code for number in range(120)]

    found = observe(tool, tuple(fault for fault in FAULTS if fault.slug == "500"))
    assert found.runs[0].ending is None
    assert found.runs[0].answer is not None
    assert found.runs[0].answer.text == repr([500] * 120)


def test_after_a_run_that_the_wall_clock_had_to_end_no_other_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_matrix, "Limits", lambda **given: normal_call.Limits(**given, real=0.3))

    def tool() -> Any:
        try:
            return get("a")
        except requests.RequestException:
            while True:
                pass

    found = observe(tool, SOME)
    (ending,) = (run.ending for run in found.runs)
    assert ending is not None
    assert ending.kind in ("spin", "blind")  # on a busy machine a spin gets too little of the CPU to be told from a wait
    assert found.abandoned == {fault.slug: "an earlier run had to be ended by the wall clock" for fault in SOME[1:]}


def test_a_backend_that_fails_under_a_fault_alone_spoils_no_other_run() -> None:
    calls: list[int] = []

    def once(request: IncomingRequest) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise LookupError("already sold")
        return {}

    found = observe(lambda: get("a"), SOME, backend={f"GET {SHOP}/a": once})
    assert [run.fault.slug for run in found.runs if run.fault] == ["refused", "500"]
    assert "already sold" in found.gap


def test_a_tool_cannot_change_the_arguments_of_its_next_run() -> None:
    def tool(pages: list[str]) -> Any:
        return get(pages.pop())

    found = observe(tool, SOME, args={"pages": ["a"]})
    assert [run.arguments for run in found.runs] == [{"pages": ["a"]}] * 3


def test_a_client_of_the_module_is_closed_with_what_it_kept() -> None:
    with httpx.Client() as session:
        found = observe(lambda: session.get(f"{SHOP}/a").json(), PLAIN)
    assert all(run.fired for run in found.runs)


def test_what_comes_before_a_program_that_must_not_run_is_made_to_fail_all_the_same() -> None:
    def page() -> str:
        found = requests.get(f"{SHOP}/a", timeout=30)
        found.raise_for_status()
        return subprocess.run(["pandoc", "-f", "html"], input=found.text, capture_output=True, text=True, timeout=9).stdout

    found = observe(page)
    assert {run.fault.slug for run in found.runs if run.fault} >= {"refused", "response-hang", "500"}
    assert not any(run.refused for run in found.runs)
    assert found.gap == f"{len(FAULTS)} faults could not be tried: {fault_matrix.BEHIND}"
    verdicts = examine(page, {"args": {}, "backend": BACKEND})
    assert [verdicts[check].outcome.value for check in ("AR102", "AR202", "AR203")] == ["failed", "unproven", "failed"]


def test_no_fault_of_a_peer_is_tried_where_a_program_has_to_speak_first() -> None:
    def newest() -> Any:
        words = subprocess.check_output(["git", "log", "-1", "--format=%H %an"], text=True, timeout=5).split()
        return get(words[1])

    found = observe(newest, PLAIN)
    assert {run.mishap_slug for run in found.runs} == {"program-missing", "program-fails", "program-silent"}
    assert set(found.abandoned) == {fault.slug for fault in PLAIN}
    assert found.gap == f"{len(PLAIN)} faults could not be tried: {fault_matrix.WORDLESS}"


def test_a_process_that_is_refused_under_one_fault_keeps_no_other_from_being_tried() -> None:
    def fetch() -> Any:
        try:
            return get("a")
        except requests.ConnectionError:
            return subprocess.check_output(["curl", f"{SHOP}/a"])

    found = observe(fetch)
    assert found.abandoned == {}
    assert len({run.mishap_slug for run in found.runs if run.refused}) > 3
