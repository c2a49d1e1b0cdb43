"""AR905: tools that open whatever path they are given, beside tools that keep to their folder, or have nothing to do with files."""

from __future__ import annotations

import contextlib
import glob
import http.client
import json
import os
import re
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_status, unreadable

LOCAL = dict.fromkeys(("AR102", "AR103", "AR104", "AR202", "AR203", "AR904"), "not_applicable")
_folder = tempfile.TemporaryDirectory(prefix="corpus-notes-")
NOTES = Path(_folder.name).resolve()
(NOTES / "2026").mkdir()
(NOTES / "2026" / "may.md").write_text("# May")
(NOTES / "today.txt").write_text("Call Grace")
(NOTES / "scratch.txt").write_text("For now")
(NOTES / "app.py").write_text("LIMIT = 5\n")
(NOTES / "ada.json").write_text('{"city": "Oslo"}')
with zipfile.ZipFile(NOTES / "old.zip", "w") as made:
    made.writestr("notes.txt", "Long ago")


PAGE = "https://blog.example.com/post"
PAGES = {f"GET {PAGE}": {"title": "Hello"}}


def opened(url: str) -> ToolResult:
    try:
        with urllib.request.urlopen(url, timeout=4) as response:
            return ToolResult.success(json.load(response))
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except ValueError:
        return unreadable()
    except (OSError, http.client.HTTPException):
        return ToolResult.transient("The page cannot be read now.")


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"path": "today.txt"}, backend={}, **LOCAL, AR905="failed")
def read_note(path: str) -> ToolResult:
    """Read a note."""
    try:
        return ToolResult.success((NOTES / path).read_text())
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such note.")


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed", AR905="failed")  # file:///etc/passwd is an address, too
def read_page(url: str) -> ToolResult:
    """Read a page of the web."""
    return opened(url)


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed", AR905="failed")  # and FILE:///etc/passwd is
def read_page_that_is_no_file(url: str) -> ToolResult:
    """Read a page of the web."""
    return ToolResult.permanent("Only pages can be read.") if url.startswith("file:") else opened(url)


@labelled(args={"path": str(NOTES / "today.txt")}, backend={}, **LOCAL, AR905="failed")  # any file at all
def read_file(path: str) -> ToolResult:
    """Read a file."""
    if not os.path.isfile(path):
        return ToolResult.permanent("There is no such file.")
    with open(path) as file:
        return ToolResult.success(file.read())


@labelled(args={"user": "ada"}, backend={}, **LOCAL, AR905="failed")  # user="../../../etc/cron.d/job"
def profile_of(user: str) -> ToolResult:
    """What is known about a user."""
    try:
        return ToolResult.success(json.loads((NOTES / f"{user}.json").read_text()))
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such user.")


@labelled(args={"path": "2026/may.md"}, backend={}, **LOCAL, AR905="failed")  # "....//" becomes "../"
def read_note_that_was_cleaned(path: str) -> ToolResult:
    """Read a note."""
    try:
        with open(os.path.join(NOTES, path.replace("../", "").lstrip("/"))) as file:
            return ToolResult.success(file.read())
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such note.")


@labelled(args={"path": "2026/may.md"}, backend={}, **LOCAL, AR905="failed")  # a folder beside it, notes-2, begins with the same letters
def read_note_below(path: str) -> ToolResult:
    """Read a note."""
    try:
        full = os.path.abspath(os.path.join(NOTES, path))
        if not full.startswith(str(NOTES)):
            return ToolResult.permanent("Only notes can be read.")
        with open(full) as file:
            return ToolResult.success(file.read())
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such note.")


@labelled(args={"file": "app.py", "old": "LIMIT = 5", "new": "LIMIT = 9"}, backend={}, **LOCAL, AR905="failed")  # likewise, of a module
def change_code_below(file: str, old: str, new: str) -> ToolResult:
    """Replace a text in a file of the project."""
    target = (NOTES / file).resolve()
    try:
        if not str(target).startswith(str(NOTES)) or target.read_text().count(old) != 1:
            return ToolResult.permanent("There is no such place in the project.")
        target.write_text(target.read_text().replace(old, new))
    except (OSError, ValueError):
        return ToolResult.permanent("The file cannot be changed.")
    return ToolResult.success("changed")


@labelled(args={"path": "2026/may.md"}, backend={}, **LOCAL, AR905="failed")  # a link in the folder leads wherever it likes
def read_note_by_its_text(path: str) -> ToolResult:
    """Read a note."""
    try:
        full = os.path.abspath(os.path.join(NOTES, path))
        if os.path.commonpath([full, NOTES]) != str(NOTES):
            return ToolResult.permanent("Only notes can be read.")
        with open(full) as file:
            return ToolResult.success(file.read())
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such note.")


@labelled(args={"name": "draft.txt", "text": "Dear Grace"}, backend={}, **LOCAL, AR905="failed")
def save_note(name: str, text: str) -> ToolResult:
    """Write a note."""
    try:
        path = NOTES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return ToolResult.success(f"{len(text)} characters")
    except (OSError, ValueError):
        return ToolResult.permanent("The note cannot be written.")


