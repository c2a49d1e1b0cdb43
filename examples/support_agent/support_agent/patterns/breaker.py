"""A cost breaker on Redis: a limit on what a session, a user and everybody together may spend on models, for all workers at once.

The article's pattern 3. What was corrected in it:

- It read the counters, compared, and added to them later: whoever came in between was admitted on the old sum. Here one Lua script checks
  all limits and adds, in one round trip. What the call may cost is reserved before it, and settled after it (a second round trip): a check
  beforehand and a record afterwards admit everybody who asks while the model answers.
- It added floats, whose sums drift: these are whole micro-dollars. A cost that is negative, infinite or not a number is refused, not added.
- Its hours and days were those of the machine: these are UTC, for every worker, and no hour comes twice when summer time ends.
- One time to live served all keys, set in a second command: a counter of an hour lives as long as late answers may come, that of a session
  as long after its last call as the conversation is kept; both are set by the script that counts, so that no counter lives for ever.
- It said nothing of a store that is down: nothing is spent then, and the exception has a reason that the user can be told.

    breaker = CostBreaker(redis.Redis(socket_timeout=1), {"session": 0.50, "user_daily": 5.00, "global_hourly": 100.0})
    reservation = breaker.reserve(user_id, session_id, 0.04)  # the most that the call may cost; raises CostRefused
    reply = client.messages.create(...)
    breaker.settle(reservation, 0.013)  # what it did cost; 0 where nothing was billed

A process that dies between the two leaves its reservation counted until the window is over, and no longer. A command that the client sends
again, because the answer was lost, counts once: each reservation has a mark of its own in the store, which goes when it is settled.

In operation: give the client short timeouts and few retries, or a store that is down keeps users waiting; and where many ask at once a
`BlockingConnectionPool`, for a pool that is used up is a store that is down. Counters must not be evicted (`maxmemory-policy noeviction`).
The prefix is a hash tag: on a cluster all counters are in one slot, which one script needs. After a fail-over the store may lack its last
writes, and the limits let as much more through. The clocks of the workers have to agree, as by NTP.

Checked by AR601-AR608, once a test marks it:

    @pytest.mark.agent_breaker(breaker=CostBreaker(redis.Redis(), LIMITS), limits=LIMITS)
    def test_cost_breaker(readiness_check):
        readiness_check()
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, localcontext
from typing import Any, NamedTuple

import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisError

Dollars = float | Decimal | str  # a text such as "0.50" is exact

HOUR, DAY = 3_600, 86_400  # seconds
LATE = HOUR  # within which a call is settled: no model takes as long
MOST = Decimal(1_000_000_000)  # dollars: in micro-dollars still a whole number to Lua, which counts in doubles


class Window(NamedTuple):
    whose: str
    seconds: int | None  # None: as long as the session is kept
    name: str = ""  # of the window, as strftime writes it


WINDOWS = {
    "session": Window("session", None),
    "user_hourly": Window("user", HOUR, "%Y-%m-%dT%H:"),
    "user_daily": Window("user", DAY, "%Y-%m-%d:"),
    "global_hourly": Window("global", HOUR, "%Y-%m-%dT%H:"),
    "global_daily": Window("global", DAY, "%Y-%m-%d:"),
}
REASONS = {
    "session": "This conversation has reached the limit of what it may cost. Please start a new one.",
    "user_hourly": "You have reached the limit of what you may use in an hour. Please try again in the next one.",
    "user_daily": "You have reached the limit of what you may use in a day. Please come back tomorrow.",
    "global_hourly": "Too many people are asking me at the moment. Please try again in an hour.",
    "global_daily": "Too many people have asked me today. Please come back tomorrow.",
}
log = logging.getLogger(__name__)


class InvalidCost(ValueError):
    """An amount that cannot be counted. It is a fault of the program, and nobody's limit."""


class CostRefused(Exception):
    """Nothing may be spent now. `reason` is for the user; the message is for the log, and names nobody."""

    reason = ""


