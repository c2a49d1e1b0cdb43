"""What a user may get wrong: one clear error that names culprit and remedy, no traceback of ours, no green run over nothing."""

from __future__ import annotations

import pytest

from tests.project import MARKED, PASS, Project

CALLS = "(readiness_check):\n    readiness_check()\n"


def refused(project: Project, *args: str, errors: int = 1, passed: int = 0) -> pytest.RunResult:
    result = project.run(*args)
    result.assert_outcomes(errors=errors, passed=passed)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["NOT READY: *"])
    output = result.stdout.str()
    assert "Traceback" not in output
    assert "pytest_agentready/" not in output
    return result


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", "it names no tool. Write `@pytest.mark.agent_tool(tool=send_email)`."),
        ("timeout=5", "it names no tool. Write `@pytest.mark.agent_tool(tool=send_email)`."),
        ("send_email, tool=list_orders", "it is given more than one positional argument or tool. *"),
        ("send_email, list_orders", "it is given more than one positional argument or tool. *"),
        ("tool=LIMIT", "5 is no callable. Name the function itself, not what it returns."),
        ("tool=list_orders()", "{'status': 'success'} is no callable. Name the function itself, not what it returns."),
        ("tool=None", "None is no callable. Name the function itself, not what it returns."),
        ("'shop.tools:LIMIT'", "5 is no callable. Name the function itself, not what it returns."),
        ("'shop.tools.send_email'", "'shop.tools.send_email' is no import string. Write module:name, such as 'shop.tools:send_email'."),
        ("'shop tools'", "'shop tools' is no import string. Write module:name, such as 'shop.tools:send_email'."),
        ("tool='shop.tols:send_email'", "'shop.tols:send_email': there is no module 'shop.tols'. Did you mean 'shop.tools'?"),
        (
            "tool='nowhere:x'",
            "'nowhere:x': there is no module 'nowhere'. Mind the spelling, and that pytest's `pythonpath` setting names its folder.",
        ),
        ("tool='shop.tools:send_mail'", "'shop.tools:send_mail': shop.tools has no 'send_mail'. Did you mean 'send_email'?"),
        (
            "tool=list_orders, time_out=5",
            "there is no argument 'time_out'. Did you mean 'timeout'? Known: tool, args, backend, timeout, kind, *",
        ),
        ("tool=list_orders, timeout=0", "timeout=0 is no positive number of seconds. Write such as timeout=5."),
        ("tool=list_orders, timeout='5'", "timeout='5' is no positive number of seconds. Write such as timeout=5."),
        ("tool=list_orders, timeout=True", "timeout=True is no positive number of seconds. Write such as timeout=5."),
        ("tool=list_orders, timeout=float('inf')", "timeout=inf is no positive number of seconds. Write such as timeout=5."),
        ("tool=list_orders, kind='database'", "kind='database' is unknown. Write kind='api' or kind='db'."),
        (
            "tool=list_orders, result_budget=0.5",
            "result_budget=0.5 is no positive whole number of tokens. Write such as result_budget=4_000.",
        ),
        ("tool=list_orders, kind=['db']", "kind=['db'] is unknown. Write kind='api' or kind='db'."),
        ("tool=send_email, args={'subject': 'x'}", "args does not fit send_email(to, subject='Hello'): 'to' is missing."),
        (
            "tool=send_email, args={'too': 'a', 'to': 'b'}",
            "args does not fit send_email(to, subject='Hello'): there is no parameter 'too'. Did you mean 'to'?",
        ),
        ("tool=send_email, args=[{'to': 'a'}, {}]", "args[1] does not fit send_email(to, subject='Hello'): 'to' is missing."),
        ("tool=send_email, args=[]", "args is an empty list: the tool would never be called. Give at least one dict of its arguments."),
        (
            "tool=send_email, args='ada'",
            "args gives 'ada'. Give a dict of the tool's arguments, a list of such dicts, or a callable that returns one.",
        ),
        ("tool=send_email, args=[{'to': 'a'}, 5]", "args[1] is 5. Give a dict of the tool's arguments in its place."),
        (
            "tool=send_email, args=lambda: [{'to': 'a'}, 'b']",
            "args: <lambda>()[1] is 'b'. Give a dict of the tool's arguments in its place.",
        ),
        ("tool=send_email, args={1: 2}", "args does not fit send_email(to, subject='Hello'): *"),
        ("tool=list_orders, read_only='yes'", "read_only='yes' is neither True nor False."),
        ("tool=list_orders, breaker=5", "breaker=5 is neither True nor False."),
        ("tool=list_orders, read_only=True, destructive=True", "destructive=True and read_only=True contradict each other: *"),
        ("tool=list_orders, confirm='yes'", "confirm: 'yes' *"),
        ("tool=list_orders, confirm=5", "confirm=5 is no callable. Give a function that takes the tool's *"),
        (
            "tool=send_email, args={'to': 'a'}, user='too'",
            "user='too' names no parameter of send_email(to, subject='Hello'). Did you mean 'to'?*",
        ),
        ("tool=list_orders, reads=['https://api.example.com']", "reads has the entry 'https://api.example.com', which names no method *"),
        (
            "tool=list_orders, reads=['PSOT https://api.example.com/search']",
            "reads has the entry 'PSOT https://api.example.com/search', whose 'PSOT' is no method of HTTP. Did you mean 'POST'?*",
        ),
        (
            "tool=list_orders, reads=['proces:git log']",
            "reads has the entry 'proces:git log', which names no method or no host. Did you mean 'process:'?*'process:git log'.",
        ),
        ("tool=list_orders, reads=['process:']", "reads has the entry 'process:', which names no program*"),
        ("tool=list_orders, reads=7", "reads=7 is no list. Write reads=['POST https://api.example.com/search']."),
        ("tool=list_orders, bookkeeping='tabel:outbox'", "bookkeeping has the entry 'tabel:outbox', *Did you mean 'table:'? Write *"),
        (
            "tool=list_orders, backend={'https://api.example.com/orders': []}",
            "backend route 'https://api.example.com/orders' names no method*",
        ),
    ],
)
def test_an_unusable_mark_is_one_error_that_names_culprit_and_remedy(project: Project, arguments: str, told: str) -> None:
    project.check("no-hang", PASS)
    project.check("tidy", PASS)
    project.tests(f"@pytest.mark.agent_tool({arguments})\ndef test_bad{CALLS}\ndef test_beside():\n    pass\n")
    result = refused(project, passed=1)
    result.stdout.fnmatch_lines(["*ERROR at setup of test_bad?agent_tool?*", f"agent_tool: {told.replace('[', '?').replace(']', '?')}"])


