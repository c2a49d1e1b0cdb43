"""Clients that can be neither seen nor led into the world: none of their connections is made, and the tool is unproven."""

from __future__ import annotations

import asyncio
import contextlib
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
    "confluent_kafka": ("Producer", "Consumer", "DeserializingConsumer", "SerializingProducer"),
    "confluent_kafka.admin": ("AdminClient",),
    "zmq": ("Context",),
    "zmq.asyncio": ("Context",),
    "uvloop": (),  # its new loops are asyncio's own; one that is older than the run is refused by `_older_loop`
}
PARTLY = ("oracledb", "uvloop")  # of these only a part is out of sight
INSTEAD: Mapping[str, str] = {
    "pycurl": "write `import pycurl`, and make the handle within the call",
    "primp": "use httpx or requests for the examination",
    "tls_client": "use httpx or requests for the examination",
    "pyreqwest": "use httpx or requests for the examination",
    "pymssql": "use python-tds for the examination",
    "cx_Oracle": "use oracledb in its thin mode",
    "oracledb": "use its thin mode, without init_oracle_client()",
    "MySQLdb": "use PyMySQL for the examination",
    "confluent_kafka": "use kafka-python for the examination",
    "zmq": "give the tool its answer another way, or waive the check",
    "uvloop": "let the tool make its own event loop, or use asyncio's for the examination",
}


@contextlib.contextmanager
def in_place(client: str) -> Iterator[None]:
    with Patches(_patches(client)).in_place():
        yield


def _patches(client: str) -> Iterator[Patch]:
    module = sys.modules[client]
    for name in BLIND[client]:
        if hasattr(module, name):
            yield Patch(module, name, _refusing(client, getattr(module, name)))
    if client == "uvloop":
        yield Patch(module.Loop, "call_soon_threadsafe", _older_loop(module.Loop.call_soon_threadsafe))
        for name in ("create_connection", "create_unix_connection", "create_datagram_endpoint", "getaddrinfo", "sock_connect"):
            yield Patch(module.Loop, name, _connecting(getattr(module.Loop, name)))
        yield Patch(module, "Loop", asyncio.SelectorEventLoop)


def _refusing(client: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        if active.mine() is None:  # a bystander: another test's server, say
            return original(*args, **kwargs)
        _refuse(client, f"a connection of {client.partition('.')[0]}, whose sockets cannot be seen")

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
