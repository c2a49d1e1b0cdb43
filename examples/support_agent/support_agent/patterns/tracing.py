"""Tracing of an agent: a span for each question, each call of a model and each call of a tool, and the metrics that alerts are made of.

The article's pattern (its step 1), with what had to be corrected in it:

- The names are those of OpenTelemetry's GenAI conventions, which dashboards know. Two attributes have no name there and keep the article's:
  `tool.status` and `tool.retry_safe`.
- `tool.args` told everything to everybody. Arguments are told only where `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` asks for
  content, and without what is secret in them. The text of an exception goes the same way, for it quotes the request.
- `record_exception(Exception(message))` leaves the span's status as it is: whoever looks for failed spans finds none. A typed error
  makes the status ERROR, with `error.type`, as an exception does.
- Spans are sampled, and no rate can be computed from a part of them: each call is counted in metrics as well.
- A thread begins without a context, and its spans are a trace of their own: `carried` takes the context along. So does `outgoing` for the
  services that a tool asks.

It needs `opentelemetry-api` alone; what is told goes nowhere until your application sets a provider.

Checked by AR801-AR808, once a test marks the loop that it traces:

    @pytest.mark.agent_loop(loop=run_agent)
    def test_run_agent(readiness_check):
        readiness_check()
"""

import contextvars
import functools
import inspect
import json
import os
import re
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode

P = ParamSpec("P")
R = TypeVar("R")
Function = TypeVar("Function", bound=Callable[..., Any])

HIDDEN = "***"
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"  # true, span_only, span_and_event, ...
SECRET_NAME = re.compile(
    r"(?:^|[_-]|(?<=[a-z])(?=[A-Z]))(?i:api)?(?i:key|token|secret|password|passwd|passphrase|pwd|credentials?|authorization|cookie|signature|sig)$"
)
SECRET_TEXT = re.compile(
    r"(?<=://)[^\s/@'\"]+(?=@)"  # the user and the password of an address
    r"|(?<=\?)[\w.-]+=[^\s'\"<>)]*"  # the query of an address: anything may be in it
    r"|\b(?:Bearer|Basic)\s+[\w.~+/=-]+"
    r"|\b(?:sk|rk|ghp|xox[abp])[-_][\w-]{8,}"
    r"|[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"  # an e-mail address, as it stands or in a URL
    r"|\+\d[\d ().-]{7,}\d",  # a telephone number
    re.IGNORECASE,
)

tracer = trace.get_tracer("agent")
meter = metrics.get_meter("agent")
# The default buckets of a histogram are made for milliseconds: of seconds they would tell nothing.
SECONDS = [0.1 * 2**power for power in range(-3, 13)]
tool_seconds = meter.create_histogram("gen_ai.execute_tool.duration", "s", explicit_bucket_boundaries_advisory=SECONDS)
model_seconds = meter.create_histogram("gen_ai.client.inference.duration", "s", explicit_bucket_boundaries_advisory=SECONDS)
agent_seconds = meter.create_histogram("gen_ai.invoke_agent.duration", "s", explicit_bucket_boundaries_advisory=SECONDS)
input_tokens = meter.create_counter("gen_ai.client.inference.usage.input_tokens", "{token}")
output_tokens = meter.create_counter("gen_ai.client.inference.usage.output_tokens", "{token}")
session_cost = meter.create_histogram(
    "agent.session.cost", "USD", explicit_bucket_boundaries_advisory=[0.001 * 2**power for power in range(16)]
)
injection_scans = meter.create_counter("agent.injection.scans", "{scan}")
injection_detections = meter.create_counter("agent.injection.detections", "{detection}")


