"""Another call is about something else of the same kind, in words that stand nowhere else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_agentready.arguments.other_calls import another, marks, replaced

SCHEMA = {"properties": {"unit": {"enum": ["C", "F"]}, "code": {"pattern": "^[A-Z]{2}$"}}}


@pytest.mark.parametrize(
    ("value", "name", "other"),
    [
        ("ada@example.com", "to", "callerone@example.com"),
        ("ORD-17", "order", "ORD-4821"),
        ("4711", "account", "4821"),
        ("Oslo", "city", "OsloCallerone"),
        ("call Grace", "text", "call Grace callerone"),
        ("2026-01-31", "day", "2026-02-01"),
        ("2026-01-31T09:00:00Z", "at", "2026-02-01T09:00:00Z"),
        ("https://example.com/a", "url", "https://example.com/a"),
        ("notes.txt", "name", "notescallerone.txt"),
        ("Anna.docx", "name", "AnnaCallerone.docx"),
        (7, "order_id", 48213),
        (True, "force", True),
        (["Ada", {"user_id": 7}], "people", ["AdaCallerone", {"user_id": 48213}]),
        (None, "x", None),
    ],
)
def test_it_keeps_its_kind(value: Any, name: str, other: Any) -> None:
    assert another({name: value, "more": "x"}, {}, 0)[name] == other


def test_what_chooses_stays() -> None:
    assert another({"unit": "C", "code": "NO", "city": "Oslo", "limit": 5}, SCHEMA, 0) == {
        "unit": "C",
        "code": "NO",
        "city": "OsloCallerone",
        "limit": 5,
    }


def test_what_a_pattern_prescribes_is_kept() -> None:
    schema = {
        "properties": {"ref": {"pattern": "^[A-Z0-9]{6}$"}, "pay": {"pattern": "^pm_[a-z]{8}$"}, "word": {"pattern": "^(left|right)$"}}
    }
    given = {"ref": "K7XQ2M", "pay": "pm_abcdwxyz", "word": "left"}
    one, other = (another(given, schema, number) for number in (0, 1))
    assert one == {"ref": "K0BV5Q", "pay": one["pay"], "word": "left"}
    assert re.fullmatch("pm_[a-z]{8}", one["pay"])
    assert len({given["pay"], one["pay"], other["pay"]}) == 3


def test_a_code_of_few_letters_is_another_where_it_is_all_that_there_is() -> None:
    assert another({"airport": "OSL"}, {"properties": {"airport": {"pattern": "^[A-Z]{3}$"}}}, 0) != {"airport": "OSL"}


def test_where_a_small_number_is_all_that_there_is_it_is_another() -> None:
    assert [another({"page": 1}, {}, number) for number in (0, 1)] == [{"page": 2}, {"page": 3}]


def test_each_call_is_known_by_words_that_the_other_has_not() -> None:
    one, other = {"city": "OsloCallerone", "unit": "C", "id": 48213}, {"city": "OsloCallertwo", "unit": "C", "id": 73951}
    assert marks(one, other) == ("OsloCallerone", "48213")
    assert replaced({"city": "Oslo", "unit": "C", "id": 7}, one) == {"Oslo": "OsloCallerone", "7": "48213"}
