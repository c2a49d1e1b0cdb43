"""SMTP: everybody may log in, every mail is accepted but for recipients that the backend refuses, and none is delivered.

A mail is one request: the envelope stands in its headers, the message is its body. What goes before is its handshake.
"""

from __future__ import annotations

import base64
import binascii
import contextlib

from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services.exchange import Exchange

PORTS = (25, 465, 587, 1025, 2525)
END = b"\r\n.\r\n"
REPLIES = {  # to the commands that change nothing
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 2.0.0 Ok",
    "VRFY": "252 2.1.5 Cannot verify",
    "HELP": "214 2.0.0 See RFC 5321",
}


class SMTP:
    """One connection, with as many mails as the client sends."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._buffer = bytearray()
        self._busy = False
        self._login: list[str] = []  # what AUTH LOGIN still asks for
        self._in_data = False
        self._sender = ""
        self._recipients: list[str] = []

    def greet(self) -> None:
        self._say(f"220 {self.peer.host} ESMTP")

    def _say(self, *lines: str) -> None:
        self.peer.write(reply(*lines))

    def receive(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:  # else an answer is owed first
            self.go_on()

    def go_on(self) -> None:
        self._busy = False
        while not self._busy and not self.peer.closed:
            end = END if self._in_data and not self._buffer.startswith(END[2:]) else END[2:] if self._in_data else b"\n"
            place = self._buffer.find(end)
            if place < 0:
                return
            whole = bytes(self._buffer[:place])
            del self._buffer[: place + len(end)]
            if self._in_data:
                self._take(whole + b"\r\n" if whole else b"")
            else:
                self._hear(whole.rstrip(b"\r").decode(errors="replace"))

    def _hear(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        if self._login:
            self._say(self._login.pop(0))
            if not self._login:
                self._learn(line)
        elif verb in REPLIES:
            if verb == "RSET":
                self._forget()
            self._say(REPLIES[verb])
        elif verb in ("EHLO", "HELO"):
            self._forget()
            self._say(*self._extensions() if verb == "EHLO" else [f"250 {self.peer.host}"])
        elif verb == "STARTTLS" and not self.peer.is_tls:
            self._say("220 2.0.0 Ready to start TLS")
            self.peer.begin_tls()
        elif verb == "AUTH":
            mechanism, _, given = rest.partition(" ")
            self._log_in(mechanism.upper(), given)
        elif verb == "MAIL":
            self._sender = address(rest)
            self._say("250 2.1.0 Ok")
        elif verb == "RCPT":
            self._receive_for(address(rest))
        elif verb == "DATA":
            self._in_data = bool(self._recipients)
            self._say("354 End data with <CR><LF>.<CR><LF>" if self._in_data else "503 5.5.1 No valid recipients")
        elif verb == "QUIT":
            self._say("221 2.0.0 Bye")
            self.peer.close()
        else:
            self._say("502 5.5.2 Command not recognized")

    def _extensions(self) -> list[str]:
        offered = ["PIPELINING", "SIZE 35882577", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN"]
        return [f"250 {line}" for line in (self.peer.host, *offered, *([] if self.peer.is_tls else ["STARTTLS"]))]

    def _log_in(self, mechanism: str = "", given: str = "") -> None:
        """The user's name and password are asked for in base64, and any will do."""
        done = "235 2.7.0 Authentication successful"
        if mechanism == "PLAIN":
            self._login = [] if given else [done]
            self._say(done if given else "334 ")
            if given:
                self._learn(given)
        elif mechanism == "LOGIN":
            self._login = [done] if given else ["334 UGFzc3dvcmQ6", done]
            self._say("334 UGFzc3dvcmQ6" if given else "334 VXNlcm5hbWU6")
        else:
            self._say("504 5.5.4 Unrecognized authentication type")

    def _learn(self, given: str) -> None:
        """The password is the last part of what AUTH PLAIN says, and all of the last that AUTH LOGIN does."""
        with contextlib.suppress(binascii.Error):
            self.peer.learn(base64.b64decode(given).rpartition(b"\0")[2], "the mail server")

    def _receive_for(self, recipient: str) -> None:
        refusal = self.peer.network.backend.refusals(self.peer.host, self.peer.port).get(recipient.lower())
        if refusal is None:
            self._recipients.append(recipient)
        self._say(refusal or "250 2.1.5 Ok")

    def _take(self, message: bytes) -> None:
        self._in_data, self._busy = False, True
        envelope = (("mail-from", self._sender), *(("rcpt-to", recipient) for recipient in self._recipients))
        plain = message.replace(b"\r\n..", b"\r\n.")
        self._forget()
        MailExchange(self, plain[1:] if plain.startswith(b"..") else plain, envelope)

    def _forget(self) -> None:
        self._sender, self._recipients = "", []


class MailExchange(Exchange):
    """One mail, once its last line has come."""

    def __init__(self, smtp: SMTP, message: bytes, envelope: tuple[tuple[str, str], ...]) -> None:
        self._smtp = smtp
        url = f"smtp://{smtp.peer.connection.name}"
        super().__init__(smtp.peer, method="MAIL", url=url, headers=envelope, body=message, is_write=True)
        self.note(routed=True, bounded=True)  # a mail server needs no route: it accepts what comes

    def act(self) -> bytes:
        return reply("250 2.0.0 Ok: queued")

    def send_half(self) -> None:
        """The first of two lines: half a line would read like a whole one."""
        self.commit()
        self.peer.write(b"250-2.0.0 Ok\r\n")

    def refuse(self) -> bool:
        self.peer.write(reply("451 4.3.0 Requested action aborted: local error in processing"))
        self.peer.owes_an_answer = False
        self.answered()
        return True

    def endless(self) -> tuple[bytes, bytes]:
        return b"250 2.0.0 Ok ", b"."

    def answered(self) -> None:
        self._smtp.go_on()


def reply(*lines: str) -> bytes:
    """Every line but the last has a hyphen behind its number."""
    return "".join(f"{line[:3]}{' ' if line is lines[-1] else '-'}{line[4:]}\r\n" for line in lines).encode()


def address(argument: str) -> str:
    """`TO:<ada@example.com> SIZE=12` is ada@example.com."""
    return argument.partition("<")[2].partition(">")[0] if "<" in argument else argument.partition(":")[2].split(" ")[0]
