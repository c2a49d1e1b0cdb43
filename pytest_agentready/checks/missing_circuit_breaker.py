"""A service that is down is asked again by every call, and every call waits for it in vain.

The incident's tool was called 43,000 times, and each time it went out and failed. A circuit breaker counts consecutive failures; after
a few it opens, and calls are answered at once, without asking, until a probe finds the service well again. One that is there in name only
is no better: one that is never consulted, that counts within one call, that a success of another kind sets back, or that never closes.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    Finding,
    Judgement,
    NormalCall,
    OpenCircuit,
    Run,
    Severity,
    Tool,
    Trip,
    Unproven,
    listed,
    mishaps,
)

check = Check(
    id="AR209",
    title="No circuit breaker stops calling a service that is down",
    severity=Severity.MEDIUM,
    profile="strict",
    standard_where="breaker",
    about_peers=True,
    fix=(
        "Share one breaker between all calls (`breaker = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)` in the module), send the "
        "requests through it, let what `raise_for_status` and timeouts raise count as failures, and answer with an error of the class "
        "transient while it is open."
    ),
    since="0.1",
)


@check
def judge(tool: Tool, normal_call: NormalCall, open_circuit: OpenCircuit) -> Iterator[Judgement]:
    seen = open_circuit
    if why := normal_call.obstacle or seen.obstacle:
        yield Unproven(why)
        return
    if seen.stuck:
        yield _stuck(tool)
        return
    trip = next((trip for trip in seen.trips if trip.opened), None)
    if trip is None:
        complete = [trip for trip in seen.trips if trip.is_complete]
        yield _unopened(complete, seen) if complete else Unproven(_unended(seen.trips))
    elif seen.limit is not None:
        yield Unproven(
            f"where all is well it also refuses a call after {seen.limit} in a row, which is a limit of its rate and hides a breaker: "
            "raise the limit where the tool is examined"
        )
    else:
        yield from _opened(trip, seen)


def _opened(trip: Trip, seen: OpenCircuit) -> Iterator[Judgement]:
    opened = f"opened after {_failures(trip)}"
    if trip.leaks:
        yield _finding(
            f"{opened}, and still let {len(trip.leaks)} of {trip.tried} calls out to {listed(seen.service)} at once after that",
            trip,
            trip.leaks[0],
        )
    if trip.elsewhere is not None:
        yield _finding(
            f"{opened}, and for the same arguments alone: a call with others still went out to {listed(seen.service)}", trip, trip.elsewhere
        )
        return
    if trip.closed is None:
        yield Unproven(f"{opened}, and whether it closes again could not be seen: {_unended([trip])}")
    elif not trip.closed:
        yield _finding(f"{opened}, and has not closed again {_time(trip.waited)} after the service was well", trip)
    if seen.later is not None and not seen.later.opened:
        first = seen.later.failing[0]
        yield _finding(
            f"{_failures(seen.later)} have not opened it where only the last request of a call fails ({first.mishap}): "
            "what goes well before it sets the count back",
            seen.later,
        )


def _unopened(trips: list[Trip], seen: OpenCircuit) -> Finding:
    first = trips[0]
    requests = f", {first.requests} times in all" if first.requests > len(first.failing) else ""
    each = f"{_failures(first)}, and each of them reached {listed(seen.service)}{requests}"
    return _finding(f"{each} ({mishaps(trip.failing[0] for trip in trips)})", first)


def _stuck(tool: Tool) -> Judgement:
    story = "calls that failed have opened it for good: a day after the service was well it still refuses each call without asking"
    if tool.facts.breaker:
        return Finding(story, where=tool.source)
    return Unproven("since earlier calls it refuses each one without asking anybody, also a day later and with the service in health")


def _finding(message: str, trip: Trip, run: Run | None = None) -> Finding:
    shown = run or trip.failing[0]
    places = [request.where for request in shown.requests[shown.spared :]] + [attempt.where for attempt in shown.attempts]
    evidence = {"failures": len(trip.failing), "requests": trip.requests, "fault": trip.failing[0].mishap_slug}
    return Finding(message, where=next(filter(None, places), ""), evidence=evidence)


def _failures(trip: Trip) -> str:
    number = len(trip.failing)
    return f"{number} consecutive failures" if number > 1 else "one failure"


def _unended(trips: tuple[Trip, ...] | list[Trip]) -> str:
    runs = [run for trip in trips for run in trip.failing]
    ended = next((run.ending.story for run in reversed(runs) if run.ending is not None), "")
    return f"a call to a failing service does not end: {ended}" if ended else "not every call meets the fault"


def _time(seconds: float) -> str:
    return "an hour" if seconds >= 3599 else f"{seconds / 60:.0f} minutes"


@check.passes(args={"currency": "NOK"}, backend={"GET https://rates.example.com/{currency}": {"rate": 11.4}}, breaker=True)
def behind_a_breaker(currency: str, breaker: dict[str, float] = {"failures": 0, "open_until": 0.0}) -> dict[str, object]:  # noqa: B006
    import time

    import requests

    down = {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The rates are down. Try again in a minute."}
    if time.monotonic() < breaker["open_until"]:
        return down
    try:
        response = requests.get(f"https://rates.example.com/{currency}", timeout=5)
        response.raise_for_status()
    except requests.RequestException:
        breaker["failures"] += 1
        if breaker["failures"] >= 5:
            breaker["open_until"] = time.monotonic() + 60
        return down
    breaker["failures"] = 0
    return {"status": "success", "data": response.json()["rate"]}


@check.fails(args={"currency": "NOK"}, backend={"GET https://rates.example.com/{currency}": {"rate": 11.4}}, breaker=True)
def that_counts_within_the_call(currency: str) -> dict[str, object]:
    import requests

    failures = 0
    while failures < 3:
        try:
            response = requests.get(f"https://rates.example.com/{currency}", timeout=1)
            response.raise_for_status()
            return {"status": "success", "data": response.json()["rate"]}
        except requests.RequestException:
            failures += 1
    return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The rates are down."}
