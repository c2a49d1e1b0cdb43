"""What an experiment saw: frozen records of runs, with no opinion about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from pytest_agentready.domain.answer import Answer
from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.idempotency import key_in
from pytest_agentready.domain.masking import Secret
from pytest_agentready.domain.model import ModelCall
from pytest_agentready.domain.telemetry import Telemetry

Expected = Literal["transient", "rate_limit", "permanent"]
# Whose exceptions are no word of a project's own.
CLIENTS = frozenset(
    {
        "openai",
        "anthropic",
        "litellm",
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "h11",
        "requests",
        "urllib3",
        "urllib",
        "http",
        "aiohttp",
    }
    | {"urllib", "ssl", "socket", "asyncio", "concurrent", "anyio", "json", "pydantic", "pydantic_core", "tenacity", "backoff", "stamina"}
)
TO_CALL_A_MODEL = "to call the model"
Family = Literal["silence", "trickle", "break", "status", "content", "certificate"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a peer can fail: what it is called, and what an honest tool makes of it.

    The virtual world's faults derive from this and add what they do on the wire.
    """

    slug: str  # "response-hang"
    title: str  # "the peer accepts the request and never answers"
    family: Family
    failure: bool = True  # False: a tool may well answer as usual (a huge body, an odd content type)
    expected: Expected | None = None  # the class that the error must have; None: any error will do
    may_commit: bool = False  # a write may have happened although the answer did not arrive
    good_status: bool = False  # the peer says 200 before it fails: who does not read the body cannot know
    retry_after: float | None = None  # seconds that the peer asks to be left alone


@dataclass(frozen=True, slots=True)
class Wait:
    """A blocking call of the tool, in virtual time."""

    primitive: str  # "recv", "connect", "select", "join", ...
    peer: str  # "api.example.com:443"; "" where no peer is involved
    bound: float | None  # seconds until it gives up; None: never
    seconds: float
    outcome: Literal["ready", "timeout", "unbounded", "cut"]  # cut: the world ended the run
    where: str
    in_loop: bool = False  # the agent's event loop stood still for it: not the loop's own wait for something to do


@dataclass(frozen=True, slots=True)
class Sleep:
    """A pause that the tool took by itself, in virtual time."""

    seconds: float
    where: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to reach a peer, before anything is asked of it: a look-up that failed, or a connection."""

    kind: Literal["look-up", "connection"]
    host: str
    reached: bool
    at: float  # virtual seconds since the run began
    where: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the peer saw it: over HTTP, or a command, a statement or a mail of another protocol.

    There, `method` is its verb (`GET`, `SELECT`, `MAIL`), `url` names the peer (`redis://cache.internal:6379`), and `body`
    is its text; that of a statement with parameters has them behind it: `DELETE FROM notes WHERE id = $1 -- 7`.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_write: bool  # its peer, having acted on it, is not what it was
    committed: bool  # the peer acted on it
    status: int | None  # HTTP's; None: no answer was sent, or none with a status
    routed: bool | None  # has the backend an answer for it? None: it was not asked
    at: float  # virtual seconds since the run began
    where: str
    bounded: bool = False  # what is asked for cannot be long: that it is done, a number, a row of codes
    beside: bool = False  # sent by one of several threads that work at a time: which of them comes first is up to chance
    changed: bool = True  # False: the write left its peer as it was, such as a DELETE of no row
    places: tuple[str, ...] = ()  # of a database: the tables, or the keys, that it writes to
    digest: int = 0  # of the answer that was sent: two that are alike have the same
    empty: bool = False  # the answer says that there is nothing: no rows, an empty list, a 404
    to_model: bool = False  # the provider of a model was asked
    span: int | None = None  # the id of the one in which it was sent; None for none

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_http(self) -> bool:
        """Over HTTP, the upgrade of a WebSocket included."""
        return self.url.startswith("http") or (self.url.startswith("ws") and self.method == "GET")

    @property
    def idempotency_key(self) -> str | None:
        """In a header or a field of the body, by which the peer knows the request again; None for none."""
        return key_in(self.headers, self.body if self.is_http else b"")


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that left the tool."""

    kind: str  # "requests.exceptions.ReadTimeout"
    message: str
    where: str  # the user's own line that it passed last
    fatal: bool  # no Exception: SystemExit, KeyboardInterrupt and their like
    accidental: bool  # a slip of the code (KeyError, TypeError, ...), not a report of the failure
    refusal: bool = False  # the code's own word: a `raise`, a validation's error, a call that could not begin

    @property
    def is_from_a_client(self) -> bool:
        """Is it an exception of a library that asks others, or tries again?"""
        return self.kind.partition(".")[0] in CLIENTS

    @property
    def is_own_word(self) -> bool:
        """Does the project itself say by it what is the matter?"""
        return self.refusal and not self.accidental and not self.fatal and not self.is_from_a_client


