"""What a run writes: it sees its own changes, nobody else ever does, and what has changed in the end is an effect."""

from __future__ import annotations

import asyncio
import csv
import glob
import importlib.util
import io
import json
import logging
import logging.handlers
import os
import runpy
import shutil
import stat
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from os import remove
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.domain import Run
from pytest_agentready.world import Stay, stay
from pytest_agentready.world.granted import Grant, granted
from tests.world.entering import enter, line_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")
unlink_of_old = os.unlink


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's project, with two files in it, as it is afterwards too."""
    (tmp_path / "notes.txt").write_text("tea\n")
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "cup.txt").write_text("cup\n")
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    yield tmp_path
    assert tree(tmp_path) == before


def tree(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text(errors="replace") if path.is_file() else "" for path in sorted(folder.rglob("*"))}


def told(run: Run) -> list[tuple[str, str, bytes]]:
    here = f"{os.getcwd()}/"
    return [(effect.verb, effect.target.replace(here, ""), effect.content.replace(here.encode(), b"")) for effect in run.local_effects]


def value(call: Callable[..., Any]) -> Any:
    run = enter(call)
    assert run.returned, (run.raised, run.ending)
    return run.value


# --- what each way to write comes to


def write_text() -> str:
    Path("new.txt").write_text("hello")
    return Path("new.txt").read_text()


def write_by_open() -> str:
    with open("new.txt", "w") as file:
        file.write("hello")
    with open("new.txt") as file:
        return file.read()


def write_by_io() -> str:
    with io.open("new.txt", "xb") as file:  # noqa: UP020
        file.write(b"hello")
    return Path("new.txt").read_text()


