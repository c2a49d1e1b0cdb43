"""The gate to copy: one key for one call, used once, and not for long."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_agentready.patterns.gate import Approvals, call_key
from pytest_agentready.scene import AgentWorld

MAIL = {"to": "ada@example.com", "body": "See you."}


def test_any_other_call_has_another_key() -> None:
    keys = {
        call_key("send", "ada", MAIL),
        call_key("send", "ada", {**MAIL, "body": "See you!"}),
        call_key("send", "bob", MAIL),
        call_key("draft", "ada", MAIL),
        call_key("send", "ada", {"to": "ada@example.com:See", "body": " you."}),
    }
    assert len(keys) == 5
    assert call_key("send", "ada", dict(reversed(MAIL.items()))) in keys


def test_it_is_the_same_key_in_another_process() -> None:
    code = f"from pytest_agentready.patterns.gate import call_key; print(call_key('send', 'ada', {MAIL!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == call_key("send", "ada", MAIL)


def test_what_is_no_json_has_no_key() -> None:
    with pytest.raises(TypeError):
        call_key("send", "ada", {"to": object()})


def test_an_approval_is_used_up_by_its_call() -> None:
    approvals = Approvals()
    approvals.grant("k")
    assert not approvals.take("other")
    assert approvals.take("k")
    assert not approvals.take("k")


def test_an_approval_expires(agent_world: AgentWorld) -> None:
    approvals = Approvals(lifetime=60)
    for seconds, good in ((59, True), (61, False)):
        approvals.grant("k")
        agent_world.clock.advance(seconds)
        assert approvals.take("k") is good
