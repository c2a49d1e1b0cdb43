"""The walk around a gate: what is tried, what counts, and what becomes of a `confirm` that does not work."""

from __future__ import annotations

import asyncio
import contextlib
import cProfile
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

import pytest
import redis
import requests

from pytest_agentready.domain import Verdict
from tests.examining import as_tool, engine

URL = "https://api.mail.example/send"
BACKEND = {f"POST {URL}": {"id": "m-1"}}
MAIL = {"to": "ada@example.com", "body": "See you."}
GRANTED: dict[str, float] = {}
WHO: ContextVar[str] = ContextVar("who", default="nobody")


def refusal(message: str = "CONFIRMATION_REQUIRED: ask the user.") -> dict[str, object]:
    return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}


def posted(**body: object) -> dict[str, object]:
    return {"status": "success", "data": requests.post(URL, json=body, timeout=5).json()}


def grant(to: str, body: str) -> None:
    GRANTED[f"{to}:{body}"] = time.time()


def taken(key: str) -> bool:
    return time.time() - GRANTED.pop(key, 0.0) < 900


def send(to: str, body: str) -> dict[str, object]:
    return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal()


def store(folder: Path, table: str) -> Path:
    """A database that was there before."""
    with contextlib.closing(sqlite3.connect(folder / "pending-gate.db")) as database:
        database.execute(f"CREATE TABLE {table} (text TEXT)")
        database.commit()
    return folder / "pending-gate.db"


def put(path: Path, table: str, text: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"INSERT INTO {table} VALUES (?)", (text,))
        database.commit()


@pytest.fixture(autouse=True)
def nothing_granted() -> Iterator[None]:
    GRANTED.clear()
    yield
    GRANTED.clear()


def judged(call: Callable[..., Any], *checks: str, args: dict[str, Any] = MAIL, backend: Any = BACKEND, **facts: Any) -> dict[str, Verdict]:
    tool = as_tool(call, {"args": args, "backend": backend, **facts})
    return {
        check: engine().examine(tool, engine().registry.check(check)) for check in checks or ("AR401", "AR402", "AR403", "AR405", "AR406")
    }


def outcomes(verdicts: dict[str, Verdict]) -> dict[str, str]:
    return {check: verdict.outcome.value for check, verdict in verdicts.items()}


def only(verdict: Verdict) -> str:
    (finding,) = verdict.findings
    return finding.message


def test_a_good_gate_passes_everything_and_nothing_is_left_of_its_approvals() -> None:
    assert set(outcomes(judged(send, confirm=grant)).values()) == {"passed"}
    assert not GRANTED


def test_a_stranger_is_told_what_his_tool_did_that_nobody_was_asked_and_how_to_gate_it() -> None:
    def send(to: str, body: str) -> object:
        requests.delete("https://api.mail.example/drafts/7", timeout=5)
        return requests.post(URL, json={"to": to, "body": body}, timeout=5).text

    verdict = judged(send, "AR401", backend=None)["AR401"]
    message = only(verdict)
    assert message.startswith("send(to='ada@example.com', body='See you.') did this at once, and nobody was asked: ")
    assert message.endswith(f"DELETE https://api.mail.example/drafts/7 and POST {URL}")
    assert "confirm=" in engine().registry.check("AR401").fix
    assert set(outcomes(judged(send, "AR402", "AR403", "AR404", "AR405", backend=None)).values()) == {"unproven"}


def test_an_async_confirmation_counts_as_well() -> None:
    async def grant_later(to: str, body: str) -> None:
        await asyncio.sleep(0.1)
        grant(to, body)

    assert outcomes(judged(send, "AR402", confirm=grant_later)) == {"AR402": "passed"}


def test_an_approval_that_somebody_left_before_does_not_make_the_gate_an_open_one() -> None:
    tool_is_gated = {"AR401": "passed", "AR402": "passed"}

    def send_for_ever(to: str, body: str) -> dict[str, object]:
        return posted(to=to, body=body) if f"{to}:{body}" in GRANTED else refusal()

    grant(**MAIL)
    assert outcomes(judged(send_for_ever, "AR401", "AR402", confirm=grant)) == tool_is_gated
    assert list(GRANTED) == ["ada@example.com:See you."]


