"""HTTP/1.1, parsed by h11: requests are recorded as the peer saw them, and answered by the fault or the backend."""

from __future__ import annotations

import zlib
from dataclasses import replace

import h11

from pytest_agentready.world.backend import METHODS
from pytest_agentready.world.messages import NOT_FOUND, IncomingRequest, Response, Transmission
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services import websocket
from pytest_agentready.world.services.exchange import Exchange

_STARTS = tuple(f"{method} ".encode() for method in (*METHODS, "CONNECT", "TRACE"))
TRICKLED = 10_000  # bytes that a trickled answer announces: more than anybody waits for, and nothing that a limit of size refuses
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nX-Trace: "
BODILESS = (204, 304)  # statuses of answers that have no body
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")  # methods that change nothing


def speaks(data: bytes) -> bool:
    return data.startswith(_STARTS)


class HTTP:
    """One connection, with as many requests as the client keeps it alive for."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._h11 = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = bytearray()

    def receive(self, data: bytes) -> None:
        self._h11.receive_data(data)
        try:
            self._read()
        except h11.RemoteProtocolError:
            self.peer.network.unspoken.setdefault(f"{self.peer.host}:{self.peer.port}")
            self.peer.close()

    def _read(self) -> None:
        while True:
            event = self._h11.next_event()
            if self._h11.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[]))
            if isinstance(event, h11.Request):
                self._request = event
                self._body.clear()
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._complete()
            else:  # more data is needed, an answer is owed first, or the client is gone
                return

    def _complete(self) -> None:
        assert self._request is not None
        method, target = self._request.method.decode(), self._request.target.decode("latin-1")
        if method == "CONNECT":
            self._tunnel(target)
            return
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._request.headers)
        incoming = IncomingRequest(method, self._url(target, dict(headers)), dict(headers), bytes(self._body))
        if websocket.is_asked_for(incoming.headers):
            UpgradeExchange(self, replace(incoming, url=f"ws{incoming.url.removeprefix('http')}"), headers)
        else:
            HTTPExchange(self, incoming, headers)

    def _url(self, target: str, headers: dict[str, str]) -> str:
        if target.startswith("http://"):  # asked as a proxy
            return target
        scheme = "https" if self.peer.is_tls else "http"
        return f"{scheme}://{headers.get('host') or self.peer.host}{target}"

    def _tunnel(self, target: str) -> None:
        self._write(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
        host, _, port = target.rpartition(":")
        rest = self._h11.trailing_data[0]
        self.peer.retarget(host.strip("[]"), int(port))
        if rest:
            self.peer.receive(rest)

    def _write(self, *events: h11.Event) -> None:
        for event in events:
            data = self._h11.send(event)
            if data:
                self.peer.write(data)

    # -- what an exchange needs

    def respond(self, method: str, response: Response) -> None:
        """A whole answer; the connection stays open for the next request, if the client wants that."""
        body = b"" if method == "HEAD" or response.status in BODILESS else response.content
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in ("content-length", "connection")]
        if response.content or response.status not in BODILESS:
            headers += [("Content-Type", response.content_type), ("Content-Length", str(len(response.content)))]
        head = h11.Response(status_code=response.status, headers=headers, reason=b"")
        self._write(head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage())
        self._answered()

    def transmit(self, response: Transmission) -> None:
        """An answer in chunks, as far as it comes."""
        headers = [*response.headers.items(), ("Content-Type", response.content_type), ("Transfer-Encoding", "chunked")]
        self._write(h11.Response(status_code=response.status, headers=headers, reason=b""))
        data = b"".join(self._h11.send(h11.Data(data=chunk)) or b"" for chunk in response.chunks)
        self.peer.write(data)
        if response.ending == "whole":
            self._write(h11.EndOfMessage())
            self._answered()

    def _answered(self) -> None:
        """The whole answer is out."""
        self.peer.owes_an_answer = False
        if self._h11.our_state is h11.MUST_CLOSE:
            self.peer.close()
        elif self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            self._read()  # a pipelined request may have come already

    def switch(self, headers: list[tuple[str, str]], service: websocket.WebSocket) -> None:
        """From here on the connection speaks another protocol."""
        self._write(h11.InformationalResponse(status_code=101, headers=headers, reason=b"Switching Protocols"))
        self.peer.owes_an_answer = False
        self.peer.hand_over(service)
        service.begin()
        if rest := self._h11.trailing_data[0]:
            service.receive(rest)

    def head(self, response: Response, length: int) -> None:
        """Only the status line and the headers, with a length that the body will not have."""
        headers = [*response.headers.items(), ("Content-Type", response.content_type), ("Content-Length", str(length))]
        self._write(h11.Response(status_code=response.status, headers=headers, reason=b""))

    def body(self, data: bytes) -> None:
        self._write(h11.Data(data=data))


class HTTPExchange(Exchange):
    """A request over HTTP: its answers are whole responses, and a fault may send one of its own."""

    is_http = True

    def __init__(self, http: HTTP, request: IncomingRequest, headers: tuple[tuple[str, str], ...]) -> None:
        self.request = request
        self._http = http
        self._normal: Response | None = None
        super().__init__(
            http.peer,
            method=request.method,
            url=request.url,
            headers=headers,
            body=request.body,
            is_write=request.method not in SAFE,
        )
        if request.method == "HEAD":  # an answer without a body
            self.note(bounded=True)

    def commit(self) -> None:
        self.normal()

    def normal(self) -> Response:
        """The peer acts on the request, once; its normal answer."""
        if self._normal is None:
            found = self.network.ask_backend(self.request)
            if found is None and self.network.respond is not None:
                from pytest_agentready.world.services import providers

                found = providers.answer(self, self.request)
            if found is not None and self.network.order is not None:
                found = self.network.order.of_answer(self.request, found)
            self._normal = NOT_FOUND if found is None else found
            self.note(committed=True, routed=found is not None)
        return self._normal

    def send_normal(self) -> None:
        self.send(self.normal())

    def send(self, response: Response) -> None:
        if isinstance(response, Transmission):
            self._transmit(response)
            return
        self.note(status=response.status, digest=zlib.crc32(response.content), empty=response.says_nothing)
        if response.status in BODILESS:
            self.note(bounded=True)
        self._http.respond(self.request.method, response)

    def _transmit(self, response: Transmission) -> None:
        if response.chunks:
            self.note(status=response.status)
            self._http.transmit(response)
        elif response.content:  # one that breaks off, for it would be a plain Response else
            self.note(status=response.status)
            self.send_half()
        if response.ending == "closed":
            self.close()

    def send_huge(self, size: int) -> bool:
        normal = self.normal()
        huge = normal.inflated(size) if normal.is_text and self.request.method != "HEAD" else None
        if huge is not None:
            self.send(huge)
        return huge is not None

    def send_half(self) -> None:
        """The headers promise a whole body, of which the first half is sent."""
        normal = self._with_a_body(self.normal())
        self._http.head(normal, max(4, len(normal.content)))
        if self.request.method != "HEAD":
            self._http.body(normal.content[: len(normal.content) // 2])

    def trickle(self) -> None:
        """The headers, and then a space at a time: white space may stand before JSON for ever."""
        normal = self._with_a_body(self.normal())
        self.note(status=normal.status)
        self._http.head(normal, TRICKLED)
        if self.request.method != "HEAD":
            self._drip(b" ")

    def _with_a_body(self, normal: Response) -> Response:
        """A fault of the body needs one; 204 and 304 have none."""
        if normal.content and normal.status not in BODILESS:
            return normal
        return Response(body=b'{"data": "'.ljust(64, b"."), content_type=normal.content_type)


class UpgradeExchange(HTTPExchange):
    """The request that makes a WebSocket of the connection: 101, where the backend has a stream for it."""

    def normal(self) -> Response:
        if self._normal is None:
            self._stream = self.network.backend.stream(self.request)
            self._normal = NOT_FOUND if self._stream is None else Response(status=101)
            self.note(committed=True, routed=self._stream is not None)
        return self._normal

    def send_normal(self) -> None:
        normal = self.normal()
        if self._stream is None:
            self.send(normal)
            return
        self.note(status=101, bounded=True)
        service = websocket.WebSocket(self.peer, self.request.url, self._stream)
        self._http.switch(websocket.agreement(self.request.headers), service)

    def send_half(self) -> None:
        self.normal()
        self.peer.write(SWITCHING[: len(SWITCHING) // 2])

    def trickle(self) -> None:
        self.normal()
        self.peer.write(SWITCHING)
        self._drip(b"x")
