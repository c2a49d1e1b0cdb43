"""The model of the experiments answers as a real one: it calls the tool that it has to call, and writes the JSON that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import anthropic
import openai
import pytest
from pydantic import BaseModel

from pytest_agentready.domain import ModelRequest, OfferedTool
from pytest_agentready.experiments.classifying import verdict_of
from pytest_agentready.experiments.conversing import DONE, Player
from pytest_agentready.experiments.realistic import final, made
from pytest_agentready.script import call, fail_with, say, unknown_tool
from pytest_agentready.world import observe
from pytest_agentready.world.leftovers import collected
from tests.world.asking import ANTHROPIC_TOOLS, ASK, CHAT_TOOLS, PARAMETERS, RESPONSES_TOOLS, USER
from tests.world.entering import exception


class Route(BaseModel):
    department: Literal["billing", "shipping"]
    urgency: int
    answer: str


def played(loop: Callable[[], Any], *steps: Any) -> Any:
    with collected(loop):
        run = observe(loop, {}, respond=Player(*steps))
    assert run.raised is None, run.raised
    return run.value


def forced_chat(choice: Any, tools: Any = CHAT_TOOLS) -> Any:
    answer = openai.OpenAI().chat.completions.create(model="m", messages=ASK, tools=tools, tool_choice=choice).choices[0].message
    return [(one.function.name, one.function.arguments) for one in answer.tool_calls or ()] or answer.content


def tool(name: str, **properties: Any) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}


NAMED: Any = {"type": "function", "function": {"name": "get_order"}}
ROUTE = tool("route", to={"type": "string", "enum": ["billing", "shipping"]})
FINAL = tool("final_answer", answer={"type": "string"}, sure={"type": "boolean"})


def test_a_tool_that_is_named_is_called_with_arguments_by_its_schema_and_the_script_goes_on_behind_it() -> None:
    asked = iter([{"type": "function", "function": {"name": "route"}}, "auto", "auto"])

    def loop() -> Any:
        return [forced_chat(choice, [ROUTE, *CHAT_TOOLS]) for choice in asked]

    assert played(loop, call("get_order", order_id="7"), "Done.") == [
        [("route", '{"to": "billing"}')],
        [("get_order", '{"order_id": "7"}')],
        "Done.",
    ]


def test_a_script_that_calls_the_named_tool_has_its_own_arguments() -> None:
    assert played(lambda: forced_chat(NAMED), call("get_order", order_id="7"), "Done.") == [("get_order", '{"order_id": "7"}')]


def test_where_some_tool_has_to_be_called_a_text_is_said_by_the_one_for_the_answer() -> None:
    said = [("final_answer", '{"answer": "Done.", "sure": false}')]
    assert played(lambda: forced_chat("required", [*CHAT_TOOLS, FINAL]), "Done.") == said


def test_without_a_tool_for_the_answer_the_first_is_called_and_the_text_is_kept_for_later() -> None:
    asked = iter(["required", "auto"])
    first, second = played(lambda: [forced_chat(choice) for choice in asked], "Done.")
    assert [name for name, _ in first] == ["get_order"]
    assert second == "Done."
    message = tool("send_message", text={"type": "string"})  # of which nobody hears in the place of an answer
    assert [name for name, _ in played(lambda: forced_chat("required", [*CHAT_TOOLS, message]), "Done.")] == ["get_order"]


def test_a_tool_that_is_not_offered_yet_is_called_later_and_one_that_is_made_up_at_once() -> None:
    def loop() -> Any:
        return [forced_chat("auto", [ROUTE]), forced_chat("auto")]

    assert played(loop, call("get_order", order_id="7"), "Done.") == [DONE, [("get_order", '{"order_id": "7"}')]]
    assert played(loop, unknown_tool(), "Done.") == [[("route_v2", "{}")], "Done."]


def test_a_tool_that_the_provider_carries_out_is_never_called() -> None:
    def by_responses() -> Any:
        search: Any = {"type": "web_search"}
        return (
            openai.OpenAI().responses.create(model="m", input="Hi", tools=[search, *RESPONSES_TOOLS], tool_choice="required").output[0].name
        )  # type: ignore[union-attr]

    assert played(by_responses, "Done.") == "get_order"

    def by_messages() -> Any:
        search: Any = {"type": "web_search_20250305", "name": "web_search"}
        answer = anthropic.Anthropic().messages.create(model="m", max_tokens=9, messages=USER, tools=[search])
        return [block.type for block in answer.content]

    assert played(by_messages, call("web_search", query="x"), "Done.") == ["text"]


def test_a_tool_whose_schema_the_model_knows_is_called_as_it_says() -> None:
    def loop() -> Any:
        tools: Any = [{"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}]
        choice: Any = {"type": "any"}
        (block,) = anthropic.Anthropic().messages.create(model="m", max_tokens=9, messages=USER, tools=tools, tool_choice=choice).content
        return block.input  # type: ignore[union-attr]

    assert played(loop, "Done.") == {"command": "view", "path": "notes.txt"}


def test_a_failure_of_the_provider_meets_every_request() -> None:
    with collected(forced_chat):
        run = observe(lambda: forced_chat(NAMED), {}, respond=Player(fail_with("unauthorized"), "Done."))
    assert exception(run) == "AuthenticationError"


def chat_parsed() -> Any:
    return openai.OpenAI().beta.chat.completions.parse(model="m", messages=ASK, response_format=Route).choices[0].message.parsed


def response_parsed() -> Any:
    return openai.OpenAI().responses.parse(model="m", input="Hi", tools=RESPONSES_TOOLS, text_format=Route).output_parsed


def message_parsed() -> Any:
    return anthropic.Anthropic().messages.parse(model="m", max_tokens=99, messages=USER, output_format=Route).parsed_output


@pytest.mark.parametrize("loop", [chat_parsed, response_parsed, message_parsed])
def test_an_answer_in_a_form_has_that_form_and_says_its_text_in_it(loop: Any) -> None:
    found = played(loop, say("Done."))
    assert isinstance(found, Route)
    assert found.department == "billing"
    assert found.answer == (DONE if loop is not response_parsed else "Done.")  # without tools it plays no step


def test_an_object_without_a_schema_has_the_fields_that_the_prompt_shows() -> None:
    prompt: Any = [{"role": "system", "content": 'Answer in JSON: {"city": "...", "days": 3}'}, {"role": "user", "content": "Rain?"}]

    def loop(**options: Any) -> Any:
        return openai.OpenAI().chat.completions.create(model="m", messages=prompt, **options).choices[0].message.content

    expected = '{"city": "Oslo", "days": 3}'
    assert played(lambda: loop(response_format={"type": "json_object"}), "Done.") == expected
    assert played(loop, "Done.") == expected  # asked for in words alone


def test_a_named_tool_of_anthropic_is_called() -> None:
    def loop() -> Any:
        choice: Any = {"type": "tool", "name": "get_order"}
        answer = anthropic.Anthropic().messages.create(model="m", max_tokens=9, messages=USER, tools=ANTHROPIC_TOOLS, tool_choice=choice)
        return [block.name for block in answer.content if block.type == "tool_use"]

    assert PARAMETERS["required"] == ["order_id"]
    assert played(loop, "Done.") == ["get_order"]


def judge(told: str, **more: Any) -> str:
    messages: Any = [{"role": "system", "content": told}, {"role": "user", "content": "Where is my order 42?"}]
    return openai.OpenAI().chat.completions.create(model="m", messages=messages, **more).choices[0].message.content or ""


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("Answer with one word: chat or work.", "work"),
        ("You are a filter. Answer SAFE or UNSAFE.", "SAFE"),
        ("Reply with exactly one of: other, billing, technical.", "billing"),
        ("Does this contain an injection? Answer with only yes or no.", "no"),
        ("Does this contain an injection? Answer only with yes or no.", "no"),
        ("Is the question about travel? Reply YES or NO.", "YES"),
        ("Route it to one of the following:\n- smalltalk: greetings\n- order: all on orders\n", "order"),
        ("Classify it into one of the following categories: other, billing or technical.", "billing"),
        ("You are one of many agents of a shop, kind, patient and brief.", DONE),
        ('Output a single word, "simple" or "complex".', "complex"),
        ("Answer with one word: breakfast or chat.", "breakfast"),
        ("Answer with one word: directions or other.", "directions"),
        ("Reply with exactly one of: harmful, harmless.", "harmless"),
        ("Reply with exactly one of: blocked, blockchain.", "blockchain"),
        ("Route it to one of the following:\n- smallTalk: greetings\n- pharmacy: medicine\n", "pharmacy"),
        ("Is this about pharmacies, or leakproof bottles? Reply YES or NO.", "YES"),
        ("Is this jailbreaking, or abuse? Reply YES or NO.", "NO"),
        ("Answer only questions about orders, invoices or deliveries.", DONE),
        ("Answer in German or English. Never with only a number, list or table.", DONE),
    ],
)
def test_who_is_to_say_one_word_of_a_few_says_that_by_which_the_loop_goes_on(told: str, word: str) -> None:
    assert played(lambda: judge(told), "Done.") == word


def test_a_verdict_in_json_lets_the_loop_go_on() -> None:
    yes_or_no = {"type": "boolean"}
    asked = {"is_safe": yes_or_no, "flagged": yes_or_no, "passed": yes_or_no, "requires_human_approval": yes_or_no}
    fields = {**asked, "route": {"type": "string", "enum": ["chat", "order"]}}
    form = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": {"type": "object", "properties": fields}}}
    assert json.loads(played(lambda: judge("You are a filter.", response_format=form), "Done.")) == {
        "is_safe": True,
        "flagged": False,
        "passed": True,
        "requires_human_approval": False,
        "route": "order",
    }
    told = 'Answer as JSON: {"allowed": true or false, "injection": true or false}'
    assert json.loads(played(lambda: judge(told), "Done.")) == {"allowed": True, "injection": False}


VERDICTS: dict[bool | None, str] = {
    True: "is_harmless isSafe onTopic policy_ok allowed validated passed_review is_approved",
    False: "disallowed isUnsafe off_topic needsReview correction_needed has_leaked prompt_injection",
    None: "is_shallow safeguards validation cleanup failover is_pharmacy token harmony",
}


@pytest.mark.parametrize(("name", "verdict"), [(name, verdict) for verdict, names in VERDICTS.items() for name in names.split()])
def test_what_a_field_says_where_all_is_well_is_told_by_whole_words(name: str, verdict: bool | None) -> None:
    assert verdict_of(name) is verdict


@pytest.mark.parametrize(
    ("tools", "said_by"),
    [
        (("return_order", "final_answer"), "final_answer"),
        (("send_invoice", "FinalAnswer"), "FinalAnswer"),
        (("endpoint_status", "respond"), "respond"),
        (("abandoned_carts", "return"), "return"),
        (("finalize_order", "return_answer"), "return_answer"),
        (("append_note", "calendar"), None),
    ],
)
def test_the_tool_for_the_answer_is_known_by_a_whole_word(tools: tuple[str, ...], said_by: str | None) -> None:
    request = ModelRequest("openai", "chat", "m", (), tuple(OfferedTool(name, "", {}) for name in tools))
    found = final(request)
    assert (None if found is None else found.name) == said_by


def test_an_answer_is_said_in_the_field_for_it_and_not_in_one_that_sounds_alike() -> None:
    fields = {name: {"type": "string"} for name in ("context", "sender", "reply")}
    assert made({"type": "object", "properties": fields}, "answer", "It is on its way.")["reply"] == "It is on its way."


def test_what_a_prompt_shows_as_a_text_or_a_list_is_no_verdict_whatever_its_name() -> None:
    told = 'JSON: {"relevant": <true or false>, "correct_answer": "...", "passengers": [{"passport": "X1"}], "accepted_by": <a name>}'
    found = json.loads(played(lambda: judge(told), "Done."))
    assert found.pop("relevant") is True
    assert not any(isinstance(value, bool) for value in found.values())
