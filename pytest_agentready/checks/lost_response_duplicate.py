"""When it is the answer that is lost, and not the request, whoever tries again does it twice.

The peer has taken the order, and the connection breaks before it can say so. Nobody on this side can tell that from an order that never
arrived. What then sends it again is often not the tool's own code: urllib3's `Retry`, an SDK's `max_retries`, a decorator. So it is counted
at the peer what was done. Only a key that stays the same lets the peer know the second request for the first.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    Effect,
    Finding,
    Judgement,
    Loss,
    LostResponse,
    NormalCall,
    NotApplicable,
    RepeatedCall,
    Run,
    Severity,
    Tool,
    Unproven,
    could_be_refused,
    counted,
    counts,
    duplicates,
    kind_of,
    looked_first,
    made,
    nothing_written,
)

check = Check(
    id="AR303",
    title="A write whose answer is lost is made again",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Let nobody repeat a write by himself (`Retry` without POST among its `allowed_methods`, `max_retries=0`), or send the same "
        "idempotency key, made from the arguments, with every try and every call. Else report the failure with `retry_safe` False."
    ),
    since="0.1",
)
# Who repeats a request inside a library, by the library.
REPEATERS = {
    "urllib3": "urllib3's Retry",
    "openai": "the SDK's max_retries",
    "anthropic": "the SDK's max_retries",
    "stripe": "stripe's max_network_retries",
    "redis": "redis-py's Retry",
    "botocore": "botocore's retries",
    "aiohttp": "aiohttp itself",
}


@check
def judge(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall, lost_response: LostResponse) -> Iterator[Judgement]:
    if not lost_response.losses:
        yield _nothing_lost(tool, normal_call, repeated_call, lost_response)
        return
    found: dict[object, Finding] = {}
    gaps: dict[object, str] = {}
    for loss in lost_response.losses:
        kind = kind_of(loss.write)
        if kind in found:
            continue
        if not loss.lost.fired:
            gaps[kind] = f"it remembers an earlier call and does not make {loss.write.story} again, so that no answer could be lost"
            continue
        match _duplicate(tool, repeated_call, loss):
            case Finding() as finding:
                found[kind] = finding
            case Unproven(reason):
                gaps[kind] = reason
    yield from found.values()
    yield from (Unproven(reason) for kind, reason in gaps.items() if kind not in found)
    if lost_response.obstacle:
        yield Unproven(lost_response.obstacle)


def _nothing_lost(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall, lost_response: LostResponse) -> Judgement:
    if normal_call.stood_in:
        if any(counted(run, tool.facts) for run in normal_call.stood_in):
            return Unproven("whether a program that it starts asks somebody, and what becomes of an answer that is lost there, is not seen")
        return NotApplicable(nothing_written(normal_call))
    if why := lost_response.obstacle or repeated_call.obstacle:
        return Unproven(why)
    if any(counted(repeat.first, tool.facts) for repeat in repeated_call.repeats):
        return NotApplicable("what it writes stays on this machine, and has no answer that could be lost")
    if any(counted(run, tool.facts) for run in normal_call.runs):
        return Unproven("it remembers an earlier call and does not write again, so that no answer could be lost")
    return (
        Unproven("it writes nothing once it is confirmed, see AR402") if tool.facts.confirm else NotApplicable(nothing_written(normal_call))
    )


def _duplicate(tool: Tool, repeated_call: RepeatedCall, loss: Loss) -> Finding | Unproven | None:
    usual, within = len(made(_same(tool, loss, loss.usual))), _same(tool, loss, loss.lost)
    later = [] if loss.again is None else _same(tool, loss, loss.again)
    if len(made(within)) > usual:
        how, times, again = _who(loss), f"carries it out {len(within)} times in one call", within[-1]
    elif later and len(made([*within, *later])) > usual and not _is_repeated_anyway(tool, repeated_call, loss):
        how, times, again = "the same call, made once more, sends it again", "carries it out twice", later[-1]
    else:
        return None
    if (asked := looked_first(loss.lost if again in within else loss.again or loss.lost, again)) is not None:
        return Unproven(
            f"it asks {asked.method} {asked.url[:80]} before it sends {again.story} again, and backend= answers that nothing is there, "
            "although it was written: give a callable that remembers"
        )
    if repeated_call.refusal and could_be_refused(loss.write, again):
        return Unproven(
            f"it knows by {repeated_call.refusal} that its database has the row of {again.story} already, and backend= takes it each "
            "time: give a callable that remembers, and answers DatabaseError(message, code)"
        )
    lost = "nothing more comes from the peer" if loss.silent else "the connection breaks"
    return Finding(
        f"the answer to {f'the {loss.answer} of ' if loss.answer else ''}{loss.write.story} is lost ({lost}), and {how}: the peer {times}",
        where=again.where or loss.write.where or tool.source,
        evidence={"sent": [effect.content[:200] for effect in (*within, *later)], "keys": [effect.key for effect in (*within, *later)]},
    )


def _same(tool: Tool, loss: Loss, run: Run) -> list[Effect]:
    return [effect for effect in counted(run, tool.facts) if counts(effect) and kind_of(effect) == kind_of(loss.write)]


def _is_repeated_anyway(tool: Tool, repeated_call: RepeatedCall, loss: Loss) -> bool:
    """AR302 speaks of a second call that writes again although nothing was lost."""
    for repeat in repeated_call.repeats:
        found = duplicates(counted(repeat.first, tool.facts), counted(repeat.second, tool.facts))
        if any(kind_of(duplicate.again) == kind_of(loss.write) for duplicate in found):
            return True
    return False


def _who(loss: Loss) -> str:
    libraries = [name for name in loss.repeaters if name]
    if not libraries:
        return "the tool sends it again"
    name = libraries[0]
    return f"{REPEATERS.get(name, name)} sends it again"


@check.passes(args={"text": "hello"}, backend={"POST https://chat.example.com/messages": {"ok": True}})
def with_retries_of_reads_alone(text: str) -> dict[str, object]:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=Retry(3, backoff_factor=0.2, allowed_methods={"GET", "HEAD"})))
    try:
        session.post("https://chat.example.com/messages", json={"text": text}, timeout=5).raise_for_status()
    except requests.RequestException as error:
        return {"status": "error", "error_type": "transient", "retry_safe": False, "message": f"It may have been sent: {error}"}
    return {"status": "success"}


@check.fails(args={"text": "hello"}, backend={"POST https://chat.example.com/messages": {"ok": True}})
def with_retries_of_writes(text: str) -> dict[str, object]:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=Retry(3, backoff_factor=0.2, allowed_methods=None)))
    try:
        session.post("https://chat.example.com/messages", json={"text": text}, timeout=5).raise_for_status()
    except requests.RequestException as error:
        return {"status": "error", "error_type": "transient", "retry_safe": False, "message": f"It may have been sent: {error}"}
    return {"status": "success"}
