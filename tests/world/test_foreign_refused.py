"""Clients that can be neither seen nor led into the world: refused, and named; and clients that arrive while a run is on."""

from __future__ import annotations

import _thread
import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvloop

from pytest_agentready.domain import Outcome
from pytest_agentready.world.foreign import ADAPTED, BLIND, INSTEAD
from pytest_agentready.world.foreign.arrivals import Arrivals
from tests.examining import examine
from tests.world.entering import SHOP, enter


@pytest.fixture
def primp(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A client in C, as far as it can be told from Python; what it was really asked."""
    asked: list[str] = []
    module = ModuleType("primp")
    vars(module)["get"] = lambda url: asked.append(url) or "real"
    monkeypatch.setitem(sys.modules, "primp", module)
    return asked


def through_a_library() -> Any:
    return sys.modules["primp"].get("https://api.example.com")


def test_a_blind_client_is_refused_however_it_is_reached(primp: list[str]) -> None:
    run = enter(through_a_library)
    assert run.refused == ("a connection of primp, whose sockets cannot be seen (use httpx or requests for the examination)",)
    assert run.ending is not None
    assert run.ending.kind == "blind"
    assert primp == []


def test_outside_of_runs_and_for_bystanders_it_is_what_it_was(primp: list[str]) -> None:
    answers: list[Any] = []
    inside, done = _thread.allocate_lock(), threading.Event()  # whoever is woken by an event works for the run
    inside.acquire()

    def bystander() -> None:
        inside.acquire()
        answers.append(through_a_library())
        done.set()

    thread = threading.Thread(target=bystander)
    thread.start()

    def tool() -> None:
        inside.release()
        done.wait(5)

    enter(tool)
    thread.join()
    assert answers == ["real"]
    assert through_a_library() == "real"


def test_a_tool_with_a_blind_client_is_unproven_and_told_what_to_do(primp: list[str]) -> None:
    def tool() -> Any:
        import primp  # type: ignore[import-not-found]

        return primp.get("https://api.example.com")

    for check, verdict in examine(tool, {"backend": SHOP}).items():
        if check == "AR201":
            assert verdict.outcome is Outcome.FAILED, verdict  # nothing declares what cannot be seen
        elif check != "AR108" and verdict.outcome is not Outcome.NOT_APPLICABLE:
            assert verdict.outcome is Outcome.UNPROVEN, verdict
            assert "primp (use httpx or requests for the examination)" in verdict.reason
    assert primp == []


def test_every_blind_client_has_a_remedy() -> None:
    assert {name.partition(".")[0] for name in BLIND} <= set(INSTEAD)
    assert not set(BLIND) & set(ADAPTED)


def test_a_handle_of_pycurl_from_before_the_run_is_out_of_reach() -> None:
    import pycurl

    shop: dict[str, Any] = {"handle": pycurl.Curl(), "__name__": "shop"}
    exec("def tool():\n    handle.perform()\n", shop)
    verdict = examine(shop["tool"], {"backend": SHOP})["AR202"]
    assert verdict.outcome is Outcome.UNPROVEN
    assert "pycurl (make the handle within the call)" in verdict.reason


def test_work_for_an_older_uvloop_is_refused() -> None:
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def answer() -> int:
        return 7

    def tool() -> int:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(5)

    coroutine = answer()
    try:
        run = enter(tool)
        assert "a uvloop event loop that is older than the run" in run.refused[0]
        assert asyncio.run_coroutine_threadsafe(answer(), loop).result(5) == 7
    finally:
        coroutine.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


# -- clients that arrive while a run is on


@pytest.fixture
def late_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "tls_client.py").write_text("class Session:\n    def get(self, url):\n        return 'real'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("tls_client", None)


def test_a_client_that_is_imported_in_the_run_is_refused_there(late_client: None) -> None:
    def tool() -> Any:
        import importlib

        return importlib.import_module("tls_" + "client").Session().get("https://api.example.com")

    run = enter(tool)
    assert "tls_client" in run.refused[0]
    assert sys.modules["tls_client"].Session().get("") == "real"


def test_an_import_in_a_run_leaves_the_import_system_as_it_was(late_client: None) -> None:
    before = list(sys.meta_path)

    def tool() -> Any:
        import tls_client  # type: ignore[import-not-found]

        return tls_client.__spec__.loader is tls_client.__loader__, type(tls_client.__loader__).__name__

    assert enter(tool).value == (True, "SourceFileLoader")
    assert sys.meta_path == before


def test_an_arrival_is_said_once_the_module_is_complete(late_client: None) -> None:
    arrived: list[bool] = []
    with Arrivals(("tls_client", "no_such_client"), lambda name: arrived.append(hasattr(sys.modules[name], "Session"))).noticed():
        import tls_client  # noqa: F401

        with pytest.raises(ModuleNotFoundError):
            import no_such_client  # type: ignore[import-not-found]  # noqa: F401
    assert arrived == [True]


def test_a_client_of_an_unknown_version_is_no_matter_to_other_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_agentready.world import foreign

    def broken(client: str) -> Any:
        raise AttributeError("no _connect")

    def tool() -> Any:
        import psycopg2

        return psycopg2.connect("host=db.internal")

    monkeypatch.setitem(sys.modules, "psycopg2", ModuleType("psycopg2"))
    monkeypatch.setattr(foreign, "in_place", broken)
    monkeypatch.setattr(foreign, "out_of_reach", {})
    verdict = examine(tool, {"backend": SHOP})["AR202"]
    assert verdict.outcome is Outcome.UNPROVEN
    assert "psycopg2 (its version is not known here: no _connect)" in verdict.reason
    assert enter(lambda: 7).value == 7
