"""The budget to copy: what does not fit is not begun, and everything that a provider reports is counted."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_agentready.patterns.budget import TokenBudget, TokenBudgetSpent, estimate, tokens_of


def test_a_call_that_does_not_fit_is_not_made() -> None:
    budget = TokenBudget(1_000)
    budget.consume(budget.require(600), 500)
    with pytest.raises(TokenBudgetSpent, match="500 of 1000 tokens are used, and the next call may need 501") as spent:
        budget.require(501)
    assert spent.value.reason == "This conversation has become too long for me. Please start a new one."
    assert budget.used == 500
    budget.consume(budget.require(500), 500)
    assert budget.used == 1_000


def test_what_a_call_has_used_takes_the_place_of_what_it_held() -> None:
    budget = TokenBudget(1_000)
    held = budget.require(400)
    assert budget.used == 400
    budget.consume(held, 90)
    assert budget.used == 90


def test_a_call_that_nobody_reports_stays_counted() -> None:
    budget = TokenBudget(1_000)
    budget.consume(budget.require(400), None)
    assert budget.used == 400


def test_more_than_was_held_is_counted_and_ends_the_conversation() -> None:
    budget = TokenBudget(1_000)
    budget.consume(budget.require(400), 1_200)
    assert budget.used == 1_200
    with pytest.raises(TokenBudgetSpent):
        budget.require(0)


@pytest.mark.parametrize(("estimated", "due"), [(149, False), (150, True), (600, True)])
def test_compaction_is_due_where_the_next_call_reaches_three_quarters(estimated: int, due: bool) -> None:
    budget = TokenBudget(1_000)
    budget.consume(budget.require(600), 600)
    assert budget.compaction_is_due(estimated) is due


def test_of_a_thousand_threads_those_go_on_that_fit() -> None:
    budget = TokenBudget(50_000)
    ready = threading.Barrier(1_000)
    admitted: list[int] = []

    def call() -> None:
        ready.wait()
        try:
            held = budget.require(130)
        except TokenBudgetSpent:
            return
        admitted.append(held)

    threads = [threading.Thread(target=call) for _ in range(1_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 50_000 // 130
    for held in admitted:
        budget.consume(held, 30)
    assert budget.used == 50_000 // 130 * 30


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        # chat completions: cached and reasoning tokens are within the totals
        ({"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1_000, "prompt_tokens_details": {"cached_tokens": 800}}, 1_000),
        ({"input_tokens": 900, "output_tokens": 700, "total_tokens": 1_600, "output_tokens_details": {"reasoning_tokens": 650}}, 1_600),
        # Anthropic: the cache is beside them
        (SimpleNamespace(input_tokens=10, output_tokens=100, cache_read_input_tokens=800, cache_creation_input_tokens=90), 1_000),
        (SimpleNamespace(input_tokens=10, output_tokens=100, cache_read_input_tokens=None, cache_creation_input_tokens=None), 110),
        # Gemini: thoughts are within the total alone
        (SimpleNamespace(prompt_token_count=10, candidates_token_count=5, thoughts_token_count=85, total_token_count=100), 100),
        # a gateway whose total leaves parts out
        ({"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 0}, 1_000),
        (None, None),
        ({}, None),
    ],
)
def test_usage_is_read_as_providers_report_it(usage: Any, tokens: int | None) -> None:
    assert tokens_of(usage) == tokens


@pytest.mark.parametrize(("total", "high_water"), [(0, 0.75), (-1, 0.75), (1_000, 0), (1_000, 1.5)])
def test_a_budget_that_ends_nothing_is_told(total: int, high_water: float) -> None:
    with pytest.raises(ValueError, match="ends nothing"):
        TokenBudget(total, high_water)


def test_what_is_no_number_of_tokens_is_told() -> None:
    budget = TokenBudget(1_000)
    with pytest.raises(ValueError, match="-1 tokens is no estimate"):
        budget.require(-1)
    with pytest.raises(ValueError, match="-1 tokens cannot be used"):
        budget.consume(budget.require(10), -1)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # as many as o200k_base makes of it
        ("Your order 1001 has been shipped, and will be with you within three days.", 18),
        ('{"id":"A-1001","status":"shipped","total_cents":12900,"items":[{"sku":"TEA-7","quantity":2}]}', 35),
        ("def cost(tokens: int) -> float:\n    return tokens * PRICE / 1_000_000\n", 22),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 43),
        ("您的订单已经发货。预计三天内送达。", 13),
        ("Ваш заказ отправлен и будет доставлен в течение трёх дней.", 15),
    ],
    ids=["prose", "json", "code", "hash", "chinese", "russian"],
)
def test_an_estimate_is_too_high_rather_than_too_low_and_not_by_far(text: str, tokens: int) -> None:
    assert tokens <= estimate(text) <= 2.5 * tokens


def test_an_estimate_is_of_every_character_there_is() -> None:
    assert estimate("") == 1
    assert estimate("".join(map(chr, range(0x3000)))) > 0x1000
    assert estimate("\ud800 \x00 😀") > 3
    assert estimate(json.dumps(["ü"] * 100, ensure_ascii=False)) < estimate(json.dumps(["ü"] * 100))
