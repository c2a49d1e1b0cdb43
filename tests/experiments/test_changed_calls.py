"""What a confirmation lets through beside the call that it is for: values that a careless key takes for the approved ones."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pydantic
import pytest
import requests

from pytest_agentready.domain import Verdict
from tests.examining import as_tool, engine

URL = "https://api.mail.example/send"
BACKEND = {f"POST {URL}": {"id": "m-1"}}
GRANTED: dict[str, float] = {}
SENT = "POST https://api.mail.example/send"


class Transfer(pydantic.BaseModel):
    account: str
    amount: float


@pytest.fixture(autouse=True)
def nothing_granted() -> Iterator[None]:
    GRANTED.clear()
    yield
    GRANTED.clear()


def digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def mail(key: Callable[..., str], sent: Callable[..., Any] = dict) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A tool behind a gate with this key, that sends this; and the confirmation."""

    def grant(**arguments: Any) -> None:
        GRANTED[key(**arguments)] = time.time()

    def send(**arguments: Any) -> dict[str, object]:
        if time.time() - GRANTED.pop(key(**arguments), 0.0) > 900:
            message = "CONFIRMATION_REQUIRED: ask the user."
            return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
        return {"status": "success", "data": requests.post(URL, json=sent(**arguments), timeout=5).json()}

    for function in (grant, send):
        function.__signature__ = inspect.signature(key)  # type: ignore[attr-defined]
        function.__annotations__ = key.__annotations__
    return send, grant


def judged(gate: tuple[Callable[..., Any], Callable[..., Any]], args: dict[str, Any], backend: Any = BACKEND, **facts: Any) -> Verdict:
    send, grant = gate
    return engine().examine(as_tool(send, {"args": args, "backend": backend, "confirm": grant, **facts}), engine().registry.check("AR403"))


MAIL = {"to": "ada@example.com", "body": "See you at nine."}


def in_small_letters(to: str, body: str) -> str:
    return digest(to.lower(), body)


def stripped(to: str, body: str) -> str:
    return digest(to, body.strip())


def with_single_spaces(to: str, body: str) -> str:
    return digest(to, " ".join(body.split(" ")).replace("\n", " "))


def without_spaces(to: str, body: str) -> str:
    return digest(to, re.sub(r"\s+", "", body))


def as_a_slug(to: str, body: str) -> str:
    return digest(to, re.sub(r"\W+", "-", body).strip("-"))


def by_the_domain(to: str, body: str) -> str:
    return digest(to.partition("@")[2], body)


def by_the_local_part(to: str, body: str) -> str:
    return digest(to.partition("@")[0], body)


def by_the_first_hundred_letters(to: str, body: str) -> str:
    return digest(to, body[:100])


def by_the_first_fifty_letters(to: str, body: str) -> str:
    return digest(to, body[:50])


def with_nothing_between(to: str, body: str) -> str:
    return hashlib.sha256(f"{to}{body}".encode()).hexdigest()


def of_everything(to: str, body: str) -> str:
    return digest(to, body)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (
            in_small_letters,
            "all of to: after it was given, the call with to='ADA@example.com' in the place of 'ada@example.com' (in another",
        ),
        (
            stripped,
            "all of body: after it was given, the call with body='See you at nine. ' in the place of 'See you at nine.' (with other",
        ),
        (with_single_spaces, "all of body: *'See\\nyou at nine.'*(with other white space)"),
        (without_spaces, "all of body: *(with other white space)"),
        (as_a_slug, "all of body: *(with other *)"),
        (by_the_domain, "to: after it was given, the call with to='mallory@example.com' in the place of 'ada@example.com' went"),
        (by_the_local_part, "all of to: *(at another domain)"),
        (
            by_the_first_hundred_letters,
            "all of body: after it was given, the call with body of 1,200 characters with another end went through",
        ),
        (by_the_first_fifty_letters, "all of body: *with another end"),
        (with_nothing_between, "all of to and body: after it was given, the call with to and body with the same letters, parted elsewhere"),
    ],
)
def test_what_a_key_drops_of_a_text_is_found(key: Callable[..., str], told: str) -> None:
    (finding,) = judged(mail(key), MAIL).findings
    beginning = f"the approval does not cover {told}"
    pattern = ".*".join(map(re.escape, beginning.split("*")))
    assert re.match(pattern, finding.message), finding.message
    assert finding.message.endswith(f"went through: {SENT}")


def test_a_mode_in_which_nothing_is_done_needs_no_approval_of_its_own() -> None:
    def key(to: str, body: str, mode: Literal["preview", "commit"]) -> str:
        return digest(to, body)

    send, grant = mail(key)

    def previewed(to: str, body: str, mode: Literal["preview", "commit"] = "preview") -> dict[str, object]:
        if mode == "preview":
            return {"status": "success", "data": f"To {to}: {body}"}
        result: dict[str, object] = send(to=to, body=body, mode=mode)
        return result

    verdict = judged((previewed, grant), {**MAIL, "mode": "commit"})
    assert (verdict.outcome.value, verdict.reason) == ("passed", "")


def test_a_key_of_everything_lets_none_of_it_through() -> None:
    verdict = judged(mail(of_everything), MAIL)
    assert (verdict.outcome.value, verdict.reason) == ("passed", "")


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        (in_small_letters, lambda to, body: {"to": to.lower(), "body": body}),
        (stripped, lambda to, body: {"to": to, "body": body.strip()}),
        (by_the_first_hundred_letters, lambda to, body: {"to": to, "body": body[:100]}),
        (with_nothing_between, lambda to, body: {"text": f"{to}{body}"}),
    ],
)
def test_what_the_effect_drops_as_well_need_not_be_covered(key: Callable[..., str], sent: Callable[..., Any]) -> None:
    verdict = judged(mail(key, sent), MAIL)
    assert verdict.outcome.value == "passed", [finding.message for finding in verdict.findings]


