"""A huge answer grows in the parts that grow in life, and only there."""

from __future__ import annotations

import json
import time
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_agentready.world import Response
from pytest_agentready.world.inflation import LONG, LONGEST, inflated, inflated_text, is_prose
from tests.world.entering import HTTP, enter

SIZE = 1 << 18


@pytest.mark.parametrize(
    "value",
    [
        {"hits": [{"id": 1}]},
        {"text": "hello"},
        {"note": "The parcel has been handed over."},
        {"state": "shipped"},
        {"total": 3},
        {},
        ["a", "b"],
        "hello",
        {"page": {"rows": [[1, 2], [3, 4]]}},
    ],
    ids=repr,
)
def test_it_is_as_large_as_it_should_be_and_no_flood(value: Any) -> None:
    assert SIZE <= len(json.dumps(inflated(value, SIZE))) < 2 * LONGEST


@pytest.mark.parametrize("value", [7, None, True, [], "42", "2026-11-24"], ids=repr)
def test_what_cannot_grow_is_said_to_be_so(value: Any) -> None:
    assert inflated(value, SIZE) is None


FEED = (
    '<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>News of the shop</title>'
    "<entry><id>urn:1</id><title>New mugs</title><summary>They are blue.</summary></entry>"
    "<entry><id>urn:2</id><title>Old lamps</title><summary>They are gone.</summary></entry></feed>"
)
PAGE = "<!DOCTYPE html><html><title>The terms of the shop</title><body><main><p>Thirty days.</p></main></body></html>"


def test_a_feed_grows_and_stays_one() -> None:
    grown = inflated_text(FEED, SIZE)
    assert grown is not None
    assert SIZE <= len(grown) < 2 * LONGEST
    entries = ElementTree.fromstring(grown).findall("{http://www.w3.org/2005/Atom}entry")
    assert len(entries) > 100
    assert {entry.findtext("{http://www.w3.org/2005/Atom}id") for entry in entries} == {"urn:1", "urn:2"}


def test_a_page_grows_where_it_says_something() -> None:
    grown = inflated_text(PAGE, SIZE)
    assert grown is not None
    assert (grown.count("<html>"), grown.count("The terms of the shop")) == (1, 1)
    assert len(grown.partition("<main>")[2].partition("</main>")[0]) >= SIZE


@pytest.mark.parametrize("text", ["<br/>", "<p></p>"])
def test_a_page_without_a_text_is_repeated_if_at_all(text: str) -> None:
    assert inflated_text(text, SIZE) is None or inflated_text(text, SIZE).startswith(f"{text}\n{text}")  # type: ignore[union-attr]


def test_every_list_and_text_grows_and_codes_stay_as_they_are() -> None:
    order = {
        "id": "ord_1",
        "state": "out for delivery",
        "placed": "2026-11-24 18:00:00",
        "link": "https://www.shop.example.com/en/mugs/large-mug.png",
        "lines": [{"sku": "MUG-1", "description": "A mug", "pieces": 2}, {"sku": "LAMP-2", "description": "", "pieces": 1}],
        "history": [{"at": 1}],
        "customer": {"name": "Ada Lovelace", "remark": "Please ring twice, the bell is broken."},
    }
    grown = inflated(order, SIZE)
    assert {key: grown[key] for key in ("id", "state", "placed", "link")} == {key: order[key] for key in ("id", "state", "placed", "link")}
    assert grown["customer"]["name"] == "Ada Lovelace"
    assert len(grown["customer"]["remark"]) >= LONG
    assert len(grown["lines"][0]["description"]) >= LONG
    assert grown["lines"][1:3] == [order["lines"][1], order["lines"][0]]  # further items are as the first ones were
    assert all(len(json.dumps(grown[name])) > SIZE // 2 for name in ("lines", "history"))


def test_the_answer_of_a_model_grows_where_it_is_read() -> None:
    grown = inflated({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Tea."}}]}, SIZE)
    assert grown["choices"][0]["message"]["role"] == "assistant"
    assert len(grown["choices"][0]["message"]["content"]) >= LONG


def test_texts_and_pages_grow_and_bare_numbers_do_not() -> None:
    assert len(inflated_text("<p>All is well</p>", SIZE) or "") >= SIZE
    assert inflated_text("42", SIZE) is None


@pytest.mark.parametrize(("content_type", "fired"), [("text/html", 1), ("text/plain", 1), ("application/x-ndjson", 1), ("image/png", 0)])
def test_what_is_text_is_made_huge(content_type: str, fired: int) -> None:
    import requests

    answer = Response(body='{"state": "fine"}\n{"state": "fine"}', content_type=content_type)
    run = enter(lambda: len(requests.get(HTTP, timeout=5).content), "huge-body", backend={f"GET {HTTP}": answer})
    assert run.fired == fired
    assert (run.value == len(answer.content)) is not bool(fired)


ENDLESS = {
    "a code": "iVBORw0KGgo" * 20_000,
    "tokens": " ".join(["eyJhbGciOiJIUzI1NiJ9" * 2_000] * 5),
    "digits": "7" * 200_000,
    "numbers and commas": "1234," * 40_000,
    "numbers and spaces": "1234 " * 40_000,
    "a table of numbers": "a 12\t\t" * 30_000,
    "empty lines": "a" + "\n" * 200_000,
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_what_is_endless_and_no_prose_is_told_from_it_at_once(text: str) -> None:
    start = time.thread_time()
    assert not is_prose("id", text)
    assert time.thread_time() - start < 1


PROSE = ("It is fine.", "on hold!\tsince: 3!", "first\n \nsecond", "one two three four five six", "\u5831" * 12)
SHORT = (
    "shipped.",
    "12 . 5",
    "3.14 15",
    "- \n -",
    "one two three four five",
    "a b c 1 d e f",
    "a b c - d e f g",
    "\u5831" * 11,
    "v1.2.3 beta",
)


@pytest.mark.parametrize(("text", "is_so"), [*((text, True) for text in PROSE), *((text, False) for text in SHORT)])
def test_prose_is_a_sentence_a_second_line_or_six_words(text: str, is_so: bool) -> None:
    assert is_prose("id", text) is is_so
