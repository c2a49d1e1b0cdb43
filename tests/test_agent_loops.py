"""Loops as a user meets them: the mark, the targets, and everything that can be wrong with either."""

from __future__ import annotations

import json
from pathlib import Path

import openai  # noqa: F401  (what the inner runs import, and what cannot be imported twice in a process)
import pytest
import trustme  # noqa: F401

AGENT = """
import json

import httpx
import openai

PARAMETERS = {"type": "object", "properties": {"order_id": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "get_order", "parameters": PARAMETERS}}]
MEMORY = []


def get_order(order_id: str):
    return {"status": "shipped"}


def ask(messages):
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS).choices[0].message


def run_agent(question: str, user_id: int = 7) -> str:
    messages = [{"role": "user", "content": question}]
    for _ in range(8):
        message = ask(messages)
        if not message.tool_calls:
            return message.content
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "shipped"} for call in message.tool_calls]
    return "That took too many steps."


def for_ever(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    while True:
        message = ask(messages)
        if not message.tool_calls:
            return message.content
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "shipped"} for call in message.tool_calls]


async def run_later(*, query: str, session, verbose: bool):
    return run_agent(query)


def speaks_messages(messages: list[dict]) -> str:
    assert messages[0]["role"] == "user"
    return ask(messages).content or "no"


def without_a_model(question: str) -> str:
    return httpx.get("https://search.example.com/").text


def another_protocol(question: str) -> str:
    return httpx.post("https://generativelanguage.googleapis.com/v1beta/models/gemini-3:generateContent", json={"contents": []}).text


def at_the_keyboard() -> None:
    while True:
        print(run_agent(input("> ")))


def from_the_environment(question: str) -> str:
    import os

    return os.environ["SHOP_REGION"] + run_agent(question)


def takes_a_database(question: str, database: "Database") -> str:
    return ""


class Database:
    def __init__(self, connection):
        self.connection = connection


def no_text(question: str):
    run_agent(question)
    return object()


def breaks(question: str) -> str:
    run_agent(question)
    raise RuntimeError("my own mistake")


class Agent:
    def __init__(self, name="Ada"):
        self.name = name

    def run(self, question: str) -> str:
        return run_agent(question)


NAME = "agent"


def a_local_model(question: str) -> str:
    body = {"model": "llama3.1", "messages": [{"role": "user", "content": question}]}
    return httpx.post("http://127.0.0.1:11434/api/chat", json=body).raise_for_status().json()["message"]["content"]


def made_without_a_key(question: str) -> str:
    raise TypeError("Could not resolve authentication method. Expected one of api_key, auth_token, or credentials to be set.")


def a_caught_slip(question: str) -> str:
    try:
        return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[], thinking=True).choices[0].message.content
    except Exception as error:
        return f"Error: {error}"


def a_form_of_its_own(question: str) -> str:
    messages = [{"role": "user", "content": f"{question} Answer in YAML, please, within ```yaml."}]
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content
    return answer.split("```yaml")[1]
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(**{"shop/agent": AGENT, "shop/__init__": ""})
    pytester.makeini("[pytest]\npythonpath = .\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


def marked(project: pytest.Pytester, facts: str, *arguments: str) -> pytest.RunResult:
    project.makepyfile(
        test_agent=f"""
import pytest
from shop import agent
from shop.agent import *


@pytest.mark.agent_loop({facts})
def test_agent(readiness_check):
    readiness_check()
