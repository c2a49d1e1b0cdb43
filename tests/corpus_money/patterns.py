"""The patterns that a project can own, as they are: without a fault."""

from __future__ import annotations

import openai
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from pytest_agentready.patterns.breaker import AsyncCostBreaker, CostBreaker, CostRefused, Reservation
from pytest_agentready.patterns.budget import estimate
from tests.corpus_money import LIMITS, breaker, loop

STORE = redis.Redis(host="redis.internal", socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1))
ASYNC_STORE = redis.asyncio.Redis(host="redis.internal", decode_responses=True)
BREAKER = CostBreaker(STORE, LIMITS)
ASYNC_BREAKER = AsyncCostBreaker(ASYNC_STORE, LIMITS)
MAX_TOKENS = 800


@breaker()
class Reserving(CostBreaker):
    """Nothing is ever settled: what was reserved is spent."""

    def __init__(self) -> None:
        super().__init__(STORE, LIMITS)


@breaker()
class ReservingAsync(AsyncCostBreaker):
    def __init__(self) -> None:
        super().__init__(ASYNC_STORE, LIMITS)


class Settled:
    """The adapter of a breaker whose reservations are settled."""

    def __init__(self) -> None:
        self.open: dict[str, Reservation] = {}

    def reserve(self, user_id: str, session_id: str, cost_usd: float) -> None:
        self.open[session_id] = BREAKER.reserve(user_id, session_id, cost_usd)

    def settle(self, user_id: str, session_id: str, cost_usd: float) -> None:
        BREAKER.settle(self.open.pop(session_id), cost_usd)


SETTLED = Settled()
breaker({"settle": SETTLED.settle})(SETTLED.reserve)


@loop()
def reserved_by_the_pattern(question: str, user_id: str, session_id: str) -> str:
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": question}]
    try:
        reservation = BREAKER.reserve(user_id, session_id, (estimate(question) * 1.25 + MAX_TOKENS * 10) / 1e6)
    except CostRefused as refused:
        return refused.reason
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, max_completion_tokens=MAX_TOKENS)
    assert answer.usage is not None
    BREAKER.settle(reservation, (answer.usage.prompt_tokens * 1.25 + answer.usage.completion_tokens * 10) / 1e6)
    return answer.choices[0].message.content or ""


@loop()
async def reserved_by_the_async_pattern(question: str, user_id: str, session_id: str) -> str:
    try:
        reservation = await ASYNC_BREAKER.reserve(user_id, session_id, 0.02)
    except CostRefused as refused:
        return refused.reason
    answer = await openai.AsyncOpenAI().responses.create(model="gpt-5.1", input=question, max_output_tokens=MAX_TOKENS)
    assert answer.usage is not None
    await ASYNC_BREAKER.settle(reservation, (answer.usage.input_tokens * 1.25 + answer.usage.output_tokens * 10) / 1e6)
    return answer.output_text
