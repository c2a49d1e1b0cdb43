"""The ledger of effects as a user meets it: `agent_world.effects`, files that a test alone sees, programs that may run."""

from __future__ import annotations

import json

import pytest

from tests.project import PLAIN

TOOLS = """
import sqlite3, subprocess
from contextlib import closing
from pathlib import Path

SHOP = sqlite3.connect(":memory:", check_same_thread=False)
SHOP.execute("CREATE TABLE notes (text)")
SHOP.commit()

def note(text):
    Path("notes.txt").write_text(text)
    with SHOP:
        SHOP.execute("INSERT INTO notes VALUES (?)", (text,))
    return {"status": "success"}

def count(text):
    return {"status": "success", "data": subprocess.run(["echo", text], capture_output=True, text=True, timeout=5).stdout}
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(tools=TOOLS)
    return pytester


def test_a_hand_written_test_sees_its_effects_and_leaves_none(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        test_notes="""
        from pathlib import Path
        from tools import SHOP, note

        def test_it_is_written_down(agent_world, tmp_path):
            assert agent_world.effects == ()
            note("tea")
            (tmp_path / "mine.txt").write_text("x")
            told = [(effect.kind, effect.verb, effect.content) for effect in agent_world.effects]
            statement, new, mine = sorted(told, key=lambda one: one[2] != b"INSERT INTO notes VALUES ('tea')")
            assert statement == ("statement", "INSERT", b"INSERT INTO notes VALUES ('tea')")
            assert new == ("file", "create", b"tea")
            assert mine == ("file", "create", b"x")
            assert agent_world.effects[-1].where.rpartition("/")[2].startswith("test_notes.py:")
            note("cup")
            assert [effect.verb for effect in agent_world.effects[3:]] == ["INSERT", "change"]

        def test_and_nothing_is_left_of_it(tmp_path):
            assert not Path("notes.txt").exists()
            assert SHOP.execute("SELECT * FROM notes").fetchall() == []
            assert (tmp_path.parent / "test_it_is_written_down0" / "mine.txt").read_text() == "x"
        """
    )
    shop.runpytest_subprocess(*PLAIN, "-W", "error").assert_outcomes(passed=2)
    assert not (shop.path / "notes.txt").exists()


def test_the_record_of_a_tools_call_has_its_effects(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        test_notes="""
        import pytest
        from tools import note

        @pytest.mark.agent_tool(tool=note)
        def test_twice(agent_tool):
            agent_tool(text="tea")
            assert [effect.verb for effect in agent_tool.run.local_effects] == ["INSERT", "create"]
            agent_tool(text="tea")
            assert [effect.verb for effect in agent_tool.run.local_effects] == ["INSERT"]
        """
    )
    result = shop.runpytest_subprocess(*PLAIN)
    assert "assert [" not in result.stdout.str()


def test_a_tool_that_writes_files_is_examined_to_its_end(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        test_notes="""
        import pytest
        from tools import note

        @pytest.mark.agent_tool(tool=note, args={"text": "tea"})
        def test_note(readiness_check):
            readiness_check()
        """
    )
    shop.runpytest_subprocess(*PLAIN, "--agentready-report", "json:report.json")
    report = json.loads((shop.path / "report.json").read_text())
    assert "does not let out" not in json.dumps(report)
    assert not (shop.path / "notes.txt").exists()


@pytest.mark.parametrize("allowed", [False, True])
def test_a_program_runs_where_it_is_allowed(shop: pytest.Pytester, allowed: bool) -> None:
    shop.makepyfile(
        test_count="""
        import pytest
        from tools import count

        @pytest.mark.agent_tool(tool=count, args={"text": "tea"})
        def test_count(readiness_check):
            readiness_check()
        """
    )
    options = ["-o", "agentready_allow_processes=echo"] if allowed else []
    result = shop.runpytest_subprocess(*PLAIN, "-rs", *options)
    refused = "wants a process (echo), which the world does not let out"
    assert (refused in result.stdout.str()) is not allowed
    assert allowed or 'agentready_allow_processes = ["echo"]' in result.stdout.str()
