"""`pytest-agentready alerts`: a run of pytest leaves what was emitted, and the rules are written over that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_agentready.domain import RECORD
from tests.cli.command import run
from tests.project import PLAIN
from tests.reports.promtool import checked, needed

TWO_MILLION = ("--budget-tokens-per-day", "2000000")
KEPT = Path(".pytest_cache", "v", RECORD)
SHOP = """
import json, time
import httpx, openai
from opentelemetry import metrics
from prometheus_client import Counter

meter = metrics.get_meter("shop")
tool_seconds = meter.create_histogram("gen_ai.execute_tool.duration", unit="s")
session_cost = meter.create_histogram("agent.session.cost", unit="USD")  # recorded where a session ends
tokens = Counter("llm_tokens", "Tokens.", ["direction", "session_id"])
PARAMETERS = {"type": "object", "properties": {"order_id": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "get_order", "parameters": PARAMETERS}}]


def get_order(order_id):
    return httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5).text


def answer(text):
    messages = [{"role": "user", "content": text}]
    for _ in range(5):
        reply = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS)
        tokens.labels("input", "s-1").inc(reply.usage.prompt_tokens)
        tokens.labels("output", "s-1").inc(reply.usage.completion_tokens)
        message = reply.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content
        for call in message.tool_calls:
            began, labels = time.monotonic(), {"gen_ai.tool.name": "get_order"}
            try:
                result = get_order(**json.loads(call.function.arguments))
            except httpx.HTTPError as failure:
                labels["error.type"] = type(failure).__name__
                result = "failed"
            tool_seconds.record(time.monotonic() - began, labels)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "That took too many steps."
"""
MARKED = """
import pytest
from shop import answer

@pytest.mark.agent_loop(loop=answer, backend={"GET https://api.example.com/orders/{id}": {"status": "shipped"}})
def test_answer(readiness_check):
    readiness_check()
"""
BY_HAND = """
from shop import answer
from pytest_agentready import call

def test_by_hand(agent_world, scripted_model):
    agent_world.backend({"GET https://api.example.com/orders/{id}": {"status": "shipped"}})
    scripted_model.says(call("get_order", order_id="1"), "It is on its way.")
    assert answer("Where is it?") == "It is on its way."
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(shop=SHOP, test_shop=MARKED)
    return pytester


def examined(shop: pytest.Pytester) -> None:
    """With a tool that fails."""
    shop.runpytest_subprocess(*PLAIN, "-o", "agentready_profile=strict", "-k", "AR702 or AR808")


def called_by_hand(shop: pytest.Pytester, *arguments: str) -> None:
    shop.makepyfile(test_by_hand=BY_HAND)
    shop.runpytest_subprocess(*PLAIN, "test_by_hand.py", *arguments).assert_outcomes(passed=1)


def told(text: str) -> str:
    """Without the line breaks of a comment."""
    return " ".join(line.strip().removeprefix("# ") for line in text.splitlines())


@needed
def test_the_rules_are_about_what_the_last_run_has_seen(shop: pytest.Pytester, tmp_path: Path) -> None:
    examined(shop)
    finished = run("alerts", *TWO_MILLION, cwd=shop.path)
    assert finished.returncode == 0, finished.stderr
    assert 'gen_ai_execute_tool_duration_seconds_count{error_type!=""}' in finished.stdout
    assert "sum by (job) (increase(llm_tokens_total[1h]))" in finished.stdout
    assert "agent_session_cost_USD_bucket" in finished.stdout  # it is there, and waits for the end of a session
    assert "DEAD: injection detections" in finished.stdout
    assert "DEAD, and without a rule: session duration tail: no metric has the duration" in finished.stderr
    assert "`llm_tokens_total` has the label `session_id`" in finished.stderr
    assert "SUCCESS: 10 rules found" in checked(finished.stdout, tmp_path)


def test_the_record_holds_no_value_of_a_label_that_may_be_a_users(shop: pytest.Pytester) -> None:
    called_by_hand(shop)
    metrics = {one["name"]: one for one in json.loads((shop.path / KEPT).read_text(encoding="utf-8"))["metrics"]}
    assert metrics["llm_tokens"]["labels"] == {"direction": ["input", "output"], "session_id": []}
    assert metrics["gen_ai.execute_tool.duration"]["labels"] == {"gen_ai.tool.name": []}


def test_workers_of_xdist_add_up(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        test_by_hand=BY_HAND,
        test_other="""
        from prometheus_client import Counter
        scans = Counter("agent_injection_scans", "Scans.")

        def test_other(agent_world):
            scans.inc()
        """,
    )
    shop.runpytest_subprocess(*PLAIN, "-n", "2", "--dist", "each", "-k", "hand or other").assert_outcomes(passed=4)
    names = {one["name"]: one["measured"] for one in json.loads((shop.path / KEPT).read_text(encoding="utf-8"))["metrics"]}
    assert names["agent_injection_scans"]
    assert names["llm_tokens"]


def test_a_hand_written_test_leaves_what_it_emits(shop: pytest.Pytester) -> None:
    called_by_hand(shop)
    assert "increase(llm_tokens_total[1h])" in run("alerts", *TWO_MILLION, cwd=shop.path).stdout


