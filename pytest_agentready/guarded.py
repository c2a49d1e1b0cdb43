"""`pytest.mark.agent_tool` and its like, safe to be called with a subject alone, and what is said where one is missing.

A mark that is called with one callable decorates it: `agent_tool(send_email)` above a test would give the mark to
the tool, and then call the real tool with the test as its argument, when the file is imported.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

NAMES = {"agent_tool": ("tool", "send_email"), "agent_loop": ("loop", "run_agent"), "agent_breaker": ("breaker", "breaker")}
CLOSE = 0.75  # of a name that is one of ours with a slip
UNGUARDED_KEY = pytest.StashKey["dict[str, pytest.MarkDecorator | None]"]()


def missing(node: pytest.Item, asker: str, *marks: str) -> str:
    """What to say where a test asks for the subject of one of these marks, and has none; a mark that is misspelt is named."""
    from difflib import get_close_matches

    *others, last = marks
    listed = f"{', '.join(others)} or {last}" if others else last
    problem = f"{asker} {listed} mark names, and this test has none"
    for written in (mark.name for mark in node.iter_markers()):
        if written not in NAMES and (meant := get_close_matches(written, NAMES, n=1, cutoff=CLOSE)):
            kind, example = NAMES[meant[0]]
            return f"{problem}, but `{written}`: did you mean `@pytest.mark.{meant[0]}({kind}={example})`?"
    kind, example = NAMES[marks[0]]
    return f"{problem}. Put `@pytest.mark.{marks[0]}({kind}={example})` on the test, its class or its module."


class GuardedMark(pytest.MarkDecorator):
    """The mark as pytest makes it, but for the one form that would call the subject."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and callable(args[0]):
            caller = sys._getframe(1)
            name = getattr(args[0], "__name__", repr(args[0]))
            kind, example = NAMES[self.name]
            if name.lower().startswith("test"):
                problem = f"{self.name} on {name} names no {kind}. Write `@pytest.mark.{self.name}({kind}={example})`."
            else:
                problem = f"{self.name}({name}) would call {name} with the test as its argument. Write `{self.name}({kind}={name})`."
            raise pytest.Collector.CollectError(f"{caller.f_code.co_filename}:{caller.f_lineno}: {problem}")
        return self.with_args(*args, **kwargs)


def put_up(config: pytest.Config) -> None:
    config.stash[UNGUARDED_KEY] = {name: vars(pytest.mark).get(name) for name in NAMES}
    for name in NAMES:
        setattr(pytest.mark, name, GuardedMark(getattr(pytest.mark, name).mark, _ispytest=True))


def take_down(config: pytest.Config) -> None:
    for name, before in config.stash.get(UNGUARDED_KEY, {}).items():
        if before is None:
            delattr(pytest.mark, name)
        else:
            setattr(pytest.mark, name, before)
