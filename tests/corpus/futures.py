"""Tools that ask several times at once, in the threads of a pool: an exception there holds the answer, and the answer its connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_requests, unreadable

TAX = {"GET https://tax.example.com/{country}": {"percent": 25}}
ARGS = {"countries": ["NO", "SE", "DK"]}


def percent(country: str) -> int:
    response = requests.get(f"https://tax.example.com/{country}", timeout=4)
    response.raise_for_status()
    return int(response.json()["percent"])


# --- the fault ---------------------------------------------------------------------------------------------------------

FAILURES: list[Exception] = []


@labelled(args=ARGS, backend=TAX, AR207="failed")
def taxes_with_a_log_of_failures(countries: list[str]) -> ToolResult:
    """Value-added tax of some countries. The exceptions are kept for a report, and with each its connection."""
    try:
        with ThreadPoolExecutor(max_workers=4) as pool:
            return ToolResult.success(dict(zip(countries, pool.map(percent, countries), strict=True)))
    except requests.RequestException as error:
        FAILURES.append(error)
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args=ARGS, backend=TAX, AR207="passed")
def taxes(countries: list[str]) -> ToolResult:
    """Value-added tax of some countries."""
    try:
        with ThreadPoolExecutor(max_workers=4) as pool:
            return ToolResult.success(dict(zip(countries, pool.map(percent, countries), strict=True)))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()
