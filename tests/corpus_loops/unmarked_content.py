"""AR903: loops that mix what they fetch with the words of the user or the system, beside those that say what it is."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import psycopg
import requests

from pytest_agentready import Response
from tests.corpus_loops import labelled

SEARCH = "https://search.example.com/v1/query"
HITS = {"matches": [{"id": "a1", "score": 0.93, "metadata": {"text": "Parcels can be returned within 30 days of their arrival."}}]}
PAGE = "<html><body><h1>Returns</h1><p>Parcels can be returned within 30 days.</p></body></html>"
BACKEND: dict[str, Any] = {
    "POST https://search.example.com/v1/query": HITS,
    "GET https://api.example.com/orders/{id}": {"id": "42", "status": "shipped", "note": "left with the neighbour at number 12"},
    "GET https://www.example.com/returns": Response(body=PAGE, content_type="text/html"),
    "postgresql://db.internal/help": [{"body": "Parcels can be returned within 30 days of their arrival."}],
    "GET https://api.example.com/customers/7": {"name": "Ada Lovelace", "plan": "gold"},
}
FACTS = {"backend": BACKEND}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": PARAMETERS}}
]
CLAUDE_TOOLS: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": PARAMETERS}]


def found(question: str) -> str:
    matches = requests.post(SEARCH, json={"text": question, "top_k": 4}, timeout=5).json()["matches"]
    return "\n\n".join(match["metadata"]["text"] for match in matches)


def asked(*messages: Any) -> str:
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=list(messages)).choices[0].message.content or ""


def get_order(order_id: str) -> dict[str, Any]:
    return dict(httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5).json())


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR903="failed")
def retrieval_among_the_users_words(question: str) -> str:
    return asked({"role": "user", "content": f"{found(question)}\n\n{question}"})


@labelled(FACTS, AR903="failed")
def retrieval_in_the_system_prompt(question: str) -> str:
    """A label without an end: the rest of the system prompt may be anybody's."""
    return asked(
        {"role": "system", "content": f"You help customers. Use the following context:\n{found(question)}"},
        {"role": "user", "content": question},
    )


@labelled(FACTS, AR903="failed")
async def rows_in_claudes_system_prompt(question: str) -> str:
    async with await psycopg.AsyncConnection.connect("postgresql://app@db.internal/help", connect_timeout=5) as database:
        rows = await (await database.execute("SELECT body FROM articles")).fetchall()
    answer = await anthropic.AsyncAnthropic().messages.create(
        model="claude-sonnet-4-6",
        max_tokens=800,
        system=f"You help customers. {rows[0][0]}",
        messages=[{"role": "user", "content": question}],
    )
    return "".join(block.text for block in answer.content if block.type == "text")


@labelled(FACTS, AR903="failed")
def a_page_as_it_is(question: str) -> str:
    """The tags are the page's own, and mark nothing."""
    page = httpx.get("https://www.example.com/returns", timeout=5).text
    body = {"model": "gpt-5.1", "messages": [{"role": "user", "content": f"{question}\n{page}"}]}
    answer = httpx.post("https://api.openai.com/v1/chat/completions", json=body, timeout=30).json()
    return str(answer["choices"][0]["message"]["content"])


@labelled(FACTS, AR903="failed")
def tool_output_as_the_user(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            order = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "user", "content": f"It is {order['status']}, {order['note']}."})
    return "I could not finish this."


@labelled(FACTS, AR903="failed")
def tool_output_as_the_assistant(question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        orders = [get_order(**call.input) for call in calls]  # type: ignore[arg-type]
        messages.append({"role": "assistant", "content": " ".join(f"The order is {order['status']}: {order['note']}" for order in orders)})
        messages.append({"role": "user", "content": "Go on."})
    return "I could not finish this."


@labelled(AR903="failed")
def documents_of_this_machine(question: str) -> str:
    documents = [path.read_text() for path in sorted((Path(__file__).parent / "documents").glob("*.md"))]
    return asked({"role": "system", "content": "You help customers.\n" + "\n".join(documents)}, {"role": "user", "content": question})


@labelled(AR903="failed")
def rows_of_sqlite(question: str) -> str:
    with sqlite3.connect(Path(__file__).parent / "documents" / "tickets.db") as tickets:
        rows = tickets.execute("SELECT body FROM tickets").fetchall()
    return asked({"role": "user", "content": "\n".join([*(body for (body,) in rows), question])})


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR903="passed")
def retrieval_between_tags(question: str) -> str:
    return asked(
        {"role": "system", "content": f"Answer from the documents.\n<documents>\n{found(question)}\n</documents>"},
        {"role": "user", "content": question},
    )


@labelled(FACTS, AR903="passed")
def retrieval_in_a_fence(question: str) -> str:
    return asked({"role": "user", "content": f"{question}\n\n```\n{found(question)}\n```"})


