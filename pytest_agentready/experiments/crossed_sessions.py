"""Two users of one loop: one after the other, and at the same time.

Each has an id, a session and texts of its own; the model and the backends answer each of them in words that nobody else is told. Users
who are told apart first ask the same, for which one answer may be kept for all. Sync loops are called in two threads, async ones in
two tasks; they take turns where they wait for an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.domain import (
    ANSWERED,
    IDS,
    TOLD,
    WROTE,
    CrossedSessions,
    Loop,
    ModelAnswer,
    ModelFailure,
    ModelRequest,
    NormalConversation,
    Run,
    Served,
    User,
    said,
    texts_of,
)
from pytest_agentready.experiments.conversing import afresh, calling, keyboard, turn
from pytest_agentready.experiments.keepers import keeper_of, namer_of
from pytest_agentready.experiments.realistic import fitted
from pytest_agentready.experiments.side_by_side import in_tasks, in_threads
from pytest_agentready.script import Step, say
from pytest_agentready.world import Backend, Limits, Stay, stay
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.joint_backend import backend_of
from pytest_agentready.world.personal import Known, PersonalBackend
from pytest_agentready.world.run import awaited, copied, finished, raised_by
from pytest_agentready.world.stdio import muted

LATENCY = 0.05  # virtual seconds until anybody answers: the other one is served in between
CALLS = 12  # of tools, in all
LIMITS = Limits(attempts=600, model_calls=300, turns=20_000, horizon=30 * 86_400.0, real=20.0, programs="succeeds")
# Texts of this experiment alone: nothing remembers an answer to them.
SAME = "What do you know about my account?"
IN_TURN, TOGETHER = "My reference is {}. Where is my parcel?", "I am writing about {}. Where is my parcel?"
ASKS = (SAME, "Where is my parcel?")  # what a model calls a tool for
AGAIN = "And what else do you know about my parcel?"
USERS = tuple(
    User(
        name,
        f"user-{user}",
        f"session-{session}",
        {written: WROTE, user: IDS, session: IDS, answered: ANSWERED, told: TOLD, str(number): TOLD},
    )
    for name, user, session, written, answered, told, number in (
        ("the first user", "4810273", "6620915", "antelope-7291", "walnut-5518", "saffron-3364", 731_905),
        ("the second user", "5937461", "7745280", "porcupine-1846", "juniper-9027", "cobalt-6173", 862_417),
    )
)


def run(loop: Loop, normal_conversation: NormalConversation) -> CrossedSessions:
    if not loop.facts.prompt:
        return CrossedSessions(obstacle="it takes no text by which two users could be told apart: name the parameter, prompt=")
    known = bool(loop.facts.user or loop.facts.session)
    backend: Backend = PersonalBackend(backend_of(loop), [_known(user) for user in USERS])
    trial = normal_conversation.trial
    step = None if trial is None else calling(loop, trial.tool, trial.arguments)
    is_async = loop.is_async or any(turn.run.awaited for turn in normal_conversation.plain.turns)
    with muted():
        in_turn, keeper = _in_turn(loop, step, backend, known=known)
        if any(served.problem for served in in_turn):  # a tool may not understand the personal words
            backend = backend_of(loop)
            in_turn, keeper = _in_turn(loop, step, backend, known=known)
        together = _together(loop, step, backend, is_async=is_async)
    return CrossedSessions(in_turn, together, known, keeper or namer_of(loop))


def _known(user: User) -> Known:
    return Known((user.word(IDS), user.session.rpartition("-")[2]), user.word(TOLD), int([*user.marks][-1]))


class _Listener:
    """A model that calls a tool, and repeats what it was told: who hears of one user alone is answered in this one's words."""

    def __init__(self, call: Step | None) -> None:
        self._call = call
        self._left = CALLS

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        news = request.news
        asked = any(text in message.text for message in news for text in ASKS) and all(message.role != "tool" for message in news)
        if self._call is not None and self._left and request.may_call and asked:
            self._left -= 1
            return self._call.answer(request, 0)
        users = [user for user in USERS if any(user.marked(text) for _, text in texts_of(request))]
        text = f"It is under {users[0].word(ANSWERED)}." if len(users) == 1 else "It is on its way."
        return fitted(request, say(text).answer(request, 0))


def _in_turn(loop: Loop, call: Step | None, backend: Backend, *, known: bool) -> tuple[tuple[Served, ...], str]:
    """The users one after the other, and what holds what the first of them wrote."""
    first, second = USERS
    plan = [(user, IN_TURN.format(user.word(WROTE))) for user in USERS]
    if known:  # else each call is another user's, and each question is asked once
        plan = [(first, SAME), (second, SAME), *plan, (first, AGAIN)]

    def visit(world: Stay) -> tuple[tuple[Served, ...], str]:
        found, keeper = [], ""
        for user, text in plan:
            one = turn(world, loop, text, user.user, user.session)
            found.append(Served(user, one.model_calls, one.said if one.said is not None else one.printed, _problem(one.run)))
            keeper = keeper or keeper_of(loop, first.word(WROTE))
            if world.over:
                break
        return tuple(found), keeper

    with afresh(loop):
        return stay(visit, backend=backend, limits=LIMITS, respond=_Listener(call))


def _problem(run: Run) -> str:
    if run.ending is not None:
        return run.ending.story
    return f"{run.raised.kind}: {run.raised.message} ({run.raised.where})" if run.raised is not None else ""


def _together(loop: Loop, call: Step | None, backend: Backend, *, is_async: bool) -> tuple[Served, ...]:
    """Both at the same time."""
    both = _Both(loop)

    def visit(world: Stay) -> Run:
        world.slow_down(LATENCY)
        return world.call(both.in_tasks if is_async else both.in_threads, {})

    with afresh(loop), keyboard():
        ran = stay(visit, backend=backend, limits=LIMITS, respond=_Listener(call))
    return tuple(
        Served(user, ran.model_calls, both.answers.get(user.name), both.problems.get(user.name, "") or _problem(ran)) for user in USERS
    )


class _Both:
    """The two calls of the loop, and what became of each, by the names of the users."""

    def __init__(self, loop: Loop) -> None:
        self.answers: dict[str, str | None] = {}
        self.problems = {user.name: "it did not come to its end" for user in USERS}
        self._loop = loop

    def in_threads(self) -> None:
        in_threads(self._in_a_thread, [contextvars.copy_context() for _ in USERS])

    def in_tasks(self) -> None:
        in_tasks(self._in_a_task, len(USERS))

    def _in_a_thread(self, number: int) -> None:
        with self._kept(USERS[number]) as keep:
            keep(finished(self._begun(USERS[number])))

    async def _in_a_task(self, number: int) -> None:
        with self._kept(USERS[number], asyncio.CancelledError) as keep:
            keep(await awaited(self._begun(USERS[number])))

    def _begun(self, user: User) -> Any:
        return self._loop.entry(**copied(self._loop.arguments(TOGETHER.format(user.word(WROTE)), user.user, user.session)))

    @contextlib.contextmanager
    def _kept(self, user: User, passed_on: type[BaseException] = Signal) -> Iterator[Callable[[Any], None]]:
        """However the call ends, it is known."""

        def keep(value: Any) -> None:
            self.answers[user.name] = said(value)
            self.problems.pop(user.name, None)

        try:
            yield keep
        except (Signal, passed_on):
            raise
        except BaseException as error:
            self.problems[user.name] = _problem(Run({}, raised=raised_by(error)))
