"""Gathers the results of a session, from workers too, and reports them; lives in the process that reports."""

from __future__ import annotations

import contextlib
import functools
import json
import operator
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_agentready import session as ours

if TYPE_CHECKING:
    from pytest_agentready.domain import Assessment, Result

NARROWING = ("keyword", "markexpr", "deselect", "lf", "stepwise", "ignore", "ignore_glob")  # pytest's options that leave items out

UNUSABLE = "deselected, and cannot be examined: "
NOTES = "agentready_notes"  # what a worker of xdist sends home when it is done
EMITTED = "agentready_emitted"  # and this, what the code under examination has emitted there
BY_HAND = "agentready_calls"  # the user property under which a hand-written test's report carries its results


class Recorder:
    """A plugin of its own, registered where the reports of all workers arrive."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.results: dict[str, Result] = {}
        self.by_hand: dict[str, tuple[Result, ...]] = {}  # what was found in the calls of the tests that call a tool themselves
        self.broken: dict[str, None] = {}  # an ordered set of the tests of that kind that failed
        self.gaps: list[str] = []
        self.notes: list[str] = []  # of workers
        self.emitted: list[dict[str, Any]] = []  # of workers
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
        elif (report.when == "call" or not report.passed) and (result := carried(report)):
            self.results[result.node] = _settled(result, report)
        elif (found := found_by_hand(report)) is not None:
            if report.when == "call":
                self.by_hand[report.nodeid] = found
            if report.failed:
                self.broken[report.nodeid] = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
            self.gaps.append("the run was interrupted")
        elif session.shouldfail or session.shouldstop:
            self.gaps.append(f"the run ended early: {session.shouldfail or session.shouldstop}")
        if session.exitstatus == pytest.ExitCode.OK and self.results and self._assessment().doubts:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED  # unproven checks skip, but a run that judged nothing is not green
        self._keep_emitted()
        if not ours.is_configured(self.config) or self.config.getoption("collectonly"):
            return
        for report in ours.settings(self.config).reports:
            import importlib

            render = importlib.import_module(f"pytest_agentready.reports.{report.format}").render
            try:
                report.path.write_text(render(self._assessment()), encoding="utf-8", newline="\n")
                self.written.append((report.path, None))
            except OSError as failure:  # it could be written when the run began
                self.written.append((report.path, failure))
                session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.results or self._hides_a_mistake():
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

    def _keep_emitted(self) -> None:
        """For `pytest-agentready alerts`. A run of a part says nothing about what the rest emits: it only adds."""
        found = [*self.emitted, *filter(None, [ours.emitted(self.config)])]
        cache = getattr(self.config, "cache", None)  # None for `-p no:cacheprovider`
        if not found or cache is None:
            return
        from pytest_agentready.domain import RECORD, Emitted

        emitted = functools.reduce(operator.or_, map(Emitted.from_json, found))
        if not self._is_whole():
            with contextlib.suppress(KeyError, TypeError, ValueError):  # nothing of ours is there, or nothing that can be read
                emitted |= Emitted.from_json(cache.get(RECORD, None))
        cache.set(RECORD, emitted.to_json())

    def _selected(self) -> bool:
        """Were single checks picked out? A worker's own count of those that were not does not come home."""
        options = any(getattr(self.config.option, name, None) for name in ("keyword", "markexpr", "lf", "stepwise"))
        ids = any(argument.endswith("]") for argument in self.config.args)
        return bool(self.deselected) or options or ids or any(node.count("::") > 1 for node in ours.chosen_nodes(self.config))

    def _notes(self) -> list[str]:
        """What the collection has to say; with xdist each worker has collected, and says the same."""
        own = ours.collection(self.config).notes if ours.COLLECTION_KEY in self.config.stash else []
        return [*own, *self.notes]

    def _hides_a_mistake(self) -> bool:
        """Has the selection left nothing but a mark that cannot be used? `-k AR202` would else be silent about it."""
        return not self.config.getoption("collectonly") and any(note.startswith(UNUSABLE) for note in self._notes())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        sent = getattr(node, "workeroutput", {})
        self.notes += sent.get(NOTES, ())
        self.emitted += filter(None, [sent.get(EMITTED)])

    def _is_whole(self) -> bool:
        """Was everything to be run that is configured, and was it?"""
        option = self.config.option
        narrowed = self.deselected or any(getattr(option, name, None) for name in NARROWING)
        return not (narrowed or self.gaps or _names_a_part(self.config) or ours.leaves_targets_out(self.config))

    def _assessment(self) -> Assessment:
        from pytest_agentready import __version__
        from pytest_agentready.domain import Assessment

        settings = ours.settings(self.config)
        return Assessment(
            results=tuple(self.results.values()),
            version=__version__,
            profile=settings.profile,
            fail_on=settings.fail_on,
            unproven_fails=settings.unproven == "fail",
            gaps=tuple(dict.fromkeys([*self.gaps, *(f"{node} failed" for node in self.broken)])),
            by_hand=tuple(result for results in self.by_hand.values() for result in results),
            deselected=self.deselected,
            selected=self._selected(),
            waivers=() if self.config.getoption("runxfail") else settings.waivers,
            today=settings.today,
            notes=tuple(dict.fromkeys(self._notes())),
            whole=self._is_whole(),
        )


