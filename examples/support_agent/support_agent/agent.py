"""The support agent on Anthropic's SDK: a loop with an end, a budget, and a word for the customer whatever happens."""

import json
from typing import Any

import anthropic

from support_agent.gate import current_user
from support_agent.limits import ANSWER, MAX_STEPS, TOKENS, Price, breaker
from support_agent.manners import DOWN, SYSTEM, TOO_LONG, UNREACHABLE, presentable
from support_agent.patterns.breaker import CostRefused
from support_agent.patterns.budget import TokenBudget, TokenBudgetSpent, estimate, tokens_of
from support_agent.patterns.tracing import agent_call, model_call
from support_agent.toolbox import ServicesDown, Toolbox, described

MODEL = "claude-sonnet-4-6"
PRICE = Price(input=3.00, output=15.00, cache_read=0.30, cache_write=3.75)
DROPPED = "[an older result, left out to save room]"


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
    except anthropic.APIError:  # after the SDK's own two retries, with their pauses
        return UNREACHABLE
    finally:
        current_user.reset(token)


def _converse(question: str, user_id: str, session_id: str) -> str:
    budget, toolbox = TokenBudget(TOKENS), Toolbox()
    tools = [{"name": name, "description": text, "input_schema": schema} for name, text, schema in described()]
    messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
    with anthropic.Anthropic(timeout=60) as client:
        for _ in range(MAX_STEPS):
            prompt = _size(messages, tools)
            if budget.compaction_is_due(prompt + ANSWER):
                _drop_old_results(messages)
                prompt = _size(messages, tools)
            held = budget.require(prompt + ANSWER)
            reserved = breaker.reserve(user_id, session_id, PRICE.most(prompt))
            try:
                reply = _ask(client, messages, tools)
            except anthropic.APIStatusError:  # a refusal is not billed; where no answer came, it may be
                breaker.settle(reserved, 0)
                raise
            budget.consume(held, tokens_of(reply.usage))
            breaker.settle(reserved, _cost(reply.usage))
            calls = [block for block in reply.content if block.type == "tool_use"]
            if reply.stop_reason == "max_tokens" or not calls:  # what was cut off is not carried out
                return "".join(block.text for block in reply.content if block.type == "text")
            messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in reply.content]})
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": toolbox.run(call.name, call.input)} for call in calls]
            messages.append({"role": "user", "content": results})
    return TOO_LONG


def _ask(client: anthropic.Anthropic, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> anthropic.types.Message:
    with model_call(MODEL, "anthropic") as call:
        reply = client.messages.create(model=MODEL, max_tokens=ANSWER, system=SYSTEM, messages=messages, tools=tools)
        call.used(_prompt(reply.usage), reply.usage.output_tokens, _cost(reply.usage))
    return reply


def _size(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> int:
    return estimate(json.dumps([SYSTEM, messages, tools], ensure_ascii=False))


def _prompt(usage: anthropic.types.Usage) -> int:
    """Tokens, with those that were read from the provider's cache, or written to it."""
    return usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)


def _cost(usage: anthropic.types.Usage) -> float:
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    return PRICE.dollars(usage.input_tokens, usage.output_tokens, read, written)


def _drop_old_results(messages: list[dict[str, Any]]) -> None:
    """The question and the last step stay; of what came between, the texts go."""
    for message in messages[1:-2]:
        for block in message["content"]:
            if block["type"] == "tool_result":
                block["content"] = DROPPED
            elif block["type"] == "text":
                block["text"] = "..."
