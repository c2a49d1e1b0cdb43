"""AR201: tools whose waits cannot be seen, with and without a word about their timeout, beside tools that need none."""

from __future__ import annotations

import ftplib
import imaplib
import poplib
import socket
from typing import Any

import requests

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_requests, unreadable

# Nothing answers these protocols in the world, so that there is no normal answer, and no failure of one.
UNSEEN: dict[str, Any] = {"AR101": "unproven", "AR103": "unproven"}

# --- the fault ---------------------------------------------------------------------------------------------------------


def ask(host: str, port: int, question: str) -> bytes:
    """One question and its answer, over a protocol of one line each."""
    with socket.create_connection((host, port), timeout=3) as connection:
        connection.settimeout(4)
        connection.sendall(question.encode() + b"\r\n")
        return connection.recv(65_536)


@labelled(args={"domain": "example.com"}, backend={}, AR201="failed", **UNSEEN)
def registered(domain: str) -> ToolResult:
    """Whether a domain is registered, by whois."""
    try:
        answer = ask("whois.verisign-grs.com", 43, f"domain {domain}")
    except OSError:
        return ToolResult.transient("The registry could not be reached.")
    return ToolResult.success(b"No match for" not in answer) if answer else ToolResult.transient("The registry gave no answer.")


class Memcached:
    """As much of a client as a tool needs."""

    def __init__(self, host: str) -> None:
        self.host = host

    def get(self, key: str) -> str | None:
        answer = ask(self.host, 11211, f"get {key}").decode()
        if not answer.startswith(("VALUE", "END")):
            raise ConnectionError(f"unexpected answer {answer!r}")
        return answer.splitlines()[1] if answer.startswith("VALUE") else None


cache = Memcached("cache.internal")


@labelled(args={"user": "ada"}, backend={}, kind="db", AR201="failed", **UNSEEN)  # the kind of a tool is no promise
def last_seen(user: str) -> ToolResult:
    """When a user was last seen, by memcached's text protocol."""
    try:
        return ToolResult.success(cache.get(f"seen:{user}"))
    except OSError:
        return ToolResult.transient("The cache could not be reached.")


@labelled(args={"station": "ENGM"}, backend={}, AR201="failed", **UNSEEN)
def weather_report(station: str) -> ToolResult:
    """An airport's weather report, by gopher."""
    try:
        lines = ask("gopher.example.org", 70, f"/metar/{station}").decode().splitlines()
    except OSError:
        return ToolResult.transient("The weather service could not be reached.")
    return ToolResult.success(lines[0]) if lines else ToolResult.transient("The weather service gave no report.")


@labelled(args={"subject": "invoice"}, backend={}, AR201="failed", **UNSEEN)
def mails_about(subject: str) -> ToolResult:
    """How many mails are about something, by IMAP. Its server would have to greet first: what comes after that nobody has seen."""
    try:
        with imaplib.IMAP4("mail.example.com", timeout=4) as mailbox:
            mailbox.login("ada", "swordfish-9")
            mailbox.select(readonly=True)
            return ToolResult.success(len(mailbox.search(None, "SUBJECT", subject)[1][0].split()))
    except OSError:
        return ToolResult.transient("The mailbox could not be reached.")
    except imaplib.IMAP4.error:
        return ToolResult.permanent("The mailbox cannot be opened.")


@labelled(args={}, backend={}, AR201="failed", **UNSEEN)
def waiting_mails() -> ToolResult:
    """How many mails wait, by POP3."""
    try:
        mailbox = poplib.POP3("mail.example.com", timeout=3)
        mailbox.user("ada")
        mailbox.pass_("swordfish-9")
        return ToolResult.success(mailbox.stat()[0])
    except OSError:
        return ToolResult.transient("The mailbox could not be reached.")
    except poplib.error_proto:
        return ToolResult.permanent("The mailbox cannot be opened.")