@dataclass(frozen=True, slots=True)
class Ending:
    """How the world had to end a run that would not end by itself."""

    kind: Literal["stuck", "endless", "runaway", "spin", "blind"]
    detail: str
    count: int = 0  # attempts, or waits, until it was ended
    where: str = ""
    early: bool = False  # sooner than others: earlier runs had shown that the tool runs away

    @property
    def asks_a_model(self) -> bool:
        """Was it ended for calling a model again and again?"""
        return self.kind == "runaway" and self.detail == TO_CALL_A_MODEL

    @property
    def story(self) -> str:
        return f"ended after {self.count} attempts, still trying {self.detail}" if self.kind == "runaway" else self.detail


@dataclass(frozen=True, slots=True)
class Run:
    """One call of a subject in one world."""

    arguments: Mapping[str, Any]
    fault: Fault | None = None
    spared: int = 0  # requests that were answered well before the fault began
    fired: int = 0  # how often the fault was met; 0: this run proves nothing
    value: object = None
    awaited: bool = False  # the call gave a coroutine, or an async generator
    answer: Answer | None = None  # how the value reads; None where the call did not return
    raised: Raised | None = None
    ending: Ending | None = None
    waits: tuple[Wait, ...] = ()
    sleeps: tuple[Sleep, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    requests: tuple[Request, ...] = ()
    steps: tuple[Request, ...] = ()  # those, and the statements of SQLite where somebody asks for them, in the order in which they came
    model_calls: tuple[ModelCall, ...] = ()
    peers: tuple[str, ...] = ()  # who was looked up or connected to
    allowed: tuple[str, ...] = ()  # services of the allow-list that were reached for real; no fault applies to them
    own_clocks: tuple[str, ...] = ()  # real stores that were asked for what goes by their own time, which no run moves
    tls: bool = False
    unspoken: tuple[str, ...] = ()  # peers whose protocol the world does not speak
    refused: tuple[str, ...] = ()  # what would have left the world, and was refused
    local_effects: tuple[Effect, ...] = ()  # what it did on this machine: files, processes, statements of SQLite
    credentials: tuple[Secret, ...] = ()  # with which it logged in, as the peers saw it, beside those in its requests
    unseen: tuple[str, ...] = ()  # waits that cannot be seen from Python: what the run says about time is no proof
    in_real_time: bool = False  # a client kept its own time: the virtual seconds are real ones
    telemetry: Telemetry = field(default_factory=Telemetry)
    virtual: float = 0.0  # seconds
    real: float = 0.0  # seconds

    @property
    def mishap(self) -> str:
        """The fault in words, and to which request it happened where that is not the first."""
        title = self.fault.title if self.fault else ""
        if self.in_real_time and self.fault is not None and self.fault.family == "silence":
            title += ", in real time"
        return f"{title} (from request {self.spared + 1} on)" if self.spared else title

    @property
    def mishap_slug(self) -> str:
        slug = self.fault.slug if self.fault else ""
        return f"{slug}@{self.spared + 1}" if self.spared else slug

    @property
    def mute(self) -> str:
        """The peer whose first word it waited for, in vain: nothing was said in a protocol that is known; "" where there is none."""
        if self.requests or not self.peers or self.unspoken:
            return ""
        last = self.peers[-1]
        in_vain = any(wait.peer and last.startswith(wait.peer) and wait.outcome in ("timeout", "unbounded") for wait in self.waits)
        return last if in_vain or (self.ending is not None and self.ending.kind == "stuck") else ""

    @property
    def longest_wait_at(self) -> str:
        """The line that waited longest."""
        return max(self.waits, key=lambda wait: wait.seconds).where if self.waits else ""

    @property
    def statuses(self) -> frozenset[int]:
        """What its peers answered."""
        return frozenset(request.status for request in self.requests if request.status is not None)

    @property
    def went_out(self) -> bool:
        """Did it turn to the outside world at all?"""
        return bool(self.peers or self.refused)

    @property
    def refused_processes(self) -> tuple[Effect, ...]:
        """The programs that it wanted to start."""
        return tuple(one for one in self.local_effects if one.kind == "process" and one.verb == "start" and one.refused)

    @property
    def exit(self) -> Effect | None:
        """How it would have ended the whole process, past every `except` and `finally`; None where it did not try to."""
        return next((effect for effect in self.local_effects if effect.kind == "process" and effect.verb == "exit"), None)

    @property
    def finished(self) -> bool:
        """Did the tool come to an end of its own?"""
        return self.ending is None

    @property
    def returned(self) -> bool:
        return self.finished and self.raised is None
