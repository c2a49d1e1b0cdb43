"""`agent_tool` as a user meets it: the marked tool, called by hand, and judged by what its calls show."""

from __future__ import annotations

import pytest
import requests  # noqa: F401  (what is loaded already is not loaded anew, and in part, by each run in this process)
import trustme  # noqa: F401

import pytest_agentready.scene  # noqa: F401
from tests.project import PLAIN

HEAD = '''
import asyncio, threading, time
import httpx, pytest, requests
from pytest_agentready import Hang, Response

URL = "https://api.example.com/orders/"

def failed(error):
    return {"status": "error", "error_type": "transient", "retry_safe": True, "message": f"The order service failed: {error}"}

def get_order(order_id, timeout=3):
    """Typed, bounded, honest."""
    try:
        response = requests.get(URL + order_id, timeout=timeout)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["state"]}
    except (requests.RequestException, ValueError, KeyError) as error:
        return failed(error)

def untyped(order_id):
    return requests.get(URL + order_id, timeout=3).text

def impatient(order_id):
    return {"status": "success", "data": requests.get(URL + order_id, timeout=3).json()}

async def get_order_async(order_id):
    try:
        async with httpx.AsyncClient(timeout=3) as session:
            return {"status": "success", "data": (await session.get(URL + order_id)).json()["state"]}
    except httpx.HTTPError as error:
        return failed(error)

def marked(tool, **facts):
    return pytest.mark.agent_tool(tool=tool, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}}, **facts)
'''


