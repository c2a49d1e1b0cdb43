"""How a tool's result reads: success or failure, of which class, and said in which way.

The typed contract is the article's pattern 1: an object or mapping with `status`, and for an error
`error_type`, `retry_safe` and `message`. Any class of that shape counts. Everything else is untyped, and is read
for the signs by which a model could tell that the call failed.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pytest_agentready.domain.tokens import tokens

Status = Literal["success", "error"]

SUCCESS_WORDS = frozenset({"success", "successful", "succeeded", "ok", "okay"})
ERROR_WORDS = frozenset({"error", "err", "failed", "failure", "fail"})

# Stems that tell a reader "this did not work", in English. They are compared with the normal answer, so that a word that
# the tool always says proves nothing.
SIGNS = re.compile(
    r"\b(?:error|fail|unable|could\s?n[o']?t|can\s?not|can't|unavailable|time[ds]?[\s_-]?out|exception|traceback|denied"
    r"|forbidden|unauthori[sz]ed|invalid|refused|reset|unreachable|rate[\s_-]?limit|too[\s_-]many|try\sagain|retry|went\swrong"
    r"|problem|sorry|malformed|unexpected|unknown[\s_-](?:host|name)|not[\s_-]known|bad[\s_-](?:gateway|request)|certificate"
    r"|abort|reject|partial|incomplete|degraded|not[\s_-]available|did\s(?:not|n't)|didn't|was\s(?:not|n't)|wasn't|no[\s_-](?:response|answer)|redirects"
    r"|http[\s/]*(?:status\s)?[45]\d\d|status(?:\scode)?\W{1,3}[45]\d\d|[45]\d\d\s(?:client|server))",
    re.IGNORECASE,
)
NAMES = re.compile(r"[A-Z]\w*(?:Error|Exception|Timeout|Redirects)\b")  # ReadTimeout, ConnectionError: what a client raises
# "There is nothing": true of a 404, and a lie about every other failure.
ABSENCE = re.compile(
    r"\b(?:not[\s_-]found|no\s(?:\w+\s){1,3}found|no\s(?:\w+\s)?(?:results?|matches|hits)|does\s?n[o']t\sexist|missing|nothing\sfound)",
    re.IGNORECASE,
)
# How a text begins that is nothing but the report of a failure; "Error budget: 40 %" is not.
OPENING = re.compile(
    r"""\W*(?:
        (?:an?\s)?(?:unexpected\s|internal\s|http\s|api\s)?error\s?(?::|-|\]|\bwhile\b|\bin\b|\bon\b|\bwhen\b|\boccur+ed\b|\bduring\b|\w+ing\b)
        |failed\sto\b|failure:|(?:could\s?n[o']t|could\snot|can\s?not|unable\sto)\b|traceback\b|exception:
    )""",
    re.IGNORECASE | re.VERBOSE,
)
ERROR_FIELDS = ("error", "errors", "error_message", "error_type", "error_code", "exception", "failure")
OK_FIELDS = ("ok", "success", "succeeded", "successful", "is_success")
NOT_OK_FIELDS = ("is_error", "isError", "failed", "has_error")
CODE_FIELDS = ("status_code", "statusCode", "http_status", "status", "code")
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # in a repr; differs from run to run
# Where an error without a `message` may say what happened.
OTHER_MESSAGES = ("error_message", "error", "detail", "details", "reason", "description", "msg", "stderr", "output", "content", "text")
# Polite words, which tell no failure where the rest says that nothing was found: "No results. Please try again."
POLITE = frozenset({"try again", "retry", "sorry"})
# Where one who claims a success may own up to what went wrong.
REMARKS = ("message", "msg", "note", "notes", "warning", "warnings", "detail", "details", "reason", "description", "summary", *ERROR_FIELDS)
EXIT_FIELDS = ("returncode", "return_code", "exit_code", "exitCode", "exit_status")  # of a program: 0 is a success
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
    signs: frozenset[str] = frozenset()  # what in its words, or in a success's message, tells of a failure; lower case
    absences: frozenset[str] = frozenset()  # words that say that there is nothing
    text: str = ""
    kind: str = ""  # the type's name
    tokens: int = 0  # about as many as all of it is for a model

    @property
    def is_error(self) -> bool:
        return self.status == "error"

    @property
    def tells_of_failure(self) -> bool:
        """Does it say by itself, without another answer to compare it with, that the call failed? That False is one, nobody can know."""
        return (self.is_error and self.kind != "bool") or (not self.typed and OPENING.match(self.text) is not None)

    def reads_as_failure(self, normal: Answer | None, statuses: Collection[int] = ()) -> bool:
        """Could a model tell that the call failed, in which the peer answered with these statuses?

        What the normal answer says too tells it nothing. Words of absence tell it of a 404 alone.
        """
        if self.is_error:
            return True
        known = normal.signs if normal is not None else frozenset()
        said = self.signs - known
        if self.absences and said <= POLITE:
            said = frozenset()
        if 404 in statuses:
            said |= self.absences
        usual = normal.text if normal is not None else ""
        codes = [code for code in statuses if code >= 400 and re.search(rf"\b{code}\b", self.text) and str(code) not in usual]
        return bool(said or codes)


def read_answer(value: object) -> Answer:
    """Read any Python value; never raises, whatever the user's class does when it is looked at."""
    try:
        text = _text(value)
        answer = _read_typed(value, text[:TEXT_LIMIT]) or _read_untyped(value, text[:TEXT_LIMIT])
        return replace(answer, tokens=tokens(text))
    except Exception:  # a property or __repr__ of the user's own that raises
        return Answer(typed=False, status=None, text=f"<{type(value).__name__}>", kind=type(value).__name__)


def _read_typed(value: object, text: str) -> Answer | None:
    status = _plain(_field(value, "status"))
    if not isinstance(status, str):
        return None
    word = status.lower()
    error_type = _plain(_either(value, "error_type", "errorType"))
    retry_safe = _plain(_either(value, "retry_safe", "retrySafe"))
    if word not in SUCCESS_WORDS and word not in ERROR_WORDS:
        if not (isinstance(error_type, str) and error_type and isinstance(retry_safe, bool)):
            return None  # {"status": "shipped"} is somebody's data
        word = "error"  # "not_found", "partial", "pending": a failure under a name of its own, with all that a model needs to know of it
    message = _plain(_field(value, "message"))
    return Answer(
        typed=True,
        status="success" if word in SUCCESS_WORDS else "error",
        error_type=None if error_type is None else str(error_type).lower(),
        retry_safe=retry_safe if isinstance(retry_safe, bool) else None,
        message=_message(value, message) if word in ERROR_WORDS else "" if message is None else str(message),
        signs=_signs(message) if isinstance(message, str) else frozenset(),
        text=text,
        kind=type(value).__name__,
    )


def _read_untyped(value: object, text: str) -> Answer:
    content = _parsed(value)
    claim = _claim(content)
    return Answer(
        typed=False,
        status=claim,
        empty=content is None or (isinstance(content, (str, bytes, list, tuple, set, frozenset, Mapping)) and not content),
        signs=_signs(_remarks(content) if claim == "success" else text),
        absences=frozenset(match.group().lower() for match in ABSENCE.finditer(text)),
        text=text,
        kind=type(value).__name__,
    )


def _remarks(content: object) -> str:
    """What a plain value that claims to be a success says of itself, beside its data."""
    return " ".join(str(remark) for name in REMARKS if (remark := _plain(_field(content, name))) is not None)


def _message(value: object, message: object) -> str:
    """An error's words, wherever they stand."""
    for text in (message, *(_plain(_field(value, name)) for name in OTHER_MESSAGES)):
        if text is not None and not isinstance(text, bool) and str(text).strip():
            return str(text)
    return ""


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
    if any(isinstance(code := _plain(_field(content, name)), int) and code for name in EXIT_FIELDS):
        return "error"
    if isinstance(content, Mapping) and content and all(name in ERROR_FIELDS and value is not None for name, value in content.items()):
        return "error"  # {"error": ""}, and nothing else
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


def _either(value: object, *names: str) -> object:
    """The first of these fields that is there: the names of Python, and those of JSON."""
    return next((found for name in names if (found := _field(value, name)) is not None), None)


def _signs(text: str) -> frozenset[str]:
    found = {match.group().lower() for match in SIGNS.finditer(text[:TEXT_LIMIT])}
    return frozenset(found | {match.group().lower() for match in NAMES.finditer(text[:TEXT_LIMIT])})


def _plain(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    text = repr(value)
    return ADDRESS.sub("", text) if " at 0x" in text else text
