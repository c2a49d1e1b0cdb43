"""Which scripts go by the clock of the server, and how the text of one is found of which nothing but the digest is sent."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from pytest_agentready.world.services import redis_scripts

PLAIN = b"return redis.call('GET', KEYS[1])"
BY_THE_CLOCK = b"return redis.call('TIME')"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has not sent any."""
    monkeypatch.setattr(redis_scripts, "_texts", {})


def digest(text: bytes) -> bytes:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


@pytest.mark.parametrize("ending", [b"", b"_RO"])
def test_those_that_only_read_are_scripts_too(ending: bytes) -> None:
    assert redis_scripts.asks_the_clock([b"EVAL" + ending, BY_THE_CLOCK, b"0"])
    assert not redis_scripts.asks_the_clock([b"EVAL" + ending, PLAIN, b"1", b"a"])
    assert redis_scripts.asks_the_clock([b"FCALL" + ending, b"named", b"0"])
    assert redis_scripts.asks_the_clock([b"evalsha" + ending, b"0" * 40, b"0"])
    redis_scripts.learn([b"EVAL" + ending, b"return 17"])
    assert not redis_scripts.asks_the_clock([b"EVALSHA" + ending, digest(b"return 17"), b"0"])


class Lazy:
    """An object that is made by whoever asks it for anything."""

    made = 0

    def __getattribute__(self, name: str) -> Any:
        type(self).made += 1
        raise RuntimeError(f"{name}: nothing is set up")

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("nothing is set up")


class Proxy:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("nothing is set up")


class Settings(dict[str, Any]):
    def values(self) -> Any:
        raise RuntimeError("nothing is set up")


class Slotted:
    __slots__ = ("script",)


class Holder:
    def __init__(self, script: object) -> None:
        self.script = script


@pytest.mark.parametrize("kind", [Holder, lambda text: {"script": text}, lambda text: Settings(script=text), str, str.encode])
def test_a_script_is_found_whatever_else_its_caller_has(kind: Any) -> None:
    text = "".join(["return redis.call('GET', ", kind.__name__, ")"])  # known to nobody else
    others = ["\ud800", Lazy(), Proxy(), Slotted(), "redis.\ud800", {"name": "\udcff redis."}]
    lone, lazy, proxy, slotted, unsent, names = others
    holder = kind(text)
    known = digest(text.encode())
    del text
    assert not redis_scripts.asks_the_clock([b"EVALSHA", known, b"1", b"a"])
    assert Lazy.made == 0
    del lone, lazy, proxy, slotted, unsent, names, holder
