"""Keys of the providers of models, for the time of a run: their clients refuse to be made without one, and the world asks for none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
KEY = "no-key-is-needed"  # so that who finds it in a log knows


@contextlib.contextmanager
def lent() -> Iterator[None]:
    """Only where there is none; taken back afterwards, unless it was replaced by a real one meanwhile."""
    missing = [name for name in KEYS if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, KEY))
    try:
        yield
    finally:
        for name in missing:
            if os.environ.get(name) == KEY:
                del os.environ[name]
