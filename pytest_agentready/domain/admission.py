"""How the answer of a cost breaker reads: may the model be called, or not?"""

from __future__ import annotations

import re
from enum import Enum

from pytest_agentready.domain.answer import ERROR_WORDS, read_answer

YES = ("allowed", "admitted", "ok", "accepted", "granted", "success", "approved", "permitted", "is_allowed", "can_proceed")
NO = ("blocked", "exceeded", "refused", "denied", "tripped", "rejected", "limited", "over_limit", "over_budget", "is_exceeded")
STATES = ("status", "state", "decision", "result", "action", "outcome")
# What a state is called in which nothing is let through; an open circuit breaker is one.
REFUSING = re.compile(
    r"\W*(?:block|den(?:y|ied)|refus|reject|exceed|exhaust|trip|halt|stop|kill|open\b|over|hard_?(?:limit|stop)|limit)", re.IGNORECASE
)
CODE = re.compile(r"[\w.:-]*(?:exceeded|exhausted|denied|blocked|refused|rejected)$", re.IGNORECASE)  # BUDGET_EXCEEDED


def admitted_by(value: object, *, gives: bool = False) -> bool:
    """`gives`: it has answered with something when it admitted, so that nothing is a refusal."""
    if value is None:
        return not gives
    if isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return not _refuses(value.name)
    if isinstance(value, (int, float)):
        return True
    if isinstance(value, str):
        return not _refuses(value) and not read_answer(value).tells_of_failure
    if isinstance(value, tuple) and value and isinstance(value[0], bool):
        return value[0]
    return _says_yes(value)


def _says_yes(value: object) -> bool:
    """Of an object, or a dict."""
    for name in YES:
        if isinstance(said := _field(value, name), bool):
            return said
    for name in NO:
        if isinstance(said := _field(value, name), bool):
            return not said
    for name in STATES:
        said = _field(value, name)
        if isinstance(said, (str, Enum)):
            word = said.name if isinstance(said, Enum) else said
            return not _refuses(word) and word.lower() not in ERROR_WORDS
    return not _field(value, "error") and not read_answer(value).tells_of_failure


def _refuses(word: str) -> bool:
    return REFUSING.match(word) is not None or CODE.match(word) is not None


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)
