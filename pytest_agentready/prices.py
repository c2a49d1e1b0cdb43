"""The cost of calls of models: by the prices that the user gives, else by genai-prices where that is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from importlib.util import find_spec

from pytest_agentready.domain import Cost, ModelCall, Price, Usage, misspelt


def cost_of(calls: Iterable[ModelCall], prices: Mapping[str, Price]) -> Cost:
    """What the answered calls cost together."""
    dollars, unpriced = Decimal(0), dict[str, str]()
    for call in calls:
        if call.usage is None:  # a failure is not charged
            continue
        price = _price(call.provider, call.model, call.usage, prices)
        if price is None:
            unpriced[call.model] = misspelt(call.model, prices)
        else:
            dollars += price
    return Cost(dollars, tuple(unpriced), tuple(filter(None, unpriced.values())))


def dollars_of(calls: Iterable[ModelCall], prices: Mapping[str, Price]) -> Decimal | None:
    """The same in dollars; None where the price of any of them is not known."""
    cost = cost_of(calls, prices)
    return cost.dollars if cost.is_known else None


def price_of(provider: str, model: str, prices: Mapping[str, Price], *, output: bool = False) -> Decimal | None:
    """Dollars of a token of input, or of output; None where nobody knows."""
    many = Usage(0, 1_000_000) if output else Usage(1_000_000, 0)
    found = _price(provider, model, many, prices)
    return None if found is None else found / 1_000_000


def _price(provider: str, model: str, usage: Usage, prices: Mapping[str, Price]) -> Decimal | None:
    """The user's own goes before; and nobody else's is taken in silence where the user has given one, and misspelt the name."""
    if model in prices:
        return prices[model].of(usage)
    return None if misspelt(model, prices) else _catalogued(provider, model, usage)


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
