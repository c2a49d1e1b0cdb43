"""Loops that keep to limits, or do not: by themselves, or by a breaker that they ask."""

from __future__ import annotations

import datetime
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import redis

from tests.corpus_money import KEPT, loop
from tests.corpus_money.breakers import MICROS, REDIS, SCRIPT, CostCircuitBreaker, CostLimitExceeded, incrby_with_a_way_back, keys_in_utc
from tests.corpus_money.breakers_async import REDIS as ASYNC_REDIS
from tests.corpus_money.breakers_sqlite import FOLDER

NOT_KEPT = {"AR601": "failed", "AR602": "failed", "AR603": "failed"}
NOT_TO_BE_SEEN = dict.fromkeys(("AR604", "AR605", "AR606", "AR607", "AR608"), "not_applicable")
SPENT = "I have to stop here: what this conversation may cost is used up."
MAX_TOKENS = 800


def cost_of(usage: Any) -> int:
    """In millionths of a dollar, of gpt-5.1."""
    return round(usage.prompt_tokens * 1.25 + usage.completion_tokens * 10)


def is_used_up(user_id: str, session_id: str) -> bool:
    return any(int(REDIS.get(key) or 0) >= MICROS[name] for name, key in keys_in_utc(user_id, session_id).items())


def record(user_id: str, session_id: str, micros: int) -> None:
    with REDIS.pipeline(transaction=True) as pipe:
        for key in keys_in_utc(user_id, session_id).values():
            pipe.incrby(key, micros)
            pipe.expire(key, 90_000)
        pipe.execute()


# --- faults ------------------------------------------------------------------------------------------------------------


@loop(**NOT_KEPT, **NOT_TO_BE_SEEN)
def a_breaker_that_nobody_asks(question: str, user_id: str, session_id: str) -> str:
    """It is made, and never called."""
    breaker = CostCircuitBreaker()
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or str(breaker)


@loop(AR604="failed")
def checked_called_and_recorded(question: str, user_id: str, session_id: str) -> str:
    if is_used_up(user_id, session_id):
        return SPENT
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-5.1", messages=[{"role": "user", "content": question}], max_completion_tokens=MAX_TOKENS
    )
    assert answer.usage is not None
    record(user_id, session_id, cost_of(answer.usage))
    return answer.choices[0].message.content or ""


@loop(AR604="failed", AR607="not_applicable", AR608="not_applicable")
async def checked_and_recorded_in_memory(question: str, user_id: str, session_id: str, spent: dict[str, float] = {}) -> str:
    keys = keys_in_utc(user_id, session_id)
    if any(spent.get(key, 0) >= MICROS[name] for name, key in keys.items()):
        return SPENT
    answer = await anthropic.AsyncAnthropic().messages.create(
        model="claude-sonnet-4-6", max_tokens=MAX_TOKENS, messages=[{"role": "user", "content": question}]
    )
    for key in keys.values():
        spent[key] = spent.get(key, 0) + answer.usage.input_tokens * 3 + answer.usage.output_tokens * 15
    return "".join(block.text for block in answer.content if block.type == "text")


@loop(AR604="failed", AR607="failed")
def goes_on_without_its_store(question: str, user_id: str, session_id: str) -> str:
    try:
        if is_used_up(user_id, session_id):
            return SPENT
    except redis.RedisError:
        pass
    answer = openai.OpenAI().responses.create(model="gpt-5.1", input=question)
    assert answer.usage is not None
    try:
        record(user_id, session_id, round(answer.usage.input_tokens * 1.25 + answer.usage.output_tokens * 10))
    except redis.RedisError:
        pass
    return answer.output_text


# --- look-alikes -------------------------------------------------------------------------------------------------------

IN_TURN = threading.Lock()


@loop(AR607="not_applicable", AR608="not_applicable")
def recorded_in_memory_by_one_after_the_other(question: str, user_id: str, session_id: str, spent: dict[str, int] = {}) -> str:
    """Nobody else is told what is spent: another process has a sum of its own, whatever its locks are."""
    keys = keys_in_utc(user_id, session_id)
    with IN_TURN:
        if any(spent.get(key, 0) >= MICROS[name] for name, key in keys.items()):
            return SPENT
        said: list[Any] = [{"role": "user", "content": question}]
        for order in ("Answer it.", "Make it shorter."):
            said.append({"role": "developer", "content": order})
            answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=said, max_completion_tokens=MAX_TOKENS)
            assert answer.usage is not None
            said.append({"role": "assistant", "content": answer.choices[0].message.content})
            for key in keys.values():
                spent[key] = spent.get(key, 0) + cost_of(answer.usage)
    return answer.choices[0].message.content or ""


@loop()
def reserved_and_settled(question: str, user_id: str, session_id: str) -> str:
    keys, estimate = keys_in_utc(user_id, session_id), round(len(question) * 1.25 + MAX_TOKENS * 10)
    script = REDIS.register_script(SCRIPT)
    if not script(keys=list(keys.values()), args=[estimate, *MICROS.values()]):
        return SPENT
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-5.1", messages=[{"role": "user", "content": question}], max_completion_tokens=MAX_TOKENS
    )
    assert answer.usage is not None
    record(user_id, session_id, cost_of(answer.usage) - estimate)
    return answer.choices[0].message.content or ""


