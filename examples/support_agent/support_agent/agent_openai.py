"""The same agent on OpenAI's SDK, streamed: `agent.py` has the reasons."""

import json
from typing import Any

import openai

from support_agent.gate import current_user
from support_agent.limits import ANSWER, MAX_STEPS, TOKENS, Price, breaker
from support_agent.manners import DOWN, SYSTEM, TOO_LONG, UNREACHABLE, presentable
from support_agent.patterns.breaker import CostRefused
from support_agent.patterns.budget import TokenBudget, TokenBudgetSpent, estimate, tokens_of
from support_agent.patterns.tracing import agent_call, model_call
from support_agent.toolbox import ServicesDown, Toolbox, described

MODEL = "gpt-5.1"
PRICE = Price(input=1.25, output=10.00, cache_read=0.125)
DROPPED = "[an older result, left out to save room]"


class Reply:
    """An answer, put together from the parts of a stream."""

    def __init__(self) -> None:
        self.text = ""
        self.calls: dict[int, dict[str, Any]] = {}
        self.finish = ""  # "" where the stream broke off
        self.usage: openai.types.CompletionUsage | None = None  # as long as nobody has reported it

    def add(self, chunk: Any) -> None:
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices:
            self.finish = choice.finish_reason or self.finish
            self.text += choice.delta.content or ""
            for part in choice.delta.tool_calls or ():
                call = self.calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
                call["id"] = part.id or call["id"]
                call["name"] += part.function.name or ""
                call["arguments"] += part.function.arguments or ""

    @property
    def wants_tools(self) -> bool:
        """What was cut off is not carried out."""
        return bool(self.calls) and self.finish == "tool_calls"


def answer(question: str, user_id: str, session_id: str) -> str:
    """Answer a customer."""
    token = current_user.set(user_id)
    try:
        with agent_call("support", session_id):
            return presentable(_converse(question, user_id, session_id))
    except (TokenBudgetSpent, CostRefused) as refused:
        return refused.reason
    except ServicesDown:
        return DOWN
    except openai.APIError:  # after the SDK's own two retries, with their pauses
        return UNREACHABLE
    finally:
        current_user.reset(token)


def _converse(question: str, user_id: str, session_id: str) -> str:
    budget, toolbox = TokenBudget(TOKENS), Toolbox()
    tools = [
        {"type": "function", "function": {"name": name, "description": text, "parameters": schema}} for name, text, schema in described()
    ]
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    with openai.OpenAI(timeout=60) as client:
        for _ in range(MAX_STEPS):
            prompt = _size(messages, tools)
            if budget.compaction_is_due(prompt + ANSWER):
                _drop_old_results(messages)
                prompt = _size(messages, tools)
            held = budget.require(prompt + ANSWER)
            reserved = breaker.reserve(user_id, session_id, PRICE.most(prompt))
            try:
                reply = _ask(client, messages, tools)
            except openai.APIStatusError:
                breaker.settle(reserved, 0)
                raise
            budget.consume(held, tokens_of(reply.usage))
            if reply.usage is not None:  # else what was reserved stands
                breaker.settle(reserved, _cost(reply.usage))
            if not reply.wants_tools:
                return reply.text
            calls = [
                {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
                for c in reply.calls.values()
            ]
            messages.append({"role": "assistant", "content": reply.text or None, "tool_calls": calls})
            for call in reply.calls.values():
                messages.append(
                    {"role": "tool", "tool_call_id": call["id"], "content": toolbox.run(call["name"], _read(call["arguments"]))}
                )
    return TOO_LONG


def _ask(client: openai.OpenAI, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Reply:
    reply = Reply()
    with (
        model_call(MODEL, "openai") as call,
        client.chat.completions.create(
            model=MODEL,
            messages=messages,
            tools=tools,
            max_completion_tokens=ANSWER,
            stream=True,
            stream_options={"include_usage": True},  # or nobody knows what was spent
        ) as stream,
    ):
        for chunk in stream:
            reply.add(chunk)
            if chunk.usage:
                call.used(chunk.usage.prompt_tokens, chunk.usage.completion_tokens, _cost(chunk.usage))
    return reply


def _read(arguments: str) -> Any:
    """None where the model has written no JSON."""
    try:
        return json.loads(arguments)
    except ValueError:
        return None


def _size(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> int:
    return estimate(json.dumps([messages, tools], ensure_ascii=False))


def _cost(usage: openai.types.CompletionUsage) -> float:
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens or 0) if details is not None else 0
    return PRICE.dollars(usage.prompt_tokens - cached, usage.completion_tokens, cached)


def _drop_old_results(messages: list[dict[str, Any]]) -> None:
    """The instructions, the question and the last step stay; of what came between, the texts go."""
    for message in messages[2:-2]:
        if message["role"] == "tool":
            message["content"] = DROPPED
        elif message["content"]:
            message["content"] = "..."
