"""How money is charged: a breaker is asked, or a loop is talked to by a user whose model reports what costs so many dollars."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from pytest_agentready.arguments.annotations import signature_of
from pytest_agentready.domain import (
    Breaker,
    Charge,
    Loop,
    ModelAnswer,
    ModelCall,
    ModelFailure,
    ModelRequest,
    Price,
    Request,
    Run,
    Turn,
    Unjudgeable,
    Usage,
    admitted_by,
)
from pytest_agentready.experiments.conversing import QUESTION, afresh, memory_of, turn
from pytest_agentready.experiments.realistic import fitted
from pytest_agentready.prices import cost_of, price_of
from pytest_agentready.world import Limits, Stay, stay
from pytest_agentready.world.joint_backend import backend_of

T = TypeVar("T")
ANSWER = "It is on its way."
MOST_WORDS = 60_000  # of one answer that is as long as it costs
USUAL = 50  # tokens of an answer, where a request does not say how many it allows
PATIENCE = Limits(attempts=20_000, turns=100_000, horizon=40 * 86_400.0, real=30.0, programs="succeeds")
CENTS = re.compile(r"cents?$")
MONEY = re.compile(r"cost|spen[dt]|budget|usage|charge|billing|quota|credit|usd|dollar|ledger", re.IGNORECASE)
DATABASES = {"postgresql": "Postgres", "postgres": "Postgres", "mysql": "MySQL"}
MICROS = re.compile(r"micro")
_people = itertools.count(101)  # each series has users and sessions of its own: what it leaves in a store is nobody else's


class Till:
    """Charges one subject in one world."""

    def __init__(self, world: Stay, subject: Loop | Breaker, bill: Bill) -> None:
        self.world = world
        self._subject = subject
        self._bill = bill
        self._gives = False  # an answer, where it admits
        self._asked = itertools.count(1)

    def charge(self, user: str, session: str, dollars: Decimal) -> Charge:
        """One call of the loop, or of the breaker, that is to cost this much."""
        if isinstance(self._subject, Breaker):
            return self._ask(self._subject, user, session, dollars)
        self._bill.dollars = dollars
        question = f"{QUESTION} ({next(self._asked)})"  # an answer that was kept would cost nothing
        question += self._bill.padding  # in its first charge nobody knows yet which model it asks
        found = self._turn(self._subject, question, user, session)
        spent = cost_of(found.model_calls, self._subject.facts.prices).dollars
        return Charge(user, session, dollars, spent, found.run, found.heard)

    def _turn(self, loop: Loop, question: str, user: str, session: str) -> Turn:
        """It also shows how many calls of the model a turn is."""
        found = turn(self.world, loop, question, user, session)
        self._bill.answers = max(self._bill.answers, len(found.model_calls))
        return found

    def _ask(self, breaker: Breaker, user: str, session: str, dollars: Decimal) -> Charge:
        run = self.world.call(breaker.call, breaker.arguments(user, session, _amount(breaker, dollars)))
        admitted = run.returned and self.admits(run.value)
        if admitted and breaker.facts.settle is not None:
            self._settled(self.world.call(lambda: breaker.facts.settle(user, session, _amount(breaker, dollars)), {}))  # type: ignore[misc]
        return Charge(user, session, dollars, dollars if admitted else Decimal(0), replace(run, value=None))

    def _settled(self, run: Run) -> None:
        if (raised := run.raised) is not None:
            said = f": {raised.message}" if raised.message else ""
            raise Unjudgeable(f"the marker's settle= raises {raised.kind}{said}", "it is called with the user, the session and the dollars")

    def admits(self, value: object) -> bool:
        """Does what a breaker answered let the call go on?"""
        admitted = admitted_by(value, gives=self._gives)
        self._gives = self._gives or (admitted and value is not None)
        return admitted

    def in_part(self, user: str, session: str, dollars: Decimal | None, text: str = QUESTION) -> Callable[[], Any]:
        """A charge as a part of something larger: it gives what the code gives, to be finished and read by `admits`.

        No dollars: what an answer of usual length costs.
        """
        self._bill.dollars = dollars
        subject = self._subject
        if isinstance(subject, Loop):
            return functools.partial(subject.entry, **subject.arguments(text, user, session))
        assert dollars is not None
        return functools.partial(subject.call, **subject.arguments(user, session, _amount(subject, dollars)))

    def settle(self, user: str, session: str, dollars: Decimal) -> Any:
        """What a breaker that reserves wants to hear in the end."""
        if isinstance(self._subject, Breaker) and self._subject.facts.settle is not None:
            return self._subject.facts.settle(user, session, _amount(self._subject, dollars))
        return None

    def usual(self, user: str, session: str) -> Charge:
        """One turn of a loop, whose model answers at usual length."""
        assert isinstance(self._subject, Loop)
        self._bill.dollars = None
        found = self._turn(self._subject, QUESTION, user, session)
        return Charge(user, session, Decimal(0), self.cost(found.model_calls), found.run, found.heard)

    def cost(self, calls: Iterable[ModelCall]) -> Decimal:
        """Dollars that these calls of the model cost."""
        return cost_of(calls, self._subject.facts.prices if isinstance(self._subject, Loop) else {}).dollars

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Afterwards nobody remembers what was charged meanwhile."""
        with memory_of(self._subject).restored(), self.world.undone():
            yield


