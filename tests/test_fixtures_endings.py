"""What a hand-written test says that waits for ever, runs away, or cannot be in a world; and tests in loops of their own."""

from __future__ import annotations

import pytest
import requests  # noqa: F401  (what is loaded already is not loaded anew, and in part, by each run in this process)
import trustme  # noqa: F401

import pytest_agentready.scene  # noqa: F401
from pytest_agentready.world import tls
from tests.project import PLAIN
from tests.test_fixtures_world import HEAD, SHOP


@pytest.fixture
def run(pytester: pytest.Pytester):
    pytester.makepyfile(shop=SHOP)

    def run(source: str, *args: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_shop=HEAD + source)
        return (pytester.runpytest_subprocess if apart else pytester.runpytest)(*PLAIN, "-W", "error", *args)

    return run


ENDINGS = {
    'agent_world.fault("response-hang"); get_order("7")': "TLS read from api.example.com:443 waits for ever, no timeout is set (shop.py:5)",
    'agent_world.fault("response-hang"); requests.get("http://a.test/")': (
        "recv from a.test:80 waits for ever, no timeout is set (test_shop.py:8)"
    ),
    "threading.Event().wait()": "wait waits for ever, for a thread or a signal that will never come (test_shop.py:8)",
    "while True: time.sleep(1)": "the test does not end: no end in sight after 20,000 s of virtual time (test_shop.py:8)",
}


