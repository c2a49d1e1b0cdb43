"""Nothing leaves the world: an audit hook refuses what reaches the system below the replaced functions.

It sees what was captured before any replacement (`_socket.socket.connect`, `os.system`, ...). A hook cannot be removed, so
it is installed once, with the first world, and does nothing while none runs.
"""

from __future__ import annotations

import os
import socket
import sys
from _thread import get_ident
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from pytest_agentready.world import active, processes, programs, real, runs, stack, witness
from pytest_agentready.world.addresses import is_address
from pytest_agentready.world.ending import block
from pytest_agentready.world.files.overlay import WRITING
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.signals import would_end

# Where work is handed over to processes.
POOLS = (("concurrent.futures.process", "ProcessPoolExecutor", "submit"), ("multiprocessing.pool", "Pool", "_check_running"))
NEW_SESSION = 9  # the place of `start_new_session`, behind the environment, in what `fork_exec` takes
# For the exits that lead to `fork_exec`, by thread.
_announced: set[int] = set()
_installed = False


def install() -> None:
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_audit)


def patches() -> Iterator[Patch]:
    """No audit event tells of a process that multiprocessing spawns."""
    if real.fork_exec is not None:
        import _posixsubprocess
        import subprocess

        yield Patch(_posixsubprocess, "fork_exec", fork_exec)
        if hasattr(subprocess, "_fork_exec"):  # from Python 3.11 on
            yield Patch(subprocess, "_fork_exec", fork_exec)

    for name in ("posix_spawn", "posix_spawnp"):
        if hasattr(os, name):
            yield Patch(os, name, _spawn(getattr(os, name)))
    for module, cls, method in POOLS:
        if module in sys.modules:
            owner = getattr(sys.modules[module], cls)
            yield Patch(owner, method, _hiring(getattr(owner, method)))


def _hiring(original: Callable[..., Any]) -> Callable[..., Any]:
    """No process begins in a run: one that takes up work is older, and what it does is real."""

    def hire(self: Any, *args: Any, **kwargs: Any) -> Any:
        if active.mine() is not None and not type(self).__name__.startswith("Thread"):
            refuse("work for a pool of processes that are older than the run")
        return original(self, *args, **kwargs)

    return hire


def fork_exec(args: Any, executables: Any, *rest: Any) -> int:
    world = active.world
    if world is not None and get_ident() not in _announced:
        paths = [os.fsdecode(path) for path in executables]
        if what := processes.begin(paths[0], args, harmless=_is_harmless(paths, rest[2])):
            refuse(what)
    _announced.discard(get_ident())
    program = ""
    if words := processes.stand_in():
        program = processes.program_of(args)
        args, executables = words, [os.fsencode(words[0])]
        close, kept, _, _, *more = rest  # neither its folder, which may be the run's own, nor an environment that loads a library
        if any(map(callable, more)):  # `preexec_fn`, which is `os.setsid` for whoever ends all of a group later: that may not be ours
            more[NEW_SESSION] = True
        rest = (close, kept, None, [], *(None if callable(one) else one for one in more))
    pid: int = real.fork_exec(args, executables, *rest)
    if world is not None and world.concerned:
        world.processes.begun(pid, words, program)
    return pid


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if witness.current is not None and active.world is not None and (what := witness.current.sees(event, args)):
        refuse(what)
    if event not in _WATCHED:  # first of all: there are some hundred thousand events in the examination of a tool
        return
    if active.world is None and get_ident() not in runs.leftovers:
        return
    if what := _WATCHED[event](args):
        refuse(what)


def _writing(path: Any, verb: str) -> str:
    """A change of a file that did not come by the replaced functions."""
    world = active.mine()
    if world is None or os.name != "posix" or not isinstance(path, (str, bytes, os.PathLike, int)):
        return ""
    with runs.bypassed():  # what is asked about the path is no doing of the run
        if isinstance(path, int):
            path = world.files.opened(path)
        if path is None or not world.files.refuses(os.fsdecode(path)):
            return ""
    where = os.path.abspath(os.fsdecode(path))
    world.ledger.note("file", verb, where, refused=True)
    return f"a change of the file {where}, by other means than Python's own functions"


def refuse(what: str) -> NoReturn:
    """Let this not leave the world, and remember that it would have. Raises OutboundBlocked."""
    world = active.world
    block(what, world.network.refused if world is not None and world.concerned else None)


