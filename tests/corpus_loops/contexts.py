"""AR503 to AR506: contexts that grow until they overflow, that are tidied up well or badly, and that summarise themselves to death."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai

from tests.corpus_loops import labelled
from tests.corpus_loops.endless_loop import BACKEND, CHAT_TOOLS, CLAUDE_TOOLS, RESPONSE_TOOLS, get_order
from tests.corpus_loops.token_budgets import answered, estimate

WINDOW = 16_000
FACTS = {"backend": BACKEND, "context_window": WINDOW}
RULES = "You are the support agent of a shop. Never promise a refund. Never name another customer's order."
STOPPED = "I could not finish this."


def asked(messages: list[Any], model: str = "gpt-5.1") -> Any:
    return openai.OpenAI().chat.completions.create(model=model, messages=messages, tools=CHAT_TOOLS).choices[0].message


def summed_up(messages: Any) -> str:
    ask: list[Any] = [{"role": "user", "content": f"Summarise this conversation briefly:\n{json.dumps(messages, default=str)}"}]
    return openai.OpenAI().chat.completions.create(model="gpt-5.1-mini", messages=ask).choices[0].message.content or ""


def results_of(answer: Any) -> list[Any]:
    calls = [block for block in answer.content if block.type == "tool_use"]
    return [{"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)} for call in calls]


# --- nothing is ever taken out -----------------------------------------------------------------------------------------


@labelled(FACTS, AR503="failed", AR504="failed", AR505="not_applicable", AR506="not_applicable")
async def all_of_it_to_claude(question: str) -> str:
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = await client.messages.create(
            model="claude-sonnet-4-6", system=RULES, max_tokens=1024, messages=messages, tools=CLAUDE_TOOLS
        )
        messages.append({"role": "assistant", "content": answer.content})
        if not (results := results_of(answer)):
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return STOPPED


@labelled(FACTS, AR503="failed", AR504="failed")
def kept_by_the_provider(question: str) -> str:
    """The conversation is the provider's, and grows there."""
    client = openai.OpenAI()
    answer = client.responses.create(model="gpt-5.1", instructions=RULES, input=question, tools=RESPONSE_TOOLS)
    for _ in range(10):
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        outputs: list[Any] = [
            {"type": "function_call_output", "call_id": c.call_id, "output": get_order(**json.loads(c.arguments))} for c in calls
        ]
        answer = client.responses.create(
            model="gpt-5.1", instructions=RULES, input=outputs, tools=RESPONSE_TOOLS, previous_response_id=answer.id
        )
    return STOPPED


@labelled(FACTS, AR503="not_applicable", AR504="not_applicable")
def cut_by_the_provider(question: str) -> str:
    """It is asked to leave out what is too long."""
    client = openai.OpenAI()
    answer = client.responses.create(model="gpt-5.1", input=question, tools=RESPONSE_TOOLS, truncation="auto")
    for _ in range(10):
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        outputs: list[Any] = [
            {"type": "function_call_output", "call_id": c.call_id, "output": get_order(**json.loads(c.arguments))} for c in calls
        ]
        answer = client.responses.create(
            model="gpt-5.1", input=outputs, tools=RESPONSE_TOOLS, previous_response_id=answer.id, truncation="auto"
        )
    return STOPPED


HISTORIES: dict[str, list[Any]] = {}


@labelled({"context_window": WINDOW}, AR503="failed", AR504="failed", AR505="not_applicable")
def a_chat_that_remembers_everything(message: str, session_id: str = "default") -> str:
    history = HISTORIES.setdefault(session_id, [{"role": "system", "content": RULES}])
    history.append({"role": "user", "content": message})
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=history).choices[0].message.content
    history.append({"role": "assistant", "content": answer})
    return answer or ""


