"""With workers of xdist and `--dist loadgroup`, the items of one tool go to one worker, where its experiments are made once.

The marks that collection gives them say so already. But xdist 3.8 writes the group into a private attribute that pytest 9.2
no longer reads, so that the scheduler would see none. The ids of our items tell the tool as well.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

LABEL = re.compile(r"\b[A-Z]+\d+-[a-z][a-z0-9-]*")  # AR202-unbounded-wait


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    scheduler: Any = LoadGroupScheduling(config, log)
    by_mark = scheduler._split_scope

    def by_tool(nodeid: str) -> str:
        group: str = by_mark(nodeid)
        return group if group != nodeid else without_check(nodeid)

    scheduler._split_scope = by_tool
    return scheduler


def without_check(nodeid: str) -> str:
    """`test_shop.py::test_buy[AR202-unbounded-wait]` and `agentready::shop.buy::AR202-unbounded-wait`, the same for all checks."""
    head, separator, last = nodeid.rpartition("::")
    return f"{head}{separator}{LABEL.sub('', last)}"
