"""Texts of a given length, on which all estimates agree."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import tokens
from pytest_agentready.experiments.prose import prose


@pytest.mark.parametrize("size", [30, 100, 1_000, 60_000])
def test_a_text_is_nearly_as_long_as_it_is_to_be(size: int) -> None:
    assert size - 20 <= tokens(prose(size, "Where is my order?")) <= size + 2


def test_estimates_by_characters_and_by_words_agree() -> None:
    text = prose(5_000)
    assert len(text) / 4 == pytest.approx(5_000, rel=0.12)
    assert len(text.split()) * 4 / 3 == pytest.approx(5_000, rel=0.25)


def test_what_it_begins_with_is_said_in_any_case() -> None:
    assert prose(0, "Let me look.") == "Let me look."
    assert prose(-5, "Let me look.") == "Let me look."
