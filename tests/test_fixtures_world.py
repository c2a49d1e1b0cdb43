"""`agent_world` as a user meets it: a hand-written test in a world of its own."""

from __future__ import annotations

import pytest
import requests  # noqa: F401  (what is loaded already is not loaded anew, and in part, by each run in this process)
import trustme  # noqa: F401

import pytest_agentready.scene  # noqa: F401
from tests.project import PLAIN

SHOP = """
import requests

def get_order(order_id, timeout=None):
    try:
        return requests.get(f"https://api.example.com/orders/{order_id}", timeout=timeout).json()
    except requests.RequestException as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": str(error)}
"""
HEAD = """
import threading, time
import pytest, requests
from pytest_agentready import Hang, Response
from shop import get_order

ORDERS = {"GET https://api.example.com/orders/{id}": {"state": "shipped"}}
"""


@pytest.fixture
def run(pytester: pytest.Pytester):
    pytester.makepyfile(shop=SHOP)

    def run(source: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(test_shop=HEAD + source)
        return pytester.runpytest(*PLAIN, "-W", "error", *args)

    return run


def test_the_test_runs_in_a_world_with_faults_a_clock_and_what_the_peers_saw(run) -> None:
    run(
        """
def test_it(agent_world, tmp_path, monkeypatch):
    agent_world.backend(ORDERS)
    assert get_order("7") == {"state": "shipped"}
    agent_world.fault("api.example.com", "response-hang")
    start = time.monotonic()
    assert get_order("7", timeout=5)["error_type"] == "transient"
    assert 5 <= agent_world.clock.elapsed < 6
    assert 5 <= time.monotonic() - start < 6
    assert [r.url for r in agent_world.requests] == ["https://api.example.com/orders/7"] * 2
    assert [w.outcome for w in agent_world.waits][-1] == "timeout"
    agent_world.clear("api.example.com")
    assert get_order("8") == {"state": "shipped"}
"""
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize("fault", ["'refused'", "'dns-failure'", "'accept-hang'", "'response-hang'", "Hang()", "'untrusted-certificate'"])
def test_a_fault_is_met_also_where_a_session_holds_a_connection(run, fault: str) -> None:
    run(
        f"""
def test_it(agent_world):
    agent_world.backend(ORDERS)
    with requests.Session() as session:
        assert session.get("https://api.example.com/orders/7").ok
        agent_world.fault({fault})
        with pytest.raises(requests.RequestException):
            session.get("https://api.example.com/orders/7", timeout=5)
        agent_world.clear()
        assert session.get("https://api.example.com/orders/7").ok
"""
    ).assert_outcomes(passed=1)


def test_each_host_has_a_fault_of_its_own_and_its_own_comes_before_the_one_for_all(run) -> None:
    run(
        """
def status(host):
    return requests.get(f"https://{host}/").status_code

def test_it(agent_world):
    agent_world.fault("*", Response(status=500))
    agent_world.fault("A.example.com", Response(status=429))
    assert [status("a.example.com"), status("b.example.com")] == [429, 500]
    agent_world.clear("a.example.com")
    assert [status("a.example.com"), status("b.example.com")] == [500, 500]
    agent_world.clear()
    assert [status("a.example.com"), status("b.example.com")] == [404, 404]
"""
    ).assert_outcomes(passed=1)


def test_a_fault_may_begin_after_some_requests_counted_from_where_it_is_set(run) -> None:
    run(
        """
def statuses(*hosts):
    return [requests.get(f"https://{host}/").status_code for host in hosts]

def test_it(agent_world):
    assert statuses("a.test", "b.test") == [404, 404]
    agent_world.fault("a.test", "503", after=1)
    assert statuses("b.test", "a.test", "b.test", "a.test", "a.test") == [404, 404, 404, 503, 503]
    agent_world.clear()
    agent_world.fault("503", after=2)
    assert statuses("a.test", "b.test", "a.test", "b.test") == [404, 404, 503, 503]
"""
    ).assert_outcomes(passed=1)


def test_a_real_sleep_takes_no_real_time_and_dates_follow_the_clock(run) -> None:
    result = run(
        """
import datetime

def test_it(agent_world):
    before = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(3600)
    agent_world.clock.advance(86_400)
    assert datetime.datetime.now(datetime.timezone.utc) - before >= datetime.timedelta(days=1, hours=1)
    assert abs((agent_world.clock.now - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) < 1
    assert [sleep.seconds for sleep in agent_world.sleeps] == [3600]
    assert [wait.primitive for wait in agent_world.waits] == ["sleep"]
""",
        "--durations=0",
        "-vv",
    )
    result.assert_outcomes(passed=1)
    (line,) = (line for line in result.outlines if " call " in line and "test_it" in line)
    assert float(line.split("s ")[0]) < 5


def test_advancing_lets_happen_what_other_threads_wait_for(run) -> None:
    run(
        """
def test_it(agent_world):
    moments = []

    def work():
        for _ in range(3):
            time.sleep(10)
            moments.append(round(agent_world.clock.elapsed))

    thread = threading.Thread(target=work)
    thread.start()
    agent_world.clock.advance(25)
    assert moments == [10, 20]
    thread.join()
    assert moments == [10, 20, 30]
"""
    ).assert_outcomes(passed=1)


def test_what_leaves_the_world_is_refused_and_said(run) -> None:
    result = run(
        """
import os

def test_it(agent_world):
    os.system("true")

def test_swallowed(agent_world):
    try:
        os.system("true")
    except BaseException:
        pass
    assert agent_world.refused == ("a process (true)",)
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["a process (true) was refused: nothing leaves the virtual world (test_shop.py:11)"])


def test_two_tests_share_nothing(run) -> None:
    run(
        """
@pytest.mark.parametrize("number", [1, 2])
def test_it(agent_world, number):
    assert agent_world.requests == () and agent_world.clock.elapsed < 0.1
    assert get_order("7") == {"detail": "Not Found"}
    agent_world.backend(ORDERS)
    agent_world.fault("*", "503")
    assert requests.get("https://api.example.com/orders/7").status_code == 503
    time.sleep(100)

def test_plain():
    start = time.perf_counter()
    time.sleep(0.02)
    assert time.perf_counter() - start >= 0.02
"""
    ).assert_outcomes(passed=3)


def test_a_fixture_may_prepare_the_world_and_begins_and_ends_in_real_life(run) -> None:
    run(
        """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass

@pytest.fixture
def app():
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert requests.get(url).status_code == 204
        yield url
        assert requests.get(url).status_code == 204
        server.shutdown()

@pytest.fixture
def outage(agent_world):
    agent_world.fault("api.example.com", "response-hang")
    yield
    start = time.perf_counter()
    time.sleep(0.02)
    assert 0.02 <= time.perf_counter() - start < 5

def test_it(app, outage, agent_world):
    assert get_order("7", timeout=3)["status"] == "error"
    assert requests.get(app, timeout=3).status_code == 404  # it is outside of this world

def test_without_the_name(app, outage):
    assert get_order("7", timeout=3)["status"] == "error"
"""
    ).assert_outcomes(passed=2)


def test_a_server_of_the_tests_own_is_inside_of_its_world(run) -> None:
    run(
        """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass

def test_it(agent_world):
    agent_world.fault("503")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert requests.get(f"http://127.0.0.1:{server.server_port}/", timeout=5).status_code == 204
        thread.join()
    assert 2 <= agent_world.clock.elapsed < 3
    assert agent_world.requests == ()
    assert requests.get("http://api.example.com/").status_code == 503
"""
    ).assert_outcomes(passed=1)


def test_output_and_log_are_captured_and_assertions_explained(run) -> None:
    result = run(
        """
import logging

def test_it(agent_world, caplog, capsys):
    logging.getLogger("shop").warning("slow")
    print("hello")
    assert caplog.messages == ["slow"] and capsys.readouterr().out == "hello\\n"
    time.sleep(5)
    assert get_order("7") == {"state": "lost"}
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E       AssertionError: assert {'detail': 'Not Found'} == {'state': 'lost'}"])
