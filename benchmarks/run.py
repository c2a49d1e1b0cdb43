"""Measures what the targets speak of, prints tables, and says which target is missed.

    python benchmarks/run.py            single runs, and one tool
    python benchmarks/run.py --write    these, and what scale.py measures, into docs/benchmarks.md

Medians of many runs, taken in turn with the bare loopback call of the same client, so that both see the same machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import models
import requests
import scale

from pytest_agentready.world import FAULTS, Backend, Limits, observe

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

Written by `make bench` on {machine}. Compare ratios rather than times.

## One run, one tool

{table}

## Twenty tools, and more

The tools of `benchmarks/tools.py` have clients of all kinds: over HTTP and TLS, of databases, a store and a mail server, SDKs, retries,
threads. Figures are of one process, warm, without pytest around it, but for those that name pytest.

{scaled}

[What becomes of each client under each kind of fault](clients.md) is another page, written by `python benchmarks/clients.py --write`.
"""
RUNS = 60
ORDER = {"state": "shipped"}
BACKEND = Backend.parse({f"GET {scheme}://api.example.com/orders/{{id}}": ORDER for scheme in ("http", "https")})
FAULT = {fault.slug: fault for fault in FAULTS}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: float
    target: float
    unit: str = "ms"
    remark: str = ""

    @property
    def met(self) -> bool:
        return self.measured <= self.target


def with_requests(url: str) -> Any:
    return requests.get(url, timeout=5).json()


async def with_httpx(url: str) -> Any:
    async with httpx.AsyncClient(timeout=5) as client:
        return (await client.get(url)).json()


def for_ever(url: str) -> Any:
    while True:
        try:
            return requests.get(url, timeout=2).json()
        except Exception:
            time.sleep(0.5)


@contextlib.contextmanager
def loopback() -> Iterator[str]:
    """A real server in a process of its own, so that its threads do not compete with the client's."""
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/orders/7"
        finally:
            server.terminate()


class _Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(ORDER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """A benchmark is quiet."""


def serve() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Orders)
    print(server.server_port, flush=True)
    server.serve_forever()


def fault_run(tool: Callable[[str], Any], scheme: str, fault: str, limits: Limits | None = None) -> float:
    url = f"{scheme}://api.example.com/orders/7"
    run = observe(tool, {"url": url}, backend=BACKEND, fault=FAULT[fault], limits=limits)
    assert run.fired, f"{fault} was not met"
    return run.real * 1e3


def real_call(tool: Callable[[str], Any], url: str) -> float:
    start = time.perf_counter()
    found = tool(url)
    if asyncio.iscoroutine(found):
        asyncio.run(found)
    return (time.perf_counter() - start) * 1e3


def fault_rows() -> list[Row]:
    """One fault run: the mean over a silent, a failing and a refusing peer, each the median of its runs."""
    cases = (
        ("one fault run, requests, HTTP", with_requests, "http", 2.0),
        ("one fault run, requests, TLS", with_requests, "https", 4.0),
        ("one fault run, httpx async, TLS", with_httpx, "https", 6.0),
    )
    with loopback() as url:
        return [_fault_row(*case, url) for case in cases]


def _fault_row(what: str, tool: Callable[[str], Any], scheme: str, target: float, url: str) -> Row:
    observe(tool, {"url": f"{scheme}://api.example.com/orders/7"}, backend=BACKEND)
    real_call(tool, url)
    simulated: dict[str, list[float]] = {"response-hang": [], "500": [], "refused": []}
    bare: list[float] = []
    for _ in range(RUNS):
        for fault, times in simulated.items():
            times.append(fault_run(tool, scheme, fault))
        bare.append(real_call(tool, url))
    median = statistics.mean(statistics.median(times) for times in simulated.values())
    return Row(what, median, target, remark=f"{median / statistics.median(bare):.2f} x a bare loopback HTTP call of the same client")


def runaway_row() -> Row:
    times, attempts = [], []
    for _ in range(10):
        run = observe(for_ever, {"url": "http://api.example.com/orders/7"}, backend=BACKEND, fault=FAULT["response-hang"])
        assert run.ending is not None
        times.append(run.real * 1e3)
        attempts.append(run.ending.count)
    return Row("a runaway ended", statistics.median(times), 150.0, remark=f"after {max(attempts)} attempts (target: at most 200)")


def matrix_row() -> Row:
    """All checks of one tool: the normal call and the whole matrix, warm."""
    from pytest_agentready.adapters.python import adapt
    from pytest_agentready.domain import Facts
    from pytest_agentready.engine import Engine
    from pytest_agentready.registry import Registry

    registry = Registry()
    times = []
    for _ in range(10):
        found = adapt(with_requests)
        assert found is not None
        tool = replace(found, facts=Facts(args=({"url": "https://api.example.com/orders/7"},), backend=BACKEND))
        start = time.perf_counter()
        engine = Engine(registry, ROOT)
        outcomes = [engine.examine(tool, check).outcome.value for check in registry.checks if "tool" in check.about]
        times.append((time.perf_counter() - start) * 1e3)
        assert "error" not in outcomes
    return Row("all checks of one tool, requests, TLS", statistics.median(times), 400.0, remark=f"{len(FAULTS)} faults")


def model_rows() -> Iterator[Row]:
    for name, call in models.CALLS.items():
        alone, further = models.times(call)
        yield Row(f"one call of a model, {name}", alone, 8.0, remark=f"with its connection; {further:.1f} ms each further one")
    yield Row("held after 1,000 calls of a model", models.left_behind(), 64.0, unit="KiB", remark="and was not before them")


def start_up_row() -> Row:
    """A pytest run over nothing, with the plugin and without it, in turn."""
    with tempfile.TemporaryDirectory() as empty:
        # Of the other plugins that happen to be installed, some take ten times as long as pytest itself.
        others = [part for name in ("hypothesispytest", "anyio", "xdist", "time_machine") for part in ("-p", f"no:{name}")]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *others, "--rootdir", empty, empty]
        differences, bare = [], []
        for _ in range(15):
            times = []
            for extra in ([], ["-p", "no:agentready"]):
                start = time.perf_counter()
                subprocess.run([*command, *extra], capture_output=True, check=False)
                times.append((time.perf_counter() - start) * 1e3)
            differences.append(times[0] - times[1])
            bare.append(times[1])
    return Row("start-up, installed and unused", statistics.median(differences), 50.0, remark=f"{statistics.median(bare):.0f} ms without")


def table(rows: list[Row]) -> str:
    lines = ["| what | median | target | |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.measured:.1f} {row.unit} | {row.target:g} {row.unit} | {row.remark} |" for row in rows]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    if "--serve" in arguments:
        serve()
    rows = [*fault_rows(), runaway_row(), matrix_row(), *model_rows(), start_up_row()]
    print(table(rows))
    if "--write" in arguments:
        scaled = scale.table()
        machine = f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
        PAGE.write_text(INTRODUCTION.format(machine=machine, table=table(rows), scaled=scaled))
    missed = [row.what for row in rows if not row.met]
    print(f"missed: {', '.join(missed)}" if missed else "every target is met")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
