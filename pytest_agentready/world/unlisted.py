"""Faults outside of the list: single experiments need them, and no tool is judged by what it makes of them."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_agentready.world.wire import Answerable, WireFault


@dataclass(frozen=True, slots=True)
class FullLogIn(WireFault):
    """Nothing fails: a database that lets everybody in asks who it is all the same."""

    @property
    def asks_for_the_password(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Refusal(WireFault):
    """The error with which a database or a mail server answers; HTTP has its statuses."""

    def answer(self, exchange: Answerable) -> bool:
        return exchange.refuse()
