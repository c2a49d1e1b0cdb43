"""The configuration: what it may say, and that every mistake in it is told at once."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import replace
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pytest_agentready import Severity, reports, session
from pytest_agentready.domain import Waiver
from pytest_agentready.settings import FORMATS, Report, Settings
from tests.project import MARKED, PASS, PLAIN, Project


def usage_error(pytester: pytest.Pytester, *args: str) -> list[str]:
    result = pytester.runpytest(*PLAIN, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.no_fnmatch_line("*passed*")
    assert "Traceback" not in result.stderr.str()
    return [line.removeprefix("ERROR: ") for line in result.stderr.str().splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("profile", "standrad", "agentready_profile = 'standrad': expected checklist, standard or strict. Did you mean 'standard'?"),
        ("profile", "", "agentready_profile = '': expected checklist, standard or strict."),
        ("fail_on", "med", "agentready_fail_on = 'med': expected high, medium or low. Did you mean 'medium'?"),
        ("unproven", "ignore", "agentready_unproven = 'ignore': expected skip or fail."),
        ("tools", "shop tools", "agentready_tools 'shop tools': expected one module, or module:name, such as 'shop.tools' or *"),
        ("tools", "shop/tools.py", "agentready_tools 'shop/tools.py': expected one module, or module:name, such as *"),
        (
            "allow_hosts",
            "http://db:1",
            "agentready_allow_hosts 'http://db:1': expected a host, host:port or a socket's path, such as 'localhost:5432'; *",
        ),
        (
            "allow_hosts",
            "db:99999",
            "agentready_allow_hosts 'db:99999': expected a host, host:port or a socket's path, such as 'localhost:5432'; *",
        ),
        (
            "allow_hosts",
            "*.example.com",
            "agentready_allow_hosts '?.example.com': expected a host, host:port *no scheme or pattern.",
        ),
        (
            "allow_processes",
            "git status",
            "agentready_allow_processes 'git status': expected one program by its name or path, such as 'git'; no arguments or pattern.",
        ),
        ("allow_processes", "g*", "agentready_allow_processes 'g?': there are no patterns. Name each program, such as 'git'."),
        ("waive", "AR202", "agentready_waive 'AR202': expected CHECK SUBJECT ?until DATE?: REASON, such as *"),
        ("loop", "shop.agent:run", "agentready_loop: there is no such setting. Did you mean 'agentready_loops'? Known: *"),
        ("report", "json", "agentready_report 'json': it names no file: did you mean 'json:agentready.json'?"),
    ],
)
def test_a_bad_value_names_its_key_and_what_was_meant(pytester: pytest.Pytester, key: str, value: str, told: str) -> None:
    pytester.makeini(f"[pytest]\nagentready_{key} = {value}\n")
    assert fnmatch(usage_error(pytester)[0], told)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("gti", "agentready_allow_processes 'gti': there is no such program on the PATH. Did you mean 'git'?"),
        ("{bin}/gti", "agentready_allow_processes '{bin}/gti': there is no such program. Did you mean '{bin}/git'?"),
        ("frobnicate", "agentready_allow_processes 'frobnicate': there is no such program on the PATH."),
    ],
)
def test_a_program_that_is_not_there_is_an_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, program: str, told: str
) -> None:
    folder = pytester.mkdir("bin")
    (folder / "git").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(folder))
    pytester.makeini(f"[pytest]\nagentready_allow_processes = {program.format(bin=folder)}\n")
    assert usage_error(pytester) == [told.format(bin=folder)]


def test_a_program_in_the_project_is_left_to_whoever_starts_it(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nagentready_allow_processes = ./made/by/a/fixture\n")
    assert settings(pytester).allow_processes == ("./made/by/a/fixture",)


def test_all_bad_values_are_told_at_once(pytester: pytest.Pytester) -> None:
    wrong = {"profile": "x", "fail_on": "y", "unproven": "z", "profil": "strict", "tools": "a b", "waive": "AR999 a: b", "allow_hosts": "*"}
    pytester.makeini("[pytest]\n" + "".join(f"agentready_{key} = {value}\n" for key, value in wrong.items()))
    reports = ["--agentready-report", "xml:here", "--agentready-report", "json:nowhere/x.json"]
    told = usage_error(pytester, *reports, "--agentready-tools", "c d")
    assert [line.split()[0] for line in told] == [
        "agentready_profil:",
        "agentready_tools",
        "--agentready-tools",
        "agentready_profile",
        "agentready_fail_on",
        "agentready_unproven",
        "agentready_waive",
        "agentready_allow_hosts",
        "--agentready-report",
        "--agentready-report",
    ]
    assert "Did you mean 'agentready_profile'?" in told[0]


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ("json", "it names no file: did you mean 'json:agentready.json'?"),
        ("jsn:", "it names no file: did you mean 'json:agentready.json'?"),
        ("report", "expected FORMAT:PATH, such as 'json:agentready.json'."),
        (":x.json", "there is no format ''. Known: json."),
        ("jsn:x.json", "there is no format 'jsn'. Did you mean 'json'? Known: json."),
        ("sarif:x.sarif", "there is no format 'sarif'. Known: json."),
        ("json:nowhere/x.json", "there is no directory *nowhere. Create it, or write elsewhere."),
        ("json:.", "* is a directory. Name a file in it."),
        ("json:/proc/agentready.json", "/proc/agentready.json cannot be written (*). Write elsewhere, or change its permissions."),
    ],
)
def test_a_report_that_cannot_be_written_is_told_before_the_first_test(pytester: pytest.Pytester, report: str, told: str) -> None:
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest(*PLAIN, "--agentready-report", report)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --agentready-report '{report}': {told}"])
    result.stdout.no_fnmatch_line("*passed*")


def test_two_reports_to_one_file_are_an_error(pytester: pytest.Pytester) -> None:
    told = usage_error(pytester, "--agentready-report", "json:x.json", "--agentready-report", "json:./x.json")
    assert told == ["--agentready-report 'json:./x.json': another report goes to the same file. Give each its own."]


def test_asking_whether_a_path_can_be_written_leaves_no_file_and_spoils_none(pytester: pytest.Pytester) -> None:
    (pytester.path / "old.json").write_text("old", encoding="utf-8")
    usage_error(pytester, "--agentready-report", "json:new.json", "--agentready-report", "json:old.json", "--agentready-report", "xml:x")
    assert not (pytester.path / "new.json").exists()
    assert (pytester.path / "old.json").read_text(encoding="utf-8") == "old"


@pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="this table comes with pytest 9")
def test_a_text_where_a_list_is_due_is_told_with_the_list(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml('[tool.pytest]\nagentready_tools = "shop.tools"\nagentready_profile = ["x"]\n')
    assert usage_error(pytester) == [
        """agentready_tools = 'shop.tools': expected a list of texts. Write agentready_tools = ["shop.tools"].""",
        "agentready_profile = ['x']: expected checklist, standard or strict.",
    ]


TOML = {
    "profile": "5",
    "fail_on": "true",
    "unproven": '["skip"]',
    "tools": "5",
    "waive": "[5]",
    "allow_hosts": "[5432]",
    "report": "{json = 1}",
}


@pytest.mark.parametrize("key", TOML)
@pytest.mark.parametrize("table", ["tool.pytest", "tool.pytest.ini_options"])
def test_a_value_of_the_wrong_toml_type_is_told_like_any_other(pytester: pytest.Pytester, table: str, key: str) -> None:
    if table == "tool.pytest" and pytest.version_tuple < (9, 0):
        pytest.skip("this table comes with pytest 9")
    pytester.makepyprojecttoml(f'[{table}]\nagentready_{key} = {TOML[key]}\nagentready_profil = "strict"\n')
    told = usage_error(pytester)
    assert told[0].startswith("agentready_profil: there is no such setting.")
    assert len(told) == 2
    assert f"agentready_{key}" in told[1]


def settings(pytester: pytest.Pytester, *args: str) -> Settings:
    return session.settings(pytester.parseconfigure(*PLAIN, *args))


@pytest.mark.parametrize("table", ["tool.pytest", "tool.pytest.ini_options"])
def test_every_key_may_stand_in_either_table_of_pyproject(pytester: pytest.Pytester, table: str) -> None:
    if table == "tool.pytest" and pytest.version_tuple < (9, 0):
        pytest.skip("this table comes with pytest 9")
    pytester.makepyprojecttoml(
        f"""
        [{table}]
        agentready_tools = ["shop.tools", "shop.registry:TOOLS"]
        agentready_profile = "strict"
        agentready_fail_on = "low"
        agentready_unproven = "fail"
        agentready_waive = ["unbounded-wait shop.tools.buy until 2999-12-31: ticket 812"]
        agentready_allow_hosts = ["localhost", "DB.example.com:5432", "[::1]:6379", "localhost"]
        agentready_allow_processes = ["git", "/usr/bin/env", "git"]
        agentready_report = ["json:one.json"]
        """
    )
    found = settings(pytester)
    assert replace(found, today=date(2026, 1, 1)) == Settings(
        profile="strict",
        fail_on=Severity.LOW,
        unproven="fail",
        reports=(Report("json", pytester.path / "one.json"),),
        tools=("shop.tools", "shop.registry:TOOLS"),
        waivers=(Waiver("AR202", "shop.tools.buy", "ticket 812", date(2999, 12, 31)),),
        allow_hosts=(("localhost", None), ("db.example.com", 5432), ("::1", 6379)),
        allow_processes=("git", "/usr/bin/env"),
        today=date(2026, 1, 1),
    )


def test_the_command_line_goes_before_the_file(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nagentready_tools =\n  one\n  two\nagentready_profile = strict\nagentready_allow_hosts = db\n")
    assert settings(pytester).tools == ("one", "two")
    found = settings(pytester, "--agentready-tools", "three", "-o", "agentready_profile=checklist", "-o", "agentready_allow_hosts=a\nb:1")
    assert found.tools == ("three",)
    assert found.profile == "checklist"
    assert found.allow_hosts == (("a", None), ("b", 1))


def test_without_any_configuration_the_defaults_hold(pytester: pytest.Pytester) -> None:
    found = settings(pytester)
    assert found == Settings(today=found.today)


def test_settings_may_stand_in_pyproject(project: Project) -> None:
    project.check("slow", PASS, profile="strict")
    project.tests(MARKED)
    project.pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nagentready_profile = "strict"\nagentready_report = ["json:one.json", "json:two.json"]\n'
    )
    project.run().assert_outcomes(passed=1)
    one, two = (json.loads((project.pytester.path / name).read_text(encoding="utf-8")) for name in ("one.json", "two.json"))
    assert one == two
    assert one["profile"] == "strict"


def test_a_report_from_the_settings_is_written_beside_them_and_one_from_the_command_line_where_one_stands(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(MARKED)
    project.pytester.makeini("[pytest]\nagentready_report = json:settings.json\n")
    below = project.pytester.mkdir("below")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(below)
        project.run("--agentready-report", "json:here.json", "..").assert_outcomes(passed=1)
    assert (project.pytester.path / "settings.json").is_file()
    assert (below / "here.json").is_file()


def test_a_report_is_written_and_not_ready_where_no_test_is_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest(*PLAIN, "--agentready-report", "json:report.json")
    result.assert_outcomes(passed=1)
    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    assert report["ready"] is False
    assert report["results"] == []


def test_collecting_only_writes_no_report(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(MARKED)
    project.run("--collect-only", "--agentready-report", "json:report.json")
    assert not (project.pytester.path / "report.json").exists()


def test_a_report_that_cannot_be_written_in_the_end_fails_the_run(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(MARKED + "\ndef test_gets_in_the_way():\n    import os\n    os.mkdir('report.json')\n")
    result = project.run("--agentready-report", "json:report.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: *report.json could not be written: *"])


def test_every_format_has_its_module_and_no_other_is_promised() -> None:
    modules = {info.name for info in pkgutil.iter_modules([str(Path(reports.__file__).parent)])}
    assert set(FORMATS) == modules - {"terminal", "explain", "failure", "alert_rules"}
