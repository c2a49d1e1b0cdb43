"""The rebuilt example owns copies of the patterns, as `scaffold` makes them, and they never drift from these."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_agentready.cli.pattern import patterns

COPIES = Path(__file__).parents[2] / "examples" / "support_agent" / "support_agent" / "patterns"


@pytest.mark.parametrize("copy", sorted(COPIES.glob("[!_]*.py")), ids=lambda path: path.stem)
def test_the_example_stands_on_the_same_text(copy: Path) -> None:
    pattern = patterns()[copy.stem]
    assert copy.read_bytes() == pattern.source, f"rm {copy} && pytest-agentready scaffold {copy.stem} --into {copy.parent}"