@pytest.mark.parametrize("line", ENDINGS)
def test_what_has_no_end_fails_with_its_wait_and_its_place(run, line: str) -> None:
    result = run(f"def test_it(agent_world):\n    {line}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([ENDINGS[line]])
    result.stdout.no_fnmatch_line("*WorldEnded*")
    result.stdout.no_fnmatch_line("*During handling*")


def test_a_runaway_is_ended_and_said(run) -> None:
    result = run(
        """
def test_it(agent_world):
    agent_world.fault("refused")
    while get_order("7")["status"] == "error":
        pass
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the test does not end: ended after 500 attempts, still trying to * api.example.com* (shop.py:5)"])


def test_what_swallows_everything_fails_all_the_same(run) -> None:
    result = run(
        """
def test_it(agent_world):
    agent_world.fault("response-hang")
    try:
        get_order("7")
    except BaseException:
        pass
    thread = threading.Thread(target=get_order, args=("8",))
    thread.start()

def test_next():
    assert time.sleep(0) is None
"""
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["TLS read from api.example.com:443 waits for ever, no timeout is set (shop.py:5)"])


def test_a_socket_that_an_ended_test_has_left_open_is_not_blamed_on_a_later_one(run) -> None:
    result = run(
        """
import socket

def test_it(agent_world):
    line = socket.create_connection(("api.example.com", 80))
    line.recv(1)
""",
        apart=True,
    )
    result.assert_outcomes(failed=1)
    result.stderr.no_fnmatch_line("*ResourceWarning*")  # as pytest says it of what is found at the end of its run


def test_a_client_that_a_test_has_let_go_of_gets_no_certificates_of_the_real_world(run, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[int] = []
    monkeypatch.setattr("pytest_agentready.scene.world.load_postponed", lambda: waiting.append(len(tls._postponed)))
    result = run(
        """
import gc, ssl
import redis

@pytest.fixture(autouse=True)
def young():
    gc.disable()  # what has lived through a collection is looked at more seldom
    yield
    gc.enable()

def charge():
    context = ssl.create_default_context()
    context.client = {"context": context}  # as in a client whose parts know it
    get_order("7")
    return redis.Redis("cache.internal").register_script("return 1")()  # which tries it, and sends it while it handles that this failed

def test_it(agent_world):
    agent_world.fault("api.example.com", "503")
    assert charge() == 1
"""
    )
    result.assert_outcomes(passed=1)
    assert waiting == [0]


def test_the_world_is_taken_away_however_the_test_ends(run) -> None:
    result = run(
        """
import sys

@pytest.mark.parametrize("end", [AssertionError("no"), SystemExit(3), pytest.skip.Exception("not today"), pytest.xfail.Exception("known")])
def test_it(agent_world, end):
    agent_world.fault("503")
    raise end

def test_real(monkeypatch):
    from pytest_agentready.world import active
    assert active.world is None
    start = time.perf_counter()
    time.sleep(0.02)
    assert time.perf_counter() - start >= 0.02
"""
    )
    result.assert_outcomes(failed=2, skipped=1, xfailed=1, passed=1)


def test_a_failing_backend_is_named_with_its_own_traceback(run) -> None:
    result = run(
        """
def test_it(agent_world):
    agent_world.backend(lambda request: {}[request.path])
    get_order("7")
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the backend does not work: its callable raised KeyError: '/orders/7' (test_shop.py:9)",
            "*agent_world.backend(lambda request: {}?request.path?)",
            "KeyError: '/orders/7'",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_agentready*")


FAILURES = {
    'agent_world.fault("refused"); requests.get("http://a.test/")': "E * requests.exceptions.ConnectionError: *",
    'agent_world.fault("dns-failure"); socket.create_connection(("a.test", 80))': "E * socket.gaierror: *",
    'agent_world.fault("response-hang"); requests.get("http://a.test/", timeout=2)': "E * requests.exceptions.ReadTimeout: *",
    'threading.Event().wait(5); open("/nowhere")': "E * FileNotFoundError: *",
}


@pytest.mark.parametrize("line", FAILURES)
def test_a_failing_test_shows_the_users_lines_and_the_librarys_and_none_of_ours(run, line: str) -> None:
    result = run(f"import socket\ndef test_it(agent_world):\n    {line}\n", "--tb=short")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["test_shop.py:9: in test_it", f"    {line}", FAILURES[line].replace("E * ", "E *")])
    result.stdout.no_fnmatch_line("*pytest_agentready/*")


MISTAKES = {
    'agent_world.fault("api.example.com", "response-hung")': "*there is no fault 'response-hung'. Did you mean 'response-hang'? Known: *",
    'agent_world.fault("https://api.example.com/", "503")': "*'https://api.example.com/': give the host alone, *",
    "agent_world.fault()": "*fault() takes a host and a fault, *",
    'agent_world.fault(7, "503")': "*7 is no host: *",
    "agent_world.backend({'GTE https://a.test/': 1})": "*names the method 'GTE': did you mean GET?*",
    "agent_world.fault('api.example.com', 503)": "E * TypeError: 503 is no fault: write the fault '503', or Response(status=503)",
    "agent_world.fault('api.example.com', 418)": "E * TypeError: 418 is no fault: write Response(status=418)",
    "agent_world.fault('api.example.com', Hang)": "E * TypeError: Hang is a class: write Hang()",
    "agent_world.fault(Response(status=1000))": "E * ValueError: status=1000 is no status of an answer: write a number from 200 on, *",
    "agent_world.fault('a.test', '503', after=-1)": "E * ValueError: after=-1 is no number of requests *: write such as after=2",
    "agent_world.fault('a.test', '503', after='2')": "E * ValueError: after='2' is no number of requests *: write such as after=2",
    "agent_world.fault('a.test', '503', after=True)": "E * ValueError: after=True is no number of requests *",
    "agent_world.clear('nope')": "E * ValueError: 'nope' has no fault. No fault is in force.",
    "agent_world.fault('a.test', '503'); agent_world.clear('b.test')": (
        "E * ValueError: 'b.test' has no fault. Did you mean 'a.test'? In force: 'a.test'."
    ),
    "agent_world.fault('503'); agent_world.clear('a.test')": "E * ValueError: 'a.test' has no fault of its own: *",
    "agent_world.clock.advance(-1)": "*the clock only goes forward: advance(-1)*",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_with_what_was_meant(run, line: str) -> None:
    result = run(f"def test_it(agent_world):\n    {line}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([MISTAKES[line]])
    result.stdout.fnmatch_lines([">       *agent_world.*", "E *", "test_shop.py:8: *Error"])
    result.stdout.no_fnmatch_line("*pytest_agentready/*")


@pytest.mark.parametrize("fixture", ["agent_world", "agent_tool"])
def test_readiness_check_in_the_same_test_is_an_error(run, fixture: str) -> None:
    result = run(
        f"""
@pytest.mark.agent_tool(tool=get_order, args={{"order_id": "7"}})
def test_it({fixture}, readiness_check):
    readiness_check()
"""
    )
    assert result.parseoutcomes().get("errors", 0) > 1
    result.stdout.fnmatch_lines([f"{fixture} and readiness_check cannot be used in one test: *Write two tests."])


def test_the_clock_moves_only_while_the_test_runs(run) -> None:
    result = run(
        """
@pytest.fixture
def late(agent_world):
    agent_world.clock.advance(1)

def test_it(late):
    pass
"""
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*this works only while the test runs: *"])


ASYNC = """
import asyncio, httpx

async def test_it(agent_world):
    agent_world.backend(ORDERS)
    await asyncio.sleep(3600)
    async with httpx.AsyncClient(timeout=5) as session:
        assert (await session.get("https://api.example.com/orders/7")).json() == {"state": "shipped"}
        agent_world.fault("response-hang")
        with pytest.raises(httpx.ReadTimeout):
            await session.get("https://api.example.com/orders/7")
    assert 3605 <= agent_world.clock.elapsed < 3606

async def test_stuck(agent_world):
    agent_world.fault("response-hang")
    async with httpx.AsyncClient(timeout=None) as session:
        await session.get("https://api.example.com/orders/7")

async def test_real_time_is_back():
    start = time.perf_counter()
    await asyncio.sleep(0.02)
    assert 0.02 <= time.perf_counter() - start < 5
"""
STUCK = "await for api.example.com:443 waits for ever, no timeout is set (test_shop.py:24)"


def test_an_async_test_of_anyio_runs_in_the_world(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(shop=SHOP, test_shop=HEAD + "pytestmark = pytest.mark.anyio\n" + ASYNC)
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:time_machine", "-p", "no:asyncio")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([STUCK])


def test_an_async_test_of_pytest_asyncio_runs_in_the_world_with_its_fixtures(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_asyncio")
    fixture = """
import asyncio, pytest_asyncio

@pytest_asyncio.fixture
async def beats():
    async def beat():
        while True:
            found.append(asyncio.get_running_loop().time())
            await asyncio.sleep(1)

    found = []
    task = asyncio.create_task(beat())
    await asyncio.sleep(0.01)
    yield found
    task.cancel()

async def test_a_task_of_a_fixture_goes_on_in_virtual_time(beats, agent_world):
    await asyncio.sleep(100)
    assert 100 <= len(beats) <= 102
"""
    pytester.makepyfile(shop=SHOP, test_shop=HEAD + "\n" + ASYNC, test_beats=HEAD + fixture)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:randomly")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines([STUCK])


def test_pytests_own_time_limit_is_real_time(run) -> None:
    pytest.importorskip("pytest_timeout")
    result = run(
        """
@pytest.mark.timeout(20)
def test_long_in_virtual_time_alone(agent_world):
    time.sleep(500)

@pytest.mark.timeout(0.3)
def test_spinning(agent_world):
    while True:
        pass
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Timeout (>0.3s) from pytest-timeout*"])


def test_a_debugger_may_take_its_time(run, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_agentready.scene import world
    from pytest_agentready.world import Limits

    monkeypatch.setattr(world, "LIMITS", Limits(real=0.2))
    spinning = """
def spin(seconds):
    end = time.clock_gettime(time.CLOCK_MONOTONIC) + seconds
    while time.clock_gettime(time.CLOCK_MONOTONIC) < end:
        pass

def test_it(agent_world, request):
    {enter}
    spin(0.5)
"""
    run(spinning.format(enter="request.config.hook.pytest_enter_pdb(config=request.config, pdb=None)")).assert_outcomes(passed=1)
    result = run(spinning.format(enter="pass"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the test does not end: still running after 0.2 s of real time, without waiting for anything (*"])
