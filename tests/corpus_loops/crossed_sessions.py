"""AR710: loops in which one user's words reach another, beside those that keep them apart, or share what is everybody's."""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import anthropic
import httpx
import openai
import requests
from pydantic import BaseModel

from tests.corpus_loops import labelled

FACTS = {
    "backend": {
        "GET https://api.example.com/users/{user}/account": {"balance": 12.5, "note": "paid by card"},
        "GET https://api.example.com/account": {"balance": 12.5, "note": "paid by card"},
        "GET https://weather.example.com/now": {"text": "sunny"},
    }
}
NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
CHAT_TOOLS: list[Any] = [{"type": "function", "function": {"name": "get_account", "description": "Account.", "parameters": NO_ARGUMENTS}}]
CLAUDE_TOOLS: list[Any] = [{"name": "get_account", "description": "The account of this user.", "input_schema": NO_ARGUMENTS}]


def get_account(user_id: str) -> str:
    return requests.get(f"https://api.example.com/users/{user_id}/account", timeout=5).text


def answered(messages: list[Any], user_id: str) -> str:
    """A loop that keeps nothing."""
    client = openai.OpenAI()
    for _ in range(6):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += [{"role": "tool", "tool_call_id": call.id, "content": get_account(user_id)} for call in message.tool_calls]
    return "That took too many steps."


# --- the fault ---------------------------------------------------------------------------------------------------------

HISTORY: list[Any] = [{"role": "system", "content": "You help customers."}]


@labelled(AR710="failed")
def a_history_in_the_module(question: str) -> str:
    """It is not told who asks."""
    HISTORY.append({"role": "user", "content": question})
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=HISTORY).choices[0].message
    HISTORY.append({"role": "assistant", "content": answer.content})
    return answer.content or ""


class SupportAgent:
    def __init__(self) -> None:
        self.client = anthropic.AsyncAnthropic(api_key="sk-ant-test")
        self.messages: list[Any] = []
        self.user_id = ""

    async def run(self, user_id: str, question: str) -> str:
        self.messages.append({"role": "user", "content": question})
        answer = await self.client.messages.create(model="claude-sonnet-4-6", max_tokens=500, messages=self.messages)
        text = "".join(block.text for block in answer.content if block.type == "text")
        self.messages.append({"role": "assistant", "content": text})
        return text


AGENT = SupportAgent()
labelled(AR710="failed")(AGENT.run)


@labelled(AR710="failed")
async def a_handler_before_one_agent(user_id: str, message: str) -> str:
    return await AGENT.run(user_id, message)


ANSWERS: dict[str, str] = {}


@labelled(FACTS, AR710="failed")
def a_cache_of_answers(user_id: str, question: str) -> str:
    """Keyed by the question alone, though the answer comes from the user's account."""
    if question not in ANSWERS:
        ANSWERS[question] = answered([{"role": "user", "content": question}], user_id)
    return ANSWERS[question]


@functools.lru_cache
def account_of_whoever() -> str:
    return get_account(current["user"])


current = {"user": ""}


@labelled(FACTS, AR710="failed")
def a_cache_of_a_tool(user_id: str, question: str) -> str:
    current["user"] = user_id
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": account_of_whoever()} for call in calls]
        messages.append({"role": "user", "content": results})
    return "That took too many steps."


CURRENT_USER = ""


@labelled(FACTS, AR710="failed")
def a_global_for_the_current_user(user_id: str, question: str) -> str:
    """One after the other all is well."""
    global CURRENT_USER
    CURRENT_USER = user_id
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += [{"role": "tool", "tool_call_id": call.id, "content": get_account(CURRENT_USER)} for call in message.tool_calls]
    return "That took too many steps."


@labelled(FACTS, AR710="failed")
async def a_header_on_the_shared_client(user_id: str, session_id: str, message: str) -> AsyncIterator[str]:
    """At the same time only, in two tasks."""
    SHARED["X-User"] = user_id
    client = openai.AsyncOpenAI()
    messages: list[Any] = [{"role": "user", "content": message}]
    for _ in range(6):
        answer: Any = (await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS)).choices[0].message
        messages.append(answer)
        if not answer.tool_calls:
            yield answer.content or ""
            return
        async with httpx.AsyncClient(timeout=5) as http:
            for call in answer.tool_calls:
                account = await http.get("https://api.example.com/account", headers=SHARED)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": account.text})


SHARED: dict[str, str] = {}
TURNS: list[Any] = []


@labelled(AR710="failed")
def a_list_that_each_call_empties(text: str) -> str:
    """One after the other each call begins anew; at the same time they write to one list."""
    TURNS.clear()
    TURNS.append({"role": "user", "content": text})
    with httpx.Client(timeout=30) as client:
        client.get("https://weather.example.com/now")
        answer = client.post("https://api.openai.com/v1/chat/completions", json={"model": "gpt-5.1", "messages": TURNS}).json()
    return str(answer["choices"][0]["message"]["content"])


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR710="passed")
def nothing_is_kept(user_id: str, question: str) -> str:
    return answered([{"role": "system", "content": f"You help {user_id}."}, {"role": "user", "content": question}], user_id)


HISTORIES: dict[str, list[Any]] = {}


