"""psycopg 3 and psycopg2 in the world: what they do under each fault, in virtual time, and that they reach nobody."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import psycopg2
import pytest
from psycopg2 import extensions

from pytest_agentready.domain import Run
from pytest_agentready.world.statements import Statement
from tests.examining import ROOT
from tests.world.entering import enter, exception, line_of

SERVER = "host=db.internal dbname=shop user=ada password=secret"
SHOP = {"postgresql://db.internal/shop": [{"id": 7, "state": "shipped"}]}
QUERY = "SELECT state FROM orders WHERE id = %s"
Call = Callable[[], Any]


def by_psycopg(more: str = "") -> Call:
    def ask() -> Any:
        with psycopg.connect(f"{SERVER} {more}") as connection:
            return connection.execute(QUERY, (7,)).fetchone()

    return ask


def by_psycopg_async(more: str = "") -> Call:
    async def ask() -> Any:
        async with await psycopg.AsyncConnection.connect(f"{SERVER} {more}") as connection:
            cursor = await connection.execute(QUERY, (7,))
            return await cursor.fetchone()

    return ask


def by_psycopg2(more: str = "") -> Call:
    def ask() -> Any:
        connection = psycopg2.connect(f"{SERVER} {more}")
        try:
            with connection.cursor() as cursor:
                cursor.execute(QUERY, (7,))
                return cursor.fetchone()
        finally:
            connection.close()

    return ask


CLIENTS = [by_psycopg, by_psycopg_async, by_psycopg2]
NAMES = ["psycopg", "psycopg-async", "psycopg2"]


def ask(call: Call, fault: str = "") -> Run:
    return enter(call, fault, backend=SHOP)


@pytest.mark.parametrize("client", CLIENTS, ids=NAMES)
def test_a_query_is_answered_and_recorded(client: Callable[..., Call]) -> None:
    run = ask(client())
    assert run.value == ("shipped",)
    assert run.peers == ("db.internal:5432",)
    assert all("db.internal" in request.url for request in run.requests)
    assert any(request.where == line_of(client, "execute(QUERY") for request in run.requests)
    assert run.virtual < 0.1
    assert not run.refused


STUCK = "stuck"
# What befalls a call without and with connect_timeout=5: the exception and the virtual seconds, or that it never ends.
TRUTH = {
    "dns-failure": [("OperationalError", 0.0), ("OperationalError", 0.0)],
    "refused": [("OperationalError", 0.0), ("OperationalError", 0.0)],
    "connect-hang": [("OperationalError", 127.0), (None, 5.0)],
    "accept-hang": [(None, 130.0), (None, 5.0)],
    "response-hang": [(STUCK, 0.0), (STUCK, 0.0)],
    "reset-before-answer": [("OperationalError", 0.0), ("OperationalError", 0.0)],
}
TIMED_OUT = {"psycopg": "ConnectionTimeout", "psycopg-async": "ConnectionTimeout", "psycopg2": "OperationalError"}


@pytest.mark.parametrize("patient", [0, 1], ids=["default", "connect_timeout"])
@pytest.mark.parametrize("fault", TRUTH)
@pytest.mark.parametrize(("client", "name"), [*zip(CLIENTS, NAMES, strict=True)], ids=NAMES)
def test_a_client_meets_a_fault_as_it_would_in_real_time(client: Callable[..., Call], name: str, fault: str, patient: int) -> None:
    kind, seconds = TRUTH[fault][patient]
    if name == "psycopg2" and fault == "accept-hang" and not patient:
        kind, seconds = STUCK, 0.0  # psycopg 3 has a time limit of its own, libpq has none
    run = ask(client("connect_timeout=5" if patient else ""), fault)
    assert run.fired
    assert run.virtual == pytest.approx(seconds, abs=0.1)
    if kind == STUCK:
        assert run.ending is not None
        assert run.ending.kind == "stuck"
        assert [wait.peer for wait in run.waits if wait.outcome == "unbounded"] == ["db.internal:5432"]
    else:
        assert run.ending is None
        assert exception(run) == (kind or TIMED_OUT[name])


def test_a_deadline_around_an_async_query_is_kept_until_the_query_is_called_off() -> None:
    async def tool() -> Any:
        return await asyncio.wait_for(by_psycopg_async()(), 3)

    run = ask(tool, "response-hang")
    assert exception(run) == "TimeoutError"
    assert run.virtual == pytest.approx(8.0, abs=0.1)  # psycopg waits 5 s more for the query to be cancelled


def test_errors_name_the_server_that_the_tool_wanted() -> None:
    run = ask(by_psycopg2(), "refused")
    assert run.raised is not None
    assert 'server at "db.internal" (100.128.0.1), port 5432 failed: Connection refused' in run.raised.message


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server


@pytest.mark.parametrize("client", CLIENTS, ids=NAMES)
@pytest.mark.parametrize("fault", ["", "refused", "accept-hang"])
def test_a_server_of_this_machine_sees_nothing_of_a_run(listener: socket.socket, client: Callable[..., Call], fault: str) -> None:
    port = listener.getsockname()[1]
    enter(client(f"host=127.0.0.1 port={port}"), fault, backend={f"postgresql://127.0.0.1:{port}/shop": [{"state": "shipped"}]})
    with pytest.raises(TimeoutError):
        listener.accept()


def test_a_query_over_a_socket_file_goes_into_the_world() -> None:
    run = ask(lambda: psycopg2.connect("host=/nowhere dbname=shop user=ada"), "refused")
    assert run.peers == ("/nowhere/.s.PGSQL.5432",)
    assert exception(run) == "OperationalError"


def test_what_was_replaced_is_put_back() -> None:
    def state() -> list[object]:
        base = psycopg.Connection.__mro__[1]
        return [
            psycopg2._connect,
            extensions.get_wait_callback(),
            psycopg.waiting.wait,
            psycopg.waiting.wait_async,
            vars(base).get("_connect_gen"),
        ]

    def crash() -> None:
        by_psycopg()()
        raise SystemExit

    before = state()
    for tool in (by_psycopg(), by_psycopg2(), crash):
        ask(tool)
        assert state() == before


def test_after_a_run_connections_are_real_again(listener: socket.socket) -> None:
    ask(by_psycopg2())
    port = listener.getsockname()[1]
    with pytest.raises(psycopg2.OperationalError, match="timeout expired"):
        psycopg2.connect(host="127.0.0.1", port=port, connect_timeout=1)
    listener.accept()[0].close()


@pytest.mark.parametrize("connect", [psycopg.connect, psycopg2.connect], ids=["psycopg", "psycopg2"])
def test_a_connection_of_an_earlier_run_is_found_to_be_closed(connect: Callable[..., Any]) -> None:
    kept: list[Any] = []

    def tool() -> Any:
        if not kept:
            kept.append(connect(SERVER))
        with kept[0].cursor() as cursor:
            cursor.execute(QUERY, (7,))
            return cursor.fetchone()

    assert ask(tool).value == ("shipped",)
    assert kept[0].closed
    assert exception(ask(tool)) == ("OperationalError" if connect is psycopg.connect else "InterfaceError")


def test_a_connection_that_was_never_in_a_world_is_refused() -> None:
    near, far = socket.socketpair()

    def tool() -> None:
        from pytest_agentready.world import active
        from pytest_agentready.world.foreign import descriptors

        assert active.world is not None
        descriptors.wait(active.world, near.fileno(), descriptors.READING, 1.0, "psycopg")

    with near, far:
        run = ask(tool)
    assert run.refused == ("a connection of psycopg that was made before the examination (let the tool connect within the call)",)
    assert run.ending is not None
    assert run.ending.kind == "blind"


def test_examining_a_tool_leaves_a_real_server_alone(listener: socket.socket) -> None:
    from pytest_agentready.domain import Outcome
    from tests.examining import examine

    port = listener.getsockname()[1]
    verdicts = examine(
        by_psycopg2(f"host=127.0.0.1 port={port} connect_timeout=3"), {"backend": {f"postgresql://127.0.0.1:{port}/shop": [{"state": 1}]}}
    )
    assert verdicts["AR202"].outcome is Outcome.FAILED
    with pytest.raises(TimeoutError):
        listener.accept()


CLOSED_BESIDE = """
import sys, threading, time
import psycopg
from tests.world.entering import enter

