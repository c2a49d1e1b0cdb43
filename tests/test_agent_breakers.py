"""Cost breakers as a user meets them: the mark, what it finds out by itself, and everything that can be wrong with it."""

from __future__ import annotations

import json

import pytest
import redis  # noqa: F401  (what the inner runs import, and what cannot be imported twice in a process)

MONEY = """
import redis

STORE = redis.Redis(host="redis.internal")
LIMITS = {"session": 0.50}


class CostCircuitBreaker:
    def check_and_increment(self, user_id: str, session_id: int, cost_usd: float) -> None:
        key = f"cost:session:{session_id + 0}"
        if float(STORE.get(key) or 0) + cost_usd > 0.50:
            raise PermissionError("the session's budget is spent")
        STORE.incrbyfloat(key, cost_usd)
        STORE.expire(key, 86_400)


class LooksAndRecords:
    def __init__(self):
        self.spent = {}

    def check(self, session_id: str, cost: float) -> bool:
        return self.spent.get(session_id, 0) + cost <= 0.50

    def record(self, cost: float, session_id: str) -> None:
        self.spent[session_id] = self.spent.get(session_id, 0) + cost


def needs_a_model(session_id: str, cost_usd: float, model: str) -> bool:
    return True


def without_a_price(session_id: str) -> bool:
    return True


def in_euros(session_id: str, euros: float) -> bool:
    return euros < 0.2


BREAKER = CostCircuitBreaker()
PAIR = LooksAndRecords()
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(**{"shop/money": MONEY, "shop/__init__": ""})
    pytester.makeini("[pytest]\npythonpath = .\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


def marked(project: pytest.Pytester, facts: str, *arguments: str) -> pytest.RunResult:
    project.makepyfile(
        test_money=f"""
import pytest
from shop.money import *


@pytest.mark.agent_breaker({facts})
def test_money(readiness_check):
    readiness_check()
"""
    )
    return project.runpytest("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-rs", *arguments)


def test_a_breaker_has_one_item_for_each_check_of_money(project: pytest.Pytester) -> None:
    found = marked(project, "breaker=BREAKER, limits=LIMITS", "--collect-only", "-q").stdout
    found.fnmatch_lines_random(["*test_money?AR601-unlimited-session-cost?", "*test_money?AR607-fail-open-breaker?"])
    found.no_fnmatch_line("*AR202*")
    found.no_fnmatch_line("*AR701*")


def test_a_gap_is_told_with_its_commands_its_money_and_its_line(project: pytest.Pytester) -> None:
    path = project.path / "report.json"
    result = marked(project, "breaker=BREAKER, limits=LIMITS", "-k", "AR604", "--agentready-report", f"json:{path}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*both admitted, $0.33 and $0.33, with $0.495 of session*",
            "*left: the second one came between GET cost:session:* and INCRBYFLOAT cost:session:*",
            "*where shop/money.py:*",
            "*1 breaker, profile standard*",
        ]
    )
    assert [subject["kind"] for subject in json.loads(path.read_text())["subjects"]] == ["breaker"]


def test_one_that_looks_is_paired_with_what_records(project: pytest.Pytester) -> None:
    marked(project, "breaker=PAIR, limits=LIMITS", "-k", "AR601").assert_outcomes(passed=1)
    marked(project, "breaker=PAIR.check, limits=LIMITS", "-k", "AR601").assert_outcomes(passed=1)


def test_a_first_charge_that_is_refused_proves_nothing(project: pytest.Pytester) -> None:
    result = marked(project, "breaker=in_euros, cost='euros', limits={'session': 0.9}", "-k", "AR601")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*a charge of $0.26 is refused with $0.00 of session spent*"])


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("", "it names no breaker. Write `@pytest.mark.agent_breaker(breaker=breaker, limits={...})`, and all else by name*"),
        ("breaker=LIMITS", "* admits and refuses nothing. Name a function, or an object that has one of check_and_increment, *"),
        ("breaker=CostCircuitBreaker", "CostCircuitBreaker is a class: give an object of it, such as breaker=CostCircuitBreaker(...)*"),
        ("breaker=BREAKER, limit=LIMITS", "there is no argument 'limit'. Did you mean 'limits'?*"),
        ("breaker=BREAKER, limits={'sesion': 1}", "there is no limit 'sesion'. Did you mean 'session'?*"),
        (
            "breaker=BREAKER, limits={'session': '0.50'}",
            "the limit 'session' is the text '0.50': write dollars as a number, such as 0.50*",
        ),
        ("breaker=BREAKER, limits={'user_daily': '$5'}", "the limit 'user_daily' is '$5': write dollars, such as 0.50*"),
        ("breaker=BREAKER, limits={'session': 0}", "the limit 'session' is 0: write dollars, such as 0.50*"),
        ("breaker=BREAKER", 'limits is empty: give {"session": 0.50, *'),
        ("breaker=without_a_price", "*carries the cost: name it by cost=, such as cost='amount'*"),
        ("breaker=needs_a_model", "it takes model, too: write args={'model': ...}*"),
        ("breaker=BREAKER, cost='cost_us'", "cost='cost_us' names no parameter of it. Did you mean 'cost_usd'?*"),
    ],
)
def test_what_is_wrong_with_a_mark_is_told(project: pytest.Pytester, facts: str, told: str) -> None:
    result = marked(project, facts)
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*{told}"])
