"""The provider of the model has a bad hour, and the loop makes it worse, or leaves its user with a stack trace.

Providers answer 429, 500 and 529 every day, and sometimes not at all. The SDKs ask twice more, with pauses that grow, and wait as long as
`retry-after` says. Around that much goes wrong: a `while True` that asks again at once is shut out for longer, and one that asks for ever
holds its worker for ever; a client of one's own has no timeout; and when the last attempt has failed, what reaches the user is the SDK's
exception, or an empty answer.

The provider fails in each of these ways, once and for ever, in virtual time. Where the loop streams, the streams of its answers also
break off in the middle of a text, or go silent there: no SDK asks again for that by itself. Hammering is to ask without end (60
requests), three times at once, more than five times the same time apart, or mostly sooner than `retry-after` allows. Dying without a
word is to wait for ever, to return nothing to read, or to let an exception out that the loop has not raised itself: the SDK's, the
HTTP client's, a `KeyError` in the error's body. A text is a word, whatever it says, and so is an exception that the project raises
itself, with a reason in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_agentready.domain import (
    Check,
    Finding,
    Judgement,
    ModelAnswer,
    NormalConversation,
    ProviderOutage,
    ProviderTrial,
    Raised,
    Severity,
    Turn,
    Unproven,
    copies_of,
    duration,
    repetitions_of,
    shortened,
)

check = Check(
    id="AR706",
    title="An outage of the provider is hammered, or ends the run without a word",
    severity=Severity.MEDIUM,
    profile="standard",
    about="loop",
    fix=(
        "Leave the retries to the SDK (`max_retries=2`), catch what it raises in the end (`openai.APIError`, `anthropic.APIError`), and "
        "tell the user: `return 'The assistant cannot be reached just now. Please try again in a few minutes.'`."
    ),
    since="0.1",
)

END = "Give the retries an end and pauses that grow, or leave them to the SDK, which asks twice more and heeds `retry-after`."
CUT = (
    "Catch what the HTTP client raises, too, around the whole of the stream: an SDK may hand it on as it is, `except (anthropic.APIError, "
    "httpx2.HTTPError):`; and tell the user that the answer is not complete."
)
UNSEEN = "what its user gets to read cannot be seen: give call=, a function that takes the user's text and gives what the user gets"
AT_ONCE = 0.1  # seconds
FEW = 5  # requests that may be the same time apart
LONG = 30.0  # seconds, and however many pauses of these are none too many
NOTHING = frozenset({"", "none", "null", "{}", "[]", "()", '""', "''"})


@check
def judge(normal_conversation: NormalConversation, provider_outage: ProviderOutage) -> Iterable[Judgement]:
    usual = normal_conversation.plain.last
    hammered = {trial: story for trial in provider_outage.trials if (story := _hammered(trial, usual))}
    yield from _told(hammered, END)
    left = [trial for trial in provider_outage.trials if trial not in hammered]
    dying = {trial: story for trial in left if (story := _dies(trial.conversation.last, usual))}
    yield from _told(dying, CUT if all(trial.failure is None for trial in dying) else "")
    if not usual.heard.strip() and any(
        trial.conversation.last.run.returned and not _word(trial.conversation.last, usual) for trial in left
    ):
        yield Unproven(UNSEEN)


def _told(stories: dict[ProviderTrial, str], fix: str = "") -> Iterator[Finding]:
    """One cause, with all the failures in which it shows."""
    if not stories:
        return
    first = next(iter(stories))
    mishaps: dict[str, list[str]] = {}
    for trial in stories:
        mishaps.setdefault(trial.mishap, []).append("for ever" if trial.for_ever else "once")
    shown, *others = (f"{mishap} {' and '.join(hows)}" for mishap, hows in mishaps.items())
    also = f" (also: {'; '.join(others)})" if others else ""
    yield Finding(
        f"the provider answers with {shown}, and {stories[first]}{also}",
        where=first.conversation.model_calls[-1].where if first.conversation.model_calls else "",
        evidence={f"{trial.mishap} {'for ever' if trial.for_ever else 'once'}": story for trial, story in stories.items()},
        fix=fix,
        seen=first.conversation,
    )


def _hammered(trial: ProviderTrial, usual: Turn) -> str:
    """How it asks without restraint; "" where it does not."""
    turn, wanted = trial.conversation.last, trial.retry_after
    asked = len(turn.model_calls)
    if turn.ending is not None and turn.ending.kind != "stuck":
        return f"it does not stop asking, {asked} times within {duration(turn.run.virtual)}"
    if trial.takes_time:
        return ""
    normal, copies = repetitions_of(usual.model_calls), copies_of(usual.model_calls)
    for about, pauses in repetitions_of(turn.model_calls).items():
        times = 1 + len(normal.get(about, ()))  # that it is asked in good health
        at_once = _at_once(pauses)
        if at_once > 2 * times:
            return f"it is asked {asked} times within {duration(turn.run.virtual)}, {at_once} of them without a pause"
        times = copies.get(about, 1)  # the very same: three answers to choose from, say
        early = [pause for pause in pauses if pause < wanted - AT_ONCE]
        if times == 1 and len(early) > 1 and 2 * len(early) > len(pauses):
            return f"it is asked again after {duration(min(early))}, {asked} times in all"
        steady = len(pauses) >= FEW * times and max(pauses) <= 1.5 * min(pauses) + 0.1
        if steady and min(pauses) < (wanted - AT_ONCE if wanted else LONG):
            return f"it is asked {asked} times, every {duration(min(pauses))}, with pauses that do not grow"
    return ""


def _at_once(pauses: list[float]) -> int:
    """How many requests in a row have no pause between them; an answer takes a few milliseconds."""
    longest = current = 1
    for pause in pauses:
        current = current + 1 if pause < AT_ONCE else 1
        longest = max(longest, current)
    return longest


def _dies(turn: Turn, usual: Turn) -> str:
    """How it leaves its user without a word; "" where it does not."""
    if turn.ending is not None:
        return f"the run waits for it for ever ({turn.ending.detail}): its client has no timeout"
    if turn.raised is not None:
        raised = turn.raised
        message = f": {shortened(raised.message, 80)}" if raised.message else " without a message"
        return "" if _is_a_word(raised, turn, usual) else f"the run dies with {raised.kind}{message}"
    return "" if _word(turn, usual) or not usual.heard.strip() else "the user gets an empty answer"


def _word(turn: Turn, usual: Turn) -> bool:
    """Does the user get to read anything that is not printed in any case? What the model says is not: it has been reached, then."""
    answers = [call.answer.text for call in usual.model_calls if isinstance(call.answer, ModelAnswer) and call.answer.text]
    frame = {line for line in _lines(usual) if not any(line in answer or answer in line for answer in answers)}
    return (turn.said or "").strip().lower() not in NOTHING or any(line.lower() not in NOTHING for line in _lines(turn) - frame)


def _lines(turn: Turn) -> set[str]:
    """What is printed, without blank lines."""
    return {line.strip() for line in turn.printed.splitlines()} - {""}


def _is_a_word(raised: Raised, turn: Turn, usual: Turn) -> bool:
    """An exception of the project's own, by its own `raise`, with a reason; or the end of a program, with one."""
    if raised.kind == "SystemExit":
        return bool(raised.message and not raised.message.lstrip("-").isdigit()) or _word(turn, usual)
    return raised.is_own_word and bool(raised.message.strip())


@check.passes(prompt="question")
def with_a_word_to_the_user(question: str) -> str:
    import openai

    try:
        answer = openai.OpenAI(timeout=30).chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    except openai.APIError:
        return "The assistant cannot be reached just now. Please try again in a few minutes."
    return str(answer.choices[0].message.content)


@check.fails(prompt="question")
def again_until_it_works(question: str) -> str:
    import openai

    while True:
        try:
            answer = openai.OpenAI(timeout=30).chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
        except openai.APIError:
            continue
        return str(answer.choices[0].message.content)


@check.fails(prompt="question")
def with_the_exception_of_the_sdk(question: str) -> str:
    import anthropic

    answer = anthropic.Anthropic().messages.create(
        model="claude-sonnet-4-6", max_tokens=500, messages=[{"role": "user", "content": question}]
    )
    return "".join(block.text for block in answer.content if block.type == "text")