def write_by_descriptor() -> str:
    fd = os.open("new.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(fd, b"hello")
    os.close(fd)
    return Path("new.txt").read_text()


def write_by_an_opener() -> str:
    with open("new.txt", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("hello")
    return Path("new.txt").read_text()


def copy_it() -> str:
    Path("source").write_text("hello")
    shutil.copy("source", "new.txt")
    os.remove("source")
    return Path("new.txt").read_text()


def write_in_a_thread() -> str:
    thread = threading.Thread(target=lambda: Path("new.txt").write_text("hello"))
    thread.start()
    thread.join()
    return Path("new.txt").read_text()


async def write_beside_the_loop() -> str:
    await asyncio.to_thread(Path("new.txt").write_text, "hello")
    return Path("new.txt").read_text()


def write_in_bytes() -> str:
    with open(b"new.txt", "wb") as file:
        file.write(b"hello")
    assert b"new.txt" in os.listdir(b".")
    return Path("new.txt").read_text()


@pytest.mark.parametrize(
    "call",
    [
        write_text, write_by_open, write_by_io, write_by_descriptor, write_by_an_opener, copy_it, write_in_a_thread, write_beside_the_loop,
        write_in_bytes,
    ],
)  # fmt: skip
def test_a_new_file_is_there_for_the_run_and_is_one_effect(call: Callable[..., Any]) -> None:
    run = enter(call)
    assert run.value == "hello"
    assert told(run) == [("create", "new.txt", b"hello")]
    assert not run.refused


def append() -> None:
    with open("notes.txt", "a") as file:
        file.write("milk\n")


def patch_it() -> None:
    with open("notes.txt", "r+") as file:
        file.write("T")


def overwrite() -> None:
    Path("notes.txt").write_text("all new")


def overwrite_with_the_same() -> None:
    Path("notes.txt").write_text("tea\n")


def replace_atomically() -> None:
    fd, name = tempfile.mkstemp(dir=".")
    with os.fdopen(fd, "w") as file:
        json.dump({"tea": 1}, file)
    os.replace(name, "notes.txt")


def replace_with_one_from_elsewhere() -> None:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("from elsewhere")
    shutil.move(file.name, "notes.txt")


def remove_it() -> None:
    remove("notes.txt")  # bound early


def remove_by_another_name() -> None:
    unlink_of_old("notes.txt")


def remove_by_path() -> None:
    Path("notes.txt").unlink()


def remove_a_tree() -> None:
    shutil.rmtree("shelf")


def rename_it() -> None:
    Path("notes.txt").rename("old.txt")


def move_a_tree() -> None:
    shutil.move("shelf", "attic")


def copy_a_tree() -> None:
    shutil.copytree("shelf", "attic")


def make_folders() -> None:
    os.makedirs("a/b/c")


def make_folders_for_a_file() -> None:
    Path("a/b").mkdir(parents=True)
    Path("a/b/c").write_text("c")


def link_it() -> None:
    os.symlink("notes.txt", "link.txt")


def cut_it() -> None:
    os.truncate("notes.txt", 1)


def lock_it() -> None:
    Path("notes.txt").chmod(0o400)


def come_and_go() -> None:
    Path("a.lock").write_text("")
    os.mkdir("work")
    os.rmdir("work")
    os.unlink("a.lock")


def touch_what_is_there() -> None:
    Path("notes.txt").touch()


def zip_it() -> None:
    with zipfile.ZipFile("all.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("a"), "a")


def tabulate() -> None:
    with open("table.csv", "w", newline="") as file:
        csv.writer(file).writerows([["a", 1]])


@pytest.mark.parametrize(
    ("call", "effects"),
    [
        (append, [("append", "notes.txt", b"milk\n")]),
        (patch_it, [("change", "notes.txt", b"Tea\n")]),
        (overwrite, [("change", "notes.txt", b"all new")]),
        (overwrite_with_the_same, []),
        (replace_atomically, [("change", "notes.txt", b'{"tea": 1}')]),
        (replace_with_one_from_elsewhere, [("change", "notes.txt", b"from elsewhere")]),
        (remove_it, [("remove", "notes.txt", b"")]),
        (remove_by_another_name, [("remove", "notes.txt", b"")]),
        (remove_by_path, [("remove", "notes.txt", b"")]),
        (remove_a_tree, [("remove", "shelf", b"")]),
        (rename_it, [("rename", "notes.txt", b"old.txt")]),
        (move_a_tree, [("rename", "shelf", b"attic")]),
        (copy_a_tree, [("create", "attic/cup.txt", b"cup\n")]),
        (make_folders, [("create", "a/b/c", b"")]),
        (make_folders_for_a_file, [("create", "a/b/c", b"c")]),
        (link_it, [("create", "link.txt", b"notes.txt")]),
        (cut_it, [("change", "notes.txt", b"t")]),
        (lock_it, [("change", "notes.txt", b"tea\n")]),
        (come_and_go, []),
        (touch_what_is_there, []),
        (tabulate, [("create", "table.csv", b"a,1\r\n")]),
    ],
)
def test_what_counts_is_what_has_changed_in_the_end(call: Callable[..., Any], effects: list[tuple[str, str, bytes]]) -> None:
    run = enter(call)
    assert run.returned, (run.raised, run.ending)
    assert told(run) == effects


def test_an_effect_names_the_line_that_caused_it() -> None:
    assert enter(append).local_effects[0].where == line_of(append, "open(")
    assert enter(remove_a_tree).local_effects[0].where == line_of(remove_a_tree, "rmtree")


def test_a_long_content_is_a_digest_and_tells_two_of_them_apart() -> None:
    def write(letter: str) -> None:
        Path("long.txt").write_text(letter * 1_000_000)

    first, again, other = (enter(write, arguments={"letter": letter}).local_effects[0].content for letter in "aab")
    assert first == again != other
    assert first.startswith(b"sha256:")


# --- the run sees what it has done


def test_listings_show_what_is_new_and_not_what_is_gone() -> None:
    def look() -> list[Any]:
        Path("new.txt").write_text("")
        os.remove("notes.txt")
        with os.scandir(".") as found:
            scanned = sorted((entry.name, entry.is_file(), entry.is_dir(), entry.path) for entry in found)
        return [
            sorted(os.listdir()),
            scanned,
            [(folder, sorted(folders), sorted(names)) for folder, folders, names in os.walk(".")],
            sorted(glob.glob("*.txt")),
            sorted(path.name for path in Path().glob("**/*.txt")),
            sorted(path.name for path in Path().iterdir()),
        ]

    listed, scanned, walked, globbed, recursive, iterated = value(look)
    assert listed == iterated == ["new.txt", "shelf"]
    assert scanned == [("new.txt", True, False, "./new.txt"), ("shelf", False, True, "./shelf")]
    assert walked == [(".", ["shelf"], ["new.txt"]), ("./shelf", [], ["cup.txt"])]
    assert globbed == ["new.txt"]
    assert recursive == ["cup.txt", "new.txt"]


def test_what_is_gone_is_gone_by_every_question() -> None:
    def look() -> list[Any]:
        shutil.rmtree("shelf")
        with pytest.raises(FileNotFoundError, match=r"No such file or directory: 'shelf/cup.txt'"):
            open("shelf/cup.txt")
        return [os.path.exists("shelf"), os.path.lexists("shelf/cup.txt"), os.path.isdir("shelf"), os.access("shelf/cup.txt", os.R_OK)]

    assert value(look) == [False] * 4


def test_a_folder_that_is_made_anew_is_empty() -> None:
    def anew() -> list[str]:
        shutil.rmtree("shelf")
        os.mkdir("shelf")
        Path("shelf/plate.txt").write_text("")
        return os.listdir("shelf")

    assert value(anew) == ["plate.txt"]


def test_a_new_folder_can_be_stood_in() -> None:
    def stand() -> tuple[Any, ...]:
        home = os.getcwd()
        os.mkdir("work")
        os.chdir("work")
        Path("i.txt").write_text("i")
        inside = os.getcwd().removeprefix(home), os.listdir("."), Path("../work/i.txt").read_text(), Path("../notes.txt").read_text()
        os.chdir("..")
        return *inside, os.getcwd() == home, Path("work/i.txt").resolve().as_posix().removeprefix(home)

    assert value(stand) == ("/work", ["i.txt"], "i", "tea\n", True, "/work/i.txt")


def test_relative_paths_follow_the_directory() -> None:
    def stroll() -> None:
        os.chdir("shelf")
        Path("plate.txt").write_text("plate")

    assert told(enter(stroll)) == [("create", "shelf/plate.txt", b"plate")]


def test_links_lead_where_they_lead(project: Path) -> None:
    (project / "way").symlink_to("shelf")

    def follow() -> tuple[Any, ...]:
        Path("way/plate.txt").write_text("plate")
        os.symlink("shelf", "mine")
        Path("mine/fork.txt").write_text("fork")
        os.symlink("nowhere", "broken")
        seen = Path("shelf/plate.txt").read_text(), sorted(os.listdir("mine")), os.readlink("mine"), os.path.islink("mine")
        return *seen, os.path.exists("broken"), os.path.lexists("broken"), os.path.realpath("mine/fork.txt").removeprefix(os.getcwd())

    try:
        assert value(follow) == ("plate", ["cup.txt", "fork.txt", "plate.txt"], "shelf", True, False, True, "/shelf/fork.txt")
    finally:
        (project / "way").unlink()


def test_errors_are_those_of_the_system_and_name_the_path_as_it_was_given() -> None:
    def fail() -> list[str]:
        Path("new.txt").write_text("")  # from here on nothing is looked at the short way
        found = []
        for call in (
            lambda: open("no/x", "w"),
            lambda: open("notes.txt", "x"),
            lambda: open("shelf", "w"),
            lambda: open("none", "r+"),
            lambda: os.mkdir("shelf"),
            lambda: os.rmdir("shelf"),
            lambda: os.rmdir("new.txt"),
            lambda: os.remove("shelf"),
            lambda: os.rename("none", "some"),
            lambda: os.rename("shelf", "notes.txt"),
            lambda: os.listdir("none"),
            lambda: os.stat("none"),
            lambda: os.symlink("a", "notes.txt"),
        ):
            with pytest.raises(OSError) as caught:
                call()
            found.append(f"{type(caught.value).__name__} {caught.value.filename}")
        return found

    expected = []
    real = Path("new.txt")
    real.write_text("")
    with pytest.MonkeyPatch.context():
        for name, path in [
            ("FileNotFoundError", "no/x"), ("FileExistsError", "notes.txt"), ("IsADirectoryError", "shelf"), ("FileNotFoundError", "none"),
            ("FileExistsError", "shelf"), ("OSError", "shelf"), ("NotADirectoryError", "new.txt"), ("IsADirectoryError", "shelf"),
            ("FileNotFoundError", "none"), ("NotADirectoryError", "shelf"), ("FileNotFoundError", "none"), ("FileNotFoundError", "none"),
            ("FileExistsError", "a"),
        ]:  # fmt: skip
            expected.append(f"{name} {path}")
    real.unlink()
    assert value(fail) == expected


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may do everything")
def test_what_may_not_be_written_may_not_be_written_here_either(project: Path) -> None:
    (project / "notes.txt").chmod(0o400)
    run = enter(overwrite)
    (project / "notes.txt").chmod(0o600)
    assert run.raised is not None
    assert run.raised.kind == "PermissionError"


def test_modes_and_times_are_kept_with_the_copy() -> None:
    def look() -> tuple[int, float]:
        os.chmod("notes.txt", 0o640)
        os.utime("notes.txt", (1, 2))
        found = os.stat("notes.txt")
        return stat.S_IMODE(found.st_mode), found.st_mtime

    assert value(look) == (0o640, 2.0)


def test_a_nul_is_the_systems_business() -> None:
    run = enter(lambda: open("a\0b", "w"))
    assert run.raised is not None
    assert run.raised.message == "embedded null byte"


# --- what is none


def test_what_is_temporary_is_none() -> None:
    def work() -> bool:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file, tempfile.TemporaryDirectory() as folder:
            file.write("x")
            Path(folder, "y").write_text("y")
            with tempfile.TemporaryFile() as nameless, tempfile.SpooledTemporaryFile(max_size=1) as spooled:
                nameless.write(b"z")
                spooled.write(b"zz")
            return Path(file.name).exists()

    run = enter(work)
    assert run.value is True
    assert told(run) == []


@pytest.mark.parametrize(
    "handler", [logging.FileHandler, lambda path: logging.handlers.RotatingFileHandler(path, maxBytes=10, backupCount=1)]
)
def test_a_log_is_none(handler: Callable[[str], logging.Handler]) -> None:
    def log() -> str:
        mine = handler("app.log")
        try:
            for _ in range(3):
                mine.emit(logging.LogRecord("shop", logging.INFO, "", 0, "sold a cup", None, None))
        finally:
            mine.close()
        return Path("app.log").read_text()

    run = enter(log)
    assert "sold a cup" in str(run.value)
    assert told(run) == []


def test_what_the_interpreter_writes_for_itself_is_none_and_happens(project: Path) -> None:
    (project / "module_of_a_tool.py").write_text("VALUE = 7\n")

    def load() -> int:
        import importlib.util

        spec = importlib.util.spec_from_file_location("module_of_a_tool", "module_of_a_tool.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return int(module.VALUE)

    run = enter(load)
    (project / "module_of_a_tool.py").unlink()
    shutil.rmtree(project / "__pycache__", ignore_errors=True)
    assert run.value == 7
    assert told(run) == []


def test_reading_is_none() -> None:
    run = enter(lambda: (Path("notes.txt").read_text(), os.listdir("."), os.open("notes.txt", os.O_RDONLY)))
    assert run.returned
    os.close(run.value[2])  # type: ignore[index]
    assert told(run) == []


# --- whose folder it is


def test_in_the_folder_of_tmp_path_it_happens(tmp_path_factory: pytest.TempPathFactory) -> None:
    mine = tmp_path_factory.mktemp("mine")
    with granted(Grant(own=(str(mine),))):
        run = enter(lambda: (mine / "report.txt").write_text("done"))
        gone = enter(lambda: (mine / "report.txt").unlink())
        again = enter(lambda: ((mine / "x").write_text(""), (mine / "x").unlink()))
    assert [(effect.verb, effect.target) for effect in run.local_effects] == [("create", str(mine / "report.txt"))]
    assert [(effect.verb, effect.target) for effect in gone.local_effects] == [("remove", str(mine / "report.txt"))]
    assert again.local_effects == ()
    assert list(mine.iterdir()) == []


def test_the_projects_root_is_not_the_runs_own_wherever_one_stands(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "shelf")
    with granted(Grant(project=str(project))):
        run = enter(lambda: (project / "new.txt").write_text("x"))
    assert [(effect.verb, effect.target) for effect in run.local_effects] == [("create", str(project / "new.txt"))]


def test_what_gets_past_the_replaced_functions_is_refused_and_recorded() -> None:
    def write() -> None:
        import _io

        _io.FileIO("raw.txt", "w")

    run = enter(write)
    assert [(effect.verb, effect.target, effect.refused) for effect in run.local_effects] == [("change", os.path.abspath("raw.txt"), True)]
    assert run.refused
    assert not run.returned


# --- several calls


def test_calls_of_one_world_see_each_others_files_and_each_has_effects_of_its_own() -> None:
    def visit(world: Stay) -> list[Run]:
        return [world.call(append, {}), world.call(append, {}), world.call(overwrite, {}), world.call(overwrite, {}), world.call(read, {})]

    def read() -> str:
        return Path("notes.txt").read_text()

    first, second, third, fourth, last = stay(visit)
    assert told(first) == told(second) == [("append", "notes.txt", b"milk\n")]
    assert told(third) == [("change", "notes.txt", b"all new")]
    assert told(fourth) == []
    assert last.value == "all new"


def test_each_world_begins_with_the_files_as_they_are() -> None:
    assert told(enter(append)) == told(enter(append))
    assert enter(lambda: Path("notes.txt").read_text()).value == "tea\n"


def test_nothing_is_left_of_it() -> None:
    run = enter(lambda: (Path("new.txt").write_text("x"), os.mkdir("closed", 0o000), os.chdir("closed")))
    assert run.returned
    assert [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(f"agentready-{os.getpid()}-")] == []


def test_who_has_replaced_open_himself_keeps_what_he_has_put_there(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr("builtins.open", lambda path, *_: written.append(path))
    run = enter(lambda: open("new.txt", "w"))
    assert written == ["new.txt"]
    assert told(run) == []


def test_a_file_that_was_open_before_is_written_to_and_told(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "journal.txt"
    with granted(Grant(project=str(elsewhere.parent))), elsewhere.open("w") as older:

        def write() -> None:
            older.write("sold\n")
            older.flush()

        run = enter(write)
    assert [(effect.verb, effect.target, effect.content) for effect in run.local_effects] == [("append", str(elsewhere), b"sold\n")]


def test_a_log_that_was_open_before_is_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    handler = logging.FileHandler(elsewhere / "app.log")
    try:
        with granted(Grant(project=str(elsewhere))):
            run = enter(lambda: handler.emit(logging.LogRecord("shop", logging.INFO, "", 0, "sold a cup", None, None)))
    finally:
        handler.close()
    assert run.local_effects == ()


def test_threads_that_change_the_same_file_lose_nothing() -> None:
    def work() -> int:
        def add() -> None:
            for _ in range(20):
                with open("notes.txt", "a") as file:
                    file.write("x\n")

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(Path("notes.txt").read_text().splitlines())

    assert value(work) == 81


def test_what_a_pool_does_alone_names_the_line_that_started_it() -> None:
    run = enter(write_beside_the_loop)
    assert run.local_effects[0].where == line_of(write_beside_the_loop, "to_thread")


def _by_runpy(path: Path) -> object:
    return runpy.run_path(str(path))["total"]


def _by_importlib(path: Path) -> object:
    spec = importlib.util.spec_from_file_location("job_of_the_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.total


@pytest.mark.parametrize("ran", [_by_runpy, _by_importlib])
@pytest.mark.parametrize("older", [False, True])
def test_code_that_the_run_has_written_can_be_run_by_its_path(project: Path, ran: Callable[[Path], object], older: bool) -> None:
    job = project / "job.py"
    if older:
        job.write_text("total = 0")

    def tool() -> object:
        job.write_text("total = 1 + 1")
        return ran(job)

    assert enter(tool).value == 2
    assert job.exists() is older
    job.unlink(missing_ok=True)


def test_what_the_run_compiles_of_its_own_code_is_not_kept_as_that_of_the_users_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    job = project / "job.py"
    job.write_text("total = 1")
    assert _by_importlib(job) == 1  # and it is compiled for the next time

    def tool() -> object:
        job.write_text("total = 2")  # as long as the other
        return _by_importlib(job)

    assert enter(tool).value == 2
    assert not sys.dont_write_bytecode
    assert _by_importlib(job) == 1
    job.unlink()
    shutil.rmtree(project / "__pycache__")