def carried(carrier: pytest.Item | pytest.TestReport) -> Result | None:
    """The result that an item or its report carries; None where it is not ours."""
    if (text := dict(carrier.user_properties).get("agentready")) is None:
        return None
    from pytest_agentready.domain import Result

    return Result.from_json(str(text))


def carry(item: pytest.Item, results: Iterable[Result]) -> None:
    """Let the reports of a hand-written test bring home what was found in its calls; a rerun starts anew."""
    others = [pair for pair in item.user_properties if pair[0] != BY_HAND]
    item.user_properties[:] = [*others, (BY_HAND, json.dumps([result.to_json() for result in results]))]


def found_by_hand(report: pytest.TestReport) -> tuple[Result, ...] | None:
    """What was found in the calls of a test that takes agent_tool or agent_world; None for any other test."""
    if (text := dict(report.user_properties).get(BY_HAND)) is None:
        return None
    from pytest_agentready.domain import Result

    return tuple(map(Result.from_json, json.loads(str(text))))


def is_error(report: pytest.TestReport) -> bool:
    """Did the item meet its end by an error of ours, as its result says?"""
    if report.when != "call" or not report.failed:
        return False
    result = carried(report)
    return result is not None and not result.pending and result.outcome.value == "error"


def _settled(result: Result, report: pytest.TestReport) -> Result:
    """The result; where the item ended otherwise than its verdict, or before it, how it did."""
    from pytest_agentready.domain import Outcome

    told = result.outcome in (Outcome.FAILED, Outcome.UNPROVEN, Outcome.ERROR) or bool(result.reason)  # these may fail an item
    if not result.pending and (told or not report.failed):
        return result
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(getattr(report, "wasxfail", ""))
        return result.abandoned(Outcome.UNPROVEN, f"the test was skipped ({reason.removeprefix('Skipped: ')}): nothing was examined")
    crash = getattr(report.longrepr, "reprcrash", None)
    reason = str(crash.message if crash else report.longreprtext).removeprefix("Failed: ")
    return result.abandoned(Outcome.ERROR, reason)


def _names_a_part(config: pytest.Config) -> bool:
    """Do the arguments name less than what runs without any?"""
    if ours.chosen_nodes(config):
        return True
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return False
    here = config.invocation_params.dir
    given = {(here / argument).resolve() for argument in config.args}
    usual = {(config.rootpath / path).resolve() for path in config.getini("testpaths")} or {config.rootpath}
    return not usual <= given and config.rootpath not in given


def _markup(line: str) -> dict[str, bool]:
    """Colours by how a line of the summary begins."""
    starts = {
        "READY, as far": {"yellow": True, "bold": True},
        "READY": {"green": True, "bold": True},
        "NOT READY": {"red": True, "bold": True},
        "Judged in part: ": {"yellow": True, "bold": True},
        "Nothing was judged: ": {"yellow": True, "bold": True},
        "Could not": {"red": True},
        "Not assessed": {"yellow": True},
        "Waived": {"yellow": True},
        "  high ": {"red": True},
        "  medium ": {"yellow": True},
    }
    return next((markup for start, markup in starts.items() if line.startswith(start)), {})
