"""What a tool returns is read by the model, paid for, and read again in every turn that follows.

A search without a limit, a page as it is, a file as a whole: with the answers of a test they are small, and one day a peer sends a
quarter of a megabyte. That is some 60,000 tokens: it pushes the user's goal out of the window, or ends the run with an
overflow. Nothing in the model can prevent that; the tool can, by cutting and saying so.
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
    exceed,
)

check = Check(
    id="AR106",
    title="A huge answer of a peer becomes a huge result",
    severity=Severity.MEDIUM,
    profile="standard",
    fix=(
        "Cut what you return and say that you did (`hits[:20]` and `the first 20 of 4,310`, `text[:8_000]`), or give the tool parameters "
        "to ask for a part. If the model needs more, say so in its agent_tool mark: `result_budget=10_000`."
    ),
    since="0.1",
)

LARGEST = 40_000  # tokens: a budget beyond that is not put to the test by some 60,000
NOTHING_GROWS = "nothing in the answers of its peers can grow: put into backend= what can be long in life, such as a list or a text"
# How an error speaks that minds the size; any other may have to do with something else.
SIZE = re.compile(r"too (?:large|long|big|many|much)|size|limit|exceed|length|more than|huge|megabyte|\b[kmg]i?b\b", re.IGNORECASE)


@check
def judge(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    budget = tool.facts.result_budget
    for run in normal_call.runs:
        if _tokens(run) and exceed(_tokens(run), budget):
            yield _finding(tool, run, "a normal call returns")
            return
    if normal_call.self_contained:
        yield NotApplicable("it asks nothing outside of the process, and its normal result is within the budget")
        return
    if not normal_call.obstacle and _is_short(normal_call):
        return
    huge = list(fault_matrix.huge)
    large = [run for run in huge if exceed(_tokens(run), budget)]
    if large:
        worst = max(large, key=_tokens)
        yield _finding(tool, worst, f"after {worst.mishap} it returns")
        return
    yield from _doubts(tool, normal_call, fault_matrix, huge)


def _is_short(normal_call: NormalCall) -> bool:
    """Can nothing that it asks for be long? A mail's receipt, an INSERT, a count."""
    requests = [request for run in normal_call.runs for request in run.requests]
    return bool(requests) and all(request.bounded for request in requests) and not normal_call.blind


def _doubts(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix, huge: list[Run]) -> Iterator[Judgement]:
    """Why a result within the budget proves nothing. One that is the same as ever does prove it: all lists and texts had grown."""
    if normal_call.obstacle or fault_matrix.gap or not huge:
        yield Unproven(normal_call.obstacle or fault_matrix.gap or NOTHING_GROWS)
        return
    for run in huge:
        if run.raised is not None:
            yield Unproven(f"see AR102: a huge answer makes it raise {run.raised.kind.rpartition('.')[2]}")
        elif run.ending is not None:
            yield Unproven(f"it does not end under a huge answer: {run.ending.story}")
        elif run.answer is not None and _fails(run, normal_call) and not SIZE.search(run.answer.message or run.answer.text):
            yield Unproven("it answers a huge answer with an error that says nothing of its size, and may be about something else")
    if tool.facts.result_budget > LARGEST:
        yield Unproven(f"a huge answer is some 60,000 tokens, which puts no budget of {tool.facts.result_budget:,} to the test")


def _fails(run: Run, normal_call: NormalCall) -> bool:
    """Does it answer with an error, or with words of one that the normal answer has not?"""
    return run.answer is not None and run.answer.reads_as_failure(normal_call.beside(run).answer)


def _finding(tool: Tool, run: Run, what: str) -> Finding:
    budget = tool.facts.result_budget
    return Finding(
        f"{what} about {_tokens(run):,} tokens, {_tokens(run) / budget:,.1f} times its budget of {budget:,}",
        where=tool.source,
        evidence={"tokens": _tokens(run), "budget": budget},
    )


def _tokens(run: Run) -> int:
    return run.answer.tokens if run.answer is not None else 0


@check.passes(args={"query": "tea"}, backend={"GET https://api.example.com/search": {"hits": [{"id": 1, "title": "Green tea"}]}})
def with_the_first_ten(query: str) -> dict[str, object]:
    import requests

    hits = requests.get("https://api.example.com/search", params={"q": query}, timeout=5).json()["hits"]
    titles = [hit["title"][:80] for hit in hits[:10]]
    return {"status": "success", "data": titles, "message": f"The first {len(titles)} of {len(hits)}."}


@check.fails(args={"query": "tea"}, backend={"GET https://api.example.com/search": {"hits": [{"id": 1, "title": "Green tea"}]}})
def with_everything(query: str) -> dict[str, object]:
    import requests

    return {"status": "success", "data": requests.get("https://api.example.com/search", params={"q": query}, timeout=5).json()["hits"]}
