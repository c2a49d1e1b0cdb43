"""Records of OpenTelemetry's own logs, and the lines of loggers that do without `logging`: structlog's printers and the sinks of loguru.

A record is seen where it is emitted, in the SDK's logger, or in the one of the API that does nothing where no provider is set. A line of
structlog or loguru is seen as it goes out: whatever takes a secret out of it has done so by then.
"""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_agentready.domain import LogLine
from pytest_agentready.telemetry import capture
from pytest_agentready.telemetry.capture import Replacement
from pytest_agentready.telemetry.logs import LEAST, is_heard, listener
from pytest_agentready.telemetry.recording import Recording

API, SDK, STRUCTLOG = "opentelemetry._logs._internal", "opentelemetry.sdk._logs._internal", "structlog._output"
SINKS = {
    "loguru._simple_sinks": ("StreamSink", "StandardSink", "AsyncSink", "CallableSink"),
    "loguru._file_sink": ("FileSink",),
}
PRINTERS = ("PrintLogger", "WriteLogger", "BytesLogger")
LEVELS = ("info", "warn", "warning", "error", "exception", "critical", "fatal")  # methods of a printer
INFO = 9  # OpenTelemetry's number of it


def replacements() -> Iterator[Replacement]:
    """None of a library that is not loaded."""
    for name, found in MODULES.items():
        if name in sys.modules:
            yield from found()


def _of_api() -> Iterator[Replacement]:
    for logger in _there(API, "NoOpLogger"):
        yield Replacement(logger, "emit", _emitted(logger.emit))
        if hasattr(logger, "enabled"):
            yield Replacement(logger, "enabled", _wanted(logger.enabled))


def _of_sdk() -> Iterator[Replacement]:
    for logger in _there(SDK, "Logger"):
        yield Replacement(logger, "emit", _emitted(logger.emit))


def _of_structlog() -> Iterator[Replacement]:
    for printer in _there(STRUCTLOG, *PRINTERS):
        for level in LEVELS:
            yield Replacement(printer, level, _printed(getattr(printer, level), level))


def _of_loguru(module: str) -> Iterator[Replacement]:
    for sink in _there(module, *SINKS[module]):
        yield Replacement(sink, "write", _poured(sink.write))


def _there(module: str, *classes: str) -> Iterator[Any]:
    """Those of the classes that this release of the library has."""
    return (getattr(sys.modules[module], name) for name in classes if hasattr(sys.modules[module], name))


# What is replaced in each module, once it has been executed.
MODULES: Mapping[str, Callable[[], Iterator[Replacement]]] = {
    API: _of_api,
    SDK: _of_sdk,
    STRUCTLOG: _of_structlog,
    **{name: functools.partial(_of_loguru, name) for name in SINKS},
}


def _wanted(original: Callable[..., bool]) -> Callable[..., bool]:
    """The logger of the API is one that a provider would stand behind, in production."""

    @functools.wraps(original)
    def enabled(self: Any, **kwargs: Any) -> bool:
        return listener(self._name) is not None or original(self, **kwargs)

    return enabled


def _emitted(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def emit(self: Any, record: Any = None, **told: Any) -> Any:
        given = original(self, **told) if record is None else original(self, record)
        if not is_heard() and (seen := listener(self._name)) is not None:
            record = getattr(record, "log_record", record)  # the SDK's wraps the API's
            line = _line(seen, self._name, told if record is None else _Fields(record))
            if line is not None:
                seen.logged(line)
        return given

    return emit


class _Fields(Mapping[str, Any]):
    """What a record says, by the names of its fields, which differ from version to version."""

    def __init__(self, record: Any) -> None:
        self._record = record

    def __getitem__(self, name: str) -> Any:
        return getattr(self._record, name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self._record))

    def __len__(self) -> int:
        return len(vars(self._record))


def _line(seen: Recording, logger: str, told: Mapping[str, Any]) -> LogLine | None:
    """None where production would not let it out."""
    number = getattr(told.get("severity_number"), "value", None)
    if number and number < INFO:
        return None
    body, attributes = told.get("body"), dict(told.get("attributes") or {})
    text = body if isinstance(body, str) else "" if body is None else repr(body)
    if (error := told.get("exception")) is not None:
        text = "\n".join(filter(None, (text, "".join(traceback.format_exception(type(error), error, error.__traceback__)))))
    level = told.get("severity_text") or getattr(told.get("severity_number"), "name", "") or "INFO"
    event = told.get("event_name") or str(attributes.get("event.name", ""))
    return LogLine(logger, str(level), text, attributes, event, capture.current(), seen.now(), seen.here())


def _printed(original: Callable[..., Any], level: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def write(self: Any, message: Any) -> Any:
        given = original(self, message)
        if (seen := listener("structlog")) is not None:
            text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
            seen.logged(LogLine("structlog", level.upper(), text, span=capture.current(), at=seen.now(), where=seen.here()))
        return given

    return write


def _poured(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def write(self: Any, message: Any) -> Any:
        given = original(self, message)
        record = getattr(message, "record", None)
        if record is None or record["level"].no < LEAST or is_heard():
            return given
        if (seen := listener(str(record["name"]))) is not None:
            level, text = record["level"].name, str(message).rstrip("\n")
            seen.logged(LogLine(str(record["name"]), level, text, span=capture.current(), at=seen.now(), where=seen.here()))
        return given

    return write
