"""A real Redis of the allow-list: its commands are seen, meet the faults, and are undone; its keys expire in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme

from pytest_agentready.domain import Run, Unjudgeable, effects_of
from pytest_agentready.world import FAULTS, Stay, resp, stay, upstream
from pytest_agentready.world.allowed import permitted
from pytest_agentready.world.services import redis_real, redis_scripts
from tests.real_redis import NOT_INSTALLED, NotStarted, Place, program, started
from tests.world.entering import enter, exception

KEYS = ("test:greeting", "test:n", "test:h", "test:code")


@pytest.fixture
def outside(redis_server: Place) -> Iterator[redis.Redis]:
    """The server as others see it: two keys, and two that are not there."""
    client = redis.Redis(*redis_server, decode_responses=True)
    client.delete(*KEYS)
    client.set("test:greeting", "hello")
    client.set("test:n", 41, ex=500)
    yield client
    client.delete(*KEYS)
    client.close()


@pytest.fixture
def within(redis_server: Place) -> Iterator[None]:
    with permitted((redis_server.address,)):
        yield


Client = Callable[..., redis.Redis]


@pytest.fixture
def client(redis_server: Place) -> Client:
    return lambda **more: redis.Redis(*redis_server, **{"decode_responses": True, "socket_timeout": 2, "retry": None, **more})


def seen(run: Run) -> list[tuple[str, bytes, bool, bool]]:
    return [(request.method, request.body, request.is_write, request.committed) for request in run.requests]


@pytest.mark.parametrize("protocol", [2, 3])
def test_commands_are_carried_out_seen_and_undone(
    protocol: int, outside: redis.Redis, within: None, client: Client, redis_server: Place
) -> None:
    def use() -> Any:
        cache = client(protocol=protocol)
        cache.hset("test:h", mapping={"a": "1"})
        cache.set("test:greeting", "bye")
        with cache.pipeline() as pipe:
            counted = pipe.incr("test:n").expire("test:n", 60).execute()
        return cache.get("test:greeting"), cache.hgetall("test:h"), counted, outside.ping()

    run = enter(use)
    assert run.value == ("bye", {"a": "1"}, [42, True], True)
    assert seen(run)[:3] == [
        ("HSET", b"HSET test:h a 1", True, True),
        ("SET", b"SET test:greeting bye", True, True),
        ("EXEC", b"INCRBY test:n 1\nEXPIRE test:n 60", True, True),
    ]
    assert {request.url for request in run.requests} == {f"redis://localhost:{redis_server.port}"}
    assert [effect.places for effect in effects_of(run)] == [("test:h",), ("test:greeting",), ("test:n",)]
    assert (outside.get("test:greeting"), outside.get("test:n"), outside.exists("test:h")) == ("hello", "41", 0)
    assert 400 < outside.ttl("test:n") <= 500


def test_what_others_write_meanwhile_stays(outside: redis.Redis, within: None, client: Client, redis_server: Place) -> None:
    other = redis.Redis(*redis_server)
    assert enter(lambda: client().set("test:code", "1")).value is True
    other.set("test:h", "theirs")
    assert enter(lambda: client().delete("test:code")).value == 0
    assert outside.get("test:h") == "theirs"
    other.close()


def test_within_a_visit_the_server_can_be_put_back_to_an_earlier_moment(outside: redis.Redis, within: None, client: Client) -> None:
    def visit(world: Stay) -> list[Any]:
        def look() -> Any:
            return world.call(lambda: client().mget("test:n", "test:code"), {}).value

        world.call(lambda: client().set("test:code", "a", ex=100), {})
        with world.undone():
            world.call(lambda: client().incr("test:n"), {})
            world.call(lambda: client().set("test:code", "b"), {})
            within = look()
        left = world.call(lambda: client().ttl("test:code"), {}).value
        return [within, look(), left, sorted((each.place, each.value, each.expires) for each in world.stored())]

    within_it, after, left, stored = stay(visit)
    assert within_it == ["42", "b"]
    assert after == ["41", "a"]
    assert left == pytest.approx(100, abs=2)
    assert stored == [("test:code", "a", True), ("test:n", "41", True)]
    assert outside.exists("test:code") == 0


def test_keys_expire_in_virtual_time(outside: redis.Redis, within: None, client: Client) -> None:
    def expire() -> Any:
        cache = client()
        cache.set("test:code", "1234", ex=30)
        cache.set("test:greeting", "bye", exat=int(time.time()) + 3_600)
        time.sleep(28)
        before = cache.get("test:code")
        time.sleep(3)
        return before, cache.get("test:code"), cache.get("test:greeting"), time.sleep(3_600), cache.get("test:greeting")

    start = time.perf_counter()
    assert enter(expire).value == ("1234", None, "bye", None, None)
    assert time.perf_counter() - start < 30  # real seconds, of more than an hour
    assert outside.get("test:greeting") == "hello"


def test_the_server_tells_the_virtual_time_but_for_its_scripts(outside: redis.Redis, within: None, client: Client) -> None:
    def ask(world: Stay) -> tuple[Run, ...]:
        world.pause(86_400.0)
        return (
            world.call(lambda: client().time()[0] - time.time(), {}),
            world.call(lambda: client().eval("return redis.call('GET', KEYS[1])", 1, "test:n"), {}),
            world.call(lambda: client().eval("return redis.call('TIME')[1] .. KEYS[1]", 1, "test:n"), {}),
        )

    told, read, own = stay(ask)
    assert told.value == pytest.approx(0, abs=2)
    assert (read.value, read.own_clocks) == ("41", ())
    assert own.own_clocks[0].startswith("localhost:")


def test_a_script_that_the_server_knows_from_before_is_known_by_its_client(outside: redis.Redis, within: None, client: Client) -> None:
    by_the_clock = outside.register_script("return redis.call('TIME')[1] .. KEYS[1]")
    plain = outside.register_script("return redis.call('GET', KEYS[1])")
    outside.script_load(by_the_clock.script)
    outside.script_load(plain.script)
    with forgotten_scripts():
        assert enter(lambda: plain(keys=["test:n"], client=client())).own_clocks == ()
        assert len(enter(lambda: by_the_clock(keys=["test:n"], client=client())).own_clocks) == 1


PLAIN = "return redis.call('GET', KEYS[1])"


class Scripts:
    BY_THE_CLOCK = "return redis.call('TIME')[1] .. KEYS[1]"

    def __init__(self, make: Callable[..., Any], place: Place) -> None:
        self.make = lambda: make(host=place.host, port=place.port, db=place.database, password=place.password)
        self.plain, self.by_the_clock = (hashlib.sha1(text.encode()).hexdigest() for text in (PLAIN, self.BY_THE_CLOCK))

    def ask(self, digest: str) -> Any:
        with self.make() as client:
            return client.evalsha(digest, 1, "test:n")

    async def ask_in_time(self, digest: str) -> Any:
        async with self.make() as client:
            return await client.evalsha(digest, 1, "test:n")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_and_so_is_one_whose_digest_alone_is_sent(asynchronous: bool, outside: redis.Redis, within: None, redis_server: Place) -> None:
    scripts = Scripts((redis.asyncio if asynchronous else redis).Redis, redis_server)
    for text in (PLAIN, scripts.BY_THE_CLOCK, "return {KEYS[1]}"):
        outside.script_load(text)
    ask = scripts.ask_in_time if asynchronous else scripts.ask
    unknown = hashlib.sha1(b"return {KEYS[1]}").hexdigest()
    with forgotten_scripts():
        clocks = [len(enter(lambda digest=digest: ask(digest)).own_clocks) for digest in (scripts.plain, scripts.by_the_clock, unknown)]
    assert clocks == [0, 1, 1]


@contextlib.contextmanager
def forgotten_scripts() -> Iterator[None]:
    """As in a process that has not sent any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis_scripts, "_texts", {})
        yield