@loop()
async def a_fixed_reservation(question: str, user_id: str, session_id: str) -> str:
    """Two cents are put aside for each turn, whatever is asked."""
    keys, estimate = keys_in_utc(user_id, session_id), 20_000
    if not await ASYNC_REDIS.register_script(SCRIPT)(keys=list(keys.values()), args=[estimate, *MICROS.values()]):
        return SPENT
    body = {"model": "gpt-5.1", "messages": [{"role": "user", "content": question}]}
    async with httpx.AsyncClient(timeout=30) as client:
        reply = await client.post("https://api.openai.com/v1/chat/completions", json=body, headers={"Authorization": "Bearer sk-test"})
    answer = reply.json()
    used = round(answer["usage"]["prompt_tokens"] * 1.25 + answer["usage"]["completion_tokens"] * 10)
    async with ASYNC_REDIS.pipeline(transaction=True) as pipe:
        for key in keys.values():
            pipe.incrby(key, used - estimate)
            pipe.expire(key, 90_000)
        await pipe.execute()
    return str(answer["choices"][0]["message"]["content"])


@loop()
def asks_its_breaker_first(question: str, user_id: str, session_id: str) -> str:
    """The breaker is told the most that the call may cost, and the rest of what it did cost afterwards."""
    estimate = 0.02
    try:
        if not incrby_with_a_way_back(user_id, session_id, estimate):
            raise CostLimitExceeded(session_id)
    except (CostLimitExceeded, redis.RedisError) as refused:
        return f"I cannot go on: {refused}"
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-5.1", messages=[{"role": "user", "content": question}], max_completion_tokens=MAX_TOKENS
    )
    assert answer.usage is not None
    record(user_id, session_id, cost_of(answer.usage) - round(estimate * 1_000_000))
    return answer.choices[0].message.content or ""


SPENT_BY_WORDS: dict[str, float] = {}


@loop(**dict.fromkeys(KEPT, "unproven"))
def reckons_by_its_words(question: str, user_id: str, session_id: str) -> str:
    """What the provider reports is left aside: four letters are a token."""
    keys = keys_in_utc(user_id, session_id)
    if any(SPENT_BY_WORDS.get(key, 0) >= MICROS[name] for name, key in keys.items()):
        return SPENT
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    text = answer.choices[0].message.content or ""
    for key in keys.values():
        SPENT_BY_WORDS[key] = SPENT_BY_WORDS.get(key, 0) + len(question) / 4 * 1.25 + len(text) / 4 * 10
    return text