class CostLimitExceeded(CostRefused):
    """What was asked for does not fit into `limit`, such as "user_daily"."""

    def __init__(self, limit: str, used: int, most: int, asked: int) -> None:
        """The amounts are micro-dollars."""
        super().__init__(limit, used, most, asked)
        self.limit = limit
        self.reason = REASONS[limit]

    def __str__(self) -> str:
        limit, *amounts = self.args
        used, most, asked = (amount / 1e6 for amount in amounts)
        return f"{limit}: ${used:.6f} of ${most:.2f} are spent or reserved, and ${asked:.6f} more is asked for"


class CostStoreUnavailable(CostRefused):
    """Whether a limit is reached cannot be found out, so that nothing is spent."""

    reason = "I cannot go on at the moment: a service that I depend on does not answer. Please try again in some minutes."


@dataclass(frozen=True)
class Reservation:
    """What may be spent. It is plain text and numbers: another process can settle it."""

    mark: str  # a key that is there until it is settled
    micros: int  # micro-dollars
    counters: tuple[str, ...]  # the keys of the windows in which it was made


class Script:
    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


# KEYS: the mark, then the counters. ARGV: micro-dollars, seconds of the mark; then of each counter its limit and its seconds.
# Answers {0, 0}, or the number of the limit that is reached and what is used of it.
RESERVE = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then return {0, 0} end
for i = 2, #KEYS do
  local used = tonumber(redis.call('GET', KEYS[i]) or '0')
  if used + tonumber(ARGV[1]) > tonumber(ARGV[2 * i - 1]) then return {i - 1, used} end
