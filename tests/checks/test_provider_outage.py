"""AR706 at its edges: what hammers a provider, and what is a word to the user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_agentready.domain import (
    Conversation,
    Judgement,
    ModelCall,
    ModelFailure,
    ModelRequest,
    NormalConversation,
    ProviderOutage,
    ProviderTrial,
    Raised,
    Run,
    Turn,
)
from pytest_agentready.domain.model import Message
from tests.checks.judging import judgements, messages

LIMIT, BROKEN = ModelFailure("rate_limit", 429, retry_after=20), ModelFailure("server_error", 500)
SORRY = "Try again in a few minutes."


def calls(failure: ModelFailure, *pauses: float, model: str = "gpt-5.1") -> tuple[ModelCall, ...]:
    request = ModelRequest("openai", "chat", model, (Message("user", "Where is my order?"),))
    moments = [sum(pauses[:number]) for number in range(len(pauses) + 1)]
    return tuple(ModelCall(request, failure, at, "agent.py:7", "api.openai.com") for at in moments)


def judged(failure: ModelFailure, run: Run, said: str | None = SORRY, usual: str | None = "It is on its way.") -> list[str]:
    trial = ProviderTrial(failure, True, Conversation((Turn("Hi", run, said),)))
    normal = NormalConversation(Conversation((Turn("Hi", Run({}), usual, printed="Ready.\n"),)))
    found: list[Judgement] = judgements("AR706", normal_conversation=normal, provider_outage=ProviderOutage((trial,)))
    return messages(found)


@pytest.mark.parametrize(
    ("failure", "pauses", "hammers"),
    [
        (BROKEN, (0.4, 0.9), False),  # an SDK's two retries
        (LIMIT, (20.0, 20.0), False),
        (LIMIT, (20.0, 20.0, 20.0, 20.0, 20.0, 20.0), False),  # an SDK that was told to try seven times
        (BROKEN, (0.001,), False),  # once, and at once
        (BROKEN, (0.001, 0.001), True),
        (LIMIT, (1.0,), False),
        (LIMIT, (1.0, 2.0, 4.0), True),  # it grows, and is not what the provider has said
        (LIMIT, (20.0, 20.0, 1.0, 20.0, 20.0, 2.0, 20.0, 20.0), False),  # an SDK within a loop that backs off
        (BROKEN, (1.0, 1.0, 1.0, 1.0), False),
        (BROKEN, (1.0, 1.0, 1.0, 1.0, 1.0), True),
        (BROKEN, (60.0, 60.0, 60.0, 60.0, 60.0), False),
        (BROKEN, (0.4, 0.9, 0.001, 0.4, 0.9), False),
    ],
)
def test_a_few_retries_with_pauses_are_no_hammering(failure: ModelFailure, pauses: tuple[float, ...], hammers: bool) -> None:
    found = judged(failure, Run({}, model_calls=calls(failure, *pauses)))
    assert bool(found) is hammers, found


def test_another_model_is_no_repetition() -> None:
    asked = (*calls(BROKEN, model="gpt-5.1"), *calls(BROKEN, model="gpt-4.1"), *calls(BROKEN, model="gpt-4o"))
    assert judged(BROKEN, Run({}, model_calls=asked)) == []


def test_several_answers_to_choose_from_are_no_repetition() -> None:
    thrice = calls(BROKEN, 0.0, 0.0, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0)
    trial = ProviderTrial(BROKEN, True, Conversation((Turn("Hi", Run({}, model_calls=thrice), SORRY),)))
    for usual, count in ((calls(BROKEN, 0.0, 0.0), 0), (calls(BROKEN), 1)):
        normal = NormalConversation(Conversation((Turn("Hi", Run({}, model_calls=usual), "It is on its way."),)))
        assert len(judgements("AR706", normal_conversation=normal, provider_outage=ProviderOutage((trial,)))) == count


def raised(kind: str, message: str = "", *, own: bool = False, accidental: bool = False) -> Run:
    error = Raised(kind, message, "agent.py:9", fatal=kind == "SystemExit", accidental=accidental, refusal=own)
    return Run({}, raised=error, model_calls=calls(BROKEN))


def without_a_word() -> Iterator[tuple[Run, str | None]]:
    yield raised("openai.InternalServerError", "Error code: 500"), None
    yield raised("openai.InternalServerError", "Error code: 500", own=True), None  # `raise last_error`
    yield raised("httpx.HTTPStatusError", "Server error", own=True), None
    yield raised("tenacity.RetryError", "RetryError[<Future>]"), None
    yield raised("KeyError", "'choices'", accidental=True), None
    yield raised("shop.agent.Unavailable", "", own=True), None  # without a reason
    yield raised("SystemExit", "1"), None
    yield Run({}, model_calls=calls(BROKEN)), None
    yield Run({}, model_calls=calls(BROKEN)), ""
    yield Run({}, model_calls=calls(BROKEN)), "None"


def with_a_word() -> Iterator[tuple[Run, str | None]]:
    yield raised("shop.agent.Unavailable", "the model cannot be reached", own=True), None
    yield raised("RuntimeError", "the model cannot be reached", own=True), None
    yield raised("SystemExit", "The model cannot be reached."), None
    yield Run({}, model_calls=calls(BROKEN)), "Error code: 500"


@pytest.mark.parametrize(("run", "said"), [*without_a_word()])
def test_who_hears_nothing_or_gets_a_clients_exception_is_left_without_a_word(run: Run, said: str | None) -> None:
    (found,) = judged(BROKEN, run, said)
    assert "HTTP 500 for ever" in found


@pytest.mark.parametrize(("run", "said"), [*with_a_word()])
def test_a_text_and_an_exception_of_its_own_with_a_reason_are_words(run: Run, said: str | None) -> None:
    assert judged(BROKEN, run, said) == []


def test_a_line_that_is_printed_in_any_case_is_no_word() -> None:
    run = Run({}, model_calls=calls(BROKEN))
    normal = NormalConversation(Conversation((Turn("Hi", Run({}), None, printed="Ready.\nIt is on its way.\n"),)))
    for printed, count in (("Ready.\n", 1), ("Ready.\nThe model is down.\n", 0)):
        trial = ProviderTrial(BROKEN, True, Conversation((Turn("Hi", run, None, printed=printed),)))
        assert len(judgements("AR706", normal_conversation=normal, provider_outage=ProviderOutage((trial,)))) == count


def test_where_nothing_is_heard_in_good_health_nothing_is_missed() -> None:
    trial = ProviderTrial(BROKEN, False, Conversation((Turn("Hi", Run({}, model_calls=calls(BROKEN)), None),)))
    normal = NormalConversation(Conversation((Turn("Hi", Run({}), None),)))
    (found,) = messages(judgements("AR706", normal_conversation=normal, provider_outage=ProviderOutage((trial,))))
    assert "cannot be seen" in found
