"""Lines of `logging` are seen where a logger hands them on, in the words that the user's own handlers make of them.

A filter or a formatter that takes a secret out has done its work by then; where no handler is set up, as in most test suites, the record
is read as it stands. A line of level INFO or above that the present level does not let out is read all the same, and goes nowhere: in
production it would come out. A level that somebody has given to a logger by its name is not the present one alone, and holds. Nothing of
the user's set-up is touched.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.domain import LogLine
from pytest_agentready.telemetry import capture
from pytest_agentready.telemetry.capture import Replacement
from pytest_agentready.telemetry.recording import Recording

LEAST = logging.INFO  # what production lets out
OURS = ("pytest_agentready", "_pytest", "fakeredis", "hypothesis")  # loggers of the harness
TEST_TOOLS = ("_pytest.", "pytest_", "unittest.")  # whose handlers tell nobody of anything
USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}  # of a record: the rest was given as `extra`

_let_out = logging.Logger.isEnabledFor


class _Hearing(threading.local):
    """What the calling thread's loggers are about."""

    line: _Line | None = None  # that is being handed on
    held: tuple[logging.Logger, int] | None = None  # the logger and the level that were let in by us alone


class _Line:
    """What becomes of a record."""

    def __init__(self, record: logging.LogRecord) -> None:
        self.record = record  # as it is by now: a filter may give another one, from Python 3.12 on
        self.taken = False  # by a handler of the user's
        self.texts: dict[str, None] = {}  # an ordered set: what such handlers have made of it
        self.whole = False  # one of them takes it as it stands, with its extra fields


_hearing = _Hearing()
_with_errors: weakref.WeakSet[logging.LogRecord] = weakref.WeakSet()  # those of runs


def replacements() -> Iterator[Replacement]:
    yield Replacement(logging.Logger, "isEnabledFor", _let_in(_let_out))
    yield Replacement(logging.Logger, "handle", _read(logging.Logger.handle))
    yield Replacement(logging.Handler, "handle", _taken(logging.Handler.handle))
    yield Replacement(logging.Handler, "format", _written(logging.Handler.format))


def is_heard() -> bool:
    """Is the calling thread handing a record of `logging` on? What comes of it by other ways is the same line."""
    return _hearing.line is not None


def listener(logger: str) -> Recording | None:
    """Who writes down what the calling thread has this logger say."""
    seen = capture.recording
    return None if seen is None or logger.startswith(OURS) or not seen.concerns() else seen


def _let_in(original: Callable[..., bool]) -> Callable[..., bool]:
    @functools.wraps(original)
    def is_enabled_for(self: logging.Logger, level: int) -> bool:
        if original(self, level):
            return True
        if level < LEAST or not _comes_out(self, level) or listener(self.name) is None:
            return False
        _hearing.held = (self, level)
        return True

    return is_enabled_for


def _comes_out(logger: logging.Logger | None, level: int) -> bool:
    """In production: the root's level is only the present one."""
    if logger is None or logger.disabled:
        return False
    while logger.parent is not None:
        if logger.level:
            return level >= logger.level
        logger = logger.parent
    return True


def let_go() -> None:
    """Whoever keeps the records of a run, as pytest does until its test has ended, keeps no more than their words and their exceptions.

    The frames of an exception hold the client that met it, and that, since httpx makes one for each call, all the roots of the system.
    """
    while _with_errors:
        record = _with_errors.pop()
        error, seen = record.exc_info[1] if record.exc_info else None, set[int]()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            traceback.clear_frames(error.__traceback__)
            error = error.__cause__ or error.__context__