@labelled(FACTS, AR710="passed")
def a_history_for_each_session(session_id: str, user_id: str, question: str) -> str:
    history = HISTORIES.setdefault(session_id, [{"role": "system", "content": "You help customers."}])
    history.append({"role": "user", "content": question})
    return answered(history, user_id)


PREVIOUS: dict[str, str] = {}


@labelled(AR710="passed")
def a_conversation_that_the_provider_keeps(conversation_id: str, question: str) -> str:
    more: dict[str, Any] = {"previous_response_id": PREVIOUS[conversation_id]} if conversation_id in PREVIOUS else {}
    answer = openai.OpenAI().responses.create(model="gpt-5.1", input=question, **more)
    PREVIOUS[conversation_id] = answer.id
    return answer.output_text


@labelled(FACTS, AR710="passed")
def a_cache_under_the_user(user_id: str, question: str) -> str:
    key = f"{user_id}:{question}"
    if key not in ANSWERS:
        ANSWERS[key] = answered([{"role": "user", "content": question}], user_id)
    return ANSWERS[key]


USER: ContextVar[str] = ContextVar("USER")


@labelled(FACTS, AR710="passed")
async def the_user_in_the_context(user_id: str, question: str) -> str:
    USER.set(user_id)
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        answer = await client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        accounts = await asyncio.gather(*(asyncio.to_thread(get_account, USER.get()) for _ in calls))
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": account} for call, account in zip(calls, accounts, strict=True)
        ]
        messages.append({"role": "user", "content": results})
    return "That took too many steps."


@functools.lru_cache
def weather() -> str:
    return httpx.get("https://weather.example.com/now", timeout=5).text


@labelled(FACTS, AR710="passed")
def a_cache_of_what_is_everybodys(user_id: str, question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "system", "content": f"The user is {user_id}."}, {"role": "user", "content": question}]
    for _ in range(6):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += [{"role": "tool", "tool_call_id": call.id, "content": json.dumps({"text": weather()})} for call in message.tool_calls]
    return "That took too many steps."


@labelled(AR710="passed")
@functools.lru_cache
def the_same_answer_for_the_same_question(question: str) -> str:
    """It knows nothing of its users that an answer could give away."""
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""


@labelled(AR710="passed")
def the_history_comes_with_the_request(messages: list[dict[str, Any]]) -> dict[str, Any]:
    answer: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages)  # type: ignore[arg-type]
    return {"role": "assistant", "content": answer.choices[0].message.content}


class Conversation:
    """One user's, as long as it lives."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def ask(self, question: str) -> str:
        self.messages.append({"role": "user", "content": question})
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=self.messages).choices[0].message
        self.messages.append({"role": "assistant", "content": answer.content})
        return answer.content or ""


labelled({"call": lambda question: Conversation().ask(question)}, AR710="passed")(Conversation.ask)


# --- what cannot be seen -----------------------------------------------------------------------------------------------

labelled(AR710="unproven")(Conversation().ask)


@labelled(AR710="unproven")
def only_known_users(user_id: str, question: str) -> str:
    """It answers nobody whom it does not know."""
    if user_id not in ("user-1", "user-2"):
        return "Please sign in."
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""


# --- loops that run programs, and loops that have to call a tool to answer ---------------------------------------------------

COMMAND: dict[str, Any] = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
SHELL: list[Any] = [{"name": "run_command", "description": "Runs a line of the shell.", "input_schema": COMMAND}]
TRANSCRIPT: list[Any] = []


def coded(messages: list[Any]) -> str:
    client = anthropic.Anthropic()
    for _ in range(8):
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=SHELL)
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = []
        for block in answer.content:
            if block.type == "tool_use":
                done = subprocess.run(str(block.input.get("command")), shell=True, capture_output=True, text=True, timeout=60, check=False)
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": done.stdout or f"exit code {done.returncode}"})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return "That took too many steps."


@labelled(AR710="passed")
def programs_for_each_question(prompt: str) -> str:
    return coded([{"role": "user", "content": prompt}])


@labelled(AR710="failed")
def programs_and_one_transcript(prompt: str) -> str:
    TRANSCRIPT.append({"role": "user", "content": prompt})
    return coded(TRANSCRIPT)


class FinalAnswer(BaseModel):
    """What the user gets to read."""

    answer: str


class LookUp(BaseModel):
    """Looks something up in the account."""

    what: str


ASKED: list[str] = []


def by_a_call(question: str) -> str:
    """The model has to call a tool in each answer; the last one carries the answer."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    tools: list[Any] = [openai.pydantic_function_tool(kind) for kind in (LookUp, FinalAnswer)]
    for _ in range(6):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=tools, tool_choice="required")  # type: ignore[call-overload]
        call = (answer.choices[0].message.tool_calls or [None])[0]
        if call is None:
            raise RuntimeError("no call in this answer, which cannot be")
        if call.function.name == "FinalAnswer":
            return FinalAnswer.model_validate_json(call.function.arguments).answer
        messages.append({"role": "assistant", "tool_calls": [call.model_dump()]})  # type: ignore[dict-item]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "nothing found"})
    return "That took too many steps."


@labelled(AR710="passed", AR902="not_applicable")
def it_answers_by_a_call(question: str) -> str:
    return by_a_call(question)


@labelled(AR710="failed")
def it_answers_by_a_call_and_keeps_the_questions(question: str) -> str:
    ASKED.append(question)
    return by_a_call("\n".join(ASKED))