"""
    )
    return project.runpytest("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-rs", *arguments)


def results(path: Path) -> dict[str, dict[str, object]]:
    return {result["check"]: result for result in json.loads(path.read_text())["results"]}


def test_a_loop_has_one_item_for_each_check_and_none_of_a_tool(project: pytest.Pytester) -> None:
    found = marked(project, "loop=run_agent", "--collect-only", "-q").stdout
    found.fnmatch_lines(["*test_agent?AR701-endless-loop?"])
    found.no_fnmatch_line("*AR202*")


def test_the_report_says_that_it_is_a_loop(project: pytest.Pytester) -> None:
    path = project.path / "report.json"
    marked(project, "loop='shop.agent:run_agent'", "-k", "AR701", "--agentready-report", f"json:{path}").assert_outcomes(passed=1)
    assert json.loads(path.read_text())["subjects"] == [
        {"kind": "loop", "name": "shop.agent.run_agent", "framework": "python", "source": "shop/agent.py:19"}
    ]


def test_an_endless_loop_is_told_with_its_count_its_price_and_its_line(project: pytest.Pytester) -> None:
    prices = "{'gpt-5.1': {'input': 1, 'output': 10}}"
    result = marked(project, f"loop=for_ever, max_model_calls=20, prices={prices}", "-k", "AR701")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*still calling after 20 model calls*43,000 would have cost $*", "*where shop/agent.py:16", "*1 loop, profile standard*"]
    )


def test_a_target_needs_no_test_file(project: pytest.Pytester) -> None:
    plain = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result = project.runpytest(*plain, "--agentready-loops", "shop.agent:run_agent", "-k", "AR701")
    result.assert_outcomes(passed=1)
    result = project.runpytest(*plain, "--agentready-loops", "shop.agent")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*'shop.agent' is a module: name the loop in it, such as 'shop.agent:run_agent'.*"])
    result = project.runpytest(*plain, "--agentready-loops", "shop.agent:run_agnt")
    result.stdout.fnmatch_lines(["*shop.agent has no 'run_agnt'. Did you mean 'run_agent'?*"])
    result = project.runpytest(*plain, "--agentready-loops", "shop.agent.run_agent")
    result.stdout.fnmatch_lines(["*'shop.agent.run_agent' names no module. Did you mean 'shop.agent:run_agent'?*"])


def test_configured_loops_are_examined_beside_configured_tools(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\npythonpath = .\nagentready_loops = shop.agent:run_agent\nagentready_tools = shop.agent:get_order\n")
    result = project.runpytest("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--agentready", "-k", "AR701 or AR108")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["  1 tool and 1 loop, profile standard*"])


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("", "it names no loop. Write `@pytest.mark.agent_loop(loop=run_agent)`, and all else by name."),
        ("loop=NAME", "'agent' is no import string. Write module:name, such as 'shop.tools:send_email'."),
        ("loop=MEMORY", "[[][]] is no callable. Name the function that talks to the model, not what it returns."),
        ("loop=Agent", "Agent is a class, and to call it makes an object. Name a method, such as loop=Agent(...).run, or give call=*"),
        ("loop=run_agent, tools=['get_order']", "tools: 'get_order' is no import string. *"),
        ("loop=run_agent, promt='question'", "there is no argument 'promt'. Did you mean 'prompt'? Known: loop, args, *"),
        ("loop=run_agent, prompt='questoin'", "prompt='questoin' names no parameter of run_agent(*Did you mean 'question'?"),
        ("loop=run_agent, args={'userid': 7}", "args does not fit run_agent(* there is no parameter 'userid'. Did you mean 'user_id'?"),
        ("loop=run_agent, args=7", "args=7 is no dict. Write what the loop takes beside the user's text, such as args={'verbose': False}."),
        ("loop=run_agent, token_budget=0", "token_budget=0 is no positive whole number of tokens. Write such as token_budget=50_000."),
        (
            "loop=run_agent, max_model_calls=True",
            "max_model_calls=True is no positive whole number of calls. Write such as *",
        ),
        ("loop=run_agent, call='x'", "'x' is no import string. Write module:name, such as 'shop.tools:send_email'."),
        (
            "loop=run_agent, approve=7",
            "approve=7 is no callable. Give a function that approves of a call, as approve(*).",
        ),
        ("loop=run_agent, tools=7", "tools=7 is no list. Write tools=[[]get_order_status, send_email]."),
        ("loop=run_agent, prices={'gpt': 7}", "the price of 'gpt' has no input and output: write *"),
        ("loop=run_agent, backend={'GET': 7}", "*'GET'*"),
        ("loop=run_agent, reads=['GET']", "reads has the entry 'GET', *such as *https:*"),
        (
            "loop=takes_a_database",
            "takes_a_database(* takes database (Database) is of a type that no JSON can make: *",
        ),
    ],
)
def test_a_mark_that_cannot_be_used_says_what_to_write(project: pytest.Pytester, facts: str, told: str) -> None:
    result = marked(project, facts)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*agent_loop: {told}*"])
    assert "Traceback" not in result.stdout.str()


def test_everything_that_is_wrong_is_said_at_once(project: pytest.Pytester) -> None:
    result = marked(project, "loop=run_agent, token_budget=0, promt='x', tools=7")
    result.stdout.fnmatch_lines(["*agent_loop: 3 problems", "*- *promt*", "*- *token_budget*", "*- *tools*"])


def test_two_marks_that_contradict_each_other_are_an_error(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_two="""
import pytest
from shop.agent import run_agent


@pytest.mark.agent_loop(loop=run_agent, token_budget=5_000)
def test_one(readiness_check):
    readiness_check()


@pytest.mark.agent_loop(loop=run_agent, token_budget=6_000)
def test_other(readiness_check):
    readiness_check()
