"""What a hand-written test is told that it may not have noticed: faults that nobody met, and requests that nobody answered."""

from __future__ import annotations

import pytest
import requests  # noqa: F401  (what is loaded already is not loaded anew, and in part, by each run in this process)
import trustme  # noqa: F401

import pytest_agentready.scene  # noqa: F401
from tests.project import PLAIN
from tests.test_fixtures_world import HEAD, SHOP

ORDER = "GET https://api.example.com/orders/7"
NEVER = "the fault '503' for {} was never met: {}"


@pytest.fixture
def run(pytester: pytest.Pytester):
    pytester.makepyfile(shop=SHOP)

    def run(source: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(test_shop=HEAD + source)
        return pytester.runpytest(*PLAIN, "-W", "error", *args)

    return run


UNMET = {
    "agent_world.fault('api.exmaple.com', '503'); get_order('7')": NEVER.format(
        "'api.exmaple.com'", "the test asked api.example.com. Did you mean 'api.example.com'?"
    ),
    "agent_world.fault('api.exmaple.com', '503'); get_order('7'); agent_world.clear()": NEVER.format("'api.exmaple.com'", "*"),
    "agent_world.fault('pay.internal', '503'); get_order('7'); requests.get('http://a.test/')": NEVER.format(
        "'pay.internal'", "the test asked api.example.com and a.test."
    ),
    "agent_world.fault('api.example.com', '503')": NEVER.format("'api.example.com'", "the test asked nobody"),
    "agent_world.fault('503')": NEVER.format("every host", "the test asked nobody"),
    "agent_world.fault('api.example.com', '503', after=2); get_order('7')": NEVER.format(
        "'api.example.com'", "it was to begin after 2 requests, and there were 1"
    ),
    "agent_world.fault('a.test', 'untrusted-certificate'); requests.get('http://a.test/x?y=1')": (
        "the fault 'untrusted-certificate' for 'a.test' was never met: it does not apply to GET http://a.test/x"
    ),
}


@pytest.mark.parametrize("line", UNMET)
def test_a_fault_that_is_never_met_fails_the_test_at_its_end(run, line: str) -> None:
    result = run(f"def test_it(agent_world):\n    agent_world.backend(ORDERS)\n    {line}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([UNMET[line].replace("?", "[?]")])
    result.stdout.no_fnmatch_line("*pytest_agentready*")


MET = {
    "of two hosts each its own": (
        "agent_world.fault('503'); agent_world.fault('a.test', '500'); requests.get('http://a.test/'); requests.get('http://b.test/')"
    ),
    "met, and then no more": "agent_world.fault('api.example.com', '503'); get_order('7'); agent_world.clear(); get_order('7')",
    "of a host that is not asked any more": "get_order('7'); agent_world.fault('api.example.com', '503')",
    "in another spelling": "agent_world.fault('API.example.com', '503'); get_order('7')",
    "in the place of another": ("agent_world.fault('api.example.com', '500'); agent_world.fault('api.example.com', '503'); get_order('7')"),
    "at the look-up": "agent_world.fault('api.example.com', 'dns-failure'); get_order('7')",
    "at the connection": "agent_world.fault('api.example.com', 'refused'); get_order('7')",
    "by a Redis": (
        "import redis; agent_world.fault('cache.test', 'reset-before-answer'); "
        "pytest.raises(redis.ConnectionError, redis.Redis('cache.test').ping)"
    ),
}


@pytest.mark.parametrize("case", MET)
def test_a_fault_that_is_met_or_cannot_be_a_slip_does_not(run, case: str) -> None:
    run(f"def test_it(agent_world):\n    agent_world.backend(ORDERS)\n    {MET[case]}\n").assert_outcomes(passed=1)


def test_a_fault_for_a_host_that_is_real_says_so(run) -> None:
    result = run("def test_it(agent_world):\n    agent_world.fault('localhost', '503')\n", "-o", "agentready_allow_hosts=localhost")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([NEVER.format("'localhost'", "that host is on agentready_allow_hosts, and reached for real")])


def test_a_test_that_fails_by_itself_is_told_beside_its_failure(run) -> None:
    result = run(
        """
def test_it(agent_world):
    agent_world.backend(ORDERS)
    agent_world.fault("api.exmaple.com", "503")
    assert get_order("7")["status"] == "error"
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * KeyError: 'status'", "*agent_world*", NEVER.format("'api.exmaple.com'", "*")])


UNANSWERED = {
    "get_order('7')": f"nothing answers {ORDER}: write agent_world.backend({{'{ORDER}': {{...}}}})",
    "agent_world.backend({'GET https://api.example.com/': 1}); get_order('7')": (
        f"the backend has no route for {ORDER}: add it to agent_world.backend(...)"
    ),
    "requests.get('http://localhost:8000/x')": (
        "nothing answers GET http://localhost:8000/x: write agent_world.backend({'GET http://localhost:8000/x': {...}}), "
        'or, to reach it for real, set agentready_allow_hosts = ["localhost:8000"]'
    ),
    "import socket; s = socket.create_connection(('mongo', 27017)); s.sendall(b'?'); s.recv(1); s.close()": (
        'mongo:27017: the world does not speak this protocol. To reach it for real, set agentready_allow_hosts = ["mongo:27017"]'
    ),
}


@pytest.mark.parametrize("line", UNANSWERED)
def test_who_had_no_answer_is_told_beside_the_failure(run, line: str) -> None:
    result = run(f"def test_it(agent_world):\n    {line}\n    assert 0\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*agent_world*", UNANSWERED[line].replace("[", "?").replace("]", "?")])


def test_nothing_is_told_where_all_is_answered(run) -> None:
    result = run("def test_it(agent_world):\n    agent_world.backend(ORDERS)\n    get_order('7')\n    assert 0\n")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*nothing answers*")
    result.stdout.no_fnmatch_line("*- agent_world -*")


def test_a_marked_test_is_told_what_to_write_in_its_mark(run) -> None:
    result = run(
        """
@pytest.mark.agent_tool(tool=get_order)
def test_alone(agent_tool):
    agent_tool(order_id="7")
    assert 0

@pytest.mark.agent_tool(tool=get_order, backend={"GET https://api.example.com/": 1})
def test_with_a_backend(agent_tool):
    agent_tool(order_id="7")
    assert 0
"""
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            f"nothing answers {ORDER}: give backend={{'{ORDER}': {{...}}}} in its agent_tool mark",
            f"the backend has no route for {ORDER}: add it to the marker's backend=",
        ]
    )


def test_a_refusal_names_the_setting_that_would_let_it_out(run) -> None:
    result = run(
        """
from _socket import getaddrinfo

def test_it(agent_world):
    getaddrinfo("db.internal", 5432)
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["a look-up of 'db.internal' was refused: nothing leaves the virtual world, but to the hosts of agentready_allow_hosts (*)"]
    )
