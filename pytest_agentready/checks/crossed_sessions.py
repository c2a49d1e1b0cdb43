"""What one user says gets into another user's conversation: a breach of confidence, and found by a customer.

A list of messages in the module, a `self.messages` of an agent that all requests share, a cache of answers under the question alone, a
global for the current user: with one user at a time, at one's own desk, nothing is wrong with them. In production one process serves
many users, one after the other and at the same time, and the model repeats to one what it was told by another.

Two users with ids, sessions and texts of their own are served one after the other, and then at the same time; the model and the backends
answer each of them in words of its own. It is a finding if any of one user's words is sent to the model, or answered, in the other's
conversation. Two turns of one user may share all they like. A loop that is not told who asks is called for another user each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    WROTE,
    Check,
    CrossedSessions,
    Crossing,
    Finding,
    Judgement,
    Loop,
    Served,
    Severity,
    Unproven,
    crossings,
    shortened,
)

check = Check(
    id="AR710",
    title="What one user says gets into another's conversation",
    severity=Severity.HIGH,
    profile="standard",
    about="loop",
    fix=(
        "Make the list of messages in the call, or keep it under the session's id; make an agent for each conversation; put the user's id "
        "into the key of every cache; hand the user on as an argument, or in a ContextVar."
    ),
    since="0.1",
)

APIECE = "; it is not told who asks, so that each call is another user's (if it is one conversation, give call=, which makes one for each)"


@check
def judge(loop: Loop, crossed_sessions: CrossedSessions) -> Iterable[Judgement]:
    if crossed_sessions.obstacle:
        yield Unproven(crossed_sessions.obstacle)
        return
    untried = ""
    for served, how in ((crossed_sessions.in_turn, "one after the other"), (crossed_sessions.together, "at the same time")):
        if (crossing := next(crossings(served), None)) is not None:
            yield _found(loop, crossed_sessions, crossing, how)
            return
        untried = untried or _untried(served, how)
    if untried:
        yield Unproven(untried)


def _found(loop: Loop, observed: CrossedSessions, crossing: Crossing, how: str) -> Judgement:
    if not observed.known and observed.keeper:
        return Unproven(
            f"one call's text stands in the next one's, for {observed.keeper}: if that is one conversation, give call=, a function that "
            "makes one for each user, or name the parameters user= and session="
        )
    unknown = "" if observed.known else APIECE
    what = f"what {crossing.owner.name} {crossing.origin} ({crossing.mark!r})"
    return Finding(
        f"of two users, served {how}, {what} {crossing.place} for the other{unknown}",
        where=crossing.where or loop.source,
        evidence={"mark": crossing.mark, "whose": crossing.origin, "place": crossing.place, "how": how},
    )


def _untried(served: tuple[Served, ...], how: str) -> str:
    """Whoever was not served, or whose text no model has seen, proves nothing; "" where all were tried."""
    if problem := next((one.problem for one in served if one.problem), ""):
        return f"two users could not be served {how}: {problem}"
    for user in {one.user.name: one.user for one in served}.values():
        own = [one for one in served if one.user.name == user.name]
        if not any(one.calls for one in own):
            said = f": {shortened(own[-1].said, 80)!r}" if own[-1].said else ""
            return f"{user.user} in {user.session} gets no answer of a model{said}. If it has to know its users: give call=, and add them"
        if not any(user.word(WROTE) in message.text.lower() for one in own for call in one.calls for message in call.messages):
            return f"what {user.name} wrote reaches no model, {how}: name the parameter that carries the text, prompt="
    return ""


@check.passes(prompt="question", session="session_id")
def with_a_history_of_its_own(session_id: str, question: str) -> str:
    import openai

    histories = globals().setdefault("_histories_by_session", {})
    messages: list[Any] = histories.setdefault(session_id, [])
    messages.append({"role": "user", "content": question})
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message
    messages.append({"role": "assistant", "content": answer.content})
    return str(answer.content)


@check.fails(prompt="question", user="user_id")
def with_a_history_of_everybody(user_id: str, question: str, messages: list[Any] = []) -> str:  # noqa: B006
    import openai

    messages.append({"role": "user", "content": question})
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, user=user_id).choices[0].message
    messages.append({"role": "assistant", "content": answer.content})
    return str(answer.content)
