"""Which writes may be made twice: by the key that they carry, and by what they leave behind."""

from __future__ import annotations

import json

import pytest

from pytest_agentready.domain import Effect, leaves_as_it_was
from pytest_agentready.domain.idempotency import key_in


@pytest.mark.parametrize(
    ("headers", "body", "key"),
    [
        ((("idempotency-key", "k-1"),), b"", "k-1"),
        ((("Idempotency-Key", "k-1"),), b"", "k-1"),
        ((("paypal-request-id", "k-1"),), b"", "k-1"),
        ((("authorization", "Bearer t"),), b"", None),
        ((), b'{"client_token": "k-1"}', "k-1"),
        ((), b'{"variables": {"input": {"clientMutationId": "k-1"}}}', "k-1"),
        ((), b'{"request-id": 17}', "17"),
        ((), b"amount=5&idempotency_key=k-1", "k-1"),
        ((), b"MessageBody=x&MessageDeduplicationId=k-1", "k-1"),
        ((), b'[{"requestId": "k-1"}]', "k-1"),
        ((), b'[{"requestId": "k-1"}, {"requestId": "k-2"}]', None),  # of several each has its own
        ((), b'{"client_id": "app", "order_id": "7", "key": "title"}', None),
        ((), b'{"client_token": ""}', None),
        ((), b'{"broken', None),
    ],
)
def test_a_key_is_a_header_or_a_field_whose_name_says_so(headers: tuple[tuple[str, str], ...], body: bytes, key: str | None) -> None:
    assert key_in(headers, body) == key


def request(verb: str, content: object = None, target: str = "https://api.example.com/orders/7") -> Effect:
    return Effect("request", verb, target, b"" if content is None else json.dumps(content).encode())


def command(*lines: str) -> Effect:
    return Effect("command", lines[0].split()[0], "redis://cache:6379", "\n".join(lines).encode())


def statement(sql: str) -> Effect:
    return Effect("statement", sql.split(maxsplit=1)[0], "postgresql://db/shop", sql.encode())


@pytest.mark.parametrize(
    "effect",
    [
        request("PUT"),
        request("DELETE"),
        request("PATCH", {"state": "paid"}),
        request("PATCH", [{"op": "replace", "path": "/state", "value": "paid"}]),
        request("POST", target="https://vectors.example.com/vectors/upsert"),
        request("CALL", target="grpc://shop:50051/shop.Orders/UpdateOrder"),
        command("SET a 1"),
        command("HSET a b 1", "EXPIRE a 60"),
        statement("DELETE FROM notes WHERE id = $1 -- 7"),
        statement("UPDATE notes SET text = 'n = n + 1' WHERE id = 7"),
        statement("INSERT INTO notes VALUES ($1) ON CONFLICT (id) DO NOTHING -- 7"),
        statement("INSERT OR REPLACE INTO notes VALUES (?) -- 7"),
        statement("INSERT INTO notes SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM notes WHERE id = 1)"),
        statement("WITH gone AS (SELECT 1) DELETE FROM notes"),
        statement("WITH gone AS (DELETE FROM notes RETURNING *) SELECT * FROM gone"),
        statement("UPDATE notes SET state = 'open', updated_at = now() WHERE id = 7"),
        statement("UPDATE notes SET state = 'open', updated_at = CURRENT_TIMESTAMP WHERE id = 7"),
        statement("UPDATE notes SET note = 'a; n = n + 1 -- c', updated_at = now()"),
        statement("UPDATE people SET email = lower(email), n = coalesce(n, -1), nick = coalesce($1, nick)"),
        statement("UPDATE people SET data = jsonb_set(data, '{city}', '\"Oslo\"'), old = data->'city'"),
        statement("UPDATE stock SET pieces = other.pieces_a + 1 FROM other WHERE pieces = pieces + 0"),
        statement("INSERT INTO n (id, pieces) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET pieces = excluded.pieces + 1"),
        statement("INSERT INTO n (id, pieces) VALUES (1, 2) ON DUPLICATE KEY UPDATE pieces = VALUES(pieces)"),
        statement("CREATE TABLE IF NOT EXISTS notes (id int)"),
        Effect("file", "remove", "/srv/note"),
        Effect("file", "change", "/srv/note", idempotent=True),
    ],
    ids=lambda effect: effect.content.decode() or effect.story,
)
def test_what_sets_something_may_come_twice(effect: Effect) -> None:
    assert leaves_as_it_was(effect)


@pytest.mark.parametrize(
    "effect",
    [
        request("POST"),
        request("PATCH", [{"op": "add", "path": "/items/-", "value": "tea"}]),
        request("PATCH", {"$inc": {"pieces": 1}}),
        request("CALL", target="grpc://shop:50051/shop.Orders/CreateOrder"),
        Effect("mail", "MAIL", "smtp://mail:25"),
        command("INCR a"),
        command("SET a 1", "LPUSH b 1"),
        command("ZADD board INCR 5 ada"),
        statement("INSERT INTO notes VALUES (1)"),
        statement("INSERT INTO n VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET pieces = n.pieces + 1"),
        statement("UPDATE stock SET pieces = pieces - $1 WHERE sku = $2 -- 3, 'LAMP'"),
        statement("UPDATE notes SET state = 'open', text = text || $1"),
        statement("UPDATE stock SET n = coalesce(n, 0) + 1"),
        statement("UPDATE stock SET n = 1 + n"),
        statement("UPDATE stock SET s.total = (total + 5) WHERE id = 7"),
        statement('UPDATE stock SET "total" = $1 - stock."total"'),
        statement("UPDATE notes SET tags = array_append(tags, 'new')"),
        statement("UPDATE notes SET note = concat(note, $1)"),
        statement("UPDATE lamps SET lit = NOT lit"),
        statement("UPDATE stock SET note = 'a; b -- c', n = n + 1"),
        statement("UPDATE stock SET (n, m) = (n + 1, 0)"),
        statement("UPDATE stock SET pieces = jsonb_set(pieces, '{a}', to_jsonb((pieces->>'a')::int + 1))"),
        statement("INSERT INTO n VALUES (1, 1) ON DUPLICATE KEY UPDATE pieces = pieces + VALUES(pieces)"),
        statement("WITH new AS (INSERT INTO notes VALUES (1) RETURNING id) SELECT id FROM new"),
        statement("UPDATE notes SET key = gen_random_uuid()"),
        statement("UPDATE notes SET state = 'x' WHERE id = 7; INSERT INTO log VALUES (';')"),
        statement("CALL pay(7)"),
        Effect("file", "append", "/srv/log"),
    ],
    ids=lambda effect: effect.content.decode() or effect.story,
)
def test_what_adds_something_may_not(effect: Effect) -> None:
    assert not leaves_as_it_was(effect)
