"""Functions that make sets, and functions that only look so."""

from __future__ import annotations

from typing import Any


def of_a_call(words: list[str]) -> list[str]:
    return list(set(words))


def of_a_display(word: str) -> list[str]:
    return list({word, "tea"})


def of_a_comprehension(words: list[str]) -> list[str]:
    return list({word.lower() for word in words})


def of_a_redis(store: Any) -> list[str]:
    return list(store.smembers("tags"))


def of_a_helper(words: list[str]) -> list[str]:
    return of_a_call(words)


def none_by_a_method(store: Any) -> None:
    store.set("a", 1)


def none_by_a_dict(words: list[str]) -> dict[str, int]:
    return {word: len(word) for word in words}


MAKERS = (of_a_call, of_a_display, of_a_comprehension, of_a_redis, of_a_helper)
OTHERS = (none_by_a_method, none_by_a_dict)
