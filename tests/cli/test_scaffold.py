"""`scaffold`: patterns become files of a project, all or none, and nothing is ever overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_agentready.cli import main
from pytest_agentready.cli.pattern import Pattern, patterns
from pytest_agentready.cli.scaffold import copy, write_all
from tests.cli.command import run

GATE, RESULTS = patterns()["gate"].source, patterns()["results"].source
TOO_LONG = "n" * 300  # no file system takes such a name


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def scaffold(*words: str) -> int:
    return main(["scaffold", *words])


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_copies_to_the_byte_and_says_what_comes_next(tmp_path: Path) -> None:
    finished = run("scaffold", "results", "gate", "--into", "src/shop/", cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert files(tmp_path) == {"src/shop/gate.py": GATE, "src/shop/results.py": RESULTS}
    folder = Path("src/shop")
    lines = finished.stdout.splitlines()
    assert lines[:3] == [f"created     {folder}{os.sep}", f"wrote       {folder / 'results.py'}", f"wrote       {folder / 'gate.py'}"]
    assert "Your project needs what this imports: pip install pydantic" in lines
    assert any(line.startswith("gate is checked by AR401-AR406, ") for line in lines)
    assert any(line.startswith("    @pytest.mark.agent_tool(tool=send_email, ") for line in lines)


def test_what_is_needed_by_some_is_told_apart(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    types = b"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import redis, pydantic\n"
    copy([Pattern("cache", types)], tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "This needs nothing but Python's standard library."
    assert lines[3].endswith("If you use that part: pip install pydantic redis")
    copy([Pattern("store", types), Pattern("shelf", b"import redis\n")], tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "Your project needs what this imports: pip install redis"
    assert lines[4].endswith("If you use that part: pip install pydantic")


def test_a_folder_that_is_there_is_not_said_to_be_created(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert scaffold("gate", "--into", str(tmp_path)) == 0
    assert "created" not in capsys.readouterr().out


def test_a_copy_that_is_there_already_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert scaffold("gate", "--into", "shop") == 0
    Path("shop/gate.py").write_bytes(GATE.replace(b"\n", b"\r\n"))  # as Git checks it out on Windows
    before = Path("shop/gate.py").stat().st_mtime_ns
    capsys.readouterr()
    assert scaffold("gate", "--into", "shop") == 0
    assert capsys.readouterr().out == f"up to date  {Path('shop/gate.py')}\n"
    assert scaffold("gate", "results", "--into", "shop") == 0
    assert "gate is checked by" not in capsys.readouterr().out  # that has been said
    assert Path("shop/gate.py").stat().st_mtime_ns == before
    assert files(Path("shop"))["results.py"] == RESULTS


def test_all_conflicts_are_told_and_nothing_is_written(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "results").mkdir(parents=True)
    (shop / "results" / "__init__.py").touch()
    (shop / "gate.py").write_bytes(GATE + b"# mine\n")
    before = files(tmp_path)
    finished = run("scaffold", "gate", "results", "--into", "shop", cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.splitlines() == [
        "pytest-agentready scaffold: Nothing was written, for nothing is ever overwritten. In the way:",
        f"  {Path('shop/gate.py')} is there already, with another text",
        f"  {Path('shop/results')} is a package, and would hide results.py from every import",
        "Choose another folder by --into, or move or delete what you want to have anew.",
    ]
    assert files(tmp_path) == before


def test_one_conflict_keeps_the_others_from_being_written(capsys: pytest.CaptureFixture[str]) -> None:
    Path("gate.py").mkdir()
    assert scaffold("results", "gate", "--into", ".") == 2
    assert "  gate.py is a folder\n" in capsys.readouterr().err
    assert not Path("results.py").exists()


def test_a_link_to_nowhere_is_in_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        Path("gate.py").symlink_to("nowhere.py")
    except OSError:
        pytest.skip("this system gives us no symbolic links")
    assert scaffold("gate", "--into", ".") == 2
    assert "gate.py is there already" in capsys.readouterr().err
    assert not Path("nowhere.py").exists()


def test_links_in_a_circle_are_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        Path("one").symlink_to("other")
        Path("other").symlink_to("one")
    except OSError:
        pytest.skip("this system gives us no symbolic links")
    assert scaffold("gate", "--into", "one/shop") == 2
    assert capsys.readouterr().err.endswith(". Choose another folder by --into.\n")


def test_without_names_the_patterns_are_listed() -> None:
    finished = run("scaffold")
    assert finished.returncode == 0
    listed = dict(line.split(maxsplit=1) for line in finished.stdout.partition("\n\n")[0].splitlines())
    assert listed == {name: pattern.summary for name, pattern in patterns().items()}
    assert "pytest-agentready scaffold results --into src/shop/" in finished.stdout


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    finished = run("scaffold", "gates", "results", "Results", "zzz", "zzz", cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stderr.splitlines() == [
        "pytest-agentready scaffold: There is no pattern 'gates'. Did you mean 'gate'?",
        "pytest-agentready scaffold: There is no pattern 'Results'. Did you mean 'results'?",
        "pytest-agentready scaffold: There is no pattern 'zzz'.",
        f"pytest-agentready scaffold: The patterns: {', '.join(patterns())}.",
        "pytest-agentready scaffold: Name the folder to copy into: `--into src/shop/`.",
    ]
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gate"], "Name the folder to copy into: `--into src/shop/`."),
        (["gate", "--into", ""], "Name the folder to copy into: `--into src/shop/`."),
        (["--into", "shop"], f"Name the patterns to copy: {', '.join(patterns())}."),
        (["gate", "--into", "notes.txt"], "--into notes.txt: notes.txt is a file. Name a folder."),
        (["gate", "--into", os.path.join("notes.txt", "shop")], "notes.txt is a file. Name a folder."),
        (["gate", "--into", "~no-such-user-here/shop"], "ome directory"),
        (["gate", "--into", os.path.join("new", TOO_LONG)], "Choose another folder by --into."),
    ],
)
def test_a_wrong_word_is_told_with_its_remedy(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_bytes(b"mine")
    assert scaffold(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 1)() == 0, reason="nothing is forbidden to root, or by chmod on Windows"
)
def test_a_folder_that_may_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop").mkdir(mode=0o555)
    assert scaffold("gate", "--into", "shop") == 2
    assert "Permission denied. Choose another folder by --into." in capsys.readouterr().err


def test_names_may_stand_before_and_behind_the_folder_and_twice() -> None:
    assert scaffold("results", "--into", os.path.join("new", "..", "shop"), "gate", "results") == 0
    assert files(Path()) == {"shop/gate.py": GATE, "shop/results.py": RESULTS}


def test_a_home_directory_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    assert scaffold("gate", "--into=~/shop") == 0
    assert files(tmp_path) == {"home/shop/gate.py": GATE}


def test_a_failure_in_the_middle_is_taken_back(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=TOO_LONG):
        write_all(tmp_path / "new" / "shop", {"gate.py": GATE, f"{TOO_LONG}.py": RESULTS})
    assert not (tmp_path / "new").exists()


def test_a_file_that_has_just_come_into_being_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "results.py").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        write_all(tmp_path, {"gate.py": GATE, "results.py": RESULTS})
    assert files(tmp_path) == {"results.py": b"mine"}
