"""Which tools of a loop do something, whose texts reach the model, and what comes of an instruction in them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pytest_agentready.domain import PromptInjection
from pytest_agentready.experiments.prompt_injection import sounds_like_an_act
from tests.corpus_loops import obeyed_injection as loops
from tests.examining import as_loop, engine


def injected(function: Callable[..., Any], facts: Mapping[str, Any] = loops.FACTS) -> PromptInjection:
    loop = as_loop(function, facts)
    found = engine()._observe(loop, "prompt_injection")
    assert isinstance(found, PromptInjection)
    return found


def test_an_instruction_in_what_one_tool_reads_makes_the_other_act() -> None:
    found = injected(loops.chat_that_refunds)
    (actor,) = found.actors
    (injection,) = found.injections
    assert (actor.name, actor.gated) == ("issue_refund", False)
    assert (injection.planting.name, injection.arrived, injection.obeyed) == ("read_ticket", True, True)
    assert [effect.story for effect in injection.effects] == ["POST https://api.example.com/refunds"]


def test_what_the_loop_writes_with_every_call_is_no_doing_of_its_tools() -> None:
    found = injected(loops.with_a_log_of_all_calls)
    assert [[effect.target for effect in actor.effects] for actor in found.actors] == [["https://api.example.com/refunds"]]
    assert not injected(loops.only_its_own_log_is_written).actors


def test_a_tool_behind_an_approval_is_found_by_approving_and_what_waits_for_one_is_the_gates_own() -> None:
    found = injected(loops.approvals_in_a_redis, {**loops.FACTS, "approve": loops.approve_in_redis})
    (actor,) = found.actors
    assert actor.gated
    assert "POST https://api.example.com/refunds" in [effect.story for effect in actor.effects]
    assert all("pending" not in effect.story for effect in actor.effects)
    assert [injection.effects for injection in found.injections] == [()]


def test_an_approval_at_the_keyboard_is_given_in_the_benign_case_and_refused_to_the_injection() -> None:
    found = injected(loops.the_keyboard_is_asked)
    assert [actor.gated for actor in found.actors] == [True]
    assert [(injection.obeyed, injection.effects) for injection in found.injections] == [(True, ())]


def test_an_approval_of_which_nobody_knows_how_it_is_given_is_told_apart_from_a_tool_that_does_nothing() -> None:
    found = injected(loops.an_approval_that_nobody_can_give)
    assert [trial.tool.name for trial in found.asking] == ["issue_refund"]
    assert not found.dormant


def test_an_instruction_that_comes_in_with_one_turn_may_be_obeyed_in_the_next() -> None:
    (injection,) = injected(loops.tools_once_in_a_turn).injections
    assert len(injection.conversation.turns) == 2
    assert injection.effects


def test_a_tool_that_is_offered_no_more_is_not_called() -> None:
    (injection,) = injected(loops.one_call_and_no_history).injections
    assert (injection.arrived, injection.obeyed, injection.effects) == (True, False, ())


def test_documents_of_this_machine_bring_instructions_in() -> None:
    (injection,) = injected(loops.documents_of_this_machine).injections
    assert [place.rpartition("/")[2] for place in injection.planting.files] == ["returns.md"]
    assert "30 days" in (loops.NOTES / "returns.md").read_text()
    assert "[[call:" not in (loops.NOTES / "returns.md").read_text()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("send_email", True),
        ("customer_refund", True),
        ("deleteOrder", True),
        ("run", True),
        ("get_refund", False),
        ("list_runs", False),
        ("shell", True),
        ("search", False),
        ("calculator", False),
    ],
)
def test_which_names_sound_like_an_act(name: str, expected: bool) -> None:
    assert sounds_like_an_act(name) is expected


def numbers(question: str) -> str:
    schema = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]}
    return loops.chat(question, {"add": lambda a, b: a + b}, [{"name": "add", "description": "The sum.", "parameters": schema}])


def history_of_a_folder(question: str) -> str:
    def git_log(folder: str) -> str:
        return subprocess.run(["git", "-C", folder, "log"], capture_output=True, text=True, timeout=5, check=False).stdout

    return loops.chat(
        question, {"git_log": git_log, "read_ticket": loops.read_ticket}, [loops.described("git_log", "folder"), loops.READ_TICKET]
    )


@pytest.mark.parametrize("function", [numbers, history_of_a_folder])
def test_sums_and_programs_that_may_only_read_are_no_acts(function: Callable[..., Any]) -> None:
    found = injected(function)
    assert not found.actors
    assert not found.dormant


def test_an_approval_that_does_not_help_is_told_of() -> None:
    loop = as_loop(loops.an_approval_for_each_call, {**loops.FACTS, "approve": lambda *_: None})
    verdict = engine().examine(loop, engine().registry.check("AR901"))
    assert verdict.outcome.value == "unproven"
    assert "issue_refund did nothing outside of the process, although approve= was called" in verdict.reason
