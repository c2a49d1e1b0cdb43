"""Rules for Prometheus: five alerts over the metrics that a project really emits, as YAML with the reasons beside them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_agentready.domain import Emitted, words_in
from pytest_agentready.telemetry import prometheus
from pytest_agentready.telemetry.alerts import sources
from pytest_agentready.telemetry.sources import (
    REMEDIES,
    TITLES,
    Gap,
    Injections,
    Matcher,
    Selected,
    Slug,
    Source,
    Tail,
    TokenBurn,
    ToolErrors,
)

WIDTH = 100
NOON_SHARE = 0.75  # of the day's budget that may be gone by noon
FEW_FAILURES = 3  # of one tool in five minutes: fewer are no rate
FEW_SESSIONS = 100  # in the window: of fewer there is no 99th percentile
BASELINE = "7d"
IDS = frozenset({"session", "user", "conversation", "thread", "customer", "request", "trace", "span", "call", "message"})
FROM_SPANS = (
    "Its signal stands in the spans: let a collector make a metric of them (its connectors spanmetrics and signaltometrics do), "
    "and write the rule over that. Or emit"
)

OF_TOOLS = (
    f"More than 5 % of the calls of one tool fail in five minutes, and at least {FEW_FAILURES} do. A series that begins with its first "
    "failure has no earlier sample, and `increase` takes it for none: where the tool was called before, such a series counts whole."
)
OF_TOKENS = (
    "75 % of the day's budget are gone by noon, or would be in twelve hours at the pace of the last one, which still holds. The day begins "
    "at midnight where noon is; the budget is that of one `job`."
)
OF_SEVERAL = " Each metric is summed before another one is added or asked instead: `rate(a) or rate(b)` would lose b."
OF_TAILS = (
    "{share} is compared with its own median of 7 days, and not with {factor} times P50: the sessions of an agent are so uneven that this "
    "ratio is exceeded on a good day, too, and buckets that double in width show a ratio of 1.6 as one of 2.4. Native histograms measure "
    f"it: {{literal}}. Nothing is said about fewer than {FEW_SESSIONS} sessions in the window."
)
OF_INJECTIONS = (
    f"A rise of more than three standard deviations above the mean of 7 days, and at least {FEW_FAILURES} detections. Before the first "
    "detection there is no series: zeros stand in for it, else the first burst would be compared with itself alone."
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What cannot be known from what is emitted."""

    budget: int  # tokens of one day, for each `job`
    noon: int = 12  # the hour of noon, in UTC
    window: str = "6h"  # in which there are enough sessions for a percentile


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule; `record` names a series of its own, and `alert` is what somebody is told."""

    expr: str
    record: str = ""
    alert: str = ""
    severity: str = ""
    summary: str = ""
    lasting: str = ""  # so long, before anybody is told


def render(emitted: Emitted, wishes: Wishes, version: str) -> str:
    """The same metrics and wishes give the same text."""
    found = sources(emitted, failed=False)
    lines = [
        *_comment(f"Written by pytest-agentready {version}, over the metrics that the last run of pytest has seen emitted."),
        "groups:",
    ]
    lines += ["  - name: agentready", "    rules:"] if any(not isinstance(one, Gap) for one in found.values()) else ["  []"]
    presence = _presence(found)
    for slug, source in found.items():
        lines += ["", *_comment(_heading(slug, source, slug in emitted.spans), "      ")]
        for rule in _rules(slug, source, wishes, presence):
            lines += _written(rule)
    return "\n".join([*lines, ""])


def dead(emitted: Emitted) -> dict[Slug, str]:
    """The alerts of which there is no rule, each with the reason."""
    return {slug: one.reason for slug, one in sources(emitted, failed=False).items() if isinstance(one, Gap)}


def unbounded(emitted: Emitted) -> dict[str, str]:
    """The metrics with a label that has a value for each session or user, and that label: each value is a series that is kept."""
    found: dict[str, str] = {}
    for metric in emitted.metrics:
        for label in metric.labels:
            if "id" in words_in(label) and not IDS.isdisjoint(words_in(label)):
                found.setdefault(prometheus.series(metric), label)
    return found


# -- the five


def _rules(slug: Slug, source: Source | Gap, wishes: Wishes, presence: str) -> Iterable[_Rule]:
    match source:
        case ToolErrors():
            return _of_tools(source)
        case TokenBurn():
            return _of_tokens(source, wishes)
        case Tail() if slug == "duration-tail":
            return _of_tail(source, wishes, "duration", "0.99", 2, "P99 of the duration of a session")
        case Tail():
            return _of_tail(source, wishes, "cost", "0.95", 3, "P95 of the cost of a session")
        case Injections():
            return _of_injections(source, presence)
    return ()


def _of_tools(source: ToolErrors) -> Iterator[_Rule]:
    tool = prometheus.label(source.tool)
    by, there = f"job, {tool}", f"job, instance, {tool}"
    calls, failures = _count(source.calls), _count(source.failures)
    yield _Rule(f"sum by ({by}) (\n{_grown(failures, calls, '5m', there)}\n)", record="agent:tool_failures:increase5m")
    yield _Rule(f"sum by ({by}) (\n{_grown(calls, calls, '5m', there)}\n)", record="agent:tool_calls:increase5m")
    yield _Rule(
        f"agent:tool_failures:increase5m / agent:tool_calls:increase5m > 0.05\nand\nagent:tool_failures:increase5m >= {FEW_FAILURES}",
        alert="AgentToolErrors",
        severity="critical",
        summary=f"{{{{ $value | humanizePercentage }}}} of the calls of {{{{ $labels.{tool} }}}} fail",
    )


def _of_tokens(source: TokenBurn, wishes: Wishes) -> Iterator[_Rule]:
    pace = _number(wishes.budget * NOON_SHARE / 12)
    for window in ("5m", "1h", "12h"):
        yield _Rule(_tokens(source, window), record=f"agent:tokens:increase{window}")
    yield _Rule(
        f"agent:tokens:increase1h > {pace}\nand\nagent:tokens:increase5m * 12 > {pace}",
        alert="AgentTokenBurn",
        severity="critical",
        summary=f"{{{{ $value | humanize }}}} tokens in an hour: twelve such hours are more than 75 % of the {wishes.budget:,} of a day",
    )
    yield _Rule(
        f"agent:tokens:increase12h > {_number(wishes.budget * NOON_SHARE)}\nand on ()\n(hour() == {wishes.noon})",
        alert="AgentTokenBudgetByNoon",
        severity="critical",
        summary=f"{{{{ $value | humanize }}}} tokens by noon, of {wishes.budget:,} for the day",
    )


def _tokens(source: TokenBurn, window: str) -> str:
    sums = [" + ".join(f"sum by (job) (increase({_sum(one)}[{window}]))" for one in several) for several in source.sums]
    return "\nor\n".join(f"({each})" if len(sums) > 1 else each for each in sums)


def _of_tail(source: Tail, wishes: Wishes, what: str, quantile: str, factor: int, told: str) -> Iterator[_Rule]:
    by = f"job, {prometheus.label(source.agent)}" if source.agent else "job"
    name = f"agent:session_{what}:p{quantile[2:]}"
    buckets = f"sum by ({by}, le) (rate({_named(source.values, '_bucket')}[{wishes.window}]))"
    enough = f"sum by ({by}) (increase({_named(source.values, '_count')}[{wishes.window}])) >= {FEW_SESSIONS}"
    yield _Rule(f"histogram_quantile({quantile}, {buckets}) >= 0\nand\n{enough}", record=name)
    yield _Rule(
        f"{name} > {factor} * quantile_over_time(0.5, {name}[{BASELINE}])",
        alert=f"AgentSession{what.title()}Tail",
        severity="warning",
        summary=f"the {told} is {{{{ $value | humanize }}}}, more than {factor} times what it was in the last 7 days",
        lasting="15m",
    )


def _of_injections(source: Injections, presence: str) -> Iterator[_Rule]:
    detections = _count(source.detections)
    beside = _count(source.scans) if source.scans is not None else presence
    grown = f"  increase({detections}[15m])" if not beside else _grown(detections, beside, "15m", "job, instance")
    zero = f"\nor\n0 * sum by (job) ({beside})" if beside else ""
    yield _Rule(f"sum by (job) (\n{grown}\n){zero}", record="agent:injections:increase15m")
    watched = "agent:injections:increase15m"
    if source.scans is not None:
        watched = "agent:injections:share15m"
        yield _Rule(f"agent:injections:increase15m / sum by (job) (increase({beside}[15m])) >= 0", record=watched)
    yield _Rule(
        f"{watched}\n> avg_over_time({watched}[{BASELINE}]) + 3 * stddev_over_time({watched}[{BASELINE}])\n"
        f"and\nagent:injections:increase15m >= {FEW_FAILURES}",
        alert="AgentInjections",
        severity="critical",
        summary="more injections are detected than by chance: {{ $value | humanize }}"
        + (" of what was looked at, in 15 minutes" if source.scans is not None else " in 15 minutes"),
    )


# -- the words beside them


def _heading(slug: Slug, source: Source | Gap, in_spans: bool) -> str:
    if isinstance(source, Gap):
        remedy = FROM_SPANS if in_spans else "To bring it to life, emit"
        return f"DEAD: {TITLES[slug]}. There is no rule, for it would never fire: {source.reason}. {remedy} {REMEDIES[slug]}."
    unseen = ""
    if isinstance(source, Injections) and not any(one is not None and one.metric.measured for one in (source.detections, source.scans)):
        unseen = f" No run has given `{source.detections.metric.name}` a value yet: see that texts are looked through where they come in."
    return f"{TITLES[slug].capitalize()}. {_reason(slug, source)}{unseen}"


def _reason(slug: Slug, source: Source) -> str:
    match source:
        case ToolErrors():
            return OF_TOOLS
        case TokenBurn(sums):
            return OF_TOKENS + (OF_SEVERAL if sum(map(len, sums)) > 1 else "")
        case Tail():
            share, factor, quantile = ("P99", 2, "0.99") if slug == "duration-tail" else ("P95", 3, "0.95")
            rate = f"sum by (job) (rate({_named(source.values, '')}[6h]))"
            literal = f"histogram_quantile({quantile}, {rate}) > {factor} * histogram_quantile(0.5, {rate})"
            return OF_TAILS.format(share=share, factor=factor, literal=literal)
        case Injections():
            return OF_INJECTIONS


# -- PromQL


def _grown(counter: str, beside: str, window: str, there: str) -> str:
    """How much it has grown, for each series; one that is new counts whole where the other one was there before."""
    return (
        f"  (\n    ({counter} unless {counter} offset {window})\n    and on ({there})\n    {beside} offset {window}\n  )\n"
        f"  or\n  increase({counter}[{window}])"
    )


def _presence(found: dict[Slug, Source | Gap]) -> str:
    """A series that is there as soon as the agent works; "" for none."""
    for source in found.values():
        match source:
            case ToolErrors(calls):
                return _count(calls)
            case TokenBurn(sums):
                return _sum(sums[0][0])
    return ""


def _count(selected: Selected) -> str:
    return _named(selected, "" if selected.metric.kind == "counter" else "_count")


def _sum(selected: Selected) -> str:
    return _named(selected, "" if selected.metric.kind == "counter" else "_sum")


def _named(selected: Selected, suffix: str) -> str:
    chosen = ", ".join(map(_matcher, selected.matchers))
    return f"{prometheus.series(selected.metric)}{suffix}" + (f"{{{chosen}}}" if chosen else "")


def _matcher(matcher: Matcher) -> str:
    values = (
        "|".join(value if value == "[45].." else _escaped(value) for value in matcher.values)
        if "~" in matcher.operator
        else matcher.values[0]
    )
    return f'{prometheus.label(matcher.label)}{matcher.operator}"{values}"'


def _escaped(value: str) -> str:
    """In a regular expression, and that in a string."""
    return value.replace(".", "\\\\.").replace("-", "\\\\-") if not value.isalnum() else value


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


# -- YAML


def _comment(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_long_words=False, break_on_hyphens=False
    )


def _written(rule: _Rule) -> Iterator[str]:
    yield f"      - {'record' if rule.record else 'alert'}: {rule.record or rule.alert}"
    yield "        expr: |-"
    yield from (f"          {line}" for line in rule.expr.splitlines())
    if rule.lasting:
        yield f"        for: {rule.lasting}"
    if rule.alert:
        yield from ("        labels:", f"          severity: {rule.severity}")
        yield from ("        annotations:", f'          summary: "{rule.summary}"')
