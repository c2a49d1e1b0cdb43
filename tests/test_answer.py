"""How a tool's result reads: what it claims of itself, and by which signs a model could tell that the call failed."""

from __future__ import annotations

import enum
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import pydantic
import pytest

from pytest_agentready.domain import Answer, read_answer
from pytest_agentready.patterns.results import ToolResult


class Status(enum.Enum):
    OK = "success"
    BAD = "error"


class Kind(str, enum.Enum):
    RATE_LIMIT = "RATE_LIMIT"


class Model(pydantic.BaseModel):
    status: str
    error_type: Kind | None = None
    retry_safe: bool | None = None
    message: str = ""


@dataclass
class Data:
    status: Status
    error_type: str | None = None
    retry_safe: object = None
    message: str | None = None


Tuple = namedtuple("Tuple", ["status", "message"])


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"status": "success"}, "success"),
        ({"status": "ok", "data": [1]}, "success"),
        ({"status": "Error", "message": "no"}, "error"),
        ({"status": "failed"}, "error"),
        ({"status": Status.BAD}, "error"),
        (Model(status="success"), "success"),
        (Model(status="error"), "error"),
        (Data(Status.OK), "success"),
        (Data(Status.BAD), "error"),
        (Tuple("error", "no"), "error"),
        (ToolResult.success("shipped"), "success"),
        (ToolResult.transient("later"), "error"),
    ],
    ids=repr,
)
def test_an_object_or_mapping_with_a_status_is_typed(value: Any, status: str) -> None:
    answer = read_answer(value)
    assert (answer.typed, answer.status, answer.is_error) == (True, status, status == "error")


@pytest.mark.parametrize(
    "value",
    [{"status": "shipped"}, {"status": 200}, {"state": "success"}, '{"status": "success"}', "success", None, 7, ["success"], b"ok"],
    ids=repr,
)
def test_everything_else_is_untyped(value: Any) -> None:
    assert not read_answer(value).typed


@pytest.mark.parametrize(
    ("value", "error_type", "retry_safe", "message"),
    [
        (
            {"status": "error", "error_type": "Transient", "retry_safe": True, "message": "later"},
            "transient",
            True,
            "later",
        ),
        (Model(status="error", error_type=Kind.RATE_LIMIT, retry_safe=False), "rate_limit", False, ""),
        (Data(Status.BAD, error_type="permanent", retry_safe="no"), "permanent", None, ""),
        ({"status": "error", "retry_safe": 1}, None, None, ""),
        (ToolResult.rate_limited("wait"), "rate_limit", True, "wait"),
        (ToolResult.permanent("no"), "permanent", False, "no"),
    ],
    ids=repr,
)
def test_an_error_is_read_with_its_class(value: Any, error_type: str | None, retry_safe: bool | None, message: str) -> None:
    answer = read_answer(value)
    assert (answer.error_type, answer.retry_safe, answer.message) == (error_type, retry_safe, message)


@pytest.mark.parametrize(
    ("value", "claim"),
    [
        (False, "error"),
        (ValueError("no"), "error"),
        ((False, "no such order"), "error"),
        ({"ok": False}, "error"),
        ({"ok": True, "data": []}, "success"),
        ({"success": True}, "success"),
        ({"is_error": True}, "error"),
        ({"isError": False}, None),
        ({"error": "boom"}, "error"),
        ({"error": None, "hits": [1]}, None),
        ({"error": "", "hits": [1]}, None),
        ({"errors": [], "hits": [1]}, None),
        ({"error_code": 17}, "error"),
        ({"status_code": 503}, "error"),
        ({"status_code": 200}, None),
        ({"code": "404"}, "error"),
        ({"returncode": 1, "stdout": ""}, "error"),
        ({"exit_code": 0, "stdout": ""}, None),
        ({"code": 4040}, None),
        ({"status": "failing"}, None),
        ('{"error": "boom"}', "error"),
        ('{"ok": true}', "success"),
        ("{not json}", None),
        (True, None),
        ((True, "fine"), None),
        ([], None),
        (None, None),
    ],
    ids=repr,
)
def test_a_plain_value_claims_what_its_usual_fields_say(value: Any, claim: str | None) -> None:
    answer = read_answer(value)
    assert (answer.typed, answer.status) == (False, claim)


@pytest.mark.parametrize("value", [None, "", "  ", [], {}, (), set(), b"", "[]", "{}"], ids=repr)
def test_an_answer_without_content_is_empty(value: Any) -> None:
    assert read_answer(value).empty


@pytest.mark.parametrize("value", [0, False, "0", "none", [None], {"a": None}], ids=repr)
def test_an_answer_with_content_is_not_empty(value: Any) -> None:
    assert not read_answer(value).empty


