"""Lines of logs are read as the user's own handlers write them, whatever level lets them out, and nothing of the set-up is touched."""

from __future__ import annotations

import io
import logging
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.trace import get_tracer

from pytest_agentready.domain import LogLine
from pytest_agentready.world import observe
from pytest_agentready.world.leftovers import collected

log = logging.getLogger("shop.tools")


def lines_of(call: Callable[[], Any]) -> tuple[LogLine, ...]:
    run = observe(call, {})
    assert run.raised is None
    return run.telemetry.logs


@pytest.fixture
def written() -> Iterator[tuple[logging.StreamHandler[io.StringIO], io.StringIO]]:
    """A handler of the project's own."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    yield handler, stream
    log.removeHandler(handler)


def test_a_line_that_the_level_holds_back_is_read_and_not_emitted(caplog: pytest.LogCaptureFixture) -> None:
    def call() -> None:
        log.info("order %s", 42, extra={"order": 42})
        log.debug("nothing to see")

    for _ in range(2):
        (line,) = lines_of(call)
        assert (line.logger, line.level, line.text, line.attributes) == ("shop.tools", "INFO", "order 42", {"order": 42})
        assert (line.held_back, line.by_library) == (True, False)
        assert line.where.startswith(__file__)
    assert caplog.records == []
    assert not log.isEnabledFor(logging.INFO)


def test_a_line_that_comes_out_does_so_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = lines_of(lambda: log.warning("late"))
    assert not line.held_back
    assert [record.getMessage() for record in caplog.records] == ["late"]


def test_the_traceback_belongs_to_the_text_and_the_record_is_left_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    def call() -> None:
        try:
            raise ValueError("s3cret")
        except ValueError:
            log.exception("bad")

    (line,) = lines_of(call)
    assert line.text.startswith("bad\nTraceback (most recent call last):")
    assert line.text.endswith("ValueError: s3cret")


def test_a_level_that_was_given_by_name_holds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "shop")
    assert lines_of(lambda: log.info("quiet")) == ()
    caplog.set_level(logging.INFO, "shop.tools")
    assert len(lines_of(lambda: log.info("heard"))) == 1


def test_a_disabled_logger_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "disabled", True)
    assert lines_of(lambda: (log.info("a"), log.error("b"))) == ()


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_what_a_filter_of_a_handler_takes_out_is_out(written: Any, level: int) -> None:
    handler, stream = written

    def redact(record: logging.LogRecord) -> bool:
        record.msg, record.args = record.getMessage().replace("s3cret", "***"), ()
        return True

    handler.addFilter(redact)
    (line,) = lines_of(lambda: log.log(level, "key %s", "s3cret"))
    assert line.text == "key ***"
    assert stream.getvalue() == ("key ***\n" if level == logging.WARNING else "")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a filter gives no record before")
@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
@pytest.mark.parametrize("of_a_handler", [True, False])
def test_a_record_that_a_filter_gives_in_its_place_is_read(level: int, of_a_handler: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Exporter(logging.Handler):
        """It takes the record apart."""

        def emit(self, record: logging.LogRecord) -> None: ...

    def redact(record: logging.LogRecord) -> Any:
        return logging.makeLogRecord({**vars(record), "msg": "***", "args": (), "key": "***"})

    exporter = Exporter()
    monkeypatch.setattr(log, "handlers", [exporter])
    monkeypatch.setattr(exporter if of_a_handler else log, "filters", [redact])
    (line,) = lines_of(lambda: log.log(level, "s3cret", extra={"key": "s3cret"}))
    assert (line.text, line.attributes) == ("***", {"key": "***"})


def test_what_a_formatter_leaves_out_is_out(written: Any) -> None:
    handler, _ = written
    handler.setFormatter(logging.Formatter("%(levelname)s"))
    (line,) = lines_of(lambda: log.info("s3cret", extra={"key": "s3cret"}))
    assert (line.text, line.attributes) == ("INFO", {})


def test_a_line_that_no_handler_of_the_projects_takes_goes_nowhere(written: Any) -> None:
    handler, _ = written
    handler.setLevel(logging.ERROR)
    assert lines_of(lambda: (log.info("a"), log.warning("b"))) == ()


def test_a_filter_of_the_logger_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "filters", [lambda record: "secret" not in record.getMessage()])
    assert [line.text for line in lines_of(lambda: (log.info("secret"), log.info("order")))] == ["order"]


@pytest.mark.parametrize("of_a_handler", [True, False])
def test_a_filter_that_raises_does_so_only_for_what_comes_out(written: Any, of_a_handler: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def needs_an_order(record: logging.LogRecord) -> bool:
        return bool(vars(record)["order"])

    handler, _ = written
    monkeypatch.setattr(handler if of_a_handler else log, "filters", [needs_an_order])
    assert lines_of(lambda: log.info("held back")) == ()
    assert len(lines_of(lambda: log.info("held back", extra={"order": 42}))) == 1
    assert observe(lambda: log.warning("comes out"), {}).raised is not None


def test_a_filter_that_counts_is_asked_once_for_what_comes_out(written: Any) -> None:
    handler, stream = written
    seen: list[str] = []
    handler.addFilter(lambda record: seen.append(record.msg) or len(seen) == 1)
    assert len(lines_of(lambda: (log.warning("a"), log.warning("a")))) == 1
    assert (seen, stream.getvalue()) == (["a", "a"], "a\n")


def test_a_format_that_does_not_fit_is_no_failure_of_ours() -> None:
    (line,) = lines_of(lambda: log.info("%d orders", "many"))
    assert line.text == "%d orders"


def test_a_record_that_is_handed_on_directly_is_not_held_back(written: Any) -> None:
    _, stream = written
    lines_of(lambda: log.handle(logging.makeLogRecord({"msg": "from elsewhere", "levelno": logging.INFO, "levelname": "INFO"})))
    assert stream.getvalue() == "from elsewhere\n"


def test_threads_of_the_run_are_heard_and_bystanders_are_not() -> None:
    begin, done = threading.Event(), threading.Event()

    def beside() -> None:
        while not begin.wait(0.005):
            pass
        log.warning("from beside")
        done.set()

    bystander = threading.Thread(target=beside)
    bystander.start()

    def call() -> None:
        worker = threading.Thread(target=lambda: log.warning("from within"))
        worker.start()
        worker.join()

    try:
        assert [line.text for line in lines_of(call)] == ["from within"]
    finally:
        begin.set()
        bystander.join()


def test_loggers_of_the_harness_are_not_heard() -> None:
    assert lines_of(lambda: logging.getLogger("pytest_agentready.world").error("ours")) == ()


def test_a_librarys_line_is_told_from_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    from asyncio.log import logger

    code = compile("logger.warning('from the library')", logging.__file__.replace("logging", "asyncio"), "exec")
    (line,) = lines_of(lambda: exec(code, {"logger": logger}))
    assert line.by_library


def test_afterwards_all_is_as_before() -> None:
    before = [vars(logging.Logger)["handle"], vars(logging.Logger)["isEnabledFor"], vars(logging.Handler)["format"]]
    lines_of(lambda: log.info("a"))
    assert [vars(logging.Logger)["handle"], vars(logging.Logger)["isEnabledFor"], vars(logging.Handler)["format"]] == before


# --- OpenTelemetry -----------------------------------------------------------------------------------------------------

proxy = get_logger("shop.events")


def test_a_logger_of_the_api_is_heard_where_no_provider_is_set() -> None:
    def call() -> None:
        assert proxy.enabled()
        with get_tracer("shop").start_as_current_span("outer"):
            proxy.emit(body="placed", event_name="order.placed", attributes={"order": 42}, severity_number=SeverityNumber.INFO)
            proxy.emit(body="detail", severity_number=SeverityNumber.DEBUG)

    run = observe(call, {})
    (line,) = run.telemetry.logs
    assert (line.logger, line.level, line.text, line.event, line.attributes) == (
        "shop.events",
        "INFO",
        "placed",
        "order.placed",
        {"order": 42},
    )
    assert line.span == run.telemetry.spans[0].id
    assert not proxy.enabled()


def test_a_provider_of_the_users_goes_on_exporting() -> None:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    own = provider.get_logger("shop.own")

    def call() -> None:
        own.emit(LogRecord(body={"order": 42}, severity_text="WARN"))
        try:
            raise ValueError("no such order")
        except ValueError as error:
            own.emit(body="failed", exception=error)

    first, second = lines_of(call)
    assert (first.level, first.text) == ("WARN", "{'order': 42}")
    assert "ValueError: no such order" in second.text
    assert len(exporter.get_finished_logs()) == 2


def test_a_handler_that_hands_records_to_opentelemetry_makes_one_line_of_each(written: Any) -> None:
    class Bridge(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            proxy.emit(body=record.getMessage())

    bridge = Bridge()
    log.addHandler(bridge)
    try:
        (line,) = lines_of(lambda: log.warning("once", extra={"order": 42}))
    finally:
        log.removeHandler(bridge)
    assert line.attributes == {"order": 42}


# --- others ------------------------------------------------------------------------------------------------------------


def test_structlog_is_heard_by_itself_and_through_logging(capsys: pytest.CaptureFixture[str]) -> None:
    structlog = pytest.importorskip("structlog")

    def call() -> None:
        structlog.get_logger().info("order placed", order=42)
        structlog.get_logger().debug("nothing to see")
        structlog.wrap_logger(log, processors=[structlog.processors.JSONRenderer()], wrapper_class=structlog.stdlib.BoundLogger).info(
            "b", a=1
        )

    lines_of(call)
    printed, logged = lines_of(call)
    assert (printed.logger, printed.level) == ("structlog", "INFO")
    assert "order placed" in printed.text
    assert (logged.logger, logged.text) == ("shop.tools", '{"a": 1, "event": "b"}')


def test_loguru_is_heard_at_its_sinks() -> None:
    loguru = pytest.importorskip("loguru")
    got: list[str] = []
    sink = loguru.logger.add(got.append, format="{message}", level="DEBUG")

    def call() -> None:
        loguru.logger.info("order {}", 42)  # noqa: PLE1205  (by its own way of formatting)
        loguru.logger.debug("nothing to see")

    try:
        lines_of(call)
        lines = [line for line in lines_of(call) if line.text == "order 42"]
    finally:
        loguru.logger.remove(sink)
    assert [(line.logger, line.level) for line in lines] == [(__name__, "INFO")]
    assert len(got) == 4


def test_what_the_frames_of_a_logged_exception_hold_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    """pytest keeps the records until its test has ended, and with them each client that had met an error."""

    class Client:
        pass

    clients: list[weakref.ref[Client]] = []

    def ask() -> None:
        client = Client()
        clients.append(weakref.ref(client))
        raise TimeoutError("no answer")

    def tool() -> str:
        try:
            ask()
        except TimeoutError as error:
            try:
                raise ValueError("no order") from error
            except ValueError:
                logging.getLogger("shop").exception("failed")
        return "failed"

    with collected(tool):
        observe(tool, {})
    assert [client() for client in clients] == [None]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ValueError]
