"""AR301 of what a process remembers: by the second call it is as ever, so that only the first one, and other processes, tell."""

from __future__ import annotations

import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_requests, unreadable

EVENTS = {"GET https://events.example.com/{city}": {"events": [{"id": "e1", "title": "Jazz"}, {"id": "e2", "title": "Chess"}]}}
ARGS = {"city": "Bergen"}


def titles(city: str) -> dict[str, str] | ToolResult:
    try:
        response = requests.get(f"https://events.example.com/{city}", timeout=4)
        response.raise_for_status()
        return {str(event["id"]): str(event["title"]) for event in response.json()["events"]}
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- the fault ---------------------------------------------------------------------------------------------------------

SHOWN: set[str] = set()


@labelled(args=ARGS, backend=EVENTS, AR301="failed")
def new_events(city: str) -> ToolResult:
    """Events that were not shown yet: to whom, the module does not know."""
    found = titles(city)
    if isinstance(found, ToolResult):
        return found
    fresh = sorted(found.keys() - SHOWN)
    SHOWN.update(fresh)
    return ToolResult.success([found[each] for each in fresh])


GREETED: list[bool] = []


@labelled(args=ARGS, backend=EVENTS, AR301="failed")
def next_event(city: str) -> ToolResult:
    """An event. The first question of a process gets another answer than all others."""
    found = titles(city)
    if isinstance(found, ToolResult):
        return found
    names = sorted(found.values())
    first = not GREETED
    GREETED.append(True)
    return ToolResult.success(names[0] if first else names[-1])


# --- look-alikes -------------------------------------------------------------------------------------------------------

NAMES: dict[str, str] = {}


@labelled(args=ARGS, backend=EVENTS, AR301="passed")
def events_by_known_names(city: str) -> ToolResult:
    """Events; what they are called is kept, and the same each time."""
    found = titles(city)
    if isinstance(found, ToolResult):
        return found
    for each, title in found.items():
        NAMES.setdefault(each, title.upper())
    return ToolResult.success([NAMES[each] for each in sorted(found)])


BASKET: set[str] = set()


@labelled(
    args={"article": "lamp"},
    backend={},
    **dict.fromkeys(("AR102", "AR103", "AR104", "AR202", "AR203"), "not_applicable"),
    AR301="passed",
)
def put_into_basket(article: str) -> ToolResult:
    """Put an article into the basket of this conversation, and say so where it is there already."""
    if article in BASKET:
        return ToolResult.success(f"{article} was there already")
    BASKET.add(article)
    return ToolResult.success(f"{article} is in the basket")
