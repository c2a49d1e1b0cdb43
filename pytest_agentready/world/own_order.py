"""Whether the parts of a list have an order of their own: a rank, a score, a time, or a sequence by its name or nature."""

from __future__ import annotations

import contextlib
import email.utils
import itertools
import re
from typing import Any

# Lists that are sequences, by their names.
SEQUENCE = re.compile(
    r"(?:.*_)?(?:messages?|choices|steps?|lines?|path|route|waypoints?|legs|stops|coordinates|points|vertices|values|series|data_?points|candles|history"
    r"|timeline|forecasts?|periods|hourly|daily|weekly|monthly|days|hours|chunks|segments|parts|pages|paragraphs|sentences|words|tokens|instructions"
    r"|breadcrumbs|rankings?|ranked|leaderboard|standings|columns|headers|content|output|embeddings?|vectors?|args|arguments|sequence|playlist"
    r"|queue|turns|transcript|authors?|creators?)|(?:top|best|recent|latest|trending|popular|ranked|sorted|ordered|nearest|closest)(?:_.*)?"
)
NAMES = frozenset({"id", "key", "name", "title", "slug", "uuid"})
DESCENDING = re.compile(r"(?:.*_)?(?:score|relevance|similarity|confidence|probability|popularity|weight|stars|votes|rating|priority)")
ASCENDING = re.compile(
    r"(?:.*_)?(?:rank|ranking|position|pos|index|idx|order|ordinal|sequence|seq|distance|priority|place|step|line|page|level|row)"
)
SCORES = re.compile(r"(?:.*_)?(?:score|relevance|similarity|confidence|probability|distance)")  # that are computed, and may be equal
TIMES = re.compile(
    r"(?:.*_)?(?:at|time|timestamp|date|datetime|created|updated|published|modified|starts?|ends?|begins?|due|day|hour|month|year|since|when|ts|epoch)|(?:.*_)?(?:date|time)_(?:sent|created|updated|posted|modified|published|added)"
)
MOMENT = re.compile(r"\d{4}-\d\d(?:-\d\d)?|\d{1,2}:\d\d")
MAILED = re.compile(r"(?:[A-Za-z]{3}, )?\d{1,2} [A-Z][a-z]{2} \d{4} ")  # as in a mail or a feed: "Mon, 23 Nov 2026 10:00:00 +0000"


def is_number(value: Any) -> bool:
    return value is None or isinstance(value, (int, float))


def is_numeric_list(value: Any) -> bool:
    return isinstance(value, list) and all(is_number(part) or is_numeric_list(part) for part in value)


def own_order(items: list[Any], name: str) -> str:
    """By what the items are in order; "" where they have no order of their own."""
    plain = snake(name)
    if plain and SEQUENCE.fullmatch(plain) and not (plain == "values" and all(map(_is_named, items))):
        return "a sequence"
    if all(isinstance(item, str) and MOMENT.match(item) for item in items) and items in (sorted(items), sorted(items, reverse=True)):
        return "in the order of time"
    if not all(isinstance(item, dict) for item in items):
        return "a sequence" if any(not isinstance(item, (str, list)) for item in items) else ""
    field, _ = _ordering(items)
    return field and f"by {field}"


def _is_named(item: Any) -> bool:
    """A thing and no measurement: some APIs call the things of a list its `values`."""
    return isinstance(item, dict) and not NAMES.isdisjoint(item)


def _ordering(items: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    """The field that they are in the order of, and its values; "" where there is none."""
    for field in items[0]:
        if all(field in item for item in items):
            values = [item[field] for item in items]
            if _orders(snake(field), values):
                return field, values
            if all(isinstance(value, dict) for value in values):  # {"document": {...}, "scores": {"total": 0.9}}
                for inner in values[0]:
                    if all(inner in value for value in values) and _orders(snake(inner), [value[inner] for value in values]):
                        return f"{field}.{inner}", [value[inner] for value in values]
    return "", []


def turned_among_equals(parts: list[Any], items: list[Any]) -> list[Any]:
    """The parts of these items, those of the same score the other way round."""
    field, scores = _ordering(items)
    if not SCORES.fullmatch(snake(field.rpartition(".")[2])):
        return parts
    equals = itertools.groupby(zip(scores, parts, strict=True), key=lambda pair: pair[0])
    return [part for _, pairs in equals for _, part in reversed(list(pairs))]


def _orders(field: str, values: list[Any]) -> bool:
    """Is this a field by which they are ranked, or in the order of time?"""
    falls, rises = DESCENDING.fullmatch(field) is not None, ASCENDING.fullmatch(field) is not None
    by_time = TIMES.fullmatch(field) is not None
    if not (falls or rises or by_time) or len(set(map(repr, values))) < 2:
        return False
    if by_time:
        values = [_moment(value) for value in values]
    try:
        up = all(one <= other for one, other in itertools.pairwise(values))
        down = all(one >= other for one, other in itertools.pairwise(values))
    except TypeError:
        return False
    return (down and (falls or by_time)) or (up and (rises or by_time))


def _moment(value: Any) -> Any:
    """The date of a mail or a feed in a form that can be compared; all others can be as they are."""
    if not isinstance(value, str) or MAILED.match(value) is None:
        return value
    with contextlib.suppress(ValueError, TypeError):
        return email.utils.parsedate_to_datetime(value).timestamp()
    return value


def snake(name: str) -> str:
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
