"""Words that messages have in common."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import contrasted


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("tea", "coffee", ("tea", "coffee")),
        ("a" * 30 + "1" + "b" * 9, "a" * 30 + "2" + "b" * 9, ("...aaaa1bbbbbbb...", "...aaaa2bbbbbbb...")),
        ("a" * 30, "a" * 30 + "more", ("...aaaa", "...aaaamore")),
        ("1" + "b" * 30, "2" + "b" * 30, ("1bbbbbbbbbbb...", "2bbbbbbbbbbb...")),
    ],
)
def test_two_texts_are_cut_where_they_begin_to_differ(one: str, other: str, told: tuple[str, str]) -> None:
    assert contrasted(one, other, 12) == told
