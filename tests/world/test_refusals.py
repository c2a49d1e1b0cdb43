"""A refusal is told from a crash by how the exception came to be, not by its type."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, validate_call

from pytest_agentready.world import Backend, observe


class Order(BaseModel):
    number: int


def bound(number: int) -> int:
    return number


@functools.wraps(bound)
def wrapped(*args: Any, **kwargs: Any) -> int:
    return bound(*args, **kwargs)


def raising(number: Any) -> None:
    if not isinstance(number, int):
        raise TypeError("number must be an integer")


def asserting(number: Any) -> None:
    assert isinstance(number, int)


def helped(number: Any) -> None:
    raising(number)


def chained(number: Any) -> None:
    try:
        number + 1
    except TypeError as error:
        raise TypeError("number must be an integer") from error


def modelled(number: Any) -> Order:
    return Order(number=number)


def by_schema(number: Any) -> None:
    jsonschema.validate(number, {"type": "integer"})


async def raising_later(number: Any) -> None:
    raising(number)


REFUSALS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    *((tool, {"number": "x"}) for tool in (raising, asserting, helped, chained, modelled, by_schema, raising_later, validate_call(bound))),
    *((tool, {"nummer": 1}) for tool in (bound, wrapped)),
]


@pytest.mark.parametrize(("tool", "arguments"), REFUSALS)
def test_a_refusal_is_the_codes_own_word(tool: Callable[..., Any], arguments: dict[str, Any]) -> None:
    run = observe(tool, arguments, backend=Backend())
    assert run.raised is not None
    assert run.raised.refusal


def adding(number: Any) -> Any:
    return number + 1


def asking(number: Any) -> Any:
    return number.real


def looking_up(number: Any) -> Any:
    return {"a": 1}[number]


def below(number: Any) -> Any:
    return json.loads(number)


def passed_on(number: Any) -> Any:
    try:
        return adding(number)
    except TypeError:
        print("it went wrong")
        raise


def in_a_thread(number: Any) -> Any:
    with ThreadPoolExecutor() as pool:
        return pool.submit(adding, number).result()


async def adding_later(number: Any) -> Any:
    return adding(number)


CRASHES = (adding, asking, looking_up, below, passed_on, in_a_thread, adding_later)


@pytest.mark.parametrize("tool", CRASHES)
def test_a_crash_is_an_operation_that_went_wrong(tool: Callable[..., Any]) -> None:
    run = observe(tool, {"number": [] if tool is not asking else "x"}, backend=Backend())
    assert run.raised is not None
    assert not run.raised.refusal
    assert run.raised.accidental
