"""A certificate authority that only the world trusts, and client contexts that trust only it.

TLS is really spoken. The client's context is replaced, at the moment it wraps a connection, by a shadow with the same
verification settings: nothing is installed anywhere, and a client that does not verify still does not.
"""

from __future__ import annotations

import atexit
import datetime
import functools
import os
import ssl
import tempfile
from _thread import allocate_lock
from typing import Any, Literal

from pytest_agentready.world import runs

Flaw = Literal["good", "untrusted", "expired", "wrong host"]


_made: list[Authority] = []
_making = allocate_lock()  # several threads may begin their first handshakes at once, and all have to trust the same one


def authority() -> Authority:
    """Made once per process, when the first handshake begins: the keys cost some 20 ms."""
    with _making:
        if not _made:
            _made.append(Authority())
        return _made[0]


class Authority:
    """Issues leaves for any host, flawed ones too."""

    def __init__(self) -> None:
        import trustme

        self._ca = trustme.CA()
        self._pem = self._ca.cert_pem.bytes().decode()
        self._servers: dict[tuple[str, Flaw], ssl.SSLContext] = {}
        self._shadows: dict[tuple[Any, ...], ssl.SSLContext] = {}

    @functools.cached_property
    def _stranger(self) -> Any:
        import trustme

        return trustme.CA()

    @functools.cached_property
    def bundle(self) -> str:
        """The path of a file with our authority alone, for clients that read one."""
        with runs.bypassed():  # clients in C read it: it is no file of the run's
            return self._written()

    def _written(self) -> str:
        directory = tempfile.TemporaryDirectory(prefix="agentready-")
        atexit.register(directory.cleanup)
        path = os.path.join(directory.name, "authority.pem")
        self._ca.cert_pem.write_to_path(path)
        return path

    def server_context(self, host: str, flaw: Flaw) -> ssl.SSLContext:
        context = self._servers.get((host, flaw))
        if context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.num_tickets = 0  # nobody comes back to resume a session
            self._leaf(host, flaw).configure_cert(context)
            self._servers[host, flaw] = context  # whole: another thread may take it at once
        return context

    def _leaf(self, host: str, flaw: Flaw) -> Any:
        match flaw:
            case "good":
                return self._ca.issue_cert(host)
            case "untrusted":
                return self._stranger.issue_cert(host)
            case "wrong host":
                return self._ca.issue_cert("another-host.invalid")
            case "expired":
                past = datetime.datetime(2020, 1, 1)
                return self._ca.issue_cert(host, not_before=past, not_after=past + datetime.timedelta(days=90))

    def shadow(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """A client context that verifies as strictly as this one, and trusts our authority alone."""
        key = (
            context.verify_mode,
            context.check_hostname,
            context.minimum_version,
            context.maximum_version,
            context.verify_flags,
            context.sslsocket_class,
            context.sslobject_class,
        )
        shadow = self._shadows.get(key)
        if shadow is None:
            shadow = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            shadow.check_hostname = False  # before verify_mode can be lowered
            shadow.verify_mode = context.verify_mode
            shadow.check_hostname = context.check_hostname
            shadow.verify_flags = context.verify_flags
            shadow.minimum_version = context.minimum_version
            shadow.maximum_version = context.maximum_version
            shadow.sslsocket_class = context.sslsocket_class
            shadow.sslobject_class = context.sslobject_class
            shadow.load_verify_locations(cadata=self._pem)
            self._shadows[key] = shadow  # whole: another thread may take it at once
        return shadow
