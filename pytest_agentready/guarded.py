"""`pytest.mark.agent_tool`, safe to be called with a tool alone.

A mark that is called with one callable decorates it: `agent_tool(send_email)` above a test would give the mark to
the tool, and then call the real tool with the test as its argument, when the file is imported.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

NAME = "agent_tool"
UNGUARDED_KEY = pytest.StashKey["pytest.MarkDecorator | None"]()


class GuardedMark(pytest.MarkDecorator):
    """The mark as pytest makes it, but for the one form that would call the tool."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and callable(args[0]):
            caller = sys._getframe(1)
            name = getattr(args[0], "__name__", repr(args[0]))
            if name.lower().startswith("test"):
                problem = f"agent_tool on {name} names no tool. Write `@pytest.mark.agent_tool(tool=send_email)`."
            else:
                problem = f"agent_tool({name}) would call {name} with the test as its argument. Write `agent_tool(tool={name})`."
            raise pytest.Collector.CollectError(f"{caller.f_code.co_filename}:{caller.f_lineno}: {problem}")
        return self.with_args(*args, **kwargs)


def put_up(config: pytest.Config) -> None:
    config.stash[UNGUARDED_KEY] = vars(pytest.mark).get(NAME)
    setattr(pytest.mark, NAME, GuardedMark(pytest.mark.agent_tool.mark, _ispytest=True))


def take_down(config: pytest.Config) -> None:
    if UNGUARDED_KEY not in config.stash:
        return
    if (before := config.stash[UNGUARDED_KEY]) is None:
        delattr(pytest.mark, NAME)
    else:
        setattr(pytest.mark, NAME, before)
