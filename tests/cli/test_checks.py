"""`list` and `explain`: the checks, as the README and `pytest --agentready-explain` show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_agentready.cli import main
from pytest_agentready.domain import PROFILES, Profile
from pytest_agentready.registry import Registry, Unloadable
from pytest_agentready.reports import explain
from tests.cli.command import run
from tests.project import PLAIN

README = Path(__file__).parents[2] / "README.md"


def test_list_shows_the_table_of_the_readme() -> None:
    finished = run("list")
    assert finished.returncode == 0
    rows = [line.strip("| ").split(" | ") for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| AR")]
    assert len(rows) == len(Registry().checks)
    lines = finished.stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [row[:3] for row in rows]
    assert [line.endswith(f"  {row[4]}") and row[3] in line for line, row in zip(lines, rows, strict=True)] == [True] * len(rows)
    titles = {line.index(row[4]) for line, row in zip(lines, rows, strict=True)}
    assert len(titles) == 1  # they stand in a column


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_listed_with_the_narrower_ones_in_it(profile: Profile) -> None:
    listed = [line.split()[0] for line in run("list", "--profile", profile).stdout.splitlines()]
    assert [id for id in listed if id != "AR209"] == [check.id for check in Registry().in_profile(profile) if check.id != "AR209"]
    assert ("AR209" in listed) == (profile != "checklist")  # a mark can bring it into standard


def test_an_unknown_profile_is_told_with_the_known_ones() -> None:
    finished = run("list", "--profile", "Strickt")
    assert finished.returncode == 2
    assert finished.stdout == ""
    expected = "There is no profile 'Strickt'. Did you mean 'strict'? Known: checklist, standard, strict."
    assert finished.stderr == f"pytest-agentready list: {expected}\n"


def test_explain_prints_what_pytest_prints(pytester: pytest.Pytester) -> None:
    finished = run("explain", "AR401")
    assert finished.returncode == 0
    assert finished.stdout.rstrip() == pytester.runpytest_subprocess(*PLAIN, "--agentready-explain", "AR401").stdout.str().rstrip()


def test_explain_takes_several_by_any_of_their_names_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "retry-storm", "ar401", "AR401-ungated-effect", "ungated-effect"]) == 0
    texts = [explain.render(Registry().check(name)) for name in ("AR205", "AR401")]
    assert capsys.readouterr().out == "\n\n\n".join(texts) + "\n"


def test_explain_tells_all_unknown_checks_and_explains_none() -> None:
    finished = run("explain", "AR4011", "AR401", "nonsense-of-mine")
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.splitlines() == [
        "pytest-agentready explain: There is no check 'AR4011'. Did you mean AR401-ungated-effect?",
        "pytest-agentready explain: There is no check 'nonsense-of-mine'.",
        "pytest-agentready explain: `pytest-agentready list` lists the checks.",
    ]


@pytest.mark.parametrize("words", [["list"], ["explain", "AR101"]])
def test_what_a_third_party_broke_is_said_to_be_its(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unloadable(self: Registry) -> None:
        raise Unloadable("the entry point 'odd' of agentready.checks cannot be loaded")

    monkeypatch.setattr(Registry, "checks", property(unloadable))
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"pytest-agentready {words[0]}: the entry point 'odd' of agentready.checks cannot be loaded\n")