@labelled(FACTS, AR503="failed", AR504="passed")
def it_says_that_it_is_too_long(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    with httpx.Client(base_url="https://api.openai.com/v1", headers={"authorization": "Bearer sk-test"}, timeout=60) as client:
        for _ in range(10):
            response = client.post("/chat/completions", json={"model": "gpt-5.1", "messages": messages, "tools": CHAT_TOOLS})
            if response.status_code == 400 and response.json()["error"]["code"] == "context_length_exceeded":
                return "This conversation has become too long for me."
            message = response.raise_for_status().json()["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                return str(message["content"])
            for call in message["tool_calls"]:
                result = get_order(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    return STOPPED


@labelled(FACTS, AR503="failed", AR504="passed")
def a_model_with_a_larger_window(question: str) -> str:
    """The same prompt goes to another model."""
    client = openai.OpenAI()
    model = "gpt-5.1-mini"
    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    for _ in range(10):
        try:
            message = client.chat.completions.create(model=model, messages=messages, tools=CHAT_TOOLS).choices[0].message
        except openai.BadRequestError as error:
            if error.code != "context_length_exceeded" or model == "gpt-5.1-long":
                raise
            model = "gpt-5.1-long"
            continue
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


@labelled(FACTS, AR504="passed", AR507="passed")
def it_stops_before_the_end(question: str) -> str:
    """Nobody handles an overflow, for there is none."""
    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    for _ in range(10):
        if estimate(messages) > WINDOW:
            return "This conversation has become too long for me."
        message = asked(messages)
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


@labelled({"backend": BACKEND}, AR504="failed")
def nobody_knows_the_window(question: str) -> str:
    """It keeps the last steps alone, and may well be too long all the same."""
    head: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    recent: list[Any] = []
    for _ in range(10):
        message = asked(head + recent)
        if not message.tool_calls:
            return message.content or ""
        recent = [*recent, message.model_dump(exclude_none=True), *answered(message.tool_calls)][-12:]
    return STOPPED


# --- tidied up badly ---------------------------------------------------------------------------------------------------


@labelled(FACTS, AR503="passed", AR505="failed")
def the_last_six_messages(question: str) -> str:
    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    for _ in range(12):
        message = asked(messages[-6:])
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


@labelled(FACTS, AR503="passed", AR505="failed")
def a_summary_in_the_place_of_everything(question: str) -> str:
    """The system prompt goes with it."""
    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    for _ in range(12):
        if estimate(messages) > 0.7 * WINDOW:
            messages = [{"role": "user", "content": f"Continue from this summary: {summed_up(messages)}"}]
        message = asked(messages)
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


@labelled(FACTS, AR503="passed", AR504="passed", AR505="failed")
def the_question_is_not_handed_over(question: str) -> str:
    """The rules stay, and what is summed up begins behind the question."""
    head: list[Any] = [{"role": "system", "content": RULES}]
    messages: list[Any] = [{"role": "user", "content": question}]
    steps = 0
    while steps < 12:
        steps += 1
        if estimate(messages) > 0.7 * WINDOW:
            messages = [{"role": "user", "content": f"Summary of the work so far: {summed_up(messages[1:])}"}]
        try:
            message = asked(head + messages)
        except openai.BadRequestError:
            return "This conversation has become too long for me."
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


@labelled(FACTS, AR506="failed")
def the_summary_is_summarised(question: str) -> str:
    """What asks for a summary is itself too long, and is summarised first."""

    def fitting(messages: list[Any], depth: int = 0) -> list[Any]:
        if estimate(messages) < 0.45 * WINDOW or depth > 30:
            return messages
        talk = "\n".join(str(message["content"]) for message in messages)
        ask = fitting([{"role": "user", "content": f"Summarise: {talk}"}], depth + 1)
        summary = openai.OpenAI().chat.completions.create(model="gpt-5.1-mini", messages=ask).choices[0].message.content
        return [*messages[:2], {"role": "user", "content": f"So far: {summary}"}]

    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    for _ in range(16):
        messages = fitting(messages)
        message = asked(messages)
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


# --- tidied up well ----------------------------------------------------------------------------------------------------


@labelled(FACTS, AR503="passed", AR504="passed", AR505="passed", AR506="passed")
def summed_up_and_gone_on(question: str) -> str:
    head: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    recent: list[Any] = []
    for _ in range(14):
        if estimate(head + recent) > 0.75 * WINDOW:
            summary = summed_up([*head[1:], *recent[:-4]])
            recent = [{"role": "user", "content": f"What has been done so far: {summary}"}, *recent[-4:]]
        try:
            message = asked(head + recent)
        except openai.BadRequestError as error:
            if error.code != "context_length_exceeded":
                raise
            recent = recent[-2:]
            continue
        recent.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        recent += answered(message.tool_calls)
    return STOPPED


@labelled(FACTS, AR503="passed", AR505="passed", AR506="not_applicable")
def old_results_are_cleared(question: str) -> str:
    """As it is done where results are what is long: the calls stay, and what came of the old ones goes."""
    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    for _ in range(12):
        if estimate(messages) > 0.7 * WINDOW:
            for old in messages[2:-2]:
                if old["role"] == "tool":
                    old["content"] = "[cleared]"
                else:
                    old["content"] = (old.get("content") or "")[:40]
        message = asked(messages)
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


@labelled({"context_window": WINDOW}, AR503="passed", AR504="passed", AR505="passed", AR506="not_applicable")
def a_chat_with_a_window(message: str, session_id: str) -> str:
    """The oldest turns go first; the question is the one that is asked now."""
    history = HISTORIES.setdefault(session_id, [])
    history.append({"role": "user", "content": message})
    while len(history) > 2 and estimate(history) > 0.7 * WINDOW:
        del history[:2]
    answer = anthropic.Anthropic().messages.create(model="claude-sonnet-4-6", system=RULES, max_tokens=1024, messages=history)
    text = "".join(block.text for block in answer.content if block.type == "text")
    history.append({"role": "assistant", "content": text})
    return text


STORE: dict[str, list[Any]] = {}


@labelled(FACTS, AR503="passed", AR505="passed")
def tidied_up_between_the_turns(message: str, session_id: str) -> str:
    """Within one turn a few steps cannot fill the window; over the turns they would."""
    history = STORE.setdefault(session_id, [])
    while len(history) > 2 and estimate(history) > 0.6 * WINDOW:
        history.pop(0)
    messages: list[Any] = [{"role": "system", "content": RULES}, *history, {"role": "user", "content": message}]
    for _ in range(5):
        answer = asked(messages)
        messages.append(answer.model_dump(exclude_none=True))
        if not answer.tool_calls:
            history += [{"role": "user", "content": message}, {"role": "assistant", "content": answer.content}]
            return answer.content or ""
        messages += answered(answer.tool_calls)
    return STOPPED


@labelled(FACTS, AR503="passed", AR504="passed", AR505="passed")
def claude_with_less(question: str) -> str:
    client = anthropic.Anthropic()
    question_first: list[Any] = [{"role": "user", "content": question}]
    steps: list[list[Any]] = []
    for _ in range(12):
        while len(steps) > 1 and estimate([step[0]["content"][0].model_dump() for step in steps]) > 0.6 * WINDOW:
            steps.pop(0)
        messages = question_first + [message for step in steps for message in step]
        try:
            with client.messages.stream(
                model="claude-sonnet-4-6", system=RULES, max_tokens=1024, messages=messages, tools=CLAUDE_TOOLS
            ) as stream:
                answer = stream.get_final_message()
        except anthropic.BadRequestError as error:
            if "too long" not in str(error) or not steps:
                raise
            steps = steps[len(steps) // 2 + 1 :]
            continue
        if not (results := results_of(answer)):
            return "".join(block.text for block in answer.content if block.type == "text")
        steps.append([{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}])
    return STOPPED


@labelled({"backend": BACKEND, "context_window": 200_000}, AR503="unproven", AR504="failed")
def two_steps_and_no_memory(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(2):
        message = asked(messages)
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


# --- where the mark is, and what is asked beside -----------------------------------------------------------------------


@labelled({"backend": BACKEND, "context_window": 32_000, "token_budget": 40_000}, AR503="passed", AR505="failed")
def the_last_ten_messages_of_a_short_budget(question: str) -> str:
    """The system prompt is the first that goes, and nothing else has by the time the budget is spent."""
    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    used = 0
    while used + estimate(messages[-10:]) <= 40_000:
        used += estimate(messages[-10:])
        message = asked(messages[-10:])
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return STOPPED


@labelled(FACTS, AR503="passed", AR506="failed")
def summed_up_by_all_that_was_ever_used(question: str) -> str:
    """What has been used never gets less: from then on each step is preceded by a summary."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    for _ in range(30):
        if used > 0.7 * WINDOW:
            ask = f"The task: {question}\nSum up what was done so far:\n{json.dumps(messages, default=str)}"
            minutes = client.messages.create(model="claude-haiku-4-5", max_tokens=2000, messages=[{"role": "user", "content": ask}])
            used += minutes.usage.input_tokens + minutes.usage.output_tokens
            messages = [{"role": "user", "content": f"{question}\n\nDone so far: {minutes.content[0].text}"}]  # type: ignore[union-attr]
        answer = client.messages.create(model="claude-sonnet-4-6", system=RULES, max_tokens=1024, messages=messages, tools=CLAUDE_TOOLS)
        used += answer.usage.input_tokens + answer.usage.output_tokens
        messages.append({"role": "assistant", "content": [block.model_dump() for block in answer.content]})
        if not (results := results_of(answer)):
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return STOPPED


@labelled(FACTS, AR503="passed", AR505="passed", AR506="passed")
def a_tool_that_asks_a_model_by_itself(question: str) -> str:
    """It classifies what it has read, in each step; the minutes are something else."""

    def urgent(order: str) -> str:
        ask: list[Any] = [
            {"role": "system", "content": "Is this urgent? Answer with one word."},
            {"role": "user", "content": f"<order>{order}</order>"},
        ]
        return openai.OpenAI().chat.completions.create(model="gpt-5.1-mini", messages=ask).choices[0].message.content or ""

    head: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    log: list[Any] = []
    for _ in range(30):
        if estimate(log) > 0.6 * WINDOW:
            ask: list[Any] = [
                {"role": "system", "content": "You take the minutes of a support case."},
                {"role": "user", "content": f"{question}\n```\n{json.dumps(log)}\n```"},
            ]
            minutes = openai.OpenAI().chat.completions.create(model="gpt-5.1-mini", messages=ask).choices[0].message.content
            log = [{"role": "assistant", "content": f"Minutes: {minutes}"}]
        message = asked(head + log)
        log.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        log += [{**answer, "content": f"urgent: {urgent(answer['content'])}"} for answer in answered(message.tool_calls)]
    return STOPPED


@labelled({"backend": BACKEND, "context_window": 32_000, "token_budget": 50_000}, AR503="failed", AR504="failed")
def its_budget_ends_it_first(question: str) -> str:
    """In these conversations: in one that began with less left of the window it would not."""
    used = 0
    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    while used < 50_000:
        response = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS)
        used += response.usage.total_tokens if response.usage else 0
        if not (calls := response.choices[0].message.tool_calls):
            return response.choices[0].message.content or ""
        messages += [{"role": "assistant", "content": f"I looked it up: {answer['content']}"} for answer in answered(calls)]
        messages.append({"role": "user", "content": "Go on."})
    return STOPPED


@labelled({"backend": BACKEND, "context_window": 20_000, "token_budget": 32_000}, AR503="passed", AR504="passed", AR505="passed")
def the_window_is_kept_and_the_budget_ends_it_first(question: str) -> str:
    """The provider counts the prompt, and what is too much for its window goes; three of them are the whole budget."""
    client = anthropic.Anthropic()
    steps: list[list[Any]] = []
    used = 0

    def prompt() -> list[Any]:
        return [{"role": "user", "content": question}, *(message for step in steps for message in step)]

    def size() -> int:
        return client.messages.count_tokens(model="claude-sonnet-4-6", system=RULES, messages=prompt(), tools=CLAUDE_TOOLS).input_tokens

    for _ in range(12):
        while size() > 0.7 * 20_000 and len(steps) > 1:
            del steps[0]
        if used + size() + 800 > 32_000:
            return "What this conversation may use is used up."
        answer = client.messages.create(model="claude-sonnet-4-6", system=RULES, max_tokens=800, messages=prompt(), tools=CLAUDE_TOOLS)
        used += answer.usage.input_tokens + answer.usage.output_tokens
        if not (results := results_of(answer)):
            return "".join(block.text for block in answer.content if block.type == "text")
        steps.append([{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}])
    return STOPPED


PAST: dict[str, list[str]] = {}


@labelled({"backend": BACKEND, "token_budget": 25_000}, AR503="failed")
def the_past_is_one_text_that_only_grows(message: str, session_id: str) -> str:
    """An answer that became too long is not kept; that makes no room."""
    past = PAST.setdefault(session_id, [])
    instructions = f"{RULES}\n\nThe conversation so far:\n" + "\n".join(past)
    past.append(f"Customer: {message}")
    items: Any = [{"role": "user", "content": message}]
    for _ in range(15):
        response = openai.OpenAI().responses.create(model="gpt-5.1", instructions=instructions, input=items, tools=RESPONSE_TOOLS)
        if response.usage and response.usage.total_tokens > 25_000:
            return "That is too much for me, sorry."
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            past.append(f"Agent: {response.output_text}")
            return response.output_text
        items += [item.model_dump(exclude_none=True) for item in response.output]
        items += [{"type": "function_call_output", "call_id": c.call_id, "output": get_order(**json.loads(c.arguments))} for c in calls]
    return STOPPED


@labelled({"backend": BACKEND, "context_window": 12_000, "token_budget": 15_000}, AR503="passed", AR504="failed")
def results_that_are_alike_are_cleared(question: str) -> Iterator[str]:
    """They are all alike, and short; what the model says stays."""
    messages: list[Any] = [{"role": "system", "content": RULES}, {"role": "user", "content": question}]
    used = 0
    while used < 15_000:
        for old in [message for message in messages if message["role"] == "tool"][:-2]:
            old["content"] = "(old)"
        response = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS)
        used += response.usage.total_tokens if response.usage else 0
        message = response.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            yield message.content or ""
            return
        messages += answered(message.tool_calls)
    yield STOPPED
