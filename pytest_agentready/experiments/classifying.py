"""What a model answers that is to say one word of a few: a router, a guard-rail, a judge.

Which of them is right nobody can know; the one is taken that lets the loop go on to its work: the task and not the small talk, what is
allowed and not what is blocked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_agentready.arguments.names import whole
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
# What a word or a name says, in each of its forms.
_OFF_TOPIC = r"off.?topic"
_SUSPICIONS = (
    r"inject(?:s|ed|ions?)?|jailbreak(?:s|ing)?|attack(?:s|er|ing)?|harm(?:s|ed|ful)?|unsafe|malicious|leak(?:s|ed|ing|age)?|reveal(?:s|ed|ing)?",
    r"toxic(?:ity)?|violat(?:es?|ed|ing|ions?)|abus(?:es?|ed|ive)|suspicious|manipulat(?:es?|ed|ing|ion|ive)|override[sn]?|overriding",
    _OFF_TOPIC,
)
_REFUSALS = (
    r"unsafe|block(?:s|ed|ing)?|den(?:y|ies|ied|ial)|reject(?:s|ed|ion)?|refus(?:es?|ed|al)|harm(?:s|ed|ful)?|malicious",
    r"inject(?:s|ed|ions?)?|attack(?:s|er|ing)?|toxic(?:ity)?|invalid|fail(?:s|ed|ures?|ing)?|spam|escalat(?:es?|ed|ing|ions?)",
    r"disallow(?:s|ed)?|forbid(?:s|den)?|prohibited",
)
_IDLE = whole(
    r"(?:small|chit).?(?:chat|talk)|chat(?:s|ting|ter)?|small|greet(?:s|ings?)?|others?|none|general|unknown|simple|easy|trivial|cheap",
    r"fast|faqs?|casual|social|direct(?:ly)?|irrelevant",
    _OFF_TOPIC,
)
_BARRED = re.compile(rf"{whole(*_REFUSALS).pattern}|^(?i:no|false)$")
_SUSPECTS = whole(*_SUSPICIONS)
_APPROVES = whole(
    r"harmless|safe(?:ly)?|allow(?:s|ed)?|valid|validated|relevan(?:t|ce)|on_?topic|in_?scope|appropriate|approv(?:es?|ed|al)",
    r"permit(?:s|ted)?|pass(?:es|ed)?|accept(?:s|ed|able)?|satisf(?:y|ies|ied|actory)|correct|benign|clean|ok",
)
_NEEDS, _HUMAN = (
    r"needs?|requires?",
    r"approv(?:es?|ed|al)|review(?:s|ed)?|humans?|confirm(?:s|ed|ation)?|clarif(?:y|ied|ication)|corrections?",
)
_ACCUSES = whole(
    *_SUSPICIONS,
    *_REFUSALS,
    r"flag(?:s|ged)?|irrelevant|inappropriate|incorrect|unclean|un(?:acceptable|approved|satisfactory)",
    rf"(?:{_NEEDS})_?(?:\w+_)?(?:{_HUMAN})|(?:{_HUMAN})_?(?:needed|required)",
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
