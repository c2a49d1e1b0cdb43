"""Nothing leaves the world: it is refused, it is recorded, and nobody outside ever hears of it."""

from __future__ import annotations

import _socket
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.world.entering import enter

connect_of_c = _socket.socket.connect
send_by_c = _socket.socket.sendto
resolve_by_c = _socket.getaddrinfo
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def heard(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def start_a_process() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def run_a_command() -> None:
    os.system("true")


def spawn() -> None:
    os.posix_spawn(sys.executable, [sys.executable, "-c", "pass"], {})


def fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def look_up() -> None:
    resolve_by_c("example.com", 80)


def open_a_line() -> None:
    with socket.socket() as line:
        connect_of_c(line, ("192.0.2.1", 80))


def send_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        send_by_c(line, b"x", ("192.0.2.1", 53))


def send_a_message() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendmsg([b"x"], [], 0, ("192.0.2.1", 53))


LEAVING = [
    pytest.param(start_a_process, "a process", id="subprocess.run"),
    pytest.param(run_a_command, "a process (true)", id="os.system"),
    pytest.param(spawn, "a process", id="os.posix_spawn", marks=posix),
    pytest.param(fork, "a process", id="os.fork", marks=posix),
    pytest.param(look_up, "a look-up of 'example.com'", id="_socket.getaddrinfo"),
    pytest.param(open_a_line, "a connection to ('192.0.2.1', 80)", id="_socket.socket.connect"),
    pytest.param(send_a_datagram, "a message to ('192.0.2.1', 53)", id="_socket.socket.sendto"),
    pytest.param(send_a_message, "a message to ('192.0.2.1', 53)", id="sendmsg"),
]


@pytest.mark.parametrize(("call", "told"), LEAVING)
def test_what_leaves_the_world_is_refused_and_recorded(call: Callable[[], None], told: str) -> None:
    run = enter(call)
    assert [what[: len(told)] for what in run.refused] == [told]
    assert run.went_out
    assert not run.returned


@pytest.mark.parametrize(("call", "told"), LEAVING)
def test_catching_exceptions_does_not_hide_it(call: Callable[[], None], told: str) -> None:
    def tool() -> str:
        try:
            call()
        except Exception:
            return "fine"
        return "done"

    run = enter(tool)
    assert [what[: len(told)] for what in run.refused] == [told]
    assert not run.returned


@pytest.mark.parametrize(("call", "told"), LEAVING)
def test_swallowing_everything_does_not_hide_it_from_the_record(call: Callable[[], None], told: str) -> None:
    def tool() -> str:
        try:
            call()
        except BaseException:
            return "fine"
        return "done"

    run = enter(tool)
    assert run.value == "fine"
    assert [what[: len(told)] for what in run.refused] == [told]


@pytest.mark.parametrize(("call", "told"), LEAVING)
def test_it_is_refused_in_a_thread_too(call: Callable[[], None], told: str) -> None:
    def tool() -> None:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()

    assert [what[: len(told)] for what in enter(tool).refused] == [told]


@pytest.mark.parametrize(("call", "told"), LEAVING[:2])
def test_outside_of_a_run_nothing_is_refused(call: Callable[[], None], told: str) -> None:
    run = enter(lambda: None)
    call()  # raises nothing
    assert run.refused == ()


def test_a_captured_connect_reaches_no_listener(listener: socket.socket) -> None:
    def tool() -> None:
        with socket.socket() as line:
            connect_of_c(line, listener.getsockname())

    enter(tool)
    assert not heard(listener)


def test_an_ordinary_connect_reaches_no_listener(listener: socket.socket) -> None:
    host, port = listener.getsockname()
    run = enter(lambda: requests.get(f"http://{host}:{port}/", timeout=5).status_code)
    assert run.value == 404
    assert not heard(listener)


def test_a_datagram_reaches_no_listener_and_its_address_is_a_peer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        where = server.getsockname()

        def tool() -> int:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                return line.sendto(b"hello", where)

        run = enter(tool)
        assert run.value == 5
        assert run.peers == (f"127.0.0.1:{where[1]}/udp",)
        with pytest.raises(BlockingIOError):
            server.recv(10)


def test_a_connected_datagram_socket_reaches_no_listener() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)

        def tool() -> int:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                line.connect(server.getsockname())
                return line.send(b"hello")

        assert enter(tool).went_out
        with pytest.raises(BlockingIOError):
            server.recv(10)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no AF_UNIX")
def test_a_socket_of_the_file_system_reaches_no_listener(tmp_path: Any) -> None:
    path = os.path.relpath(tmp_path / "docker.sock")  # the kernel takes 107 characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.setblocking(False)

        def tool() -> None:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(path)

        assert enter(tool).went_out
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_connection_that_a_pool_made_before_the_run_is_not_used(real_server: Any) -> None:
    with requests.Session() as session:
        assert session.get(real_server.url).text == "real"
        run = enter(lambda: session.get(real_server.url, timeout=5).status_code, "503")
        assert run.value == 503
        assert real_server.heard == 1