def test_a_run_of_a_part_only_adds_and_a_whole_one_begins_anew(shop: pytest.Pytester) -> None:
    called_by_hand(shop)
    shop.makepyfile(test_other="def test_other(agent_world):\n    pass\n")
    shop.runpytest_subprocess(*PLAIN, "test_other.py").assert_outcomes(passed=1)
    assert "llm_tokens" in (shop.path / KEPT).read_text(encoding="utf-8")
    for name in ("test_shop.py", "test_by_hand.py"):
        (shop.path / name).unlink()
    shop.runpytest_subprocess(*PLAIN).assert_outcomes(passed=1)
    assert "llm_tokens" not in (shop.path / KEPT).read_text(encoding="utf-8")


def test_a_run_without_a_cache_leaves_nothing_and_the_command_says_what_to_do(shop: pytest.Pytester) -> None:
    called_by_hand(shop, "-p", "no:cacheprovider")
    finished = run("alerts", *TWO_MILLION, cwd=shop.path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "Run pytest first" in finished.stderr
    assert "-p no:cacheprovider" in finished.stderr


def test_a_session_in_which_nothing_of_ours_ran_leaves_the_record_alone(shop: pytest.Pytester) -> None:
    called_by_hand(shop)
    before = (shop.path / KEPT).read_text(encoding="utf-8")
    for name in ("test_shop.py", "test_by_hand.py"):
        (shop.path / name).unlink()
    shop.makepyfile(test_plain="def test_plain():\n    pass\n")
    shop.runpytest_subprocess(*PLAIN).assert_outcomes(passed=1)
    assert (shop.path / KEPT).read_text(encoding="utf-8") == before


# -- the command itself


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A project whose last run has seen one metric."""
    path = tmp_path / KEPT
    path.parent.mkdir(parents=True)
    metric = {"name": "llm_tokens", "kind": "counter", "unit": "", "client": "prometheus", "labels": {}, "measured": True}
    path.write_text(json.dumps({"version": 1, "metrics": [metric], "spans": ["tool-errors"]}), encoding="utf-8")
    return tmp_path


def test_the_record_is_found_from_a_folder_below(kept: Path) -> None:
    (kept / "deploy").mkdir()
    assert "llm_tokens_total" in run("alerts", *TWO_MILLION, cwd=kept / "deploy").stdout


def test_another_cache_is_named(kept: Path) -> None:
    (kept / ".pytest_cache").rename(kept / "cache")
    assert run("alerts", *TWO_MILLION, cwd=kept).returncode == 2
    assert "llm_tokens_total" in run("alerts", *TWO_MILLION, "--cache-dir", "cache", cwd=kept).stdout
    assert "there is no v/agentready/emitted in it" in run("alerts", *TWO_MILLION, "--cache-dir", "none", cwd=kept).stderr


def test_a_file_is_written_anew_and_another_one_is_left_alone(kept: Path) -> None:
    for _ in range(2):
        finished = run("alerts", *TWO_MILLION, "--out", "alerts.yml", cwd=kept)
        assert (finished.returncode, finished.stdout) == (0, "")
    assert (kept / "alerts.yml").read_text(encoding="utf-8").startswith("# Written by pytest-agentready")
    (kept / "own.yml").write_text("groups: []\n", encoding="utf-8")
    finished = run("alerts", *TWO_MILLION, "--out", "own.yml", cwd=kept)
    assert finished.returncode == 2
    assert "own.yml: the file is there already" in finished.stderr
    assert (kept / "own.yml").read_text(encoding="utf-8") == "groups: []\n"
    assert "--out none/alerts.yml: No such file" in run("alerts", *TWO_MILLION, "--out", "none/alerts.yml", cwd=kept).stderr


def test_all_that_is_wrong_is_told_at_once(kept: Path) -> None:
    finished = run("alerts", "--budget-tokens-per-day", "much", "--noon-utc", "24", "--window", "six", cwd=kept)
    assert finished.returncode == 2
    assert [line.split(": ")[1] for line in finished.stderr.splitlines()] == [
        "--budget-tokens-per-day much",
        "--noon-utc 24",
        "--window six",
    ]


def test_a_budget_may_be_written_with_marks_between_its_thousands(kept: Path) -> None:
    texts = {run("alerts", "--budget-tokens-per-day", budget, cwd=kept).stdout for budget in ("2000000", "2_000_000", "2,000,000")}
    assert len(texts) == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2, "metrics": [], "spans": []}', '{"version": 1, "metrics": [{}], "spans": []}'])
def test_a_record_that_cannot_be_read_is_told(kept: Path, text: str) -> None:
    (kept / KEPT).write_text(text, encoding="utf-8")
    finished = run("alerts", *TWO_MILLION, cwd=kept)
    assert finished.returncode == 2
    assert "Run pytest again" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_signal_that_stands_in_spans_is_told(kept: Path) -> None:
    assert "Its signal stands in the spans: let a collector make a metric" in told(run("alerts", *TWO_MILLION, cwd=kept).stdout)
