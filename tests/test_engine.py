"""The engine: experiments once per tool, verdicts from what a check says, and failures of our own told apart."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.domain import Check, Finding, Judgement, NormalCall, NotApplicable, Outcome, Request, Run, Severity, Tool, Unproven
from pytest_agentready.engine import Engine
from pytest_agentready.registry import Registry
from pytest_agentready.world import installation
from pytest_agentready.world.early import EarlyNames
from pytest_agentready.world.ending import WorldEnded
from pytest_agentready.world.granted import Grant
from tests.examining import ROOT, as_tool, examine


def tool_of(call: Callable[..., Any] = lambda: None) -> Tool:
    return as_tool(call, {})


def check_of(judge: Callable[..., Iterable[Judgement]]) -> Check:
    check = Check(id="XX101", title="Odd", severity=Severity.LOW, profile="strict", fix="Mend it.", since="0.1")
    check(judge)
    return check.freeze()


class Fixed(Registry):
    """A registry with experiments of its own."""

    def __init__(self, **experiments: Callable[..., Any]) -> None:
        self.experiments = experiments

    def experiment(self, name: str) -> Callable[..., Any]:
        return self.experiments[name]


def engine_of(**experiments: Callable[..., Any]) -> Engine:
    return Engine(Fixed(**experiments), ROOT)


A, B = Finding("a"), Finding("b")


async def fetch() -> int:
    return 1


def hidden() -> Any:
    return fetch()


@pytest.mark.parametrize(("call", "outcome"), [(fetch, Outcome.PASSED), (hidden, Outcome.PASSED), (lambda: 1, Outcome.NOT_APPLICABLE)])
def test_a_check_of_async_tools_judges_what_turns_out_to_be_one(call: Callable[..., Any], outcome: Outcome) -> None:
    check = Check(id="XX102", title="Odd", severity=Severity.LOW, profile="strict", fix="Mend it.", since="0.1", async_only=True)
    check(lambda: ())
    assert Engine(Registry(), ROOT).examine(tool_of(call), check.freeze()).outcome is outcome


@pytest.mark.parametrize(("peers", "outcome"), [((), Outcome.NOT_APPLICABLE), (("api.example.com:443",), Outcome.FAILED)])
def test_a_check_about_peers_judges_only_tools_that_have_some(peers: tuple[str, ...], outcome: Outcome) -> None:
    check = Check(id="XX103", title="Odd", severity=Severity.LOW, profile="strict", fix="Mend it.", since="0.1", about_peers=True)
    check(lambda normal_call: [A])
    engine = engine_of(normal_call=lambda: NormalCall((Run({}, peers=peers),)))
    assert engine.examine(tool_of(), check.freeze()).outcome is outcome


def test_a_check_about_peers_has_to_ask_for_the_normal_call() -> None:
    check = Check(id="XX104", title="Odd", severity=Severity.LOW, profile="strict", fix="Mend it.", since="0.1", about_peers=True)
    check(lambda tool: [A])
    with pytest.raises(TypeError, match="normal_call"):
        check.freeze()


@pytest.mark.parametrize(
    ("judgements", "outcome", "reason", "findings"),
    [
        ([], Outcome.PASSED, "", ()),
        ([A, B], Outcome.FAILED, "", (A, B)),
        ([Unproven("no args")], Outcome.UNPROVEN, "no args", ()),
        ([NotApplicable("pure")], Outcome.NOT_APPLICABLE, "pure", ()),
        ([Unproven("one"), Unproven("two"), Unproven("one")], Outcome.UNPROVEN, "one; two", ()),
        ([Unproven("no args"), A], Outcome.FAILED, "", (A,)),
        ([NotApplicable("pure"), Unproven("no args")], Outcome.UNPROVEN, "no args", ()),
    ],
)
def test_a_verdict_adds_up_what_the_check_says(
    judgements: list[Judgement], outcome: Outcome, reason: str, findings: tuple[Finding, ...]
) -> None:
    def judge(tool: Tool) -> Iterable[Judgement]:
        yield from judgements

    verdict = engine_of().examine(tool_of(), check_of(judge))
    assert (verdict.outcome, verdict.reason, verdict.findings) == (outcome, reason, findings)
    assert verdict.seconds >= 0


def test_a_judge_gets_the_tool_the_faults_and_the_observations_that_it_asks_for() -> None:
    seen: list[Any] = []

    def judge(tool: Tool, faults: Any, odd: Any) -> Iterable[Judgement]:
        seen.extend((tool, faults, odd))
        return ()

    tool, engine = tool_of(), engine_of(odd=lambda: 7)
    engine.examine(tool, check_of(judge))
    assert seen == [tool, engine.registry.faults, 7]


def test_an_experiment_may_ask_for_others() -> None:
    def judge(outer: int) -> Iterable[Judgement]:
        yield Finding(str(outer))

    engine = engine_of(outer=lambda inner, tool: inner + 1, inner=lambda tool: 1)
    assert engine.examine(tool_of(), check_of(judge)).findings == (Finding("2"),)


def test_an_experiment_is_made_once_for_each_tool() -> None:
    made: list[Tool] = []

    def judge(odd: Any) -> Iterable[Judgement]:
        return ()

    engine, check = engine_of(odd=lambda tool: made.append(tool)), check_of(judge)
    one, other = tool_of(), tool_of()
    for tool in (one, other, one, other):
        engine.examine(tool, check)
    assert made == [one, other]


def test_an_experiment_that_fails_is_an_error_with_a_traceback_and_is_not_tried_again() -> None:
    tries: list[int] = []

    def odd() -> None:
        tries.append(1)
        raise LookupError("a slip of our own")

    def judge(odd: Any) -> Iterable[Judgement]:
        return ()

    engine, tool = engine_of(odd=odd), tool_of()
    for _ in range(2):
        verdict = engine.examine(tool, check_of(judge))
        assert verdict.outcome is Outcome.ERROR
        assert "LookupError: a slip of our own" in verdict.reason
        assert "test_engine.py" in verdict.reason
    assert len(tries) == 1


@pytest.mark.parametrize("failure", [ZeroDivisionError("slip"), WorldEnded("slip")])
def test_a_judge_that_fails_is_an_error_and_never_a_finding(failure: BaseException) -> None:
    def judge(tool: Tool) -> Iterable[Judgement]:
        yield A
        raise failure

    verdict = engine_of().examine(tool_of(), check_of(judge))
    assert (verdict.outcome, verdict.findings) == (Outcome.ERROR, ())


def test_an_interrupt_by_the_user_goes_through() -> None:
    def odd() -> None:
        raise KeyboardInterrupt

    def judge(odd: Any) -> Iterable[Judgement]:
        return ()

    with pytest.raises(KeyboardInterrupt):
        engine_of(odd=odd).examine(tool_of(), check_of(judge))


@pytest.mark.parametrize(
    ("where", "told"),
    [(f"{ROOT}/shop/tools.py:12", "shop/tools.py:12"), ("/elsewhere/tools.py:12", "/elsewhere/tools.py:12"), ("", "")],
)
def test_a_place_is_named_from_the_root_of_the_project(where: str, told: str) -> None:
    assert Engine(Registry(), Path(ROOT)).relative(where) == told

    def judge(tool: Tool) -> Iterable[Judgement]:
        yield Finding("a", where=where)

    assert engine_of().examine(tool_of(), check_of(judge)).findings == (Finding("a", where=told),)


def test_a_verdict_is_the_same_in_every_examination() -> None:
    def tool() -> str:
        import requests

        return requests.get("http://api.example.com/x", timeout=5).text

    from dataclasses import replace

    first, second = (
        {
            check: replace(verdict, seconds=0.0)
            for check, verdict in examine(tool, {"backend": {"GET http://api.example.com/x": {"a": 1}}}).items()
        }
        for _ in range(2)
    )
    assert {check: verdict.outcome for check, verdict in first.items()} == {check: verdict.outcome for check, verdict in second.items()}
    assert first["AR202"] == second["AR202"]


def test_a_name_that_a_library_has_bound_early_is_virtual_in_an_examination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_early_names", cache(EarlyNames))  # as in the first examination of a session
    import queue
    import threading

    def tool() -> str:
        import requests

        answers: queue.Queue[str] = queue.Queue()  # `from time import monotonic as time`
        threading.Thread(target=lambda: answers.put(requests.get("http://api.example.com/x").text), daemon=True).start()
        try:
            return answers.get(timeout=4)
        except queue.Empty:
            return "The service timed out."

    verdicts = examine(tool, {"backend": {"GET http://api.example.com/x": {"a": 1}}})
    assert verdicts["AR202"].outcome is Outcome.PASSED


def test_a_tool_that_changes_its_arguments_is_judged() -> None:
    def tool(items: list[str]) -> str:
        import requests

        text = requests.get("http://api.example.com/x", timeout=5).text
        items.append(text)
        return text

    verdicts = examine(tool, {"args": {"items": []}, "backend": {"GET http://api.example.com/x": {"a": 1}}})
    assert [check for check, verdict in verdicts.items() if verdict.outcome is Outcome.ERROR] == []


def test_a_failure_of_ours_reads_the_same_for_every_check_that_meets_it() -> None:
    def broken() -> None:
        raise RuntimeError("a slip")

    engine, tool = engine_of(broken=broken), tool_of()
    assert len({engine.examine(tool, check_of(lambda broken: ())).reason for _ in range(3)}) == 1


def test_what_was_observed_of_a_tool_goes_when_it_is_forgotten() -> None:
    registry = Registry()
    asked, other = (as_tool(lambda: "an answer", {}) for _ in range(2))
    forgetful = Engine(registry, ROOT)
    for tool in (asked, other):
        forgetful.examine(tool, registry.check("AR101"))
    forgetful.forget(asked)
    assert {tool for tool, _ in forgetful._seen} == {other}


NOTES: list[str] = ["bought before"]
COUNTS: dict[str, int] = {}
KEPT: dict[str, Any] = {}


def note(text: str) -> int:
    NOTES.append(text)
    COUNTS[text] = COUNTS.get(text, 0) + 1
    return COUNTS[text]


def test_what_a_tool_left_in_its_modules_is_gone_when_it_is_forgotten() -> None:
    engine, tool = Engine(Registry(), ROOT), as_tool(note, {"args": {"text": "tea"}})
    engine.examine(tool, engine.registry.check("AR101"))
    remembered = dict(COUNTS)
    engine.examine(tool, engine.registry.check("AR301"))
    assert remembered["tea"] < COUNTS["tea"], "meanwhile it remembers"
    engine.forget(tool)
    assert (NOTES, COUNTS) == (["bought before"], {})


def connect() -> str:
    KEPT["socket"] = socket.create_connection(("api.example.com", 80), timeout=5)
    return "connected"


async def connect_in_a_ring() -> str:
    """As clients with a pool hold theirs."""
    ring: list[Any] = [await asyncio.open_connection("api.example.com", 80)]
    ring.append(ring)
    KEPT["stream"] = ring
    return "connected"


@pytest.mark.parametrize("tool", [connect, connect_in_a_ring])
def test_a_client_that_is_let_go_of_with_the_memory_warns_nobody(tool: Callable[[], Any], recwarn: pytest.WarningsRecorder) -> None:
    engine, subject = Engine(Registry(), ROOT), as_tool(tool, {})
    engine.examine(subject, engine.registry.check("AR101"))
    assert KEPT
    engine.forget(subject)
    assert not KEPT
    gc.collect()
    assert not recwarn.list


def test_no_known_credential_leaves_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "t0k3n-0f-the-sh0p")
    address = "http://api.example.com/bot9845120:BBHq8dkfJ3kdLw93kfS0dkwPq2mZx7vYt9z/send"
    sent = Request("POST", address, (), b"", is_write=True, committed=True, status=200, routed=True, at=0.0, where="shop.py:7")

    def judge(odd: Any) -> Iterable[Judgement]:
        yield Finding(f"POST {address} was sent", evidence={"environment": ["t0k3n-0f-the-sh0p"]})

    def fails(odd: Any) -> Iterable[Judgement]:
        raise ValueError("t0k3n-0f-the-sh0p")

    def lacks(odd: Any) -> Iterable[Judgement]:
        yield Unproven(f"no answer for {address}")

    made = engine_of(odd=lambda: (Run({}, requests=(sent,)),))
    verdicts = [made.examine(tool_of(), check_of(each)) for each in (judge, fails, lacks)]
    assert verdicts[0].findings[0].message == "POST http://api.example.com/bot9845120:BBHq...9z/send was sent"
    assert "BBHq8dkf" not in verdicts[2].reason
    assert "t0k3n-0f-the-sh0p" not in str(verdicts)


def test_a_report_names_the_folder_of_a_test_the_same_in_each_session() -> None:
    base = "/tmp/pytest-of-ada/pytest-191"
    engine = Engine(Registry(), ROOT, grant=lambda: Grant(own=(base,)))
    twice = Finding(f"twice: create {base}/test_add0/1.txt in '{base}/test_add0'", evidence={"effects": [f"{base}/test_add0/1.txt"]})
    missing = f"it raises [Errno 2] No such file or directory: '{base}/test_add0/1.txt'"
    (finding,) = engine.judge(check_of(lambda: [twice]), {}).findings
    assert finding.message == "twice: create tmp_path/1.txt in 'tmp_path'"
    assert finding.evidence == {"effects": ["tmp_path/1.txt"]}
    told = "it raises [Errno 2] No such file or directory: 'tmp_path/1.txt'"
    assert engine.judge(check_of(lambda: [Unproven(missing)]), {}).reason == told
    assert engine.judge(check_of(lambda: [NotApplicable(missing)]), {}).reason == told
