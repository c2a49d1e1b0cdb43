"""What calls cost, and that a model without a price is said to have none."""

from __future__ import annotations

from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import pytest

from pytest_agentready import prices
from pytest_agentready.domain import Cost, ModelAnswer, ModelCall, ModelFailure, ModelRequest, Price, Usage, read_prices
from pytest_agentready.domain.incident import priced
from pytest_agentready.prices import cost_of, price_of

PRICES = {"gpt-5.1": {"input": 1.25, "output": 10, "cached": 0.125}, "claude-sonnet-5": {"input": "2", "output": "10"}}


def called(model: str, *usage: int, provider: str = "openai") -> ModelCall:
    return ModelCall(ModelRequest(provider, "chat", model, ()), ModelAnswer("ok", usage=Usage(*usage)), 0.1, "agent.py:7")


def test_input_output_and_what_is_cached_have_prices_of_their_own() -> None:
    assert cost_of([called("gpt-5.1", 1_000_000, 100_000, 400_000)], read_prices(PRICES)) == Cost(Decimal("1.8"))


def test_what_is_cached_costs_as_much_as_input_where_nothing_else_is_said() -> None:
    assert read_prices(PRICES)["claude-sonnet-5"] == Price(Decimal(2), Decimal(10), Decimal(2))


def test_money_is_added_without_a_rounding_error() -> None:
    cost = cost_of([called("gpt-5.1", 80_000, 0)] * 10_000, read_prices(PRICES))
    assert cost == Cost(Decimal(1_000))


def test_a_model_without_a_price_is_named_and_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "find_spec", lambda name: None)
    cost = cost_of([called("gpt-5.1", 8, 0), called("my-model", 9, 9), called("my-model", 9, 9)], read_prices(PRICES))
    assert cost == Cost(Decimal("0.00001"), ("my-model",))
    assert not cost.is_known


def test_a_failure_costs_nothing() -> None:
    failed = ModelCall(ModelRequest("openai", "chat", "gpt-5.1", ()), ModelFailure("overloaded"), 0.1, "")
    assert cost_of([failed], read_prices(PRICES)) == Cost(Decimal(0))


@pytest.mark.skipif(find_spec("genai_prices") is None, reason="genai-prices is not installed")
def test_genai_prices_is_asked_where_the_user_gives_no_price() -> None:
    calls = [called("gpt-5", 1_000, 100, 400), called("claude-sonnet-4-5", 1_000, 100, provider="anthropic"), called("my-model", 1, 1)]
    assert cost_of(calls, {}) == Cost(Decimal("0.0018") + Decimal("0.0045"), ("my-model",))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (7, "prices is 7: give {"),
        ({"m": 3}, "the price of 'm' has no input and output: write"),
        ({"m": {"input": 1}}, "the price of 'm' has no input and output: write"),
        ({"m": {"input": 1, "output": 1, "caches": 1}}, "the price of 'm' has a part 'caches'. Did you mean 'cached'?"),
        ({"m": {"input": -1, "output": 1}}, "the price of 'm' has input -1: write dollars per million tokens"),
        ({"m": {"input": "free", "output": 1}}, "the price of 'm' has input 'free'"),
        ({"m": {"input": float("nan"), "output": 1}}, "the price of 'm' has input nan"),
        ({"m": {"input": True, "output": 1}}, "the price of 'm' has input True"),
        ({"m": 3, "n": 4}, "\nthe price of 'n'"),
    ],
)
def test_prices_that_cannot_be_read_are_told_all_at_once(value: Any, told: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_prices(value)
    assert told in str(caught.value)


@pytest.mark.parametrize("written", ["gpt5.1", "GPT-5.1", "openai/gpt-5.1", "gpt-5-1", "gpt-5.1-2025-11-13", "gpt-5.1-latest"])
def test_a_price_whose_model_is_written_otherwise_is_named_and_no_other_is_taken_for_it(written: str) -> None:
    given = read_prices({written: {"input": 9, "output": 9}, "gpt-5": {"input": 1, "output": 1}})
    cost = cost_of([called("gpt-5.1", 1_000, 100)], given)
    assert cost == Cost(Decimal(0), ("gpt-5.1",), (written,))
    assert price_of("openai", "gpt-5.1", given) is None
    assert priced(cost, 60) == f"; what that costs is not known: give prices= for gpt-5.1, where it has {written!r}"


@pytest.mark.skipif(find_spec("genai_prices") is None, reason="genai-prices is not installed")
def test_prices_of_other_models_do_not_hide_what_is_known_of_this_one() -> None:
    given = read_prices({"gpt-5-mini": {"input": 9, "output": 9}, "gpt-5.1": {"input": 9, "output": 9}})
    assert cost_of([called("gpt-5", 1_000, 100, 400)], given) == Cost(Decimal("0.0018"))
