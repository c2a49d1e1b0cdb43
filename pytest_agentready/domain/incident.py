"""What a runaway costs, told as the article's incident would have gone on."""

from __future__ import annotations

from pytest_agentready.domain.prices import Cost

INCIDENT = 43_000  # calls of the article's incident


def priced(cost: Cost | None, count: int) -> str:
    """`: $0.04 so far; 43,000 would have cost $28`, for so many calls of a model; or which price is missing."""
    if cost is None or not count:
        return ""
    if not cost.is_known:
        meant = f", where it has {', '.join(map(repr, cost.meant))}" if cost.meant else ""
        return f"; what that costs is not known: give prices= for {', '.join(cost.unpriced)}{meant}"
    return f": ${cost.dollars:.2f} so far; {INCIDENT:,} would have cost ${cost.dollars / count * INCIDENT:,.0f}"


def in_dollars(cost: Cost | None) -> str:
    """For the evidence; "" where it is not known."""
    return str(cost.dollars) if cost is not None and cost.is_known else ""
