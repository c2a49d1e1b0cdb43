"""With workers and groups, each tool is examined by one of them."""

from __future__ import annotations

import pytest

from pytest_agentready.workers import without_check
from tests.project import PASS, Project

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
    project.tests(
        """
        for each in (send_email, list_orders):
            @pytest.mark.agent_tool(tool=each, args={"to": "ada@example.com"} if each is send_email else {})
            def test_it(readiness_check):
                readiness_check()
            globals()[f"test_{each.__name__}"] = test_it
        """.replace("\n        ", "\n")
    )
    project.run_apart("-n", "2", "--dist", "loadgroup").assert_outcomes(passed=12)
    seen = sorted(path.name.rpartition("-")[0] for path in project.pytester.path.glob("shop.tools.*"))
    assert seen == ["shop.tools.list_orders", "shop.tools.send_email"]
