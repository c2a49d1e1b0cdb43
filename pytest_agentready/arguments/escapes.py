"""Paths that lead out of a folder, in the forms in which they get past a look at the text.

Each is given as what it is called, and the text: from the folder in which `usual` lies to `target`, whose path is absolute.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote

UP = 16  # folders: more than any root is deep
CHAIN = "../" * UP


def plain(usual: str, target: str) -> Iterator[tuple[str, str]]:
    inner = target.lstrip("/")
    yield "../", f"{CHAIN}{inner}"
    yield "an absolute path", target
    first = usual.strip("/").partition("/")[0]
    if usual.startswith("/"):
        yield "../ behind the folder", f"{os.path.dirname(usual)}/{CHAIN}{inner}"
    elif "/" in usual.strip("/") and first not in (".", ".."):
        yield f"{first}/../", f"{first}/{CHAIN}{inner}"


def disguised(usual: str, target: str) -> Iterator[tuple[str, str]]:
    path = f"{CHAIN}{target.lstrip('/')}"
    yield "....//", path.replace("../", "....//")
    yield "..%2f", quote(path, safe="")
    yield "%2e%2e%2f", quote(path, safe="").replace("..", "%2e%2e")
    yield "..\\", path.replace("/", "\\")
    yield "~", f"~/{path}"
    yield "NUL", f"{path}\0{os.path.splitext(usual)[1]}"