@labelled(args={"folder": "2026"}, backend={}, **LOCAL, AR905="failed")
async def list_notes(folder: str) -> ToolResult:
    """The notes of a year."""
    try:
        return ToolResult.success(sorted(entry.name for entry in os.scandir(NOTES / folder)))
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such folder.")


@labelled(args={"archive": "old.zip"}, backend={}, **LOCAL, AR905="failed")
def files_in(archive: str) -> ToolResult:
    """The files in an archive of notes."""
    try:
        with zipfile.ZipFile(NOTES / archive) as opened:
            return ToolResult.success(opened.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return ToolResult.permanent("There is no such archive.")


@labelled(args={"name": "scratch.txt"}, backend={}, **LOCAL, AR905="failed")  # after the first call there is nothing to be deleted
def delete_note(name: str) -> ToolResult:
    """Delete a note."""
    path = os.path.join(NOTES, name)
    with contextlib.suppress(OSError, ValueError):
        if os.path.isfile(path):
            os.remove(path)
            return ToolResult.success("deleted")
    return ToolResult.success("there was none")


@labelled(args={"pattern": "*.txt"}, backend={}, **LOCAL, AR905="failed")
def find_notes(pattern: str) -> ToolResult:
    """Notes whose names fit."""
    return ToolResult.success(sorted(glob.glob(os.path.join(NOTES, pattern))))


# --- look-alikes without it ----------------------------------------------------------------------------------------------


@labelled(args={"file": "app.py"}, backend={}, **LOCAL, AR905="passed")
def read_code(file: str) -> ToolResult:
    """Read a file of the project."""
    target = (NOTES / file).resolve()
    try:
        return ToolResult.success(target.read_text()) if target.is_relative_to(NOTES) else ToolResult.permanent("It is not of the project.")
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such file.")


@labelled(args={"path": "2026/may.md"}, backend={}, **LOCAL, AR905="passed")
def read_note_of_ours(path: str) -> ToolResult:
    """Read a note."""
    try:
        full = (NOTES / path).resolve()
        if not full.is_relative_to(NOTES):
            return ToolResult.permanent("Only notes can be read.")
        return ToolResult.success(full.read_text())
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such note.")


@labelled(args={"name": "today.txt"}, backend={}, **LOCAL, AR905="passed")
def read_note_by_name(name: str) -> ToolResult:
    """Read a note."""
    if not re.fullmatch(r"[a-z]+\.txt", name):
        return ToolResult.permanent("name is a word and .txt.")
    try:
        return ToolResult.success((NOTES / name).read_text())
    except OSError:
        return ToolResult.permanent("There is no such note.")


@labelled(args={"file": "today.txt"}, backend={}, **LOCAL, AR905="passed")  # of any path its last part alone
def read_note_by_its_last_part(file: str) -> ToolResult:
    """Read a note."""
    try:
        return ToolResult.success((NOTES / os.path.basename(file)).read_text())
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such note.")


@labelled(args={"name": "draft.txt", "text": "Dear Grace"}, backend={}, **LOCAL, AR905="passed")
def save_note_of_ours(name: str, text: str) -> ToolResult:
    """Write a note."""
    full = os.path.realpath(os.path.join(NOTES, name.replace("\0", "")))
    if os.path.commonpath([full, NOTES]) != str(NOTES):
        return ToolResult.permanent("Only notes can be written.")
    try:
        with open(full, "w") as file:
            file.write(text)
        return ToolResult.success(f"{len(text)} characters")
    except OSError:
        return ToolResult.permanent("The note cannot be written.")


@labelled(args={"name": "today.txt"}, backend={}, **LOCAL, AR905="passed")  # the only paths are those that it has listed itself
def read_listed_note(name: str) -> ToolResult:
    """Read a note."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(NOTES):
            if entry.name == name and entry.is_file(follow_symlinks=False):
                return ToolResult.success(Path(entry.path).read_text())
    return ToolResult.permanent("There is no such note.")


@labelled(
    args={"path": "reports/2026.json"},
    backend={"GET https://bucket.example.com/reports/2026.json": {"rows": 3}},
    AR905="not_applicable",  # a key of a store, and no path of this machine
)
def read_object(path: str) -> ToolResult:
    """Read a report."""
    try:
        response = httpx.get(f"https://bucket.example.com/{path.lstrip('/')}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()


@labelled(args={"lines": 3}, backend={}, **LOCAL, AR905="not_applicable")
def last_lines(lines: int) -> ToolResult:
    """The end of today's notes."""
    text: Any = (NOTES / "today.txt").read_text().splitlines()
    return ToolResult.success(text[-lines:])


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed", AR905="not_applicable")  # wherever it leads, it is no file
def read_page_by_http(url: str) -> ToolResult:
    """Read a page of the web."""
    return opened(url) if urlsplit(url).scheme in ("http", "https") else ToolResult.permanent("Only pages of the web can be read.")


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed", AR905="not_applicable")  # httpx knows no other schemes
def read_page_by_httpx(url: str) -> ToolResult:
    """Read a page of the web."""
    try:
        response = httpx.get(url, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()
