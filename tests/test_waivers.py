"""Waivers: a finding that is accepted, for a reason and for a time, and what becomes of the acceptance."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pytest_agentready.domain import Waiver, read_waiver, waiver_of
from tests.project import BROKEN, FAIL, NOT_APPLICABLE, PASS, UNPROVEN, Project

ORDERS = "@pytest.mark.agent_tool(tool=list_orders)\ndef test_orders(readiness_check):\n    readiness_check()\n"
MAIL = "@pytest.mark.agent_tool(tool=send_email, args={'to': 'a'})\ndef test_mail(readiness_check):\n    readiness_check()\n"
LATER = "until 2999-12-31"


@pytest.fixture
def shop(project: Project) -> Project:
    """One check that fails and one that passes, on one tool."""
    project.check("hang", FAIL)
    project.check("tidy", PASS)
    project.tests(ORDERS)
    return project


def waive(project: Project, *waivers: str) -> None:
    lines = "".join(f"    {waiver}\n" for waiver in waivers)
    project.pytester.makeini(f"[pytest]\nagentready_waive =\n{lines}")


@pytest.mark.parametrize("spelling", ["T001", "t001", "hang", "T001-hang"])
def test_a_waived_finding_is_an_expected_failure_and_does_not_block(shop: Project, spelling: str) -> None:
    waive(shop, f"{spelling} shop.tools.list_orders {LATER}: vendor SDK has no timeout, ticket #812")
    result = shop.run("-rx")
    result.assert_outcomes(passed=1, xfailed=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "READY: 1 passed, 1 waived",
            "Waived",
            "  T001-hang, until 2999-12-31: vendor SDK has no timeout, ticket #812",
            "      shop.tools.list_orders",
            "XFAIL test_shop.py::test_orders?T001-hang? - *vendor SDK has no timeout, ticket #812",
        ]
    )


def test_the_report_says_waived_and_why(shop: Project) -> None:
    waive(shop, "T001 shop.tools.list_orders: ticket 812")
    report = shop.report()
    waived = next(result for result in report["results"] if result["check"] == "T001")
    assert (waived["outcome"], waived["reason"]) == ("waived", "ticket 812")
    assert [finding["message"] for finding in waived["findings"]] == ["shop.tools.list_orders hangs"]
    assert report["counts"]["waived"] == 1
    assert report["ready"] is True


@pytest.mark.parametrize("args", [("-n", "2"), ("-p", "no:xdist")])
def test_tools_without_a_test_file_are_waived_alike_in_workers_too(shop: Project, args: tuple[str, ...]) -> None:
    waive(shop, "T001 shop.tools.list_orders: ticket 812", "T001 other.one: ticket 813")
    shop.pytester.makepyfile(other="def one(): pass\n")
    result = shop.run_apart("--agentready-tools", "other", "-rx", *args)
    result.assert_outcomes(passed=2, xfailed=2)
    result.stdout.fnmatch_lines(["READY: 2 passed, 2 waived", "XFAIL agentready::other.one::T001-hang - *ticket 813"])


def test_runxfail_asks_for_what_is_really_the_case(shop: Project) -> None:
    waive(shop, "T001 shop.tools.list_orders: ticket 812", "T002 shop.tools.list_orders: not needed")
    result = shop.run("--runxfail")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["NOT READY: 1 passed, 1 failed (1 high)"])


def test_a_waiver_that_is_not_needed_any_more_fails_and_says_so(shop: Project) -> None:
    waive(shop, "T002 shop.tools.list_orders: once it was untidy")
    result = shop.run("-k", "T002")
    result.assert_outcomes(failed=1)
    told = "the waiver `T002 shop.tools.list_orders` is not needed any more: the check passes. Remove it from agentready_waive."
    result.stdout.fnmatch_lines([f"?XPASS(strict)? shop.tools.list_orders: {told}", "NOT READY: 1 passed"])
    report = shop.report("-k", "T002")
    assert [result["outcome"] for result in report["results"]] == ["passed"]
    assert report["ready"] is False


@pytest.mark.parametrize("severity", ["HIGH", "LOW"])
def test_an_expired_waiver_fails_whatever_the_severity_and_says_when_it_expired(project: Project, severity: str) -> None:
    project.check("hang", FAIL, severity=severity)
    project.check("tidy", PASS)
    project.tests(ORDERS)
    waive(project, "T001 shop.tools.list_orders until 2020-02-29: ticket 812")
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "  but   its waiver expired on 2020-02-29 (ticket 812)",
            "NOT READY: *",
            f"  {severity.lower()} *",
            "*its waiver expired on 2020-02-29*",
        ]
    )
    report = project.report()
    assert report["ready"] is False
    assert report["results"][0]["outcome"] == "failed"


def test_a_waiver_holds_on_its_last_day_and_not_on_the_next(shop: Project) -> None:
    today = date.today()
    waive(shop, f"T001 shop.tools.list_orders until {today}: ticket 812")
    shop.run().assert_outcomes(passed=1, xfailed=1)
    waive(shop, f"T001 shop.tools.list_orders until {today - timedelta(1)}: ticket 812")
    shop.run().assert_outcomes(passed=1, failed=1)


def test_a_mild_finding_is_waived_too(project: Project) -> None:
    project.check("untidy", FAIL, severity="LOW")
    project.check("tidy", PASS)
    project.tests(ORDERS)
    waive(project, "T001 shop.tools.list_orders: as it is")
    project.run().assert_outcomes(passed=1, xfailed=1)


def test_what_is_unproven_or_does_not_apply_skips_and_leaves_the_waiver_alone(shop: Project) -> None:
    shop.check("unseen", UNPROVEN)
    shop.check("offline", NOT_APPLICABLE)
    waive(shop, *(f"{check} shop.tools.list_orders: ticket 812" for check in ("T001", "T003", "T004")))
    result = shop.run()
    result.assert_outcomes(passed=1, xfailed=1, skipped=2)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["READY, as far as it was proved: 1 passed, 1 unproven, 1 waived, 1 not applicable"])


def test_where_what_is_unproven_fails_it_can_be_waived_as_well(shop: Project) -> None:
    shop.check("unseen", UNPROVEN)
    waive(shop, "T001 shop.tools.list_orders: ticket 812", "T003 shop.tools.list_orders: its client cannot be seen")
    unproven_fails = ("-o", "agentready_unproven=fail")
    shop.run(*unproven_fails).assert_outcomes(passed=1, xfailed=2)
    assert shop.report(*unproven_fails)["ready"] is True
    waive(shop, "T001 shop.tools.list_orders: ticket 812", "T003 shop.tools.list_orders until 2020-01-01: it cannot be seen")
    result = shop.run(*unproven_fails)
    result.assert_outcomes(passed=1, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["*T003-unseen is unproven: no arguments*; its waiver expired on 2020-01-01 (it cannot be seen)"])


def test_an_error_is_never_waived(shop: Project) -> None:
    shop.check("slip", BROKEN)
    waive(shop, "T003 shop.tools.list_orders: ticket 812")
    shop.run("-k", "T003").assert_outcomes(errors=1)


def test_a_pattern_spares_several_and_lets_others_pass(shop: Project) -> None:
    shop.check("mail-only", "yield from ([Finding('no')] if 'email' in tool.name else [])")
    shop.tests(MAIL, "test_mail")
    waive(shop, "T003 shop.tools.*: ticket 812", "T001 *: ticket 813")
    result = shop.run()
    result.assert_outcomes(passed=3, xfailed=3)
    result.stdout.fnmatch_lines(
        ["READY: 3 passed, 3 waived", "*T001-hang: ticket 813", "*list_orders", "*send_email", "*T003-mail-only: ticket 812"]
    )


def test_a_pattern_that_spares_nobody_any_more_is_told_once_everything_has_run(shop: Project) -> None:
    waive(shop, "T002 shop.*: once it was untidy", "T001 shop.*: ticket 812")
    result = shop.run()
    result.assert_outcomes(passed=1, xfailed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["NOT READY: 1 passed, 1 waived", "*the waiver `T002 shop.*` is not needed any more*"])


def test_a_waiver_for_an_unknown_tool_fails_the_run_where_all_of_it_ran(shop: Project) -> None:
    waive(shop, "T001 shop.tools.list_orders: ticket 812", "T001 shop.tools.list_order: ticket 813")
    result = shop.run()
    result.assert_outcomes(passed=1, xfailed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.re_match_lines([".*the waiver `T001 shop.tools.list_order` names no tool that was"])
    assert "Did you mean 'shop.tools.list_orders'?" in " ".join(result.stdout.str().split())


@pytest.mark.parametrize(
    "args", [("-k", "orders"), ("test_shop.py",), ("--deselect", "test_other.py"), ("--lf",), ("--ignore", "test_other.py")]
)
def test_a_part_of_the_run_does_not_ask_where_the_other_tools_are(shop: Project, args: tuple[str, ...]) -> None:
    shop.tests("def test_other():\n    assert False\n", "test_other")
    shop.run()
    waive(shop, "T001 shop.tools.list_orders: ticket 812", "T001 shop.tools.elsewhere: ticket 813")
    shop.run(*args).stdout.no_fnmatch_line("*names no tool*")
    shop.run().stdout.fnmatch_lines(["*names no tool*"])


def test_configured_targets_that_were_not_examined_may_be_what_a_waiver_means(shop: Project) -> None:
    waive(shop, "T001 shop.tools.list_orders: ticket 812", "T001 other.two: ticket 813")
    shop.pytester.makepyfile(other="def one(): pass\n")
    ini = shop.pytester.path / "tox.ini"
    ini.write_text(ini.read_text(encoding="utf-8") + "\nagentready_tools = other\n", encoding="utf-8")
    shop.run().stdout.no_fnmatch_line("*names no tool*")
    shop.run("--agentready").stdout.fnmatch_lines(["*names no tool*"])


def test_all_that_is_wrong_with_waivers_is_told_at_once_before_any_test(shop: Project) -> None:
    waive(
        shop,
        "T001 shop.tools.list_orders",
        "hnag shop.tools.list_orders: ticket",
        "T001 shop.tools.list_orders until 2026-02-30: ticket",
        "T001 shop.tools:list_orders: ticket",
        "T001: ticket",
        "T001 a until 2026-1-1 please:",
        "T002 shop.*: one",
        "tidy shop.*: two",
    )
    result = shop.run("-o", "agentready_profile=x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*agentready_profile = 'x'*",
            "*'T001 shop.tools.list_orders': a reason is missing. Write why after a colon*",
            "*'hnag shop.tools.list_orders: ticket': There is no check 'hnag'. Did you mean T001-hang?*",
            "*2026-02-30: ticket': '2026-02-30' is no date. Write YYYY-MM-DD, such as 2026-12-31.",
            "*'T001 shop.tools:list_orders: ticket': a subject is written with dots alone: 'shop.tools.list_orders'.",
            "*'T001: ticket': expected CHECK SUBJECT ?until DATE?: REASON, such as *",
            "*please:': '2026-1-1 please' is no date.*",
            "*please:': a reason is missing.*",
            "*'tidy shop.*: two': another waiver is for the same check and subject. Keep one of them.",
        ]
    )


def test_the_waiver_that_names_the_tool_goes_before_a_pattern() -> None:
    waivers = [Waiver("T1", "shop.*", "all"), Waiver("T1", "shop.buy", "one")]
    assert [waiver_of(waivers, "T1", name) for name in ("shop.buy", "shop.sell", "bank.buy")] == [waivers[1], waivers[0], None]


def test_a_line_is_read_word_by_word() -> None:
    waiver, problems = read_waiver("  AR201   shop.tools.buy  until 2026-12-31:  why: because ")
    assert problems == []
    assert waiver == Waiver("AR201", "shop.tools.buy", "why: because", date(2026, 12, 31))
    assert str(waiver) == "AR201 shop.tools.buy until 2026-12-31"
