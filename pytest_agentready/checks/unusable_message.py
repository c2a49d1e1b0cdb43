"""The message of an error is the only thing that the model has to go by, and whatever stands in it is out of your hands.

An empty one explains nothing, a traceback or a whole error page is paid for in every further turn, and a key in it goes to the
model's provider, into the logs, and as often as not to the user. The commonest leak is a client's own exception: its text
quotes the URL, and the URL the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_agentready.domain import (
    Answer,
    Check,
    FaultMatrix,
    Finding,
    Judgement,
    LogIn,
    NormalCall,
    NotApplicable,
    Run,
    Secret,
    Severity,
    Tool,
    Unproven,
    exceed,
    mishaps,
    secrets,
    tokens,
)

check = Check(
    id="AR105",
    title="An error's message is empty, a traceback, too long, or gives a secret away",
    severity=Severity.MEDIUM,
    profile="standard",
    fix=(
        "Write the message yourself, one or two sentences about what failed and what can be done: `The order service is down.` "
        "Log the exception, and leave its text out of the result."
    ),
    since="0.1",
    about_peers=True,
)

KEEP = (
    "Leave the exception's text out of the message, for it quotes the request: write a sentence of your own, log the exception, and send "
    "credentials in a header rather than in the URL."
)
UNNAMED = (
    "Say which service it is, and leave its address and the exception's text out of the message: they stand in your log. A connection's "
    "URL is shown without its password by `repr(engine.url)` of SQLAlchemy, or by `yarl.URL(dsn).with_password(None)`."
)
LONGEST = 200  # tokens
SHOWN = 200  # characters of a message
TRACEBACK = re.compile(r"Traceback \(most recent call last\)|File \\?\"[^\"]+\", line \d+, in ")


@check
def judge(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix, log_in: LogIn) -> Iterator[Judgement]:
    ended = [run for run in fault_matrix.fired if run.finished]
    if not ended:
        yield Unproven(normal_call.obstacle or fault_matrix.gap or "no fault reached the tool and let it return")
        return
    if fault_matrix.gap:
        yield Unproven(fault_matrix.gap)
    told = [run for run in ended if run.answer is not None and _tells(run, run.answer, normal_call.beside(run))]
    if not told:
        escaped = any(run.raised is not None for run in ended)
        yield NotApplicable("see AR102: the failures leave the tool as exceptions" if escaped else "see AR103: no failure is told")
        return
    # One that was refused its connection knows the key all the same: what was sent in any run counts.
    seen = secrets.seen((normal_call, fault_matrix, log_in), {})
    shown = secrets.shown(map(_text, told), [run.arguments for run in normal_call.runs])
    known = (*seen, *(each for each in shown if not any(other.value in each.value for other in seen)))
    for bad, verb, what, fix in _blemishes(told, known):
        if bad:
            yield Finding(
                f"{_some(len(bad), len(told), verb)} {what} ({mishaps(bad)})",
                where=tool.source,
                evidence={run.mishap_slug: _text(run)[:SHOWN] for run in bad},
                fix=fix,
            )


def _tells(run: Run, answer: Answer, normal: Run) -> bool:
    """Is this result an error, or words by which a model could tell one? Where the peer did not fail, the words prove nothing."""
    if answer.is_error:
        return True
    failed = run.fault is not None and run.fault.failure
    return failed and answer.status != "success" and answer.reads_as_failure(normal.answer, run.statuses)


def _blemishes(told: list[Run], known: tuple[Secret, ...]) -> Iterator[tuple[list[Run], tuple[str, str], str, str]]:
    """The runs whose message has the blemish, its verb for one and for many, what it is, and the fix where it is not the check's own."""
    for secret in known:
        wider = [other for other in known if secret.value in other.value and other != secret]  # the whole, where the path shows a part
        leaking = [run for run in told if secret.is_in(_text(run)) and not any(other.is_in(_text(run)) for other in wider)]
        yield (
            leaking,
            ("gives", "give"),
            f"away {secret.masked}, {secret.origin}",
            UNNAMED if secret.origin.startswith("the password") else KEEP,
        )
    traced = [run for run in told if TRACEBACK.search(_text(run))]
    yield traced, ("contains", "contain"), "a traceback", ""
    yield [run for run in told if not _message(run).strip()], ("is", "are"), "empty", ""
    lengths = {id(run): tokens(_message(run)) for run in told}
    long = [run for run in told if exceed(lengths[id(run)], LONGEST) and run not in traced]
    longest = max(lengths.values())
    yield long, ("is", "are"), f"longer than {LONGEST} tokens{', the longest' if len(long) > 1 else ':'} about {longest:,}", ""


def _text(run: Run) -> str:
    """All that the model reads."""
    return run.answer.text if run.answer is not None else ""


def _message(run: Run) -> str:
    """The typed message; of an untyped result, all of it, for there is nothing else to tell by. False says nothing."""
    answer = run.answer
    if answer is None or answer.kind == "bool":
        return ""
    return answer.message if answer.typed else answer.text


def _some(bad: int, told: int, verb: tuple[str, str]) -> str:
    if told == 1:
        return f"the only error message {verb[0]}"
    return f"{bad} of {told} error messages {verb[bad > 1]}"


@check.passes(args={"city": "Oslo"}, backend={"GET https://weather.example.com/v1/forecast": {"celsius": 7}})
def with_a_sentence_of_its_own(city: str) -> dict[str, object]:
    import requests

    try:
        response = requests.get("https://weather.example.com/v1/forecast", {"q": city, "api_key": "4f1c9a7be2d84c03"}, timeout=5)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["celsius"]}
    except (requests.RequestException, ValueError, KeyError, TypeError):
        message = f"There is no forecast for {city} at the moment."
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": message}


@check.fails(args={"city": "Oslo"}, backend={"GET https://weather.example.com/v1/forecast": {"celsius": 7}})
def with_the_exceptions_text(city: str) -> dict[str, object]:
    import requests

    try:
        response = requests.get("https://weather.example.com/v1/forecast", {"q": city, "api_key": "4f1c9a7be2d84c03"}, timeout=5)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["celsius"]}
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": str(error)}
