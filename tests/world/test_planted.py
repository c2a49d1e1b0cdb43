"""Words that somebody has planted in what the peers answer, and in documents on this machine."""

from __future__ import annotations

import base64
import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from pytest_agentready import Response
from pytest_agentready.world import Backend, Stay, observe, stay
from pytest_agentready.world.planted import PROSE, STRINGS, TEXTS, Planted, Seed, in_text, planted
from pytest_agentready.world.planted_files import documents, plant
from pytest_agentready.world.sqlite.older import remember

ORDER = {
    "id": "A-42",
    "status": "shipped",
    "state": "in-transit",
    "created_at": "2026-01-02",
    "access_token": "abc def",
    "note": "left with the neighbour",
    "url": "https://example.com",
    "n": 3,
}


def changed(depth: int, value: Any = ORDER) -> set[str]:
    """The fields that have the words."""
    found = planted(value, "quokka", depth)
    return {key for key, part in found.items() if str(part).startswith("quokka ")}


def test_prose_comes_first_then_all_texts_then_every_string() -> None:
    assert changed(PROSE) == {"note"}
    assert changed(TEXTS) == {"note", "status"}
    assert changed(STRINGS) == {"id", "note", "status", "state", "created_at", "url"}


def test_a_token_and_what_is_no_text_stay_as_they_are() -> None:
    found = planted(ORDER, "quokka", STRINGS)
    assert found["access_token"] == "abc def"
    assert found["n"] == 3


def test_json_within_a_text_stays_json() -> None:
    found = planted({"body": json.dumps({"text": "All is well."})}, "quokka", PROSE)
    assert json.loads(found["body"]) == {"text": "quokka All is well."}


def test_a_text_in_base64_stays_base64() -> None:
    found = planted({"content": base64.b64encode(b"# Returns\n\nWithin 30 days.").decode()}, "quokka", PROSE)
    assert base64.b64decode(found["content"]).decode() == "# quokka Returns\n\nWithin 30 days."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<html><script>let a</script><p>Hello</p></html>", "<html><script>let a</script><p>quokka Hello</p></html>"),
        ("# Returns\n\n- Within 30 days", "# quokka Returns\n\n- Within 30 days"),
        ("<rss><item>News</item></rss>", "<rss><item>quokka News</item></rss>"),
        ("12 34", "12 34"),
    ],
)
def test_pages_and_lines(text: str, expected: str) -> None:
    assert in_text(text, "quokka", PROSE) == expected


def test_each_line_of_a_text_has_them_at_the_second_depth() -> None:
    assert in_text("one\n\n- two", "quokka", TEXTS) == "quokka one\n\n- quokka two"


def test_answers_have_the_words_and_tell_whose_they_are() -> None:
    backend = Planted(Backend.parse({"GET https://api.example.com/orders/{id}": ORDER}), Seed("quokka"))
    run = observe(lambda: httpx.get("https://api.example.com/orders/7?full=1", timeout=5).json()["note"], {}, backend=backend)
    assert run.value == "quokka left with the neighbour"
    assert list(backend.sources) == ["GET https://api.example.com/orders/7"]


def test_failures_and_answers_that_are_spared_have_none() -> None:
    routes = {"GET https://api.example.com/a": Response(503, body="We are closed."), "GET https://api.example.com/b": {"text": "Hello."}}
    backend = Planted(Backend.parse(routes), Seed("quokka", addresses=frozenset({"GET https://api.example.com/b"})))
    run = observe(lambda: [httpx.get(f"https://api.example.com/{name}", timeout=5).text for name in "ab"], {}, backend=backend)
    assert "quokka" not in str(run.value)
    assert not backend.sources


def test_what_a_loop_remembers_by_itself_is_spared() -> None:
    seed = Seed("quokka", by_itself=True)
    assert not seed.suits("GET https://memory.example.com/sessions/7/messages")
    assert seed.suits("GET https://docs.example.com/search")
    assert not seed.suits_store("chat_history")
    assert seed.suits_store("articles")


