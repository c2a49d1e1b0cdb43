"""A path's folder is found from the normal call, and nothing outside of it is opened or written to find out whether it could be."""

from __future__ import annotations

import os
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.domain import Abuse, Outcome, Touch, Verdict
from pytest_agentready.experiments.escaping_paths import Root, root_of
from tests.examining import as_tool, engine

REFUSED = {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "Not that path."}


def abuse(function: Any, **facts: Any) -> Abuse:
    observed: Abuse = engine()._observe(as_tool(function, facts), "escaping_paths")
    return observed


def verdict(function: Any, **facts: Any) -> Verdict:
    return engine().examine(as_tool(function, facts), engine().registry.check("AR905"))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "may.md").write_text("# May")
    (folder / "today.txt").write_text("Call Grace")
    return folder


@pytest.mark.parametrize(
    ("value", "path", "is_folder", "root"),
    [
        ("today.txt", "/srv/notes/today.txt", False, Root("/srv/notes")),
        ("2026/may.md", "/srv/notes/2026/may.md", False, Root("/srv/notes")),
        ("./today.txt", "/srv/notes/today.txt", False, Root("/srv/notes")),
        ("ada", "/srv/users/ada.json", False, Root("/srv/users", ".json")),
        ("42", "/srv/users/42/profile.json", False, Root("/srv/users", "", True)),
        ("ada", "/srv/users/user-ada.json", False, Root("/srv/users", ".json")),
        ("ada", "/srv/users/adam.json", False, None),
        ("ada", "/srv/users/grace.json", False, None),
        (".", "/srv/notes", True, Root("/srv/notes", "", True)),
        (".", "/srv/notes/today.txt", False, None),
        ("/srv/notes/today.txt", "/srv/notes/today.txt", False, Root("/srv/notes")),
        ("/srv/notes", "/srv/notes/today.txt", False, Root("/srv")),
        ("/srv/notes", "/srv/notes", True, Root("/srv/notes", "", True)),
        ("https://example.com/srv", "/srv", True, None),
        ("", "/srv", True, None),
    ],
)
def test_the_folder_is_what_is_left_of_a_path_without_the_argument(value: str, path: str, is_folder: bool, root: Root | None) -> None:
    assert root_of(value, Touch(path, is_folder, "read", "")) == root


def test_a_tool_without_a_guard_leaves_its_folder_in_each_plain_way(notes: Path) -> None:
    def read(path: str) -> str:
        return (notes / path).read_text()

    found = abuse(read, args={"path": "2026/may.md"})
    assert [breach.form for breach in found.breaches] == [
        "../",
        "an absolute path",
        "2026/../",
        "a folder beside it whose name begins alike",
        "a symbolic link",
    ]
    assert {breach.kind for breach in found.breaches} == {"read"}
    assert {breach.where.rpartition(":")[0] for breach in found.breaches} == {__file__}


def test_a_tool_that_writes_makes_no_file_by_a_hostile_path(notes: Path) -> None:
    def write(path: str) -> str:
        full = notes / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text("text")
        return "written"

    before = sorted(notes.rglob("*"))
    outside = set(os.listdir(tempfile.gettempdir()))
    found = abuse(write, args={"path": "today.txt"})
    assert {breach.kind for breach in found.breaches} == {"written"}
    assert sorted(notes.rglob("*")) == before
    assert not [name for name in set(os.listdir(tempfile.gettempdir())) - outside if "notes" in name]
    assert sorted(path.name for path in notes.parent.iterdir()) == ["notes"]


def test_a_tool_that_deletes_deletes_nothing_by_a_hostile_path(notes: Path) -> None:
    keep = notes.parent / "keep.txt"
    keep.write_text("keep")

    def delete(path: str) -> str:
        os.remove(notes / path)
        return "deleted"

    assert {breach.kind for breach in abuse(delete, args={"path": "today.txt"}).breaches} == {"removed"}
    assert keep.read_text() == "keep"
    assert Path("/etc/passwd").exists()


def test_what_the_normal_call_writes_may_be_written_again(notes: Path) -> None:
    heard = []

    def read(path: str) -> Any:
        with open(notes / "log.txt", "a") as log:
            log.write(f"{path}\n")
        heard.append(path)
        full = (notes / path).resolve()
        return full.read_text() if full.is_relative_to(notes.resolve()) else REFUSED

    assert verdict(read, args={"path": "today.txt"}).outcome is Outcome.PASSED
    assert any("passwd" in path for path in heard)
    assert not (notes / "log.txt").exists()


def test_a_guard_that_undoes_nothing_is_got_past_in_disguise(notes: Path) -> None:
    from urllib.parse import unquote

    def read(path: str) -> Any:
        if ".." in path or path.startswith("/"):
            return REFUSED
        return (notes / unquote(path)).read_text()

    forms = [breach.form for breach in abuse(read, args={"path": "today.txt"}).breaches]
    assert "%2e%2e%2f" in forms
    assert "../" not in forms


def test_a_path_that_is_given_as_absolute_is_meant_to_stay_in_its_folder(notes: Path) -> None:
    def read(path: str) -> str:
        return Path(path).read_text()

    (finding,) = verdict(read, args={"path": str(notes / "today.txt")}).findings
    assert finding.message.startswith("path can name any file that the process may reach, and nothing keeps it in a folder: ")
    assert "agentready-" not in finding.message  # the same in each run


def test_a_path_that_the_call_leaves_out_is_tried(notes: Path) -> None:
    def export(rows: int, path: str = "out.csv") -> str:
        (notes / path).write_text("a,b\n" * rows)
        return "written"

    assert {breach.parameter for breach in abuse(export, args={"rows": 1}).breaches} == {"path"}


def test_a_text_that_opens_nothing_has_nothing_to_try(notes: Path) -> None:
    def greet(name: str) -> str:
        return f"Hello {name}"

    def lose(path: str) -> str:
        raise ValueError("nothing is there")

    assert verdict(greet, args={"name": "Ada"}).outcome is Outcome.NOT_APPLICABLE
    assert verdict(lose, args={"path": "a.txt"}).outcome is Outcome.UNPROVEN


def test_our_own_files_are_gone_afterwards(notes: Path) -> None:
    def read(path: str) -> str:
        return (notes / path).read_text()

    before = sorted(notes.parent.rglob("*"))
    abuse(read, args={"path": "today.txt"})
    assert sorted(notes.parent.rglob("*")) == before


PAGE = "https://blog.example.com/post"


@pytest.mark.parametrize(
    ("refused", "form"),
    [
        ((), "a file: URL"),
        (("file:",), "a file: URL in capitals"),
        (("file:", "FILE:"), "a file: URL behind URL:"),
        (("file:", "FILE:", "URL:"), ""),
    ],
)
def test_an_address_may_be_the_url_of_a_file(refused: tuple[str, ...], form: str) -> None:
    def fetch(url: str) -> Any:
        if url.startswith(refused):
            return REFUSED
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.read()

    found = verdict(fetch, args={"url": PAGE}, backend={f"GET {PAGE}": {"title": "Hello"}})
    if not form:
        assert found.outcome is Outcome.NOT_APPLICABLE
        return
    (finding,) = found.findings
    assert finding.message == (
        f"url is an address, and {form} opens any file that the process may reach (each call was stopped before a file outside was read)"
    )
    assert "`http` and `https` alone" in finding.fix