def _read(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def handle(self: logging.Logger, record: logging.LogRecord) -> None:
        seen = listener(self.name) if record.levelno >= LEAST and _hearing.line is None else None
        if seen is None:
            original(self, record)
            return
        held_back = _hearing.held == (self, record.levelno) and not _let_out(self, record.levelno)
        _hearing.held, _hearing.line = None, (line := _Line(record))
        try:
            if held_back:
                passes = _rehearsed(self, record)
            else:
                passes = not self.disabled
                original(self, record)
        finally:
            _hearing.line = None
            if record.exc_info and record.exc_info[1] is not None:
                _with_errors.add(record)
        if passes and (line.taken or not any(map(_is_users, _handlers(self)))):
            seen.logged(_frozen(self.name, line, held_back, seen))

    return handle


def _rehearsed(logger: logging.Logger, record: logging.LogRecord) -> bool:
    """What its handlers would make of it, and tell nobody. Does it pass the logger's own filters?

    At this level the code would never have run a filter of them: one that raises is no failure of the code's, and the line is not read.
    """
    with contextlib.suppress(Exception):
        passed = logger.filter(record)
        if not passed:
            return False
        record = _passed(passed, record)
        _note(record)
        for handler in filter(_is_users, _handlers(logger)):
            if record.levelno >= handler.level and (taken := handler.filter(record)):
                _note(_passed(taken, record), handler)
                with contextlib.suppress(Exception):  # it was never meant to be formatted by this one, perhaps
                    if _writes_text(handler):
                        handler.format(_passed(taken, record))
        return True
    return False


def _taken(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def handle(self: logging.Handler, record: logging.LogRecord) -> Any:
        took = original(self, record)
        if took and _hearing.line is not None:
            _note(_passed(took, record), self if _is_users(self) else None)
        return took

    return handle


def _written(original: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(original)
    def format(self: logging.Handler, record: logging.LogRecord) -> str:
        text = original(self, record)
        if _hearing.line is not None and _is_users(self):
            _hearing.line.texts.setdefault(text)
        return text

    return format


def _note(record: logging.LogRecord, handler: logging.Handler | None = None) -> None:
    """The record has come as far as this, and to this handler of the user's, where there is one."""
    line = _hearing.line
    if line is None or (handler is None and line.taken):
        return
    line.record = record
    if handler is not None:
        line.taken = True
        line.whole = line.whole or not _writes_text(handler)


def _passed(word: object, record: logging.LogRecord) -> logging.LogRecord:
    """What a filter has let through: the record, or another one in its place."""
    return word if isinstance(word, logging.LogRecord) else record


def _handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    """To which the logger's records go, up to the root's."""
    found: logging.Logger | None = logger
    while found is not None:
        yield from found.handlers
        found = found.parent if found.propagate else None


def _is_users(handler: logging.Handler) -> bool:
    """Has the project set it up, to tell somebody?"""
    return not isinstance(handler, logging.NullHandler) and not type(handler).__module__.startswith(TEST_TOOLS)


def _writes_text(handler: logging.Handler) -> bool:
    """Others take the record apart: an exporter's, an error tracker's."""
    return isinstance(handler, logging.StreamHandler) or handler.formatter is not None


def _frozen(logger: str, line: _Line, held_back: bool, seen: Recording) -> LogLine:
    record, as_it_stands = line.record, line.whole or not line.texts
    texts = [_plain(record)] if as_it_stands else []
    return LogLine(
        logger,
        record.levelname,
        "\n".join([*texts, *line.texts]),
        {name: value for name, value in vars(record).items() if name not in USUAL} if as_it_stands else {},
        span=capture.current(),
        at=seen.now(),
        where=seen.here(),
        held_back=held_back,
        by_library=not seen.is_users(record.pathname),
    )


def _plain(record: logging.LogRecord) -> str:
    """The message with its traceback. The record is not touched: a formatter of the user's would find a traceback in it."""
    try:
        text = record.getMessage()
    except Exception:  # its arguments do not fit
        text = str(record.msg)
    if record.exc_info and record.exc_info[0] is not None:
        return f"{text}\n{logging.Formatter().formatException(record.exc_info)}"
    return f"{text}\n{record.exc_text}" if record.exc_text else text
