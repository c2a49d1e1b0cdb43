"""The far end of one connection: bytes in and out, TLS where the client begins it, and the service that answers."""

from __future__ import annotations

import _socket
import contextlib
import os
import ssl
from typing import Protocol

from pytest_agentready.domain import Secret
from pytest_agentready.world import certificates, real
from pytest_agentready.world.commons import Commons
from pytest_agentready.world.connection import LATENCY, Connection
from pytest_agentready.world.upstream import Upstream
from pytest_agentready.world.wire import WireFault

CHUNK = 1 << 18  # bytes
CLIENT_HELLO = b"\x16\x03"


class Service(Protocol):
    """One protocol on one connection."""

    def receive(self, data: bytes) -> None: ...


class Greeter(Service, Protocol):
    """A protocol in which the server speaks first."""

    def greet(self) -> None: ...


class Services(Protocol):
    """All protocols that peers speak."""

    def real(self, peer: Peer, /) -> Service:
        """What is spoken with a real server, behind this peer."""

    def tls_first(self, peer: Peer, /) -> bool:
        """Does TLS come before the first word at this place?"""

    def greeter(self, peer: Peer, /) -> Greeter | None:
        """The service that speaks first at this place; None where the client does."""

    def pick(self, peer: Peer, data: bytes, /) -> Service:
        """The protocol that begins with these bytes."""

    def ends_well(self, service: Service | None, /) -> bool:
        """Does a server end an idle connection of this protocol in good order, and its client make another one?"""


