"""Values that look right for a parameter's name: "Oslo" for `city`, 59.91 for `lat`. A name is read by its last words first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import TypeVar

from pytest_agentready.arguments.vocabulary import NUMBERS, TEXTS

Value = TypeVar("Value", str, float)
# What a name means beside others: the words of the tool or of its other parameters, the names, the value.
BESIDE = (
    ({"sms", "twilio", "whatsapp", "phone", "call", "dial"}, {"to", "recipient", "number", "from"}, "+4722334455"),
    ({"sql", "sqlite", "postgres", "mysql", "snowflake", "bigquery"}, {"query", "statement", "input"}, "SELECT 1"),
    ({"directory", "folder", "dir", "ls"}, {"path"}, "."),
    ({"pattern", "glob"}, {"path"}, "."),
    ({"file", "files", "path", "move", "copy", "rename"}, {"destination", "target", "dest", "dst", "new path"}, "notes-copy.txt"),
    ({"file", "move", "copy", "rename"}, {"source", "src", "origin"}, "notes.txt"),
    ({"branch", "commit"}, {"message", "commit message"}, "Fix a typo"),
    ({"coupon", "promo", "discount", "voucher", "gift"}, {"code"}, "WELCOME10"),
    ({"country", "currency", "language", "airport", "iata", "zip", "postal"}, {"code"}, "NO"),
    ({"translate", "translation", "language"}, {"to", "target"}, "de"),
    ({"translate", "translation", "language"}, {"from", "source"}, "en"),
    ({"base", "exchange", "currency"}, {"quote", "to", "target"}, "EUR"),
    ({"exchange", "currency", "convert"}, {"from", "source"}, "USD"),
    ({"python", "run", "execute", "exec", "interpreter", "repl", "sandbox"}, {"code"}, "print('hello')"),
    ({"task", "todo", "card"}, {"name", "title"}, "Write the report"),
    ({"track", "analytics"}, {"name", "event"}, "signup"),
    ({"issue", "bug", "ticket", "repo", "incident"}, {"title", "summary", "subject"}, "Login fails"),
    ({"issue", "bug", "ticket", "repo", "incident"}, {"body", "description"}, "After the update nobody can log in."),
    ({"pull"}, {"title"}, "Fix the login"),
    ({"event", "meeting", "calendar", "appointment"}, {"title", "summary", "subject", "name"}, "Project kick-off"),
    ({"order", "shipment", "product", "refund"}, {"name"}, "coffee mug"),
    ({"book", "booking", "reserve", "reservation", "schedule", "appointment", "flight", "hotel"}, {"date", "day"}, "2030-01-15"),
)
# Last words before which the word says more: a `bucket_name` is a bucket.
WEAK = frozenset({"name", "value", "string", "str", "text", "input", "list", "param", "parameter", "arg", "field"})
TRUE = frozenset({"enabled", "enable", "active", "available", "public", "on", "subscribed"})  # flags that are usually set
SHORT = 3  # letters of a word that is no sign of anything where it stands in a description
SHORT_AND_CLEAR = ("url", "zip", "sku", "sql")


def text_for(name: str, description: str, around: Set[str] = frozenset()) -> str:
    """`around`: the words of the tool's name and of its other parameters, among which a `to` is a phone number, say."""
    words = words_of(name)
    full = " ".join(words)
    for signs, names, value in BESIDE:
        if full in names and signs & around:
            return value
    found = _named(words, TEXTS)
    if found is None and words[-1:] and words[-1] in ("at", "on"):  # scheduled_at
        found = TEXTS["datetime"]
    if found is None and (number := _named(words, NUMBERS)) is not None:  # `floor: str`
        found = str(number)
    return found or _told_by(description, TEXTS) or "example"


def number_for(name: str, description: str) -> float:
    found = _named(words_of(name), NUMBERS)
    if found is None:
        found = _told_by(description, NUMBERS)
    return 1 if found is None else found


def flag_for(name: str) -> bool:
    """False does the least: it forces, confirms and deletes nothing."""
    return bool(TRUE & set(words_of(name)))


def is_numeric(name: str) -> bool:
    """Would an untyped parameter of this name be a number?"""
    full = " ".join(words_of(name))
    return full in NUMBERS and full not in TEXTS


def words_of(name: str) -> list[str]:
    """`cityName`, `city_name` and `city-name` are two words."""
    return re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def whole(*words: str) -> re.Pattern[str]:
    """Any of these patterns as a word of a text, or as a part of a name: "safe" is in `is_safe` and in `isSafe`, and not in `safeguard`."""
    begins, ends = r"(?:(?<![A-Za-z])|(?<=[a-z0-9])(?=[A-Z]))", r"(?:(?![A-Za-z])|(?<=[a-z0-9])(?=[A-Z]))"
    return re.compile(rf"{begins}(?i:{'|'.join(words)}){ends}")


def _named(words: list[str], table: Mapping[str, Value]) -> Value | None:
    for phrase in _phrases(words):
        for spelling in (phrase, phrase.removesuffix("s")):
            if spelling in table:
                return table[spelling]
    return None


def _phrases(words: list[str]) -> list[str]:
    """The whole name, its ever shorter ends, then its ever shorter beginnings."""
    size = len(words)
    ends = [" ".join(words[start:]) for start in range(size)]
    beginnings = [" ".join(words[:end]) for end in range(size - 1, 0, -1)]
    if words[-1:] == ["id"]:
        return ends  # a `customer_id` is no customer
    if size > 1 and words[-1] in WEAK:
        before = [" ".join(words[start:-1]) for start in range(size - 1)]
        return [*ends[:-1], *before, *beginnings, ends[-1]]
    return [*ends, *beginnings]


def _told_by(description: str, table: Mapping[str, Value]) -> Value | None:
    """By the first word, or pair of words, of the description that is in the table: "The city to look up" is a city."""
    words = words_of(description)
    for number, word in enumerate(words):
        for phrase in (" ".join(words[number : number + 2]), word):
            if phrase in table and (len(phrase) > SHORT or phrase in SHORT_AND_CLEAR):
                return table[phrase]
    return None
