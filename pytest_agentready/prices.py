"""The cost of calls of models: by the prices that the user gives, else by genai-prices where that is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from importlib.util import find_spec

from pytest_agentready.domain import Cost, ModelCall, Price, Usage


def cost_of(calls: Iterable[ModelCall], prices: Mapping[str, Price]) -> Cost:
    """What the answered calls cost together."""
    dollars, unpriced = Decimal(0), dict[str, None]()
    for call in calls:
        if call.usage is None:  # a failure is not charged
            continue
        own = prices.get(call.model)
        price = own.of(call.usage) if own is not None else _catalogued(call.provider, call.model, call.usage)
        if price is None:
            unpriced[call.model] = None
        else:
            dollars += price
    return Cost(dollars, tuple(unpriced))


def _catalogued(provider: str, model: str, usage: Usage) -> Decimal | None:
    """The price in genai-prices, which knows of tiers and caches, and asks nobody; None where it has none, or is not there."""
    if find_spec("genai_prices") is None:
        return None
    import genai_prices

    used = genai_prices.Usage(input_tokens=usage.prompt, output_tokens=usage.output, cache_read_tokens=usage.cached)
    try:
        return Decimal(genai_prices.calc_price(used, model_ref=model, provider_id=provider).total_price)
    except LookupError:
        return None
