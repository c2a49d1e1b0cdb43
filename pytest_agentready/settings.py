"""What the user configured, validated: everything that is wrong is said at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

import pytest

from pytest_agentready.domain import PROFILES, Profile, Severity

KEYS = ("agentready_profile", "agentready_fail_on", "agentready_unproven", "agentready_allow_hosts", "agentready_report")
FORMATS = ("json",)  # each is a module of reports/ with a render function
Unproven = Literal["skip", "fail"]


@dataclass(frozen=True, slots=True)
class Report:
    """A report to be written, as `--agentready-report FORMAT:PATH` asks for it."""

    format: str
    path: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration in force."""

    profile: Profile = "standard"
    fail_on: Severity = Severity.MEDIUM
    unproven: Unproven = "skip"
    reports: tuple[Report, ...] = ()
    allow_hosts: tuple[tuple[str, int | None], ...] = ()  # services that the worlds let out to; None: any port

    @classmethod
    def read(cls, config: pytest.Config, keys: Iterable[str]) -> Settings:
        """Of a configuration that gives these keys of ours. Raises pytest.UsageError with every problem."""
        problems = [*_unknown(keys)]
        profile = _choice(config, "agentready_profile", PROFILES, cls().profile, problems)
        fail_on = _choice(config, "agentready_fail_on", [severity.value for severity in Severity], cls().fail_on.value, problems)
        unproven = _choice(config, "agentready_unproven", get_args(Unproven), cls().unproven, problems)
        reports = tuple(_reports(config, problems))
        hosts = tuple(_hosts(config, problems))
        if problems:
            raise pytest.UsageError("\n".join(problems))
        return cls(cast("Profile", profile), Severity(fail_on), cast("Unproven", unproven), reports, hosts)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'standard'?`, or nothing where nothing comes near."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def _unknown(keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        if key not in KEYS:
            yield f"{key}: there is no such setting.{did_you_mean(key, KEYS)} Known: {', '.join(KEYS)}."


def _choice(config: pytest.Config, key: str, known: Iterable[str], default: str, problems: list[str]) -> str:
    value = _ini(config, key, problems)
    if value is None:
        return default
    if not isinstance(value, str) or value not in known:
        problems.append(f"{key} = {value!r}: expected {_either(known)}.{did_you_mean(str(value), known)}")
        return default
    return value


def _ini(config: pytest.Config, key: str, problems: list[str]) -> object:
    try:
        return cast("object", config.getini(key))
    except (TypeError, ValueError, pytest.UsageError) as wrong:  # TOML has types of its own; which error it is depends on pytest
        problems.append(str(wrong))
        return None


def _hosts(config: pytest.Config, problems: list[str]) -> Iterator[tuple[str, int | None]]:
    for text in cast("list[str]", _ini(config, "agentready_allow_hosts", problems) or []):
        host, colon, port = text.rpartition(":") if text.count(":") == 1 else (text.strip("[]"), "", "")
        if "://" in text or (colon and not (host and port.isdigit())):
            problems.append(
                f"agentready_allow_hosts {text!r}: expected a host, a host and port, or a socket's path, such as 'localhost:5432'."
            )
        else:
            yield host, int(port) if colon else None


def _reports(config: pytest.Config, problems: list[str]) -> Iterator[Report]:
    base = config.inipath.parent if config.inipath else config.rootpath
    given = [("agentready_report", text, base) for text in cast("list[str]", _ini(config, "agentready_report", problems) or [])]
    given += [("--agentready-report", text, config.invocation_params.dir) for text in config.getoption("agentready_report")]
    seen: set[Path] = set()
    for origin, text, directory in given:
        format, colon, name = text.partition(":")
        path = (directory / Path(name).expanduser()).resolve()
        if not colon or not name.strip():
            problem = f"expected FORMAT:PATH, such as 'json:agentready.json'.{did_you_mean(format, FORMATS)}"
        elif format not in FORMATS:
            problem = f"there is no format {format!r}.{did_you_mean(format, FORMATS)} Known: {', '.join(FORMATS)}."
        elif path in seen:
            problem = "another report goes to the same file. Give each its own."
        else:
            # Only the process that reports will write; a worker of xdist shares its command line.
            problem = "" if hasattr(config, "workerinput") else _unwritable(path)
        seen.add(path)
        if problem:
            problems.append(f"{origin} {text!r}: {problem}")
        else:
            yield Report(format, path)


def _unwritable(path: Path) -> str:
    """Why no report can be written there; "" where one can. Found out by trying: permissions alone do not tell."""
    if path.is_dir():
        return f"{path} is a directory. Name a file in it."
    if not path.parent.is_dir():
        return f"there is no directory {path.parent}. Create it, or write elsewhere."
    existed = path.exists()
    try:
        path.open("a").close()
        if not existed:
            path.unlink()
    except OSError as failure:
        return f"{path} cannot be written ({failure.strerror or failure}). Write elsewhere, or change its permissions."
    return ""


def _either(known: Iterable[str]) -> str:
    *first, last = known
    return f"{', '.join(first)} or {last}"
