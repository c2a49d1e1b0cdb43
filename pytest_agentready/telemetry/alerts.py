"""Which of the metrics that are emitted each of the five alerts can be computed from.

A metric is known by its labels and by the words of its name: `gen_ai.execute_tool.duration` and `agent_tool_calls_total` both have one
with the tool's name. What is found is a source, from which rules are written; what is not is a gap, which says in words what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from pytest_agentready.domain import Emitted, Metric, words_in
from pytest_agentready.telemetry.sources import Gap, Injections, Matcher, Selected, Slug, Source, Tail, TokenBurn, ToolErrors

TOOL_LABELS = ("gen_ai.tool.name", "tool.name", "tool_name", "gen_ai_tool_name", "tool", "function_name", "function.name")
AGENT_LABELS = ("gen_ai.agent.name", "agent.name", "agent_name", "gen_ai_agent_name", "agent")
COUNTED = ("counter", "histogram", "summary")  # kinds whose events can be counted
FAILURE = frozenset({"error", "errors", "failure", "failures", "failed", "exception", "exceptions", "fail", "fails"})
REASONS = frozenset({"error", "exception", "failure", "errortype"})  # labels that name a failure, and nothing where there is none
WELL = frozenset({"success", "ok", "succeeded"})  # labels that say whether it went well
OUTCOMES = frozenset({"status", "outcome", "result", "state", "code"})  # labels that say how it went
CODES = ("[45]..",)  # of HTTP, that tell of a failure
FINE = frozenset({"", "none", "null", "no", "false", "0", "ok", "success", "successful", "succeeded", "true", "completed", "done", "unset"})
TOKENS = frozenset({"token", "tokens"})
NO_USAGE = frozenset(
    {"limit", "max", "budget", "remaining", "left", "window", "cached", "cache", "reasoning", "per"}
    | {"price", "auth", "bucket", "refresh", "access", "jwt", "csrf", "oauth"}
)
INTO = frozenset({"input", "prompt", "in", "sent"})
OUT_OF = frozenset({"output", "completion", "out", "generated", "received"})
TIME = frozenset({"duration", "seconds", "latency", "time", "elapsed", "milliseconds", "ms"})
UNITS_OF_TIME = frozenset({"s", "ms", "us", "ns", "min", "seconds", "milliseconds"})
WHOLE = frozenset(  # what an agent does from beginning to end
    {"agent", "session", "conversation", "workflow", "run", "chat", "turn", "assistant", "bot", "crew", "graph", "request", "reply"}
    | {"answer", "handle", "handler", "interaction", "task", "ticket", "support", "dialog", "dialogue", "message", "loop"}
)
PART = frozenset(  # and what it does on its way
    {"tool", "tools", "llm", "model", "inference", "completion", "embedding", "embeddings", "chunk", "http", "db", "sql", "redis", "step"}
    | {"retrieval", "mcp", "function", "client", "cache", "queue", "wait", "token", "tokens", "operation"}
)
MONEY = frozenset({"cost", "costs", "spend", "spent", "usd", "dollar", "dollars", "cents", "eur", "price"})
NO_COST = frozenset({"limit", "budget", "remaining", "left", "max"})
ATTACK = frozenset(
    {"attack", "attacks", "injection", "injections", "jailbreak", "jailbreaks", "guardrail", "guardrails", "promptinjection"}
)
SCAN = frozenset({"scan", "scans", "scanned", "check", "checks", "checked", "inspected", "inspections", "evaluated"})
DETECTED = frozenset({"detected", "blocked", "flagged", "verdict", "result", "outcome", "status"})
AGENT_OPERATIONS = frozenset({"invoke_agent", "invoke_workflow"})


def sources(emitted: Emitted, failed: bool = True) -> dict[Slug, Source | Gap]:
    """Of each alert, in the order of `TITLES`. `failed`: did a tool fail while this was emitted? If not, no failure can be expected."""
    return {
        "tool-errors": _tool_errors(emitted, failed),
        "token-burn": _token_burn(emitted),
        "duration-tail": _duration(emitted),
        "injections": _injections(emitted),
        "cost-tail": _cost(emitted),
    }


# -- tool errors


def _tool_errors(emitted: Emitted, failed: bool) -> ToolErrors | Gap:
    about = [one for one in emitted.metrics if one.measured and one.kind in COUNTED and _is_about_tools(one)]
    named = [one for one in about if _tool_label(one)]
    calls = sorted((one for one in named if FAILURE.isdisjoint(one.words)), key=lambda one: (one.kind != "histogram", one.name))
    for one in calls:
        if (matcher := _failure(one, failed)) is not None:
            counted = _selected(one)
            return ToolErrors(counted, replace(counted, matchers=(*counted.matchers, matcher)), _tool_label(one))
    failures = [one for one in named if not FAILURE.isdisjoint(one.words)]
    for failure in failures:
        for one in calls:
            if _tool_label(one) == _tool_label(failure):
                return ToolErrors(_selected(one), _selected(failure), _tool_label(one))
    if failures:
        return Gap(f"`{failures[0].name}` counts failures, and no metric with the same label counts all calls")
    if calls:
        return Gap(f"`{calls[0].name}` does not tell a failed call from one that went well")
    if about:
        return Gap(f"`{about[0].name}` has no label with the tool's name")
    return Gap("no metric counts the calls of each tool")


def _is_about_tools(metric: Metric) -> bool:
    if not (TOKENS | MONEY).isdisjoint(metric.words):
        return False
    if _tool_label(metric) or not {"tool", "tools"}.isdisjoint(metric.words):
        return True
    return "tools/call" in metric.labels.get("mcp.method.name", ())


def _tool_label(metric: Metric) -> str:
    known = (label for label in TOOL_LABELS if label in metric.labels)
    worded = (label for label in metric.labels if {"tool", "name"} <= words_in(label))
    return next(chain(known, worded), "")


def _selected(metric: Metric) -> Selected:
    """MCP measures every method in one metric."""
    if "mcp.method.name" in metric.labels:
        return Selected(metric, (Matcher("mcp.method.name", "=", ("tools/call",)),))
    return Selected(metric)


def _failure(metric: Metric, failed: bool) -> Matcher | None:
    """By which label the failed calls are told; None for none."""
    for label, values in metric.labels.items():
        bad = tuple(value for value in values if value.lower() not in FINE and not value.isdigit())
        words = words_in(label)
        if not REASONS.isdisjoint(words) and (bad or "true" in values or not failed):
            if {"true", "false"} & set(values):
                return Matcher(label, "=", ("true",))
            fine = tuple(value for value in values if value and value.lower() in FINE)
            return Matcher(label, "!~" if fine else "!=", ("", *fine))
        if not WELL.isdisjoint(words) and ("false" in values or not failed):
            return Matcher(label, "=", ("false",))
        if not OUTCOMES.isdisjoint(words) and (bad or _codes(values) or not failed):
            fine = tuple(value for value in values if value not in bad and value)
            if fine and not _codes(values):
                return Matcher(label, "!~", ("", *fine))
            return Matcher(label, "=~", bad or CODES) if any(values) else None  # of values that are not known nothing can be asked
    return None


def _codes(values: Iterable[str]) -> bool:
    """Those of HTTP that tell of a failure."""
    return any(len(value) == 3 and value.isdigit() and value[0] in "45" for value in values)


# -- tokens


def _token_burn(emitted: Emitted) -> TokenBurn | Gap:
    about = [one for one in emitted.metrics if one.measured and not TOKENS.isdisjoint(one.words | words_in(one.unit))]
    used = [one for one in about if one.kind in COUNTED and NO_USAGE.isdisjoint(one.words)]
    found: list[tuple[Selected, ...]] = []
    parted = [(INTO & one.words, OUT_OF & one.words, one) for one in used]
    incoming = [one for into, out_of, one in parted if into and not out_of]
    for one in incoming:
        if (twin := next((other for into, out_of, other in parted if out_of and not into and _are_twins(one, other)), None)) is not None:
            found.append((Selected(one), Selected(twin)))
    found += [(_both_ways(one),) for into, out_of, one in parted if bool(into) == bool(out_of)]
    if found:
        found.sort(key=lambda several: (len(several) == 1, several[0].metric.kind != "counter", several[0].metric.name))
        return TokenBurn(tuple(found))
    if incoming or parted:
        one = (incoming or [one for _, _, one in parted])[0]
        return Gap(f"`{one.name}` counts one direction alone: count the tokens in and out")
    if levels := [one for one in about if one.kind not in COUNTED]:
        return Gap(f"`{levels[0].name}` is {_a(levels[0].kind)}: how many were spent cannot be added up")
    return Gap("no metric counts the tokens")


def _are_twins(one: Metric, other: Metric) -> bool:
    return one.kind == other.kind and one.client == other.client and one.words - INTO == other.words - OUT_OF


def _both_ways(metric: Metric) -> Selected:
    """Where one label parts them, what counts twice (a total, what was read from a cache) is left out."""
    for label, values in metric.labels.items():
        into, out_of = ({value for value in values if words_in(value) & some and len(words_in(value)) < 3} for some in (INTO, OUT_OF))
        plain = tuple(sorted(value for value in into | out_of if NO_USAGE.isdisjoint(words_in(value))))
        if into and out_of and set(values) - set(plain):
            return Selected(metric, (Matcher(label, "=~", plain),))
    return Selected(metric)


# -- durations and costs


def _duration(emitted: Emitted) -> Tail | Gap:
    timed = [one for one in emitted.metrics if _is_time(one) and (_is_whole(one) or _agents_part(one))]
    for one in timed:
        if one.kind == "histogram":
            return Tail(_agents_part(one) or Selected(one), _agent_label(one))
    if timed:
        return Gap(f"`{timed[0].name}` is {_a(timed[0].kind)}, of which no percentile can be computed")
    return Gap("no metric has the duration of a session, or of a run of the agent")


def _is_time(metric: Metric) -> bool:
    return metric.unit in UNITS_OF_TIME or not TIME.isdisjoint(metric.words)


def _is_whole(metric: Metric) -> bool:
    return not WHOLE.isdisjoint(metric.words) and PART.isdisjoint(metric.words) and not _tool_label(metric)


def _agents_part(metric: Metric) -> Selected | None:
    """Of a metric of all operations, that of agents."""
    operations = metric.labels.get("gen_ai.operation.name", ())
    agents = tuple(sorted(AGENT_OPERATIONS.intersection(operations)))
    if not agents:
        return None
    return Selected(metric) if set(agents) == set(operations) else Selected(metric, (Matcher("gen_ai.operation.name", "=~", agents),))


def _agent_label(metric: Metric) -> str:
    return next((label for label in AGENT_LABELS if label in metric.labels), "")


def _cost(emitted: Emitted) -> Tail | Gap:
    about = [one for one in emitted.metrics if not MONEY.isdisjoint(one.words | words_in(one.unit)) and NO_COST.isdisjoint(one.words)]
    whole = [one for one in about if PART.isdisjoint(one.words) and not _tool_label(one)]
    for one in whole:
        if one.kind == "histogram":
            return Tail(Selected(one), _agent_label(one))
    if whole:
        return Gap(f"`{whole[0].name}` is {_a(whole[0].kind)}, of which no percentile can be computed")
    if about:
        return Gap(f"`{about[0].name}` has the cost of a part, and not of a session")
    return Gap("no metric has the cost of a session")


def _a(kind: str) -> str:
    return {"summary": "a Summary, which has no quantiles in Python", "updowncounter": "an UpDownCounter"}.get(kind, f"a {kind}")


# -- injections


def _injections(emitted: Emitted) -> Injections | Gap:
    about = [one for one in emitted.metrics if not ATTACK.isdisjoint(one.words)]
    counted = [one for one in about if one.kind in COUNTED]
    scans = next((one for one in counted if not SCAN.isdisjoint(one.words)), None)
    for one in counted:
        if one is not scans:
            return Injections(Selected(one), None if scans is None else Selected(scans))
    if scans is not None:
        for label, values in scans.labels.items():
            if not DETECTED.isdisjoint(words_in(label)):
                fine = tuple(value for value in values if value.lower() in FINE - {"true"} or value in ("clean", "safe", "benign", "pass"))
                matcher = Matcher(label, "=", ("true",)) if {"true", "false"} & set(values) else Matcher(label, "!~", ("", *fine))
                return Injections(Selected(scans, (matcher,)), Selected(scans))
        return Gap(f"`{scans.name}` counts what was looked at, and nothing counts what was found")
    if about:
        return Gap(f"`{about[0].name}` is {_a(about[0].kind)}, whose rate is not that of the detections")
    return Gap("no metric counts the injections that were detected")