def test_a_read_has_no_gate_to_walk_around() -> None:
    def read(order_id: str) -> str:
        return requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).text

    verdicts = judged(read, args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {}})
    assert outcomes(verdicts) == {"AR401": "passed", **dict.fromkeys(("AR402", "AR403", "AR405", "AR406"), "not_applicable")}


# --- what a confirmation lets through


def test_each_argument_is_changed_in_turn_and_those_that_are_not_covered_are_named() -> None:
    def send(to: str, body: str, cc: str = "") -> dict[str, object]:
        return posted(to=to, body=body, cc=cc) if taken(to) else refusal()

    def grant_to(to: str, body: str) -> None:
        GRANTED[to] = time.time()

    assert only(judged(send, "AR403", confirm=grant_to)["AR403"]).startswith("the approval does not cover body and cc: ")


def test_a_part_of_an_argument_is_an_argument() -> None:
    def order(items: list[dict[str, Any]]) -> dict[str, object]:
        return posted(items=items) if taken(items[0]["sku"]) else refusal()

    def agree(items: list[dict[str, Any]]) -> None:
        GRANTED[items[0]["sku"]] = time.time()

    message = only(judged(order, "AR403", args={"items": [{"sku": "LAMP-2", "pieces": 1}]}, confirm=agree)["AR403"])
    assert "items[1]" in message


def test_what_leaves_the_effect_as_it_is_need_not_be_covered() -> None:
    def send(to: str, body: str, timeout: float = 5.0, verbose: bool = False) -> dict[str, object]:
        return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal()

    assert outcomes(judged(send, "AR403", confirm=grant)) == {"AR403": "passed"}


def test_an_effect_that_differs_by_chance_alone_is_the_same() -> None:
    def send(to: str, body: str, verbose: bool = False) -> dict[str, object]:
        return posted(to=to, body=body, at=time.time()) if taken(f"{to}:{body}") else refusal()

    assert outcomes(judged(send, "AR403", confirm=grant)) == {"AR403": "passed"}


@pytest.mark.parametrize("user", ["user_id", WHO])
def test_the_approval_of_one_user_is_none_of_another(user: object) -> None:
    def send(to: str, body: str, user_id: str = "u-1") -> dict[str, object]:
        return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal()

    token = WHO.set("ada")
    try:
        message = only(
            judged(send, "AR403", args={**MAIL, "user_id": "u-1"}, confirm=lambda to, body, user_id: grant(to, body), user=user)["AR403"]
        )
    finally:
        WHO.reset(token)
    assert message.startswith(f"the approval does not cover {'who' if user is WHO else 'user_id'}: ")


def test_a_user_that_is_not_set_was_not_tried() -> None:
    nobody: ContextVar[str] = ContextVar("nobody")
    verdict = judged(send, "AR403", confirm=grant, user=nobody)["AR403"]
    assert verdict.reason == "user=nobody has no value in this test: set one in a fixture, so that another user can be tried"


def test_a_value_that_does_not_come_as_far_as_the_gate_proves_nothing() -> None:
    def send(to: str, body: str) -> dict[str, object]:
        if to != "ada@example.com":
            return refusal("I do not know them.")
        return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal()

    verdict = judged(send, "AR403", confirm=grant)["AR403"]
    assert verdict.outcome.value == "unproven"
    assert verdict.reason.startswith("no other value of to came as far as the gate (I do not know them.)")


# --- what the model can do by itself


@pytest.mark.parametrize(
    ("annotation", "default", "found"),
    [
        (bool, False, "with confirmed=True the model opens the gate by itself, and nobody has confirmed: "),
        (str, "", "with confirmed='true' the model opens the gate by itself, and nobody has confirmed: "),
        (Literal["pending", "yes"], "pending", "with confirmed='yes' the model opens the gate by itself, and nobody has confirmed: "),
    ],
)
def test_a_parameter_that_opens_the_gate_is_tried_for_real(annotation: object, default: object, found: str) -> None:
    def send(to: str, body: str, confirmed: Any = default) -> dict[str, object]:
        return posted(to=to, body=body) if confirmed and confirmed != "pending" else refusal()

    send.__annotations__["confirmed"] = annotation
    verdicts = judged(send, "AR401", "AR406")
    assert verdicts["AR401"].outcome.value == "passed"
    assert only(verdicts["AR406"]).startswith(found)


