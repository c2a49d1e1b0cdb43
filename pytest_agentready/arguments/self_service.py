"""Parameters by which a model may open a confirmation gate by itself, and the values that would open it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_agentready.arguments.names import words_of
from pytest_agentready.arguments.plausible import resolved
from pytest_agentready.domain import Parameter

# Words of a name; each is looked at by itself.
OPENING = re.compile(
    r"confirm(?:ed|ation|er)?|approv(?:e|ed|al|er|ers)|forced?|yes|overrid(?:e|den)|bypass|skip|sure|ack(?:nowledged?)?|authori[sz]ed?|proceed"
    r"|consent(?:ed)?|permission|allow(?:ed)?|granted|really|unsafe|execute|commit|verified|reviewed|human"
)
PLAIN = re.compile(r"confirm(?:ed|ation)?|approv(?:e|ed|al)|yes|forced?|ack(?:nowledged?)?|consent(?:ed)?|authori[sz]ed?|sure|certain")
NEUTRAL = re.compile(
    r"user|is|has|was|been|i|am|are|you|by|me|my|human|auto|action|operation|really|flag|status|answer|reply|response|decision|state"
)
TYPED = re.compile(r"type|typed|to|the|phrase|words?|again|input|string|retype|repeat")  # "type the word to confirm"
OTHER_TOKENS = re.compile(r"page|next|previous|sync|continuation|access|auth|api|bearer|refresh|csrf|session|device|push|id")
# "dry_run": the other way round.
CLOSING = re.compile(
    r"dry ?run|preview|simulat(?:e|ion)|test mode|ask(?: first| user)?|interactive|safe(?: mode)?|sandbox|noop"
    r"|(?:plan|validate|check) only"
)
CLOSING_WORDS = re.compile(r"requires?|required|needs?|must")  # requires_confirmation
OTHERWISE = re.compile(r"send|e?mail|message|text|url|number|template|resend|notif(?:y|ication)|subject|sms")  # send_confirmation
TOKEN = re.compile(
    r"token|code|nonce|otp|pin|secret"
    r"|(?:confirm\w*|approv\w*|consent|authori[sz]\w*|permission|request|pending)[ _]?(?:id|key|ref\w*)"
)
TRUTHY = ("true", "yes", "confirmed", "false", "no", "0")  # text that is not empty is true to Python, whatever it says


def is_gate(parameter: Parameter) -> bool:
    """May this be meant to open a gate?"""
    return is_switch(parameter) or is_token(parameter.name)


def is_switch(parameter: Parameter) -> bool:
    """A flag; or a text that by its whole name is nothing else: `confirmed`, `approved_by`, but not `approved_amount`."""
    words = words_of(parameter.name)
    if kind_of(parameter) == "boolean":
        return (_any(OPENING, words) and not _any(OTHERWISE, words)) or is_reversed(parameter.name)
    usual = (PLAIN, NEUTRAL, *([TYPED] if any(word.startswith("confirm") for word in words) else []))
    return _any(PLAIN, words) and all(any(pattern.fullmatch(word) for pattern in usual) for word in words)


def sounds_like_a_gate(name: str) -> bool:
    """Is there such a word in it at all? `confirm_folder`, `approved_amount`."""
    words = words_of(name)
    return words[:1] == ["confirm"] or (_any(OPENING, words) and not _any(OTHERWISE, words)) or is_reversed(name) or is_token(name)


def is_token(name: str) -> bool:
    """`confirmation_token`, `approval_id`: something that somebody has to hand out."""
    words = words_of(name)
    if TOKEN.search(" ".join(words)) is None:
        return False
    return _any(OPENING, words) or (words[-1] in ("token", "nonce", "otp") and not _any(OTHER_TOKENS, words))


def is_reversed(name: str) -> bool:
    """Does it open the gate where it is false?"""
    words = words_of(name)
    return CLOSING.fullmatch(" ".join(words)) is not None or (_any(OPENING, words) and _any(CLOSING_WORDS, words))


def _any(pattern: re.Pattern[str], words: list[str]) -> bool:
    return any(pattern.fullmatch(word) for word in words)


def closed(parameter: Parameter) -> Any:
    """The value that opens nothing, for a parameter that has to be given."""
    return (
        is_reversed(parameter.name)
        if kind_of(parameter) in ("boolean", "")
        else {"string": "", "integer": 0, "number": 0}.get(kind_of(parameter))
    )


def opening(parameter: Parameter) -> Iterator[Any]:
    """The values that would open it, the plainest first."""
    if members := schema_of(parameter).get("enum"):
        yield from members
        return
    reverse = is_reversed(parameter.name)
    match kind_of(parameter):
        case "boolean":
            yield not reverse
            yield from () if reverse else ("false", "no")
        case "string":
            yield from ("", "false", "no") if reverse else TRUTHY
        case "integer" | "number":
            yield from (0,) if reverse else (1, 99)
        case _:
            yield not reverse
            yield from () if reverse else TRUTHY


def schema_of(parameter: Parameter) -> Mapping[str, Any]:
    """Of what is not null."""
    definitions = parameter.schema.get("$defs", {})
    schema = resolved(parameter.schema, definitions)
    return resolved(next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema), definitions)


def kind_of(parameter: Parameter) -> str:
    """Its JSON type; "" where it has none."""
    kind = str(schema_of(parameter).get("type", ""))
    return kind or {bool: "boolean", str: "string", int: "integer"}.get(type(parameter.default), "")
