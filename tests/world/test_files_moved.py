"""What was moved with its folder: it counts by what it was, and where it is in the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world.entering import enter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "cup.txt").write_text("cup\n")
    (tmp_path / "shelf" / "pot.txt").write_text("pot\n")
    return tmp_path


def make_move_and_remove() -> None:
    os.makedirs("new/x")
    shutil.move("new", "new2")
    shutil.rmtree("new2")


def make_with_a_file_move_and_remove() -> None:
    os.makedirs("new")
    Path("new/x.txt").write_text("x")
    os.rename("new", "new2")
    os.rename("new2", "new3")
    shutil.rmtree("new3")


def publish() -> None:
    os.makedirs("build")
    Path("build/x.txt").write_text("x")
    os.rename("build", "site")


def publish_and_change() -> None:
    publish()
    Path("site/x.txt").write_text("y")


def move_and_remove() -> None:
    os.rename("shelf", "attic")
    shutil.rmtree("attic")


def change_and_move() -> None:
    Path("shelf/cup.txt").write_text("mug\n")
    os.rename("shelf", "attic")


def move_and_change() -> None:
    os.rename("shelf", "attic")
    os.rename("attic", "cellar")
    Path("cellar/cup.txt").write_text("mug\n")


def move_and_write_the_same() -> None:
    os.rename("shelf", "attic")
    Path("attic/cup.txt").write_text("cup\n")


def move_and_remove_one() -> None:
    os.rename("shelf", "attic")
    os.remove("attic/cup.txt")


@pytest.mark.parametrize(
    ("call", "effects"),
    [
        (make_move_and_remove, []),
        (make_with_a_file_move_and_remove, []),
        (publish, [("create", "site/x.txt", b"x")]),
        (publish_and_change, [("create", "site/x.txt", b"y")]),
        (move_and_remove, [("remove", "shelf", b"")]),
        (change_and_move, [("rename", "shelf", b"attic"), ("change", "attic/cup.txt", b"mug\n")]),
        (move_and_change, [("rename", "shelf", b"cellar"), ("change", "cellar/cup.txt", b"mug\n")]),
        (move_and_write_the_same, [("rename", "shelf", b"attic")]),
        (move_and_remove_one, [("rename", "shelf", b"attic"), ("remove", "attic/cup.txt", b"")]),
    ],
)
def test_what_counts_is_what_has_become_of_it(project: Path, call: Callable[[], None], effects: list[tuple[str, str, bytes]]) -> None:
    run = enter(call)
    assert run.returned, (run.raised, run.ending)
    here = f"{project}/"
    told = [(one.verb, one.target.replace(here, ""), one.content.replace(here.encode(), b"")) for one in run.local_effects]
    assert sorted(told) == sorted(effects)
    assert (project / "shelf" / "cup.txt").read_text() == "cup\n"