end
for i = 2, #KEYS do
  redis.call('INCRBY', KEYS[i], ARGV[1])
  redis.call('EXPIRE', KEYS[i], ARGV[2 * i])
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return {0, 0}
""")

# KEYS: the same. ARGV: micro-dollars to add, or to give back. A counter that is gone belonged to a window that is over.
SETTLE = Script("""
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('INCRBY', KEYS[i], ARGV[1]) end
end
return 1
""")


def micros(dollars: Dollars) -> int:
    """Whole micro-dollars, rounded up. Raises InvalidCost for what is negative, infinite, far too much, or no number."""
    with localcontext(Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])):  # whatever the program counts with
        try:
            exact = Decimal(str(dollars))  # by its text, the float 0.1 is a tenth
            counts = exact.is_finite() and 0 <= exact <= MOST
        except InvalidOperation:
            counts = False
        if not counts:
            raise InvalidCost(f"{dollars!r} is no amount of dollars that can be counted")
        without_noise = exact.quantize(Decimal("1e-9"))  # 0.1 + 0.2 is 0.3
        return int((without_noise * 1_000_000).to_integral_value(ROUND_CEILING))


class Rules:
    """The limits, and which counters they have in Redis. Pure: it talks to nobody."""

    def __init__(self, limits: Mapping[str, Dollars], prefix: str, session_seconds: int) -> None:
        """Raises ValueError for a limit that does not exist, or is no amount, and for a session that is forgotten during a call."""
        if not limits or (unknown := {*limits} - {*WINDOWS}):
            raise ValueError(f"limits are some of {', '.join(WINDOWS)}; {', '.join(unknown) if limits else 'nothing'} is none")
        if session_seconds < LATE:
            raise ValueError(f"session_seconds={session_seconds}: a counter that expires before its calls are settled limits nothing")
        self.limits = {name: micros(dollars) for name, dollars in limits.items()}
        self.prefix = prefix
        seconds = {name: WINDOWS[name].seconds for name in self.limits}
        lifetimes = {name: session_seconds if window is None else window + LATE for name, window in seconds.items()}
        self._of_counters = [number for name, most in self.limits.items() for number in (most, lifetimes[name])]

    def reservation(self, user_id: str, session_id: str, cost_usd: Dollars, now: datetime) -> Reservation:
        """Raises InvalidCost, also for nothing: who reserves nothing has not estimated."""
        amount = micros(cost_usd)
        if not amount:
            raise InvalidCost("a reservation of $0: reserve the most that the call may cost")
        whose = {"session": session_id, "user": user_id, "global": "all"}
        # The id comes last, so that no id reads like the key of another window.
        counters = tuple(f"{self.prefix}:{name}:{now.strftime(WINDOWS[name].name)}{whose[WINDOWS[name].whose]}" for name in self.limits)
        return Reservation(f"{self.prefix}:open:{uuid.uuid4().hex}", amount, counters)

    def arguments(self, reservation: Reservation) -> list[int]:
        """Of RESERVE."""
        return [reservation.micros, LATE, *self._of_counters]

    def judge(self, reservation: Reservation, answer: Sequence[int]) -> None:
        """What RESERVE has answered. Raises CostLimitExceeded."""
        number, used = answer
        if number:
            name, most = list(self.limits.items())[number - 1]
            raise CostLimitExceeded(name, used, most, reservation.micros)


@contextlib.contextmanager
def _closed_without_store() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise CostStoreUnavailable(f"the store of the cost limits fails: {type(error).__name__}: {error}") from error


class CostBreaker:
    """Keeps limits with `redis.Redis`. It may be shared by threads, as its client may.

    `limits`: dollars by "session", "user_hourly", "user_daily", "global_hourly" and "global_daily", as many as are wanted.
    `session_seconds`: how long after its last call a session's counter is kept. Keep it as long as the conversation itself, or longer: one
    that goes on afterwards begins with a full purse. Sessions are told apart by their ids alone: no two users may have one in common.
    """

    def __init__(self, client: redis.Redis, limits: Mapping[str, Dollars], *, prefix: str = "{cost}", session_seconds: int = DAY) -> None:
        self._redis = client
        self._rules = Rules(limits, prefix, session_seconds)

    def reserve(self, user_id: str, session_id: str, cost_usd: Dollars) -> Reservation:
        """Before the call: the most that it may cost. Raises CostLimitExceeded, CostStoreUnavailable and InvalidCost."""
        reservation = self._rules.reservation(user_id, session_id, cost_usd, datetime.now(timezone.utc))
        with _closed_without_store():
            answer = self._run(RESERVE, reservation, self._rules.arguments(reservation))
        self._rules.judge(reservation, answer)
        return reservation

    def settle(self, reservation: Reservation, cost_usd: Dollars) -> bool:
        """After the call: what it did cost, in the windows in which it was reserved. True where the counters are corrected by this.

        False where they were before, or where the store does not answer: the reservation stands then, and the user still gets the answer
        that is paid for. Raises InvalidCost.
        """
        difference = micros(cost_usd) - reservation.micros
        try:
            with _closed_without_store():
                return bool(self._run(SETTLE, reservation, [difference]))
        except CostStoreUnavailable:
            log.warning("A reservation of %d micro-dollars stands, as it cannot be settled.", reservation.micros, exc_info=True)
            return False

    def _run(self, script: Script, reservation: Reservation, arguments: Sequence[int]) -> Any:
        keys = (reservation.mark, *reservation.counters)
        try:
            return self._redis.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:  # a new server: once
            return self._redis.eval(script.text, len(keys), *keys, *arguments)


class AsyncCostBreaker:
    """The same with `redis.asyncio.Redis`."""

    def __init__(
        self, client: redis.asyncio.Redis, limits: Mapping[str, Dollars], *, prefix: str = "{cost}", session_seconds: int = DAY
    ) -> None:
        self._redis = client
        self._rules = Rules(limits, prefix, session_seconds)

    async def reserve(self, user_id: str, session_id: str, cost_usd: Dollars) -> Reservation:
        reservation = self._rules.reservation(user_id, session_id, cost_usd, datetime.now(timezone.utc))
        with _closed_without_store():
            answer = await self._run(RESERVE, reservation, self._rules.arguments(reservation))
        self._rules.judge(reservation, answer)
        return reservation

    async def settle(self, reservation: Reservation, cost_usd: Dollars) -> bool:
        difference = micros(cost_usd) - reservation.micros
        try:
            with _closed_without_store():
                return bool(await self._run(SETTLE, reservation, [difference]))
        except CostStoreUnavailable:
            log.warning("A reservation of %d micro-dollars stands, as it cannot be settled.", reservation.micros, exc_info=True)
            return False

    async def _run(self, script: Script, reservation: Reservation, arguments: Sequence[int]) -> Any:
        keys = (reservation.mark, *reservation.counters)
        try:
            return await self._redis.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self._redis.eval(script.text, len(keys), *keys, *arguments)
