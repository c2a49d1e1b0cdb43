"""A run as a tree of what happened in it, in the order of virtual time::

    Trace: 2 model calls, 5.4 s of virtual time
    ├── chat gpt-5.1 [423 ms, 1,847 tokens, $0.0184]
    ├── execute_tool get_order_status [88 ms]
    ├── execute_tool get_order_status [5,012 ms, TimeoutError] → retry #1
    ├── execute_tool get_order_status [0 ms, CircuitOpen] → circuit open
    └── answer [2,471 tokens, $0.0246 in all]

Spans are drawn as the user's code made them. What none of them covers is drawn as the world saw it: a call of a model, a request to a
peer. So the tree is whole also for a project without telemetry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from pytest_agentready.domain import Conversation, ModelAnswer, ModelCall, Request, Run, Span, ToolCall
from pytest_agentready.telemetry.dialects import Reading, read

CostOf = Callable[[Iterable[ModelCall]], "Decimal | None"]  # dollars; None where nobody knows

FIRST, LAST = 9, 3  # lines that are shown of more
TEXT = 40  # characters of arguments, or of an answer
LATE = 0.05  # virtual seconds since the run began, from which on a request says when it was sent
CIRCUIT = re.compile(r"circuit|breaker", re.IGNORECASE)


@dataclass(slots=True)
class Node:
    """One thing that happened, and what happened within it."""

    at: float  # virtual seconds since the run began
    label: str
    within: list[Node] = field(default_factory=list)
    name: str = ""  # of a tool, where it is a call of one, or of a URL that was asked
    store: str = ""  # that was asked: commands, statements
    failed: bool = False
    open: bool = False  # a circuit breaker let nothing through

    @property
    def size(self) -> int:
        return 1 + sum(node.size for node in self.within)


def drawn(seen: Run | Conversation, cost_of: CostOf) -> str:
    """The tree in lines of text; "" where nothing happened that could be drawn. Long ones are cut in the middle."""
    runs = [seen] if isinstance(seen, Run) else [turn.run for turn in seen.turns]
    nodes = [node for run in runs for node in nodes_of(run, cost_of)]
    if not nodes:
        return ""
    calls = [call for run in runs for call in run.model_calls]
    seconds = sum(run.virtual for run in runs)
    counted = f"{len(calls)} model call{'s' * (len(calls) != 1)}, " if calls else ""
    head = f"Trace: {counted}{_duration(seconds)}"
    return "\n".join([head, *_lines([*_shortened(nodes), Node(seconds, _last_word(runs[-1], calls, cost_of))])])


def nodes_of(run: Run, cost_of: CostOf) -> list[Node]:
    """What stands at the top, with what is within, in its order."""
    return _Drawing(run, cost_of).top


class _Drawing:
    """Spans first; then what no span covers finds its place among them."""

    def __init__(self, run: Run, cost_of: CostOf) -> None:
        self.top: list[Node] = []
        self._run = run
        self._cost_of = cost_of
        self._readings = {span.id: read(span) for span in run.telemetry.spans}
        self._nodes = {id: Node(reading.span.began, "") for id, reading in self._readings.items()}
        self._charged: dict[int, list[ModelCall]] = {}  # the calls of models that each span of one covers
        self._wanted: list[tuple[float, Node]] = []  # calls of tools that no span covers, and when the model made them
        for number, call in enumerate(run.model_calls):
            self._add_model_call(call, next(iter(run.model_calls[number + 1 : number + 2]), None))
        for request in run.requests:
            self._add_request(request)
        for reading in self._readings.values():
            self._add_span(reading)
        for siblings in (self.top, *(node.within for node in self._nodes.values())):
            siblings.sort(key=lambda node: node.at)
            _mark(siblings)

    def _add_model_call(self, call: ModelCall, later: ModelCall | None) -> None:
        around = self._within(call.span)
        if (span := self._covering(call.span, "model")) is not None:
            self._charged.setdefault(span.id, []).append(call)
            around = self._within(span.parent)
        else:
            around.append(Node(call.at, _of_model_call(call, self._cost_of)))
        told = {reading.tool for reading in self._readings.values() if reading.kind == "tool"}
        wanted = [_of_wanted(call.at, one, later) for one in _calls(call) if not told & {one.name, ""}]
        around += wanted
        self._wanted += [(call.at, node) for node in wanted[:1]]

    def _add_request(self, request: Request) -> None:
        if request.to_model:
            return
        failed = request.is_http and (request.status is None or request.status >= 400)
        asking = next((node for at, node in reversed(self._wanted) if at <= request.at), None)
        into = asking.within if asking is not None and request.span not in self._nodes else self._within(request.span)
        if not request.is_http and into and into[-1].store == request.url:  # a store is asked in many small steps
            into[-1].label = f"{into[-1].label[:-1]}, {request.method}]"
            return
        node = Node(request.at, _of_request(request), failed=failed)
        node.name, node.store = (request.url, "") if request.is_http else ("", request.url)
        into.append(node)

    def _add_span(self, reading: Reading) -> None:
        span = reading.span
        node = self._nodes[span.id]
        node.name, node.failed = reading.tool, span.status == "error"
        node.open = node.failed and any(CIRCUIT.search(word) for word in _errors(span))
        node.label = _of_span(reading, self._charged.get(span.id, []), self._cost_of)
        self._within(span.parent).append(node)

    def _within(self, span: int | None) -> list[Node]:
        """Where what happens in this span is drawn."""
        return self.top if span is None or span not in self._nodes else self._nodes[span].within

    def _covering(self, span: int | None, *kinds: str) -> Span | None:
        """The nearest one around, itself among them, of such a kind."""
        if span is None or span not in self._readings:
            return None
        found = self._readings[span].span
        return next((one for one in (found, *self._run.telemetry.above(found)) if self._readings[one.id].kind in kinds), None)


def _mark(siblings: list[Node]) -> None:
    """What is tried again after it has failed says so; so does what a circuit breaker has stopped."""
    tries: dict[str, int] = {}
    for node in siblings:
        if node.open:
            node.label += " → circuit open"
        elif node.name and node.name in tries:
            tries[node.name] += 1
            node.label += f" → retry #{tries[node.name]}"
        if node.failed and node.name:
            tries.setdefault(node.name, 0)
        else:
            tries.pop(node.name, None)


def _of_span(reading: Reading, calls: list[ModelCall], cost_of: CostOf) -> str:
    span = reading.span
    told = [_milliseconds(span.seconds) if span.seconds is not None else "never ended"]
    told += _used(calls, cost_of)
    if span.status == "error":
        told.append(next(iter(_errors(span)), "") or "error")
    if not span.sampled:
        told.append("not sampled")
    return f"{span.name} [{', '.join(told)}]"


def _errors(span: Span) -> list[str]:
    """What the span says went wrong, the type first."""
    types = [event.attributes.get("exception.type") for event in span.events if event.name == "exception"]
    words = [span.attributes.get("error.type"), *types, span.description]
    return [str(word).rpartition(".")[2] if re.fullmatch(r"[\w.]+", str(word)) else str(word)[:60] for word in words if word]


def _of_model_call(call: ModelCall, cost_of: CostOf) -> str:
    told = _used([call], cost_of)
    if call.usage is None:
        told.append("no answer")
    return f"{call.provider} {call.model} [{', '.join(told)}]"


def _calls(call: ModelCall) -> tuple[ToolCall, ...]:
    return call.answer.calls if isinstance(call.answer, ModelAnswer) else ()


def _of_wanted(at: float, wanted: ToolCall, later: ModelCall | None) -> Node:
    """A call of a tool that no span tells of, with what the model was told of it."""
    answers = [message for message in later.messages if message.answers == wanted.id] if later is not None and wanted.id else []
    label = f"{wanted.name}({_clipped(wanted.arguments)})" + (f" → {_clipped(answers[-1].text)}" if answers else "")
    return Node(at, label, name=wanted.name, failed=bool(answers) and answers[-1].is_error)


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT else f"{line[:TEXT]}..."


def _of_request(request: Request) -> str:
    if not request.is_http:
        return f"{request.url} [{request.method}]"
    answer = str(request.status) if request.status is not None else "no answer"
    moment = f", at {request.at:,.1f} s" if request.at >= LATE else ""
    return f"{request.method} {request.url.partition('?')[0]} [{answer}{moment}]"


def _used(calls: list[ModelCall], cost_of: CostOf) -> list[str]:
    """`1,847 tokens`, and `$0.0184` where the price is known."""
    tokens = sum(call.usage.total for call in calls if call.usage is not None)
    if not tokens:
        return []
    dollars = cost_of(calls)
    return [f"{tokens:,} tokens", *([] if dollars is None else [f"${dollars:.4f}"])]


def _last_word(run: Run, calls: list[ModelCall], cost_of: CostOf) -> str:
    """How it ended, and what all of it used."""
    if run.ending is not None:
        story = run.ending.story
        how = f"the world {story.replace('ended', 'ended it', 1)}" if story.startswith("ended ") else f"the world ended it: {story}"
    elif run.raised is not None:
        how = run.raised.kind.rpartition(".")[2]
    else:
        how = "answer"
    used = _used(calls, cost_of)
    return f"{how} [{', '.join(used)} in all]" if used else how


def _shortened(nodes: list[Node]) -> list[Node]:
    """Of many only the first and the last are drawn, with what is within them."""
    if sum(node.size for node in nodes) <= FIRST + LAST + 1:
        return nodes
    head: list[Node] = []
    while sum(node.size for node in head) < FIRST and len(nodes) > len(head) + LAST:
        head.append(nodes[len(head)])
    tail = nodes[max(len(head), len(nodes) - LAST) :]
    left_out = len(nodes) - len(head) - len(tail)
    return [*head, Node(head[-1].at, f"... {left_out:,} more"), *tail] if left_out else nodes


def _lines(nodes: list[Node], indent: str = "") -> Iterator[str]:
    for number, node in enumerate(nodes):
        last = number == len(nodes) - 1
        yield f"{indent}{'└── ' if last else '├── '}{node.label}"
        yield from _lines(_shortened(node.within), f"{indent}{'    ' if last else '│   '}")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _duration(seconds: float) -> str:
    return f"{seconds:,.1f} s of virtual time"