def test_an_unusable_mark_that_a_selection_leaves_out_is_told_and_no_error(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(f"@pytest.mark.agent_tool(tool=list_orders, argz={{}})\ndef test_bad{CALLS}")
    result = project.run("-k", "no-hang")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    told = " ".join(result.stdout.str().split())
    assert "deselected, and cannot be examined: test_shop.py::test_bad[agent_tool]: agent_tool: there is no argument 'argz'." in told
    project.run("-k", "no-hang", "--collect-only").stdout.no_fnmatch_line("*agent readiness*")


def test_all_problems_of_a_mark_are_told_at_once(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        f"@pytest.mark.agent_tool(tool=send_email, args={{}}, time=1, timeout=-1, kind='x', backend={{'x': 1}})\ndef test_bad{CALLS}"
    )
    refused(project).stdout.fnmatch_lines(
        ["agent_tool: 5 problems", "  - *'time'*", "  - timeout=-1*", "  - kind='x'*", "  - args does not fit*", "  - backend route*"]
    )


@pytest.mark.parametrize("arguments", ["tool=send_email", "list_orders"])
def test_args_from_a_callable_that_raises_name_the_users_line(project: Project, arguments: str) -> None:
    project.check("no-hang", PASS)
    project.tests(
        f"def arguments():\n    return open('nowhere')\n\n@pytest.mark.agent_tool({arguments}, args=arguments)\ndef test_bad{CALLS}"
    )
    refused(project).stdout.fnmatch_lines(["agent_tool: args: arguments() raised FileNotFoundError: *nowhere* (*test_shop.py:4)."])


def test_an_async_callable_for_args_is_refused_without_a_warning(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        f"async def arguments():\n    return {{}}\n\n@pytest.mark.agent_tool(tool=send_email, args=arguments)\ndef test_bad{CALLS}"
    )
    result = refused(project, "-W", "error")
    result.stdout.fnmatch_lines(["agent_tool: args: arguments() gives <coroutine*"])


def test_a_module_that_breaks_on_import_names_its_own_line(project: Project) -> None:
    project.check("no-hang", PASS)
    project.pytester.makepyfile(
        broken="\nimport os\nKEY = os.environ['NO_SUCH_KEY_HERE']\n", needy="import nowhere_at_all\n", wrong="def x(:\n"
    )
    for name in ("broken", "needy", "wrong"):
        project.tests(f"@pytest.mark.agent_tool(tool='{name}:tool')\ndef test_bad{CALLS}", f"test_{name}")
    refused(project, errors=3).stdout.fnmatch_lines(
        [
            "agent_tool: 'broken:tool': importing broken raised KeyError: 'NO_SUCH_KEY_HERE' (*broken.py:*).",
            "agent_tool: 'needy:tool': importing needy raised ModuleNotFoundError: No module named 'nowhere_at_all' (*needy.py:1).",
            "agent_tool: 'wrong:tool': importing wrong raised SyntaxError: invalid syntax (*wrong.py:1).",
        ]
    )


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        (
            "agent_tool(list_orders)",
            "agent_tool(list_orders) would call list_orders with the test as its argument. Write `agent_tool(tool=list_orders)`.",
        ),
        (
            "agent_tool(lambda: 1)",
            "agent_tool(<lambda>) would call <lambda> with the test as its argument. Write `agent_tool(tool=<lambda>)`.",
        ),
        ("agent_tool", "agent_tool on test_bad names no tool. Write `@pytest.mark.agent_tool(tool=send_email)`."),
    ],
)
def test_a_mark_called_with_one_bare_callable_is_an_error_before_the_tool_is_called(project: Project, mark: str, told: str) -> None:
    project.check("no-hang", PASS)
    project.tests(f"def list_orders(*args):\n    raise SystemExit('the real tool was called')\n\n@pytest.mark.{mark}\ndef test_bad{CALLS}")
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*ERROR collecting test_shop.py*", f"*test_shop.py:*: {told}"])
    assert "the real tool was called" not in result.stdout.str()
    assert "plugin.py" not in result.stdout.str()


