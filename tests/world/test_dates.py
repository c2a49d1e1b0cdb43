"""Dates go with the virtual clock, wherever they are asked for, and with the real one before, after and beside the run."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from datetime import date, timezone
from datetime import datetime as Moment
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_agentready.world import dates
from tests.world.entering import enter

DAY = 86_400
LOOKS: dict[str, Callable[[], Any]] = {
    "datetime.now": lambda: datetime.datetime.now(timezone.utc).timestamp(),
    "datetime.utcnow": lambda: datetime.datetime.utcnow().replace(tzinfo=timezone.utc).timestamp(),
    "bound early": lambda: Moment.now(timezone.utc).timestamp(),
    "time.time": time.time,
    "time.gmtime": lambda: float(__import__("calendar").timegm(time.gmtime())),
}
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_date_goes_with_the_virtual_clock(look: Callable[[], Any]) -> None:
    def tool() -> float:
        start = look()
        time.sleep(DAY / 48)
        return float(look() - start)

    assert enter(tool).value == pytest.approx(DAY / 48, abs=1.1)


def test_midnight_comes_in_virtual_time() -> None:
    def tool() -> tuple[date, date]:
        now = Moment.now()
        night = Moment.combine(now.date(), Moment.min.time()) + datetime.timedelta(days=1)
        before = date.today()
        while Moment.now() < night:
            time.sleep(min(3_000, (night - Moment.now()).total_seconds() + 0.001))
        return before, date.today()

    from pytest_agentready.world import Limits

    before, after = enter(tool, limits=Limits(horizon=2 * DAY)).value  # type: ignore[misc]
    assert after - before == datetime.timedelta(days=1)


def test_a_deadline_by_the_date_is_a_deadline() -> None:
    def tool() -> None:
        end = Moment.now() + datetime.timedelta(seconds=5)
        while Moment.now() < end:
            time.sleep(0.5)

    run = enter(tool)
    assert run.ending is None
    assert run.virtual == pytest.approx(5, abs=0.6)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_date_is_real_after_the_run(look: Callable[[], Any]) -> None:
    enter(lambda: time.sleep(DAY / 48))
    assert look() == pytest.approx(time.clock_gettime(time.CLOCK_REALTIME), abs=2)


def test_who_asks_beside_the_run_as_it_ends_gets_the_real_time() -> None:
    import time_machine

    world: Any = SimpleNamespace(time=SimpleNamespace(wall=DAY))
    with dates.in_step(world):
        asked = time_machine.traveller_stack[-1].time_ns  # and it goes on, in another thread, when the world is over
    assert asked() / 1e9 == pytest.approx(time.clock_gettime(time.CLOCK_REALTIME), abs=2)