class Bill:
    """A model whose answers cost as much as is wanted in a turn, as far as its price is known; None: as much as the usual ones do."""

    def __init__(self, prices: dict[str, Price], *, in_words: bool = False, in_prompt: bool = False) -> None:
        """`in_words`: the answer is as long as it costs, and not only reported to cost so much; `in_prompt`: the user's text is."""
        self.dollars: Decimal | None = Decimal(0)
        self.answers = 1  # in a turn, as far as is known, of which each costs its part
        self._prices = prices
        self._price: Decimal | None = None  # of a token of the last prompt
        self.in_words = in_words
        self.in_prompt = in_prompt

    @property
    def padding(self) -> str:
        """What has to stand behind the user's text, for its prompt to cost as much as is wanted."""
        if not self.in_prompt or not self._price or self.dollars is None:
            return ""
        return " word" * min(MOST_WORDS, math.ceil(self.dollars / self._price))

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        return fitted(request, self._billed(request))

    def _billed(self, request: ModelRequest) -> ModelAnswer:
        if self.in_prompt:
            self._price = price_of(request.provider, request.model, self._prices)
        if self.dollars is None or self.in_prompt:
            # Half of what was allowed for: who reserves that has reserved enough.
            return ModelAnswer(ANSWER, usage=Usage(max(1, request.prompt_tokens), (request.max_tokens or 2 * USUAL) // 2))
        price = price_of(request.provider, request.model, self._prices, output=self.in_words)
        tokens = 1 if price is None or not price else math.ceil(self.dollars / self.answers / price)
        if self.in_words:
            tokens = min(tokens, MOST_WORDS)
            return ModelAnswer(f"{ANSWER} {'word ' * tokens}", usage=Usage(request.prompt_tokens, tokens))
        return ModelAnswer(ANSWER, usage=Usage(tokens, 0))


def at_the_till(subject: Loop | Breaker, visit: Callable[[Till], T], *, in_words: bool = False, in_prompt: bool = False) -> T:
    """What `visit` gives, having made its charges in a world of its own. Raises BackendFailed."""
    prices = dict(subject.facts.prices) if isinstance(subject, Loop) else {}
    bill = Bill(prices, in_words=in_words, in_prompt=in_prompt)

    def enter(world: Stay) -> T:
        return visit(Till(world, subject, bill))

    with afresh(subject):
        if isinstance(subject, Breaker):
            return stay(enter, limits=PATIENCE)
        return stay(enter, backend=backend_of(subject), limits=PATIENCE, respond=bill)


def forgetful(subject: Loop | Breaker, *charges: Charge) -> tuple[str, ...]:
    """Services and databases that a breaker asks, or to which a loop writes about money: the world keeps nothing there."""
    requests = (request for charge in charges for request in charge.run.requests if not request.url.startswith("redis"))
    asked = (request for request in requests if not request.to_model and (isinstance(subject, Breaker) or _is_about_money(request)))
    return tuple(dict.fromkeys(_named(request) for request in asked))


def _named(request: Request) -> str:
    kind = DATABASES.get(request.url.partition(":")[0], "")
    return f"the {kind} on {request.host}" if kind else request.host


def _is_about_money(request: Request) -> bool:
    return request.is_write and MONEY.search(f"{request.url} {request.body.decode(errors='replace')}") is not None


def somebody(kind: str = "user") -> str:
    """The id of a user, or a session, whom nobody knows yet."""
    return f"{kind}-{next(_people)}"


def _amount(breaker: Breaker, dollars: Decimal) -> Any:
    """As the breaker wants its money: by the annotation of its parameter, or by its name."""
    if MICROS.search(breaker.facts.cost):
        return int(dollars * 1_000_000)
    if CENTS.search(breaker.facts.cost):
        return int(dollars * 100)
    return dollars if _is_decimal(breaker) else float(dollars)


@functools.lru_cache(maxsize=1)  # asked for each of some hundred charges
def _is_decimal(breaker: Breaker) -> bool:
    name, signature = breaker.facts.cost, signature_of(breaker.call)
    annotation = signature.parameters[name].annotation if signature is not None and name in signature.parameters else float
    return "Decimal" in (annotation if isinstance(annotation, str) else getattr(annotation, "__name__", ""))
