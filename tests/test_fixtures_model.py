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


ENDLESS = """
import requests

URL = "https://api.openai.com/v1/chat/completions"

def ask(session, model="gpt-5.1"):
    body = {"model": model, "messages": [{"role": "user", "content": "Where is order 7?"}]}
    return session.post(URL, json=body, timeout=9)

"""


def test_a_loop_that_never_stops_is_ended_at_once_with_its_count_its_price_and_its_line(run) -> None:
    result = run(
        ENDLESS
        + """
def test_it(scripted_model):
    scripted_model.says(for_ever(say("Once more.").using(prompt=800, output=200)))
    with requests.Session() as session:
        while True:
            ask(session)
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            (
                "the loop does not end: the model was called 200 times, and is called again (test_agent.py:14). "
                "They used 200,000 tokens, which cost $0.60. Give the loop a limit of its own: a number of calls, or a budget of tokens."
            )
        ]
    )
    assert float(str(result.outlines[-1]).rpartition(" in ")[2].split("s")[0]) < 10


def test_a_price_that_nobody_knows_is_not_told_and_failures_cost_nothing(run) -> None:
    result = run(
        ENDLESS
        + """
def test_unpriced(scripted_model):
    scripted_model.says(for_ever(say("Once more.").using(prompt=800, output=200)))
    with requests.Session() as session:
        while True:
            ask(session, "our-own-7b")

def test_failing(scripted_model):
    scripted_model.says(for_ever(fail_with(500)))
    with requests.Session() as session:
        while True:
            ask(session)
"""
    )
    result.assert_outcomes(failed=2)
    told = [line for line in result.outlines if line.startswith("the loop does not end")]
    assert "200,000 tokens. Give" in told[0]
    assert "$" not in told[0]
    assert "tokens" not in told[1].partition("Give")[0]


@pytest.mark.parametrize("where", ["loop()", "thread = threading.Thread(target=loop); thread.start(); thread.join()"])
def test_a_loop_that_swallows_everything_is_ended_all_the_same(run, where: str) -> None:
    result = run(
        ENDLESS
        + f"""
import threading

def loop():
    with requests.Session() as session:
        while True:
            try:
                ask(session)
            except BaseException:
                pass

def test_it(scripted_model):
    scripted_model.says(for_ever("Once more."))
    {where}

def test_next(scripted_model):
    scripted_model.says("Once.")
    assert ask(requests.Session()).json()["choices"]
""",
        "-W",
        "ignore::pytest.PytestUnraisableExceptionWarning",  # the sockets that such a loop drops
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["the loop does not end: the model was called 200 times, and is called again (test_agent.py:*"])


def test_a_script_of_many_answers_is_played_to_its_end_up_to_the_limit_of_requests(run) -> None:
    result = run(
        ENDLESS
        + """
def test_many(scripted_model):
    scripted_model.says(*["Once more."] * 300)
    with requests.Session() as session:
        assert [ask(session).status_code for _ in range(300)] == [200] * 300

def test_too_many(scripted_model):
    scripted_model.says(*["Once more."] * 600)
    with requests.Session() as session:
        while True:
            ask(session)
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the loop does not end: the model was called 500 times, and is called again *"])


def test_a_loop_that_asks_another_peer_for_ever_over_one_connection_meets_the_end_too(run) -> None:
    result = run(
        """
import requests

def test_it(agent_world):
    with requests.Session() as session:
        while True:
            session.get("https://api.example.com/", timeout=9)
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["the test does not end: ended after 500 attempts, still trying GET https://api.example.com/ (test_agent.py:*"]
    )


def test_a_call_in_the_script_of_a_tool_that_the_loop_never_offers_fails_the_test_with_the_name_that_may_be_meant(run) -> None:
    result = run(
        """
def test_it(scripted_model, agent_world):
    agent_world.backend(ORDERS)
    scripted_model.says(call("get_ordr", order_id="7"), [call("get_order", order_id="7"), call("refund", order_id="7")], "Done.")
    assert run_agent("?") == "Done."

def test_beside_a_failure_it_is_noted(scripted_model, agent_world):
    agent_world.backend(ORDERS)
    scripted_model.says(say("One moment.", call("get_ordr", order_id="7")), "Done.")
    assert run_agent("?") == "done"
"""
    )
    result.assert_outcomes(failed=2)
    told = "the script calls 'get_ordr', and the loop has never offered such a tool. Did you mean 'get_order'? Offered: get_order. "
    result.stdout.fnmatch_lines(
        [
            f"{told}Where the model is to call what is not there, write unknown_tool('get_ordr').",
            "the script calls 'refund', and the loop has never offered such a tool. Offered: get_order. Where *",
            "E       AssertionError: assert 'Done.' == 'done'",
            "*- Captured agent_world call -*",
            f"{told}*",
        ]
    )


def test_a_call_that_a_loop_without_tools_cannot_get_is_told(run) -> None:
    result = run(
        """
def test_it(scripted_model):
    scripted_model.says(call("get_order", order_id="7"))
    with openai.OpenAI() as client:
        client.chat.completions.create(model="m", messages=[])
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the script calls 'get_order', and the loop has never offered such a tool: its request does not offer any. Hand the tools *",
        ]
    )


def test_a_tool_that_is_unknown_on_purpose_or_told_by_a_text_may_be_called(run) -> None:
    run(
        """
from pytest_agentready import instruction, obey, unknown_tool

def test_it(scripted_model, agent_world):
    agent_world.backend({"GET https://api.example.com/orders/{id}": {"state": instruction("send_email", order_id="7")}})
    scripted_model.says(unknown_tool(order_id="7"), unknown_tool("get_ordr", order_id="7"), obey(), "Done.")
    assert run_agent("?") == "Done."

def test_a_last_request_may_forbid_calls(scripted_model):
    scripted_model.says(for_ever(call("get_order", order_id="7")))
    tools = [{"type": "function", "function": {"name": "get_order", "parameters": {"type": "object"}}}]
    with openai.OpenAI() as client:
        client.chat.completions.create(model="m", messages=[], tools=tools)
        client.chat.completions.create(model="m", messages=[], tools=tools, tool_choice="none")
"""
    ).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("scripted_model('Hi')", "scripted_model is the model itself, and no function. Write what it answers: scripted_model.says(*"),
        ("scripted_model.says()", "says() takes the answers in their order, and it was given none: says(call(*"),
        ("scripted_model.says(text='Hi')", "says() takes the answers in their order, and no text=: says(call(*"),
        ("scripted_model.says(7)", "7 is nothing that a model does: write a text, *"),
        (
            "call(get_order, order_id='7')",
            'call(<function get_order *): a model calls a tool by the name *, such as call("get_order", ...)',
        ),
        (
            "agent_world(ORDERS)",
            "agent_world is the world of the test itself, and no function. Say what answers in it by agent_world.backend*",
        ),
        ("agent_world.fault(host='a.example.com')", "fault() takes a host and a fault, or a fault for every host: *"),
    ],
)
def test_what_the_fixtures_cannot_take_is_told_with_what_they_do(run, line: str, told: str) -> None:
    result = run(f"\ndef test_it(scripted_model, agent_world):\n    {line}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E*TypeError: {told}"])
