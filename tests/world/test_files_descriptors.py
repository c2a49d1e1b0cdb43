"""Changes by a descriptor: of a file that was opened to be read, they happen to a copy, and are effects."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world.entering import enter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")
early_fchmod = os.fchmod if os.name == "posix" else None


@pytest.fixture(autouse=True)
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("tea\n")
    (tmp_path / "note.txt").chmod(0o644)
    return tmp_path / "note.txt"


def close_to_others() -> int:
    with open("note.txt") as file:
        os.fchmod(file.fileno(), 0o600)
    return stat.S_IMODE(os.stat("note.txt").st_mode)


def close_to_others_by_chmod() -> int:
    with open("note.txt") as file:
        os.chmod(file.fileno(), 0o600)
    return stat.S_IMODE(os.stat("note.txt").st_mode)


def close_to_others_by_an_early_name() -> int:
    with open("note.txt") as file:
        assert early_fchmod is not None
        early_fchmod(file.fileno(), 0o600)
    return stat.S_IMODE(os.stat("note.txt").st_mode)


@pytest.mark.parametrize("call", [close_to_others, close_to_others_by_chmod, close_to_others_by_an_early_name])
def test_a_mode_is_changed_for_the_run_alone(note: Path, call: Callable[[], int]) -> None:
    run = enter(call)
    assert run.value == 0o600
    assert [(effect.verb, effect.target) for effect in run.local_effects] == [("change", str(note))]
    assert stat.S_IMODE(note.stat().st_mode) == 0o644


def test_a_time_is_changed_for_the_run_alone(note: Path) -> None:
    before = note.stat().st_mtime

    def touch() -> float:
        fd = os.open("note.txt", os.O_RDONLY)
        os.utime(fd, (1, 2))
        os.close(fd)
        return os.stat("note.txt").st_mtime

    assert enter(touch).value == 2.0
    assert note.stat().st_mtime == before


def test_what_is_open_to_be_read_cannot_be_cut() -> None:
    def cut() -> None:
        with open("note.txt") as file:
            os.truncate(file.fileno(), 1)

    run = enter(cut)
    assert run.raised is not None
    assert run.raised.kind in ("OSError", "PermissionError")


def test_what_the_run_has_opened_to_write_is_cut_in_its_copy(note: Path) -> None:
    def cut() -> str:
        with open("note.txt", "r+") as file:
            os.ftruncate(file.fileno(), 1)
            os.fchmod(file.fileno(), 0o600)
        return Path("note.txt").read_text()

    run = enter(cut)
    assert run.value == "t"
    assert [effect.content for effect in run.local_effects] == [b"t"]
    assert note.read_text() == "tea\n"
    assert stat.S_IMODE(note.stat().st_mode) == 0o644


def test_a_descriptor_that_gets_past_the_replaced_functions_is_refused(note: Path) -> None:
    from pytest_agentready.world.files import originals

    def change() -> None:
        with open("note.txt") as file:
            originals.fchmod(file.fileno(), 0o600)

    run = enter(change)
    assert not run.returned
    assert run.refused == (f"a change of the file {note}, by other means than Python's own functions",)
    assert stat.S_IMODE(note.stat().st_mode) == 0o644