sys.setswitchinterval(1e-5)  # the threads take turns in the middle of everything
said = []

def rivals():
    for number in range(50):
        connection = psycopg.connect("host=db.internal dbname=shop user=ada connect_timeout=3", autocommit=True)

        def ask():
            try:
                said.append(connection.execute("SELECT 1").fetchone())
            except BaseException as error:  # which of several depends on where the two threads meet
                said.append(type(error))

        threads = [threading.Thread(target=ask), threading.Thread(target=lambda: (time.sleep(0.0002 * (number % 8)), connection.close()))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

for fault in sys.argv[1:]:
    run = enter(rivals, fault, backend={"postgresql://db.internal/shop": [{"a": 1}]})
    assert run.raised is None and run.ending is None, run
print(len(said), (1,) in said, psycopg.OperationalError in said)
"""


def test_a_connection_that_is_closed_beside_its_query_raises_and_never_crashes() -> None:
    """libpq's memory is freed under the waiting thread: whoever goes on with it takes the whole process along, now and then."""
    faults = ["", "response-hang"] * 3
    found = subprocess.run([sys.executable, "-c", CLOSED_BESIDE, *faults], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "300 True True\n"), found.stderr


@pytest.mark.parametrize("sql", ["INSERT INTO orders (state) VALUES (%s)", "INSERT INTO orders (state) VALUES (%s) RETURNING id"])
def test_a_backend_that_remembers_is_asked_once_for_each_statement(sql: str) -> None:
    asked: list[tuple[Any, ...]] = []

    def answer(statement: Statement) -> object:
        asked.append(statement.params)
        return [{"id": 7}]

    def call() -> None:
        with psycopg.connect("postgresql://app:secret@db.internal/shop?connect_timeout=2") as connection:
            connection.execute(sql, ("new",))
            connection.execute(sql, ("new",))

    assert enter(call, backend={"postgresql://db.internal/shop": answer}).raised is None
    assert asked == [("new",), ("new",)]
