"""What a call leaves behind in a module is told by name, with the keys that came and went."""

from __future__ import annotations

import sys
import types
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.world.memory import Change, Snapshot, modules_of

SOURCE = """
from collections import deque
import helper

class Store:
    def __init__(self):
        self.approved = {}
        self.count = 0

ORDERS = {}
LINES = []
SEEN = set()
LATEST = deque()
STORE = Store()
TOTAL = 0

def buy(item):
    ORDERS[item] = 1

def approve(key):
    STORE.approved[key] = True
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "helper.py").write_text("CACHE = {}\n")
    (tmp_path / "memorable_shop.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    import memorable_shop  # type: ignore[import-not-found]

    yield memorable_shop
    for name in ("memorable_shop", "helper"):
        del sys.modules[name]


def test_nothing_has_changed_where_nothing_was_done(shop: Any) -> None:
    assert Snapshot.take(modules_of(shop.buy)).changes() == ()


def test_keys_members_and_attributes_are_told(shop: Any) -> None:
    shop.ORDERS["old"] = 1
    shop.SEEN.add("gone")
    before = Snapshot.take(modules_of(shop.buy))
    shop.buy("tea")
    shop.ORDERS["old"] = 2
    shop.LINES.append("tea")
    shop.SEEN.clear()
    shop.LATEST.append(7)
    shop.STORE.approved["k1"] = True
    shop.STORE.count += 1
    shop.TOTAL = 3
    assert before.changes() == (
        Change("memorable_shop.LATEST", added=("0",)),
        Change("memorable_shop.LINES", added=("0",)),
        Change("memorable_shop.ORDERS", added=("'tea'",), changed=("'old'",)),
        Change("memorable_shop.SEEN", removed=("'gone'",)),
        Change("memorable_shop.STORE", changed=("count",)),
        Change("memorable_shop.STORE.approved", added=("'k1'",)),
        Change("memorable_shop.TOTAL", changed=("",)),
    )


def test_other_modules_of_the_project_are_looked_at_and_libraries_are_not(shop: Any) -> None:
    names = {module.__name__ for module in modules_of(shop.buy)}
    assert names == {"memorable_shop", "helper"}
    before = Snapshot.take(modules_of(shop.buy))
    shop.helper.CACHE["x"] = 1
    assert before.changes() == (Change("helper.CACHE", added=("'x'",)),)


def test_what_is_endless_or_huge_is_cut_short() -> None:
    module = types.ModuleType("endless")
    module.__dict__.update(RING=[], MANY=list(range(100_000)), LATEST=deque([1]))
    module.__dict__["RING"].append(module.__dict__["RING"])
    before = Snapshot.take([module])
    assert before.changes() == ()
