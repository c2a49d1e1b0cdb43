"""AR501, AR502, AR508: budgets of tokens that are kept, that are looked at late or by half, and that nobody keeps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx
import openai

from tests.corpus_loops import labelled
from tests.corpus_loops.endless_loop import BACKEND, CHAT_TOOLS, CLAUDE_TOOLS, RESPONSE_TOOLS, get_order

BUDGET = 20_000
FACTS = {"backend": BACKEND, "token_budget": BUDGET}
SPENT = "I have used up what I may spend on this question."


def estimate(messages: Any) -> int:
    return len(json.dumps(messages, default=str)) // 4


def answered(calls: Any) -> list[Any]:
    return [{"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))} for call in calls]


# --- nobody keeps it ---------------------------------------------------------------------------------------------------


@labelled(FACTS, AR501="failed", AR502="not_applicable", AR508="not_applicable")
def a_budget_that_is_only_logged(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    for _ in range(15):
        response = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS)
        used += response.usage.total_tokens if response.usage else 0
        if used > BUDGET:
            print(f"warning: {used} tokens used, the budget is {BUDGET}")
        message = response.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return "I could not finish this."


@labelled(FACTS, AR501="failed", AR502="not_applicable")
async def only_five_steps_of_claude(question: str) -> str:
    """A limit of the steps knows nothing of their size."""
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(5):
        answer = await client.messages.create(model="claude-sonnet-4-6", max_tokens=1024, messages=messages, tools=CLAUDE_TOOLS)
        messages.append({"role": "assistant", "content": answer.content})
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": get_order(**block.input)}  # type: ignore[arg-type]
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return "I could not finish this."


@labelled(FACTS, AR501="failed")
def each_call_is_held_against_the_budget_alone(question: str) -> str:
    """Every single call stays below it, and nothing adds them up."""
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(20):
        answer = openai.OpenAI().responses.create(model="gpt-5.1", input=items, tools=RESPONSE_TOOLS)
        if answer.usage and answer.usage.total_tokens > BUDGET:
            return SPENT
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += [{"type": "function_call", "call_id": c.call_id, "name": c.name, "arguments": c.arguments} for c in calls]
        items += [{"type": "function_call_output", "call_id": c.call_id, "output": get_order(**json.loads(c.arguments))} for c in calls]
    return "I could not finish this."


class ChatWithoutEnd:
    """A conversation by turns, in the memory of its object."""

    def __init__(self) -> None:
        self.messages: list[Any] = [{"role": "system", "content": "You help customers."}]


CHAT = ChatWithoutEnd()


@labelled({"token_budget": BUDGET}, AR501="failed", AR507="not_applicable")
def turn_by_turn_without_end(message: str) -> str:
    CHAT.messages.append({"role": "user", "content": message})
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=CHAT.messages).choices[0].message
    CHAT.messages.append({"role": "assistant", "content": answer.content})
    return answer.content or ""


# --- late, or by half --------------------------------------------------------------------------------------------------


@labelled(FACTS, AR501="failed", AR502="not_applicable", AR508="failed")
def only_what_claude_says_is_counted(question: str) -> str:
    """The prompts are most of it."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    said = 0
    while said < BUDGET:
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=1024, messages=messages, tools=CLAUDE_TOOLS)
        said += answer.usage.output_tokens
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)} for call in calls]  # type: ignore[arg-type]
        messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
    return SPENT


@labelled(FACTS, AR501="failed", AR508="failed")
def a_stream_that_is_never_asked(question: str) -> str:
    """It would count what is used, and never hears of it."""
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    for _ in range(20):
        if used > BUDGET:
            return SPENT
        text, calls = "", {}
        for chunk in openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS, stream=True):
            used += chunk.usage.total_tokens if chunk.usage else 0
            for part in (piece for choice in chunk.choices for piece in choice.delta.tool_calls or ()):
                call: dict[str, Any] = calls.setdefault(
                    part.index, {"id": part.id, "type": "function", "function": {"name": "", "arguments": ""}}
                )
                call["function"]["name"] += (part.function and part.function.name) or ""
                call["function"]["arguments"] += (part.function and part.function.arguments) or ""
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
        if not calls:
            return text
        messages.append({"role": "assistant", "content": text, "tool_calls": list(calls.values())})
        for call in calls.values():
            output = get_order(**json.loads(call["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": output})
    return "I could not finish this."


@labelled(FACTS, AR501="passed", AR502="failed", AR508="passed")
def summed_up_after_the_call(question: str) -> str:
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    used = 0
    while True:
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSE_TOOLS)
        used += answer.usage.total_tokens if answer.usage else 0
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        if used >= BUDGET:
            return SPENT
        items += answer.output
        for call in calls:
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": get_order(**json.loads(call.arguments))})