class Call:
    """What is told of one call while it lasts."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.error_type = ""  # "" for none, so far

    def failed(self, error_type: str, message: str, stack: str = "") -> None:
        self.error_type = error_type
        self.span.set_attribute("error.type", error_type)
        self.span.set_status(StatusCode.ERROR, redacted(message))
        told = {"exception.type": error_type, "exception.message": redacted(message), "exception.stacktrace": redacted(stack)}
        self.span.add_event("exception", {name: text for name, text in told.items() if text})


class ToolCall(Call):
    def returned(self, result: R) -> R:
        """Give it the result, typed or not (`status`, `error_type`, `retry_safe`, `message`; an object or a dict), and have it back."""
        for name in ("status", "retry_safe"):
            if (value := _field(result, name)) is not None:
                self.span.set_attribute(f"tool.{name}", value)
        if _field(result, "status") == "error":
            self.failed(str(_field(result, "error_type") or "error"), str(_field(result, "message") or ""))
        return result


class ModelCall(Call):
    def __init__(self, span: Span, labels: Mapping[str, str]) -> None:
        super().__init__(span)
        self._labels = labels

    def used(self, input: int, output: int, cost: float | None = None) -> None:
        """Tokens, as the provider reports them, and dollars where the price is known."""
        self.span.set_attributes({"gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": output})
        input_tokens.add(input, self._labels)
        output_tokens.add(output, self._labels)
        if cost is None:
            return
        self.span.set_attribute("gen_ai.usage.cost", cost)
        if (agent := _agent.get()) is not None:
            agent.costs.append(cost)


class AgentCall(Call):
    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self.costs: list[float] = []  # dollars, of its calls of models, which may be in several threads


_agent: contextvars.ContextVar[AgentCall | None] = contextvars.ContextVar("agent", default=None)


@contextmanager
def tool_call(name: str, arguments: Mapping[str, Any] | None = None, call_id: str = "") -> Iterator[ToolCall]:
    """`with tool_call("get_order", {"order_id": "42"}) as call: result = call.returned(get_order("42"))`"""
    told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    with _span(f"execute_tool {name}", SpanKind.INTERNAL, told) as span:
        if call_id:
            span.set_attribute("gen_ai.tool.call.id", call_id)
        if arguments and os.environ.get(CONTENT, "").lower() in ("true", "span_only", "span_and_event"):
            span.set_attribute("gen_ai.tool.call.arguments", redacted(json.dumps(_without_secrets(arguments), default=str)))
        call = ToolCall(span)
        with _watched(call, tool_seconds, told):
            yield call


def traced_tool(function: Function) -> Function:
    """Each call of this function, sync or async, is a call of the tool of its name."""
    name, signature = function.__name__, inspect.signature(function)

    def given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        try:
            return signature.bind(*args, **kwargs).arguments
        except TypeError:  # the call itself will say so
            return kwargs

    @functools.wraps(function)
    def call_it(*args: Any, **kwargs: Any) -> Any:
        with tool_call(name, given(args, kwargs)) as call:
            return call.returned(function(*args, **kwargs))

    @functools.wraps(function)
    async def await_it(*args: Any, **kwargs: Any) -> Any:
        with tool_call(name, given(args, kwargs)) as call:
            return call.returned(await function(*args, **kwargs))

    return cast(Function, await_it if inspect.iscoroutinefunction(function) else call_it)


@contextmanager
def model_call(model: str, provider: str, operation: str = "chat") -> Iterator[ModelCall]:
    """`with model_call("gpt-5.1", "openai") as call: ...; call.used(usage.prompt_tokens, usage.completion_tokens, cost)`"""
    told = {"gen_ai.operation.name": operation, "gen_ai.provider.name": provider, "gen_ai.request.model": model}
    with _span(f"{operation} {model}", SpanKind.CLIENT, told) as span:
        call = ModelCall(span, told)
        with _watched(call, model_seconds, told):
            yield call


@contextmanager
def agent_call(name: str, session: str = "", *, ends_session: bool = True) -> Iterator[AgentCall]:
    """One question to the agent. Where a session has several, tell its cost with the last: `session_cost.record(dollars)`."""
    told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    with _span(f"invoke_agent {name}", SpanKind.INTERNAL, told) as span:
        if session:  # no label of a metric: there would be one series for each
            span.set_attribute("gen_ai.conversation.id", session)
        call = AgentCall(span)
        token = _agent.set(call)
        try:
            with _watched(call, agent_seconds, told):
                yield call
        finally:
            _agent.reset(token)
            if ends_session and call.costs:
                session_cost.record(sum(call.costs), {"gen_ai.agent.name": name})


def scanned(detected: bool) -> None:
    """A text was looked through for an injection. A counter that is never 0 has no rise when it begins."""
    injection_scans.add(1)
    injection_detections.add(int(detected))


def carried(function: Callable[P, R]) -> Callable[P, R]:
    """For a thread or a pool, in the context of now: `pool.map(carried(call), calls)`."""
    context = contextvars.copy_context()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)  # two threads cannot be in one context at once

    return run


def outgoing(headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """These headers, with the trace that the request belongs to: `httpx.get(url, headers=outgoing())`."""
    found = dict(headers or {})
    propagate.inject(found)
    return found


def redacted(text: str) -> str:
    """Without passwords, keys (those of the environment, whatever they look like), e-mail addresses and telephone numbers."""
    for name, value in os.environ.items():
        if SECRET_NAME.search(name) and len(value) >= 8:
            text = text.replace(value, HIDDEN)
    return SECRET_TEXT.sub(HIDDEN, text)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: HIDDEN if SECRET_NAME.search(str(name)) else _without_secrets(part) for name, part in value.items()}
    return [_without_secrets(part) for part in value] if isinstance(value, (list, tuple)) else value


def _field(result: object, name: str) -> Any:
    return result.get(name) if isinstance(result, Mapping) else getattr(result, name, None)


def _span(name: str, kind: SpanKind, told: Mapping[str, str]) -> Any:
    """What goes wrong within is told by `_watched`, in fewer words."""
    return tracer.start_as_current_span(name, kind=kind, attributes=told, record_exception=False, set_status_on_exception=False)


@contextmanager
def _watched(call: Call, seconds: metrics.Histogram, labels: Mapping[str, str]) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    except BaseException as error:
        kind = type(error)
        call.failed(f"{kind.__module__}.{kind.__qualname__}", str(error), "".join(traceback.format_tb(error.__traceback__)))
        raise
    finally:
        failed = {"error.type": call.error_type} if call.error_type else {}
        seconds.record(time.perf_counter() - began, {**labels, **failed})