@pytest.mark.parametrize(
    "text",
    [
        "Error: the order service is down",
        "Request failed",
        "The request timed out",
        "connection timeout",
        "Could not reach the shop",
        "Couldn't reach the shop",
        "I was unable to look it up",
        "ReadTimeout",
        "quote service: ConnectionError",
        "HTTP 503",
        "Status code: 500",
        "503 Server Error",
        "Please try again later",
        "Something went wrong",
        "Sorry, that did not work",
        "rate limit exceeded",
        "Too many requests",
        "Access denied",
        "Unauthorized",
        "Bad Gateway",
        "SSL certificate problem",
    ],
)
def test_a_text_that_says_so_reads_as_a_failure(text: str) -> None:
    assert read_answer(text).reads_as_failure(read_answer("Order 7 is shipped"))


@pytest.mark.parametrize(
    "text", ["Order not found", "No matching orders found", "There are no results", "not_found", "Order 7 does not exist"]
)
def test_words_of_absence_tell_of_a_404_and_of_nothing_else(text: str) -> None:
    answer = read_answer(text)
    normal = read_answer("Order 7 is shipped")
    assert answer.reads_as_failure(normal, {404})
    assert not answer.reads_as_failure(normal, {500})
    assert not answer.reads_as_failure(normal)


@pytest.mark.parametrize("text", ["No results were found. Please try again later.", "Sorry, no matching orders found"])
def test_polite_words_make_no_failure_of_an_absence(text: str) -> None:
    normal = read_answer("Order 7 is shipped")
    assert not read_answer(text).reads_as_failure(normal, {500})
    assert read_answer(f"{text} The search failed.").reads_as_failure(normal, {500})


def test_the_status_that_the_peer_sent_tells_of_a_failure_where_the_normal_answer_has_no_such_number() -> None:
    assert read_answer("API returned 429").reads_as_failure(read_answer("7 hits"), {429})
    assert not read_answer("API returned 429").reads_as_failure(read_answer("7 hits"), {500})
    assert not read_answer("429 hits").reads_as_failure(read_answer("429 hits"), {429})
    assert not read_answer("200 hits").reads_as_failure(read_answer("7 hits"), {200})


def test_a_success_whose_message_tells_of_a_failure_tells_of_it() -> None:
    partial = read_answer({"status": "success", "data": [1], "message": "Page 2 could not be read."})
    assert partial.reads_as_failure(read_answer({"status": "success", "data": [1, 2], "message": ""}))
    assert not read_answer({"status": "success", "data": [1]}).reads_as_failure(read_answer({"status": "success", "data": [1, 2]}))


def test_who_claims_a_success_tells_of_a_failure_beside_the_data_and_not_within_it() -> None:
    normal = read_answer({"success": True, "rows": [1]})
    assert not read_answer({"success": True, "rows": [{"error": "Connection timeout"}]}).reads_as_failure(normal)
    assert read_answer({"success": True, "rows": [], "warnings": ["page 2 could not be read"]}).reads_as_failure(normal)
    assert read_answer('{"ok": true, "rows": [], "note": "the archive is unavailable"}').reads_as_failure(normal)


@pytest.mark.parametrize(
    "text", ["Order 7 is shipped", "pending", "unknown", "", "[]", "terrorist watchlist: clean", "room 503", "The orderly queue"]
)
def test_a_text_that_does_not_say_so_reads_as_an_answer(text: str) -> None:
    assert not read_answer(text).reads_as_failure(read_answer("Order 7 is delivered"))


def test_a_word_that_the_normal_answer_has_too_says_nothing() -> None:
    normal = read_answer("Report of failed logins: 3")
    assert not read_answer("Report of failed logins: 0").reads_as_failure(normal)
    assert read_answer("Report of failed logins: the service is unavailable").reads_as_failure(normal)


def test_without_a_normal_answer_every_sign_counts() -> None:
    assert read_answer("failed").reads_as_failure(None)


def test_a_claim_outweighs_the_words() -> None:
    assert not read_answer({"status": "success", "text": "request failed"}).reads_as_failure(None)
    assert read_answer({"status": "error", "text": "all is well"}).reads_as_failure(None)


def test_an_error_without_a_message_still_reads_as_a_failure() -> None:
    assert read_answer({"ok": False}).reads_as_failure(read_answer({"ok": True}))


def test_only_the_beginning_of_a_very_long_text_is_read() -> None:
    assert read_answer("x" * 200_000 + " error").signs == frozenset()


class Hostile:
    """Whatever is asked of it raises."""

    @property
    def status(self) -> str:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Truthless(list[int]):
    def __bool__(self) -> bool:
        raise RuntimeError("no")


@pytest.mark.parametrize("value", [Hostile(), Odd(), Truthless(), {"status": Hostile()}], ids=lambda value: type(value).__name__)
def test_reading_never_raises(value: Any) -> None:
    answer = read_answer(value)
    assert isinstance(answer, Answer)
    assert not answer.typed


def test_a_method_is_no_field() -> None:
    class Response:
        def error(self) -> str:
            return "boom"

    assert read_answer(Response()).status is None


@pytest.mark.parametrize(
    "text", ["[ERROR] Failed to update: a field is missing", "[error] no such order", "Error: the order service is down"]
)
def test_a_text_that_is_nothing_but_a_report_of_a_failure_is_one_by_itself(text: str) -> None:
    assert read_answer(text).tells_of_failure
    assert not read_answer(f"Order 7 is shipped. {text}").tells_of_failure
