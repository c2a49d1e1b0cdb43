"""The search finds, shrinks, is the same in every process, and leaves hypothesis, chance and the directory as they were."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_agentready.arguments.search import Enough, smallest

NUMBERS = st.integers(0, 10_000)
DRAWS = """
import sys
from typing import Annotated, Literal

sys.path.insert(0, {strangers!r})
for name in {names!r}:
    __import__(name)
from pydantic import Field
from pytest_agentready.adapters.python import adapt
from pytest_agentready.arguments.drawn import attempts
from pytest_agentready.arguments.search import smallest

def tool(count: Annotated[int, Field(le=9)], code: Annotated[str, Field(pattern="^[a-z]+$")], state: Literal["a", "b"]): ...

def harmful(attempt):
    print(attempt)
    return isinstance(attempt.wrong.get("count"), int) and attempt.wrong["count"] > 2**64

print(smallest(lambda: attempts(adapt(tool).interface(), {{"count": 1, "code": "x", "state": "a"}}), harmful, 200))
"""


def test_it_finds_and_shrinks() -> None:
    assert smallest(lambda: NUMBERS, lambda number: number > 1_234, 100) == 1_235


def test_it_gives_up() -> None:
    asked: list[int] = []
    assert smallest(lambda: NUMBERS, lambda number: bool(asked.append(number)), 30) is None
    assert 10 < len(asked) <= 30
    assert smallest(lambda: None, lambda number: True, 30) is None


def test_enough_keeps_the_best_so_far() -> None:
    asked: list[int] = []

    def costly(number: int) -> bool:
        asked.append(number)
        if len(asked) > 20:
            raise Enough
        return number > 1_234

    found = smallest(lambda: NUMBERS, costly, 100)
    assert found == min(number for number in asked[:20] if number > 1_234)
    assert len(asked) == 21


@pytest.mark.parametrize(
    "raised", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3), pytest.fail.Exception("stop"), pytest.skip.Exception("go")]
)
def test_what_is_raised_goes_through_at_once(raised: BaseException) -> None:
    asked: list[int] = []

    def trouble(number: int) -> bool:
        asked.append(number)
        raise raised

    with pytest.raises(type(raised)) as caught:
        smallest(lambda: NUMBERS, trouble, 100)
    assert caught.value is raised
    assert len(asked) == 1


def test_it_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random.seed(7)
    before, profile = random.getstate(), hypothesis.settings.default
    filters, limit = list(warnings.filters), sys.getrecursionlimit()
    home = vars(hypothesis.configuration).get("__hypothesis_home_directory")
    smallest(lambda: NUMBERS, lambda number: number > 1_234, 100)
    assert random.getstate() == before
    assert hypothesis.settings.default is profile
    assert (warnings.filters, sys.getrecursionlimit()) == (filters, limit)
    assert vars(hypothesis.configuration).get("__hypothesis_home_directory") == home
    assert list(tmp_path.iterdir()) == []


def test_it_does_not_heed_the_users_profile() -> None:
    default = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile("odd", max_examples=1, phases=(), verbosity=hypothesis.Verbosity.debug)
    hypothesis.settings.load_profile("odd")
    try:
        assert smallest(lambda: NUMBERS, lambda number: number > 1_234, 100) == 1_235
    finally:
        hypothesis.settings.load_profile(default)


@settings(max_examples=5, database=None, deadline=None)
@given(st.integers(1, 1_000))
def test_it_works_within_a_test_of_hypothesis(least: int) -> None:
    assert smallest(lambda: NUMBERS, lambda number: number >= least, 100) == least


def test_the_draws_are_the_same_whoever_else_was_imported(tmp_path: Path) -> None:
    """The stranger's constants are what newer versions of hypothesis would draw a part of the values from."""
    (tmp_path / "stranger.py").write_text(
        "\n".join(f"A{n} = {n * 7_919 + 60_000}\nB{n} = 'stranger {n}'" for n in range(400)), encoding="utf-8"
    )
    root = Path(__file__).parents[2]

    def lines(seed: str, names: tuple[str, ...]) -> list[str]:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        script = DRAWS.format(strangers=str(tmp_path), names=names)
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
        assert done.stderr == ""
        return done.stdout.splitlines()

    first = lines("1", ())
    assert len(first) > 20
    assert first[-1].startswith("Attempt(wrong={'count': ")
    assert lines("2", ("stranger", "sqlite3", "xml.dom.minidom")) == first
    assert not (tmp_path / ".hypothesis").exists()
