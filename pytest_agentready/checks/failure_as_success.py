"""A failure that reads like an answer is believed, and acted upon.

The agent of the incident read a timeout as an order that was "pending", and asked again, 43,000 times. An empty list for a
search that failed is the same lie: the model tells the user that there is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Run,
    Severity,
    Tool,
    Unproven,
    is_incidental,
    mishaps,
    structure_of,
    texts_in,
)

check = Check(
    id="AR103",
    title="A failed call comes back as a success or as an empty answer",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Look at the status before the body (`response.raise_for_status()`), let a body that cannot be parsed be an error, and never "
        "give a default, an empty list or None for a call that failed."
    ),
    since="0.1",
    about_peers=True,
)

SHOWN = 60  # characters of a value
PAGES = ("malformed-json", "html")  # of a text that nobody parses, neither is a failure
RAW = re.compile(r"""['"](?:\\n|\s)*[{\[<]""")  # in a repr: a text begins as such a body does


@check
def judge(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    if normal_call.missing:
        yield Unproven(f"there is no normal answer to compare with: {normal_call.missing}")
        return
    failures = list(fault_matrix.failures)
    returned = [run for run in failures if run.returned]
    if fault_matrix.gap or not failures:
        yield Unproven(fault_matrix.gap or "no fault reached the tool and let it return")
    elif not returned:
        yield NotApplicable("see AR102: every failure leaves the tool as an exception")
    blamed: dict[str, list[Run]] = {}
    for run in returned:
        if disguise := _disguise(tool, run, normal_call.beside(run)):
            blamed.setdefault(disguise, []).append(run)
    for disguise, runs in blamed.items():
        example = runs[0].answer.text if runs[0].answer else ""
        yield Finding(
            f"{len(runs)} of {len(returned)} failed calls come back {disguise}, such as {_short(example)} ({mishaps(runs)})",
            where=tool.source,
            seen=runs[0],
            evidence={run.mishap_slug: _short(run.answer.text) for run in runs if run.fault and run.answer},
        )


def _disguise(tool: Tool, run: Run, normal: Run) -> str:
    """As what a failed call comes back; "" where it says that it failed, or cannot be expected to know."""
    answer = run.answer
    if answer is None or run.fault is None or answer.reads_as_failure(normal.answer, run.statuses):
        return ""
    if normal.answer is not None and answer.text == normal.answer.text:
        if run.fault.good_status:
            return ""  # no part of the answer comes from the body
        late = run.requests[run.spared :]
        if run.spared and not any(request.is_write and not is_incidental(request, tool.facts) for request in late):
            return ""  # the whole answer all the same, from another source: a mirror, a fallback
    if run.fault.slug in PAGES and _hands_a_page_on(run):
        return ""
    if answer.status == "success":
        return "as a success"
    return "as an empty answer" if answer.empty or answer.absences else "looking like an answer"


def _hands_a_page_on(run: Run) -> bool:
    """Was the tool told which address to read, and gives the text that stands there as it is? Then any text is what was asked for."""
    told = list(texts_in(structure_of(dict(run.arguments))))
    hosts = {request.host for request in run.requests} - {""}
    if not any(re.search(rf"(?<![\w@.-]){re.escape(host)}(?![\w-]|\.\w)", text) for host in hosts for text in told):
        return False
    if run.answer is None or run.answer.kind == "str":
        return run.answer is not None and isinstance(structure_of(run.answer.text), str) and run.answer.text.lstrip()[:1] in ("{", "[", "<")
    return RAW.search(run.answer.text) is not None


def _short(text: str) -> str:
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}..."


@check.passes(args={"query": "invoice"}, backend={"GET https://api.example.com/search": {"hits": [{"id": 1}], "error": None}})
def with_an_honest_failure(query: str) -> dict[str, object]:
    import requests

    try:
        response = requests.get("https://api.example.com/search", params={"q": query}, timeout=5)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["hits"]}
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The search failed."}


@check.fails(args={"query": "invoice"}, backend={"GET https://api.example.com/search": {"hits": [{"id": 1}]}})
def with_an_empty_list(query: str) -> list[object]:
    import requests

    try:
        response = requests.get("https://api.example.com/search", params={"q": query}, timeout=5)
        return list(response.json()["hits"])
    except Exception:
        return []