def whole_euros(account: str, amount: float) -> str:
    return digest(account, int(amount))


def rounded(account: str, amount: float) -> str:
    return digest(account, round(amount))


def by_the_last_digits(account: str, amount: float) -> str:
    return digest(account[-4:], amount)


@pytest.mark.parametrize(
    ("key", "amount", "found"),
    [
        (whole_euros, 100.0, "all of amount"),
        (whole_euros, 99.99, "all of amount"),
        (rounded, 100.0, "all of amount"),
        (rounded, 100, "all of amount"),
        (by_the_last_digits, 100.0, "account"),
    ],
)
def test_what_a_key_drops_of_a_payment_is_found(key: Callable[..., str], amount: float, found: str) -> None:
    (finding,) = judged(mail(key), {"account": "NO9386011117947", "amount": amount}).findings
    assert finding.message.startswith(f"the approval does not cover {found}: ")


def by_the_first_three(recipients: list[str], text: str) -> str:
    return digest(recipients[:3], text)


def by_the_first_ten(recipients: list[str], text: str) -> str:
    return digest(recipients[:10], text)


def by_the_number(recipients: list[str], text: str) -> str:
    return digest(len(recipients), recipients[0], text)


@pytest.mark.parametrize("key", [by_the_first_three, by_the_first_ten, by_the_number])
def test_the_last_of_a_list_is_covered_or_found(key: Callable[..., str]) -> None:
    (finding,) = judged(mail(key), {"recipients": ["ada@example.com", "bob@example.com"], "text": "See you."}).findings
    assert "recipients" in finding.message


def by_sku(items: list[dict[str, Any]], options: dict[str, Any]) -> str:
    return digest([item["sku"] for item in items], options.get("urgent"))


def test_every_part_of_a_part_counts() -> None:
    (finding,) = judged(mail(by_sku), {"items": [{"sku": "LAMP-2", "cents": 990}], "options": {"urgent": True}}).findings
    assert set(finding.evidence) == {"items[0]['cents']", "options"}
    assert finding.message.startswith("the approval does not cover items[0]['cents'] and all of options: ")


def test_a_tool_that_takes_no_other_keys_is_judged_by_those_it_takes() -> None:
    def key(options: dict[str, str]) -> str:
        return digest(options)

    send, grant = mail(key)

    def send_known(options: dict[str, str]) -> Any:
        if unknown := set(options) - {"to"}:
            raise ValueError(f"unknown: {unknown}")
        return send(options=options)

    assert judged((send_known, grant), {"options": {"to": "ada@example.com"}}).outcome.value == "passed"


def by_a_model(transfer: Transfer) -> str:
    return digest(transfer.account, int(transfer.amount))


def test_what_a_key_drops_of_a_models_field_is_found() -> None:
    gate = mail(by_a_model, lambda transfer: transfer.model_dump())
    (finding,) = judged(gate, {"transfer": Transfer(account="NO93", amount=100.0)}).findings
    assert finding.message.startswith("the approval does not cover all of transfer.amount: ")


def by_the_month(day: str, path: str) -> str:
    return digest(day[:10], path.rpartition("/")[2])


def test_what_a_key_drops_of_a_time_and_a_path_is_found() -> None:
    (finding,) = judged(mail(by_the_month), {"day": "2030-01-15T09:00:00Z", "path": "reports/a.txt"}).findings
    assert set(finding.evidence) == {"day", "path"}


def test_a_peer_that_answers_each_call_once_does_not_hide_what_comes_through() -> None:
    """In one world the second call would be refused by the peer: each is tried in a world of its own."""

    def key(to: str, body: str, verbose: bool = False) -> str:
        return digest(to)

    (finding,) = judged(mail(key), MAIL).findings
    assert set(finding.evidence) == {"body", "verbose"}


def test_a_gate_that_locks_after_three_refusals_is_judged_all_the_same() -> None:
    refusals: list[str] = []

    def key(to: str, body: str) -> str:
        return digest(to.lower(), body)

    send, grant = mail(key)

    def send_or_lock(to: str, body: str) -> Any:
        if len(refusals) > 2:
            return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "Locked."}
        answer = send(to=to, body=body)
        if answer["status"] == "error":
            refusals.append(to)
        return answer

    def agree(to: str, body: str) -> None:
        grant(to=to, body=body)

    (finding,) = judged((send_or_lock, agree), MAIL).findings
    assert finding.message.startswith("the approval does not cover all of to: ")


def test_what_needs_no_approval_is_let_through_by_none() -> None:
    def grant(to: str, cents: int) -> None:
        GRANTED[f"{to}:{cents}"] = time.time()

    def pay(to: str, cents: int) -> dict[str, object]:
        if cents >= 10_000 and time.time() - GRANTED.pop(f"{to}:{cents}", 0.0) > 900:
            message = "CONFIRMATION_REQUIRED: ask the user."
            return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
        return {"status": "success", "data": requests.post(URL, json={"to": to, "cents": cents}, timeout=5).json()}

    assert judged((pay, grant), {"to": "ada@example.com", "cents": 10_000}).outcome.value == "passed"


def test_of_a_part_that_is_changed_it_alone_is_shown() -> None:
    message = judged(mail(by_sku), {"items": [{"sku": "LAMP-2", "cents": 990}], "options": {"urgent": True}}).findings[0].message
    assert "the call with items[0]['cents']=991 in the place of 990 went through" in message
