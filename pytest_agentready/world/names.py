"""The resolver: names get addresses of the world's own, but for those of allowed hosts."""

from __future__ import annotations

import _socket
import contextlib
import re
import socket
from _thread import get_ident
from collections.abc import Iterator
from typing import Any

from pytest_agentready.world import active, loops, real, stack
from pytest_agentready.world.addresses import is_address
from pytest_agentready.world.network import PORTS
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.waiting import Blocked
from pytest_agentready.world.world import World

NOBODYS = "192.0.2.1"  # an address of documentation, for threads that are none of the run's
LOCAL = ("", "localhost", "ip6-localhost")
NUMBERS = re.compile(r"(?:0[xX][\da-fA-F]+|\d+)(?:\.(?:0[xX][\da-fA-F]+|\d+)){0,3}")
STREAMS = {socket.SOCK_STREAM: socket.IPPROTO_TCP, socket.SOCK_DGRAM: socket.IPPROTO_UDP}


def patches() -> Iterator[Patch]:
    yield Patch(_socket, "getaddrinfo", getaddrinfo)
    yield Patch(socket, "getaddrinfo", getaddrinfo_with_names)  # where something forbids look-ups to tests, it stands here
    for function in (gethostbyname, gethostbyname_ex, gethostbyaddr, getnameinfo):
        yield Patch(_socket, function.__name__, function)
        yield Patch(socket, function.__name__, function)


def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list[Any]:
    world = active.world
    if world is None:
        return real.getaddrinfo(host, port, family, type, proto, flags)
    name = spelt_out(host.decode() if isinstance(host, bytes) else host)
    if name is None or is_address(name):
        return real.getaddrinfo(name, _numeric(port), family, type, proto, flags)
    if world.network.allowed.knows(name):
        return real.getaddrinfo(host, port, family, type, proto, flags)
    if flags & socket.AI_NUMERICHOST:  # only asked whether it is an address
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    address = "127.0.0.1" if name in LOCAL else _look_up(world, name.rstrip(".")) if world.concerned else NOBODYS
    kinds = [type] if type else list(STREAMS)
    where: tuple[Any, ...] = (address, _numeric(port))
    if family == socket.AF_INET6:
        where = (f"::ffff:{address}", _numeric(port), 0, 0)
    return [(family or socket.AF_INET, kind, proto or STREAMS.get(kind, 0), "", where) for kind in kinds]  # type: ignore[call-overload]


def getaddrinfo_with_names(*args: Any, **kwargs: Any) -> list[Any]:
    """As the `socket` module gives them: families and kinds are members of its enumerations."""
    return [(socket.AddressFamily(family), socket.SocketKind(kind), *rest) for family, kind, *rest in getaddrinfo(*args, **kwargs)]


def spelt_out(host: Any) -> Any:
    """`127.1`, `2130706433` and `0x7f000001` are addresses to the system, too."""
    if isinstance(host, str) and NUMBERS.fullmatch(host):
        with contextlib.suppress(OSError):
            return socket.inet_ntoa(socket.inet_aton(host))
    return host


def _look_up(world: World, name: str) -> str:
    since = world.time.now
    try:
        return world.network.look_up(name)
    finally:
        if loops.held():  # over in a moment here, and no wait; in the tools' loop it counts as one
            moment = Blocked("look-up", name, None, since, lambda: True, get_ident(), since, real.monotonic(), stack.here(2))
            moment.outcome, moment.elapsed = "ready", world.time.now - since
            world.time.waits.append(moment)


def gethostbyname(host: str) -> str:
    if active.world is None:
        return real.gethostbyname(host)
    found: str = getaddrinfo(host, 0, socket.AF_INET)[0][4][0]
    return found


def gethostbyname_ex(host: str) -> tuple[str, list[str], list[str]]:
    return real.gethostbyname_ex(host) if active.world is None else (host, [], [gethostbyname(host)])


def gethostbyaddr(host: str) -> tuple[str, list[str], list[str]]:
    """The world knows the names that it gave addresses to, and this machine's."""
    world = active.world
    if world is None or world.network.allowed.knows(host):
        return real.gethostbyaddr(host)
    if not is_address(host):
        return host, [], [gethostbyname(host)]
    if host not in world.network.hosts:
        raise socket.herror(1, "Unknown host")
    return world.network.hosts[host], [], [host]


def getnameinfo(address: Any, flags: int) -> tuple[str, str]:
    world = active.world
    if world is None:
        return real.getnameinfo(address, flags)
    numeric = bool(flags & socket.NI_NUMERICHOST)
    return address[0] if numeric else world.network.hosts.get(address[0], address[0]), str(address[1])


def _numeric(port: Any) -> int:
    if port is None:
        return 0
    text = port.decode() if isinstance(port, bytes) else str(port)
    return int(text) if text.isdigit() else PORTS.get(text, 0)