class BudgetExceeded(Exception):
    pass


@labelled(FACTS, AR501="passed", AR502="failed", AR507="failed", AR508="passed")
def raised_after_the_call(question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    for _ in range(25):
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=1024, messages=messages, tools=CLAUDE_TOOLS)
        used += answer.usage.input_tokens + answer.usage.output_tokens
        if used > BUDGET:
            raise BudgetExceeded(f"{used}/{BUDGET}")
        messages.append({"role": "assistant", "content": answer.content})
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": get_order(**block.input)}  # type: ignore[arg-type]
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return "I could not finish this."


@labelled(FACTS, AR501="passed", AR508="failed")
def streamed_without_usage(question: str) -> str:
    """The stream reports no usage unless it is asked to: what is counted are the texts."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    for _ in range(20):
        used += estimate(messages)
        if used > BUDGET:
            return SPENT
        text, calls = "", {}
        for chunk in client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS, stream=True):
            if chunk.usage:
                used += chunk.usage.total_tokens
            for choice in chunk.choices:
                text += choice.delta.content or ""
                for part in choice.delta.tool_calls or ():
                    assert part.function is not None
                    call = calls.setdefault(part.index, {"id": part.id, "name": part.function.name, "arguments": ""})
                    call["arguments"] += part.function.arguments or ""
        if not calls:
            return text
        wanted = [{"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in calls.values()]
        messages.append({"role": "assistant", "content": text, "tool_calls": wanted})
        messages += [{"role": "tool", "tool_call_id": c["id"], "content": get_order(**json.loads(c["arguments"]))} for c in calls.values()]
    return "I could not finish this."


SYSTEM: Any = [{"type": "text", "text": "You help customers of a shop.", "cache_control": {"type": "ephemeral"}}]


def claude_with_a_cache(question: str, with_cached: bool) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    for _ in range(20):
        if used + estimate([question, str(messages)]) > BUDGET:
            return SPENT
        answer = client.messages.create(model="claude-sonnet-4-6", system=SYSTEM, max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        used += answer.usage.input_tokens + answer.usage.output_tokens
        if with_cached:
            used += (answer.usage.cache_read_input_tokens or 0) + (answer.usage.cache_creation_input_tokens or 0)
        messages.append(
            {
                "role": "assistant",
                "content": [block.model_dump(include={"type", "text", "id", "name", "input"}) for block in answer.content],
            }
        )
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": get_order(**block.input)}  # type: ignore[arg-type]
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return "I could not finish this."


@labelled(FACTS, AR501="passed", AR508="failed")
def cached_tokens_are_forgotten(question: str) -> str:
    """They stand beside the input in the usage, and are no part of it."""
    return claude_with_a_cache(question, with_cached=False)


# --- kept --------------------------------------------------------------------------------------------------------------


class TokenBudgetExceededError(Exception):
    pass


class TokenBudget:
    """With an alarm at three quarters."""

    def __init__(self, total_budget: int, warning_threshold: float = 0.75) -> None:
        self.total = total_budget
        self.warning_threshold = warning_threshold
        self.used = 0

    def check(self, estimated_tokens: int) -> str:
        ratio = (self.used + estimated_tokens) / self.total
        if ratio > 1.0:
            return "EXCEEDED"
        return "WARNING" if ratio > self.warning_threshold else "OK"

    def consume(self, tokens_used: int) -> None:
        self.used += tokens_used
        if self.used > self.total:
            raise TokenBudgetExceededError(f"{self.used}/{self.total}")


def summarize_older_turns(client: openai.OpenAI, context: list[Any]) -> list[Any]:
    """System prompt, question and the last step stay; a model sums up what lies between."""
    head, older, recent = context[:2], context[2:-2], context[-2:]
    if not older:
        return context
    ask: list[Any] = [{"role": "user", "content": f"Summarize these steps in a few sentences:\n{json.dumps(older)}"}]
    summary = client.chat.completions.create(model="gpt-5.1-mini", messages=ask, max_tokens=300).choices[0].message.content
    return [*head, {"role": "user", "content": f"Summary of earlier steps: {summary}"}, *recent]


@labelled(FACTS, AR501="passed", AR502="passed", AR503="passed", AR505="passed", AR506="passed", AR507="passed", AR508="passed")
def the_budget_with_an_alarm(question: str) -> str:
    client = openai.OpenAI()
    budget = TokenBudget(BUDGET)
    context: list[Any] = [{"role": "system", "content": "You help customers of a shop."}, {"role": "user", "content": question}]
    for _ in range(25):
        status = budget.check(estimate(context))
        if status == "EXCEEDED":
            return "I've reached my context limit for this session. Please start a new conversation."
        if status == "WARNING":
            context = summarize_older_turns(client, context)
        response = client.chat.completions.create(model="gpt-5.1", messages=context, tools=CHAT_TOOLS)
        try:
            budget.consume(response.usage.total_tokens if response.usage else 0)
        except TokenBudgetExceededError:
            return "I've reached my limit for this session."
        message = response.choices[0].message
        context.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        context += answered(message.tool_calls)
    return "I could not finish this."


@labelled(FACTS, AR501="passed", AR502="passed", AR507="passed", AR508="passed")
def with_plain_http(question: str) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    with httpx.Client(base_url="https://api.openai.com/v1", headers={"authorization": "Bearer sk-test"}, timeout=60) as client:
        for _ in range(30):
            if used + estimate(messages) > BUDGET:
                return {"status": "stopped", "answer": f"{SPENT} ({used} tokens)"}
            body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT_TOOLS}
            answer = client.post("/chat/completions", json=body).raise_for_status().json()
            used += answer["usage"]["total_tokens"]
            message = answer["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                return {"status": "done", "answer": message["content"]}
            for call in message["tool_calls"]:
                result = get_order(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    return {"status": "stopped", "answer": "I could not finish this."}


@labelled(FACTS, AR501="passed", AR502="passed", AR507="passed", AR508="passed")
async def streamed_by_claude(question: str) -> AsyncIterator[str]:
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    while (
        used + (await client.messages.count_tokens(model="claude-sonnet-4-6", messages=messages, tools=CLAUDE_TOOLS)).input_tokens < BUDGET
    ):
        async with client.messages.stream(model="claude-sonnet-4-6", max_tokens=4096, messages=messages, tools=CLAUDE_TOOLS) as stream:
            async for text in stream.text_stream:
                yield text
            answer = await stream.get_final_message()
        used += answer.usage.input_tokens + answer.usage.output_tokens
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)} for call in calls]  # type: ignore[arg-type]
        messages.append({"role": "user", "content": results})
    yield SPENT


@labelled(FACTS, AR501="passed", AR503="failed", AR508="passed")
def streamed_with_usage(question: str) -> Iterator[str]:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    while used + estimate(messages) <= BUDGET:
        calls: dict[int, dict[str, str]] = {}
        chunks = client.chat.completions.create(
            model="gpt-5.1", messages=messages, tools=CHAT_TOOLS, stream=True, stream_options={"include_usage": True}
        )
        for chunk in chunks:
            used += chunk.usage.total_tokens if chunk.usage else 0
            for choice in chunk.choices:
                if choice.delta.content:
                    yield choice.delta.content
                for part in choice.delta.tool_calls or ():
                    assert part.function is not None
                    call = calls.setdefault(part.index, {"id": part.id or "", "name": part.function.name or "", "arguments": ""})
                    call["arguments"] += part.function.arguments or ""
        if not calls:
            return
        wanted = [{"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in calls.values()]
        messages.append({"role": "assistant", "content": None, "tool_calls": wanted})
        messages += [{"role": "tool", "tool_call_id": c["id"], "content": get_order(**json.loads(c["arguments"]))} for c in calls.values()]
    yield SPENT


@labelled(FACTS, AR501="passed", AR502="passed", AR508="passed")
def cached_tokens_are_counted(question: str) -> str:
    return claude_with_a_cache(question, with_cached=True)


@labelled(FACTS, AR501="passed", AR502="passed", AR507="passed", AR508="passed")
async def streamed_responses(question: str) -> str:
    client = openai.AsyncOpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    used = 0
    while used + estimate(items) < BUDGET:
        calls = []
        text = ""
        async for event in await client.responses.create(model="gpt-5.1", input=items, tools=RESPONSE_TOOLS, stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.completed":
                used += event.response.usage.total_tokens if event.response.usage else 0
                calls = [item for item in event.response.output if item.type == "function_call"]
        if not calls:
            return text
        items += [{"type": "function_call", "call_id": c.call_id, "name": c.name, "arguments": c.arguments} for c in calls]
        items += [{"type": "function_call_output", "call_id": c.call_id, "output": get_order(**json.loads(c.arguments))} for c in calls]
    return SPENT


@labelled({"backend": BACKEND, "token_budget": 30_000}, AR501="passed", AR502="passed", AR507="passed")
def streamed_with_a_cautious_estimate(question: str) -> Iterator[str]:
    """What the model says beside its calls is streamed to the user, and is not the answer; a token is taken for three characters."""
    client = anthropic.Anthropic()
    used, messages = 0, [{"role": "user", "content": question}]
    while used + len(json.dumps(messages)) // 3 <= 30_000:
        with client.messages.stream(model="claude-haiku-4-5", max_tokens=1024, messages=messages, tools=CLAUDE_TOOLS) as stream:  # type: ignore[arg-type]
            yield from stream.text_stream
            reply = stream.get_final_message()
        used += reply.usage.input_tokens + reply.usage.output_tokens
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return
        said: Any = [block.model_dump(include={"type", "text", "id", "name", "input"}) for block in reply.content]
        results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)} for call in calls]
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": results}]
    yield SPENT


def exactly(messages: list[Any], model: str) -> int:
    """As the providers' cookbooks count them."""
    import tiktoken

    encoding = tiktoken.encoding_for_model(model)
    return 3 + sum(
        4 + len(encoding.encode(str(message.get("content") or "") + str(message.get("tool_calls") or ""))) for message in messages
    )


