"""How a tool's result reads: success or failure, of which class, and said in which way.

The typed contract is the article's pattern 1: an object or mapping with `status`, and for an error
`error_type`, `retry_safe` and `message`. Any class of that shape counts. Everything else is untyped, and is read
for the signs by which a model could tell that the call failed.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal["success", "error"]

SUCCESS_WORDS = frozenset({"success", "successful", "succeeded", "ok", "okay"})
ERROR_WORDS = frozenset({"error", "err", "failed", "failure", "fail"})

# Stems that tell a reader "this did not work". They are compared with the normal answer, so that a word
# that the tool always says proves nothing.
SIGNS = re.compile(
    r"\b(?:error|fail|unable|could\s?n[o']?t|can\s?not|can't|unavailable|time[ds]?[\s_-]?out|exception|traceback|denied"
    r"|forbidden|unauthori[sz]ed|not\sfound|no\s(?:\w+\s){1,3}found|invalid|refused|reset|unreachable|rate[\s_-]?limit"
    r"|too\smany|try\sagain|retry|went\swrong|problem|sorry|malformed|unexpected|unknown\s(?:host|name)|bad\s(?:gateway|request)"
    r"|certificate|abort|reject|missing|not\savailable|did\snot|didn't|was\snot|wasn't|does\snot|no\s(?:response|answer|result)"
    r"|http[\s/]*(?:status\s)?[45]\d\d|status(?:\scode)?\W{1,3}[45]\d\d|[45]\d\d\s(?:client|server))",
    re.IGNORECASE,
)
ERROR_FIELDS = ("error", "errors", "error_message", "error_type", "error_code", "exception", "failure")
OK_FIELDS = ("ok", "success", "succeeded", "successful", "is_success")
NOT_OK_FIELDS = ("is_error", "isError", "failed", "has_error")
CODE_FIELDS = ("status_code", "statusCode", "http_status", "status", "code")
TEXT_LIMIT = 100_000  # characters of a result that are read for signs


@dataclass(frozen=True, slots=True)
class Answer:
    """A result as its reader understands it."""

    typed: bool  # it keeps the typed contract, or is the framework's own envelope
    status: Status | None  # what it claims of itself; None: nothing
    error_type: str | None = None
    retry_safe: bool | None = None
    message: str = ""
    empty: bool = False  # None, "", [], {}: an answer without content
    signs: frozenset[str] = frozenset()  # signs of failure in an untyped result, lower case
    text: str = ""

    @property
    def is_error(self) -> bool:
        return self.status == "error"

    def reads_as_failure(self, normal: Answer | None) -> bool:
        """Could a model tell that the call failed? A word that the normal answer has too tells it nothing."""
        if self.status is not None:
            return self.is_error
        return bool(self.signs - (normal.signs if normal is not None else frozenset()))


def read_answer(value: object) -> Answer:
    """Read any Python value; never raises, whatever the user's class does when it is looked at."""
    try:
        return _read_typed(value) or _read_untyped(value)
    except Exception:  # a property or __repr__ of the user's own that raises
        return Answer(typed=False, status=None, text=object.__repr__(value))


def _read_typed(value: object) -> Answer | None:
    status = _plain(_field(value, "status"))
    if not isinstance(status, str):
        return None
    word = status.lower()
    if word not in SUCCESS_WORDS and word not in ERROR_WORDS:
        return None  # {"status": "shipped"} is somebody's data
    error_type = _plain(_field(value, "error_type"))
    retry_safe = _plain(_field(value, "retry_safe"))
    message = _plain(_field(value, "message"))
    return Answer(
        typed=True,
        status="success" if word in SUCCESS_WORDS else "error",
        error_type=None if error_type is None else str(error_type).lower(),
        retry_safe=retry_safe if isinstance(retry_safe, bool) else None,
        message="" if message is None else str(message),
        text=_text(value),
    )


def _read_untyped(value: object) -> Answer:
    content = _parsed(value)
    text = _text(value)
    signs = {match.group().lower() for match in SIGNS.finditer(text[:TEXT_LIMIT])}
    claim = _claim(content)
    if claim == "error":
        signs.add("<says that it failed>")
    return Answer(
        typed=False,
        status=claim,
        empty=content is None or (isinstance(content, (str, bytes, list, tuple, set, frozenset, Mapping)) and not content),
        signs=frozenset(signs),
        text=text,
    )


def _claim(content: object) -> Status | None:
    """What a plain value says about itself by the usual fields; `{"error": null}` says nothing."""
    if content is False or isinstance(content, BaseException):
        return "error"
    if isinstance(content, (list, tuple)) and content and content[0] is False:
        return "error"  # (False, "reason")
    if any(_plain(_field(content, name)) is False for name in OK_FIELDS):
        return "error"
    if any(_plain(_field(content, name)) is True for name in NOT_OK_FIELDS):
        return "error"
    if any(_plain(_field(content, name)) not in (None, False, "", 0, [], {}) for name in ERROR_FIELDS):
        return "error"
    for name in CODE_FIELDS:
        code = _plain(_field(content, name))
        if isinstance(code, str) and code.lower() in ERROR_WORDS:
            return "error"
        if isinstance(code, (int, str)) and not isinstance(code, bool) and re.fullmatch(r"[45]\d\d", str(code)):
            return "error"
    if any(_plain(_field(content, name)) is True for name in OK_FIELDS):
        return "success"
    return None


def _parsed(value: object) -> object:
    """JSON text reads as what it says; everything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "[") and len(value) < TEXT_LIMIT:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value.strip() if isinstance(value, str) else value


def _field(value: object, name: str) -> object:
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, (str, bytes, int, float, list, tuple)) and not hasattr(value, "_fields"):
        return None
    found = getattr(value, name, None)
    return None if callable(found) else found


def _plain(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)
