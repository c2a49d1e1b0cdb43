"""A small project to run the plugin on: a shop with tools, and checks whose verdicts the test decides."""

from __future__ import annotations

import json
from typing import Any

import pytest

TOOLS = """
def send_email(to, subject="Hello"):
    return {"status": "success"}


def list_orders():
    return {"status": "success"}


LIMIT = 5
"""

CHECK = '''"""{rationale}"""

from pytest_agentready import Check, Finding, NotApplicable, Severity, Unproven

check = Check(
    id={id!r}, title={title!r}, severity=Severity.{severity}, profile={profile!r}, fix="Mend it: `call(timeout=5)`.", since="0.1",
    async_only={async_only}, static={static}, standard_where={standard_where!r},
)


@check
def judge(tool):
    {body}


@check.passes
def a_good_tool():
    return "good"


@check.fails
def a_bad_tool():
    return "bad"
'''

CONFTEST = """
import importlib
import pytest
from pytest_agentready.registry import Registry

# Put back when the run ends, for it may share its process with the tests that started it.
patch = pytest.MonkeyPatch()
patch.setattr(Registry, "checks", property(lambda self: tuple(importlib.import_module(name).check.freeze() for name in {names!r})))


def pytest_unconfigure():
    patch.undo()
"""

OTHERS = ("hypothesispytest", "anyio", "time_machine", "randomly", "asyncio", "socket", "pytest_cov")
PLAIN = tuple(part for name in OTHERS for part in ("-p", f"no:{name}"))  # plugins that cost a second, and add nothing here

PASS = "yield from ()"
FAIL = "yield Finding(f'{tool.name} hangs', where=tool.source, evidence={'seconds': 60})"
UNPROVEN = "yield Unproven('no arguments: give `args` to the marker')"
NOT_APPLICABLE = "yield NotApplicable('it never leaves the process')"
COUNT = "import pathlib; log = pathlib.Path('judged'); log.write_text((log.read_text() if log.exists() else '') + 'x'); "
BROKEN = "raise KeyError('our own slip')"


class Project:
    """A project in a temporary folder, which a test fills with checks and tests and then runs."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.checks: list[str] = []
        package = pytester.mkpydir("shop")
        (package / "tools.py").write_text(TOOLS, encoding="utf-8")

    def check(
        self,
        slug: str,
        body: str,
        *,
        severity: str = "HIGH",
        profile: str = "checklist",
        rationale: str = "It hurts. Much.",
        title: str = "It hangs",
        async_only: bool = False,
        static: bool = False,
        standard_where: str = "",
    ) -> str:
        """Add a check; the id is given in the order of the calls."""
        id = f"T{len(self.checks) + 1:03}"
        name = slug.replace("-", "_")
        told = {
            "severity": severity,
            "profile": profile,
            "rationale": rationale,
            "title": title,
            "async_only": async_only,
            "static": static,
            "standard_where": standard_where,
        }
        text = CHECK.format(id=id, body=body, **told)
        self.pytester.makepyfile(**{name: text})
        self.checks.append(name)
        self.pytester.makeconftest(CONFTEST.format(names=self.checks))
        return f"{id}-{slug}"

    def tests(self, source: str, name: str = "test_shop") -> None:
        self.pytester.makepyfile(**{name: f"import pytest\nfrom shop.tools import *\n{source}"})

    def run(self, *args: str) -> pytest.RunResult:
        return self.pytester.runpytest(*PLAIN, *args)

    def run_apart(self, *args: str) -> pytest.RunResult:
        return self.pytester.runpytest_subprocess(*PLAIN, *args)

    def report(self, *args: str, apart: bool = False) -> dict[str, Any]:
        """Run, and read the JSON report."""
        (self.run_apart if apart else self.run)("--agentready-report", "json:report.json", *args)
        report: dict[str, Any] = json.loads((self.pytester.path / "report.json").read_text(encoding="utf-8"))
        return report


MARKED = """
@pytest.mark.agent_tool(tool=send_email, args={"to": "ada@example.com"})
def test_send_email(readiness_check):
    readiness_check()
"""
