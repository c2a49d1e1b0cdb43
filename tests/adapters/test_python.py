"""What plain Python tells of a callable before it is called."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pytest_agentready.adapters.python import adapt


async def fetch() -> int:
    return 1


async def stream() -> AsyncIterator[int]:
    yield 1


def look() -> int:
    return 1


def careless(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator without `functools.wraps`."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


class Retrying:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self) -> Any:
        return self.function()


class Desk:
    async def ask(self) -> int:
        return 1

    async def __call__(self) -> int:
        return 1


ASYNC = [
    fetch,
    stream,
    functools.partial(fetch),
    functools.wraps(fetch)(lambda: fetch()),
    careless(fetch),
    careless(careless(functools.partial(fetch))),
    Retrying(fetch),
    Desk(),
    Desk().ask,
]
SYNC = [look, functools.partial(look), careless(look), Retrying(look), len, Desk]


@pytest.mark.parametrize(("call", "is_async"), [*((call, True) for call in ASYNC), *((call, False) for call in SYNC)])
def test_a_tool_is_async_where_its_definition_tells(call: Callable[..., Any], is_async: bool) -> None:
    tool = adapt(call)
    assert tool is not None
    assert tool.is_async is is_async
