"""Clients that can be neither seen nor led into the world: none of their connections is made, and the tool is unproven."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from pytest_agentready.world import active, guard
from pytest_agentready.world.patching import Patch, Patches

# Client -> the entry points at which its connections begin, as attributes of its modules.
BLIND: Mapping[str, tuple[str, ...]] = {
    "primp": ("Client", "AsyncClient", "request", "get", "post", "put", "patch", "delete", "head", "options"),
    "tls_client": ("Session",),
    "pyreqwest": (),
    "pyreqwest.client": ("Client", "ClientBuilder", "SyncClient", "SyncClientBuilder"),
    "pymssql": ("connect",),
    "cx_Oracle": ("connect", "Connection", "SessionPool"),
    "oracledb": ("init_oracle_client",),  # its thin mode is Python, and seen
    "MySQLdb": ("connect", "Connect", "Connection"),
    "MySQLdb._mysql": ("connect", "connection"),
    "MySQLdb.connections": ("Connection",),
    "pyodbc": ("connect",),
    "ibm_db": ("connect", "pconnect"),
    "connectorx": ("read_sql",),
    "ldap": ("initialize",),
    "pylibmc": ("Client",),
    "pygit2": ("clone_repository", "Remote"),
    "confluent_kafka": ("Producer", "Consumer", "DeserializingConsumer", "SerializingProducer"),
    "confluent_kafka.admin": ("AdminClient",),
    "zmq": ("Context", "Socket"),
    "zmq.asyncio": ("Context", "Socket"),
    "uvloop": (),  # its new loops are asyncio's own; one that is older than the run is refused by `_older_loop`
}
ENDING = ("close", "term", "destroy", "closed")  # what lets go of an object connects to nobody
HEAP_TYPE, IMMUTABLE_TYPE = 1 << 9, 1 << 8  # of CPython's flags
PARTLY = ("oracledb", "uvloop")  # of these only a part is out of sight
INSTEAD: Mapping[str, str] = {
    "pycurl": "make the handle within the call",
    "primp": "use httpx or requests for the examination",
    "tls_client": "use httpx or requests for the examination",
    "pyreqwest": "use httpx or requests for the examination",
    "pymssql": "use python-tds for the examination",
    "cx_Oracle": "use oracledb in its thin mode",
    "oracledb": "use its thin mode, without init_oracle_client()",
    "MySQLdb": "use PyMySQL for the examination",
    "confluent_kafka": "use kafka-python for the examination",
    "pyodbc": "use a driver in Python for the examination",
    "ibm_db": "give the tool its answer another way, or waive the check",
    "connectorx": "use a driver in Python for the examination",
    "ldap": "use ldap3 for the examination",
    "pylibmc": "use pymemcache for the examination",
    "pygit2": "give the tool its answer another way, or waive the check",
    "zmq": "give the tool its answer another way, or waive the check",
    "uvloop": "let the tool make its own event loop, or use asyncio's for the examination",
}


@contextlib.contextmanager
def in_place(client: str) -> Iterator[None]:
    with Patches(_patches(client)).in_place():
        yield


def early_names(client: str) -> Iterator[tuple[Any, Any]]:
    """Its entry points, and what refuses in their place."""
    for name in BLIND[client]:
        original = getattr(sys.modules[client], name, None)
        if original is not None and not is_open(original):
            yield original, _refusing(client, original)


def _patches(client: str) -> Iterator[Patch]:
    module = sys.modules[client]
    for name in BLIND[client]:
        original = getattr(module, name, None)
        if is_open(original):  # objects from before the run, and classes derived from it, have its methods too
            for method, value in tuple(vars(original).items()):
                if callable(value) and not isinstance(value, type) and (method == "__init__" or method[0] != "_") and method not in ENDING:
                    yield Patch(original, method, _refusing(client, value))
            if "__init__" not in vars(original):
                yield Patch(original, "__init__", _refusing(client, getattr(original, "__init__")))  # noqa: B009  # whichever class has it
        elif original is not None:
            yield Patch(module, name, _refusing(client, original))
    if client == "uvloop":
        yield Patch(module.Loop, "call_soon_threadsafe", _older_loop(module.Loop.call_soon_threadsafe))
        for name in ("create_connection", "create_unix_connection", "create_datagram_endpoint", "getaddrinfo", "sock_connect"):
            yield Patch(module.Loop, name, _connecting(getattr(module.Loop, name)))
        yield Patch(module, "Loop", asyncio.SelectorEventLoop)


def is_open(value: Any) -> bool:
    """A class whose methods can be replaced; those of C cannot."""
    return isinstance(value, type) and bool(value.__flags__ & HEAP_TYPE) and not value.__flags__ & IMMUTABLE_TYPE


@functools.cache
def _refusing(client: str, original: Callable[..., Any]) -> Callable[..., Any]:
    if getattr(original, "refuses", False):  # in place already, by another way
        return original

    def refuse(*args: Any, **kwargs: Any) -> Any:
        if active.mine() is None:  # a bystander: another test's server, say
            return original(*args, **kwargs)
        _refuse(client, f"a connection of {client.partition('.')[0]}, whose sockets cannot be seen")

    vars(refuse)["refuses"] = True
    return refuse


def _older_loop(original: Callable[..., Any]) -> Callable[..., Any]:
    def call_soon_threadsafe(self: Any, *args: Any, **kwargs: Any) -> Any:
        if active.mine() is not None:
            _refuse("uvloop", "work for a uvloop event loop that is older than the run")
        return original(self, *args, **kwargs)

    return call_soon_threadsafe


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    async def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        if active.mine() is not None:
            _refuse("uvloop", "a connection of a uvloop event loop that is older than the run")
        return await original(self, *args, **kwargs)

    return connect


def _refuse(client: str, what: str) -> NoReturn:
    guard.refuse(f"{what} ({INSTEAD[client.partition('.')[0]]})")
