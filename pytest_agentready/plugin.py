"""The doorway: options, settings, markers and hooks. What lies behind it is imported when a test asks for it."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_agentready import (
    guarded,
    startup,  # noqa: F401  (it keeps what the process was started with)
)
from pytest_agentready import session as ours
from pytest_agentready.recorder import EMITTED, NOTES, UNUSABLE, Recorder, carried, is_error

if TYPE_CHECKING:
    from pytest_agentready.fixtures import ReadinessCheck

MARKER = (
    "agent_tool(tool, args=..., backend=..., timeout=..., kind=..., result_budget=..., confirm=..., user=..., read_only=..., "
    "destructive=..., idempotent=..., reads=..., bookkeeping=..., breaker=...): what readiness_check() examines, an object or "
    "'module:name'; `args`: a dict of its arguments, a list of such dicts, or a callable that gives one, made up where left out; "
    "`backend`: what the outside world answers; `timeout`: seconds within which it promises to end; `kind`: 'api' (5 s) or 'db' (30 s); "
    "`result_budget`: tokens of what it returns; `confirm`: a function that records a human's approval of exactly that call; `user`: the "
    "parameter, or the ContextVar, that says for whom it acts; `read_only`, `destructive`, `idempotent`: what it is said to be; `reads`: "
    "writes by their verb that only read, such as 'POST https://api.example.com/search', 'POST https://rpc.example.com/ eth_get*' (a "
    "method of JSON-RPC) or 'process:git log'; `bookkeeping`: stores of a gate's or a cache's own, such as 'redis:cache:*', 'table:outbox' "
    "or 'file:*.lock' (by the whole path or the one from the working directory; `*` stands for any characters, also for `/`); `breaker`: "
    "it has a circuit breaker, which is then put to the test."
)
LOOP_MARKER = (
    "agent_loop(loop, prompt=..., user=..., session=..., args=..., backend=..., tools=..., limits=..., token_budget=..., "
    "context_window=..., max_model_calls=..., prices=..., approve=..., call=..., reads=..., bookkeeping=...): what readiness_check() "
    "examines, the function that talks to the model, or 'module:name'; `prompt`, `user`, `session`: its parameters for the user's text and "
    "the ids; `args`: what it takes beside; `backend`: what the outside world answers to its tools; `tools`: those that it offers; "
    "`limits`: dollars, such as {'session': 0.50, 'user_daily': 5.00}; `token_budget`: tokens of one conversation; `context_window`: "
    "tokens of one request; `max_model_calls`: when it is endless (60); `prices`: by model, in dollars per million tokens; `approve`: "
    "approve(tool_name, arguments), a human's approval of that call; `call`: a function that stands for the loop, takes the user's text "
    "and gives what the user gets; `reads`, `bookkeeping`: as of agent_tool."
)
BREAKER_MARKER = (
    "agent_breaker(breaker, limits=..., user=..., session=..., cost=..., args=..., settle=...): what readiness_check() examines, a cost "
    "breaker by itself: a function, or an object with check_and_increment(user_id, session_id, cost_usd) or the like; `limits`: dollars, "
    "such as {'session': 0.50, 'user_daily': 5.00, 'global_hourly': 100.00}; `user`, `session`, `cost`: its parameters for the ids and "
    "the dollars; `args`: what it takes beside; `settle`: a function of the user, the session and the dollars that were spent in the end."
)
pytest_plugins = ("pytest_agentready.own_tests", "pytest_agentready.workers")
INI = {
    "agentready_tools": ("linelist", "what `--agentready` examines without a test file: modules, or module:name"),
    "agentready_loops": ("linelist", "the loops that `--agentready` examines without a test file, each module:name"),
    "agentready_profile": ("string", "which checks run: checklist, standard (default) or strict"),
    "agentready_fail_on": ("string", "the mildest severity that fails: high, medium (default) or low"),
    "agentready_unproven": ("string", "what becomes of an unproven check: skip (default) or fail"),
    "agentready_waive": ("linelist", "findings that are accepted, each CHECK SUBJECT [until DATE]: REASON"),
    "agentready_allow_hosts": ("linelist", "services that are reached for real, each host or host:port"),
    "agentready_allow_processes": ("linelist", "programs that a tool may really start, each by its name"),
    "agentready_report": ("linelist", "reports to write, each FORMAT:PATH as for --agentready-report"),
}
COMPLAINT_KEY = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("agentready", "agent readiness")
    group.addoption(
        "--agentready",
        action="store_true",
        help="examine what agentready_tools and agentready_loops name, without a test file; a mark tells what cannot be guessed",
    )
    group.addoption(
        "--agentready-tools",
        action="append",
        default=[],
        metavar="TARGET",
        help="examine this module's tools, or module:name, in the place of agentready_tools (repeatable; implies --agentready)",
    )
    group.addoption(
        "--agentready-loops",
        action="append",
        default=[],
        metavar="TARGET",
        help="examine this loop, module:name, in the place of what is configured (repeatable; implies --agentready)",
    )
    group.addoption(
        "--agentready-report",
        action="append",
        default=[],
        metavar="FORMAT:PATH",
        help="write a report, such as json:agentready.json (repeatable)",
    )
    group.addoption("--agentready-explain", metavar="CHECK", help="say why a check exists and how to pass it, such as AR202, and exit")
    for key, (type, help) in INI.items():
        parser.addini(key, help, type=type, default=None if type == "string" else [])  # type: ignore[arg-type]


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    name = config.getoption("agentready_explain")
    if name is None:
        return None
    from pytest_agentready.registry import UnknownName, Unloadable
    from pytest_agentready.reports import explain

    try:
        check = ours.registry(config).check(name)
    except (UnknownName, Unloadable) as problem:
        raise pytest.UsageError(f"--agentready-explain: {problem}") from None
    print(explain.render(check))
    return 0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    config.addinivalue_line("markers", LOOP_MARKER)
    config.addinivalue_line("markers", BREAKER_MARKER)
    ours.take_nodes(config)
    if ours.is_configured(config):
        ours.settings(config)  # every mistake is told before the first test runs
    guarded.put_up(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "agentready-recorder")


def pytest_unconfigure(config: pytest.Config) -> None:
    if ours.COLLECTION_KEY in config.stash:
        ours.collection(config).engine.close()
    guarded.take_down(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost: --lf puts what the session collects into another order
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if isinstance(collector, pytest.Session) and report.passed and ours.wants_targets(collector.config):
        # After all files: a tool that a test marks gets no items beside that test's.
        report.result.append(ours.collection(collector.config).targets(collector))
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "readiness_check" in metafunc.fixturenames:
        ours.collection(metafunc.config).parametrize(metafunc)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups, and before anything is deselected
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    if ours.chosen_nodes(config) and not session.testsfailed and (missed := ours.collection(config).missed()):
        raise pytest.UsageError("\n".join(missed))
    if any(
        "readiness_check" in getattr(item, "fixturenames", ())
        or item.get_closest_marker("agent_tool")
        or item.get_closest_marker("agent_loop")
        for item in items
    ):
        for item, complaint in ours.collection(config).prepare(config, items).items():
            item.stash[COMPLAINT_KEY] = complaint


def pytest_deselected(items: list[pytest.Item]) -> None:
    """In workers, too: what they leave out does not come home."""
    if items and ours.COLLECTION_KEY in items[0].config.stash:
        collection = ours.collection(items[0].config)
        collection.notes += [f"{UNUSABLE}{problem}" for problem in collection.deselected(items)]


def pytest_collection_finish(session: pytest.Session) -> None:
    if ours.COLLECTION_KEY in session.config.stash:
        ours.collection(session.config).expect(session.items)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    if ours.COLLECTION_KEY in item.config.stash:
        ours.collection(item.config).done(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if complaint := item.stash.get(COMPLAINT_KEY, ""):
        pytest.fail(complaint, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    __tracebackhide__ = True
    outcome = yield  # a test that failed or skipped by itself leaves here
    if carried(item):
        from pytest_agentready.fixtures import ReadinessCheck

        check = getattr(item, "funcargs", {}).get("readiness_check")
        if isinstance(check, ReadinessCheck):
            check.finish()
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo and is_error(report):
        longrepr = call.excinfo.getrepr(style="value")  # the text has all; where we raised it helps nobody
        if longrepr.reprcrash:
            longrepr.reprcrash.message = str(call.excinfo.value)  # a line of the short summary has no room for our class's name
        report.longrepr = longrepr
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    return ("error", "E", "ERROR") if is_error(report) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send home what a worker has to note, and spare a session that has not used hypothesis its summary.

    We brought hypothesis into this environment, and its own plugin imports all of it (0.7 s) to write a summary, used or not. A process
    that has not imported it has nothing to tell, unless it is the controller of xdist: there the workers have.
    """
    if ours.COLLECTION_KEY in session.config.stash and hasattr(session.config, "workeroutput"):
        session.config.workeroutput[NOTES] = ours.collection(session.config).notes
        session.config.workeroutput[EMITTED] = ours.emitted(session.config)
    manager = session.config.pluginmanager
    if "hypothesis" not in sys.modules and not manager.hasplugin("dsession") and manager.hasplugin("hypothesispytest"):
        manager.unregister(name="hypothesispytest")


@pytest.fixture
def readiness_check(request: pytest.FixtureRequest) -> ReadinessCheck:
    """Examine the tool of the test's `agent_tool` mark: call it in the test, which becomes one item per check."""
    from pytest_agentready.fixtures import ReadinessCheck

    return ReadinessCheck(request, ours.collection(request.config).engine, ours.settings(request.config))
