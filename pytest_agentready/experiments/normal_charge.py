"""A breaker in good health: the first small charge of a new user, which has to be admitted."""

from __future__ import annotations

from decimal import Decimal

from pytest_agentready.domain import STORE, Breaker, Charge, NormalCharge, listed
from pytest_agentready.experiments.charging import Till, at_the_till, forgetful, somebody
from pytest_agentready.experiments.spending import NO_LIMITS

SMALL = Decimal("0.01")  # of the smallest limit


def run(breaker: Breaker) -> NormalCharge:
    if not breaker.facts.limits:
        return NormalCharge(obstacle=NO_LIMITS)
    dollars = min(limit.dollars for limit in breaker.facts.limits) * SMALL

    def visit(till: Till) -> Charge:
        return till.charge(somebody(), somebody("session"), dollars)

    charge = at_the_till(breaker, visit)
    return NormalCharge(charge, _obstacle(charge, forgetful(breaker, charge)))


def _obstacle(charge: Charge, hosts: tuple[str, ...]) -> str:
    if charge.admitted:
        return ""
    if charge.run.ending is not None:
        return f"the first charge of a new user does not end: {charge.run.ending.story}"
    if hosts:
        return f"the first charge of a new user is refused: {STORE.format(listed(hosts))}"
    if charge.raised is None:
        return f"it refuses the first charge of a new user, ${charge.asked}, although nothing was spent"
    said = f": {charge.raised.message}" if charge.raised.message else ""
    where = f" ({charge.raised.where})" if charge.raised.where else ""
    return f"the first charge of a new user, ${charge.asked}, raises {charge.raised.kind}{said}{where}: give args= and limits= that suit it"
