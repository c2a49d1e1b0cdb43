"""The rules are taken by Prometheus, fire on a bad series, and not on a good one: promtool runs them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pytest_agentready.domain import Emitted, Metric
from pytest_agentready.reports.alert_rules import Wishes, dead, render, unbounded
from tests.reports.promtool import Samples, checked, firing, needed

BUDGET = 2_000_000
WEEK = 7 * 24 * 2  # steps of half an hour
TOOLS = Metric("gen_ai.execute_tool.duration", "histogram", "s", labels={"error.type": ("ReadTimeout",), "gen_ai.tool.name": ()})
TOKENS_IN = Metric("gen_ai.client.inference.usage.input_tokens", "counter", "{token}")
TOKENS_OUT = Metric("gen_ai.client.inference.usage.output_tokens", "counter", "{token}")
TOKENS_BEFORE = Metric("gen_ai.client.token.usage", "histogram", "{token}", labels={"gen_ai.token.type": ("input", "output")})
DURATION = Metric("gen_ai.invoke_agent.duration", "histogram", "s", labels={"gen_ai.agent.name": ()})
COST = Metric("agent.session.cost", "histogram", "USD")
DETECTIONS = Metric("agent.injection.detections", "counter")
SCANS = Metric("agent.injection.scans", "counter")
OFFICIAL = Emitted((TOOLS, TOKENS_IN, TOKENS_OUT, DURATION, COST, DETECTIONS, SCANS))
OWN = Emitted(  # of prometheus_client, with names of a project's own
    (
        Metric("support_tool_calls", "counter", client="prometheus", labels={"status": ("ok", "timeout"), "tool": ()}),
        Metric("llm_tokens", "counter", client="prometheus", labels={"direction": ("input", "output", "total")}),
        Metric("support_session_seconds", "histogram", client="prometheus"),
        Metric("support_session_cost_usd", "histogram", client="prometheus"),
        Metric("prompt_injections_detected", "counter", client="prometheus"),
    )
)


def rules(emitted: Emitted, **wishes: object) -> str:
    return render(emitted, Wishes(BUDGET, **wishes), "0.1")  # type: ignore[arg-type]


@needed
@pytest.mark.parametrize(
    ("emitted", "count"),
    [
        (OFFICIAL, 15),
        (OWN, 14),
        (Emitted((TOKENS_BEFORE,)), 5),
        (Emitted((TOKENS_IN, TOKENS_OUT, TOKENS_BEFORE, DETECTIONS)), 7),
        (Emitted(), 0),
    ],
)
def test_promtool_takes_the_rules(emitted: Emitted, count: int, tmp_path: Path) -> None:
    assert f"SUCCESS: {count} rules found" in checked(rules(emitted), tmp_path)


# -- tool errors

CALLS = 'gen_ai_execute_tool_duration_seconds_count{job="support",instance="1",gen_ai_tool_name="get_order"}'
FAILURES = CALLS.replace("}", ',error_type="ReadTimeout"}')
STEPS = 20  # of a minute


@needed
@pytest.mark.parametrize(
    ("fine", "failed", "at"),
    [
        pytest.param([10 * step for step in range(STEPS)], [2 * step for step in range(STEPS)], [6, 12], id="a sixth of the calls fails"),
        pytest.param([10 * step for step in range(STEPS)], [None] * 10 + [50] * 10, [11], id="the first failures come all at once"),
        pytest.param(list(range(STEPS)), [0] * 10 + [3] * 10, [11, 12], id="three failures beside a few calls"),
    ],
)
def test_failing_tools_are_told(fine: Samples, failed: Samples, at: list[int], tmp_path: Path) -> None:
    assert firing(rules(OFFICIAL), tmp_path, {CALLS: fine, FAILURES: failed}, 1, at, "AgentToolErrors") == at


@needed
@pytest.mark.parametrize(
    ("fine", "failed"),
    [
        pytest.param([100 * step for step in range(STEPS)], [3 * step for step in range(STEPS)], id="three in a hundred"),
        pytest.param(list(range(STEPS)), [0] * 10 + [2] * 10, id="two failures beside a few calls"),
        pytest.param([None] * 8 + [1_000 + 10 * step for step in range(12)], [None] * 8 + [90] * 12, id="nothing was scraped for a while"),
        pytest.param([10 * step for step in range(STEPS)], [50] * STEPS, id="failures of long ago"),
    ],
)
def test_a_few_failures_are_not(fine: Samples, failed: Samples, tmp_path: Path) -> None:
    assert firing(rules(OFFICIAL), tmp_path, {CALLS: fine, FAILURES: failed}, 1, range(1, STEPS), "AgentToolErrors") == []


@needed
def test_failures_are_told_by_a_status_of_the_projects_own(tmp_path: Path) -> None:
    def series(status: str) -> str:
        return f'support_tool_calls_total{{job="support",instance="1",tool="get_order",status="{status}"}}'

    good = [10 * step for step in range(STEPS)]
    assert firing(rules(OWN), tmp_path, {series("ok"): good, series("timeout"): good}, 1, [8], "AgentToolErrors") == [8]
    assert firing(rules(OWN), tmp_path, {series("ok"): good, series("success"): good}, 1, [8], "AgentToolErrors") == [8]  # not seen before
    assert firing(rules(OWN), tmp_path, {series("ok"): good}, 1, [8], "AgentToolErrors") == []


# -- tokens


def burning(a_minute: float, steps: int = 24, minutes: int = 5) -> list[float | None]:
    return [a_minute * minutes * step for step in range(steps)]


IN = 'gen_ai_client_inference_usage_input_tokens_total{job="support",instance="1"}'
OUT = 'gen_ai_client_inference_usage_output_tokens_total{job="support",instance="1"}'
BEFORE = 'gen_ai_client_token_usage_sum{job="support",instance="1",gen_ai_token_type="input"}'
BOTH = Emitted((TOKENS_IN, TOKENS_OUT, TOKENS_BEFORE))


@needed
def test_a_pace_that_will_use_up_the_budget_by_noon_is_told(tmp_path: Path) -> None:
    """It is 125,000 in an hour; neither the tokens in nor those out reach it alone."""
    series = {IN: burning(1_500), OUT: burning(1_000)}
    assert firing(rules(OFFICIAL), tmp_path, series, 5, [14, 20], "AgentTokenBurn") == [14, 20]
    assert firing(rules(OFFICIAL), tmp_path, {IN: burning(1_500), OUT: burning(500)}, 5, range(1, 24), "AgentTokenBurn") == []


@needed
def test_a_pace_that_has_ended_is_not(tmp_path: Path) -> None:
    series = {IN: [*burning(1_500, 18), *[1_500.0 * 5 * 17] * 6], OUT: [*burning(1_000, 18), *[1_000.0 * 5 * 17] * 6]}
    assert firing(rules(OFFICIAL), tmp_path, series, 5, [16, 20], "AgentTokenBurn") == [16]


@needed
def test_both_generations_count_once(tmp_path: Path) -> None:
    assert firing(rules(BOTH), tmp_path, {BEFORE: burning(2_500)}, 5, [14], "AgentTokenBurn") == [14]
    twice = {IN: burning(1_000), OUT: burning(500), BEFORE: burning(1_500)}
    assert firing(rules(BOTH), tmp_path, twice, 5, range(1, 24), "AgentTokenBurn") == []


@needed
def test_a_total_beside_its_parts_counts_once(tmp_path: Path) -> None:
    paces = {"input": 1_000, "output": 500, "total": 1_500}
    series = {f'llm_tokens_total{{job="support",instance="1",direction="{way}"}}': burning(pace) for way, pace in paces.items()}
    assert firing(rules(OWN), tmp_path, series, 5, range(1, 24), "AgentTokenBurn") == []


@needed
@pytest.mark.parametrize(("spent", "noon", "at"), [(1_600_000, 12, 144), (1_600_000, 17, 204), (1_400_000, 12, None)])
def test_what_is_gone_by_noon_is_told_at_noon_alone(spent: int, noon: int, at: int | None, tmp_path: Path) -> None:
    begin = (noon - 12) * 12  # midnight there, in steps of five minutes
    day = [min(max(step - begin, 0), 60) * spent / 60 for step in range(begin + 200)]  # within five hours
    series = {IN: day, OUT: [0.0] * len(day)}
    steps = [begin + hour * 12 for hour in range(1, 16)]
    fires = firing(rules(OFFICIAL, noon=noon), tmp_path, series, 5, steps, "AgentTokenBudgetByNoon")
    assert fires == ([] if at is None else [at])


# -- tails


def histogram(name: str, labels: str, bounds: dict[str, float], late: dict[str, float], sessions: float) -> dict[str, Samples]:
    """A week of sessions, of which these shares stay below each bound; in its last three hours, those."""
    turn, series = WEEK - 6, {}
    for bound, share in {**bounds, "+Inf": 1.0}.items():
        last = {**late, "+Inf": 1.0}[bound]
        series[f'{name}_bucket{{{labels},le="{bound}"}}'] = [
            round(sessions * (share * min(step, turn) + last * max(step - turn, 0)), 3) for step in range(WEEK + 1)
        ]
    return {**series, f"{name}_count{{{labels}}}": [round(sessions * step, 3) for step in range(WEEK + 1)]}


AGENT = 'job="support",instance="1",gen_ai_agent_name="support"'
USUAL = {"1.6": 0.3, "3.2": 0.55, "6.4": 0.8, "12.8": 0.95, "25.6": 0.995, "204.8": 1.0}  # P99 is seven times P50, day by day
STUCK = {**USUAL, "12.8": 0.9, "25.6": 0.93}
DOLLARS = {"0.01": 0.5, "0.05": 0.93, "0.1": 0.99, "1": 1.0}
DEAR = {**DOLLARS, "0.05": 0.8, "0.1": 0.82}


@needed
@pytest.mark.parametrize(
    ("emitted", "name", "labels", "alert", "usual", "bad"),
    [
        (OFFICIAL, "gen_ai_invoke_agent_duration_seconds", AGENT, "AgentSessionDurationTail", USUAL, STUCK),
        (OFFICIAL, "agent_session_cost_USD", 'job="support",instance="1"', "AgentSessionCostTail", DOLLARS, DEAR),
        (OWN, "support_session_seconds", 'job="support",instance="1"', "AgentSessionDurationTail", USUAL, STUCK),
        (OWN, "support_session_cost_usd", 'job="support",instance="1"', "AgentSessionCostTail", DOLLARS, DEAR),
    ],
)
def test_a_tail_is_told_that_is_longer_than_ever(
    emitted: Emitted, name: str, labels: str, alert: str, usual: dict[str, float], bad: dict[str, float], tmp_path: Path
) -> None:
    def fires(late: dict[str, float], sessions: float = 120) -> list[int]:
        return firing(rules(emitted), tmp_path, histogram(name, labels, usual, late, sessions), 30, [WEEK], alert)

    assert fires(bad) == [WEEK]
    assert fires(usual) == []
    assert fires(bad, sessions=3) == []  # 36 in six hours


# -- injections


def counted(steps: list[float | None]) -> list[float | None]:
    """What a counter shows that grows by this in each step; None: it is not there yet."""
    total, shown = 0.0, []
    for step in steps:
        total += step or 0
        shown.append(None if step is None else total)
    return shown


FOUND = 'agent_injection_detections_total{job="support",instance="1"}'
SCANNED = 'agent_injection_scans_total{job="support",instance="1"}'
DAY = 24 * 12


@needed
@pytest.mark.parametrize(
    ("emitted", "beside"), [(OFFICIAL, SCANNED), (Emitted((TOOLS, DETECTIONS)), CALLS)], ids=["with a count of scans", "without"]
)
def test_a_burst_of_injections_is_told_and_chance_is_not(emitted: Emitted, beside: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    usual: list[float | None] = [float(chance.random() < 0.3) for _ in range(DAY)]
    other: list[float | None] = [20.0] * (DAY + 4)

    def fires(found: list[float | None], steps: range) -> bool:
        return bool(firing(rules(emitted), tmp_path, {FOUND: counted(found), beside: counted(other)}, 5, steps, "AgentInjections"))

    assert fires([*usual, 8, 8, 0, 0], range(DAY, DAY + 4))
    assert fires([*[None] * DAY, 6, 0, 0, 0], range(DAY, DAY + 4))  # the first ones ever
    assert not fires([*[None] * DAY, 2, 0, 0, 0], range(DAY, DAY + 4))
    assert not fires([*usual, 1, 0, 1, 0], range(DAY, DAY + 4))


# -- what there is no rule for


def test_a_dead_alert_is_named_with_what_would_bring_it_to_life() -> None:
    emitted = Emitted((TOOLS, Metric("llm.cost.usd", "counter")), frozenset({"token-burn"}))
    text = " ".join(line.strip().lstrip("# ") for line in rules(emitted).splitlines())
    assert list(dead(emitted)) == ["token-burn", "duration-tail", "injections", "cost-tail"]
    assert (
        "DEAD: token burn rate. There is no rule, for it would never fire: no metric counts the tokens. Its signal stands in the spans"
        in text
    )
    assert "`llm.cost.usd` has the cost of a part, and not of a session" in text
    assert "agent:tokens" not in text


def test_a_label_without_bounds_is_named() -> None:
    emitted = Emitted((Metric("agent.session.cost", "histogram", "USD", labels={"session.id": (), "model": ()}),))
    assert unbounded(emitted) == {"agent_session_cost_USD": "session.id"}


def test_the_same_metrics_give_the_same_text() -> None:
    assert rules(Emitted(tuple(reversed(OFFICIAL.metrics))) | Emitted()) == rules(OFFICIAL | Emitted())
