"""In the company of other plugins, and of other tests that move clocks and mock clients, the report stays the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
OTHERS = ("hypothesispytest", "randomly", "asyncio", "anyio", "timeout", "cov", "pytest_cov", "socket", "time_machine", "xdist")

TOOLS = """
import concurrent.futures
import httpx
import requests

ORDERS = {"GET http://api.example.com/orders/{id}": {"state": "shipped"}}


def error(kind, message):
    return {"status": "error", "error_type": kind, "retry_safe": kind != "permanent", "message": message}


def endless(order_id):
    return {"status": "success", "data": requests.get(f"http://api.example.com/orders/{order_id}").json()}


async def careful(order_id):
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            answer = await client.get(f"http://api.example.com/orders/{order_id}")
            answer.raise_for_status()
            return {"status": "success", "data": answer.json()["state"]}
    except httpx.HTTPStatusError as failure:
        status = failure.response.status_code
        return error("rate_limit" if status == 429 else "transient" if status >= 500 else "permanent", f"The order service said {status}.")
    except httpx.HTTPError:
        return error("transient", "The order service cannot be reached.")
    except (ValueError, KeyError, TypeError):
        return error("permanent", "The order service gave no order.")


def pooled(order_id):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: requests.get(f"http://api.example.com/orders/{order_id}", timeout=3).json(), range(2)))
    return {"status": "success", "data": found}
"""
MARKED = """
import pytest
from shop.tools import ORDERS, careful, endless, pooled


def ready(tool):
    @pytest.mark.agent_tool(tool=tool, args={"order_id": "7"}, backend=ORDERS)
    def test(readiness_check):
        readiness_check()

    return test


test_endless, test_careful, test_pooled = ready(endless), ready(careful), ready(pooled)
"""
# Tests of the user's own, before and after ours, that leave nothing behind by their own lights.
NEIGHBOURS = {
    "freezegun": """
import datetime
from freezegun import freeze_time


@freeze_time("2012-01-14")
def test_frozen():
    assert datetime.date.today().year == 2012
""",
    "time_machine": """
import datetime
import time_machine


@time_machine.travel("2012-01-14", tick=False)
def test_travelled():
    assert datetime.date.today().year == 2012
""",
    "responses": """
import requests
import responses


@responses.activate
def test_mocked():
    responses.get("http://api.example.com/orders/7", json={"state": "mocked"})
    assert requests.get("http://api.example.com/orders/7").json() == {"state": "mocked"}
""",
    "respx": """
import httpx
import respx


@respx.mock
def test_mocked():
    respx.get("http://api.example.com/orders/7").respond(json={"state": "mocked"})
    assert httpx.get("http://api.example.com/orders/7").json() == {"state": "mocked"}
""",
    "asyncio": """
import asyncio
import pytest


@pytest.mark.asyncio
async def test_awaits():
    await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().is_running()
""",
    "anyio": """
import anyio
import pytest


@pytest.mark.anyio
async def test_awaits():
    await anyio.sleep(0.01)
    assert anyio.current_time() > 0
""",
    "socket": """
import pytest
import pytest_socket
import socket


def test_blocked():
    pytest_socket.disable_socket()
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket()
    pytest_socket.enable_socket()
""",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "tools.py").write_text(TOOLS)
    (folder / "test_marked.py").write_text(MARKED)
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\nagentready_profile = "strict"\n')
    return folder


def reported(shop: Path, *options: str, with_plugins: tuple[str, ...] = (), files: tuple[str, ...] = ("test_marked.py",)) -> Any:
    """What the report says of each tool, whatever the order, the worker and the time that it took."""
    report = shop / f"report-{os.getpid()}.json"
    report.unlink(missing_ok=True)
    without = [part for name in OTHERS if name not in with_plugins for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", *without, "--agentready-report", f"json:{report}", *options, *files]
    run = subprocess.run(command, cwd=shop, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)})
    said = run.stdout[-3000:] + run.stderr[-3000:]
    assert run.returncode == 1, said  # the endless tool fails
    assert "Internal" not in said
    found = json.loads(report.read_text())
    assert not found["ready"]
    assert found["counts"]["error"] == 0, said
    for result in found["results"]:
        assert result.pop("seconds") >= 0
    found["results"] = {f"{result['subject']} {result['check']}": result for result in found["results"]}
    return found


def odd(found: Any, alone: Any) -> Any:
    """Where the two differ, small enough to be read."""
    results, usual = found.pop("results"), alone["results"]
    rest = {name: (found[name], alone[name]) for name in found if found[name] != alone[name]}
    return rest | {
        name: (results.get(name), usual.get(name)) for name in results.keys() | usual.keys() if results.get(name) != usual.get(name)
    }


@pytest.fixture(scope="module")
def alone(shop: Path) -> Any:
    found = reported(shop, "-p", "no:cacheprovider")
    verdicts = {(result["subject"].rpartition(".")[2], result["check"]): result["outcome"] for result in found["results"].values()}
    assert verdicts["endless", "AR202"] == "failed"
    assert verdicts["pooled", "AR203"] == "passed"
    assert verdicts["careful", "AR202"] == verdicts["careful", "AR101"] == verdicts["careful", "AR104"] == "passed"
    return found


@pytest.mark.parametrize(
    ("plugin", "options"),
    [
        ("xdist", ("-n", "2")),
        ("xdist", ("-n", "2", "--dist", "loadgroup")),
        ("randomly", ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler")),
        ("timeout", ("--timeout=60", "--timeout-method=signal")),
        ("timeout", ("--timeout=60", "--timeout-method=thread")),
        ("cov", ("--cov=shop", "--cov-report=")),
        ("", ("-W", "error")),
        ("", ("-p", "faulthandler", "-o", "faulthandler_timeout=60")),
        ("socket", ("--disable-socket",)),
        ("socket", ("--allow-hosts=127.0.0.1",)),
        ("asyncio", ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")),
        ("", ("-s",)),
        ("", ("--log-cli-level=DEBUG",)),
        ("", ("--import-mode=importlib",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value or "pytest",
)
def test_beside_another_plugin_the_report_is_the_same(shop: Path, alone: Any, plugin: str, options: tuple[str, ...]) -> None:
    plugins = {"cov": ("cov", "pytest_cov")}.get(plugin, (plugin,))
    assert odd(reported(shop, *options, with_plugins=plugins), alone) == {}


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_between_tests_that_change_the_world_themselves_the_report_is_the_same(shop: Path, alone: Any, neighbour: str) -> None:
    pytest.importorskip({"socket": "pytest_socket", "asyncio": "pytest_asyncio"}.get(neighbour, neighbour))
    files = tuple(f"test_{place}_{neighbour}.py" for place in ("a", "z"))
    for file in files:
        (shop / file).write_text(NEIGHBOURS[neighbour])
    options = ("-o", "asyncio_default_fixture_loop_scope=function") if neighbour == "asyncio" else ()
    found = reported(shop, "-W", "error", *options, with_plugins=(neighbour,), files=(files[0], "test_marked.py", files[1]))
    assert odd(found, alone) == {}
