"""A backend whose answers tell what was asked, and peers that answer the last question first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import pytest
import requests

from pytest_agentready.world import Backend, BackendFailed, IncomingRequest, Response, observe
from pytest_agentready.world.lateness import LastComesFirst
from pytest_agentready.world.leftovers import collected
from pytest_agentready.world.telling import Telling

ONE, OTHER = (IncomingRequest("GET", f"https://api.example.com/orders/{number}", {}, b"") for number in (1, 2))


def told(answer: Any, request: IncomingRequest) -> Any:
    response = Telling(Backend.parse({"GET https://api.example.com/orders/{id}": answer})).answer(request)
    assert response is not None
    return response.content.decode()


@pytest.mark.parametrize(
    "answer",
    [{"status": "shipped"}, {"id": "r-1", "count": 3}, {"count": 3}, [{"state": "open"}], Response(body="It is on its way.")],
)
def test_the_same_request_is_answered_the_same_and_another_one_otherwise(answer: Any) -> None:
    assert told(answer, ONE) == told(answer, ONE) != told(answer, OTHER)


def test_a_mark_stands_behind_words_and_spoils_no_id_date_or_address_beside_them() -> None:
    kept = {"id": "r-1", "at": "2026-01-15", "url": "https://example.com/a", "mail": "ada@example.com", "count": 3}
    found = told({**kept, "status": "shipped"}, ONE)
    assert found.startswith('{"id": "r-1", "at": "2026-01-15", "url": "https://example.com/a", "mail": "ada@example.com", "count": 3,')
    assert '"status": "shipped (' in found


def test_what_is_not_answered_stays_unanswered() -> None:
    assert Telling(Backend.parse({})).answer(ONE) is None


def test_a_backend_of_several_is_asked_as_a_whole() -> None:
    inner = Backend.parse(lambda request: {"asked": request.path})
    assert b"/orders/1" in (Telling(inner).answer(ONE) or Response()).content


def test_of_three_that_are_asked_at_once_the_last_answers_first_whoever_sends_them_first() -> None:
    def in_the_order_of_their_coming(numbers: list[str]) -> list[str]:
        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(requests.get, f"https://api.example.com/orders/{number}", timeout=5) for number in numbers]
            return [one.result().url.rpartition("/")[2] for one in as_completed(asked)]

    late = LastComesFirst("last-comes-first", "the last comes first", "content", failure=False, words=(("A-1",), ("A-11",), ("A-12",)))
    for numbers in (["A-1", "A-11", "A-12"], ["A-12", "A-1", "A-11"]):
        with collected(in_the_order_of_their_coming):
            run = observe(in_the_order_of_their_coming, {"numbers": numbers}, fault=late)
        assert run.value == ["A-12", "A-11", "A-1"]
        assert 0.3 <= run.virtual < 0.4


def test_an_answer_that_comes_too_late_is_not_sent_and_one_that_cannot_be_given_is_the_backends_failure() -> None:
    late = LastComesFirst("last-comes-first", "the last comes first", "content", failure=False, words=(("A-1",),))
    run = observe(lambda: requests.get("https://api.example.com/orders/A-1", timeout=0.1), {}, fault=late)
    assert run.raised is not None
    assert run.raised.kind == "requests.exceptions.ReadTimeout"
    with pytest.raises(BackendFailed, match="ZeroDivisionError"):
        observe(
            lambda: requests.get("https://api.example.com/orders/A-1", timeout=5),
            {},
            fault=late,
            backend=Backend.parse({"GET https://api.example.com/orders/{id}": lambda request: 1 / 0}),
        )
