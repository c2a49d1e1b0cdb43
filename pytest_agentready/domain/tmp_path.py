"""The folders of pytest's `tmp_path` as a report names them: their own names tell the number of the session, and which test came first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAME = "tmp_path"
ONE = r"/[^/\s'\"`]+"  # the folder of one test


def without_session(value: Any, folders: tuple[str, ...]) -> Any:
    """A text, or the value of a finding's evidence: `/tmp/pytest-of-ada/pytest-7/test_add0/1.txt` is `tmp_path/1.txt`."""
    if not folders:
        return value
    if isinstance(value, str):
        for folder in folders:
            if folder in value:
                value = re.sub(re.escape(folder) + ONE, NAME, value)
        return value
    if isinstance(value, Mapping):
        return {without_session(key, folders): without_session(item, folders) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(without_session(item, folders) for item in value)
    return value
