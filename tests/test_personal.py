"""Personal data are known by their form, and what only looks like one is none."""

from __future__ import annotations

import pytest

from pytest_agentready.domain.personal import in_arguments, personal


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to ada.lovelace@example.net, please.", ("e-mail address", "ada.lovelace@example.net")),
        ("call +44 20 7946 0958", ("telephone number", "+44 20 7946 0958")),
        ("+4722334455", ("telephone number", "+4722334455")),
        ("pay with 4242 4242 4242 4242", ("card number", "4242 4242 4242 4242")),
        ("to DE89 3704 0044 0532 0130 00", ("bank account", "DE89 3704 0044 0532 0130 00")),
        ("born 1970, 078-05-1120", ("social security number", "078-05-1120")),
    ],
)
def test_a_datum_is_known(text: str, found: tuple[str, str]) -> None:
    assert list(personal(text)) == [found]


@pytest.mark.parametrize(
    "text",
    [
        "support@example.com",
        "no-reply+orders@example.com",
        "git@github.com:ada/engine.git",
        "postgresql://app:pw@db.internal/shop",
        "https://ada@wiki.example.com/",
        "order 4242424242424241",
        "1700000000000000",
        "0000 0000 0000 0000",
        "2026-11-29T04:10:45+01:00",
        "1 + 2 + 3",
        "sku-4242-4242-4242-4242-a",
        "DE00 3704 0044 0532 0130 00",
        "@ada on the forum",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert list(personal(text)) == []


def test_arguments_are_looked_into_and_the_nearest_name_is_told() -> None:
    given = {"to": ["ada@example.org", "support@example.org"], "payment": {"card": 4242424242424242}, "paid": True}
    assert [(secret.value, secret.origin) for secret in in_arguments([given])] == [
        ("ada@example.org", "the e-mail address in the argument to"),
        ("4242424242424242", "the card number in the argument card"),
    ]