class Peer:
    """A state machine without a thread: `pump` is called by whoever is about to wait."""

    def __init__(
        self,
        network: Commons,
        services: Services,
        connection: Connection,
        far: _socket.socket,
        fault: WireFault | None,
        upstream: Upstream | None = None,
    ) -> None:
        """`upstream` leads to the real server that answers in the world's place."""
        self.network = network
        self._services = services
        self.connection = connection
        self.fault = fault
        self.upstream = upstream
        self.host, self.port = connection.host, connection.port
        self.deaf = fault is not None and fault.deaf
        self.closed = False
        self.owes_an_answer = self.deaf
        if upstream is not None and self.deaf:
            upstream.close()
        self.far = far
        self._out = bytearray()
        self._closing = False
        self._service: Service | None = None
        self._tls: _TLS | None = None
        self._awaits_tls = False  # the service and the client have agreed on it

    # -- moving bytes

    def pump(self) -> bool:
        moved = False
        while not self.closed:
            try:
                data = self.far.recv(CHUNK)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                data = b""
            moved = True
            if not data:
                self._shut()
                break
            if not self.deaf:
                self.receive(data)
        if self._out or self._closing:
            moved |= self._flush()
        return moved

    def write(self, plain: bytes) -> None:
        self._out += plain if self._tls is None else self._tls.encrypt(plain)
        self._flush()

    def _flush(self) -> bool:
        moved = False
        while self._out and not self.closed:
            try:
                sent = self.far.send(memoryview(self._out)[:CHUNK])
            except (BlockingIOError, InterruptedError):
                return moved
            except OSError:
                self._shut()
                return True
            del self._out[:sent]
            moved = True
        if self._closing and not self._out:
            self._shut()
            return True
        return moved

    # -- ending

    def close(self) -> None:
        """An orderly end, once everything is sent."""
        self._closing = True
        self._flush()

    def retire(self) -> int | None:
        """End an idle connection of HTTP in good order. Its far end, to be kept open: what a client still writes is lost, and no error.

        None for any other connection: whoever waits on it is to be told at once.
        """
        if self.closed or self.owes_an_answer or self._out or not self._services.ends_well(self._service):
            return None
        if self._tls is not None:
            self._out += self._tls.farewell()
        with contextlib.suppress(OSError):
            self.far.send(self._out)
            self.far.shutdown(_socket.SHUT_WR)
        self.closed = True
        return self.far.detach()

    def reset(self) -> None:
        """What is sent already still arrives; then the client's kernel says ECONNRESET.

        A pair's end says so when the other is closed with unread bytes in its queue: one is put there through
        the client's own descriptor.
        """
        if self.closed:
            return
        self._out.clear()
        if self.connection.is_current:
            with contextlib.suppress(OSError):
                os.write(self.connection.fd, b"\0")
        self._shut()

    def _shut(self) -> None:
        if not self.closed:
            self.closed = True
            self.owes_an_answer = False
            self.far.close()

    # -- understanding bytes

    @property
    def is_tls(self) -> bool:
        return self._tls is not None

    def retarget(self, host: str, port: int) -> None:
        """A proxy was asked for a tunnel: from here on this is that host, and may speak TLS."""
        self.host, self.port = host, port
        self._service = None

    def learn(self, password: bytes, of: str) -> None:
        """The client has logged in with this: nobody else is to be told."""
        self.network.credentials.setdefault(Secret(password.decode(errors="replace"), f"the password for {of}"))

    @property
    def asks_for_the_password(self) -> bool:
        return self.fault is not None and self.fault.asks_for_the_password

    def hand_over(self, service: Service) -> None:
        """The client and the service have agreed on another protocol."""
        self._service = service

    def begin(self) -> None:
        """The connection stands: where the server speaks first in the protocol, it does."""
        if self.upstream is not None:
            self._service = self._services.real(self)
        elif not self._services.tls_first(self):
            self._greet()

    def begin_tls(self, data: bytes = b"") -> None:
        """From here on the client speaks TLS, as it has agreed with the service; `data` came behind that already."""
        self._awaits_tls = True
        if data:
            self.receive(data)

    def receive(self, data: bytes) -> None:
        if self._tls is None and (self._service is None or self._awaits_tls) and data.startswith(CLIENT_HELLO):
            self.network.tls = True
            self._tls = _TLS(certificates.authority().server_context(self.host, self._certificate()))
        if self._tls is not None:
            data = self._decrypt(self._tls, data)
            if self._tls.shaken and self._service is None and not data:
                self._greet()
        if data:
            self._serve(data)

    def _greet(self) -> None:
        if (service := self._services.greeter(self)) is not None:
            self._service = service
            self.network.time.at(LATENCY, service.greet)

    def _serve(self, data: bytes) -> None:
        if self._service is None:
            self._service = self._services.pick(self, data)
        try:
            self._service.receive(data)
        except Exception as problem:  # bytes that the service cannot make sense of are not the tool's fault
            self.network.unspoken.setdefault(f"{self.connection.name} ({type(problem).__name__}: {problem})")
            self.close()

    def _certificate(self) -> certificates.Flaw:
        flaw = "good" if self.fault is None else self.fault.certificate
        if flaw != "good":
            self.network.fire(self.host)
        return flaw

    def _decrypt(self, tls: _TLS, data: bytes) -> bytes:
        try:
            plain = tls.decrypt(data)
        except ssl.SSLError:  # the client refuses the certificate, or speaks something else
            plain = b""
            self._closing = True
        self._out += tls.pending()
        self._closing |= tls.ended  # as a server's TLS does, whatever becomes of the request
        return plain


class _TLS:
    """The server's side of the handshake and the records, in memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = real.wrap_bio(context, self._incoming, self._outgoing, server_side=True)
        self.shaken = False
        self.ended = False  # the client has said that it says no more

    def decrypt(self, data: bytes) -> bytes:
        self._incoming.write(data)
        plain = bytearray()
        with contextlib.suppress(ssl.SSLWantReadError):
            if not self.shaken:
                self._object.do_handshake()
                self.shaken = True
            while chunk := self._object.read(CHUNK):
                plain += chunk
            self.ended = True
        if self.ended:
            with contextlib.suppress(ssl.SSLError):
                self._object.unwrap()  # clients wait for the same word from the other side
        return bytes(plain)

    def encrypt(self, plain: bytes) -> bytes:
        if self.ended:  # nobody listens any more
            return b""
        self._object.write(plain)
        return self._outgoing.read()

    def farewell(self) -> bytes:
        """That nothing more will be said."""
        with contextlib.suppress(ssl.SSLError):
            self._object.unwrap()
        return self.pending()

    def pending(self) -> bytes:
        return self._outgoing.read()
