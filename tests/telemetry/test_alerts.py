"""Which metrics each alert is computed from, whatever their names, and what is said where none serves."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import Emitted, Measurement, Metric
from pytest_agentready.telemetry import prometheus
from pytest_agentready.telemetry.alerts import sources
from pytest_agentready.telemetry.sources import Gap, Injections, Matcher, Slug, Tail, TokenBurn, ToolErrors


def counter(name: str, unit: str = "", **labels: tuple[str, ...]) -> Metric:
    return Metric(name, "counter", unit, labels={label.replace("__", "."): values for label, values in labels.items()})


def histogram(name: str, unit: str = "", **labels: tuple[str, ...]) -> Metric:
    return Metric(name, "histogram", unit, labels={label.replace("__", "."): values for label, values in labels.items()})


def found(slug: Slug, *metrics: Metric, failed: bool = True) -> object:
    return sources(Emitted(metrics), failed)[slug]


@pytest.mark.parametrize(
    ("metric", "matcher"),
    [
        (
            histogram("gen_ai.execute_tool.duration", "s", gen_ai__tool__name=(), error__type=("Timeout",)),
            Matcher("error.type", "!=", ("",)),
        ),
        (counter("tool_calls", tool=(), error_type=("Timeout", "none")), Matcher("error_type", "!~", ("", "none"))),
        (counter("tool_calls", tool=(), error=("false", "true")), Matcher("error", "=", ("true",))),
        (counter("tool_calls", tool=(), success=("false", "true")), Matcher("success", "=", ("false",))),
        (counter("tool_calls", tool=(), status=("ok", "rate_limit", "timeout")), Matcher("status", "!~", ("", "ok"))),
        (counter("tool_calls", tool=(), status=("timeout",)), Matcher("status", "=~", ("timeout",))),
        (counter("tool_calls", tool=(), code=("200", "504")), Matcher("code", "=~", ("[45]..",))),
    ],
)
def test_failed_calls_are_told_by_a_label(metric: Metric, matcher: Matcher) -> None:
    source = found("tool-errors", metric)
    assert isinstance(source, ToolErrors)
    assert source.failures.matchers == (matcher,)


def test_calls_by_mcp_are_told_from_its_other_methods() -> None:
    labels: dict[str, tuple[str, ...]] = {"mcp.method.name": ("tools/call", "tools/list"), "gen_ai.tool.name": (), "error.type": ("x",)}
    source = found("tool-errors", Metric("mcp.client.operation.duration", "histogram", "s", labels=labels))
    assert isinstance(source, ToolErrors)
    assert source.calls.matchers == (Matcher("mcp.method.name", "=", ("tools/call",)),)


def test_a_label_that_has_not_shown_a_failure_serves_only_where_none_could_be_shown() -> None:
    calls = counter("tool_calls", tool=(), status=("ok",))
    assert isinstance(found("tool-errors", calls), Gap)
    assert isinstance(found("tool-errors", calls, failed=False), ToolErrors)


@pytest.mark.parametrize(
    ("slug", "metrics", "said"),
    [
        ("tool-errors", [], "no metric counts the calls of each tool"),
        (
            "tool-errors",
            [counter("agent.tool.calls", status=("ok", "error"))],
            "`agent.tool.calls` has no label with the tool's name",
        ),
        ("tool-errors", [counter("tool.calls", tool=())], "`tool.calls` does not tell a failed call from one that went well"),
        ("tool-errors", [counter("tool.errors", tool=())], "`tool.errors` counts failures, and no metric with the same label"),
        ("token-burn", [counter("refresh_token_requests")], "no metric counts the tokens"),
        ("token-burn", [Metric("tokens.remaining", "gauge")], "`tokens.remaining` is a gauge"),
        ("token-burn", [counter("llm.prompt.tokens")], "`llm.prompt.tokens` counts one direction alone"),
        ("duration-tail", [histogram("llm.request.duration", "s")], "no metric has the duration"),
        ("duration-tail", [Metric("agent_run_seconds", "summary")], "`agent_run_seconds` is a Summary, which has no quantiles in Python"),
        ("injections", [Metric("injection.score", "gauge")], "`injection.score` is a gauge"),
        ("injections", [counter("guardrail.checks")], "`guardrail.checks` counts what was looked at"),
        ("cost-tail", [counter("agent.cost", "USD")], "`agent.cost` is a counter"),
        ("cost-tail", [histogram("llm.call.cost", "USD")], "`llm.call.cost` has the cost of a part"),
    ],
)
def test_what_comes_near_is_named(slug: Slug, metrics: list[Metric], said: str) -> None:
    gap = found(slug, *metrics)
    assert isinstance(gap, Gap)
    assert gap.reason.startswith(said)


def test_tokens_in_and_out_are_one_sum_and_their_parts_are_left_out() -> None:
    names = ("input_tokens", "output_tokens", "cache_read.input_tokens", "reasoning.output_tokens")
    source = found("token-burn", *(counter(f"gen_ai.client.inference.usage.{name}", "{token}") for name in names))
    assert isinstance(source, TokenBurn)
    assert [[one.metric.name.rpartition(".")[2] for one in several] for several in source.sums] == [["input_tokens", "output_tokens"]]


def test_the_newer_generation_comes_first_and_the_older_one_stands_in() -> None:
    older = histogram("gen_ai.client.token.usage", "{token}", gen_ai__token__type=("input", "output"))
    newer = [counter(f"gen_ai.client.inference.usage.{way}_tokens", "{token}") for way in ("input", "output")]
    source = found("token-burn", older, *newer)
    assert isinstance(source, TokenBurn)
    assert [len(several) for several in source.sums] == [2, 1]


def test_names_of_other_houses_are_understood() -> None:
    assert isinstance(found("tool-errors", counter("ai.calls", ai__toolCall__name=(), status=("error", "ok"))), ToolErrors)
    assert isinstance(found("token-burn", counter("ai.usage.promptTokens"), counter("ai.usage.completionTokens")), TokenBurn)
    assert isinstance(found("cost-tail", histogram("cost_per_conversation", "USD")), Tail)
    assert isinstance(found("injections", counter("prompt.attacks.detected")), Injections)


@pytest.mark.parametrize(
    "metric",
    [
        histogram("gen_ai.invoke_agent.duration", "s"),
        histogram("agent.session.duration", "ms"),
        histogram("support_run_seconds"),
        histogram("chat.turn.latency", "s"),
        histogram("gen_ai.client.operation.duration", "s", gen_ai__operation__name=("chat", "invoke_agent")),
    ],
)
def test_a_histogram_of_the_whole_has_a_tail(metric: Metric) -> None:
    assert isinstance(found("duration-tail", metric), Tail)


def test_one_counter_of_checks_with_a_verdict_tells_detections_and_scans() -> None:
    source = found("injections", counter("guardrail.checks", verdict=("injection", "safe")))
    assert isinstance(source, Injections)
    assert source.detections.matchers == (Matcher("verdict", "!~", ("", "safe")),)
    assert source.scans is not None


def test_what_is_there_and_unused_serves_where_its_moment_may_lie_elsewhere() -> None:
    there = [
        Metric(name, "histogram", unit, measured=False) for name, unit in (("agent.session.cost", "USD"), ("agent.session.duration", "s"))
    ]
    unused = Metric("gen_ai.client.token.usage", "histogram", "{token}", measured=False)
    assert isinstance(found("cost-tail", *there), Tail)
    assert isinstance(found("duration-tail", *there), Tail)
    assert isinstance(found("token-burn", unused), Gap)


@pytest.mark.parametrize(  # as opentelemetry-exporter-prometheus writes them
    ("metric", "name"),
    [
        (counter("gen_ai.client.inference.usage.input_tokens", "{token}"), "gen_ai_client_inference_usage_input_tokens_total"),
        (counter("tool.errors.total", "1"), "tool_errors_total"),
        (counter("agent.cost", "USD"), "agent_cost_USD_total"),
        (counter("llm.tokens", "token"), "llm_tokens_token_total"),
        (counter("a.b_seconds", "s"), "a_b_seconds_total"),
        (counter("x1.y", "By/s"), "x1_y_bytes_per_second_total"),
        (histogram("gen_ai.execute_tool.duration", "s"), "gen_ai_execute_tool_duration_seconds"),
        (histogram("gen_ai.client.token.usage", "{token}"), "gen_ai_client_token_usage"),
        (histogram("x.ms", "ms"), "x_ms_milliseconds"),
        (histogram("cost", "{USD}"), "cost"),
        (Metric("u.d", "updowncounter", "s"), "u_d_seconds"),
        (Metric("tool_calls", "counter", client="prometheus"), "tool_calls_total"),
    ],
)
def test_names_are_those_of_prometheus(metric: Metric, name: str) -> None:
    assert prometheus.series(metric) == name


def test_what_was_emitted_survives_the_way_through_json() -> None:
    emitted = Emitted.of(
        [
            Measurement("calls", "counter", "", 1, {"status": "ok", "user": "ada", "retry": True}),
            Measurement("calls", "counter", "", 1, {"status": "bad"}),
        ],
        spans={"tool-errors"},
    )
    assert Emitted.from_json(emitted.to_json()) == emitted
    assert emitted.metrics[0].labels == {"retry": (), "status": ("bad", "ok"), "user": ()}
    assert emitted | Emitted() == emitted
