"""What of a later call does once more what an earlier one did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_agentready.domain import Effect, duplicates, made

POST = Effect("request", "POST", "https://api.example.com/orders", b'{"item": "tea"}')
FIRST, SECOND = "0b7d1a52-6f0e-4b8b-9d42-0f6f3f1b2a11", "c1d2e3f4-a5b6-47c8-89d0-e1f2a3b4c5d6"


def why(before: Effect, again: Effect) -> list[str]:
    return [found.why for found in duplicates([before], [again])]


def test_the_same_post_is_one_unless_it_carries_the_same_key() -> None:
    assert why(POST, POST) == ["no key"]
    assert why(replace(POST, key="k"), replace(POST, key="k")) == []
    assert why(replace(POST, key="k"), replace(POST, key="l")) == ["new key"]
    assert why(POST, replace(POST, content=b'{"item": "tea", "at": 17}')) == ["no key"]  # a time stamp makes no other order of it


def test_another_address_is_another_thing() -> None:
    assert why(POST, replace(POST, target="https://api.example.com/baskets")) == []
    assert why(POST, replace(POST, verb="PUT")) == []


def test_a_name_that_is_new_each_time_makes_another_thing_of_a_put() -> None:
    put = Effect("request", "PUT", "https://api.example.com/notes/")
    assert why(replace(put, target=put.target + "7"), replace(put, target=put.target + "7")) == []
    assert why(replace(put, target=put.target + FIRST), replace(put, target=put.target + SECOND)) == ["new name"]
    command = Effect("command", "SET", "redis://cache:6379", places=(f"order:{FIRST}",))
    assert why(command, replace(command, places=(f"order:{SECOND}",))) == ["new name"]


def test_an_upsert_under_a_new_id_meets_no_row() -> None:
    sql = "INSERT INTO orders VALUES ($1) ON CONFLICT (id) DO NOTHING -- "
    upsert = Effect("statement", "INSERT", "postgresql://db/shop", sql.encode(), places=("orders",))
    first, second = (replace(upsert, content=f"{sql}'{key}'".encode()) for key in (FIRST, SECOND))
    assert why(first, first) == []
    assert why(first, second) == ["new name"]


@pytest.mark.parametrize(
    ("verb", "before", "again", "found"),
    [
        ("change", b"tea", b"tea", []),
        ("change", b"tea at 9", b"tea at 10", []),  # written anew
        ("change", b"tea\n", b"tea\ntea\n", ["no key"]),
        ("append", b"tea\n", b"tea\n", ["no key"]),
    ],
)
def test_a_file_that_grows_is_repeated_and_one_that_is_written_anew_is_not(
    verb: str, before: bytes, again: bytes, found: list[str]
) -> None:
    file = Effect("file", verb, "/srv/notes.txt")
    assert why(replace(file, content=before), replace(file, content=again)) == found


def test_what_was_refused_and_what_a_module_keeps_do_not_count() -> None:
    assert why(POST, replace(POST, refused=True)) == []
    memory = Effect("memory", "change", "shop.tools.ORDERS")
    assert why(memory, memory) == []


def test_what_a_peer_was_changed_by_counts_each_key_once() -> None:
    assert len(made([POST, POST])) == 2
    assert len(made([replace(POST, key="k"), replace(POST, key="k"), replace(POST, key="l")])) == 2
