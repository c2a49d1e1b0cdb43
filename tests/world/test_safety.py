"""Nothing leaves the world by a back door: functions captured before any world was made, C, raw sockets, processes, old sockets."""

from __future__ import annotations

import _socket
import asyncio
import ctypes
import errno
import functools
import multiprocessing
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_agentready.world import Backend, Limits, aside
from pytest_agentready.world.world import World
from tests.world.entering import enter

if os.name != "posix":
    pytest.skip("POSIX", allow_module_level=True)

import _posixsubprocess

OUTSIDE = ("192.0.2.1", 80)
# What a module may have bound at its import, before any world.
c = {name: getattr(_socket.socket, name) for name in ("connect", "connect_ex", "sendto", "sendmsg")}
names = {name: getattr(_socket, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")}
fork_exec = _posixsubprocess.fork_exec
system, posix_spawn, fork, execv = os.system, os.posix_spawn, os.fork, os.execv


def on_a_socket(kind: int, call: Callable[[socket.socket], Any]) -> None:
    with socket.socket(socket.AF_INET, kind) as line:
        call(line)


def start(context: str) -> None:
    process = multiprocessing.get_context(context).Process(target=print)
    process.start()
    process.join()


async def create_a_process() -> None:
    await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")


def spawn_by_hand() -> None:
    here, there = os.pipe()
    try:
        arguments: list[Any] = [[b"true"], [b"/bin/true"], True, (there,), None, None, -1, -1, -1, -1, -1, -1, here, there]
        group, vfork = ([-1], [True]) if sys.version_info >= (3, 11) else ([], [])
        fork_exec(*arguments, False, False, *group, None, None, None, -1, None, *vfork)
    finally:
        os.close(here)
        os.close(there)


def by_ctypes() -> None:
    ctypes.CDLL(None).connect(-1, None, 0)


def unlink_by_handle() -> None:
    ctypes.CDLL(None)["unlink"](b"/nowhere")


OF_FILES = ("open", "fopen", "remove", "rename", "rmdir", "mkdir", "symlink", "truncate", "chmod", "kill", "_exit")
BACK_DOORS: dict[str, tuple[Callable[[], Any], str]] = {
    "connect": (lambda: on_a_socket(socket.SOCK_STREAM, lambda line: c["connect"](line, OUTSIDE)), "a connection to ('192.0.2.1', 80)"),
    "connect_ex": (lambda: on_a_socket(socket.SOCK_STREAM, lambda line: c["connect_ex"](line, OUTSIDE)), "a connection to "),
    "connect UDP": (lambda: on_a_socket(socket.SOCK_DGRAM, lambda line: c["connect"](line, OUTSIDE)), "a connection to "),
    "sendto": (lambda: on_a_socket(socket.SOCK_DGRAM, lambda line: c["sendto"](line, b"x", OUTSIDE)), "a message to "),
    "sendmsg": (lambda: on_a_socket(socket.SOCK_DGRAM, lambda line: c["sendmsg"](line, [b"x"], [], 0, OUTSIDE)), "a message to "),
    "getaddrinfo": (lambda: names["getaddrinfo"]("example.com", 80), "a look-up of 'example.com'"),
    "gethostbyname": (lambda: names["gethostbyname"]("example.com"), "a look-up of 'example.com'"),
    "gethostbyname_ex": (lambda: names["gethostbyname_ex"]("example.com"), "a look-up of 'example.com'"),
    "gethostbyaddr": (lambda: names["gethostbyaddr"]("192.0.2.1"), "a look-up of '192.0.2.1'"),
    "getnameinfo": (lambda: names["getnameinfo"](OUTSIDE, 0), "a look-up of '192.0.2.1'"),
    "os.system": (lambda: system("true"), "a process (true)"),
    "os.posix_spawn": (lambda: posix_spawn("/bin/true", ["true"], {}), "a process (/bin/true)"),
    "os.fork": (fork, "a process (fork)"),
    "os.execv": (lambda: execv("/bin/true", ["true"]), "a process (/bin/true)"),
    "_posixsubprocess": (spawn_by_hand, "a process (/bin/true)"),
    "multiprocessing fork": (lambda: start("fork"), "a process (fork)"),
    "multiprocessing spawn": (lambda: start("spawn"), "a process ("),
    "multiprocessing forkserver": (lambda: start("forkserver"), "a process ("),
    "asyncio": (create_a_process, "a process ("),
    "ctypes": (by_ctypes, "the C function connect"),
    "ctypes unlink": (unlink_by_handle, "the C function unlink"),
    **{f"ctypes {name}": (functools.partial(getattr, ctypes.CDLL(None), name), f"the C function {name}") for name in OF_FILES},
}


@pytest.mark.parametrize("door", BACK_DOORS)
def test_a_back_door_is_shut_and_who_tried_it_is_on_record(door: str) -> None:
    call, told = BACK_DOORS[door]
    run = enter(call)
    assert [what[: len(told)] for what in run.refused][:1] == [told]
    assert not run.returned


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="raw sockets are root's")
@pytest.mark.parametrize("family", ["AF_INET", "AF_PACKET"])
def test_a_raw_socket_is_refused(family: str) -> None:
    if not hasattr(socket, family):
        pytest.skip(family)
    run = enter(lambda: socket.socket(getattr(socket, family), socket.SOCK_RAW))
    assert run.refused == ("a raw socket",)


def test_an_ordinary_reverse_look_up_is_answered_by_the_world() -> None:
    def tool() -> list[Any]:
        address = socket.gethostbyname("api.example.com")
        found: list[Any] = [socket.getnameinfo((address, 443), 0), socket.gethostbyaddr(address)[0], socket.gethostbyname_ex("b.test")[0]]
        with pytest.raises(OSError, match="Unknown host"):
            socket.gethostbyaddr("192.0.2.1")
        return [*found, bool(socket.getfqdn())]

    run = enter(tool)
    assert run.value == [("api.example.com", "443"), "api.example.com", "b.test", True]
    assert run.refused == ()


# --- datagrams


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        yield server


def test_who_waits_for_an_answer_to_a_datagram_waits_in_virtual_time(receiver: socket.socket) -> None:
    def tool(bound: float | None) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.settimeout(bound)
            line.sendto(b"who is there?", receiver.getsockname())
            line.recvfrom(100)

    run = enter(tool, arguments={"bound": 5.0})
    assert run.raised is not None
    assert run.raised.kind == "TimeoutError"
    assert run.virtual == pytest.approx(5, abs=0.1)
    endless = enter(tool, arguments={"bound": None})
    assert endless.ending is not None
    assert endless.ending.kind == "stuck"


def test_a_socket_for_datagrams_that_is_older_than_the_run_sends_nothing_in_it_and_works_after_it(receiver: socket.socket) -> None:
    name = f"127.0.0.1:{receiver.getsockname()[1]}/udp"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connected:
        connected.connect(receiver.getsockname())

        def tool() -> None:
            for _ in range(1_000):  # more than any queue takes
                plain.sendto(b"x", receiver.getsockname())
                connected.send(b"x")

        run = enter(tool)
        assert run.returned
        assert run.peers == (name,)
        with pytest.raises(BlockingIOError):
            receiver.recv(10)
        plain.sendto(b"after", receiver.getsockname())
        assert receiver.recv(10) == b"after"
        connected.send(b"too")
        assert receiver.recv(10) == b"too"


def test_asking_for_ones_own_address_sends_nothing() -> None:
    def tool() -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.connect(("192.0.2.1", 80))
            return str(line.getsockname()[0])

    assert enter(tool).peers == ()


# --- sockets that are older than the run, and servers of its own


def test_a_connection_to_a_daemon_that_is_older_than_the_run_is_set_aside(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as daemon, socket.socket(socket.AF_UNIX) as line:
        daemon.bind("docker.sock")
        daemon.listen()
        line.connect("docker.sock")
        accepted, _ = daemon.accept()
        with accepted:
            accepted.setblocking(False)
            enter(functools.partial(line.send, b"POST /containers/create HTTP/1.1\r\n\r\n"))
            with pytest.raises(BlockingIOError):
                accepted.recv(100)
            line.send(b"after")
            assert accepted.recv(100) == b"after"


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_a_server_that_the_tool_starts_itself_is_inside_of_the_world(seconds: float) -> None:
    import time

    def tool() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> None:
                line, _ = server.accept()
                with line:
                    data = line.recv(100)
                    time.sleep(seconds)
                    line.sendall(data.upper())

            thread = threading.Thread(target=serve)
            thread.start()
            with socket.create_connection(server.getsockname(), timeout=5) as line:
                line.sendall(b"hello")
                data = line.recv(100)
            thread.join()
            return data

    run = enter(tool, "refused")
    assert run.value == b"HELLO"
    assert run.virtual == pytest.approx(seconds, abs=0.1)
    assert run.peers == () == run.refused


def test_an_async_server_of_the_tools_own_works_too() -> None:
    async def tool() -> bytes:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(2)
            writer.write((await reader.read(100)).upper())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello")
            data = await reader.read(100)
            writer.close()
            return data

    run = enter(tool, "refused")
    assert run.value == b"HELLO"
    assert run.virtual == pytest.approx(2, abs=0.1)


def test_a_line_for_the_shell_is_refused_however_harmless_its_first_word(tmp_path: Any) -> None:
    run = enter(lambda: os.system(f"uname -a; touch {tmp_path}/leaked"))
    assert run.refused
    assert not any(tmp_path.iterdir())


def test_connections_are_put_back_if_setting_them_aside_fails_halfway(monkeypatch: pytest.MonkeyPatch) -> None:
    dup, copied = os.dup, []

    def with_one_descriptor_left(fd: int) -> int:
        if copied:
            raise OSError(errno.EMFILE, "Too many open files")
        copied.append(fd)
        return dup(fd)

    world = World(None, Backend(), Limits())
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        with server.accept()[0] as far:
            monkeypatch.setattr(os, "dup", with_one_descriptor_left)
            with pytest.raises(OSError, match="Too many"), aside.real_connections(world.network):
                pass
            monkeypatch.undo()
            client.sendall(b"still there")
            assert far.recv(20) == b"still there"