def test_rows_and_what_a_redis_holds_have_them() -> None:
    backend = Planted(
        Backend.parse(
            {
                "postgresql://db.internal/help": [{"id": 1, "body": "Within 30 days."}],
                "redis://cache.internal": {"note:7": "Call back on Monday.", "session:7": "Hello, I am Ada."},
            }
        ),
        Seed("quokka"),
    )

    def read() -> list[str]:
        with psycopg.connect("postgresql://app@db.internal/help", connect_timeout=5) as database:
            row = database.execute("SELECT body FROM articles").fetchone()
        with redis.Redis(host="cache.internal", decode_responses=True, socket_timeout=5) as store:
            return [row[0] if row else "", str(store.get("note:7")), str(store.get("session:7"))]

    run = observe(read, {}, backend=backend)
    assert run.value == ["quokka Within 30 days.", "quokka Call back on Monday.", "Hello, I am Ada."]
    assert set(backend.sources) == {"the rows of postgresql://db.internal/help", "what the Redis at cache.internal holds"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "returns.md").write_text("Within 30 days.")
    (tmp_path / "faq.json").write_text('{"answer": "Within 30 days."}')
    (tmp_path / "faq.csv").write_text("id,answer\n1,Within 30 days.\n")
    (tmp_path / "system_prompt.txt").write_text("You help customers.")
    (tmp_path / "settings.json").write_text('{"text": "Hello there."}')
    (tmp_path / "chat_history.json").write_text('[{"content": "Hello there."}]')
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE articles (id INTEGER, body TEXT)")
        shop.execute("INSERT INTO articles VALUES (1, 'Within 30 days.')")
        shop.execute("CREATE TABLE messages (body TEXT)")
        shop.execute("INSERT INTO messages VALUES ('Hello there.')")
    shop.close()
    return tmp_path


def test_documents_are_told_from_prompts_settings_and_memories(folder: Path) -> None:
    found = {Path(place).name for place in documents(map(str, folder.iterdir()))}
    assert found == {"returns.md", "faq.json", "faq.csv", "shop.db"}


def test_documents_have_the_words_for_the_run_alone(folder: Path) -> None:
    names = ("returns.md", "faq.json", "faq.csv", "shop.db")

    def read() -> list[str]:
        with (folder / "faq.csv").open() as table:
            rows = list(csv.DictReader(table))
        with sqlite3.connect(folder / "shop.db") as shop:
            bodies = [shop.execute(f"SELECT body FROM {table}").fetchone()[0] for table in ("articles", "messages")]
        shop.close()
        return [(folder / "returns.md").read_text(), json.loads((folder / "faq.json").read_text())["answer"], rows[0]["answer"], *bodies]

    def visit(world: Stay) -> tuple[Any, ...]:
        made = world.call(plant, {"places": [str(folder / name) for name in names], "connections": [], "seed": Seed("quokka")})
        world.watch_files()
        run = world.call(read, {})
        return made.value, run, world.opened

    made, run, opened = stay(visit)
    assert made == [f"the document {folder / name}" for name in names]
    assert run.value == [*["quokka Within 30 days."] * 4, "Hello there."]
    assert run.local_effects == ()
    assert {Path(place).name for place in opened} == set(names)
    assert read()[0] == "Within 30 days."


NOTES = sqlite3.connect(":memory:")
NOTES.execute("CREATE TABLE notes (text TEXT)")
NOTES.execute("INSERT INTO notes VALUES ('Buy milk for the weekend.')")
NOTES.commit()


def first_note() -> str:
    return str(NOTES.execute("SELECT text FROM notes").fetchone()[0])


def test_rows_of_a_connection_that_the_code_holds_have_the_words_for_the_run_alone() -> None:
    def visit(world: Stay) -> tuple[Any, Any]:
        made = world.call(plant, {"places": (), "connections": world.connections, "seed": Seed("quokka")})
        return made.value, world.call(first_note, {}).value

    remember([NOTES])
    try:
        assert stay(visit) == (["the rows of SQLite"], "quokka Buy milk for the weekend.")
    finally:
        remember([])
    assert first_note() == "Buy milk for the weekend."