def test_that_the_marker_gives_the_flag_makes_no_ungated_tool() -> None:
    def send(to: str, body: str, confirm: bool) -> dict[str, object]:
        return posted(to=to, body=body) if confirm else refusal()

    assert outcomes(judged(send, "AR401", "AR406", args={**MAIL, "confirm": True})) == {"AR401": "passed", "AR406": "failed"}


def test_a_flag_that_is_open_by_default_is_no_gate() -> None:
    def send(to: str, body: str, dry_run: bool = False) -> dict[str, object]:
        return refusal() if dry_run else posted(to=to, body=body)

    assert outcomes(judged(send, "AR401", "AR406", args={**MAIL, "dry_run": False})) == {"AR401": "failed", "AR406": "not_applicable"}


def test_a_token_that_the_refusal_hands_out_is_the_models() -> None:
    tokens: set[str] = set()

    def send(to: str, body: str, confirmation_token: str = "") -> dict[str, object]:
        if confirmation_token in tokens:
            return posted(to=to, body=body)
        tokens.add(f"tok-{len(tokens)}")
        return {**refusal(), "data": {"confirmation_token": f"tok-{len(tokens) - 1}"}}

    assert "which its own refusal hands out" in only(judged(send, "AR406")["AR406"])


def test_a_phrase_that_the_refusal_spells_out_is_the_models() -> None:
    def send(to: str, body: str, confirmation: str = "") -> dict[str, object]:
        if confirmation != f"SEND TO {to}":
            return refusal(f'CONFIRMATION_REQUIRED: the user has to type "SEND TO {to}".')
        return posted(to=to, body=body)

    assert only(judged(send, "AR406")["AR406"]).startswith("with confirmation='SEND TO ada@example.com', which its own refusal hands out")


def test_a_flag_beside_a_real_gate_is_none() -> None:
    def send(to: str, body: str, force: bool = False) -> dict[str, object]:
        return posted(to=to, body=body, force=force) if taken(f"{to}:{body}:{force}") else refusal()

    def agree(to: str, body: str, force: bool = False) -> None:
        GRANTED[f"{to}:{body}:{force}"] = time.time()

    assert outcomes(judged(send, "AR401", "AR402", "AR406", confirm=agree)) == dict.fromkeys(("AR401", "AR402", "AR406"), "passed")


# --- the refusal


def test_a_refusal_that_says_nothing_of_a_confirmation_is_found() -> None:
    def send(to: str, body: str) -> dict[str, object]:
        return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal("Something is wrong.")

    assert only(judged(send, "AR402", confirm=grant)["AR402"]).startswith(
        "without a confirmation it comes back without saying that a confirmation is required: Something is wrong."
    )


def test_a_dry_run_is_no_refusal_that_says_nothing() -> None:
    def send(to: str, body: str, dry_run: bool = True) -> dict[str, object]:
        if dry_run:
            return {"status": "success", "data": f"{to} would get {body}"}
        return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal()

    def agree(to: str, body: str, dry_run: bool) -> None:
        grant(to, body)

    verdicts = judged(send, "AR401", "AR402", "AR406", args={**MAIL, "dry_run": False}, confirm=agree)
    assert outcomes(verdicts) == dict.fromkeys(("AR401", "AR402", "AR406"), "passed")


def test_a_refusal_that_invites_to_try_again_is_found() -> None:
    def send(to: str, body: str) -> dict[str, object]:
        return posted(to=to, body=body) if taken(f"{to}:{body}") else {**refusal(), "error_type": "transient", "retry_safe": True}

    assert "invites the model to try again" in only(judged(send, "AR402", confirm=grant)["AR402"])


def test_a_framework_that_interrupts_says_enough() -> None:
    class GraphInterrupt(Exception):
        pass

    def send(to: str, body: str) -> dict[str, object]:
        if not taken(f"{to}:{body}"):
            raise GraphInterrupt
        return posted(to=to, body=body)

    assert outcomes(judged(send, "AR401", "AR402", confirm=grant)) == {"AR401": "passed", "AR402": "passed"}


