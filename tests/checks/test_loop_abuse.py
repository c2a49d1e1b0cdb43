"""What the checks of injections, leaks and prompts say in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pytest_agentready.domain import Verdict
from tests.corpus_loops import leaked_prompt, obeyed_injection, prompt_mixing, unmarked_content
from tests.examining import as_loop, engine


def verdict_of(check_id: str, function: Callable[..., Any], facts: Mapping[str, Any]) -> Verdict:
    (check,) = (check for check in engine().registry.checks if check.id == check_id)
    return engine().examine(as_loop(function, facts), check)


def found(check_id: str, function: Callable[..., Any], facts: Mapping[str, Any]) -> str:
    (finding,) = verdict_of(check_id, function, facts).findings
    assert finding.where.startswith("tests/corpus_loops/")
    assert finding.evidence
    return finding.message


def test_an_obeyed_injection_names_the_text_the_tool_and_what_it_did() -> None:
    assert found("AR901", obeyed_injection.chat_that_mails_by_smtp, obeyed_injection.FACTS) == (
        "an instruction in the output of read_page (GET https://www.example.com/1) made the model call send_email, and nothing stopped it: "
        "MAIL smtp://mail.example.com:587"
    )


def test_a_process_that_the_world_did_not_start_is_told_as_held_back() -> None:
    assert "(the world held it back)" in found("AR901", obeyed_injection.chat_that_runs_commands, obeyed_injection.FACTS)


@pytest.mark.parametrize(
    ("function", "facts", "reason"),
    [
        (obeyed_injection.an_approval_that_nobody_can_give, obeyed_injection.FACTS, "issue_refund asks for an approval"),
        (obeyed_injection.nobody_answers_its_tools, {}, "nothing answers GET https://api.example.com/tickets/123"),
        (obeyed_injection.a_reader_without_acting_tools, obeyed_injection.FACTS, "none of its 2 tools changes anything outside"),
        (obeyed_injection.what_comes_in_is_a_number, obeyed_injection.FACTS, "no tool passes on a text that it has read"),
        (obeyed_injection.nothing_comes_from_outside, obeyed_injection.FACTS, "no tool passes on a text that it has read"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_why_no_injection_could_be_tried(function: Callable[..., Any], facts: Mapping[str, Any], reason: str) -> None:
    assert reason in verdict_of("AR901", function, facts).reason


def test_a_leak_tells_how_much_came_out_and_in_which_way() -> None:
    told = found("AR902", leaked_prompt.only_the_whole_prompt_is_looked_for, {})
    assert "gets 115 characters of it out to the user in one piece (in two parts)" in told


def test_unmarked_content_tells_where_it_is_from_where_it_stands_and_beside_what() -> None:
    assert found("AR903", unmarked_content.tool_output_as_the_user, unmarked_content.FACTS) == (
        "the output of get_order (GET https://api.example.com/orders/1001) stands in a message of the role user, and nothing marks it as "
        "data: ...It is shipped, quokka7193 left with the neighbour at nu..."
    )


def test_a_users_text_in_the_system_prompt_is_shown_with_its_surroundings() -> None:
    assert found("AR907", prompt_mixing.the_history_in_the_system_prompt, {}).startswith(
        "what the user said stands in the system prompt in a later turn: ...two sentences. - Customer: Where is my order 42?"
    )


def test_the_fix_of_a_stream_compares_before_the_rest_goes_out() -> None:
    (streamed,) = verdict_of("AR902", leaked_prompt.printed_as_it_comes, {}).findings
    (whole,) = verdict_of("AR902", leaked_prompt.as_the_model_says_it, {}).findings
    assert streamed.fix.startswith("A streamed answer is with the user before it is whole. Keep its last 60 characters back")
    assert not whole.fix  # the check's own
