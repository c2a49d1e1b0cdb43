"""AR108: tools that say nothing of themselves or of a parameter, beside tools that say it in one of the many ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import requests
from pydantic import BaseModel, Field
from typing_extensions import Doc

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_requests

ROOMS = {"GET https://rooms.example.com/free": {"rooms": ["Atlas"]}}


def free(**asked: Any) -> ToolResult:
    try:
        response = requests.get("https://rooms.example.com/free", params=asked, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


def logged(function: Callable[..., ToolResult]) -> Callable[..., ToolResult]:
    """Documented itself, which is no word about what it decorates."""

    def call(*args: Any, **kwargs: Any) -> ToolResult:
        return function(*args, **kwargs)

    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"day": "2026-12-01"}, backend=ROOMS, AR108="failed")
def rooms_on(day: str) -> ToolResult:
    return free(day=day)


@labelled(args={"day": "2026-12-01", "seats": 4}, backend=ROOMS, AR108="failed")  # seats
def rooms_with_seats(day: str, seats: int) -> ToolResult:
    """Find a free room.

    Args:
        day: The day, as 2026-12-01.
    """
    return free(day=day, seats=seats)


@labelled(args={"day": "2026-12-01"}, backend=ROOMS, AR108="failed")  # a list of parameters is no description
def rooms_by(day: str) -> ToolResult:
    """
    :param day: The day, as 2026-12-01.
    """
    return free(day=day)


@labelled(args={"floor": 2}, backend=ROOMS, AR108="failed")  # the decorator's words are not the tool's
@logged
def rooms_of(floor: Annotated[int, "From 1 to 7"]) -> ToolResult:
    return free(floor=floor)


class Wish(BaseModel):
    day: str = Field(description="The day, as 2026-12-01")
    seats: int


@labelled(args={"wish": Wish(day="2026-12-01", seats=4)}, backend=ROOMS, AR108="failed")  # seats, within
def rooms_for(wish: Wish) -> ToolResult:
    """Find a free room."""
    return free(day=wish.day, seats=wish.seats)


# --- look-alikes without it ----------------------------------------------------------------------------------------------


@labelled(args={"day": "2026-12-01", "seats": 4}, backend=ROOMS, AR108="passed")
def google_style(day: str, seats: int = 2) -> ToolResult:
    """Find a free room.

    Args:
        day: The day, as 2026-12-01.
        seats (int): How many people have to sit.

    Returns:
        The rooms' names.
    """
    return free(day=day, seats=seats)


@labelled(args={"day": "2026-12-01", "seats": 4}, backend=ROOMS, AR108="passed")
def sphinx_style(day: str, seats: int = 2) -> ToolResult:
    """Find a free room.

    :param day: The day, as 2026-12-01.
    :param int seats: How many people have to sit.
    """
    return free(day=day, seats=seats)


@labelled(args={"day": "2026-12-01", "seats": 4}, backend=ROOMS, AR108="passed")
def numpy_style(day: str, seats: int = 2) -> ToolResult:
    """Find a free room.

    Parameters
    ----------
    day : str
        The day, as 2026-12-01.
    seats : int, optional
        How many people have to sit.
    """
    return free(day=day, seats=seats)


@labelled(args={"day": "2026-12-01", "seats": 4, "floor": 1}, backend=ROOMS, AR108="passed")
def annotated(
    day: Annotated[str, "The day, as 2026-12-01"],
    seats: Annotated[int, Field(description="How many people have to sit")],
    floor: Annotated[int, Doc("From 1 to 7")],
) -> ToolResult:
    """Find a free room."""
    return free(day=day, seats=seats, floor=floor)


@labelled(args={}, backend=ROOMS, AR108="passed")
def all_rooms() -> ToolResult:
    """List the rooms that are free now."""
    return free()


class Desk:
    """Where rooms are given out."""

    def find(self, day: Annotated[str, "The day, as 2026-12-01"]) -> ToolResult:
        """Find a free room."""
        return free(day=day)


labelled(args={"day": "2026-12-01"}, backend=ROOMS, AR108="passed")(Desk().find)


class Connection:
    """What a framework hands over: no model fills it, and none needs to be told of it."""


@labelled(args={"day": "2026-12-01"}, backend=ROOMS, AR108="passed")
def within(day: Annotated[str, "The day, as 2026-12-01"], connection: Connection | None = None) -> ToolResult:
    """Find a free room."""
    return free(day=day) if connection is None else ToolResult.permanent("The connection is closed.")