def test_it_can_be_down_silent_and_lost_between_two_commands(outside: redis.Redis, within: None, client: Client) -> None:
    def use() -> Any:
        cache = client()
        cache.incr("test:n")
        return cache.incr("test:n")

    assert exception(enter(use, "refused")) == "ConnectionError"
    silent = enter(use, "response-hang")
    assert (exception(silent), silent.virtual) == ("TimeoutError", pytest.approx(2, abs=0.1))
    lost = enter(use, "reset-before-answer", spared=1)
    assert exception(lost) == "ConnectionError"
    assert len(lost.requests) == 2
    assert [request.committed for request in enter(use, "lost-response").requests] == [True]
    assert outside.get("test:n") == "41"


def test_a_connection_that_is_older_than_the_run_is_seen_too_and_is_given_back(
    outside: redis.Redis, within: None, redis_server: Place
) -> None:
    pool = redis.Redis(*redis_server, decode_responses=True, client_name="older")
    pool.delete("test:code")
    number = pool.client_id()
    run = enter(lambda: (pool.set("test:code", "x"), pool.get("test:code")))
    assert run.value == (True, "x")
    assert [request.method for request in run.requests] == ["SET", "GET"]
    assert (pool.client_id(), pool.get("test:code")) == (number, None)
    pool.close()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("FLUSHALL",), "FLUSHALL of the real Redis at localhost:* was refused"),
        (("CONFIG", "SET", "maxmemory", "1"), "CONFIG SET of the real Redis at localhost:* was refused"),
        (("CONFIG", "RESETSTAT"), "CONFIG RESETSTAT of the real Redis at localhost:* was refused"),
        (("FUNCTION", "LOAD", "no library"), "FUNCTION LOAD of the real Redis at localhost:* was refused"),
        (("function", "delete", "nothing"), "FUNCTION DELETE of the real Redis at localhost:* was refused"),
        (("ACL", "DELUSER", "nobody"), "ACL DELUSER of the real Redis at localhost:* was refused"),
        (("ACL", "LOG", "RESET"), "ACL LOG of the real Redis at localhost:* was refused"),
        (("SCRIPT", "KILL"), "SCRIPT KILL of the real Redis at localhost:* was refused"),
        (("PUBLISH", "test:news", "x"), "PUBLISH of the real Redis at localhost:* was refused"),
        (("EVAL", "return redis.call('SET', 'test:code', '1')", "0"), "a script that names no keys (KEYS), for the real Redis *"),
    ],
)
def test_what_cannot_be_undone_is_refused(command: tuple[str, ...], told: str, outside: redis.Redis, within: None, client: Client) -> None:
    run = enter(lambda: client().execute_command(*command))
    assert run.raised is not None
    assert fnmatch.fnmatchcase(run.raised.message, told.replace("(", "[(]") + "*"), run.raised.message
    assert len(run.refused) == 1
    assert outside.get("test:greeting") == "hello"
    assert outside.exists("test:code") == 0


