"""AR404: which parts of what a confirmation writes are its key, and which are chance."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import redis
import requests

from pytest_agentready.domain import ConfirmationKeys, Finding, GateWalk, Mark, Run, Trial
from pytest_agentready.domain.effect import Effect
from tests.checks.judging import judgements, messages
from tests.examining import as_tool, engine

URL = "https://api.mail.example/send"
GRANTED: dict[Any, float] = {}
STORE = redis.Redis(host="approvals.internal", socket_timeout=1)
OPENED = GateWalk(confirm_name="confirm=grant", confirmed=Trial(Run({}), (Effect("request", "POST", URL),)))


class Action:
    """It has no text of its own."""


def marks(*texts: str) -> tuple[Mark, ...]:
    return tuple(Mark("shop.APPROVED", text.encode()) for text in texts)


def found(here: str, again: str, there: str) -> list[str]:
    keys = ConfirmationKeys(marks(here), marks(again), marks(there))
    return messages(judgements("AR404", gate_walk=OPENED, confirmation_keys=keys))


def test_a_part_that_is_new_each_time_is_no_key() -> None:
    assert found("key-1: 7f3a 12:00", "key-1: 9b2c 13:00", "key-1: 0d1e 12:00") == []


def test_a_part_that_is_the_same_here_and_another_there_is() -> None:
    (message,) = found("confirmed:-17 7f3a", "confirmed:-17 9b2c", "confirmed:42 0d1e")
    assert "there it is confirmed:42 *, and here another one" in message


def test_a_text_that_is_built_otherwise_there_is_another_key() -> None:
    assert len(found("a b", "a b", "a b c")) == 1


def test_an_address_names_an_object_of_this_process() -> None:
    (message,) = found("<shop.Action object at 0x7f01>", "<shop.Action object at 0x7f02>", "")
    assert "names an object by its address: <shop.Action object at 0x...>" in message


def test_the_address_itself_is_another_one_in_each_session_and_is_not_shown() -> None:
    keys = ConfirmationKeys(marks("<shop.Action object at 0x7f01>"), (), ())
    (finding,) = judgements("AR404", gate_walk=OPENED, confirmation_keys=keys)
    assert isinstance(finding, Finding)
    assert "7f01" not in f"{finding.message} {finding.evidence}"


def test_another_way_there_proves_nothing() -> None:
    keys = ConfirmationKeys(marks("a"), marks("a"), ())
    assert messages(judgements("AR404", gate_walk=OPENED, confirmation_keys=keys))[0].startswith(
        "in another process the same confirmation takes"
    )


# --- for real


def grant_object(to: str) -> None:
    GRANTED[f"{Action()}:{to}"] = time.time()
    GRANTED[to] = time.time()


def grant_by_id(to: str) -> None:
    GRANTED[to, id(Action)] = time.time()


def grant_with_a_note(to: str) -> None:
    STORE.set(f"approved:{to}", json.dumps({"id": str(uuid.uuid4()), "at": time.time()}), ex=60)


def send(to: str) -> dict[str, object]:
    if not any(GRANTED.pop(key, None) for key in (to, (to, id(Action)))):
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "CONFIRMATION_REQUIRED"}
    return {"status": "success", "data": requests.post(URL, json={"to": to}, timeout=5).json()}


def send_if_stored(to: str) -> dict[str, object]:
    if not STORE.getdel(f"approved:{to}"):
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "CONFIRMATION_REQUIRED"}
    return {"status": "success", "data": requests.post(URL, json={"to": to}, timeout=5).json()}


def outcome(call: Any, confirm: Any) -> str:
    tool = as_tool(call, {"args": {"to": "ada@example.com"}, "backend": {f"POST {URL}": {}}, "confirm": confirm})
    return engine().examine(tool, engine().registry.check("AR404")).outcome.value


def test_objects_and_their_ids_are_found() -> None:
    assert outcome(send, grant_object) == "failed"
    assert outcome(send, grant_by_id) == "failed"


def test_a_note_beside_the_key_is_none() -> None:
    assert outcome(send_if_stored, grant_with_a_note) == "passed"


def test_what_is_kept_in_a_closure_was_not_seen() -> None:
    kept: list[str] = []

    def grant(to: str) -> None:
        kept.append(to)

    def send(to: str) -> dict[str, object]:
        if to not in kept:
            return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "CONFIRMATION_REQUIRED"}
        kept.remove(to)
        return {"status": "success", "data": requests.post(URL, json={"to": to}, timeout=5).json()}

    assert outcome(send, grant) == "unproven"
