"""Redis as its clients see it: contents, transactions, time, and what counts as a write."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import pytest
import redis

from pytest_agentready.domain import Effect, Run, effects_of
from pytest_agentready.world import stay, world
from pytest_agentready.world.resp import ProtocolError
from pytest_agentready.world.services import exchange
from pytest_agentready.world.services.redis_stores import Miniature
from tests.world.entering import enter, exception

CONTENTS = {"redis://cache.internal": {"greeting": "hello", "user:7": {"name": "Ada"}, "queue": ["a", "b"], "tags": {"x", "y"}, "n": 41}}


def client(**more: Any) -> redis.Redis:
    return redis.Redis(host="cache.internal", decode_responses=True, socket_timeout=2, retry=None, **more)


def seen(run: Run) -> list[tuple[str, bytes, bool, bool]]:
    return [(request.method, request.body, request.is_write, request.committed) for request in run.requests]


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_store_begins_with_the_contents_of_the_backend(protocol: int) -> None:
    def read() -> Any:
        cache = client(protocol=protocol)
        return cache.get("greeting"), cache.hgetall("user:7"), cache.lrange("queue", 0, -1), cache.smembers("tags"), cache.incr("n")

    run = enter(read, backend=CONTENTS)
    assert run.value == ("hello", {"name": "Ada"}, ["a", "b"], {"x", "y"}, 42)
    assert [request.url for request in run.requests] == ["redis://cache.internal:6379"] * 5
    assert enter(read, backend=CONTENTS).value == run.value


def test_without_a_backend_there_is_an_empty_redis() -> None:
    run = enter(lambda: client().get("greeting"), backend={})
    assert run.value is None
    assert [request.routed for request in run.requests] == [True]


def test_databases_and_hosts_have_contents_of_their_own() -> None:
    def read() -> Any:
        other = redis.Redis(host="other.internal")
        return client().get("greeting"), client(db=3).get("greeting"), other.get("greeting")

    assert enter(read, backend={"redis://cache.internal/3": {"greeting": "three"}}).value == (None, "three", None)


def test_a_record_is_made_anew_only_where_it_does_not_say_so_already(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def counted(record: Any, **changes: Any) -> Any:
        made.append(changes)
        return dataclasses.replace(record, **changes)

    monkeypatch.setattr(exchange, "replace", counted)
    run = enter(lambda: client().set("visits", 1), backend={})
    assert [(request.places, request.routed, request.changed, request.committed) for request in run.requests] == [
        (("visits",), True, True, True)
    ]
    assert made == [{"bounded": True}, {"committed": True}]


def test_a_transaction_is_one_request_with_all_of_its_commands() -> None:
    def count() -> Any:
        with client().pipeline() as pipe:
            return pipe.incr("visits").expire("visits", 60).execute()

    run = enter(count, backend={})
    assert run.value == [1, True]
    assert seen(run) == [("EXEC", b"INCRBY visits 1\nEXPIRE visits 60", True, True)]


def test_commands_of_a_plain_pipeline_are_answered_one_by_one() -> None:
    def read() -> Any:
        with client().pipeline(transaction=False) as pipe:
            return pipe.get("greeting").set("greeting", "bye").get("greeting").execute()

    run = enter(read, backend=CONTENTS)
    assert run.value == ["hello", True, "bye"]
    assert [(method, is_write) for method, _, is_write, _ in seen(run)] == [("GET", False), ("SET", True), ("GET", False)]


def test_an_optimistic_transaction_fails_when_its_key_is_changed() -> None:
    def race() -> Any:
        with client().pipeline() as pipe:
            pipe.watch("n")
            client().set("n", 1)
            return pipe.multi() or pipe.set("n", 2).execute()

    assert exception(enter(race, backend=CONTENTS)) == "WatchError"


@pytest.mark.parametrize(
    ("command", "is_write"),
    [
        (("GETDEL", "greeting"), True),
        (("TTL", "greeting"), False),
        (("EVAL", "return 1", "0"), True),
        (("PUBLISH", "news", "x"), True),
        (("PING",), False),
        (("SCAN", "0"), False),
        (("XADD", "log", "*", "a", "1"), True),
    ],
)
def test_what_counts_as_a_write(command: tuple[str, ...], is_write: bool) -> None:
    run = enter(lambda: client().execute_command(*command), backend=CONTENTS)
    assert run.raised is None
    assert [request.is_write for request in run.requests] == [is_write]


def test_keys_expire_in_virtual_time() -> None:
    def expire() -> Any:
        cache = client()
        cache.set("code", "1234", ex=30)
        time.sleep(29)
        before = cache.get("code")
        time.sleep(2)
        return before, cache.get("code")

    assert enter(expire, backend={}).value == ("1234", None)


def test_an_error_reply_keeps_its_code() -> None:
    assert exception(enter(lambda: client().incr("greeting"), backend=CONTENTS)) == "ResponseError"
    run = enter(lambda: client().lpush("greeting", "x"), backend=CONTENTS)
    assert run.raised is not None
    assert run.raised.message.startswith("WRONGTYPE ")
    assert exception(enter(lambda: client().evalsha("0" * 40, 0), backend={})) == "NoScriptError"


def test_a_command_that_waits_waits_in_virtual_time() -> None:
    def take() -> Any:
        cache = redis.Redis(host="cache.internal", decode_responses=True, socket_timeout=None)
        return cache.blpop("queue"), cache.blpop("nothing", timeout=20)

    run = enter(take, backend=CONTENTS)
    assert run.value == (("queue", "a"), None)
    assert run.virtual == pytest.approx(20, abs=0.1)


def test_a_command_that_waits_gets_what_another_connection_brings() -> None:
    def take() -> Any:
        def give() -> None:
            time.sleep(3)
            client().rpush("later", "x")

        giver = threading.Thread(target=give)
        giver.start()
        found = redis.Redis(host="cache.internal", decode_responses=True, socket_timeout=None).blpop("later", timeout=60)
        giver.join()
        return found

    run = enter(take, backend={})
    assert run.value == ("later", "x")
    assert run.virtual == pytest.approx(3, abs=0.1)


def test_a_command_that_waits_for_ever_is_stuck() -> None:
    run = enter(lambda: redis.Redis(host="cache.internal", socket_timeout=None, retry=None).blpop("never"), backend={})
    assert run.ending is not None
    assert run.ending.kind == "stuck"


def test_a_lost_answer_leaves_the_command_carried_out() -> None:
    def count() -> Any:
        try:
            client().incr("n")
        except redis.ConnectionError:
            return "lost"

    run = enter(count, "lost-response", backend=CONTENTS)
    assert run.value == "lost"
    assert seen(run) == [("INCRBY", b"INCRBY n 1", True, True)]


def test_a_later_command_alone_can_fail() -> None:
    def read() -> Any:
        cache = client()
        return cache.get("greeting"), cache.get("n")

    run = enter(read, "response-hang", backend=CONTENTS, spared=1)
    assert exception(run) == "TimeoutError"
    assert [request.committed for request in run.requests] == [True, False]


def test_a_socket_of_this_machine_and_tls_are_spoken_too() -> None:
    assert (
        enter(lambda: redis.Redis(unix_socket_path="/run/redis.sock").get("a"), backend={"unix:///run/redis.sock": {"a": 1}}).value == b"1"
    )
    run = enter(lambda: redis.Redis.from_url("rediss://:secret@cache.internal/0").get("n"), backend=CONTENTS)
    assert (run.value, run.tls) == (b"41", True)


def test_who_looks_whether_it_is_well_gets_an_answer() -> None:
    run = enter(lambda: (client().info()["role"], client().config_get("maxmemory"), client().ping(), client().dbsize()), backend={})
    assert run.value == ("master", {}, True, 0)
    assert not any(request.is_write for request in run.requests)


def test_a_service_that_cannot_make_sense_of_bytes_says_so() -> None:
    import socket

    def speak() -> Any:
        with socket.create_connection(("cache.internal", 6379), timeout=5) as line:
            line.sendall(b"*1\r\n$x\r\n")
            return line.recv(100)

    assert enter(speak, backend={}).value.startswith(b"-ERR Protocol error")  # type: ignore[attr-defined]


def test_what_comes_while_an_answer_is_owed_waits_for_it() -> None:
    import socket

    def speak() -> Any:
        with socket.create_connection(("cache.internal", 6379), timeout=5) as line:
            line.sendall(b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1")
            line.sendall(b"\r\nn\r\n*2\r\n$3\r\nGET\r\n$1\r\nn\r\n")
            time.sleep(1)
            return line.recv(100)

    assert enter(speak, backend=CONTENTS).value == b"+PONG\r\n$2\r\n41\r\n$2\r\n41\r\n"
    run = enter(speak, "response-hang", backend=CONTENTS)
    assert [request.method for request in run.requests] == ["PING"]


# --- what a write is about, and whether it has changed anything

WRITES = [
    pytest.param([("SET", "a", "1")], True, id="SET"),
    pytest.param([("SET", "a", "1", "EX", 30)], True, id="SET EX"),
    pytest.param([("SADD", "s", "m")], True, id="SADD"),
    pytest.param([("HSET", "h", "f", "v")], True, id="HSET"),
    pytest.param([("MSET", "a", "1", "b", "2")], True, id="MSET"),
    pytest.param([("INCR", "n")], False, id="INCR"),
    pytest.param([("LPUSH", "l", "x")], False, id="LPUSH"),
    pytest.param([("XADD", "log", "*", "f", "v")], False, id="XADD"),
]


def twice(commands: list[tuple[Any, ...]]) -> list[list[Effect]]:
    def send() -> None:
        client = redis.Redis(host="cache.internal")
        for command in commands:
            client.execute_command(*command)

    return stay(lambda world: [list(effects_of(world.call(send, {}))) for _ in range(2)])


@pytest.mark.parametrize(("commands", "is_idempotent"), WRITES)
def test_the_same_write_once_more_is_an_effect_where_it_changes_something(commands: list[tuple[Any, ...]], is_idempotent: bool) -> None:
    first, second = twice(commands)
    assert [(effect.kind, effect.verb, effect.idempotent) for effect in first] == [("command", commands[0][0], is_idempotent)]
    assert [effect.verb for effect in second] == ([] if is_idempotent else [commands[0][0]])


@pytest.mark.parametrize(
    "command",
    [("GET", "a"), ("DEL", "a"), ("GETDEL", "a"), ("SREM", "s", "m"), ("EXPIRE", "a", 10), ("SET", "a", "1", "XX"), ("SINTER", "a", "b")],
)
def test_what_changes_nothing_is_no_effect(command: tuple[Any, ...]) -> None:
    assert twice([command]) == [[], []]


@pytest.mark.parametrize(
    ("command", "places"),
    [
        (("SET", "approvals:7", "1"), ("approvals:7",)),
        (("MSET", "a", "1", "b", "2"), ("a", "b")),
        (("EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", 1, "k", "v"), ("k",)),
        (("ZUNIONSTORE", "to", 2, "one", "two"), ("to", "one", "two")),
        (("PUBLISH", "news", "hello"), ("news",)),
    ],
)
def test_the_keys_are_named(command: tuple[Any, ...], places: tuple[str, ...]) -> None:
    def send() -> None:
        client = redis.Redis(host="cache.internal")
        client.zadd("one", {"m": 1})
        client.execute_command(*command)

    effect = effects_of(enter(send, backend={}))[-1]
    assert effect.places == places


def test_a_script_that_changes_nothing_is_none() -> None:
    first, second = twice([("EVAL", "return redis.call('SET', 'k', 'v')", 0)])
    assert [effect.verb for effect in first] == ["EVAL"]
    assert second == []


def test_a_transaction_has_the_keys_of_its_commands() -> None:
    def send() -> None:
        with redis.Redis(host="cache.internal").pipeline() as pipe:
            pipe.set("a", "1").hset("h", "f", "v").get("b").execute()

    (effect,) = effects_of(enter(send, backend={}))
    assert (effect.verb, effect.places, effect.idempotent) == ("EXEC", ("a", "h"), False)


def test_one_that_cannot_be_ended_keeps_no_other_from_it_and_is_our_own_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, passed = [], []

    def end(self: Miniature) -> None:
        ended.append(self)
        raise ProtocolError(f"unreadable {len(ended)}")

    monkeypatch.setattr(Miniature, "end", end)
    monkeypatch.setattr(world, "let_pass", passed.append)
    with pytest.raises(ProtocolError, match="unreadable 1"):
        enter(lambda: [redis.Redis(host).set("a", 1) for host in ("one.internal", "two.internal")])
    assert (len(ended), len(passed)) == (2, 1)
