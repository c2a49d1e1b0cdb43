"""Mail servers as their clients see them: greetings, log-ins, TLS, envelopes, and what is recorded of a mail."""

from __future__ import annotations

import smtplib
import ssl
from typing import Any

import pytest

from tests.world.entering import enter, exception

MAIL = "Subject: Shipped\r\n\r\nHello,\r\n.\r\n..two dots\r\nBye\r\n"
ADDRESSES = ("shop@example.com", ["ada@example.com", "nobody@example.com"])


def test_a_mail_is_a_write_with_its_envelope_and_its_text() -> None:
    def send() -> Any:
        with smtplib.SMTP("mail.internal") as server:
            return server.sendmail(*ADDRESSES, MAIL)

    run = enter(send, backend={})
    (request,) = run.requests
    assert run.value == {}
    assert (request.method, request.url, request.is_write, request.committed) == ("MAIL", "smtp://mail.internal:25", True, True)
    assert request.headers == (("mail-from", "shop@example.com"), ("rcpt-to", "ada@example.com"), ("rcpt-to", "nobody@example.com"))
    assert request.body == MAIL.encode()


def test_several_mails_go_over_one_connection() -> None:
    def send() -> Any:
        with smtplib.SMTP("mail.internal") as server:
            server.noop()
            for name in ("ada", "bob"):
                server.sendmail("shop@example.com", [f"{name}@example.com"], MAIL)

    assert [request.headers[1][1] for request in enter(send, backend={}).requests] == ["ada@example.com", "bob@example.com"]


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
def test_everybody_may_log_in_and_tls_is_begun_when_the_client_asks(mechanism: str) -> None:
    def send() -> Any:
        with smtplib.SMTP("mail.internal", 587) as server:
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
            server.user, server.password = "app", "secret"
            return server.auth(mechanism.removeprefix("auth_").upper(), getattr(server, mechanism))[0], server.has_extn("starttls")

    run = enter(send, backend={})
    assert run.value == (235, False)
    assert run.tls
    assert run.requests == ()


def test_recipients_that_the_backend_refuses_are_refused() -> None:
    def send() -> Any:
        with smtplib.SMTP("mail.internal", 2500) as server:
            return server.sendmail(*ADDRESSES, MAIL)

    run = enter(send, backend={"smtp://mail.internal:2500": {"Nobody@example.com": "550 5.1.1 No such user"}})
    assert run.value == {"nobody@example.com": (550, b"5.1.1 No such user")}
    assert [value for name, value in run.requests[0].headers if name == "rcpt-to"] == ["ada@example.com"]


def test_a_mail_that_nobody_takes_is_never_sent() -> None:
    def send() -> Any:
        with smtplib.SMTP("mail.internal") as server:
            return server.sendmail("shop@example.com", ["nobody@example.com"], MAIL)

    run = enter(send, backend={"smtp://mail.internal": {"nobody@example.com": "550 No such user"}})
    assert exception(run) == "SMTPRecipientsRefused"
    assert run.requests == ()


def test_tls_comes_first_where_the_port_or_the_backend_says_so() -> None:
    def send(port: int) -> Any:
        with smtplib.SMTP_SSL("mail.internal", port, timeout=5) as server:
            return server.noop()[0]

    assert enter(lambda: send(465), backend={}).value == 250
    assert enter(lambda: send(465), backend={"smtp://mail.internal:465": {}}).value == 250
    assert enter(lambda: send(4650), backend={"smtps://mail.internal:4650": {}}).value == 250
    assert exception(enter(lambda: send(587), backend={})) == "SSLError"  # there the server greets in clear text


def test_a_server_at_a_port_of_its_own_has_to_be_named() -> None:
    def send() -> Any:
        with smtplib.SMTP("mail.internal", 2500) as server:
            return server.noop()[0]

    assert enter(send, backend={"smtp://mail.internal:2500": {}}).value == 250
    assert enter(send, backend={}).ending.kind == "stuck"  # type: ignore[union-attr]


@pytest.mark.parametrize(("fault", "committed"), [("reset-before-answer", False), ("lost-response", True), ("truncated-body", True)])
def test_the_fault_meets_the_mail_and_not_the_log_in(fault: str, committed: bool) -> None:
    def send() -> Any:
        with smtplib.SMTP("mail.internal", 587, timeout=5) as server:
            server.starttls()
            server.login("app", "secret")
            return server.sendmail(*ADDRESSES, MAIL)

    run = enter(send, fault, backend={})
    assert exception(run) == "SMTPServerDisconnected"
    assert [(request.method, request.committed) for request in run.requests] == [("MAIL", committed)]


def test_unknown_commands_and_orders_are_refused() -> None:
    def speak() -> Any:
        with smtplib.SMTP("mail.internal") as server:
            return (
                server.docmd("BREW")[0],
                server.docmd("DATA")[0],
                server.verify("ada")[0],
                server.docmd("AUTH", "CRAM-MD5")[0],
                server.rset()[0],
            )

    assert enter(speak, backend={}).value == (502, 503, 252, 504, 250)


def test_at_a_port_for_which_the_backend_has_http_routes_nobody_greets() -> None:
    import urllib.request

    def fetch() -> Any:
        return urllib.request.urlopen("http://localhost:1025/health", timeout=5).read()

    assert enter(fetch, backend={"GET http://localhost:1025/health": {"ok": True}}).value == b'{"ok": true}'
