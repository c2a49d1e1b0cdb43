"""What a run did to the world outside of it: one change that somebody else could notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_agentready.domain.wording import shortened

SHOWN = 120  # characters of a command
EffectKind = Literal["request", "mail", "command", "statement", "file", "process", "memory"]


@dataclass(frozen=True, slots=True)
class Effect:
    """One change, or the try to make it. A read is none.

    kind        verb                            target
    request     POST, PUT, PATCH, DELETE, CALL  https://api.example.com/emails (without its query); a method of gRPC
    mail        MAIL                            smtp://mail.example.com:587 (its recipients stand in `places`)
    command     SET, DEL, LPUSH, ...            redis://cache.internal:6379 (its keys stand in `places`)
    statement   INSERT, UPDATE, DELETE, ...     sqlite:///srv/shop.db, postgresql://db.internal/shop (its tables stand in `places`)
    file        create, change, append, remove  /srv/notes/today.txt
                rename                          /srv/notes/today.txt (its new path stands in `places`)
    process     start, kill, exit               the program, /usr/bin/git
    memory      change                          what a module keeps: shop.tools.ORDERS
    """

    kind: EffectKind
    verb: str
    target: str
    content: bytes = b""  # the body, the statement, the command with its words, the file's new content: to be compared
    at: float = 0.0  # virtual seconds since the run began
    where: str = ""  # the user's line
    key: str = ""  # the idempotency key that it carries; "" for none
    places: tuple[str, ...] = ()  # the tables or keys that it changes, as far as they are known
    real: bool = False  # it happened outside of the world, by a handle that is older than the run, or a program that is allowed
    refused: bool = False  # it would have left the world: it was tried, and did not happen
    bound: float | None = None  # seconds after which its caller gives a process up; None: it waits for its end, as far as is known
    idempotent: bool = False  # the same once more leaves the peer as it is: a PUT, a DELETE, a SET

    @property
    def story(self) -> str:
        """`POST https://api.example.com/emails`, for a message; of a program its words, for `git log` and `git push` are two things."""
        if self.verb == "start" and self.content:
            return f"{self.verb} `{shortened(' '.join(self.content.decode(errors='replace').split()), SHOWN)}`"
        if self.verb == "rename":
            return f"{self.verb} {self.target} to {', '.join(self.places)}"
        where = f" {', '.join(self.places)} at" if self.places and self.kind in ("command", "statement") else ""
        return f"{self.verb}{where} {self.target}"

    @property
    def identity(self) -> tuple[str, str, str, bytes]:
        """The same for effects that do the same."""
        return self.kind, self.verb, self.target, self.content
