"""`scripted_model` as a user meets it: a loop of the project's own, and a model that does what the test says."""

from __future__ import annotations

import pytest
import requests  # noqa: F401  (what is loaded already is not loaded anew, and in part, by each run in this process)
import trustme  # noqa: F401

import pytest_agentready.scene  # noqa: F401
from tests.project import PLAIN
from tests.world.asking import ask
from tests.world.loops_with_models import chat, chat_async, messages, messages_async

AGENT = """
import json

import openai
import requests

TOOLS = [{"type": "function", "function": {"name": "get_order", "description": "An order.", "parameters": {"type": "object"}}}]

def get_order(order_id):
    return requests.get(f"https://api.example.com/orders/{order_id}", timeout=3).json()["state"]

def run_agent(question, client=None):
    with client or openai.OpenAI() as session:
        return converse(session, question)

def converse(client, question):
    messages = [{"role": "system", "content": "You help."}, {"role": "user", "content": question}]
    for _ in range(5):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS).choices[0].message
        if not answer.tool_calls:
            return answer.content
        messages.append(answer.model_dump(exclude_none=True))
        for call in answer.tool_calls:
            state = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": state})
    return "I give up."
"""
HEAD = """
import os
import openai, pytest
from agent import get_order, run_agent
from pytest_agentready import call, fail_with, for_ever, say

ORDERS = {"GET https://api.example.com/orders/{id}": {"state": "shipped"}}
"""


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """The SDKs load a part of themselves with their first call."""
    for loop in (chat, chat_async, messages, messages_async):
        assert ask(loop, "ok").value == "ok"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    pytester.makepyfile(agent=AGENT)

    def run(source: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(test_agent=HEAD + source)
        return pytester.runpytest(*PLAIN, "-W", "error", *args)

    return run


def test_a_loop_asks_the_scripted_model_and_the_test_sees_what_it_asked(run) -> None:
    run(
        """
def test_it(scripted_model, agent_world):
    agent_world.backend(ORDERS)
    scripted_model.says(call("get_order", order_id="7"), "It is shipped.")
    assert run_agent("Where is order 7?") == "It is shipped."
    first, second = scripted_model.calls
    assert [tool.name for tool in first.tools] == ["get_order"]
    assert [(message.role, message.text) for message in second.messages] == [
        ("system", "You help."), ("user", "Where is order 7?"), ("assistant", ""), ("tool", "shipped")
    ]
    assert second.where.endswith("agent.py:18") and second.usage.total > 40
    assert [request.host for request in agent_world.requests] == ["api.openai.com", "api.example.com", "api.openai.com"]
"""
    ).assert_outcomes(passed=1)


def test_it_implies_the_world_and_goes_on_where_the_test_says_more(run) -> None:
    run(
        """
def test_it(scripted_model):
    scripted_model.says("one")
    assert run_agent("?") == "one"
    scripted_model.says("two")
    assert run_agent("?") == "two"
    with pytest.raises(ValueError, match="nothing comes after for_ever"):
        scripted_model.says(for_ever("x"), "y")
    assert run_agent("?") == "x"

def test_tests_share_nothing(scripted_model):
    assert scripted_model.calls == ()
"""
    ).assert_outcomes(passed=2)


def test_a_fixture_may_write_the_script_and_make_a_client_without_a_key(run) -> None:
    run(
        """
@pytest.fixture
def client(scripted_model):
    scripted_model.says("from the fixture")
    return openai.OpenAI()

def test_it(client):
    assert run_agent("?", client) == "from the fixture"
    assert "OPENAI_API_KEY" in os.environ

def test_after_it():
    assert "OPENAI_API_KEY" not in os.environ and "ANTHROPIC_API_KEY" not in os.environ
"""
    ).assert_outcomes(passed=2)


def test_an_async_loop_in_a_loop_of_pytests_asks_it_too(run) -> None:
    run(
        """
import anthropic, asyncio

async def ask():
    async with anthropic.AsyncAnthropic() as client:
        message = await client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "?"}])
        return message.content[0].text

def test_it(scripted_model):
    scripted_model.says(for_ever("yes"))
    async def both():
        return await asyncio.gather(ask(), ask())
    assert asyncio.run(both()) == ["yes", "yes"]
    assert [one.provider for one in scripted_model.calls] == ["anthropic"] * 2
"""
    ).assert_outcomes(passed=1)


def test_failures_cost_virtual_time_alone(run) -> None:
    run(
        """
def test_it(scripted_model, agent_world):
    scripted_model.says(fail_with("rate_limit", retry_after=30), fail_with(529), "There you are.")
    assert run_agent("?") == "There you are."
    assert 30 < agent_world.clock.elapsed < 33
"""
    ).assert_outcomes(passed=1)


def test_a_call_without_a_script_fails_the_test_with_its_line_whatever_the_loop_makes_of_it(run) -> None:
    result = run(
        """
def test_it(scripted_model):
    try:
        run_agent("?")
    except Exception:
        pass
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ['a model is called, and its answers are not scripted: write `scripted_model.says("...")` first (agent.py:18)']
    )
    result.stdout.no_fnmatch_line("*OutOfScript*")


def test_a_script_that_ends_early_fails_the_test_with_the_number_and_the_line(run) -> None:
    result = run(
        """
def test_it(scripted_model, agent_world):
    agent_world.backend(ORDERS)
    scripted_model.says(call("get_order", order_id="7"))
    run_agent("?")
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["the model is called 2 times, and 1 answer is scripted. Add what it answers then to `scripted_model.says(...)`, *(agent.py:18)"]
    )
    result.stdout.no_fnmatch_line("*InternalServerError*")


def test_a_script_that_goes_on_where_the_code_has_stopped_fails_the_test(run) -> None:
    result = run(
        """
def test_it(scripted_model):
    scripted_model.says("It is shipped.", call("get_order", order_id="7"), "Bye.")
    assert run_agent("?") == "It is shipped."

def test_for_ever_may_be_left(scripted_model, agent_world):
    agent_world.backend(ORDERS)
    scripted_model.says(for_ever(call("get_order", order_id="7")))
    assert run_agent("?") == "I give up."
    assert len(scripted_model.calls) == 5

def test_what_fails_by_itself_says_why(scripted_model):
    scripted_model.says("one", "two")
    assert run_agent("?") == "two"
"""
    )
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(
        [
            "the model was called 1 time, and its script goes on: nobody asked for call('get_order', order_id='7') and say('Bye.'). Let *",
            "E       AssertionError: assert 'one' == 'two'",
        ]
    )


def test_a_function_in_the_script_that_raises_is_shown_with_its_own_traceback(run) -> None:
    result = run(
        """
def test_it(scripted_model):
    scripted_model.says(lambda request: say(request.nonsense))
    run_agent("?")
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["the script of the model raised AttributeError*", "AttributeError: 'ModelRequest' object has no attribute 'nonsense'"]
    )


def test_a_script_may_fail_the_test(run) -> None:
    result = run(
        """
def test_it(scripted_model):
    def judge(request):
        if request.system != "Be brief.":
            pytest.fail("the system prompt is gone")
    scripted_model.says(judge)
    run_agent("?")
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the system prompt is gone*"])


def test_a_client_that_is_never_closed_is_not_blamed_on_the_next_test(run) -> None:
    run(
        """
import gc, requests

def test_it(scripted_model):
    scripted_model.says("one")
    client = openai.OpenAI()
    assert client.chat.completions.create(model="m", messages=[]).choices[0].message.content == "one"

def test_next():
    gc.collect()
"""
    ).assert_outcomes(passed=2)


def test_a_model_that_never_answers_fails_the_loop_that_waits_for_ever(run) -> None:
    result = run(
        """
import requests

def test_it(scripted_model):
    scripted_model.says(fail_with("timeout"))
    requests.post("https://api.openai.com/v1/chat/completions", json={"model": "m", "messages": []})
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["TLS read from api.openai.com:443 waits for ever, no timeout is set (test_agent.py:12)"])


def test_a_tool_that_asks_a_model_has_its_calls_in_its_record(run) -> None:
    run(
        """
def summarise(text: str) -> dict:
    "A text in one sentence."
    try:
        with openai.OpenAI(timeout=2, max_retries=0) as client:
            answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        return {"status": "success", "data": answer.choices[0].message.content}
    except openai.OpenAIError as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The model failed."}

@pytest.mark.agent_tool(tool=summarise)
def test_it(agent_tool, scripted_model):
    scripted_model.says("one", "two")
    assert agent_tool(text="tea")["data"] == "one"
    assert agent_tool(text="coffee")["data"] == "two"
    assert [[call.answer.text for call in run.model_calls] for run in agent_tool.runs] == [["one"], ["two"]]
"""
    ).assert_outcomes(passed=1)


def test_it_cannot_be_used_beside_readiness_check(run) -> None:
    result = run(
        """
@pytest.mark.agent_tool(tool=get_order, args={"order_id": "7"}, backend=ORDERS)
def test_it(readiness_check, scripted_model):
    readiness_check()
""",
        "-k",
        "AR202",
    )
    result.stdout.fnmatch_lines(["*scripted_model and readiness_check cannot be used in one test*"])
