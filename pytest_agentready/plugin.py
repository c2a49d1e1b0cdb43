"""The doorway: options, settings, markers and hooks. What lies behind it is imported when a test asks for it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_agentready.collect import Collection
    from pytest_agentready.domain import Assessment, Result
    from pytest_agentready.fixtures import ReadinessCheck
    from pytest_agentready.settings import Settings

MARKER = (
    "agent_tool(tool, args=..., backend=..., timeout=..., kind=..., result_budget=...): what readiness_check() examines, an object or "
    "'module:name'; `args`: a dict of its arguments, a list of such dicts, or a callable that gives one, made up where left out; "
    "`backend`: what the outside world answers; `timeout`: seconds within which it promises to end; `kind`: 'api' (5 s) or 'db' (30 s); "
    "`result_budget`: tokens of what it returns."
)
pytest_plugins = ("pytest_agentready.own_tests",)
SETTINGS_KEY = pytest.StashKey["Settings"]()
COLLECTION_KEY = pytest.StashKey["Collection"]()
COMPLAINT_KEY = pytest.StashKey[str]()
UNGUARDED_KEY = pytest.StashKey["pytest.MarkDecorator | None"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("agentready", "agent readiness")
    group.addoption(
        "--agentready-report",
        action="append",
        default=[],
        metavar="FORMAT:PATH",
        help="write a report, such as json:agentready.json (repeatable)",
    )
    group.addoption("--agentready-explain", metavar="CHECK", help="say why a check exists and how to pass it, such as AR202, and exit")
    parser.addini("agentready_profile", "which checks run: checklist, standard (default) or strict", type="string", default=None)
    parser.addini("agentready_fail_on", "the mildest severity that fails: high, medium (default) or low", type="string", default=None)
    parser.addini("agentready_unproven", "what becomes of an unproven check: skip (default) or fail", type="string", default=None)
    parser.addini("agentready_allow_hosts", "services that are reached for real, such as localhost:5432", type="linelist", default=[])
    parser.addini("agentready_report", "reports to write, each FORMAT:PATH as for --agentready-report", type="linelist", default=[])


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    name = config.getoption("agentready_explain")
    if name is None:
        return None
    from pytest_agentready.registry import Registry, UnknownName
    from pytest_agentready.reports import explain

    try:
        check = Registry().check(name)
    except UnknownName as unknown:
        raise pytest.UsageError(f"--agentready-explain: {unknown}") from None
    print(explain.render(check))
    return 0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if _keys(config) or config.getoption("agentready_report"):
        _settings(config)  # every mistake is told before the first test runs
    config.stash[UNGUARDED_KEY] = vars(pytest.mark).get("agent_tool")
    setattr(pytest.mark, "agent_tool", GuardedMark(pytest.mark.agent_tool.mark, _ispytest=True))
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "agentready-recorder")


def pytest_unconfigure(config: pytest.Config) -> None:
    if UNGUARDED_KEY not in config.stash:
        return
    if (before := config.stash[UNGUARDED_KEY]) is None:
        delattr(pytest.mark, "agent_tool")
    else:
        setattr(pytest.mark, "agent_tool", before)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "readiness_check" in metafunc.fixturenames:
        _collection(metafunc.config).parametrize(metafunc)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups, and before anything is deselected
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if any("readiness_check" in getattr(item, "fixturenames", ()) or item.get_closest_marker("agent_tool") for item in items):
        for item, complaint in _collection(config).prepare(config, items).items():
            item.stash[COMPLAINT_KEY] = complaint


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if complaint := item.stash.get(COMPLAINT_KEY, ""):
        pytest.fail(complaint, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    __tracebackhide__ = True
    outcome = yield  # a test that failed or skipped by itself leaves here
    if _result(item):
        from pytest_agentready.fixtures import ReadinessCheck

        check = getattr(item, "funcargs", {}).get("readiness_check")
        if isinstance(check, ReadinessCheck):
            check.finish()
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo and _is_error(report):
        longrepr = call.excinfo.getrepr(style="value")  # the text has all; where we raised it helps nobody
        if longrepr.reprcrash:
            longrepr.reprcrash.message = str(call.excinfo.value)  # a line of the short summary has no room for our class's name
        report.longrepr = longrepr
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    return ("error", "E", "ERROR") if _is_error(report) else None


@pytest.fixture
def readiness_check(request: pytest.FixtureRequest) -> ReadinessCheck:
    """Examine the tool of the test's `agent_tool` mark: call it in the test, which becomes one item per check."""
    from pytest_agentready.fixtures import ReadinessCheck

    return ReadinessCheck(request, _collection(request.config).engine, _settings(request.config))


class GuardedMark(pytest.MarkDecorator):
    """`pytest.mark.agent_tool`, safe to be called with a tool alone.

    A mark that is called with one callable decorates it: `agent_tool(send_email)` above a test would give the mark to
    the tool, and then call the real tool with the test as its argument, when the file is imported.
    """

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


