"""AR205 at its edges: what is the same request, what is a pause, and what a run that was ended early proves."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import requests

from pytest_agentready.domain import Ending, FaultMatrix, Finding, NormalCall, Request, Run, Unproven
from pytest_agentready.world import FAULTS
from tests.checks.judging import findings, judgements, messages

URL = "http://api.example.com/orders"
BACKEND = {"backend": {f"GET {URL}": {"state": "shipped"}, "POST http://api.example.com/orders": {"id": 1}}}
FAULT = {fault.slug: fault for fault in FAULTS}


def asked(*moments: float, status: int = 500, url: str = URL, **headers: str) -> tuple[Request, ...]:
    given = tuple(headers.items())
    return tuple(
        Request("GET", url, given, b"", is_write=False, committed=False, status=status, routed=None, at=at, where="shop.py:7")
        for at in moments
    )


AT_ONCE = (0.0, 0.003, 0.006, 0.009)
NORMAL = NormalCall((Run({}, requests=asked(0.0, status=200), peers=("api.example.com:80",)),))


def judged(*runs: Run, normal: NormalCall = NORMAL) -> list[str]:
    return messages(judgements("AR205", normal_call=normal, fault_matrix=FaultMatrix(runs)))


def under(fault: str, *moments: float, **changes: Any) -> Run:
    run = Run({}, FAULT[fault], fired=1, requests=asked(*moments), peers=("api.example.com:80",))
    return replace(run, **changes)


@pytest.mark.parametrize(
    ("moments", "storm"),
    [
        ((0.0, 0.003), False),  # a client's own first repetition
        ((0.0, 0.003, 0.006), True),
        ((0.0, 0.003, 1.0, 1.003, 3.0, 3.003), False),  # the same within a loop that backs off
        ((0.0, 1.0, 2.0, 3.0, 4.0), False),
        ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0), True),
        ((0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 25.5), False),
        ((0.0, 0.0, 0.2, 0.6, 1.4, 3.0, 6.2), False),  # urllib3's backoff begins with none
        ((0.0, 0.01, 0.03, 0.04, 0.05, 0.28, 0.74, 1.1, 2.1, 3.1, 4.1), False),  # redis-py's, with jitter
        ((0.0, 0.005, 0.01, 0.015, 1.0, 3.0, 7.0), True),  # three repetitions at once, and then a backoff
        ((0.0, 0.003, 0.006, 0.5, 0.503, 0.506, 1.5, 1.503, 1.506), True),  # three attempts at once in each round of a backoff
        ((0.0, 0.004, 0.012, 0.028, 0.06, 0.124), True),  # growing, and over in an eighth of a second
    ],
)
def test_pauses_have_to_be_there_and_many_have_to_grow(moments: tuple[float, ...], storm: bool) -> None:
    assert bool(judged(under("500", *moments))) is storm


def test_what_the_normal_call_asks_for_too_is_no_repetition() -> None:
    thrice = NormalCall((replace(NORMAL.runs[0], requests=asked(0.0, 0.1, 0.2, status=200)),))
    assert judged(under("500", 0.0, 0.003, 0.006), under("403", 0.0, 0.003, 0.006), normal=thrice) == []


def test_a_permanent_failure_is_asked_for_once() -> None:
    assert judged(under("404", 0.0, 2.0)) == ["asks api.example.com twice for what it has refused for good (HTTP 404)"]


def test_other_credentials_make_another_request() -> None:
    requests_ = asked(0.0, authorization="Bearer a") + asked(0.01, authorization="Bearer b")
    assert judged(under("401", requests=requests_)) == []


def test_a_repetition_after_a_refresh_has_a_reason_and_a_second_has_none() -> None:
    refresh = asked(0.005, url="http://api.example.com/token")
    assert judged(under("401", requests=asked(0.0) + refresh + asked(0.01))) == []
    assert len(judged(under("401", requests=asked(0.0) + refresh + asked(0.01, 0.02)))) == 1


def test_retry_after_is_heeded_to_the_second() -> None:
    assert judged(under("429-retry-after", 0.0, 30.0, 60.0)) == []
    (message,) = judged(under("429-retry-after", 0.0, 2.0, 32.0))
    assert message == "asks api.example.com again after 2.0 s, 3 times in all, although the peer said Retry-After: 30"


def test_a_run_that_was_ended_early_proves_no_more_than_it_shows() -> None:
    early = Ending("runaway", "GET", 15, "shop.py:7", early=True)
    long = Ending("runaway", "GET", 100, "shop.py:7")
    growing = [2.0**n for n in range(12)]
    assert judged(under("500", *growing, ending=early)) == []
    (message,) = judged(under("500", *growing, ending=early), under("502", *growing, ending=long))
    assert message.endswith("after 100 attempts within 0.01 s (HTTP 500; HTTP 502)")


def test_one_line_that_asks_without_restraint_is_one_finding_whatever_it_meets() -> None:
    runs = under("500", *AT_ONCE), under("429-retry-after", *AT_ONCE), under("404", *AT_ONCE)
    (found,) = judgements("AR205", normal_call=NORMAL, fault_matrix=FaultMatrix(runs))
    assert isinstance(found, Finding)
    assert found.message == (
        "asks api.example.com 4 times within 0.01 s, without a pause (HTTP 500); "
        "asks api.example.com again after 0.01 s, 4 times in all, although the peer said Retry-After: 30; "
        "asks api.example.com 4 times for what it has refused for good (HTTP 404)"
    )
    assert list(found.evidence) == ["404", "429-retry-after", "500"]
    assert "Retry-After" in found.fix
    assert "404" in found.fix


def test_two_lines_that_do_are_two() -> None:
    elsewhere = tuple(replace(request, where="shop.py:9") for request in asked(*AT_ONCE))
    assert len(judged(under("500", *AT_ONCE), under("404", requests=elsewhere))) == 2


def test_pauses_without_end_are_no_end() -> None:
    growing = [2.0**n for n in range(12)]
    run = under("503", *growing, virtual=3600.0, ending=Ending("endless", "no end in sight", 12, "shop.py:9"))
    assert judged(run) == ["does not stop asking api.example.com: still at it after 12 attempts within 3,600 s (HTTP 503)"]


def test_following_a_redirect_to_itself_is_no_retry() -> None:
    assert judged(under("redirect-loop", *[n / 1000 for n in range(31)])) == []


def test_a_tool_that_met_silence_alone_has_shown_nothing() -> None:
    (found,) = judgements("AR205", normal_call=NORMAL, fault_matrix=FaultMatrix((under("response-hang", 0.0),)))
    assert isinstance(found, Unproven)


async def kept_connection() -> int:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
        for _ in range(2):
            async with session.get(URL) as response:
                status = response.status
        return status


def test_what_aiohttp_repeats_by_itself_is_no_storm() -> None:
    assert findings(kept_connection, "AR205", **BACKEND) == []


def jittered() -> str:
    for attempt in range(4):
        try:
            response = requests.get(URL, timeout=1)
            if response.status_code < 500:
                return response.text
        except requests.RequestException:
            pass
        time.sleep(random.uniform(0.05, 0.4) * 2**attempt)
    return "The service is down."


def test_pauses_by_chance_are_pauses() -> None:
    assert findings(jittered, "AR205", **BACKEND) == []


def connecting() -> str:
    for _ in range(5):
        try:
            return requests.post(URL, json={"at": time.time()}, timeout=1).text
        except requests.ConnectionError:
            continue
    return "The service is down."


def test_attempts_to_connect_are_counted_and_so_are_requests_with_a_body_that_changes() -> None:
    (message,) = findings(connecting, "AR205", **BACKEND)
    assert message.startswith(
        "asks api.example.com 5 times within 0.01 s, without a pause (the host's name cannot be resolved; the connection is"
    )
