"""The third subject: a cost breaker by itself, which admits a call of the model or refuses it, and what its owner states about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_agentready.domain.limits import Limit


@dataclass(frozen=True, slots=True)
class BreakerFacts:
    """What the marker states."""

    limits: tuple[Limit, ...] = ()
    args: Mapping[str, Any] = field(default_factory=dict)  # what it takes beside the user, the session and the cost
    user: str = ""  # the parameters that carry the ids, and the cost in dollars
    session: str = ""
    cost: str = ""
    numbered: tuple[str, ...] = ()  # those of the ids that are numbers
    settle: Callable[..., Any] | None = None  # settle(user, session, cost): what was spent in the end, of a breaker that reserves first


@dataclass(frozen=True, slots=True, eq=False)
class Breaker:
    """`check_and_increment(user_id, session_id, cost_usd)`, or whatever does the same under another name."""

    name: str  # defining module and qualified name: "shop.money.CostCircuitBreaker.check_and_increment"
    call: Callable[..., Any]
    is_async: bool
    source: str
    framework: str = "python"
    facts: BreakerFacts = field(default_factory=BreakerFacts)
    kind: Literal["breaker"] = "breaker"

    def arguments(self, user: str, session: str, dollars: float) -> dict[str, Any]:
        """Of one charge. Ids end with a number."""
        facts = self.facts
        found: dict[str, Any] = {**facts.args, facts.cost: dollars}
        for parameter, value in ((facts.user, user), (facts.session, session)):
            if parameter:
                found[parameter] = int(value.rpartition("-")[2]) if parameter in facts.numbered else value
        return found