class Recorder:
    """Gathers the results, from workers too, and reports them; lives in the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.results: dict[str, Result] = {}
        self.gaps: list[str] = []
        self.deselected = 0
        self.written: list[tuple[Path, OSError | None]] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.gaps.append(f"{report.nodeid} could not be collected")

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.deselected += sum("readiness_check" in getattr(item, "fixturenames", ()) for item in items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when not in ("setup", "call", "teardown"):  # xdist's word for an item whose worker has died
            self.gaps.append(f"{report.nodeid} did not end")
        elif (report.when == "call" or not report.passed) and (result := _result(report)):
            self.results[result.node] = _settled(result, report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
            self.gaps.append("the run was interrupted")
        elif session.shouldfail or session.shouldstop:
            self.gaps.append(f"the run ended early: {session.shouldfail or session.shouldstop}")
        if session.exitstatus == pytest.ExitCode.OK and self.results and not self._chosen() and self._assessment().doubts:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED  # unproven checks skip, but a run that judged nothing is not green
        if SETTINGS_KEY not in self.config.stash or self.config.getoption("collectonly"):
            return
        for report in self.config.stash[SETTINGS_KEY].reports:
            import importlib

            render = importlib.import_module(f"pytest_agentready.reports.{report.format}").render
            try:
                report.path.write_text(render(self._assessment()), encoding="utf-8", newline="\n")
                self.written.append((report.path, None))
            except OSError as failure:  # it could be written when the run began
                self.written.append((report.path, failure))
                session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.results:
            from pytest_agentready.reports import terminal

            terminalreporter.section("agent readiness")
            width = self.config.get_terminal_writer().fullwidth
            for line in terminal.render(self._assessment(), width).splitlines():
                terminalreporter.write_line(line, **_markup(line))
        for path, failure in self.written:
            if failure:
                terminalreporter.write_line(f"ERROR: {path} could not be written: {failure}", red=True)
            else:
                terminalreporter.write_sep("-", f"agentready report: {path}")

    def _chosen(self) -> bool:
        """Was only a part of the items to run? A worker's own count does not come home."""
        return bool(self.deselected or self.config.getoption("keyword") or self.config.getoption("markexpr"))

    def _assessment(self) -> Assessment:
        from pytest_agentready import __version__
        from pytest_agentready.domain import Assessment

        settings = _settings(self.config)
        return Assessment(
            results=tuple(self.results.values()),
            version=__version__,
            profile=settings.profile,
            fail_on=settings.fail_on,
            unproven_fails=settings.unproven == "fail",
            gaps=tuple(dict.fromkeys(self.gaps)),
            deselected=self.deselected,
        )


def _keys(config: pytest.Config) -> list[str]:
    """The settings of ours that are given, known or not; found without loading what validates them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pytest 9 calls `inicfg` deprecated, and has nothing else that lists the keys
        given = [*getattr(config, "inicfg", ())]
    given += [override.partition("=")[0] for override in config.getoption("override_ini") or ()]
    return sorted({key for key in given if key.startswith("agentready")})


def _settings(config: pytest.Config) -> Settings:
    if SETTINGS_KEY not in config.stash:
        from pytest_agentready.settings import Settings

        config.stash[SETTINGS_KEY] = Settings.read(config, _keys(config))
    return config.stash[SETTINGS_KEY]


def _collection(config: pytest.Config) -> Collection:
    if COLLECTION_KEY not in config.stash:
        from pytest_agentready.collect import Collection, Marks
        from pytest_agentready.engine import Engine
        from pytest_agentready.registry import Registry

        settings = _settings(config)
        engine = Engine(Registry(), config.rootpath, settings.allow_hosts)
        config.stash[COLLECTION_KEY] = Collection(engine, settings.profile, Marks(engine.registry))
    return config.stash[COLLECTION_KEY]


def _result(carrier: pytest.Item | pytest.TestReport) -> Result | None:
    if (text := dict(carrier.user_properties).get("agentready")) is None:
        return None
    from pytest_agentready.domain import Result

    return Result.from_json(str(text))


def _is_error(report: pytest.TestReport) -> bool:
    """Did the item meet its end by an error of ours, as its result says?"""
    if report.when != "call" or not report.failed:
        return False
    result = _result(report)
    return result is not None and not result.pending and result.outcome.value == "error"


def _settled(result: Result, report: pytest.TestReport) -> Result:
    """The result; where the item ended otherwise than its verdict, or before it, how it did."""
    from pytest_agentready.domain import Outcome

    told = result.outcome in (Outcome.FAILED, Outcome.UNPROVEN, Outcome.ERROR)  # these may fail an item
    if not result.pending and (told or not report.failed):
        return result
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(getattr(report, "wasxfail", ""))
        return result.abandoned(Outcome.UNPROVEN, f"the test was skipped ({reason.removeprefix('Skipped: ')}): nothing was examined")
    crash = getattr(report.longrepr, "reprcrash", None)
    reason = str(crash.message if crash else report.longreprtext).removeprefix("Failed: ")
    return result.abandoned(Outcome.ERROR, reason)


def _markup(line: str) -> dict[str, bool]:
    """Colours by how a line of the summary begins."""
    starts = {
        "READY": {"green": True, "bold": True},
        "NOT READY": {"red": True, "bold": True},
        "Could not": {"red": True},
        "Not assessed": {"yellow": True},
        "  high ": {"red": True},
        "  medium ": {"yellow": True},
    }
    return next((markup for start, markup in starts.items() if line.startswith(start)), {})