"""
    )
    result = project.runpytest("-p", "no:cacheprovider", "-k", "AR701 or agent_loop")
    result.stdout.fnmatch_lines(["*token_budget=6000 contradicts token_budget=5000 in the mark of the same loop on test_two.py::test_one*"])


def test_a_mark_that_would_call_the_loop_is_refused_before_it_does(project: pytest.Pytester) -> None:
    result = marked(project, "run_agent")
    result.stdout.fnmatch_lines(
        ["*agent_loop(run_agent) would call run_agent with the test as its argument. Write `agent_loop(loop=run_agent)`.*"]
    )


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("loop=without_a_model", "it asks no model*search.example.com*"),
        ("loop=another_protocol", "it asks no model*generativelanguage.googleapis.com*"),
        (
            "loop=at_the_keyboard",
            "it asks at the keyboard, by input() at *shop/agent.py:59, before it asks a model: give call= in the marker*",
        ),
        (
            "loop=from_the_environment",
            "it needs the environment variable SHOP_REGION (shop/agent.py:65): set one in a fixture of the test*",
        ),
        ("loop=another_protocol", "*Gemini's own protocol*Google speaks OpenAI's, too, under /v1beta/openai*"),
        ("loop=a_local_model", "*POST http://127.0.0.1:11434/api/chat, in Ollama's own protocol*under /v1*"),
        ("loop=made_without_a_key", "its client has no key (shop/agent.py:*): set its variable, such as OPENAI_API_KEY*"),
        ("loop=a_caught_slip", "it asks no model*Its user gets *Error: * unexpected keyword argument*"),
        ("loop=a_form_of_its_own", "it fails in an ordinary conversation, with IndexError*It offers no tools*"),
    ],
)
def test_a_loop_that_reaches_no_model_is_unproven_and_says_what_it_does_instead(project: pytest.Pytester, facts: str, told: str) -> None:
    result = marked(project, facts, "-k", "AR701")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines([f"*AR701-endless-loop is unproven: {told}"])


@pytest.mark.parametrize(
    "facts",
    [
        "loop=run_agent",
        "loop=run_later, args={'verbose': True}",
        "loop=run_later",  # the flag is made up
        "loop=speaks_messages",
        "loop=lambda text: run_agent(text)",
        "loop=at_the_keyboard, call=lambda text: run_agent(text)",
        "loop=run_agent, prompt='question', user='user_id', tools=[get_order], token_budget=50_000, context_window=9_000, reads=['POST https://a.example.com/x']",
    ],
)
def test_loops_of_many_shapes_are_called_as_they_want_it(project: pytest.Pytester, facts: str) -> None:
    result = marked(project, facts, "-k", "AR701")
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed") == 1, result.stdout.str()


def test_a_mark_without_a_test_that_asks_for_it_is_an_error(project: pytest.Pytester) -> None:
    project.makepyfile(test_idle="import pytest\n\n\n@pytest.mark.agent_loop(loop=print)\ndef test_idle():\n    pass\n")
    result = project.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*agent_loop stands on test_idle.py::test_idle, which does not ask for `readiness_check`*"])


def test_the_fixture_without_a_mark_is_an_error(project: pytest.Pytester) -> None:
    project.makepyfile(test_idle="def test_idle(agent_loop):\n    agent_loop('Hello')\n")
    result = project.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*agent_loop calls the loop that an agent_loop mark names, and this test has none.*"])


def test_the_fixture_calls_the_loop_in_the_world_with_the_backend_of_the_mark(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_own="""
import pytest
import httpx
from shop.agent import run_agent


def loop(question, user_id):
    fetched = httpx.get(f"https://crm.example.com/{user_id}").json()["name"]
    return run_agent(question) + fetched


@pytest.mark.agent_loop(loop=loop, backend={"GET https://crm.example.com/{id}": {"name": "Ada"}})
def test_own(agent_loop, scripted_model):
    scripted_model.says("It is shipped, ")
    assert agent_loop.said({"answer": agent_loop("Where is it?", user="ada")}) == "It is shipped, Ada"
"""
    )
    project.runpytest("-p", "no:cacheprovider", "-p", "no:hypothesispytest").assert_outcomes(passed=1)


TOOL_WITHOUT_A_SPAN = """
import pytest
from shop.agent import get_order, run_agent


@pytest.mark.agent_tool(tool=get_order, args={"order_id": "42"})
def test_tool(readiness_check):
    readiness_check()
