"""Every kind of callable that a project may call a tool: how it is named, called, and read."""

from __future__ import annotations

import pytest

from tests.project import PASS, Project

READY = 'return {"status": "success"}'
SUBJECTS = f"""
import functools

class Desk:
    def open(self, who="ada"): {READY}
    async def open_later(self): {READY}
    @classmethod
    def count(cls): {READY}
    @staticmethod
    def ring(): {READY}

class Robot:
    def __call__(self): {READY}

class Runner:
    async def __call__(self): {READY}

class Registered:
    # as the decorators of some frameworks make of a function
    def __init__(self, name, function):
        self.name, self.function = name, function


def book(): {READY}

def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

@traced
def decorated(): {READY}

@traced
async def decorated_later(): {READY}

def write(to): {READY}
async def write_later(to): {READY}

def stream():
    yield {{"status": "success"}}

async def stream_later():
    yield {{"status": "success"}}

greet = lambda: {{"status": "success"}}
"""
# The subject; its name; is it async; what a call of it gives.
ANSWER, STREAM = "{'status': 'success'}", "[{'status': 'success'}]"
KINDS = [
    ("Desk().open", "desk.Desk.open", False, ANSWER),
    ("Desk().open_later", "desk.Desk.open_later", True, ANSWER),
    ("Desk.count", "desk.Desk.count", False, ANSWER),
    ("Desk().count", "desk.Desk.count", False, ANSWER),
    ("Desk.ring", "desk.Desk.ring", False, ANSWER),
    ("Robot()", "desk.Robot.__call__", False, ANSWER),
    ("Runner()", "desk.Runner.__call__", True, ANSWER),
    ("decorated", "desk.decorated", False, ANSWER),
    ("decorated_later", "desk.decorated_later", True, ANSWER),
    ("functools.partial(write, 'ada')", "desk.write", False, ANSWER),
    ("functools.partial(write_later, to='ada')", "desk.write_later", True, ANSWER),
    ("functools.partial(Desk().open, who='bob')", "desk.Desk.open", False, ANSWER),
    ("stream", "desk.stream", False, STREAM),
    ("stream_later", "desk.stream_later", True, STREAM),
    ("greet", "desk.greet", False, ANSWER),
    ("'desk:Desk.ring'", "desk.Desk.ring", False, ANSWER),
]


@pytest.mark.parametrize(("subject", "name", "is_async", "answer"), KINDS, ids=[kind[0] for kind in KINDS])
def test_a_callable_is_named_called_and_read_for_what_it_is(project: Project, subject: str, name: str, is_async: bool, answer: str) -> None:
    project.check("seen", "print('SEEN', tool.name, tool.is_async, normal_call.runs[0].answer.text); yield from ()")
    judge = project.pytester.path / "seen.py"
    judge.write_text(judge.read_text(encoding="utf-8").replace("judge(tool)", "judge(tool, normal_call)"), encoding="utf-8")
    project.pytester.makepyfile(desk=SUBJECTS)
    project.tests(
        f"from desk import *\n@pytest.mark.agent_tool(tool={subject}, backend={{}})\ndef test_it(readiness_check):\n    readiness_check()\n"
    )
    result = project.run("-s")
    result.assert_outcomes(passed=1)
    assert f"SEEN {name} {is_async} {answer}" in result.stdout.str()


def test_a_lambda_without_a_name_goes_by_its_line(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests("@pytest.mark.agent_tool(tool=lambda: 1, timeout=2)\ndef test_it(readiness_check):\n    readiness_check()\n")
    assert [subject["name"] for subject in project.report()["subjects"]] == ["test_shop.<lambda-3>"]


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ("Desk.open", "Desk.open is a method without its object. Name that of an object, such as tool=Desk(...).open."),
        ("'desk:Desk.open'", "Desk.open is a method without its object. Name that of an object, such as tool=Desk(...).open."),
        ("write_later('ada')", "<coroutine object write_later at *> is no callable. Name the function itself, not what it returns."),
        ("stream()", "<generator object stream at *> is no callable. Name the function itself, not what it returns."),
        ("Desk()", "<desk.Desk object at *> is no callable. Name the function itself, not what it returns."),
        ("Registered('book', book)", "<desk.Registered object at *> is no callable. Name the function that it holds, its .function."),
    ],
)
def test_what_only_looks_like_a_tool_is_refused_without_a_warning(project: Project, subject: str, told: str) -> None:
    project.check("no-hang", PASS)
    project.pytester.makepyfile(desk=SUBJECTS)
    project.tests(f"from desk import *\n@pytest.mark.agent_tool(tool={subject})\ndef test_it(readiness_check):\n    readiness_check()\n")
    result = project.run("-W", "error")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"agent_tool: {told}"])


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (
            "timeout=5",
            "timeout=10",
            "timeout=10 contradicts timeout=5 in the mark of the same tool on test_1.py::test_it. Write the same timeout in both.",
        ),
        (
            "kind='db'",
            "kind='api'",
            "kind='api' contradicts kind='db' in the mark of the same tool on test_1.py::test_it. Write the same kind in both.",
        ),
    ],
)
@pytest.mark.parametrize("subject", ["Desk.ring", "desk.open"])
def test_two_marks_of_one_tool_that_disagree_are_an_error(project: Project, subject: str, one: str, other: str, told: str) -> None:
    project.check("no-hang", PASS)
    project.pytester.makepyfile(desk=SUBJECTS + "\ndesk = Desk()\n")
    for number, fact in enumerate((one, other), 1):
        mark = f"from desk import *\n@pytest.mark.agent_tool(tool={subject}, {fact})"
        project.tests(f"{mark}\ndef test_it(readiness_check):\n    readiness_check()\n", f"test_{number}")
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"agent_tool: {told}"])
