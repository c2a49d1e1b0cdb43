"""What is written about the project agrees with it."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import pytest_agentready
from pytest_agentready.collect.loop_marker import FACTS as LOOP_FACTS
from pytest_agentready.collect.marker import FACTS
from pytest_agentready.domain.effect import Effect, EffectKind
from pytest_agentready.domain.model import Failure
from pytest_agentready.plugin import LOOP_MARKER, MARKER
from pytest_agentready.registry import Registry
from pytest_agentready.script.malformation import Malformation
from pytest_agentready.settings import KEYS
from tests.project import PLAIN

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_generated_pages_are_up_to_date() -> None:
    finished = subprocess.run([sys.executable, ROOT / "docs" / "build.py", "--check"], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout


def test_the_changelog_names_every_check() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert [check.label for check in Registry().checks if check.label not in changelog] == []


def test_the_readme_names_every_setting_and_every_argument_of_the_marker() -> None:
    arguments = re.findall(r"(\w+)=\.\.\.", MARKER)
    assert set(arguments) == set(FACTS)
    assert [name for name in arguments if f"`{name}`" not in MARKER.replace("`, `", "` `")] == []
    assert [name for name in (*KEYS, *(f"`{name}`" for name in arguments)) if name not in README] == []


def test_the_readmes_two_commands_are_in_the_makefile() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {"demo", "test"} <= set(targets)
    assert re.findall(r"^make (\w+)", README, flags=re.MULTILINE) == ["demo", "test"]


def test_the_demo_ends_with_what_to_do_next() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ndemo:")[2].partition("\ntest:")[0]
    options = re.findall(r"--agentready-\w+", recipe)
    assert options == ["--agentready-tools", "--agentready-explain"]
    assert [option for option in options if option not in README] == []
    assert '"Use it\\"' in recipe
    assert "\n## Use it\n" in README


@pytest.mark.parametrize("snippet", re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
def test_a_snippet_of_the_readme_is_python(snippet: str) -> None:
    assert ast.parse(snippet).body


def test_the_page_of_the_patterns_names_each_of_them_and_its_snippets_are_python() -> None:
    page = (ROOT / "docs" / "patterns.md").read_text()
    modules = {path.stem for path in (ROOT / "pytest_agentready" / "patterns").glob("[!_]*.py")}
    assert {name for name in modules if f"../pytest_agentready/patterns/{name}.py" not in page} == set()
    for snippet in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        for node in ast.walk(ast.parse(snippet)):
            if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("shop.patterns."):
                pattern = importlib.import_module(node.module.replace("shop.", "pytest_agentready."))
                assert [alias.name for alias in node.names if not hasattr(pattern, alias.name)] == []


def test_the_examples_of_hand_written_tests_pass(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", (ROOT / "docs" / "fixtures.md").read_text(), flags=re.DOTALL)
    assert [name for name, _ in blocks] == ["shop", "test_world", "test_effects", "test_tool"]
    pytester.makepyfile(**dict(blocks))
    pytester.runpytest_subprocess(*PLAIN, "-W", "error").assert_outcomes(passed=5)


def test_the_examples_of_a_scripted_model_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    blocks = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), flags=re.DOTALL)
    assert [name for name, _ in blocks] == ["agent", "test_agent"]
    pytester.makepyfile(**dict(blocks))
    pytester.runpytest_subprocess(*PLAIN, "-W", "error").assert_outcomes(passed=4)


def test_the_examples_of_loops_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    blocks = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", (ROOT / "docs" / "loops.md").read_text(), flags=re.DOTALL)
    assert [name for name, _ in blocks] == ["agent", "test_agent"]
    pytester.makepyfile(**dict(blocks))
    result = pytester.runpytest_subprocess(*PLAIN, "-W", "error", "-k", "gets_the_answer or AR701")
    result.assert_outcomes(passed=1, skipped=1)  # it offers no tools


def test_the_page_of_loops_names_every_argument_of_the_mark() -> None:
    arguments = re.findall(r"(\w+)=\.\.\.", LOOP_MARKER)
    assert set(arguments) == set(LOOP_FACTS)
    page = (ROOT / "docs" / "loops.md").read_text()
    assert [name for name in arguments if f"`{name}`" not in page] == []


def test_the_page_of_a_scripted_model_names_its_whole_language() -> None:
    page = (ROOT / "docs" / "models.md").read_text()
    words = [name for name in pytest_agentready.__all__ if name.islower()]
    assert "cut_stream" in words
    assert [word for word in words if f"{word}(" not in page] == []
    assert [kind for kind in (*get_args(Failure), *get_args(Malformation)) if f'"{kind}"' not in page and kind != "refused"] == []


def test_the_page_of_hand_written_tests_names_what_an_effect_tells() -> None:
    page = (ROOT / "docs" / "fixtures.md").read_text().partition("### Effects")[2].partition("\n## ")[0]
    told = [*(field.name for field in fields(Effect)), "story"]
    assert [name for name in told if f"`{name}`" not in page] == []
    assert [kind for kind in get_args(EffectKind) if f'"{kind}"' not in page] == ["memory"]  # which no test gets to see


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_names_for_users_can_be_imported_and_do_not_load_pytest() -> None:
    names = ", ".join(pytest_agentready.__all__)
    code = f"import sys; from pytest_agentready import {names}; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
