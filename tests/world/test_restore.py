"""Everything is as it was when a run is over, however it ended, and between the runs everything is real."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from time import monotonic, sleep
from types import ModuleType
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.world import BackendFailed, Limits, active, installation
from pytest_agentready.world.leftovers import collected
from tests.world.entering import HTTP, HTTPS, ORDER, enter, exception

MISSING = object()


def raise_(error: BaseException) -> None:
    raise error


def retry_for_ever() -> None:
    while True:
        try:
            requests.get(HTTP, timeout=2)
        except BaseException:
            pass


def spin() -> None:
    while True:
        pass


def break_the_backend() -> None:
    enter(lambda: requests.get(HTTP), backend=lambda request: 1 / 0)


ENDS: dict[str, Callable[[], Any]] = {
    "return": lambda: enter(lambda: requests.get(HTTPS).json()),
    "async": lambda: enter(lambda: httpx.AsyncClient().aclose()),
    "exception": lambda: enter(lambda: raise_(ValueError("no"))),
    "SystemExit": lambda: enter(lambda: sys.exit(3)),
    "KeyboardInterrupt": lambda: enter(lambda: raise_(KeyboardInterrupt())),
    "stuck": lambda: enter(lambda: requests.get(HTTP), "response-hang"),
    "runaway": lambda: enter(retry_for_ever, "refused"),
    "spin": lambda: enter(spin, limits=Limits(real=0.1)),
    "refused": lambda: enter(lambda: os.system("true")),
    "backend": break_the_backend,
}
each_end = pytest.mark.parametrize("end", ENDS)


def finish(end: str) -> None:
    try:
        ENDS[end]()
    except BackendFailed:
        assert end == "backend"


def attributes() -> list[tuple[Any, str, Any]]:
    patches = installation._patches()._patches
    return [(patch.owner, patch.name, vars(patch.owner).get(patch.name, MISSING)) for patch in patches]


@each_end
def test_every_replaced_attribute_is_the_identical_object_again(end: str) -> None:
    before = attributes()
    assert len(before) > 40
    finish(end)
    assert [name for (_, name, old), (_, _, new) in zip(before, attributes(), strict=True) if old is not new] == []
    assert active.world is None


def test_every_replaced_attribute_is_replaced_in_the_run() -> None:
    before = attributes()
    inside = enter(attributes).value
    same = [name for (_, name, old), (_, _, new) in zip(before, inside, strict=True) if old is new]  # type: ignore[arg-type]
    assert same == ["socket"]  # which is another class only where something forbids sockets


def process_wide() -> list[Any]:
    return [
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM),
        threading.excepthook,
        sys.excepthook,
        sys.unraisablehook,
        sys.gettrace(),
        sys.getswitchinterval(),
        asyncio.events._event_loop_policy,  # type: ignore[attr-defined,unused-ignore]
        asyncio._get_running_loop(),
        os.environ.copy(),
        os.getcwd(),
    ]


@each_end
def test_what_belongs_to_the_whole_process_is_as_it_was(end: str) -> None:
    before = process_wide()
    finish(end)
    assert process_wide() == before


def test_the_trace_function_of_a_debugger_is_as_it_was() -> None:
    def tracer(*_: Any) -> None:
        """Looks at nothing."""

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        finish("runaway")
        found = sys.gettrace()
    finally:
        sys.settrace(before)
    assert found is tracer


# --- names bound early

by_name = sleep


def by_default(seconds: float, pause: Any = sleep) -> None:
    pause(seconds)


def by_keyword(seconds: float, *, pause: Any = sleep) -> None:
    pause(seconds)


def _closure() -> Callable[[float], None]:
    pause = sleep
    return lambda seconds: pause(seconds)


class Poller:
    pause = sleep

    def __init__(self) -> None:
        self.rest = sleep


class Slotted:
    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest = sleep


POLLER, SLOTTED, LISTED, NAMED, BY_CLOSURE = Poller(), Slotted(), [sleep], {"pause": sleep}, _closure()
EARLY: dict[str, tuple[Callable[[float], None], Callable[[], Any]]] = {
    "module": (lambda seconds: by_name(seconds), lambda: by_name),
    "default": (by_default, lambda: by_default.__defaults__[0]),  # type: ignore[index]
    "keyword default": (by_keyword, lambda: by_keyword.__kwdefaults__["pause"]),
    "closure": (BY_CLOSURE, lambda: BY_CLOSURE.__closure__[0].cell_contents),  # type: ignore[index]
    "class attribute": (lambda seconds: Poller.pause(seconds), lambda: vars(Poller)["pause"]),
    "instance attribute": (lambda seconds: POLLER.rest(seconds), lambda: POLLER.rest),
    "list item": (lambda seconds: LISTED[0](seconds), lambda: LISTED[0]),
    "dict value": (lambda seconds: NAMED["pause"](seconds), lambda: NAMED["pause"]),
}


@pytest.mark.parametrize("place", EARLY)
def test_a_name_bound_early_is_virtual_in_the_run_and_real_after_it(place: str) -> None:
    call, look = EARLY[place]
    real = look()
    run = enter(call, arguments={"seconds": 30})
    assert run.virtual == pytest.approx(30, abs=0.01)
    assert look() is real is time.sleep


def test_a_slot_bound_early_is_virtual_in_the_run() -> None:
    assert enter(lambda: SLOTTED.rest(0.05)).virtual == pytest.approx(0.05, abs=0.01)


def test_a_clock_bound_early_is_virtual_in_the_run() -> None:
    def tool() -> float:
        start = monotonic()
        sleep(30)
        return monotonic() - start

    assert enter(tool).value == pytest.approx(30, abs=0.01)


def test_a_name_bound_between_two_runs_is_virtual_too() -> None:
    enter(lambda: None)
    poller = Poller()
    assert enter(lambda: poller.rest(0.05)).virtual == pytest.approx(0.05, abs=0.01)


# --- worlds in worlds, and in loops


def test_a_run_in_a_run_is_refused() -> None:
    run = enter(lambda: enter(lambda: None))
    assert exception(run) == "NestedWorlds"
    assert active.world is None


def test_a_run_works_from_within_a_running_loop() -> None:
    async def test() -> Any:
        await asyncio.sleep(0)
        return enter(lambda: requests.get(HTTP, timeout=5), "response-hang"), enter(lambda: httpx.get(HTTP).json())

    silent, healthy = asyncio.run(test())
    assert exception(silent) == "ReadTimeout"
    assert silent.virtual == pytest.approx(5, abs=0.1)
    assert healthy.value == ORDER


def test_an_async_tool_works_from_within_a_running_loop() -> None:
    async def tool() -> Any:
        async with httpx.AsyncClient() as session:
            return (await session.get(HTTP)).json()

    async def test() -> Any:
        return enter(tool)

    assert asyncio.run(test()).value == ORDER


# --- what is real between the runs


@each_end
def test_time_is_real_again(end: str) -> None:
    finish(end)
    start = time.perf_counter_ns()
    time.sleep(0.02)
    assert time.perf_counter_ns() - start >= 0.02e9
    assert time.time() == pytest.approx(time.clock_gettime(time.CLOCK_REALTIME), abs=1)


@each_end
def test_the_network_is_real_again(end: str, real_server: Any) -> None:
    finish(end)
    assert requests.get(real_server.url, timeout=5).text == "real"
    assert real_server.heard == 1


def test_a_session_works_in_the_world_and_with_a_real_server_in_turn(real_server: Any) -> None:
    with requests.Session() as session:
        for _ in range(2):
            assert enter(lambda: session.get(HTTP).json()).value == ORDER
            assert session.get(real_server.url, timeout=5).text == "real"


def test_a_context_that_was_made_in_a_run_gets_its_roots_after_it() -> None:
    loaded: list[int] = []

    def tool() -> ssl.SSLContext:
        context = ssl.create_default_context()
        loaded.append(context.cert_store_stats()["x509"])
        return context

    context = enter(tool).value
    assert isinstance(context, ssl.SSLContext)
    assert loaded == [0]  # it would take longer than all the rest of the run
    assert context.cert_store_stats()["x509"] == ssl.create_default_context().cert_store_stats()["x509"]


def test_a_context_never_trusts_the_authority_of_the_world() -> None:
    context = ssl.create_default_context()
    before = len(context.get_ca_certs())
    assert enter(lambda: httpx.get(HTTPS, verify=context).json()).value == ORDER
    assert len(context.get_ca_certs()) == before


def test_a_real_socket_of_a_thread_that_is_no_member_goes_on() -> None:
    here, there = socket.socketpair()
    echoed: list[bytes] = []
    thread = threading.Thread(target=lambda: echoed.append(there.recv(10)))
    thread.start()
    with here, there:
        enter(lambda: time.sleep(100))
        here.sendall(b"hello")
        thread.join()
    assert echoed == [b"hello"]


def test_a_module_imported_between_two_runs_of_a_subject_does_not_hide_what_was_found_before(monkeypatch: pytest.MonkeyPatch) -> None:
    with collected(by_name, "an experiment"):
        enter(lambda: None)
        monkeypatch.setitem(sys.modules, "imported_meanwhile", ModuleType("imported_meanwhile"))
        assert enter(lambda: by_name(0.05)).virtual == pytest.approx(0.05, abs=0.01)
    assert by_name is time.sleep
