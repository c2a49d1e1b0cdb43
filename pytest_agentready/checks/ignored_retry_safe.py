"""A tool says that its failure is for good, and the loop lets the model try the same again, and again.

`retry_safe: false` is the tool's word that nothing will be another way next time: there is no such order, this is forbidden, a write may
have happened already. A model reads it, or does not. Where nothing but the model's good sense stands between that word and the next
call, each round costs a call of the model, and a repeated write is done twice. The loop knows the last call and its result: it can
answer an unchanged call by itself.

The backend refuses for good (404, 403, 400), so that a tool of typed results says `retry_safe: false` to the model, in JSON or as
Python prints it. The model then makes the same call once more. It is a finding if that reaches the backend again, or if the loop itself
had asked several times before the model was told. A loop that answers the second call by itself passes, and so does one that stops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    Check,
    Finding,
    Judgement,
    NotApplicable,
    PermanentFailure,
    PermanentFailures,
    Severity,
    Unproven,
    carried_out,
    listed,
)

check = Check(
    id="AR703",
    title="A failure for good is tried again unchanged",
    severity=Severity.HIGH,
    profile="checklist",
    about="loop",
    fix=(
        "Remember each call whose result said `retry_safe: false`, and answer the same call by its name and arguments without carrying it "
        "out: `not retried: this failed for good`."
    ),
    since="0.1",
)

SAYS_SO = "let a tool answer a failure by a typed result (status, error_type, retry_safe, message), and hand all of it to the model"


@check
def judge(permanent_failures: PermanentFailures) -> Iterable[Judgement]:
    if permanent_failures.obstacle:
        yield Unproven(permanent_failures.obstacle)
        return
    trials = permanent_failures.trials
    if not trials:
        yield NotApplicable("it offers the model no tools")
        return
    if (last := trials[-1]).conversation.ending is not None:
        yield Unproven(
            f"{last.tool.name} is called without end while its backend answers HTTP {last.status}, before the model is told anything "
            f"({last.conversation.ending.story}): see AR702, and AR205"
        )
        return
    told = [trial for trial in trials if trial.told is not None]
    if not told and all(trial.stopped for trial in trials):
        return
    if not told:
        names = listed(dict.fromkeys(trial.tool.name for trial in trials))
        statuses = listed(str(status) for status in dict.fromkeys(trial.status for trial in trials))
        yield Unproven(f"nothing tells the model retry_safe: false where the backend of {names} answers {statuses}: {SAYS_SO}")
        return
    for trial in told:
        yield from _repeated(trial)


def _repeated(trial: PermanentFailure) -> Iterable[Judgement]:
    first, again = [*carried_out(trial.conversation.last), (), ()][:2]
    refused = Counter((request.method, request.url, request.body) for request in first if request.status == trial.status)
    repeated = {(request.method, request.url) for request in again}
    failure = f"after HTTP {trial.status} {trial.tool.name} tells the model retry_safe: false"
    where, shown = trial.conversation.model_calls[-1].where, trial.conversation
    evidence = {"tool": trial.tool.name, "status": trial.status, "told": trial.told}
    if refused and all((method, url) in repeated for method, url, _ in refused):
        yield Finding(
            f"{failure}, and the same call is carried out again: {_shown(refused)} once more", where=where, evidence=evidence, seen=shown
        )
    elif (times := max(refused.values(), default=0)) > max(trial.usual, 1):
        yield Finding(
            f"{failure}, and one call of it has been made {times} times by then: {_shown(refused)}",
            where=where,
            evidence=evidence,
            seen=shown,
        )


def _shown(asked: Counter[tuple[str, str, bytes]]) -> str:
    method, url, _ = next(iter(asked))
    return f"{method} {url}"


@check.passes(prompt="question", backend={"GET https://api.example.com/orders/7": {"status": "shipped"}})
def with_a_memory_of_what_failed_for_good(question: str) -> str:
    import json

    import httpx
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    failed: set[tuple[str, str]] = set()
    for _ in range(8):
        answer: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            made = (call.function.name, call.function.arguments)
            if made in failed:
                result: dict[str, Any] = {"status": "error", "message": "not retried: this call has failed for good"}
            else:
                response = httpx.get("https://api.example.com/orders/7", timeout=2)
                result = {"status": "success", "data": response.text}
                if response.is_client_error:
                    failed.add(made)
                    result = {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "There is no such order."}
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    return "I could not find out in 8 steps."


@check.fails(prompt="question", backend={"GET https://api.example.com/orders/7": {"status": "shipped"}})
def with_whatever_the_model_wants(question: str) -> str:
    import json

    import httpx
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            response = httpx.get("https://api.example.com/orders/7", timeout=2)
            result: dict[str, Any] = {"status": "success", "data": response.text}
            if response.is_client_error:
                result = {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "There is no such order."}
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    return "I could not find out in 8 steps."
