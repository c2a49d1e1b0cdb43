"""What a conversation may use up: steps, tokens, and dollars, which all workers count together in one Redis."""

from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from support_agent.patterns.breaker import CostBreaker

MAX_STEPS = 12
TOKENS = 50_000
ANSWER = 1_500  # tokens of one answer
DOLLARS = {"session": 0.50, "user_daily": 5.00, "global_hourly": 100.0}

# A store that is down is known to be after two seconds, and customers hear of it.
STORE = redis.Redis.from_pool(
    redis.BlockingConnectionPool.from_url(
        "redis://redis.example.com:6379",
        timeout=1,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 1),
    )
)
breaker = CostBreaker(STORE, DOLLARS)


@dataclass(frozen=True)
class Price:
    """Of a model, in dollars per million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float = 0.0

    def most(self, prompt: int) -> float:
        """What a call can cost, with so many tokens in its prompt and the longest answer."""
        return (prompt * max(self.input, self.cache_write) + ANSWER * self.output) / 1_000_000

    def dollars(self, prompt: int, answer: int, cache_read: int = 0, cache_write: int = 0) -> float:
        """`prompt` leaves out what was read from, or written to, the cache."""
        parts = ((prompt, self.input), (answer, self.output), (cache_read, self.cache_read), (cache_write, self.cache_write))
        return sum(tokens * price for tokens, price in parts) / 1_000_000