def _let_out(address: Any) -> bool:
    return active.world is not None and active.world.network.lets_out(address)


def _connecting(args: tuple[Any, ...]) -> str:
    return "" if _let_out(args[1]) else f"a connection to {args[1]!r}"


def _sending(args: tuple[Any, ...]) -> str:
    return f"a message to {args[1]!r}" if args[1] is not None and not _let_out(args[1]) else ""


def _resolving(args: tuple[Any, ...]) -> str:
    host = args[0].decode() if isinstance(args[0], bytes) else args[0]
    if not host or host == "localhost" or is_address(host) or (active.world is not None and active.world.network.allowed.knows(host)):
        return ""
    return f"a look-up of {host!r}"


def _reversing(args: tuple[Any, ...]) -> str:
    """An address is a question to a name server here."""
    host = args[0][0] if isinstance(args[0], tuple) else args[0]
    return "" if active.world is not None and active.world.network.allowed.knows(str(host)) else f"a look-up of {host!r}"


def _opening(args: tuple[Any, ...]) -> str:
    """What is written to a raw socket raises no further event."""
    _, family, kind, _ = args
    is_raw = family == getattr(socket, "AF_PACKET", None) or (
        family in (socket.AF_INET, socket.AF_INET6) and kind & 0xF == getattr(socket, "SOCK_RAW", None)
    )
    return "a raw socket" if is_raw else ""


def _reaching_into_c(args: tuple[Any, ...]) -> str:
    """ctypes asks for each function once, by name. What was asked for before the run cannot be seen any more."""
    name = args[1].decode() if isinstance(args[1], bytes) else str(args[1])
    return f"the C function {name}" if name in _OF_C else ""


def _connecting_to_a_database(name: Any) -> str:
    world = active.mine()
    if world is None or os.name != "posix" or not isinstance(name, (str, bytes, os.PathLike)) or os.fsdecode(name) in ("", ":memory:"):
        return ""
    path = os.fsdecode(name).partition("?")[0].removeprefix("file:")
    with runs.bypassed():
        if "mode=memory" in os.fsdecode(name) or not world.files.refuses(path):
            return ""
    return f"a connection to the database {os.path.abspath(path)} by sqlite3.Connection (use sqlite3.connect)"


def _starting(args: tuple[Any, ...]) -> str:
    paths = programs.candidates(os.fsdecode(args[0]), None, beside=True)
    return processes.begin(args[0], args[1], harmless=_is_harmless(paths, None))


def _starting_by_subprocess(args: tuple[Any, ...]) -> str:
    """The function that really starts it is asked next, in the same thread."""
    executable, words, folder, environment = args
    if processes.are_words(words):  # else what starts it raises, and nothing begins
        command = executable if executable is not None else words if isinstance(words, (str, bytes, os.PathLike)) else words[0]
        paths = programs.candidates(os.fsdecode(command), environment, beside=False)
        processes.stand_in()  # of one that was announced before, and then did not begin (its environment was no good, say)
        what = processes.begin(executable, words, harmless=_is_harmless(paths, folder))
        replaced = what and real.fork_exec is not None and processes.replace(what, os.fsdecode(command), processes.shell_line(words))
        if what and not replaced:
            return what
    _announced.add(get_ident())
    return ""


def _spawning(args: tuple[Any, ...]) -> str:
    """From Python 3.13 on it is what subprocess mostly starts with."""
    if get_ident() in _announced:
        _announced.discard(get_ident())
        return ""
    return _starting(args)


def _spawn(original: Callable[..., int]) -> Callable[..., int]:
    """What it starts is the run's own."""

    def spawn(path: Any, arguments: Any, environment: Any, *args: Any, **kwargs: Any) -> int:
        program = ""
        if words := processes.stand_in():
            program = processes.program_of(arguments)
            path, arguments, environment = words[0], words, {}
        pid = original(path, arguments, environment, *args, **kwargs)
        if (world := active.world) is not None and world.concerned:
            world.processes.begun(pid, words, program)
        return pid

    return spawn


def _opening_a_file(args: tuple[Any, ...]) -> str:
    path, _, flags = args
    if active.world is not None and active.world.opened is not None and isinstance(path, str):  # somebody counts what stays open
        active.world.opened[os.path.abspath(path)] = stack.here()
    is_path = isinstance(path, (str, bytes, os.PathLike))  # else a descriptor, which was opened before
    return _writing(path, "change") if is_path and isinstance(flags, int) and flags & WRITING else ""