@pytest.fixture
def run(pytester: pytest.Pytester):
    def run(source: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(test_shop=HEAD + source)
        return pytester.runpytest(*PLAIN, "-W", "error", *args)

    return run


def test_it_returns_what_the_tool_returns_and_keeps_the_record(run) -> None:
    run(
        """
@marked(get_order)
def test_it(agent_tool):
    assert agent_tool(order_id="7") == {"status": "success", "data": "shipped"}
    assert [r.url for r in agent_tool.run.requests] == [URL + "7"]
    assert agent_tool.run.arguments == {"order_id": "7"} and agent_tool.run.virtual < 0.1
    agent_tool(order_id="8")
    assert [r.url for r in agent_tool.run.requests] == [URL + "8"]
    assert len(agent_tool.runs) == 2
"""
    ).assert_outcomes(passed=1)


def test_the_faults_of_the_tests_world_count(run) -> None:
    run(
        """
@marked(get_order)
def test_it(agent_tool, agent_world):
    agent_world.fault("api.example.com", Hang())
    assert agent_tool(order_id="7")["error_type"] == "transient"
    assert 3 <= agent_tool.run.virtual < 3.1
    assert agent_tool.run.fault == Hang() and agent_tool.run.fired == 1
    assert agent_tool.run.waits[-1].outcome == "timeout"
    agent_world.clear()
    assert agent_tool(order_id="7")["status"] == "success"
    assert agent_tool.run.fault is None
"""
    ).assert_outcomes(passed=1)


def test_an_async_tool_is_awaited_in_whatever_loop_the_test_has(run) -> None:
    result = run(
        """
@marked(get_order_async)
def test_it(agent_tool, agent_world):
    assert asyncio.run(agent_tool(order_id="7")) == {"status": "success", "data": "shipped"}
    agent_world.fault("response-hang")
    assert asyncio.run(agent_tool(order_id="7"))["status"] == "error"
    assert 3 <= agent_tool.run.virtual < 3.1

@marked(get_order_async)
def test_never_awaited(agent_tool):
    agent_tool(order_id="7")

@marked(get_order_async)
def test_one_of_two_is_not(agent_tool):
    agent_tool(order_id="7")
    asyncio.run(agent_tool(order_id="8"))
"""
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["agent_tool was called, and never awaited: *"] * 2)


VIOLATIONS = {
    "untyped": ('agent_tool(order_id="7")', "AR101-untyped-result, high: *"),
    "impatient": ('agent_world.fault("503"); pytest.raises(ValueError, agent_tool, order_id="7")', "AR102-escaping-exception, high: *"),
    "get_order": ('agent_world.fault("response-hang"); agent_tool(order_id="7", timeout=None)', "AR202-unbounded-wait, high: *"),
    "late": ('agent_world.fault("response-hang"); agent_tool(order_id="7", timeout=9)', "AR203-slow-timeout, medium: *"),
    "lied": ('agent_world.fault("500"); agent_tool(order_id="7")', "AR103-failure-as-success, high: *"),
    "wrong": ('agent_world.fault("404"); agent_tool(order_id="7")', "AR104-misclassified-failure, high: *"),
}
TOOLS = """
late = wrong = get_order

def lied(order_id):
    requests.get(URL + order_id, timeout=3)
    return {"status": "success", "data": "shipped soon"}
"""


@pytest.mark.parametrize("tool", VIOLATIONS)
def test_a_violated_check_fails_the_test_at_its_end_with_the_usual_message(run, tool: str) -> None:
    calls, label = VIOLATIONS[tool]
    healthy = "agent_tool(order_id='7')" if tool == "lied" else "pass"
    result = run(f"{TOOLS}\n@marked({tool})\ndef test_it(agent_tool, agent_world):\n    {healthy}\n    {calls}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["test_shop.*: *", f"  {label}", "  fix *"])
    assert sum(", high: " in line or ", medium: " in line for line in result.outlines) == 1


def test_what_lies_below_fail_on_or_outside_of_the_profile_does_not_fail(run) -> None:
    late = """
@marked(get_order)
def test_it(agent_tool, agent_world):
    agent_world.fault("response-hang")
    agent_tool(order_id="7", timeout=9)
"""
    run(late, "-o", "agentready_fail_on=high").assert_outcomes(passed=1)
    run(late).assert_outcomes(failed=1)


def test_it_raises_what_the_tool_raises(run) -> None:
    result = run(
        """
@marked(impatient)
def test_it(agent_tool, agent_world):
    agent_world.fault("503")
    agent_tool(order_id="7")
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * requests.exceptions.JSONDecodeError: *"])


def test_a_mark_whose_tests_call_the_tool_by_hand_needs_no_readiness_check_and_no_args(run) -> None:
    run(
        """
@marked(get_order)
class TestOrders:
    def test_beside(self):
        pass

    def test_it(self, agent_tool):
        agent_tool(order_id="7")
"""
    ).assert_outcomes(passed=2)


MISUSES = {
    "def test_it(agent_tool):\n    agent_tool()\n": "agent_tool calls the tool that an agent_tool mark names, and this test has none. *",
    "@marked('shop:nothing')\ndef test_it(agent_tool):\n    agent_tool()\n": "agent_tool: *there is no module 'shop'*",
    "@marked(get_order)\ndef test_it(agent_tool):\n    pass\n": "the test ended without calling agent_tool: nothing was examined. *",
    "@marked(get_order)\ndef test_it(agent_tool):\n    agent_tool.run\n": "*agent_tool has not been called yet: there is no run",
}


@pytest.mark.parametrize("source", MISUSES)
def test_a_misuse_is_told(run, source: str) -> None:
    result = run(source)
    assert not result.parseoutcomes().get("passed")
    result.stdout.fnmatch_lines([MISUSES[source]])


BESIDE = {
    "threads": """
from concurrent.futures import ThreadPoolExecutor

@marked(get_order)
def test_it(agent_tool, agent_world):
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda number: agent_tool(order_id=number), "78"))
""",
    "threads that swallow it": """
@marked(get_order)
def test_it(agent_tool, agent_world):
    def call():
        try:
            agent_tool(order_id="7")
        except RuntimeError:
            pass
    threads = [threading.Thread(target=call) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
""",
    "tasks": """
@marked(get_order_async)
def test_it(agent_tool, agent_world):
    async def both():
        await asyncio.gather(agent_tool(order_id="7"), agent_tool(order_id="8"))
    asyncio.run(both())
""",
}


@pytest.mark.parametrize("case", BESIDE)
def test_calls_beside_each_other_are_an_error(run, case: str) -> None:
    result = run(BESIDE[case])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*agent_tool was called while an earlier call of it was still under way: *"])
    result.stdout.no_fnmatch_line("*pytest_agentready/scene*")


def test_calls_one_after_the_other_may_come_from_several_threads(run) -> None:
    run(
        """
@marked(get_order)
def test_it(agent_tool, agent_world):
    for number in "78":
        thread = threading.Thread(target=agent_tool, kwargs={"order_id": number})
        thread.start()
        thread.join()
    assert [run.requests[0].url for run in agent_tool.runs] == [URL + "7", URL + "8"]
"""
    ).assert_outcomes(passed=1)


def test_a_failing_call_shows_the_users_lines_alone(run) -> None:
    result = run(
        """
def broken(order_id):
    return {}[order_id]

@marked(broken)
def test_it(agent_tool):
    agent_tool(order_id="7")
""",
        "--tb=short",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["test_shop.py:*: in test_it", "test_shop.py:*: in broken", "E   KeyError: '7'"])
    result.stdout.no_fnmatch_line("*pytest_agentready*")


def test_a_storm_of_connections_in_a_hand_written_test_is_found(run) -> None:
    result = run(
        """
def stormy(order_id):
    for _ in range(12):
        try:
            return {"status": "success", "data": requests.get(URL + order_id, timeout=1).json()["state"]}
        except requests.RequestException as error:
            last = error
    return failed(last)

@marked(stormy)
def test_it(agent_tool, agent_world):
    agent_tool(order_id="7")
    agent_world.fault("api.example.com", "refused")
    agent_tool(order_id="7")
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*AR205-retry-storm, high: *"])


def test_arguments_that_do_not_fit_are_told_with_those_that_do(run) -> None:
    result = run(
        """
@marked(get_order)
def test_a_slip(agent_tool):
    agent_tool(orderid="7")

@marked(get_order_async)
def test_too_few(agent_tool):
    agent_tool()

@marked(get_order)
def test_by_position(agent_tool):
    agent_tool("7", 3)

@marked(get_order)
def test_on_purpose(agent_tool):
    with pytest.raises(TypeError):
        agent_tool()
"""
    )
    result.assert_outcomes(failed=3, passed=1)
    result.stdout.fnmatch_lines(
        [
            "E*TypeError: agent_tool(orderid=...): it does not fit get_order(order_id, timeout=3): it needs order_id; *",
            "E*TypeError: agent_tool(): it does not fit get_order_async(order_id): it needs order_id",
            "E*TypeError: agent_tool takes the arguments of the tool by name: agent_tool(order_id='7', timeout=3)",
        ]
    )


def test_a_type_error_of_the_tool_itself_and_arguments_that_a_decorator_adds_are_left_alone(run) -> None:
    result = run(
        """
import functools

def with_a_limit(function):
    @functools.wraps(function)
    def call(**arguments):
        return function(limit=5, **arguments)
    return call

@with_a_limit
def search(query, limit):
    return {"status": "success", "data": query[:limit]}

def broken(order_id):
    return {"status": "success", "data": order_id + 1}

@marked(search)
def test_decorated(agent_tool):
    assert agent_tool(query="tea")["data"] == "tea"

@marked(broken)
def test_broken(agent_tool):
    with pytest.raises(TypeError, match="can only concatenate str"):
        agent_tool(order_id="7")
"""
    )
    result.assert_outcomes(passed=2)
