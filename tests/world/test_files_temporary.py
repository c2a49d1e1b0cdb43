"""The system's temporary folder, and pytest's `tmp_path`: what a run makes there for itself is real and goes, all else only it sees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.domain import Run
from pytest_agentready.world.files import temporary
from pytest_agentready.world.granted import Grant, granted
from tests.world.entering import enter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture(autouse=True)
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The system's temporary folder, in which another program keeps a file. The project lies elsewhere."""
    folder, project = tmp_path / "shared", tmp_path / "project"
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "data.json").write_text('{"tea": 1}')
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    temporary.end()
    assert {str(path.relative_to(folder)) for path in folder.rglob("*")} == {"app", "app/data.json"}
    assert (folder / "app" / "data.json").read_text() == '{"tea": 1}'


def told(run: Run) -> list[tuple[str, str]]:
    assert run.returned, (run.raised, run.ending)
    return [(effect.verb, effect.target) for effect in run.local_effects]


def test_what_was_there_before_stays_and_its_change_counts(shared: Path) -> None:
    data = shared / "app" / "data.json"
    assert told(enter(lambda: os.remove(data))) == [("remove", str(data))]
    assert told(enter(lambda: data.write_text("{}"))) == [("change", str(data))]
    assert told(enter(lambda: shutil.rmtree(shared / "app"))) == [("remove", str(shared / "app"))]
    assert data.exists()


def test_a_cache_there_is_the_runs_alone_and_is_no_effect(shared: Path) -> None:
    cache = shared / "rates.json"

    def look_up() -> Any:
        if cache.exists():
            return "kept from before"
        cache.write_text(json.dumps({"EUR": 1.1}))
        return json.loads(cache.read_text())

    first, again = enter(look_up), enter(look_up)
    assert first.value == again.value == {"EUR": 1.1}
    assert told(first) == told(again) == []
    assert not cache.exists()


def test_what_the_run_makes_for_itself_is_really_there_while_it_lasts() -> None:
    def work() -> list[bool]:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file, tempfile.TemporaryDirectory() as folder:
            Path(folder, "x.txt").write_text("x")
            os.makedirs(f"{tempfile.gettempdir()}/work/deep")
            Path(tempfile.gettempdir(), "work/deep/y.txt").write_text("y")
            with open(f"{tempfile.gettempdir()}/only.lock", "x") as lock:
                found = [file.name, f"{folder}/x.txt", f"{tempfile.gettempdir()}/work/deep/y.txt", lock.name]
                return list(map(really_there, found))

    first, again = enter(work), enter(work)
    assert first.value == again.value == [True] * 4
    assert told(first) == told(again) == []


def really_there(path: str) -> bool:
    from pytest_agentready.world.files.originals import lstat

    return bool(lstat(path))


def test_what_is_left_of_it_goes_with_the_run(shared: Path) -> None:
    def leave() -> str:
        fd, name = tempfile.mkstemp()
        os.close(fd)
        os.mkdir(shared / "work")
        (shared / "work" / "x").write_text("")
        return name

    name = enter(leave).value
    assert not os.path.exists(str(name))
    assert not (shared / "work").exists()


def test_a_folder_that_a_module_keeps_is_there_in_the_next_run_empty_as_it_was_made() -> None:
    kept: list[str] = []

    def work() -> list[str]:
        if not kept:
            kept.append(tempfile.mkdtemp())
        before = os.listdir(kept[0])
        Path(kept[0], "x.txt").write_text("x")
        return before

    first, again = enter(work), enter(work)
    assert first.value == again.value == []
    assert told(first) == told(again) == []
    assert os.listdir(kept[0]) == []


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_file_that_is_still_open_can_be_closed_afterwards() -> None:
    kept: list[Any] = []
    assert told(enter(lambda: kept.append(tempfile.NamedTemporaryFile()))) == []
    kept.pop().close()


def test_a_nameless_file_is_none() -> None:
    def work() -> bytes:
        with tempfile.TemporaryFile(dir=".") as here, tempfile.TemporaryFile() as there:
            here.write(b"x")
            there.write(b"y")
            here.seek(0)
            return bytes(here.read())

    run = enter(work)
    assert run.value == b"x"
    assert told(run) == []


def test_the_scratch_folder_needs_no_tempfile_where_the_project_is_the_temporary_folder(shared: Path) -> None:
    with granted(Grant(project=str(shared))):
        run = enter(lambda: (shared / "note.txt").write_text("x"))
    assert told(run) == [("create", str(shared / "note.txt"))]