"""


def test_a_tool_without_a_span_is_told_of_the_loop_that_is_examined_beside_it(project: pytest.Pytester) -> None:
    options = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-k", "AR801 and test_tool", "-rs")
    project.makepyfile(test_tools=TOOL_WITHOUT_A_SPAN)
    told = "*it makes no span of its own: {}"
    project.runpytest(*options).stdout.fnmatch_lines([told.format("mark the loop that calls it, whose wrapper may make it")])
    beside = told.format("AR801 of shop.agent.run_agent tells whether the loop that calls it makes one around it")
    project.runpytest(*options, "--agentready-loops", "shop.agent:run_agent").stdout.fnmatch_lines([beside])
    mark = "\n\n@pytest.mark.agent_loop(loop=run_agent)\ndef test_loop(readiness_check):\n    readiness_check()\n"
    project.makepyfile(test_tools=f"{TOOL_WITHOUT_A_SPAN}{mark}")
    project.runpytest(*options).stdout.fnmatch_lines([beside])


def test_a_mark_that_cannot_be_used_is_told_where_the_selection_hides_it(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_two="""
import pytest
from shop.agent import run_agent


@pytest.mark.agent_loop(loop=run_agent)
def test_good(readiness_check):
    readiness_check()


@pytest.mark.agent_loop(loop=run_agent, token_bugdet=5)
def test_bad(readiness_check):
    readiness_check()
"""
    )
    result = project.runpytest("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-k", "AR701")
    result.assert_outcomes(passed=1, deselected=result.parseoutcomes()["deselected"])
    told = " ".join(result.stdout.str().split())
    assert "deselected, and cannot be examined: test_two.py::test_bad[agent_loop]: agent_loop: there is no argument 'token_bugdet'." in told


def misused(project: pytest.Pytester, loop: str, call: str, facts: str = "") -> pytest.RunResult:
    project.makepyfile(
        test_own=f"""
import pytest


{loop}


@pytest.mark.agent_loop(loop=loop{facts})
def test_own(agent_loop):
    {call}
"""
    )
    return project.runpytest("-p", "no:cacheprovider", "-p", "no:hypothesispytest")


@pytest.mark.parametrize(
    ("loop", "call", "told"),
    [
        (
            "def loop(question): return question",
            "agent_loop('Hi', user='ada')",
            "TypeError: agent_loop(user='ada'): loop(question) has no parameter that carries the user. Let it have one, or name the *",
        ),
        (
            "def loop(question, who): return who",
            "agent_loop('Hi', session='s-2', who='ada')",
            "TypeError: agent_loop(session='s-2'): loop(question, who) has no parameter that carries the session. *",
        ),
        (
            "def loop(question, user_id: int): return user_id",
            "agent_loop('Hi', user='ada')",
            "ValueError: agent_loop(user='ada'): user_id of loop(question, user_id: int) is a number: write such as user=7",
        ),
        (
            "def loop(question, verbose=False): return question",
            "agent_loop('Hi', verbos=True)",
            "TypeError: agent_loop(..., verbos=...): it does not fit *: there is no parameter 'verbos'. Did you mean 'verbose'? It takes *",
        ),
        ("def loop(question): return question", "agent_loop()", "TypeError: agent_loop takes the text of the user first: *"),
        (
            "def loop(question, user_id='u'): return question",
            "agent_loop('Hi', 'ada')",
            "TypeError: agent_loop takes one text, and all else by name: agent_loop('Where is order 7?', user='ada')",
        ),
        (
            "def loop(question): return question",
            "agent_loop([{'role': 'user'}])",
            "TypeError: agent_loop takes the text of the user, and not [[]{'role': 'user'}]. With anything else *",
        ),
        ("def loop(): return 1", "agent_loop('Hi')", "TypeError: loop() has no parameter for the text of the user. Name it in the mark, *"),
    ],
)
def test_what_the_fixture_cannot_hand_on_is_an_error_with_the_remedy(project: pytest.Pytester, loop: str, call: str, told: str) -> None:
    result = misused(project, loop, call)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E*{told}"])


@pytest.mark.parametrize(
    ("loop", "call"),
    [
        ("def loop(question, user, session=''): return user + session", "assert agent_loop('Hi', user='u', session='s') == 'us'"),
        ("def loop(question, user_id: int): return user_id", "assert agent_loop('Hi', user=7) == 7"),
        ("def loop(question, user_id: int): return user_id", "assert agent_loop('Hi', user='user-8') == 8"),
        ("def loop(question, user: dict = {}): return user", "assert agent_loop('Hi', user={'id': 7}) == {'id': 7}"),
        ("def loop(question, **others): return others", "assert agent_loop('Hi', user='ada', n=3) == {'user': 'ada', 'n': 3}"),
        ("def loop(question): return question", "assert agent_loop(question='Hi') == 'Hi'"),
        ("def loop(): return 1", "assert agent_loop() == 1"),
    ],
)
def test_what_the_fixture_hands_on_arrives(project: pytest.Pytester, loop: str, call: str) -> None:
    misused(project, loop, call).assert_outcomes(passed=1)
