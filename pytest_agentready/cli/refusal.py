"""The answer to input that cannot be carried out."""

from __future__ import annotations


class Refusal(Exception):
    """Nothing was done; the problems, all of them, say why, and what to do instead."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems
