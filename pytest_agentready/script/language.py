"""The words in which a script is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pytest_agentready.domain import did_you_mean
from pytest_agentready.domain.model import Failure, ModelFailure
from pytest_agentready.script.malformation import Malformation
from pytest_agentready.script.steps import (
    NOTHING_TO_OBEY,
    Call,
    Cut,
    Fail,
    ForEver,
    MalformedCall,
    Obey,
    RepeatTheSystemPrompt,
    Say,
    Scripted,
    Step,
    UnknownTool,
    step,
)

STATUSES: Mapping[int, Failure] = {401: "unauthorized", 429: "rate_limit", 500: "server_error", 503: "overloaded", 529: "overloaded"}


def say(text: str, *calls: Call) -> Step:
    """It answers with this text, and calls tools beside it."""
    return Say(text, tuple(calls))


def _name(word: str, name: object) -> str:
    """Raises TypeError for what is no name: the tool itself, say."""
    if isinstance(name, str):
        return name
    meant = getattr(name, "name", None) if isinstance(getattr(name, "name", None), str) else getattr(name, "__name__", "get_order")
    raise TypeError(f'{word}({name!r}): a model calls a tool by the name that it is offered, such as {word}("{meant}", ...)')


def call(name: str, /, **arguments: Any) -> Call:
    """It calls this tool, with these arguments."""
    return Call(_name("call", name), arguments)


def for_ever(*steps: Scripted | Callable[[int], Scripted]) -> ForEver:
    """It goes through these steps again and again: `for_ever(call("search"))`, `for_ever(lambda turn: call("search", page=turn))`."""
    if len(steps) == 1 and callable(steps[0]) and not isinstance(steps[0], Step):
        return ForEver(function=steps[0])
    if not steps:
        raise TypeError('for_ever() takes what is done for ever: for_ever(call("search"))')
    return ForEver(tuple(step(one) for one in steps))


def obey(otherwise: Scripted = NOTHING_TO_OBEY) -> Step:
    """It does what the newest output of a tool, or the user, tells it to do by an `instruction`; nothing told, `otherwise`."""
    return Obey(step(otherwise))


def repeat_the_system_prompt() -> Step:
    """It answers with its system prompt, word for word."""
    return RepeatTheSystemPrompt()


def malformed(name: str, how: Malformation = "truncated", /, **arguments: Any) -> Call:
    """It calls the tool with arguments that are not right.

    They are `"truncated"` in a value, `"unclosed"` behind the last one, an `"array"`,
    of wrong `"types"`, `"missing"`, no JSON (`"text"`) or `"empty"`.
    """
    if how not in get_args(Malformation):
        raise ValueError(f"malformed({name!r}, {how!r}): use one of {', '.join(map(repr, get_args(Malformation)))}")
    return MalformedCall(_name("malformed", name), arguments, how=how)


def unknown_tool(name: str = "", /, **arguments: Any) -> Call:
    """It calls a tool that it has not been offered."""
    return UnknownTool(_name("unknown_tool", name), arguments)


def cut_stream(answer: Scripted, after: int = 1, *, in_silence: bool = False, in_good_order: bool = False) -> Step:
    """Its answer breaks off after so many deltas: the connection is closed, or nothing more comes. Unstreamed, half of it arrives.

    `in_good_order` the stream ends as if that were all, without its last events, as behind a proxy; unstreamed, nothing is missing then.
    """
    return Cut(step(answer), after, in_silence, in_good_order)


def fail_with(failure: Failure | int, *, retry_after: float | None = None, message: str = "") -> Step:
    """The provider fails: by a kind such as `"overflow"`, `"rate_limit"`, `"timeout"`, or with a status such as 529."""
    if isinstance(failure, int):
        if not 400 <= failure <= 599:
            raise ValueError(f"fail_with({failure}): a failure has a status from 400 to 599")
        kind = STATUSES.get(failure, "refused" if failure < 500 else "server_error")
        return Fail(ModelFailure(kind, failure, retry_after, message))
    if failure not in get_args(Failure):
        known = get_args(Failure)
        raise ValueError(f"fail_with({failure!r}): there is no such failure.{did_you_mean(failure, known)} Known: {', '.join(known)}.")
    return Fail(ModelFailure(failure, None, retry_after, message))
