"""What tokens cost. Money is decimal, and a model without a price is said to have none: it never costs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from pytest_agentready.domain.model import Usage
from pytest_agentready.domain.wording import did_you_mean

MILLION = Decimal(1_000_000)
PARTS = ("input", "output", "cached")
VERSION = re.compile(r"[-@]?(?:\d{4}-\d\d-\d\d|\d{8}|latest)$")  # at the end of a model's name: a day, or the newest one
EXAMPLE = '{"gpt-5.1": {"input": 1.25, "output": 10, "cached": 0.125}}, in dollars per million tokens'


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens."""

    input: Decimal
    output: Decimal
    cached: Decimal  # of input that was read from the provider's cache

    def of(self, usage: Usage) -> Decimal:
        """In dollars."""
        return ((usage.prompt - usage.cached) * self.input + usage.cached * self.cached + usage.output * self.output) / MILLION


@dataclass(frozen=True, slots=True)
class Cost:
    """What calls cost together, as far as their models have a price."""

    dollars: Decimal
    unpriced: tuple[str, ...] = ()  # models whose calls are not in the sum
    meant: tuple[str, ...] = ()  # names that the user gave a price, and wrote otherwise than these models are called

    @property
    def is_known(self) -> bool:
        return not self.unpriced


def misspelt(model: str, known: Iterable[str]) -> str:
    """The name among these that is this model's, written otherwise: `gpt4o-mini` or `openai/gpt-4o-mini` for `gpt-4o-mini`; "" for none."""
    return next((name for name in known if name != model and _folded(name) == _folded(model)), "")


def _folded(model: str) -> str:
    bare = VERSION.sub("", model.lower().rpartition("/")[2])
    return re.sub(r"[^a-z0-9]", "", bare)


def read_prices(value: object) -> dict[str, Price]:
    """Prices as a user writes them. Raises ValueError with everything that is wrong with them, a line each."""
    if not isinstance(value, Mapping):
        raise ValueError(f"prices is {value!r}: give {EXAMPLE}")  # noqa: TRY004  (all problems are ValueErrors)
    found, problems = {}, []
    for model, parts in value.items():
        try:
            found[str(model)] = _price(model, parts)
        except ValueError as problem:
            problems.append(str(problem))
    if problems:
        raise ValueError("\n".join(problems))
    return found


def _price(model: object, parts: object) -> Price:
    if not isinstance(parts, Mapping) or not {"input", "output"} <= parts.keys():
        raise ValueError(f"the price of {model!r} has no input and output: write {EXAMPLE}")
    for part, amount in parts.items():
        if part not in PARTS:
            raise ValueError(f"the price of {model!r} has a part {part!r}.{did_you_mean(str(part), PARTS)} Known: {', '.join(PARTS)}.")
        if isinstance(amount, bool) or not (_decimal(amount) >= 0):
            raise ValueError(f"the price of {model!r} has {part} {amount!r}: write dollars per million tokens, such as 1.25")
    return Price(_decimal(parts["input"]), _decimal(parts["output"]), _decimal(parts.get("cached", parts["input"])))


def _decimal(amount: object) -> Decimal:
    """As it is written, not as the nearest binary fraction; what is no number compares with nothing."""
    try:
        found = Decimal(str(amount))
    except InvalidOperation:
        return Decimal(-1)
    return found if found.is_finite() else Decimal(-1)
