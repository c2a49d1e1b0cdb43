"""Personal data: what a text has in it that says, by its form alone, who somebody is, or how to reach or to charge them.

An address that is read by a role (`support@`, `noreply@`) is nobody's own. Names have no form, and are not known by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_agentready.domain.masking import Secret

EMAIL = re.compile(r"(?<![\w.+/:-])([A-Za-z0-9][\w.+-]*)@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b")
ROLES = re.compile(
    r"(?:no[._-]?reply|do[._-]?not[._-]?reply|support|info|contact|hello|team|help|helpdesk|service|admin|administrator|postmaster|webmaster"
    r"|sales|billing|orders?|office|mail|news|newsletter|notifications?|alerts?|git|root|security|privacy|abuse|press|jobs|hr)(?:[.+_-].*)?",
    re.IGNORECASE,
)
PHONE = re.compile(r"(?<![\w+])\+\d[\d ().-]{7,18}\d\b")
CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-]?\w)")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
SOCIAL_SECURITY = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
DEEP = 6  # levels of an argument that are looked into


def personal(text: str) -> Iterator[tuple[str, str]]:
    """What it is, and the datum."""
    for found in EMAIL.finditer(text):
        if not ROLES.fullmatch(found[1]):
            yield "e-mail address", found[0]
    for found in PHONE.finditer(text):
        yield "telephone number", found[0]
    for found in CARD.finditer(text):
        if _adds_up(found[0]):
            yield "card number", found[0]
    for found in IBAN.finditer(text):
        if _is_iban(found[0].replace(" ", "")):
            yield "bank account", found[0]
    for found in SOCIAL_SECURITY.finditer(text):
        yield "social security number", found[0]


def in_arguments(arguments: Iterable[Mapping[str, Any]]) -> tuple[Secret, ...]:
    """Each datum once; the first place counts."""
    found: dict[str, Secret] = {}
    for given in arguments:
        for name, text in named(given):
            for kind, datum in personal(text):
                found.setdefault(datum, Secret(datum, f"the {kind} in the argument {name}"))
    return tuple(found.values())


def named(value: Any, name: str = "", deep: int = 0) -> Iterator[tuple[str, str]]:
    """The texts of arguments, each by the nearest name; a number is a text here, for a card may be one."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield name, str(value)
    elif isinstance(value, Mapping) and deep < DEEP:
        for key, part in value.items():
            yield from named(part, str(key), deep + 1)
    elif isinstance(value, (list, tuple)) and deep < DEEP:
        for part in value:
            yield from named(part, name, deep + 1)


def _adds_up(number: str) -> bool:
    """By Luhn's sum, which one of ten numbers has by chance: an issuer's first digit is asked for, too."""
    digits = [int(digit) for digit in number if digit.isdigit()]
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(reversed(digits))]
    return digits[0] in (2, 3, 4, 5, 6) and len(set(digits)) > 1 and sum(doubled) % 10 == 0


def _is_iban(account: str) -> bool:
    turned = account[4:] + account[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1