def test_a_class_called_by_a_bare_mark_is_an_error_too(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests("@pytest.mark.agent_tool\nclass TestOrders:\n    def test_x(self):\n        pass\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*agent_tool on TestOrders names no tool*"])


def test_a_bare_mark_on_a_module_names_no_tool(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(f"pytestmark = pytest.mark.agent_tool\n\ndef test_bad{CALLS}")
    refused(project).stdout.fnmatch_lines(["agent_tool: it names no tool.*"])


def test_readiness_check_without_a_mark_is_an_error(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(f"def test_unmarked{CALLS}")
    refused(project).stdout.fnmatch_lines(
        ["readiness_check examines what an agent_tool, agent_loop or agent_breaker mark names, and this test has none. *"]
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("agent_tol(tool=list_orders)", "agent_tol`: did you mean `@pytest.mark.agent_tool(tool=send_email)`?"),
        ("agentloop(loop=list_orders)", "agentloop`: did you mean `@pytest.mark.agent_loop(loop=run_agent)`?"),
        ("agent_braker(breaker=list_orders)", "agent_braker`: did you mean `@pytest.mark.agent_breaker(breaker=breaker)`?"),
    ],
)
def test_a_mark_with_a_slip_in_its_name_is_the_one_that_is_named(project: Project, written: str, meant: str) -> None:
    project.check("no-hang", PASS)
    project.tests(f"@pytest.mark.{written}\ndef test_bad{CALLS}")
    refused(project, "-W", "ignore::pytest.PytestUnknownMarkWarning").stdout.fnmatch_lines(
        [f"readiness_check examines what an *, and this test has none, but `{meant}"]
    )


def test_two_marks_in_one_place_are_an_error(project: Project) -> None:
    project.check("no-hang", PASS)
    two = "@pytest.mark.agent_tool(tool=list_orders)\n@pytest.mark.agent_tool(tool=send_email)\n"
    project.tests(f"{two}def test_two{CALLS}\n{two}class TestTwo:\n    def test_it(self, readiness_check):\n        readiness_check()\n")
    refused(project, errors=2).stdout.fnmatch_lines(
        ["agent_tool: two marks stand in one place, and only one could count. Write one test for each."]
    )


def test_a_marked_test_that_does_not_ask_for_readiness_check_is_an_error(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests("@pytest.mark.agent_tool(tool=list_orders)\ndef test_nothing():\n    pass\n")
    refused(project).stdout.fnmatch_lines(["agent_tool stands on test_shop.py::test_nothing, which does not ask for `readiness_check`*"])


@pytest.mark.parametrize(
    "source",
    [
        "pytestmark = pytest.mark.agent_tool(tool=list_orders)\n\ndef test_one():\n    pass\n\ndef test_two():\n    pass\n",
        "@pytest.mark.agent_tool(tool=list_orders)\nclass TestIt:\n    def test_one(self): pass\n    def test_two(self): pass\n",
    ],
)
def test_a_marked_module_or_class_of_which_no_test_asks_is_one_error(project: Project, source: str) -> None:
    project.check("no-hang", PASS)
    project.tests(source)
    refused(project, passed=1).stdout.fnmatch_lines(["agent_tool stands on *, but none of its tests asks for `readiness_check`*"])


def test_a_plain_test_chosen_by_its_id_is_not_blamed_for_its_modules_mark(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        f"pytestmark = pytest.mark.agent_tool(tool=list_orders)\n\nclass TestA:\n    def test_plain(self): pass\n\ndef test_ready{CALLS}"
    )
    project.run("test_shop.py::TestA::test_plain").assert_outcomes(passed=1)


def test_a_modules_mark_that_every_asking_test_overrides_is_an_error(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        "pytestmark = pytest.mark.agent_tool(tool=list_orders)\n\ndef test_plain():\n    pass\n\n"
        f"@pytest.mark.agent_tool(tool=send_email, args={{'to': 'a'}})\ndef test_ready{CALLS}"
    )
    refused(project, passed=1).stdout.fnmatch_lines(["agent_tool stands on test_shop.py, but none of its tests asks*"])


def test_a_unittest_method_is_told_that_it_takes_no_fixtures(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        """
import unittest

class TestIt(unittest.TestCase):
    @pytest.mark.agent_tool(tool=list_orders)
    def test_one(self):
        pass
"""
    )
    refused(project).stdout.fnmatch_lines(["agent_tool stands on *::test_one, but unittest's methods take no fixtures*"])


def test_a_profile_without_checks_is_no_green_run(project: Project) -> None:
    project.check("slow", PASS, profile="strict")
    project.tests(MARKED)
    refused(project).stdout.fnmatch_lines(["agent_tool: profile 'standard' has no checks. Set agentready_profile to a wider one."])


def test_a_bad_mark_stands_in_the_report_as_an_error(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(MARKED + f"\n@pytest.mark.agent_tool(tool=5)\ndef test_bad{CALLS}")
    report = project.report()
    assert report["ready"] is False
    assert report["counts"] == {"passed": 1, "failed": 0, "unproven": 0, "not_applicable": 0, "waived": 0, "error": 1}
    bad = next(result for result in report["results"] if result["outcome"] == "error")
    assert bad["check"] == "agent_tool"
    assert bad["node"] == "test_shop.py::test_bad[agent_tool]"
    assert bad["subject"] == "test_shop.py::test_bad"
    assert bad["reason"] == "agent_tool: 5 is no callable. Name the function itself, not what it returns."
