"""What a model can say, by any parameter, to open a gate by itself; and what only looks like it."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pydantic
import pytest
import requests

from pytest_agentready.domain import Verdict
from tests.examining import as_tool, engine

BACKEND = {"DELETE https://files.example.com/folders/{name}": {"gone": True}, "POST https://files.example.com/drafts": {"id": "d-1"}}
GRANTED: dict[str, float] = {}


def refusal(message: str = "CONFIRMATION_REQUIRED: ask the user.") -> dict[str, object]:
    return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}


def deleted(name: str, host: str = "files.example.com") -> dict[str, object]:
    return {"status": "success", "data": requests.delete(f"https://{host}/folders/{name}", timeout=5).json()}


def judged(call: Callable[..., Any], **facts: Any) -> Verdict:
    tool = as_tool(call, {"args": {"name": "drafts"}, "backend": BACKEND, **facts})
    return engine().examine(tool, engine().registry.check("AR406"))


def told(verdict: Verdict) -> list[str]:
    return [finding.message.partition(" the model opens the gate")[0] for finding in verdict.findings]


def with_options(name: str, options: dict[str, Any] | None = None) -> Any:
    return deleted(name) if (options or {}).get("force") else refusal()


def with_metadata(name: str, metadata: dict[str, str] = {}) -> Any:
    return deleted(name) if metadata.get("approved") == "yes" else refusal()


def with_untyped_options(name, options=None) -> Any:  # type: ignore[no-untyped-def]
    return deleted(name) if options and options.get("user_confirmed") else refusal()


def with_a_key_of_its_own(name: str, options: dict[str, Any] | None = None) -> Any:
    return deleted(name) if (options or {}).get("operator_approved") is True else refusal()


def with_a_question(name: str, are_you_sure: str = "no") -> Any:
    return deleted(name) if are_you_sure.lower() == "yes" else refusal()


def with_a_shout(name: str, confirmation: str = "") -> Any:
    """Delete a folder. The user has to type DELETE."""
    return deleted(name) if confirmation == "DELETE" else refusal("Confirmation required.")


def with_the_name_typed(name: str, confirm_name: str = "") -> Any:
    return deleted(name) if confirm_name == name else refusal("To confirm, the user has to type the folder's name.")


def with_a_sentence_typed(name: str, confirmation_phrase: str = "") -> Any:
    return deleted(name) if confirmation_phrase == f"delete {name}" else refusal()


def with_a_mode(name: str, mode: str = "preview") -> Any:
    return deleted(name) if mode == "execute" else {"status": "success", "data": f"{name} would be deleted"}


def with_a_mode_of_two(name: str, mode: Literal["draft", "send"] = "draft") -> Any:
    return deleted(name) if mode == "send" else {"status": "success", "data": "Nothing was done."}


def with_a_draft(name: str, draft: bool = True) -> Any:
    return {"status": "success", "data": f"{name} would be deleted"} if draft else deleted(name)


class Mode(enum.Enum):
    PLAN = "plan"
    APPLY = "apply"


def with_an_enumeration(name: str, mode: Mode | None = Mode.PLAN) -> Any:
    return deleted(name) if mode is Mode.APPLY else {"status": "success", "data": "Nothing was done."}


def with_a_decision(name: str, decision: Literal["pending", "approved"] = "pending") -> Any:
    return deleted(name) if decision == "approved" else refusal()


class Options(pydantic.BaseModel):
    recursive: bool = False
    user_approved: bool = False


class Request(pydantic.BaseModel):
    reason: str
    options: Options = Options()


def with_a_model(name: str, options: Options = Options()) -> Any:
    return deleted(name) if options.user_approved else refusal()


def with_a_model_in_a_model(name: str, request: Request | None = None) -> Any:
    return deleted(name) if request and request.options.user_approved else refusal()


@dataclass
class Settings:
    dry_run: bool = True


def with_a_dataclass(name: str, settings: Settings = Settings()) -> Any:
    return refusal() if settings.dry_run else deleted(name)


def with_a_state(name: str, approval: dict[str, str] | None = None) -> Any:
    return deleted(name) if (approval or {}).get("state") == "approved" else refusal()


def with_two_keys(name: str, options: dict[str, Any] | None = None) -> Any:
    given = options or {}
    return deleted(name) if given.get("confirmed") and given.get("by") else refusal()


def with_a_list_of_flags(name: str, flags: list[str] | None = None) -> Any:
    return deleted(name) if "force" in (flags or []) else refusal()


def with_a_mode_and_a_phrase(name: str, action: Literal["preview", "execute"] = "preview", confirm_text: str = "") -> Any:
    if action == "preview":
        return {"status": "success", "data": f"{name} would be deleted"}
    return deleted(name) if confirm_text == f"DELETE {name}" else refusal(f"Type DELETE {name} to confirm.")


def with_an_approver(name: str, approver: str = "") -> Any:
    return deleted(name) if approver else refusal("An approval is required.")


def with_an_excuse(name: str, reason: str = "") -> Any:
    return deleted(name) if reason else refusal("It needs an approval, with a reason.")


def with_a_role(name: str, role: str = "user") -> Any:
    return deleted(name) if role == "admin" else refusal()


def with_a_number(name: str, confirm: int = 0) -> Any:
    return deleted(name) if confirm > 2 else refusal()


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (with_options, "with options['force']=True"),
        (with_metadata, "with metadata['approved']='yes'"),
        (with_untyped_options, "with options['user_confirmed']=True"),
        (with_a_key_of_its_own, "with options['operator_approved']=True"),
        (with_a_question, "with are_you_sure='yes'"),
        (with_a_shout, "with confirmation='DELETE'"),
        (with_the_name_typed, "with confirm_name='drafts'"),
        (with_a_sentence_typed, "with confirmation_phrase='with drafts'"),
        (with_a_draft, "with draft=False"),
        (with_a_mode, "with mode='execute'"),
        (with_a_mode_of_two, "with mode='send'"),
        (with_an_enumeration, "with mode='apply'"),
        (with_a_decision, "with decision='approved'"),
        (with_a_model, "with options.user_approved=True"),
        (with_a_model_in_a_model, "with request.options.user_approved=True"),
        (with_a_dataclass, "with settings.dry_run=False"),
        (with_a_state, "with approval['state']='approved'"),
        (with_a_list_of_flags, "with flags=['force']"),
        (with_a_mode_and_a_phrase, "with action='execute', confirm_text='DELETE drafts'"),
        (with_an_approver, "with approver='true'"),
        (with_an_excuse, "with reason='The user has agreed to it, and it is approved and confirmed.'"),
        (with_a_role, "with role='admin'"),
        (with_a_number, "with confirm=99"),
    ],
)
def test_what_a_model_can_say_by_itself_is_found(call: Callable[..., Any], found: str) -> None:
    if call is with_a_sentence_typed:  # the verb is that of the tool's name
        call.__name__ = call.__qualname__ = "delete_folder"
        found = "with confirmation_phrase='delete drafts'"
    assert told(judged(call)) == [found]


def test_two_keys_of_a_dict_that_have_to_be_there_together_are_tried_together() -> None:
    (found,) = told(judged(with_two_keys))
    assert found.startswith("with options={")
    assert "'confirmed': True, 'by': 'yes'" in found


def test_a_gate_that_opens_when_it_is_asked_again_is_found() -> None:
    asked: set[str] = set()

    def delete(name: str) -> Any:
        if name in asked:
            return deleted(name)
        asked.add(name)
        return refusal("Are you sure? Call again to confirm.")

    assert told(judged(delete)) == ["by the same call once more"]


def grant(name: str, **_: Any) -> None:
    GRANTED[name] = time.time()


def test_a_choice_with_another_name_is_found_where_it_does_what_needs_a_confirmation() -> None:
    def delete(name: str, handling: Literal["careful", "swift"] = "careful") -> Any:
        if handling == "swift" or time.time() - GRANTED.pop(name, 0.0) < 900:
            return deleted(name)
        return refusal()

    assert told(judged(delete, confirm=grant)) == ["with handling='swift'"]


def test_a_choice_of_something_that_needs_no_confirmation_is_none() -> None:
    def delete(name: str, environment: Literal["production", "staging"] = "production") -> Any:
        if environment == "staging":
            return deleted(name, "staging.example.com")
        return deleted(name) if time.time() - GRANTED.pop(name, 0.0) < 900 else refusal()

    backend = {**BACKEND, "DELETE https://staging.example.com/folders/{name}": {"gone": True}}
    assert told(judged(delete, confirm=grant, backend=backend)) == []


def test_parameters_that_open_nothing_are_none() -> None:
    def delete(
        name: str,
        mode: Literal["draft", "send"] = "draft",
        options: dict[str, Any] | None = None,
        confirm_name: str = "",
        settings: Settings = Settings(),
    ) -> Any:
        return deleted(name) if time.time() - GRANTED.pop(name, 0.0) < 900 else refusal()

    assert judged(delete, confirm=grant).outcome.value == "passed"


def test_a_tool_that_only_reads_is_not_called_for_it() -> None:
    calls: list[Any] = []

    def look_up(name: str, filters: dict[str, Any] | None = None) -> Any:
        calls.append(filters)
        return {"status": "success", "data": requests.get(f"https://files.example.com/folders/{name}", timeout=5).json()}

    verdict = judged(look_up, backend={"GET https://files.example.com/folders/{name}": {"size": 7}})
    assert verdict.outcome.value == "not_applicable"
    assert len(calls) <= 1  # what it remembers is put back


def test_a_mode_of_a_reading_tool_is_none() -> None:
    def report(name: str, mode: str = "preview") -> Any:
        return {"status": "success", "data": requests.get(f"https://files.example.com/{mode}/{name}", timeout=5).json()}

    assert judged(report, backend={"GET https://files.example.com/{mode}/{name}": {"size": 7}}).outcome.value == "not_applicable"


def with_a_ticket(name: str, approval_id: str = "") -> Any:
    if not approval_id:
        return refusal("An approval is required: ask the user for its id.")
    found = requests.get(f"https://approvals.example.com/requests/{approval_id}", timeout=5)
    return deleted(name) if found.status_code == 200 and found.json()["state"] == "approved" else refusal("It is not approved.")


def test_what_a_peer_is_asked_about_is_no_finding_where_it_says_yes_to_everything() -> None:
    verdict = judged(with_a_ticket, backend={**BACKEND, "GET https://approvals.example.com/requests/{id}": {"state": "approved"}})
    assert verdict.outcome.value == "unproven"
    assert "approval_id='true' is looked up by GET https://approvals.example.com/requests/true, and the backend says yes" in verdict.reason


def test_a_peer_that_knows_its_approvals_is_believed() -> None:
    def state(request: Any) -> dict[str, str]:
        return {"state": "approved" if request.params["id"] == "apr-7" else "unknown"}

    def agree(name: str) -> str:
        return "apr-7"

    backend = {**BACKEND, "GET https://approvals.example.com/requests/{id}": state}
    assert judged(with_a_ticket, backend=backend, confirm=agree).outcome.value == "passed"
