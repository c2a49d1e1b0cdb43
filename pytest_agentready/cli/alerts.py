"""`pytest-agentready alerts`: rules for Prometheus over the metrics that the last run of pytest has seen emitted."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_agentready.cli.refusal import Refusal

if TYPE_CHECKING:
    from pytest_agentready.domain import Emitted
    from pytest_agentready.reports.alert_rules import Wishes

CACHE = ".pytest_cache"  # where pytest keeps it, unless `cache_dir` says otherwise
VALUES = "v"  # the folder in it that holds what plugins have put there
OURS = "# Written by pytest-agentready"  # how a file begins that may be written anew
RUN_FIRST = (
    "Nothing is known of what your project emits. Run pytest first, with the marks of your loops and tools or with --agentready, and "
    "without `-p no:cacheprovider`: a run leaves what it has seen emitted in pytest's cache. No cache with that was found in {folder} or "
    "above it; where `cache_dir` is configured, name it by --cache-dir."
)
EPILOG = """\
The five alerts: tool error rate, token burn rate, session duration tail, injection detections, cost per session tail.
An alert whose metric is not emitted would never fire: it is named as DEAD, in the rules and on standard error.

examples:
  pytest-agentready alerts --budget-tokens-per-day 2000000 --out alerts.yml
  promtool check rules alerts.yml
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "alerts",
        help="rules for Prometheus over the metrics that your agent really emits",
        description="Write rules for Prometheus over the metrics that the last run of pytest has seen emitted.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--budget-tokens-per-day", required=True, metavar="N", help="the tokens that may be used in one day, by each job of Prometheus"
    )
    parser.add_argument(
        "--noon-utc", default="12", metavar="HOUR", help="the hour in UTC at which it is noon where the budget's day is (12)"
    )
    parser.add_argument("--window", default="6h", help="over which sessions are compared; there should be a hundred of them in it (6h)")
    parser.add_argument("--out", metavar="FILE", help="write the rules to this file, and not to the standard output")
    parser.add_argument(
        "--cache-dir", metavar="FOLDER", help="pytest's cache, where `cache_dir` is configured (.pytest_cache here or above)"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> None:
    from pytest_agentready import __version__
    from pytest_agentready.reports import alert_rules
    from pytest_agentready.telemetry.sources import TITLES

    wishes = _wishes(given)
    emitted = _emitted(given.cache_dir)
    rules = alert_rules.render(emitted, wishes, __version__)
    if given.out is None:
        print(rules, end="")
    else:
        _write(Path(given.out).expanduser(), rules)
    for slug, reason in alert_rules.dead(emitted).items():
        print(f"DEAD, and without a rule: {TITLES[slug]}: {reason}", file=sys.stderr)
    for metric, label in alert_rules.unbounded(emitted).items():
        print(
            f"`{metric}` has the label `{label}`: each of its values becomes a series of its own, for ever. Take it off.", file=sys.stderr
        )


def _wishes(given: argparse.Namespace) -> Wishes:
    """Raises Refusal with all that is wrong."""
    from pytest_agentready.reports.alert_rules import Wishes

    problems = []
    budget, noon = _whole(given.budget_tokens_per_day), _whole(given.noon_utc)
    if not budget:
        problems.append(f"--budget-tokens-per-day {given.budget_tokens_per_day}: expected a number of tokens above 0, such as 2000000.")
    if noon is None or noon > 23:
        problems.append(f"--noon-utc {given.noon_utc}: expected an hour from 0 to 23, such as 17 for noon in New York in winter.")
    if re.fullmatch(r"[1-9]\d*[mhd]", given.window) is None:
        problems.append(f"--window {given.window}: expected a duration as Prometheus has it, such as 1h, 6h or 1d.")
    if problems or budget is None or noon is None:
        raise Refusal(*problems)
    return Wishes(budget, noon, given.window)


def _whole(text: str) -> int | None:
    """`2000000`, `2_000_000` and `2,000,000` are the same; None for what is no whole number."""
    plain = text.replace(",", "").replace("_", "")
    return int(plain) if plain.isascii() and plain.isdigit() else None


def _emitted(cache: str | None) -> Emitted:
    """What the last run has left. Raises Refusal."""
    from pytest_agentready.domain import RECORD, Emitted

    path = next((path for path in _places(cache) if path.is_file()), None)
    if path is None:
        raise Refusal(
            RUN_FIRST.format(folder=Path.cwd())
            if cache is None
            else f"--cache-dir {cache}: there is no {VALUES}/{RECORD} in it. Run pytest first."
        )
    try:
        return Emitted.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as failure:
        raise Refusal(f"{path}: {failure.strerror or failure}.") from failure
    except (KeyError, TypeError, ValueError, AttributeError) as broken:
        problem = f"{path} cannot be read, or was left by another version of pytest-agentready ({broken!r})"
        raise Refusal(f"{problem}. Run pytest again: it is written anew.") from broken


def _places(cache: str | None) -> Iterator[Path]:
    from pytest_agentready.domain import RECORD

    if cache is not None:
        yield Path(cache).expanduser() / VALUES / RECORD
        return
    here = Path.cwd()
    yield from (folder / CACHE / VALUES / RECORD for folder in (here, *here.parents))


def _write(path: Path, rules: str) -> None:
    """Raises Refusal where another file is in the way."""
    try:
        if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(OURS):
            raise Refusal(f"--out {path}: the file is there already, and was not written by this command. Name another one.")
        path.write_text(rules, encoding="utf-8", newline="\n")
    except OSError as failure:
        raise Refusal(f"--out {path}: {failure.strerror or failure}.") from failure