@labelled(args={"server": "ntp.example.com"}, backend={}, AR201="failed", **UNSEEN)
def time_by_ntp(server: str) -> ToolResult:
    """What a time server says, in a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        try:
            client.sendto(b"\x1b" + 47 * b"\0", (server, 123))
            answer = client.recv(48)
        except OSError:
            return ToolResult.transient("The time server could not be reached.")
    return ToolResult.success(int.from_bytes(answer[40:44], "big"))


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"domain": "example.com"}, backend={}, timeout=5, AR201="passed", **UNSEEN)
def registrar(domain: str) -> ToolResult:
    """Who registered a domain. Its owner promises 5 s."""
    try:
        answer = ask("whois.verisign-grs.com", 43, f"registrar {domain}")
    except OSError:
        return ToolResult.transient("The registry could not be reached.")
    return ToolResult.success(answer.decode()) if answer else ToolResult.transient("The registry gave no answer.")


@labelled(
    args={"word": "agent"},
    backend={},
    AR201="not_applicable",  # a silent peer has shown already that there is no timeout: that is AR202
    AR202="failed",
    AR203="not_applicable",
    **UNSEEN,
)
def definition(word: str) -> ToolResult:
    """What a word means, by the dictionary protocol."""
    try:
        with socket.create_connection(("dict.example.org", 2628)) as connection:
            connection.sendall(f"DEFINE ! {word}\r\n".encode())
            answer = connection.recv(65_536)
    except OSError:
        return ToolResult.transient("The dictionary could not be reached.")
    return ToolResult.success(answer.decode()) if answer else ToolResult.transient("The dictionary gave no answer.")


@labelled(args={"directory": "/pub"}, backend={}, timeout=5, AR201="passed", **UNSEEN)
def files_of_the_day(directory: str) -> ToolResult:
    """The files of a directory, by FTP. Its owner promises 5 s."""
    try:
        with ftplib.FTP("files.example.com", timeout=2) as server:
            server.login()
            return ToolResult.success(server.nlst(directory))
    except ftplib.error_perm:
        return ToolResult.permanent("The directory cannot be read.")
    except (OSError, ftplib.Error, EOFError):
        return ToolResult.transient("The files could not be listed.")


@labelled(
    args={"subject": "invoice"},
    backend={},
    AR201="not_applicable",  # a server that does not greet has shown that there is no timeout: that is AR202
    AR202="failed",
    AR203="not_applicable",
    **UNSEEN,
)
def mails_about_without_a_timeout(subject: str) -> ToolResult:
    """How many mails are about something, by IMAP."""
    try:
        with imaplib.IMAP4("mail.example.com") as mailbox:
            mailbox.login("ada", "swordfish-9")
            mailbox.select(readonly=True)
            return ToolResult.success(len(mailbox.search(None, "SUBJECT", subject)[1][0].split()))
    except OSError:
        return ToolResult.transient("The mailbox could not be reached.")
    except imaplib.IMAP4.error:
        return ToolResult.permanent("The mailbox cannot be opened.")


@labelled(
    args={"server": "ntp.example.com"},
    backend={},
    AR102="unproven",
    AR104="unproven",
    AR201="not_applicable",
    AR202="failed",
    AR203="not_applicable",
    **UNSEEN,
)
def time_by_ntp_without_a_timeout(server: str) -> ToolResult:
    """What a time server says, in a datagram that may never come."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        try:
            client.sendto(b"\x1b" + 47 * b"\0", (server, 123))
            answer = client.recv(48)
        except OSError:
            return ToolResult.transient("The time server could not be reached.")
    return ToolResult.success(int.from_bytes(answer[40:44], "big"))


@labelled(args={"order_id": "42"}, backend={"GET https://api.example.com/orders/{order_id}": {"status": "shipped"}}, AR201="not_applicable")
def observed_order_status(order_id: str) -> ToolResult:
    """Look up an order. Nothing is declared, and nothing has to be: the world has seen the timeout."""
    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()["status"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"celsius": 20.0},
    backend={},
    AR102="not_applicable",
    AR103="not_applicable",
    AR104="not_applicable",
    AR201="not_applicable",
    AR202="not_applicable",
    AR203="not_applicable",
)
def fahrenheit(celsius: float) -> ToolResult:
    """A temperature in Fahrenheit."""
    return ToolResult.success(celsius * 9 / 5 + 32)
