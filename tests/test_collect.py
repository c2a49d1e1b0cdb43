"""From a marker to items: which tool, which facts, which items, and what they point at."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import Tool
from pytest_agentready.registry import Registry
from tests.project import FAIL, MARKED, PASS, Project

SEES = "import json; print('FACTS', tool.name, tool.facts); yield from ()"


def test_there_is_one_item_per_check_named_by_id_and_slug(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("tidy", PASS)
    project.tests(MARKED)
    result = project.run("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_send_email?T001-no-hang?*", "*test_send_email?T002-tidy?*"])


def test_a_wider_profile_brings_more_items(project: Project) -> None:
    for profile in ("checklist", "standard", "strict"):
        project.check(f"{profile}-fault", PASS, profile=profile)
    project.tests(MARKED)
    for profile, number in {"checklist": 1, "standard": 2, "strict": 3}.items():
        project.run("-o", f"agentready_profile={profile}").assert_outcomes(passed=number)
    project.run().assert_outcomes(passed=2)


@pytest.mark.parametrize(("fact", "found"), [("", 1), (", breaker=False", 1), (", breaker=True", 2)])
def test_a_fact_may_bring_a_strict_check_into_the_standard_profile(project: Project, fact: str, found: int) -> None:
    project.check("no-fault", PASS, profile="standard")
    project.check("strict-fault", PASS, profile="strict", standard_where="breaker")
    project.tests(f"@pytest.mark.agent_tool(tool=list_orders{fact})\ndef test_it(readiness_check):\n    readiness_check()\n")
    for profile, number in {"standard": found, "strict": 2}.items():
        project.run("-o", f"agentready_profile={profile}").assert_outcomes(passed=number)
    told = project.run("-o", "agentready_profile=checklist").stdout.str()
    assert "profile 'checklist' has no checks" in told


def test_the_subject_may_be_an_object_an_import_string_or_positional_beside_a_keyword(project: Project) -> None:
    project.check("seen", SEES)
    project.tests(
        """
