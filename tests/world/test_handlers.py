"""The clause that a cancellation does not get past, found in the source of functions of every shape."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.world import handlers
from tests.world.entering import line_of


async def work() -> Any: ...


async def caught_bare() -> Any:
    try:
        return await work()
    except:  # noqa: E722
        return None


async def caught_among_others() -> Any:
    try:
        return await work()
    except ValueError:
        return 1
    except (KeyError, asyncio.CancelledError):
        return 2


async def caught_outside() -> Any:
    try:
        try:
            return await work()
        except BaseException as error:
            print(error)
            raise
    except BaseException:
        return None


async def suppressed() -> Any:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        return await work()


async def raised_again() -> Any:
    try:
        return await work()
    except BaseException:
        raise


async def raised_by_its_name() -> Any:
    try:
        return await work()
    except asyncio.CancelledError as error:
        raise error


async def caught_first() -> Any:
    try:
        return await work()
    except asyncio.CancelledError:
        raise
    except BaseException:
        return None


async def caught_elsewhere() -> Any:
    try:
        print()
    except BaseException:
        print()
    return await work()


async def only_errors() -> Any:
    try:
        return await work()
    except Exception:
        return None


def place(function: Callable[..., Any]) -> handlers.Place:
    return function.__code__, int(line_of(function, "await work").rpartition(":")[2])


@pytest.mark.parametrize(
    ("function", "clause"),
    [
        (caught_bare, "except:"),
        (caught_among_others, "except (KeyError"),
        (caught_outside, "    except BaseException:"),
        (suppressed, "with contextlib"),
    ],
)
def test_the_clause_that_keeps_a_cancellation_is_found(function: Callable[..., Any], clause: str) -> None:
    assert handlers.that_keeps([place(function)]) == line_of(function, clause)


@pytest.mark.parametrize("function", [raised_again, raised_by_its_name, caught_first, caught_elsewhere, only_errors])
def test_one_that_raises_it_again_or_does_not_meet_it_is_none(function: Callable[..., Any]) -> None:
    assert handlers.that_keeps([place(function)]) == ""


def test_the_innermost_frame_comes_first() -> None:
    assert handlers.that_keeps([place(raised_again), place(suppressed), place(caught_bare)]) == line_of(suppressed, "with contextlib")


def test_a_return_in_finally_keeps_it_too(tmp_path: Path) -> None:
    path = tmp_path / "tool.py"
    path.write_text("async def tool():\n    try:\n        await work()\n    finally:\n        return None\n")
    assert handlers.that_keeps([(compile("", str(path), "exec"), 3)]) == f"{path}:5"


def test_a_file_without_source_has_none() -> None:
    assert handlers.that_keeps([(compile("x = 1", "/nowhere/at_all.py", "exec"), 1)]) == ""
