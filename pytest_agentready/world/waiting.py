"""A thread of the run in a wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pytest_agentready.domain import Wait
from pytest_agentready.world import loops

# Waits that only a peer or the clock can end; all others may be ended by a thread.
NETWORK_WAITS = frozenset({"recv", "send", "connect", "sleep", "TLS handshake", "TLS read", "TLS write", "grpc", "lock", "hold"})


@dataclass(slots=True, eq=False)
class Blocked:
    """A member thread in a wait."""

    primitive: str
    peer: str
    bound: float | None
    deadline: float
    ready: Callable[[], bool]
    ident: int
    start: float  # virtual
    since: float  # real
    where: str
    target: object = None  # the thread that a join waits for, or the loop that waits
    outcome: Literal["ready", "timeout", "unbounded", "cut"] = "cut"
    elapsed: float = 0.0
    cut: bool = False
    loop_held: bool = field(default_factory=loops.held)  # the tools' loop has given its thread to whoever waits

    def freeze(self) -> Wait:
        in_loop = self.loop_held and self.primitive != "await" and self.bound != 0  # which is only a look
        return Wait(self.primitive, self.peer, self.bound, self.elapsed, self.outcome, self.where, in_loop)