def test_in_an_examination_tmp_path_is_the_same_for_each_run_and_counts(shared: Path) -> None:
    mine = shared / "pytest-of-ada" / "pytest-1"
    grant = Grant(own=(str(mine),)).of_an_examination()
    mine.mkdir(parents=True)
    (mine / "note.txt").write_text("old")

    def work() -> int:
        (mine / "note.txt").unlink()
        (mine / "new.txt").write_text("x")
        return len(os.listdir(mine))

    with granted(grant):
        first, again = enter(work), enter(work)
    left = (mine / "note.txt").read_text()
    shutil.rmtree(mine.parent)
    assert first.value == again.value == 1
    assert told(first) == told(again) == [("remove", str(mine / "note.txt")), ("create", str(mine / "new.txt"))]
    assert left == "old"


def test_a_session_whose_root_is_the_temporary_folder_can_write(shared: Path, tmp_path: Path) -> None:
    (shared / "app" / "test_note.py").write_text(
        "import pytest\n\n\ndef note() -> dict:\n    open('note.txt', 'w').close()\n    return {'status': 'ok'}\n\n\n"
        "@pytest.mark.agent_tool(tool=note, args={})\ndef test_note(readiness_check):\n    readiness_check()\n"
    )
    options = ["-q", "-p", "no:cacheprovider", "-k", "AR101 or AR401", f"--rootdir={shared}"]
    environment = {**os.environ, "TMPDIR": str(shared), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *options, "app/test_note.py"]
    try:
        done = subprocess.run(command, cwd=shared, env=environment, capture_output=True, text=True, check=False)
    finally:
        (shared / "app" / "test_note.py").unlink()
        for left in shared.glob("pytest-of-*"):
            shutil.rmtree(left)
    assert "RecursionError" not in done.stdout
    assert "create" in done.stdout, done.stdout + done.stderr
    assert "note.txt" in done.stdout


# --- between what is really there and what is not


@pytest.fixture
def site(shared: Path) -> Path:
    """A folder of the project that is there already."""
    project = shared.parent / "project"
    (project / "old").mkdir()
    (project / "old" / "page.html").write_text("old")
    return project


def test_a_folder_is_published_from_a_temporary_one(site: Path) -> None:
    def publish() -> list[str]:
        folder = tempfile.mkdtemp()
        Path(folder, "page.html").write_text("new")
        os.mkdir(f"{folder}/img")
        Path(folder, "img/cup.svg").write_text("<svg/>")
        os.rename(folder, "site")
        assert not os.path.exists(folder)
        Path("site/more.html").write_text("more")
        return sorted(path.name for path in Path("site").rglob("*"))

    run = enter(publish)
    assert run.value == ["cup.svg", "img", "more.html", "page.html"], run.raised
    assert sorted(told(run)) == [("create", f"{site}/site/{name}") for name in ("img/cup.svg", "more.html", "page.html")]
    assert os.listdir(site) == ["old"]


def test_a_folder_of_the_project_is_put_aside_in_a_temporary_one(site: Path) -> None:
    def put_aside() -> list[str]:
        Path("old/new.html").write_text("new")
        with tempfile.TemporaryDirectory() as folder:
            os.rename("old", f"{folder}/old")
            return sorted(os.listdir(f"{folder}/old"))

    run = enter(put_aside)
    assert run.value == ["new.html", "page.html"], run.raised
    assert told(run) == [("remove", f"{site}/old")]
    assert os.listdir(site / "old") == ["page.html"]


def test_a_folder_does_not_take_the_place_of_a_file(site: Path) -> None:
    (site / "file").write_text("")
    run = enter(lambda: os.rename(tempfile.mkdtemp(), "file"))
    (site / "file").unlink()
    assert run.raised is not None
    assert run.raised.kind == "NotADirectoryError"


def test_a_link_to_a_file_of_the_project_is_a_copy(site: Path) -> None:
    def change() -> str:
        with tempfile.TemporaryDirectory() as folder:
            os.link("old/page.html", f"{folder}/page.html")
            Path(folder, "page.html").write_text("changed")
        return Path("old/page.html").read_text()

    assert enter(change).value == "old"
    assert (site / "old" / "page.html").read_text() == "old"


def test_a_folder_that_is_too_large_is_not_copied(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_agentready.world.files.overlay.MOST", 10_000)
    (site / "old" / "large").write_bytes(b"x" * 20_000)
    run = enter(lambda: os.rename("old", "new"))
    (site / "old" / "large").unlink()
    assert run.refused == (f"a change of {site}/old (it is too large to be copied for it)",)