def to_claude(*blocks: Any) -> str:
    answer = anthropic.Anthropic().messages.create(
        model="claude-sonnet-4-6", max_tokens=500, messages=[{"role": "user", "content": list(blocks)}]
    )
    return "".join(block.text for block in answer.content if block.type == "text")


@labelled(FACTS, AR903="passed")
def retrieval_as_a_document_of_claudes(question: str) -> str:
    """The provider has a place of its own for it."""
    source = {"type": "text", "media_type": "text/plain", "data": found(question)}
    return to_claude({"type": "document", "source": source, "citations": {"enabled": True}}, {"type": "text", "text": question})


@labelled(FACTS, AR903="passed")
def retrieval_as_a_result_of_a_search(question: str) -> str:
    parts = [{"type": "text", "text": found(question)}]
    return to_claude(
        {"type": "search_result", "source": "https://help.example.com", "title": "Help", "content": parts},
        {"type": "text", "text": question},
    )


@labelled(FACTS, AR903="failed")
def retrieval_as_a_text_of_claudes(question: str) -> str:
    """A block of its own is no mark: its text is the user's."""
    return to_claude({"type": "text", "text": found(question)}, {"type": "text", "text": question})


@labelled(FACTS, AR903="passed")
def retrieval_under_a_label(question: str) -> str:
    return asked({"role": "user", "content": f"Search results:\n{found(question)}\n\nQuestion: {question}"})


@labelled(FACTS, AR903="passed")
def retrieval_between_rules(question: str) -> str:
    page = httpx.get("https://www.example.com/returns", timeout=5).text
    content = f"----- BEGIN PAGE -----\n{page}\n----- END PAGE -----\n{question}"
    answer = anthropic.Anthropic().messages.create(
        model="claude-sonnet-4-6", max_tokens=800, messages=[{"role": "user", "content": content}]
    )
    return "".join(block.text for block in answer.content if block.type == "text")


@labelled(FACTS, AR903="passed")
def an_observation(question: str) -> str:
    """The user's role, and a label that says what it is."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            order = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "user", "content": f"Observation: {json.dumps(order)}"})
    return "I could not finish this."


@labelled(FACTS, AR903="passed")
async def tool_results_of_claude(question: str) -> str:
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        async with client.messages.stream(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS) as stream:
            answer = await stream.get_final_message()
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": json.dumps(get_order(**call.input))}  # type: ignore[arg-type]
            for call in calls
        ]
        messages.append({"role": "user", "content": results})
    return "I could not finish this."


@labelled(FACTS, AR903="passed")
def outputs_of_responses(question: str) -> str:
    client = openai.OpenAI()
    tools: list[Any] = [{"type": "function", "name": "get_order", "parameters": PARAMETERS, "strict": False}]
    answer = client.responses.create(model="gpt-5.1", input=question, tools=tools)
    for _ in range(6):
        outputs: list[Any] = [
            {"type": "function_call_output", "call_id": item.call_id, "output": get_order(**json.loads(item.arguments))["note"]}
            for item in answer.output
            if item.type == "function_call"
        ]
        if not outputs:
            return answer.output_text
        answer = client.responses.create(model="gpt-5.1", previous_response_id=answer.id, input=outputs, tools=tools)
    return "I could not finish this."


@labelled(FACTS, AR903="not_applicable")
def a_name_in_the_system_prompt(question: str) -> str:
    """Who the customer is has been looked up, and is no document."""
    customer = requests.get("https://api.example.com/customers/7", timeout=5).json()
    return asked({"role": "system", "content": f"You help {customer['name']} ({customer['plan']})."}, {"role": "user", "content": question})


@labelled(
    {"backend": {"GET https://memory.example.com/sessions/{id}/messages": [{"role": "user", "content": "Hello, I am Ada."}]}},
    AR903="not_applicable",
)
def the_history_from_a_service(question: str) -> str:
    """What was said before is no document."""
    said = requests.get("https://memory.example.com/sessions/s-1/messages", timeout=5).json()
    return asked(*({"role": each["role"], "content": each["content"]} for each in said), {"role": "user", "content": question})


@labelled(AR903="not_applicable")
def its_own_prompt_in_a_file(question: str) -> str:
    """What the project tells its model is no document."""
    system = (Path(__file__).parent / "documents" / "system_prompt.txt").read_text()
    return asked({"role": "system", "content": system}, {"role": "user", "content": question})


@labelled({}, AR903="not_applicable")
def nothing_is_fetched(question: str) -> str:
    return asked({"role": "system", "content": "You help customers."}, {"role": "user", "content": question})


@labelled({}, AR903="unproven")
def nobody_answers_the_search(question: str) -> str:
    answer = requests.post(SEARCH, json={"text": question}, timeout=5)
    context = answer.json()["matches"][0]["metadata"]["text"] if answer.ok else "nothing"
    return asked({"role": "user", "content": f"{context}\n{question}"})
