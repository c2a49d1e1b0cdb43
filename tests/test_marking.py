"""What marks a text in a prompt as data, and what only looks as if it did."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import is_marked

CANARY = "quokka7193"
MARKED = {
    "a tag": "<document>\nquokka7193 says\n</document>",
    "a tag with attributes": '<source id="1" url="https://example.com">quokka7193</source>',
    "tags in tags": "<documents><item>quokka7193</item></documents>",
    "a fence": 'Here it is:\n```json\n{"a": "quokka7193"}\n```',
    "three quotes": '"""quokka7193"""',
    "rules": "----- BEGIN -----\nquokka7193\n----- END -----",
    "an observation": "Observation: quokka7193",
    "a result of a tool": "Tool result (get_order): quokka7193",
    "search results": "Search results:\n1. quokka7193",
    "a context": "Use the following context to answer the question:\n\nquokka7193",
    "a line of its own": "What Ada has written:\nquokka7193",
    "some information": "Here is some relevant info: quokka7193",
    "a heading": "## Retrieved documents\n\nquokka7193",
    "brackets": "[tool output]\nquokka7193",
    "JSON that says it": '{"tool_output": {"note": "quokka7193"}}',
    "a sentence": "The tool get_order returned quokka7193",
}
UNMARKED = {
    "nothing": "quokka7193",
    "a question": "Where is my order?\nquokka7193",
    "a page's own tags": "<html><body><section><p>quokka7193</p></section></body></html>",
    "a tag that is closed before": "<document></document> quokka7193",
    "a tag that is never closed": "<your name> quokka7193",
    "a fence that is closed before": "```\n1\n```\nquokka7193",
    "a fence that is never closed": "``` quokka7193",
    "a rule before it alone": "-----\nquokka7193",
    "JSON as it came": '{"id": 42, "results": [{"text": "quokka7193"}]}',
    "a label far away": "Search results:\n" + "word " * 200 + "quokka7193",
    "the line of who speaks": "Question of the user:\nquokka7193",
    "a word in a sentence": "The data of the order say quokka7193",
    "a field of its own": "Status: quokka7193",
}
IN_A_SYSTEM_PROMPT = ("a tag", "a fence", "three quotes", "rules")


@pytest.mark.parametrize("name", MARKED)
def test_a_sign_that_it_is_data_marks_it(name: str) -> None:
    assert is_marked(MARKED[name], MARKED[name].index(CANARY), "user")


@pytest.mark.parametrize("name", UNMARKED)
def test_what_only_looks_like_a_sign_marks_nothing(name: str) -> None:
    assert not is_marked(UNMARKED[name], UNMARKED[name].index(CANARY), "user")


@pytest.mark.parametrize("name", MARKED)
def test_in_a_system_prompt_a_mark_has_an_end(name: str) -> None:
    text = MARKED[name]
    closed = ("a tag with attributes", "tags in tags", *IN_A_SYSTEM_PROMPT)
    assert is_marked(text, text.index(CANARY), "system") == (name in closed)


def test_the_role_of_a_tool_is_a_mark() -> None:
    assert is_marked(CANARY, 0, "tool")
