"""`agentready_allow_hosts` as a user meets it: a real service beside the world, in readiness checks and in hand-written tests."""

from __future__ import annotations

import json

import pytest

from tests.project import PLAIN
from tests.real_redis import Place

APP = """
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import pytest

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"real")
    def log_message(self, *_):
        pass

@pytest.fixture(scope="session", autouse=True)
def store():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        import tools
        tools.STORE = f"http://localhost:{server.server_port}/"
        yield
        server.shutdown()
        thread.join()
"""
TOOLS = """
import requests

STORE = ""

def stored():
    return {"status": "success", "data": requests.get(STORE, timeout=5).text}

def stored_and_asked():
    try:
        data = stored()["data"] + requests.get("https://api.example.com/", timeout=3).text
        return {"status": "success", "data": data}
    except requests.RequestException as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": str(error)}
"""
BACKEND = 'backend={"GET https://api.example.com/": {}}'


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(APP)
    pytester.makepyfile(tools=TOOLS)
    return pytester


def allowing(shop: pytest.Pytester, *args: str) -> pytest.RunResult:
    return shop.runpytest_subprocess(*PLAIN, "-o", "agentready_allow_hosts=localhost", *args)


def test_a_hand_written_test_reaches_it_and_its_faults_do_not(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        """
import pytest, tools

@pytest.mark.agent_tool(tool=tools.stored_and_asked, backend={"GET https://api.example.com/": {}})
def test_it(agent_tool, agent_world):
    assert agent_tool()["data"] == "real{}"
    assert len(agent_tool.run.allowed) == 1
    agent_world.fault("*", "response-hang")
    assert tools.stored()["data"] == "real"
    assert agent_tool()["status"] == "error"
    assert [request.url for request in agent_world.requests] == ["https://api.example.com/"] * 2
"""
    )
    allowing(shop).assert_outcomes(passed=1)


def test_a_readiness_check_reaches_it_and_judges_the_rest(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        f"""
import pytest, tools

@pytest.mark.agent_tool(tool=tools.stored_and_asked, {BACKEND})
def test_both(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(tool=tools.stored)
def test_alone(readiness_check):
    readiness_check()
"""
    )
    allowing(shop, "--agentready-report", "json:report.json")
    results = json.loads((shop.path / "report.json").read_text())["results"]
    outcomes = {(result["subject"], result["check"]): result for result in results}
    assert outcomes["tools.stored_and_asked", "AR102"]["outcome"] == "passed"
    assert outcomes["tools.stored", "AR101"]["outcome"] == "passed"
    alone = outcomes["tools.stored", "AR102"]
    assert alone["outcome"] == "unproven"
    assert "is on the allow-list, and real" in alone["reason"]


def test_without_the_list_it_is_simulated(shop: pytest.Pytester) -> None:
    shop.makepyfile("import tools\ndef test_it(agent_world):\n    assert 'Not Found' in tools.stored()['data']\n")
    shop.runpytest_subprocess(*PLAIN).assert_outcomes(passed=1)


@pytest.mark.parametrize("host", ["http://localhost", "localhost:http", ":80"])
def test_what_is_no_host_is_told(pytester: pytest.Pytester, host: str) -> None:
    result = pytester.runpytest(*PLAIN, "-o", f"agentready_allow_hosts={host}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*agentready_allow_hosts '{host}': expected a host, *"])


MEMORY = """
import redis

STORE = redis.Redis({host!r}, {port}, db={database}, password={password!r}, socket_timeout=2, retry=None)

def remember(note: str) -> dict:
    STORE.set("test:note", note)
    return {{"status": "success"}}
"""
OF_MEMORY = """
import pytest
import redis
from tools import STORE, remember


@pytest.mark.agent_tool(tool=remember, args={"note": "x"})
def test_remember(readiness_check):
    readiness_check()


@pytest.mark.agent_tool(tool=remember)
def test_by_hand(agent_tool):
    agent_tool(note="by hand")
"""


def test_a_real_redis_is_seen_and_is_afterwards_what_it_was(pytester: pytest.Pytester, redis_server: Place) -> None:
    import redis

    pytester.makepyfile(tools=MEMORY.format(**redis_server._asdict()), test_tools=OF_MEMORY)
    hosts = f"-oagentready_allow_hosts=localhost:{redis_server.port}"
    with redis.Redis(*redis_server, decode_responses=True) as outside:
        outside.set("test:note", "mine")
        result = pytester.runpytest(*PLAIN, hosts, "-k", "AR401 or AR102 or AR202")
        result.assert_outcomes(failed=2, passed=1)
        result.stdout.fnmatch_lines_random(["*test_remember*AR401*", "*SET test:note*"])
        assert outside.get("test:note") == "mine"
        pytester.runpytest(*PLAIN, hosts, "-k", "by_hand")
        assert outside.get("test:note") == "by hand"
        outside.delete("test:note")