@pytest.mark.agent_tool(tool=list_orders)
def test_object(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(tool="shop.tools:list_orders")
def test_string(readiness_check):
    readiness_check()

@pytest.mark.agent_tool("shop.tools:list_orders")
def test_positional_string(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(list_orders, timeout=5)
def test_positional(readiness_check):
    readiness_check()
"""
    )
    result = project.run("-s")
    result.assert_outcomes(passed=4)
    assert sum("FACTS shop.tools.list_orders" in line for line in result.outlines) == 4


def test_an_import_string_reaches_into_classes(project: Project) -> None:
    project.check("no-hang", PASS)
    project.pytester.makepyfile(desk="class Desk:\n    @staticmethod\n    def open():\n        return 1\n")
    project.tests("@pytest.mark.agent_tool(tool='desk:Desk.open')\ndef test_open(readiness_check):\n    readiness_check()\n")
    assert [subject["name"] for subject in project.report()["subjects"]] == ["desk.Desk.open"]


def test_the_mark_may_stand_on_a_class_or_a_module_beside_other_tests(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        """
@pytest.mark.agent_tool(tool=list_orders)
class TestOrders:
    def test_ready(self, readiness_check):
        readiness_check()

    def test_plain(self):
        pass
""",
        name="test_class",
    )
    project.tests(
        """
pytestmark = pytest.mark.agent_tool(tool=list_orders)

def test_ready(readiness_check):
    readiness_check()

def test_plain():
    pass
""",
        name="test_module",
    )
    project.run().assert_outcomes(passed=4)


def test_the_closest_mark_wins(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        """
pytestmark = pytest.mark.agent_tool(tool=list_orders)

def test_module_mark(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(tool=send_email, args={"to": "a"})
def test_own_mark(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(tool=send_email, args={"to": "a"})
class TestBase:
    def test_ready(self, readiness_check):
        readiness_check()

@pytest.mark.agent_tool(tool=list_orders, timeout=3)
class TestDerived(TestBase):
    pass
"""
    )
    subjects = {result["node"].split("::", 1)[1]: result["subject"] for result in project.report()["results"]}
    assert subjects == {
        "test_module_mark[T001-no-hang]": "shop.tools.list_orders",
        "test_own_mark[T001-no-hang]": "shop.tools.send_email",
        "TestBase::test_ready[T001-no-hang]": "shop.tools.send_email",
        "TestDerived::test_ready[T001-no-hang]": "shop.tools.list_orders",
    }


def test_a_test_made_in_a_loop_may_be_marked(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        """
def make(tool, args):
    @pytest.mark.agent_tool(tool=tool, args=args)
    def test(readiness_check):
        readiness_check()
    return test

for tool, args in [(list_orders, None), (send_email, {"to": "a"})]:
    globals()[f"test_{tool.__name__}"] = make(tool, args)
"""
    )
    project.run().assert_outcomes(passed=2)


def test_a_parametrized_test_meets_every_check_with_every_parameter(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("tidy", PASS)
    project.tests(
        """
@pytest.mark.parametrize("region", ["eu", "us"])
@pytest.mark.agent_tool(tool=list_orders)
def test_orders(region, readiness_check):
    readiness_check()
"""
    )
    project.run().assert_outcomes(passed=4)


def test_args_may_be_a_dict_a_list_or_a_callable_that_gives_one(project: Project) -> None:
    project.check("seen", "print('ARGS', tool.facts.args); yield from ()")
    for number, args in enumerate(['{"to": "a"}', '[{"to": "a"}]', '({"to": "a"},)', 'lambda: {"to": "a"}', 'lambda: [{"to": "a"}]']):
        project.tests(
            f"@pytest.mark.agent_tool(tool=send_email, args={args})\ndef test_it(readiness_check):\n    readiness_check()\n",
            f"test_{number}",
        )
    result = project.run("-s")
    result.assert_outcomes(passed=5)
    assert sum("ARGS ({'to': 'a'},)" in line for line in result.outlines) == 5


def test_arguments_that_a_mark_does_not_give_are_made_up_where_there_is_something_to_go_by(project: Project) -> None:
    project.check("seen", "print('ARGS', tool.name, tool.facts.args, tool.facts.generated); yield from ()")
    project.tests(
        """
class Session:
    pass

def close(session: Session, order_id: str):
    pass

@pytest.mark.agent_tool(tool=list_orders)
def test_needs_none(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(tool=send_email)
def test_can_be_made_up(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(tool=close)
def test_cannot_be_made_up(readiness_check):
    readiness_check()
"""
    )
    result = project.run("-s")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ARGS shop.tools.list_orders ({},) False*",
            "*ARGS shop.tools.send_email ({'to': 'ada@example.com'},) True*",
            "*agent_tool: it gives no args, and none can be made up*: session (Session) is *args={'session': ..., 'order_id': '1001'}*",
        ]
    )


def test_a_default_within_a_field_is_given_as_a_framework_would(project: Project) -> None:
    project.check("seen", "print('ARGS', tool.facts.args); yield from ()")
    project.tests(
        """
from pydantic import Field

def search(query: str, limit: int = Field(10, le=50)):
    return {"status": "success"}

@pytest.mark.agent_tool(tool=search, args={"query": "refund"})
def test_search(readiness_check):
    readiness_check()
"""
    )
    assert any("ARGS ({'limit': 10, 'query': 'refund'},)" in line for line in project.run("-s").outlines)


def test_a_tool_of_an_adapter_that_reads_no_schema_is_read_by_its_signature(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "adapters", (lambda obj: Tool("shop.send", obj, is_async=False, source="", framework="odd"),))
    project.check("seen", "print('SEEN', tool.description, tool.facts.args, tool.framework); yield from ()")
    project.tests(
        """
def send(to: str):
    'Send it.'

@pytest.mark.agent_tool(tool=send)
def test_send(readiness_check):
    readiness_check()
"""
    )
    assert any("SEEN Send it. ({'to': 'ada@example.com'},) odd" in line for line in project.run("-s").outlines)


def test_timeout_kind_and_backend_reach_the_tool(project: Project) -> None:
    project.check("seen", "print('SEEN', tool.time_limit, tool.facts.kind, type(tool.facts.backend).__name__); yield from ()")
    project.tests(
        """
@pytest.mark.agent_tool(tool=list_orders, timeout=2.5, backend={"GET https://api.example.com/orders": []})
def test_api(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(tool=send_email, args={"to": "ada"}, kind="db")
def test_db(readiness_check):
    readiness_check()
"""
    )
    project.run("-s").stdout.fnmatch_lines(["*SEEN 2.5 api Backend*", "*SEEN 30.0 db NoneType*"])


def test_two_tests_with_equal_facts_share_one_tool(project: Project) -> None:
    project.check("seen", "print('TOOL', id(tool)); yield from ()")
    marked = "@pytest.mark.agent_tool(tool=send_email, args={args}, backend={{}})\ndef test_it(readiness_check):\n    readiness_check()\n"
    project.tests(marked.format(args={"to": "a"}), "test_1")
    project.tests(marked.format(args={"to": "a"}), "test_2")
    project.tests(marked.format(args={"to": "b"}), "test_3")
    result = project.run("-s")
    result.assert_outcomes(passed=3)
    first, second, third = (line.split("TOOL ")[1].split()[0].rstrip(".") for line in result.outlines if "TOOL " in line)
    assert first == second != third


def test_facts_that_contradict_each_other_are_an_error(project: Project) -> None:
    project.check("no-hang", PASS)
    marked = "@pytest.mark.agent_tool(tool=list_orders, timeout={timeout})\ndef test_it(readiness_check):\n    readiness_check()\n"
    project.tests(marked.format(timeout=5), "test_1")
    project.tests(marked.format(timeout=10), "test_2")
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["agent_tool: timeout=10 contradicts timeout=5 in the mark of the same tool on test_1.py::test_it. Write the same timeout in both*"]
    )


def test_an_item_points_at_the_source_of_its_tool(project: Project) -> None:
    project.check("hang", FAIL)
    project.tests(MARKED)
    result = project.run("-vv")
    result.stdout.fnmatch_lines(["test_shop.py::test_send_email?T001-hang? <- shop/tools.py FAILED*"])
    assert project.report()["subjects"] == [
        {"kind": "tool", "name": "shop.tools.send_email", "framework": "python", "source": "shop/tools.py:2"}
    ]


def test_a_check_of_async_tools_is_no_item_for_a_sync_one(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("swallowed-cancellation", PASS, async_only=True)
    project.pytester.makepyfile(desk="async def ask():\n    return 1\n\ndef look():\n    return 1\n")
    project.tests(
        """
@pytest.mark.agent_tool(tool="desk:look")
def test_look(readiness_check):
    readiness_check()

@pytest.mark.agent_tool(tool="desk:ask")
def test_ask(readiness_check):
    readiness_check()
"""
    )
    nodes = [result["node"] for result in project.report()["results"]]
    assert sorted(node.partition("::")[2] for node in nodes) == [
        "test_ask[T001-no-hang]",
        "test_ask[T002-swallowed-cancellation]",
        "test_look[T001-no-hang]",
    ]
