"""What a model answers that is to say one word of a few: a router, a guard-rail, a judge.

Which of them is right nobody can know; the one is taken that lets the loop go on to its work: the task and not the small talk, what is
allowed and not what is blocked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import ModelRequest

NEAR = 100  # characters between what asks for one word and the words
FEW = 16  # tokens, where an answer may have no more, it is a word
EDGE = 500  # characters at either end of a user's text, where the loop's own words are
MOST = 12  # words to choose from

_WORD = r"[\"'`*<\[]{0,4}([A-Za-z][A-Za-z_-]{1,23})[\"'`*>\]]{0,4}"
_LIST = re.compile(rf"{_WORD}(?:(?:\s*(?:,|/|\|)\s*(?:or\s+|and\s+)?|\s+or\s+){_WORD})+")
_PART = re.compile(r"\s*(?:,|/|\|)\s*(?:or\s+|and\s+)?|\s+or\s+")
_BULLETS = re.compile(
    r"^[ \t]*(?:[-*•]|\d+[.)])[ \t]*[\"'`*]*([A-Za-z][A-Za-z_-]{1,23})[\"'`*]*[ \t]*(?=[:(\u2013\u2014-]|$)", re.MULTILINE
)
_ONE = re.compile(
    r"\b(?:one|single) (?:word|label|category|class|route)\b|\bone of(?: the following| these)?(?= ?[:\"'`(]| ?(?-i:[A-Z])|\s*$)"
    r"|\bone of (?:the|these)(?: [a-z-]+){1,3}(?= ?[:\"'`(]|\s*$)",
    re.IGNORECASE | re.MULTILINE,
)  # "one of the following categories:" is followed by them; "one of the best teams" is no choice
_ONLY = re.compile(
    r"\b(?:(?:answer|reply|respond|output|return|say)(?: with)? (?:only|just|exactly|either)(?: with)?|"
    r"(?:only|just|exactly) (?:answer|reply|respond|output|return|say)(?: with)?)[\s:]*",
    re.IGNORECASE,
)  # right behind it is what may be said, and not what it is to be about
_ASKS = re.compile(r"\b(?:answer|reply|respond|output|return|say|classify)\b[^.\n]{0,60}$", re.IGNORECASE)
_IDLE = re.compile(
    r"chat|small|greet|other|none|general|unknown|simple|easy|trivial|cheap|fast|faq|casual|social|direct|irrelevant|off.?topic",
    re.IGNORECASE,
)
_BARRED = re.compile(
    r"unsafe|block|den[yi]|reject|refuse|harm|malicious|inject|attack|toxic|invalid|fail|spam|escalat|^no$|^false$", re.IGNORECASE
)
_SUSPECTS = re.compile(
    r"inject|jailbreak|attack|harm|unsafe|malicious|leak|reveal|toxic|violat|abus|suspicious|manipulat|override|off.?topic", re.IGNORECASE
)
_APPROVES = re.compile(
    r"safe|allow|valid|relevant|on_?topic|in_?scope|appropriate|approv|permitt|(?<![a-z])pass(?:es|ed)?(?![a-z])|accept|satisf|correct|benign|clean|^ok$|^is_ok$",
    re.IGNORECASE,
)
_ACCUSES = re.compile(
    rf"{_SUSPECTS.pattern}|{_BARRED.pattern}|flag|irrelevant|inappropriate|incorrect|unclean"
    r"|(?:needs?|requires?)_(?:\w+_)?(?:approv|review|human|confirm|clarif)|(?:approval|review|confirmation|clarification)_(?:needed|required)",
    re.IGNORECASE,
)


def verdict_of(name: str) -> bool | None:
    """What a field of this name says where all is well; None where it is about something else."""
    if _ACCUSES.search(name):
        return False
    return True if _APPROVES.search(name) else None


def judged(schema: Mapping[str, Any], answer: Any) -> Any:
    """The same JSON, in which the fields that are verdicts, and those of a few words, let the loop go on to its work."""
    if not isinstance(answer, dict):
        return answer
    found = dict(answer)
    for name, wanted in (schema.get("properties") or {}).items():
        if name not in answer or not isinstance(wanted, Mapping):
            continue
        words = [word for word in wanted.get("enum") or () if isinstance(word, str)]
        if wanted.get("type") == "boolean":
            verdict = verdict_of(name)
            found[name] = answer[name] if verdict is None else verdict
        elif words and len(words) == len(wanted["enum"]):
            found[name] = chosen(words, name)
    return found


def word_of(request: ModelRequest) -> str | None:
    """The word that such a request wants to hear; None where it asks for something else."""
    if request.tools or request.answer_schema is not None:
        return None
    said = [message.text for message in request.messages if message.role == "user"]
    last = said[-1] if said else ""
    texts = [request.system, last if len(last) <= 2 * EDGE else f"{last[:EDGE]}\n\n{last[-EDGE:]}"]
    for told in texts:
        if words := _words(told, is_short=(request.max_tokens or FEW + 1) <= FEW):
            return chosen(words, told)
    return None


def _words(told: str, *, is_short: bool) -> list[str]:
    """Those that it may choose from; [] where it is not asked to."""
    for asked in _ONLY.finditer(told):
        if found := _LIST.match(told, asked.end()):
            return _parts(found[0])
    bullets = _BULLETS.findall(told)[:MOST]
    for asked in _ONE.finditer(told):
        behind = _LIST.search(told, asked.end(), asked.end() + NEAR)
        before = list(_LIST.finditer(told, max(0, asked.start() - NEAR), asked.start()))
        if found := behind or next(iter(before[::-1]), None):
            return _parts(found[0])
        if len(bullets) > 1:
            return bullets
    for found in _LIST.finditer(told):
        loud = all(part.isupper() for part in _parts(found[0]))
        if is_short or (loud and _ASKS.search(told, max(0, found.start() - NEAR), found.start())):
            return _parts(found[0])
    return []


def _parts(listed: str) -> list[str]:
    return [part.strip("\"'`*<>[] ") for part in _PART.split(listed)][:MOST]


def chosen(words: list[str], told: str) -> str:
    """The one of them by which the loop goes on, as far as words tell; `told` says what it is about."""
    by_word = {word.lower(): word for word in words}
    for yes, no in (("yes", "no"), ("true", "false")):
        if {yes, no} <= by_word.keys():
            return by_word[no] if _SUSPECTS.search(told) else by_word[yes]
    allowed = [word for word in words if not _BARRED.search(word)]
    return next((word for word in allowed if not _IDLE.search(word)), (allowed or words)[0])