@pytest.mark.parametrize(
    "answer",
    [
        "Your review is confirmed.",
        "Thanks! Confirmation number R-17, a confirmation was sent to ada@example.com.",
        {"status": "confirmed", "confirmation": "R-17"},
        {"status": "success", "message": "Your review awaits approval."},
        {"ok": True, "message": "Approved, and a human was told."},
    ],
)
def test_a_success_in_the_words_of_a_gate_is_no_gate(tmp_path: Path, answer: object) -> None:
    database = store(tmp_path, "pending_reviews")

    def review(text: str) -> object:
        put(database, "pending_reviews", text)
        return answer

    assert "INSERT" in only(judged(review, "AR401", args={"text": "Nice."})["AR401"])


@pytest.mark.parametrize(
    "answer",
    [
        "This has not been confirmed yet: ask the user.",
        "It must be approved by a human first.",
        {"status": "confirmation_required", "confirmed": False},
        {"status": "pending_approval", "id": "p-1"},
        {"status": "pending", "confirmation_id": "c-1"},
        {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "Not approved."},
    ],
)
def test_a_refusal_in_its_own_words_is_one(answer: object) -> None:
    def send(to: str, body: str) -> object:
        return posted(to=to, body=body) if taken(f"{to}:{body}") else answer

    assert outcomes(judged(send, "AR401", "AR402", confirm=grant)) == {"AR401": "passed", "AR402": "passed"}


@pytest.mark.parametrize(
    ("table", "outcome"), [("pending_mails", "passed"), ("send_intents", "passed"), ("reviews", "failed"), ("tokens", "failed")]
)
def test_a_refusal_may_store_what_waits_in_a_table_that_is_called_so(tmp_path: Path, table: str, outcome: str) -> None:
    database = store(tmp_path, table)

    def send(to: str, body: str) -> dict[str, object]:
        put(database, table, to)
        return refusal()

    assert outcomes(judged(send, "AR401")) == {"AR401": outcome}


# --- a `confirm` that does not work


def raising(to: str, body: str) -> None:
    raise KeyError("approvals")


def too_narrow(to: str) -> None: ...


def of_no_effect(to: str, body: str) -> None: ...


def test_a_confirm_that_is_held_back_leaves_its_gate_unproven(tmp_path_factory: pytest.TempPathFactory) -> None:
    def by_a_program(**arguments: Any) -> None:
        subprocess.run(["kdialog", "--yesno", str(arguments)], check=True)

    def judged(confirm: Callable[..., None]) -> str:
        found = engine().examine(as_tool(send, {"args": MAIL, "backend": BACKEND, "confirm": confirm}), engine().registry.check("AR402"))
        assert found.outcome.value == "unproven"
        return found.reason

    assert "by_a_program wants a process (kdialog), which the world does not let out" in judged(by_a_program)
    path = store(tmp_path_factory.mktemp("shop"), "approvals")
    with contextlib.closing(sqlite3.connect(path)) as older:
        older.create_function("shout", 1, str.upper)  # which cannot be carried to the run's copy

        def by_an_older_connection(**arguments: Any) -> None:
            with older:
                older.execute("INSERT INTO approvals VALUES (?)", (str(arguments),))

        reason = judged(by_an_older_connection)
    assert reason.startswith("confirm=by_an_older_connection raises sqlite3.OperationalError: attempt to write a readonly database (")
    assert f", after the world has held back a change of the database {path.resolve()} by a connection" in reason


@pytest.mark.parametrize(
    ("confirm", "told"),
    [
        (raising, "confirm=raising raises KeyError: 'approvals' (tests/experiments/test_gate_walk.py:"),
        (too_narrow, "confirm=too_narrow does not take the tool's own arguments (got an unexpected keyword argument 'body')"),
    ],
)
def test_a_confirm_that_raises_is_an_error_of_the_test_and_said_once(confirm: Callable[..., None], told: str) -> None:
    verdicts = judged(send, confirm=confirm)
    assert outcomes(verdicts) == {"AR401": "passed", "AR402": "error", "AR403": "unproven", "AR405": "unproven", "AR406": "passed"}
    assert told in verdicts["AR402"].reason.replace(f"{engine().root}/", "")