@labelled(FACTS, AR501="passed", AR502="passed", AR508="passed", AR507="passed")
def counted_with_tiktoken(question: str) -> str:
    used, messages = 0, [{"role": "user", "content": question}]
    while used + exactly(messages, "gpt-4o") <= BUDGET:
        answer = openai.OpenAI().chat.completions.create(model="gpt-4o", messages=messages, tools=CHAT_TOOLS)  # type: ignore[call-overload]
        used += answer.usage.total_tokens
        message = answer.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return str(message.content)
        messages += answered(message.tool_calls)
    return SPENT


@labelled(FACTS, AR501="passed", AR502="passed", AR508="failed")
def counted_with_tiktoken_alone(question: str) -> str:
    used, messages = 0, [{"role": "user", "content": question}]
    while used + exactly(messages, "gpt-4") <= BUDGET:
        used += exactly(messages, "gpt-4")
        answer = openai.OpenAI().chat.completions.create(model="gpt-4", messages=messages, tools=CHAT_TOOLS)  # type: ignore[call-overload]
        message = answer.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return str(message.content)
        messages += answered(message.tool_calls)
    return SPENT


@dataclass
class Session:
    messages: list[Any] = field(default_factory=list)
    used: int = 0


SESSIONS: dict[str, Session] = {}


@labelled({"token_budget": BUDGET}, AR501="passed", AR502="passed", AR508="passed", AR507="passed")
def a_session_with_a_budget(message: str, session_id: str) -> str:
    session = SESSIONS.setdefault(session_id, Session())
    session.messages.append({"role": "user", "content": message})
    if session.used + estimate(session.messages) > BUDGET:
        return "This conversation has become too long. Please begin a new one."
    response = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=session.messages)
    session.used += response.usage.total_tokens if response.usage else 0
    session.messages.append({"role": "assistant", "content": response.choices[0].message.content})
    return response.choices[0].message.content or ""


@labelled({"token_budget": BUDGET}, AR501="not_applicable", AR502="not_applicable", AR503="not_applicable", AR508="not_applicable")
def one_question_one_answer(question: str) -> str:
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""


@labelled({"backend": BACKEND}, AR501="unproven", AR502="unproven", AR503="unproven", AR508="unproven")
def no_budget_is_declared(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return "I could not finish this."