def test_what_changes_nothing_is_answered(outside: redis.Redis, within: None, client: Client) -> None:
    def use() -> Any:
        cache = client()
        loaded = cache.script_load(PLAIN)
        return cache.script_exists(loaded), cache.acl_whoami(), cache.config_get("port"), cache.function_list(), cache.acl_log(1)

    run = enter(use)
    assert run.refused == ()
    assert run.value[:2] == ([True], "default"), run.raised


@pytest.mark.parametrize(
    "error", [TimeoutError("timed out"), ConnectionResetError("gone"), resp.ProtocolError("no reply begins with b'H'")]
)
@pytest.mark.parametrize("in_the_middle", [False, True])
def test_that_the_server_is_gone_before_it_is_put_back_is_our_own_failure(
    error: Exception, in_the_middle: bool, outside: redis.Redis, within: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = upstream.Upstream.ask

    def gone(self: upstream.Upstream, *commands: list[bytes]) -> list[Any]:
        if any(words[0] == b"RESTORE" for words in commands):
            raise error
        return ask(self, *commands)

    def visit(world: Stay) -> None:
        with world.undone() if in_the_middle else contextlib.nullcontext():
            world.call(lambda: client().set("test:n", 1), {})

    monkeypatch.setattr(upstream.Upstream, "ask", gone)
    with pytest.raises(RuntimeError, match=rf"at localhost:\d+ cannot be undone: {error}"):
        stay(visit)


def test_that_it_is_gone_is_nothing_where_nothing_was_written(
    outside: redis.Redis, within: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_real.RealServer, "_in_database", lambda *_: pytest.fail("nothing is to be undone"))
    assert enter(lambda: client().get("test:n")).value == "41"


def test_a_transaction_that_is_refused_is_over(outside: redis.Redis, within: None, client: Client) -> None:
    def use() -> Any:
        cache = client()
        try:
            cache.pipeline().set("test:n", 1).flushall().execute()
        except redis.ResponseError as error:
            return str(error)[:8], cache.get("test:n")

    assert enter(use).value == ("FLUSHALL", "41")
    assert outside.get("test:n") == "41"


def test_that_something_cannot_be_put_back_is_our_own_failure(
    outside: redis.Redis, within: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = redis_real.Kept
    monkeypatch.setattr(redis_real, "Kept", lambda dump, *rest: kept(b"no dump", *rest))
    with pytest.raises(RuntimeError, match=r"what a run has written to the real Redis at localhost:\d+ cannot be undone"):
        enter(lambda: client().set("test:n", 1))


def test_who_listens_hears_nothing_and_that_is_said(outside: redis.Redis, within: None, client: Client) -> None:
    def listen() -> Any:
        with client().pubsub() as listener:
            listener.subscribe("news")
            return listener.get_message(timeout=1)

    assert enter(listen).unspoken[0].startswith("localhost:")


def test_watched_keys_and_errors_are_as_the_server_says(outside: redis.Redis, within: None, client: Client) -> None:
    def race() -> Any:
        with client().pipeline() as pipe:
            pipe.watch("test:n")
            client().incr("test:n")
            return pipe.multi() or pipe.set("test:n", 2).execute()

    assert exception(enter(race)) == "WatchError"
    wrong = enter(lambda: client().lpush("test:greeting", "x"))
    assert wrong.raised is not None
    assert wrong.raised.message.startswith("WRONGTYPE ")


def test_a_command_that_waits_waits_in_virtual_time(outside: redis.Redis, within: None, client: Client) -> None:
    run = enter(lambda: client(socket_timeout=None).blpop("test:code", timeout=20))
    assert (run.value, run.virtual) == (None, pytest.approx(20, abs=0.1))


def test_asyncio_reaches_it_by_the_world_too(outside: redis.Redis, within: None, redis_server: Place) -> None:
    async def use() -> Any:
        host, port, database, password = redis_server
        client = redis.asyncio.Redis(host=host, port=port, db=database, password=password, decode_responses=True)
        found = await asyncio.gather(*[client.incr("test:n") for _ in range(3)])
        await client.aclose()
        return sorted(found)

    run = enter(use)
    assert run.value == [42, 43, 44]
    assert [request.method for request in run.requests] == ["INCRBY"] * 3
    assert outside.get("test:n") == "41"


def test_a_server_that_is_not_there_proves_nothing_and_is_said(within: None) -> None:
    down = r"a real service that the checks may reach is not there: 127\.0\.0\.1:1 does not answer \(.*\): start it, or take it out of"
    with permitted((("localhost", 1),)), pytest.raises(Unjudgeable, match=down):
        enter(lambda: redis.Redis("localhost", 1, retry=None).get("a"))


def test_a_fault_of_others_leaves_it_well(outside: redis.Redis, within: None, client: Client) -> None:
    hang = next(fault for fault in FAULTS if fault.slug == "response-hang")

    def visit(world: Stay) -> Run:
        world.fault(hang, but=["localhost"])
        return world.call(lambda: client().get("test:n"), {})

    assert stay(visit).value == "41"


def test_what_is_encrypted_is_reached_past_the_world(tmp_path: Path) -> None:
    found = program()
    if found is None:
        pytest.skip(NOT_INSTALLED)
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = [f"--tls-{kind}-file" for kind in ("ca-cert", "key", "cert")]
    words = ["--tls-port", str(port), "--tls-auth-clients", "no"]
    words += [
        word for pair in zip(files, map(str, map(tmp_path.joinpath, ("ca.pem", "key.pem", "cert.pem"))), strict=True) for word in pair
    ]
    with contextlib.ExitStack() as server:
        try:
            server.enter_context(started(found, *words))
        except NotStarted as error:
            if "tls" not in str(error):
                raise
            pytest.skip(f"the Redis of this machine is built without TLS: {error}")
        trusted = str(tmp_path / "ca.pem")
        with permitted((("localhost", port),)):
            run = enter(lambda: redis.Redis("localhost", port, ssl=True, ssl_ca_certs=trusted, retry=None).incr("test:n"))
        assert (run.value, run.requests, run.allowed) == (1, (), (f"localhost:{port}",)), run.raised
