"""promtool, as the tests of rules use it: it checks rules, and runs them over made-up series."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

PROMTOOL = shutil.which("promtool") or ""
needed = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed: `apt-get install prometheus` brings it")
Samples = Iterable[float | None]  # None: there is none at this moment
SILENT = re.compile(r"time: ([\dwdhms]+),\s+exp:[^\n]*\s+got: ?nil")  # an alert was expected there, and none fires
MINUTES = {"w": 10_080.0, "d": 1_440.0, "h": 60.0, "m": 1.0, "s": 1 / 60}


def checked(rules: str, folder: Path) -> str:
    """What `promtool check rules` says; raises AssertionError where it refuses them."""
    path = folder / "rules.yml"
    path.write_text(rules, encoding="utf-8")
    finished = _asked("check", path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def firing(rules: str, folder: Path, series: Mapping[str, Samples], minutes: int, at: Iterable[int], alert: str) -> list[int]:
    """At which of these steps the alert fires; a step takes so many minutes, and the first one is at midnight in UTC."""
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    steps = list(at)
    question = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > bool 0'
    asked = [{"expr": question, "eval_time": f"{step * minutes}m", "exp_samples": [{"labels": "{}", "value": 1}]} for step in steps]
    given = [{"series": name, "values": " ".join(map(_written, samples))} for name, samples in series.items()]
    tests = [{"interval": f"{minutes}m", "input_series": given, "promql_expr_test": asked}]
    path = folder / "test.yml"  # JSON is YAML, too
    path.write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": f"{minutes}m", "tests": tests}), encoding="utf-8")
    finished = _asked("test", path)
    if finished.returncode == 0:
        return steps
    said = finished.stderr + finished.stdout
    silent = {round(_minutes(moment) / minutes) for moment in SILENT.findall(said)}
    assert silent, said
    assert len(silent) == said.count("expr: "), said
    return [step for step in steps if step not in silent]


def _asked(what: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROMTOOL, what, "rules", path], capture_output=True, text=True, timeout=120, check=False)


def _minutes(moment: str) -> float:
    """`1d1h10m` are 1,510."""
    return sum(float(number) * MINUTES[unit] for number, unit in re.findall(r"(\d+)([wdhms])", moment))


def _written(sample: float | None) -> str:
    return "_" if sample is None else f"{sample:.4f}".rstrip("0").rstrip(".")
