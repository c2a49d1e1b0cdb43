"""AR907: loops that put the user's words into the system prompt, beside those that put his id, a date or a page there."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai

from tests.corpus_loops import labelled

SYSTEM = "You are the assistant of a shop. Answer in two sentences."

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(AR907="failed")
def a_template_for_all(question: str) -> str:
    prompt = f"{SYSTEM}\n\nQuestion of the customer: {question}\nAnswer:"
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "system", "content": prompt}])
    return answer.choices[0].message.content or ""


@labelled(AR907="failed")
def the_role_developer(question: str) -> str:
    messages: list[Any] = [{"role": "developer", "content": f"{SYSTEM} The task: {question}"}, {"role": "user", "content": "Go on."}]
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""


@labelled(AR907="failed")
async def system_of_claude(question: str) -> str:
    answer = await anthropic.AsyncAnthropic().messages.create(
        model="claude-sonnet-4-6",
        max_tokens=800,
        system=[{"type": "text", "text": SYSTEM}, {"type": "text", "text": f"The user wants: {question.strip()}"}],
        messages=[{"role": "user", "content": question}],
    )
    return "".join(block.text for block in answer.content if block.type == "text")


@labelled(AR907="failed")
def instructions_of_responses(question: str) -> Iterator[str]:
    stream = openai.OpenAI().responses.create(
        model="gpt-5.1", instructions=f"{SYSTEM} Focus on: {question}", input="Answer the question.", stream=True
    )
    for event in stream:
        if event.type == "response.output_text.delta":
            yield event.delta


HISTORY: list[str] = []


@labelled(AR907="failed")
def the_history_in_the_system_prompt(question: str) -> str:
    """The second turn shows it."""
    system = SYSTEM + "".join(f"\n- {line}" for line in HISTORY)
    body = {"model": "gpt-5.1", "messages": [{"role": "system", "content": system}, {"role": "user", "content": question}]}
    answer = httpx.post("https://api.openai.com/v1/chat/completions", json=body, timeout=30).json()["choices"][0]["message"]["content"]
    HISTORY.extend([f"Customer: {question}", f"You: {answer}"])
    return str(answer)


@labelled(AR907="failed")
def a_router_before_it(question: str) -> str:
    """The loop itself is in order; the call that chooses its model is not."""
    client = openai.OpenAI()
    route = client.chat.completions.create(
        model="gpt-5.1-mini", messages=[{"role": "system", "content": f"Say easy or hard: {question}"}, {"role": "user", "content": "?"}]
    )
    model = "gpt-5.1" if "hard" in (route.choices[0].message.content or "") else "gpt-5.1-mini"
    messages: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    return client.chat.completions.create(model=model, messages=messages).choices[0].message.content or ""


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(AR907="passed")
def ids_and_a_date(question: str, user_id: str = "u-7", session_id: str = "s-1") -> str:
    today = datetime.date.today().isoformat()
    messages: list[Any] = [
        {"role": "system", "content": f"{SYSTEM} It is {today}. You talk to the customer {user_id} (session {session_id})."},
        {"role": "user", "content": question},
    ]
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""


@labelled(AR907="passed")
def one_message_of_the_user(question: str) -> str:
    """All in one, and all in the role of the user."""
    answer = anthropic.Anthropic().messages.create(
        model="claude-sonnet-4-6", max_tokens=800, messages=[{"role": "user", "content": f"{SYSTEM}\n\n{question}"}]
    )
    return "".join(block.text for block in answer.content if block.type == "text")


TURNS: list[Any] = []


@labelled(AR907="passed")
def the_history_as_messages(question: str) -> str:
    TURNS.append({"role": "user", "content": question})
    answer = openai.OpenAI().responses.create(model="gpt-5.1", instructions=SYSTEM, input=list(TURNS))
    TURNS.append({"role": "assistant", "content": answer.output_text})
    return answer.output_text


@labelled(AR907="passed")
def a_list_of_messages(messages: list[dict[str, str]]) -> str:
    given: list[Any] = [{"role": "system", "content": SYSTEM}, *messages]
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=given).choices[0].message.content or ""


@labelled(AR907="unproven")
def a_nightly_report() -> str:
    """Nobody says anything to it."""
    messages: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Write the report of today."}]
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""


@labelled({"args": {"locale": "en"}, "prompt": "subject"}, AR907="unproven")
def a_text_that_is_looked_up(subject: str, locale: str) -> str:
    """What the user types is a key, and does not reach the model."""
    known = {"orders": "Where are the orders?"}.get(subject, "What do customers ask?")
    answer = openai.OpenAI().responses.create(model="gpt-5.1", instructions=f"{SYSTEM} Language: {locale}", input=known)
    return answer.output_text
