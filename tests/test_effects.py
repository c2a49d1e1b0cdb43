"""What a run has changed at its peers: by the protocol, committed, and compared with what the same once more would be."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import asyncpg
import pymysql
import pytest
import requests

from pytest_agentready.domain import Effect, Request, Run, effects_of
from pytest_agentready.domain.idempotency import leaves_as_it_was
from pytest_agentready.world import Backend, observe

SHOP = "postgresql://db.internal/shop"
ROUTES = {
    SHOP: {
        "INSERT INTO orders": 1,
        "UPDATE orders SET state": 1,
        "UPDATE orders SET lost": 0,
        "DELETE FROM orders": 0,
        "SELECT": [{"id": 7}],
        "WITH": [{"id": 7}],
    },
    "mysql://db.internal/shop": {"DELETE FROM orders": 0, "UPDATE `orders`": 1},
    "POST https://api.example.com/orders": {"id": 7},
}


def effects(call: Callable[[], Any]) -> tuple[Effect, ...]:
    run = observe(call, {}, backend=Backend.parse(ROUTES))
    assert run.returned, (run.raised, run.ending)
    return effects_of(run)


def asked(*statements: str) -> tuple[Effect, ...]:
    async def ask() -> None:
        connection = await asyncpg.connect(SHOP, timeout=5)
        async with connection.transaction():
            for statement in statements:
                await connection.fetch(statement)
        await connection.close()

    return effects(ask)


def test_a_committed_statement_is_one_effect_and_its_commit_is_none() -> None:
    (effect,) = asked("SELECT 7 FROM orders", "INSERT INTO orders (id) VALUES (7)")
    assert (effect.kind, effect.verb, effect.places, effect.idempotent) == ("statement", "INSERT", ("orders",), False)
    assert effect.target.startswith("postgresql://")


def test_a_statement_that_changes_no_row_is_none() -> None:
    assert asked("DELETE FROM orders WHERE id = 9", "UPDATE orders SET lost = true") == ()


def test_one_that_writes_within_a_with_is_an_effect_on_both_tables() -> None:
    (effect,) = asked("WITH gone AS (DELETE FROM carts RETURNING *) INSERT INTO orders SELECT * FROM gone RETURNING id")
    assert effect.places == ("carts", "orders")


def test_what_is_rolled_back_is_none() -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(SHOP, timeout=5)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("INSERT INTO orders (id) VALUES (7)")
        await transaction.rollback()
        await connection.close()

    assert effects(ask) == ()


def test_mysql_is_no_other() -> None:
    def ask() -> None:
        connection = pymysql.connect(host="db.internal", database="shop", user="a", password="b", connect_timeout=5, read_timeout=5)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM orders WHERE id = 9")
            cursor.execute("UPDATE `orders` SET state = 'paid'")
        connection.commit()
        connection.close()

    assert [(effect.verb, effect.places, effect.idempotent) for effect in effects(ask)] == [("UPDATE", ("orders",), True)]


def mail(text: str, *, attached: bool = False) -> Callable[[], None]:
    def send() -> None:
        from email.utils import make_msgid

        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "shop@example.com", "ada@example.com, bob@example.com", "Your order"
        message["Message-ID"] = make_msgid()
        message.set_content(text)
        if attached:
            message.add_attachment(b"x", maintype="application", subtype="octet-stream", filename="x")
        with smtplib.SMTP("mail.example.com", 25, timeout=5) as server:
            server.send_message(message)

    return send


@pytest.mark.parametrize("attached", [False, True])
def test_a_mail_is_one_effect_and_the_same_one_again_is_the_same(attached: bool) -> None:
    (first,) = effects(mail("Sent.", attached=attached))
    (again,) = effects(mail("Sent.", attached=attached))
    (other,) = effects(mail("Not sent.", attached=attached))
    assert (first.kind, first.verb, first.places) == ("mail", "MAIL", ("ada@example.com", "bob@example.com"))
    assert first.key == ""
    assert first.identity == again.identity != other.identity


def test_effects_stand_in_their_order_whatever_they_are(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def work() -> None:
        (tmp_path / "begun.txt").write_text("")
        requests.post("https://api.example.com/orders", json={}, timeout=5)
        asyncio.run(asyncio.sleep(1))
        (tmp_path / "done.txt").write_text("")

    assert [effect.verb for effect in effects(work)] == ["create", "POST", "create"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM orders WHERE id = 7", True),
        ("INSERT INTO orders VALUES (7)", False),
        ("INSERT INTO orders VALUES (7) ON CONFLICT (id) DO NOTHING", True),
        ("INSERT INTO orders VALUES (7) ON DUPLICATE KEY UPDATE state = 'x'", True),
        ("INSERT OR REPLACE INTO orders VALUES (7)", True),
        ("UPDATE orders SET state = 'a + b' WHERE id = 7", True),
        ("UPDATE orders SET n = n + 1", False),
        ("UPDATE orders SET n = n - 1", False),
        ("UPDATE orders SET state = $1 -- 'a + b'", True),
        ("UPDATE orders SET log = log || 'x'", False),
        ("UPDATE orders SET id = gen_random_uuid()", False),
        ("CREATE TABLE IF NOT EXISTS orders (id int)", True),
        ("CREATE TABLE orders (id int)", False),
    ],
)
def test_what_leaves_a_database_as_it_is_when_it_is_said_again(statement: str, told: bool) -> None:
    assert leaves_as_it_was(Effect("statement", statement.split(maxsplit=1)[0], "sqlite:///shop.db", statement.encode())) is told


def request(url: str, body: bytes = b"{}") -> Request:
    return Request("POST", url, (), body, is_write=True, committed=True, status=200, routed=True, at=0.0, where="")


@pytest.mark.parametrize(
    "url",
    [
        "https://app.terraform.io/api/v2/runs",
        "https://api.github.com/repos/ada/shop/actions/runs/5/rerun",
        "https://adb-1.azuredatabricks.net/api/2.1/jobs/runs/submit",
        "https://ml.example.com/api/runs",
        "https://data.example.com/ingestion/start",
        "https://ops.example.com/otel/restart",
    ],
)
def test_a_run_that_is_started_is_no_telemetry(url: str) -> None:
    assert len(effects_of(Run({}, requests=(request(url),)))) == 1


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://api.smith.langchain.com/runs/multipart", b""),
        ("https://langsmith.internal/api/v1/runs/batch", b'{"post": [{"id": "1", "dotted_order": "2026", "trace_id": "1"}]}'),
        ("https://langsmith.internal/runs", b'{"trace_id": "1"}'),
        ("https://cloud.langfuse.com/api/public/ingestion", b"{}"),
        ("http://langfuse.internal:3000/api/public/ingestion", b"{}"),
        ("http://langfuse.internal:3000/api/public/otel/v1/traces", b""),
        ("http://collector.internal:4318/v1/traces", b""),
    ],
)
def test_telemetry_is_none_of_the_tools_effects(url: str, body: bytes) -> None:
    assert effects_of(Run({}, requests=(request(url, body),))) == ()
