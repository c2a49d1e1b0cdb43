"""What is read from a pattern's text."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_agentready.cli.pattern import Pattern, distribution_of, patterns

SOURCE = b'''"""A cache: it keeps things.

It has a second paragraph.

Checked by AR301-AR305, once a test marks a tool that uses it:

    @pytest.mark.agent_tool(tool=look_up)
"""

from __future__ import annotations

import json, typing_extensions
from collections.abc import Callable
from typing import TYPE_CHECKING

from opentelemetry import trace

if TYPE_CHECKING:
    from redis.asyncio import Redis


def late():
    import pydantic.dataclasses
'''


def test_it_says_what_it_is_and_what_checks_it() -> None:
    pattern = Pattern("cache", SOURCE)
    assert pattern.file == "cache.py"
    assert pattern.summary == "A cache: it keeps things."
    assert pattern.checked_by == "AR301-AR305, once a test marks a tool that uses it:\n\n    @pytest.mark.agent_tool(tool=look_up)"


def test_it_needs_what_it_imports_anywhere_beside_the_standard_library() -> None:
    assert Pattern("cache", SOURCE).requirements == ("opentelemetry-api", "pydantic", "typing-extensions")
    assert Pattern("plain", b"import json\nfrom urllib.parse import quote\n").requirements == ()


def test_what_it_only_knows_the_types_of_is_needed_by_some() -> None:
    assert Pattern("cache", SOURCE).options == ("redis",)
    assert Pattern("cache", SOURCE + b"    import redis\n").options == ()
    assert Pattern("plain", b"import typing\nif typing.TYPE_CHECKING:\n    import redis\nelse:\n    import valkey\n").options == ("redis",)


def test_a_text_without_a_docstring_says_nothing_of_itself() -> None:
    pattern = Pattern("mute", b"X = 1\n")
    assert (pattern.summary, pattern.checked_by, pattern.requirements, pattern.options) == ("", "", (), ())


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("redis.asyncio.Redis", "redis"),
        ("opentelemetry.trace", "opentelemetry-api"),
        ("opentelemetry.sdk.trace.TracerProvider", "opentelemetry-sdk"),
        ("opentelemetry.semconv.attributes", "opentelemetry-semantic-conventions"),
        ("typing_extensions.Self", "typing-extensions"),
    ],
)
def test_a_module_belongs_to_a_distribution(module: str, distribution: str) -> None:
    assert distribution_of(module) == distribution


def test_the_patterns_are_the_modules_of_the_package(tmp_path: Path) -> None:
    for name in ("__init__.py", "_private.py", "cache.py", "breaker.py", "notes.txt"):
        (tmp_path / name).write_bytes(SOURCE)
    assert [*patterns(tmp_path)] == ["breaker", "cache"]
    assert {"gate", "results"} <= set(patterns())