@pytest.mark.parametrize("said", ["CONFIRMATION_REQUIRED: ask the user.", "Something is wrong."])
def test_a_confirm_that_approves_nothing_is_an_error_of_the_test(said: str) -> None:
    def send(to: str, body: str) -> dict[str, object]:
        return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal(said)

    verdicts = judged(send, "AR402", "AR403", "AR405", confirm=of_no_effect)
    assert outcomes(verdicts) == {"AR402": "error", "AR403": "unproven", "AR405": "unproven"}
    told = "confirm=of_no_effect approves nothing: it gives nothing back, nothing can be seen that it leaves behind "
    assert verdicts["AR402"].reason.startswith(told)
    assert verdicts["AR402"].reason.endswith("Let it record the approval where send looks it up")


def test_a_confirm_that_approves_something_else_leaves_the_gate_shut() -> None:
    def agree(to: str, body: str) -> None:
        GRANTED[f"{body}:{to}"] = time.time()

    def send(to: str, body: str) -> dict[str, object]:
        return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal("Something is wrong.")

    messages = [finding.message for finding in judged(send, "AR402", confirm=agree)["AR402"].findings]
    assert messages[1] == "send(to='ada@example.com', body='See you.') is confirmed, and refuses all the same: Something is wrong."


@pytest.mark.parametrize("first", [True, False])
def test_a_confirm_that_calls_the_tool_itself_is_an_error_of_the_test(first: bool) -> None:
    def grant_and_send(to: str, body: str) -> None:
        if first:
            grant(to, body)
        send(to, body)

    verdict = judged(send, "AR402", confirm=grant_and_send)["AR402"]
    assert verdict.outcome.value == "error"
    assert verdict.reason.startswith("confirm=grant_and_send calls send itself, and nothing is left for the confirmed call to do.")


def test_a_confirm_that_does_the_deed_by_another_way_is_named_where_the_gate_stays_shut() -> None:
    def grant_and_post(to: str, body: str) -> None:
        grant(body, to)
        posted(to=to, body=body)

    message = judged(send, "AR402", confirm=grant_and_post)["AR402"].findings[0].message
    assert message.endswith(f". confirm=grant_and_post itself did POST {URL}: if that is the action, let it record the approval alone")


def test_a_profiler_that_runs_is_left_alone() -> None:
    profiler = cProfile.Profile()
    with profiler:
        assert outcomes(judged(send, "AR402", confirm=grant)) == {"AR402": "passed"}
    assert sys.getprofile() is None


def test_a_confirm_may_call_the_tool_to_get_what_it_is_to_approve_of() -> None:
    asked: list[str] = []

    def send(to: str, body: str) -> dict[str, object]:
        asked.append(f"{to}:{body}")
        return posted(to=to, body=body) if taken(f"{to}:{body}") else refusal()

    def ask_and_grant(to: str, body: str) -> None:
        send(to, body)
        GRANTED[asked[-1]] = time.time()

    assert outcomes(judged(send, "AR401", "AR402", confirm=ask_and_grant)) == {"AR401": "passed", "AR402": "passed"}


def test_a_confirm_that_does_the_deed_itself_is_named() -> None:
    def confirm_and_send(to: str, body: str) -> None:
        grant(to, body)
        posted(to=to, body=body)

    verdict = judged(send, "AR402", confirm=confirm_and_send)["AR402"]
    assert verdict.outcome.value == "error"
    assert verdict.reason.startswith(f"confirm=confirm_and_send itself does what the tool does: POST {URL}")


def test_what_confirm_stores_is_no_effect_of_the_tool() -> None:
    store = redis.Redis(host="approvals.internal", socket_timeout=1)

    def agree(to: str, body: str) -> None:
        store.set(f"approved:{to}:{body}", 1, ex=60)

    def send(to: str, body: str) -> dict[str, object]:
        if not store.delete(f"approved:{to}:{body}"):
            store.set(f"approved:wanted:{to}", body)  # for the human to look at
            return refusal()
        return posted(to=to, body=body)

    assert outcomes(judged(send, "AR401", "AR402", "AR405", confirm=agree)) == dict.fromkeys(("AR401", "AR402", "AR405"), "passed")
