"""With workers and groups, each tool is examined by one of them."""

from __future__ import annotations

import pytest

from pytest_agentready.workers import without_check
from tests.project import MARKED, PASS, Project

RECORD = "import os, pathlib; pathlib.Path(tool.name + '-' + os.environ['PYTEST_XDIST_WORKER']).touch(); "


@pytest.mark.parametrize(
    ("nodeid", "tool"),
    [
        ("test_a.py::test_buy[AR202-unbounded-wait]", "test_a.py::test_buy[]"),
        ("test_a.py::TestBuy::test_it[eu-AR202-unbounded-wait]", "test_a.py::TestBuy::test_it[eu-]"),
        ("agentready::shop.tools.buy::AR101-untyped-result", "agentready::shop.tools.buy::"),
        ("test_a.py::test_another", "test_a.py::test_another"),
        ("test_a.py::test_another[7-a]", "test_a.py::test_another[7-a]"),
    ],
)
def test_an_id_tells_the_tool(nodeid: str, tool: str) -> None:
    assert without_check(nodeid) == tool


def test_the_items_of_a_tool_go_to_one_worker(project: Project) -> None:
    for number in range(4):
        project.check(f"no-hang-{number}", f"{RECORD}{PASS}")
    project.tests(MARKED + "\n@pytest.mark.agent_tool(tool=list_orders)\ndef test_list(readiness_check):\n    readiness_check()\n")
    project.run_apart("-n", "2", "--dist", "loadgroup").assert_outcomes(passed=8)
    seen = sorted(path.name.rpartition("-")[0] for path in project.pytester.path.glob("shop.tools.*"))
    assert seen == ["shop.tools.list_orders", "shop.tools.send_email"]
