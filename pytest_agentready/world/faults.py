"""The faults of the list: each a small frozen value that says what it is called and does one thing on the wire."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal

from pytest_agentready.domain import Expected, Family
from pytest_agentready.world.messages import Response, other_shape
from pytest_agentready.world.wire import Answerable, AnswerableByHTTP, Certificate, Connected, HTTPFault, WireFault

Flaw = Literal["malformed", "other shape", "empty", "html", "type"]

HUGE = 1 << 18  # bytes of the huge body: some 60,000 tokens
RETRY_AFTER = 30  # seconds
# What a reverse proxy puts below its error, some ten kilobytes of it: who quotes the body quotes all of that.
ADVICE = "".join(
    f'<section class="advice"><h2>{question}</h2><p>The web server reported a bad gateway error.</p>'
    "<p>Please try again in a few minutes.</p></section>"
    for question in ("What happened?", "What can I do?", "Additional troubleshooting information") * 25
)
PORTAL = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in to continue</h1></body></html>"


@dataclass(frozen=True, slots=True)
class FailedLookup(WireFault):
    def looked_up(self, host: str) -> OSError | None:
        return socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@dataclass(frozen=True, slots=True)
class FailedConnection(WireFault):
    how: Connected = "refused"

    def connected(self) -> Connected:
        return self.how


@dataclass(frozen=True, slots=True)
class DeafPeer(WireFault):
    @property
    def deaf(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class BadCertificate(WireFault):
    flaw: Certificate = "untrusted"

    @property
    def certificate(self) -> Certificate:
        return self.flaw


@dataclass(frozen=True, slots=True)
class Hang(WireFault):
    slug: str = "response-hang"
    title: str = "the peer reads the request and never answers"
    family: Family = "silence"
    expected: Expected | None = "transient"
    may_commit: bool = True

    def answer(self, exchange: Answerable) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Trickle(WireFault):
    """The answer begins at once, and goes on a byte at a time, for ever."""

    def answer(self, exchange: Answerable) -> bool:
        exchange.trickle()
        return True


@dataclass(frozen=True, slots=True)
class BrokenConnection(WireFault):
    """Reset at some point; `after` is how much of the answer gets out, `commits` whether the peer acted on the request."""

    after: Literal["nothing", "half"] = "nothing"
    commits: bool = False

    def answer(self, exchange: Answerable) -> bool:
        if self.commits:
            exchange.commit()
        if self.after == "half":
            exchange.send_half()
        exchange.reset()
        return True


@dataclass(frozen=True, slots=True)
class TruncatedBody(WireFault):
    """The connection is closed in good order before the promised length is reached."""

    def answer(self, exchange: Answerable) -> bool:
        exchange.commit()
        exchange.send_half()
        exchange.close()
        return True


@dataclass(frozen=True, slots=True)
class StatusAnswer(HTTPFault):
    response: Response = Response(status=500)

    def respond(self, exchange: AnswerableByHTTP) -> bool:
        exchange.send(self.response)
        return True


@dataclass(frozen=True, slots=True)
class SpoiltContent(HTTPFault):
    """Status 200, and a body that is not what was asked for. Applies where the normal answer is JSON; what is no data, to XML as well."""

    flaw: Flaw = "malformed"

    def respond(self, exchange: AnswerableByHTTP) -> bool:
        normal = exchange.normal()
        is_data = normal.is_json or (normal.is_xml and self.flaw in ("empty", "html"))
        if not is_data or exchange.request.method == "HEAD":
            return False
        exchange.send(self._spoil(normal))
        return True

    def _spoil(self, normal: Response) -> Response:
        match self.flaw:
            case "malformed":
                return Response(body=normal.content[:-1] + b',"', content_type="application/json")
            case "other shape":
                return Response(json=other_shape(normal.content))
            case "empty":
                return Response(body=b"", content_type=normal.content_type)
            case "html":
                return Response(body=PORTAL, content_type="text/html; charset=utf-8")
            case "type":
                return Response(status=normal.status, body=normal.content, content_type="text/plain")


@dataclass(frozen=True, slots=True)
class HugeAnswer(WireFault):
    """The normal answer, grown: a body, the rows of a database, what a Redis holds, the messages of a stream."""

    size: int = HUGE  # bytes

    def answer(self, exchange: Answerable) -> bool:
        return exchange.send_huge(self.size)


@dataclass(frozen=True, slots=True)
class RedirectLoop(HTTPFault):
    def respond(self, exchange: AnswerableByHTTP) -> bool:
        exchange.send(Response(status=302, headers={"Location": exchange.request.url}))
        return True


def answering(response: Response) -> WireFault:
    """The fault of a peer that answers everything like this, with the class that its status has in the list below."""
    status = response.status
    known = next((fault for fault in FAULTS if isinstance(fault, StatusAnswer) and fault.response.status == status), None)
    expected = known.expected if known else "transient" if status >= 500 else None
    return StatusAnswer(f"{status}", f"HTTP {status}", "status", failure=status >= 400, expected=expected, response=response)


def _status(slug: str, title: str, expected: Expected, response: Response, retry_after: float | None = None) -> StatusAnswer:
    return StatusAnswer(slug, title, "status", expected=expected, response=response, retry_after=retry_after)


def _spoilt(slug: str, title: str, flaw: Flaw, *, failure: bool = True) -> SpoiltContent:
    return SpoiltContent(slug, title, "content", failure=failure, good_status=True, flaw=flaw)


def _said(status: int, message: str, **headers: str) -> Response:
    return Response(status=status, json={"error": {"message": message}}, headers={k.replace("_", "-"): v for k, v in headers.items()})


def _page(status: int, title: str, more: str = "") -> Response:
    body = f"<html><head><title>{title}</title></head><body><h1>{status} {title}</h1>{more}</body></html>"
    return Response(status=status, body=body, content_type="text/html")


FAULTS: tuple[WireFault, ...] = (
    FailedLookup("dns-failure", "the host's name cannot be resolved", "break"),
    FailedConnection("refused", "the connection is refused", "break", expected="transient", how="refused"),
    FailedConnection("connect-hang", "the connection is never established", "silence", expected="transient", how="hang"),
    DeafPeer("accept-hang", "the peer accepts the connection and says nothing", "silence", expected="transient", may_commit=True),
    Hang(),
    Trickle("trickle", "the answer comes in single bytes, without end", "trickle", expected="transient", may_commit=True, good_status=True),
    BrokenConnection("reset-before-answer", "the connection is reset before the answer", "break", expected="transient", may_commit=True),
    BrokenConnection(
        "reset-during-answer",
        "the connection is reset in the middle of the answer",
        "break",
        expected="transient",
        may_commit=True,
        good_status=True,
        after="half",
        commits=True,
    ),
    TruncatedBody("truncated-body", "the answer ends before its announced length", "content", may_commit=True, good_status=True),
    BrokenConnection(
        "lost-response",
        "the peer acts on the request, and its answer is lost",
        "break",
        expected="transient",
        may_commit=True,
        commits=True,
    ),
    _status(
        "429-retry-after",
        f"HTTP 429 with Retry-After: {RETRY_AFTER}",
        "rate_limit",
        _said(429, "slow down", Retry_After=str(RETRY_AFTER)),
        retry_after=RETRY_AFTER,
    ),
    _status("429", "HTTP 429", "rate_limit", _said(429, "slow down")),
    _status("500", "HTTP 500", "transient", _said(500, "internal server error")),
    _status("502", "HTTP 502", "transient", _page(502, "Bad Gateway", ADVICE)),
    _status("503", "HTTP 503", "transient", Response(status=503, content_type="text/plain")),
    _status("504", "HTTP 504", "transient", _page(504, "Gateway Timeout")),
    _status("401", "HTTP 401", "permanent", _said(401, "invalid credentials", WWW_Authenticate='Bearer realm="api"')),
    _status("403", "HTTP 403", "permanent", _said(403, "forbidden")),
    _status("404", "HTTP 404", "permanent", _said(404, "not found")),
    _spoilt("malformed-json", "status 200 with broken JSON", "malformed"),
    _spoilt("other-shape", "status 200 with JSON of another shape", "other shape", failure=False),
    _spoilt("empty-body", "status 200 with an empty body", "empty"),
    _spoilt("html", "status 200 with an HTML page", "html"),
    _spoilt("content-type", "the right answer under a wrong content type", "type", failure=False),
    HugeAnswer("huge-body", "a huge answer", "content", failure=False, good_status=True),
    RedirectLoop("redirect-loop", "a redirect to itself", "status"),
    BadCertificate("untrusted-certificate", "a certificate of an unknown authority", "certificate", failure=False, flaw="untrusted"),
    BadCertificate("expired-certificate", "an expired certificate", "certificate", failure=False, flaw="expired"),
    BadCertificate("wrong-host-certificate", "a certificate for another host", "certificate", failure=False, flaw="wrong host"),
)
