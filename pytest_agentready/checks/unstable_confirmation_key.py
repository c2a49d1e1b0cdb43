"""The user confirms in one process, and the tool looks in another: a key that is not the same there is never found, or is another's.

`hash()` of a text differs in each process, on purpose, and so do object ids and the order of a set. With one worker all is well; with
two, or after a restart, confirmed actions are refused at random, and by a collision a stranger's approval fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from pytest_agentready.domain import (
    ADDRESS,
    TOKENS,
    Check,
    ConfirmationKeys,
    Finding,
    GateWalk,
    Judgement,
    Mark,
    Severity,
    Tool,
    Unproven,
    shortened,
    unlike,
)

check = Check(
    id="AR404",
    title="The key of an approval is another one in another process",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Make the key of the arguments themselves: `hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()`. `hash()`, "
        "`id()`, `repr()` of an object and the order of a set are this process's own."
    ),
    since="0.1",
)

OBJECT = re.compile(rb"<[^<>]* at 0x[0-9a-fA-F]+>")
SHOWN = 90  # characters of a key


@check
def judge(tool: Tool, gate_walk: GateWalk, confirmation_keys: ConfirmationKeys) -> Iterator[Judgement]:
    keys = confirmation_keys
    if why := gate_walk.not_opened:
        yield why
    elif objects := [mark for mark in keys.here if OBJECT.search(mark.text)]:
        yield Finding(
            f"the key of the approval names an object by its address: {_shown(objects[0])} in {objects[0].place}",
            where=tool.source,
            evidence={mark.place: _shown(mark) for mark in objects},
        )
    elif keys.refused:
        yield Finding(
            f"what {gate_walk.confirm_name} hands out here is refused in another process, which lets through what it has handed out itself",
            where=tool.source,
            fix="Sign it by a secret that all processes share, from the environment or a vault, and over what is the same in each of them.",
        )
    elif keys.gap:
        yield Unproven(keys.gap)
    elif [mark.place for mark in keys.here] != [mark.place for mark in keys.there]:
        yield Unproven(
            "in another process the same confirmation takes another way, so that its keys cannot be compared: "
            f"here {_places(keys.here)}, there {_places(keys.there)}"
        )
    else:
        yield from islice((_differing(tool, *marks) for marks in _side_by_side(keys) if _differ(*marks)), 1)


def _side_by_side(keys: ConfirmationKeys) -> Iterator[tuple[Mark, Mark, Mark]]:
    """Each mark there, here, and here once more."""
    again = keys.again if len(keys.again) == len(keys.here) else keys.here
    for elsewhere in (keys.there, keys.yonder):
        if len(elsewhere) == len(keys.here):
            yield from zip(elsewhere, keys.here, again, strict=True)


def _differ(there: Mark, here: Mark, other: Mark) -> bool:
    if unlike(there.text, here.text, other.text):
        return True
    built_otherwise = here.text == other.text and unlike(there.text, here.text, here.text) is None
    return len(here.text) == len(other.text) and built_otherwise


def _differing(tool: Tool, there: Mark, here: Mark, other: Mark) -> Finding:
    steady = _steady(there, here, other)
    return Finding(
        f"the key of the same approval is not the same in another process: there it is {steady}, and here another one ({here.place})",
        where=tool.source,
        evidence={"there": steady},  # what it is here is new in each session
    )


def _places(marks: tuple[Mark, ...]) -> str:
    return shortened(", ".join(dict.fromkeys(mark.place for mark in marks)) or "nothing", SHOWN)


def _steady(there: Mark, here: Mark, other: Mark) -> str:
    """What is chance, or the time, is left out."""
    words, ones, others = (TOKENS.findall(mark.text) for mark in (there, here, other))
    if len(words) == len(ones) == len(others):
        words = [word if one == again else b"*" for word, one, again in zip(words, ones, others, strict=True)]
    return shortened(b"".join(words).decode(errors="replace"), SHOWN)


def _shown(mark: Mark) -> str:
    """Without the address itself, which is another one in each session."""
    return shortened(ADDRESS.sub(" at 0x...", mark.text.decode(errors="replace")), SHOWN)


MAIL = {"POST https://api.mail.example/send": {"id": "m-1"}}
APPROVED: set[str] = set()


def approve(to: str, body: str) -> None:
    APPROVED.add(_key(to, body))


def _key(to: str, body: str) -> str:
    import hashlib
    import json

    return hashlib.sha256(json.dumps([to, body]).encode()).hexdigest()


@check.passes(args={"to": "ada@example.com", "body": "See you."}, backend=MAIL, confirm=approve)
def with_a_digest(to: str, body: str) -> dict[str, object]:
    import hashlib
    import json

    import requests

    key = hashlib.sha256(json.dumps([to, body]).encode()).hexdigest()
    try:
        APPROVED.remove(key)  # in one step: of two calls, one finds it
    except KeyError:
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the mail to {to}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    sent = requests.post("https://api.mail.example/send", json={"to": to, "body": body}, timeout=5)
    return {"status": "success", "data": sent.json()}


def approve_by_hash(to: str, body: str) -> None:
    APPROVED.add(f"confirmed:{hash((to, body))}")


@check.fails(args={"to": "ada@example.com", "body": "See you."}, backend=MAIL, confirm=approve_by_hash)
def with_hash(to: str, body: str) -> dict[str, object]:
    import requests

    key = f"confirmed:{hash((to, body))}"
    if key not in APPROVED:
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the mail to {to}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    APPROVED.discard(key)
    sent = requests.post("https://api.mail.example/send", json={"to": to, "body": body}, timeout=5)
    return {"status": "success", "data": sent.json()}