@loop(AR604="failed", AR607="not_applicable", AR608="not_applicable")
class Streams:
    """One object for all sessions; the usage comes with the last part of the stream."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    def __call__(self, message: str, user_id: str, thread_id: str) -> Iterator[str]:
        keys = keys_in_utc(user_id, thread_id)
        if any(self.spent[key] >= MICROS[name] for name, key in keys.items()):
            yield SPENT
            return
        with openai.OpenAI() as client:
            parts = client.chat.completions.create(
                model="gpt-5.1", messages=[{"role": "user", "content": message}], stream=True, stream_options={"include_usage": True}
            )
            for part in parts:
                if part.usage is not None:
                    self.spent.update(dict.fromkeys(keys.values(), cost_of(part.usage)))
                if part.choices:
                    yield part.choices[0].delta.content or ""


@loop(AR606="failed", AR604="failed", AR608="failed", AR605="passed")
def the_breaker_of_the_house(question: str, user_id: str, session_id: str) -> str:
    """It is told afterwards what was spent, and before that nothing is spent is said."""
    breaker = CostCircuitBreaker()
    try:
        breaker.check_and_increment(user_id, session_id, 0.0)
    except CostLimitExceeded as refused:
        return f"I have to stop: {refused}"
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    assert answer.usage is not None
    for key in (f"cost:session:{session_id}", f"cost:user:{user_id}:{datetime.date.today().isoformat()}"):
        REDIS.incrbyfloat(key, cost_of(answer.usage) / 1_000_000)
    REDIS.incrbyfloat(f"cost:global:{datetime.datetime.now().strftime('%Y-%m-%d-%H')}", cost_of(answer.usage) / 1_000_000)
    return answer.choices[0].message.content or ""


@loop({"limits": {"session": 3.00}}, **dict.fromkeys(KEPT, "unproven"))
def whose_session_nobody_can_tell(task: str) -> str:
    """Each call is a session of its own."""
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": task}])
    return answer.choices[0].message.content or ""


# --- counted beforehand, and never settled -----------------------------------------------------------------------------


def most_of(question: str) -> int:
    """In millionths of a dollar: the prompt as it is estimated, and the longest answer that it allows."""
    return round((len(question) / 4 + 20) * 1.25 + MAX_TOKENS * 10)


@loop(AR604="unproven")
def the_most_that_it_may_cost(question: str, user_id: str, session_id: str) -> str:
    """A bound is counted, and what was not used of it is given up: it costs less than it says."""
    micros = most_of(question)
    names = keys_in_utc(user_id, session_id)
    if not REDIS.eval(SCRIPT, len(names), *names.values(), micros, *(MICROS[name] for name in names)):
        return SPENT
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-5.1", messages=[{"role": "user", "content": question}], max_completion_tokens=MAX_TOKENS
    )
    return answer.choices[0].message.content or ""


@loop(**NOT_KEPT, AR604="not_applicable", AR606="not_applicable")
def the_most_is_counted_and_not_compared(question: str, user_id: str, session_id: str) -> str:
    record(user_id, session_id, most_of(question))
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-5.1", messages=[{"role": "user", "content": question}], max_completion_tokens=MAX_TOKENS
    )
    return answer.choices[0].message.content or ""


# --- in a file of SQLite -----------------------------------------------------------------------------------------------

SPENDING = {
    "session": "SELECT coalesce(sum(micros), 0) FROM spending WHERE session = :session",
    "user_daily": "SELECT coalesce(sum(micros), 0) FROM spending WHERE user = :user AND at / 86400 = :now / 86400",
    "global_hourly": "SELECT coalesce(sum(micros), 0) FROM spending WHERE at / 3600 = :now / 3600",
}


def ledger() -> sqlite3.Connection:
    connection = sqlite3.connect("spending.sqlite", isolation_level=None)
    connection.execute("CREATE TABLE IF NOT EXISTS spending (session TEXT, user TEXT, at INTEGER, micros INTEGER)")
    return connection


def is_left(connection: sqlite3.Connection, who: dict[str, Any], micros: int) -> bool:
    return all(connection.execute(query, who).fetchone()[0] + micros <= MICROS[name] for name, query in SPENDING.items())


@loop(AR604="failed", AR607="passed", AR608="not_applicable")
def entered_in_a_file_after_the_answer(question: str, user_id: str, session_id: str) -> str:
    who = {"session": session_id, "user": user_id, "now": int(time.time())}
    with closing(ledger()) as connection:
        if not is_left(connection, who, 0):
            return SPENT
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    with closing(ledger()) as connection:
        connection.execute("INSERT INTO spending VALUES (:session, :user, :now, :micros)", {**who, "micros": cost_of(answer.usage)})
    return answer.choices[0].message.content or ""


@loop(AR607="passed", AR608="not_applicable")
def entered_in_a_file_before_it_is_asked(question: str, user_id: str, session_id: str) -> str:
    most = most_of(question)
    who = {"session": session_id, "user": user_id, "now": int(time.time()), "micros": most}
    with closing(ledger()) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if not is_left(connection, who, most):
            connection.execute("ROLLBACK")
            return SPENT
        row = connection.execute("INSERT INTO spending VALUES (:session, :user, :now, :micros)", who).lastrowid
        connection.execute("COMMIT")
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-5.1", messages=[{"role": "user", "content": question}], max_completion_tokens=MAX_TOKENS
    )
    with closing(ledger()) as connection:
        connection.execute("UPDATE spending SET micros = ? WHERE rowid = ?", (cost_of(answer.usage), row))
    return answer.choices[0].message.content or ""


def migrated(folder: Path) -> Path:
    """As a migration leaves it behind, long before any turn."""
    path = folder / "migrated.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE spending (session TEXT, user TEXT, at INTEGER, micros INTEGER)")
    return path


MIGRATED = migrated(FOLDER)


def reserved_at(begin: str, question: str, user_id: str, session_id: str) -> str:
    most = most_of(question)
    who = {"session": session_id, "user": user_id, "now": int(time.time()), "micros": most}
    with closing(sqlite3.connect(MIGRATED, isolation_level=None)) as connection, connection:
        connection.execute(begin)
        if not is_left(connection, who, most):
            return SPENT
        row = connection.execute("INSERT INTO spending VALUES (:session, :user, :now, :micros)", who).lastrowid
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-5.1", messages=[{"role": "user", "content": question}], max_completion_tokens=MAX_TOKENS
    )
    with closing(sqlite3.connect(MIGRATED, isolation_level=None)) as connection:
        connection.execute("UPDATE spending SET micros = ? WHERE rowid = ?", (cost_of(answer.usage), row))
    return answer.choices[0].message.content or ""


@loop(AR604="failed", AR607="passed", AR608="not_applicable")
def reserved_without_a_transaction_in_tables_of_a_migration(question: str, user_id: str, session_id: str) -> str:
    return reserved_at("SELECT 1", question, user_id, session_id)


@loop(AR607="passed", AR608="not_applicable")
def reserved_in_a_transaction_in_tables_of_a_migration(question: str, user_id: str, session_id: str) -> str:
    return reserved_at("BEGIN IMMEDIATE", question, user_id, session_id)