def _forking() -> str:
    processes.note("start", "fork", "fork", refused=True)
    return "a process (fork)"


def _killing(args: tuple[Any, ...]) -> str:
    """What `exits` lets pass comes here, too, and what was bound where no replacement comes."""
    pid, number = args
    world = active.mine()
    if world is not None and would_end(pid, number):
        world.processes.silent.pop(pid, None)  # it ends now, and whoever waits for it is to wait for that
    if world is None or pid in world.processes.started or not would_end(pid, number):
        return ""
    return f"a signal to process {pid}"


def _killing_a_group(args: tuple[Any, ...]) -> str:
    group, number = args
    world = active.mine()
    if world is None or number == 0:
        return ""
    world.processes.silent.pop(group, None)
    return "" if group in world.processes.started else f"a signal to the processes of group {group}"


def _is_harmless(paths: list[str], folder: Any) -> bool:
    """`folder` is where the process would be started; None: here."""
    with runs.bypassed():  # what is asked about the paths is no doing of the run
        return programs.is_harmless(paths, os.path.join(os.getcwd(), os.fsdecode(folder)) if folder is not None else os.getcwd())


# Functions of the C library that reach another machine, another process, or a file that may be changed.
_OF_C = frozenset(
    {"connect", "sendto", "sendmsg", "sendmmsg", "getaddrinfo", "gethostbyname", "getnameinfo", "syscall"}
    | {"system", "popen", "fork", "vfork", "clone", "posix_spawn", "posix_spawnp", "execl", "execle", "execlp", "execv", "execve", "execvp"}
    | {"kill", "killpg", "tgkill", "raise", "abort", "exit", "_exit", "_Exit", "quick_exit"}
    | {"open", "open64", "openat", "openat64", "creat", "creat64", "fopen", "fopen64", "freopen", "freopen64", "mkstemp", "mkdtemp"}
    | {"unlink", "unlinkat", "remove", "rmdir", "rename", "renameat", "renameat2"}
    | {"mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"}
    | {"truncate", "truncate64", "chmod", "fchmodat", "chown", "lchown", "fchownat", "utime", "utimes", "utimensat", "mknod", "mkfifo"}
    | {"setxattr", "lsetxattr", "removexattr", "lremovexattr"}
)
_WATCHED: dict[str, Callable[[tuple[Any, ...]], str]] = {
    "socket.connect": _connecting,
    "socket.sendto": _sending,
    "socket.sendmsg": _sending,
    "socket.getaddrinfo": _resolving,
    "socket.gethostbyname": _resolving,
    "socket.gethostbyaddr": _reversing,
    "socket.getnameinfo": _reversing,
    "socket.__new__": _opening,
    "ctypes.dlsym": _reaching_into_c,
    "ctypes.dlsym/handle": _reaching_into_c,
    "open": _opening_a_file,
    "os.remove": lambda args: _writing(args[0], "remove"),
    "os.rmdir": lambda args: _writing(args[0], "remove"),
    "os.mkdir": lambda args: _writing(args[0], "create"),
    "os.rename": lambda args: _writing(args[0], "rename") or _writing(args[1], "change"),
    "os.link": lambda args: _writing(args[1], "create"),
    "os.symlink": lambda args: _writing(args[1], "create"),
    "os.truncate": lambda args: _writing(args[0], "change"),
    "os.chmod": lambda args: _writing(args[0], "change"),
    "os.chown": lambda args: _writing(args[0], "change"),
    "os.utime": lambda args: _writing(args[0], "change"),
    "os.setxattr": lambda args: _writing(args[0], "change"),
    "os.removexattr": lambda args: _writing(args[0], "change"),
    "os.kill": _killing,
    "os.killpg": _killing_a_group,
    "sqlite3.connect": lambda args: _connecting_to_a_database(args[0]),
    "subprocess.Popen": _starting_by_subprocess,
    "os.system": lambda args: processes.begin(args[0], (), line=True),
    "os.exec": _starting,
    "os.posix_spawn": _spawning,
    "os.spawn": lambda args: _starting(args[1:]),
    "os.fork": lambda _: _forking(),
    "os.forkpty": lambda _: _forking(),
}
