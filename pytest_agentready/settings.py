"""What the user configured, validated: everything that is wrong is said at once."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal, cast, get_args

import pytest

from pytest_agentready.domain import PROFILES, Profile, Severity, Waiver, did_you_mean, either, nearest, read_waiver, waiver_of

KEYS = (
    "agentready_tools",
    "agentready_loops",
    "agentready_profile",
    "agentready_fail_on",
    "agentready_unproven",
    "agentready_waive",
    "agentready_allow_hosts",
    "agentready_allow_processes",
    "agentready_report",
)
EXPECTED_REPORT = "expected FORMAT:PATH, such as 'json:agentready.json'."
EXPECTED_TARGETS = {
    "tools": "one module, or module:name, such as 'shop.tools' or 'shop.registry:TOOLS'.",
    "loops": "module:name, such as 'shop.agent:run_agent'.",
}
FORMATS = ("json",)  # each is a module of reports/ with a render function
TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")
HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:(?P<port>\d{1,5}))?")
PROGRAM = re.compile(r"[^\s;&|<>`$()]+")
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
    tools: tuple[str, ...] = ()  # targets: "shop.tools", "shop.registry:TOOLS"
    loops: tuple[str, ...] = ()  # "shop.agent:run_agent"
    waivers: tuple[Waiver, ...] = ()
    allow_hosts: tuple[tuple[str, int | None], ...] = ()  # services that the worlds let out to, and paths of sockets; None: any port
    allow_processes: tuple[str, ...] = ()  # programs that the worlds let a tool start, by name or path
    today: date = field(default_factory=date.today)  # decided once: which waivers have expired

    @classmethod
    def read(cls, config: pytest.Config, keys: Iterable[str], check_id: Callable[[str], str]) -> Settings:
        """Of a configuration that gives these keys of ours. Raises pytest.UsageError with every problem.

        `check_id` gives the id of a check by any of its spellings; it raises LookupError, and is asked only for waivers.
        """
        default = cls()
        problems = [*_unknown(keys)]
        tools = tuple(_targets(config, "tools", problems))
        loops = tuple(_targets(config, "loops", problems))
        profile = _choice(config, "agentready_profile", PROFILES, default.profile, problems)
        fail_on = _choice(config, "agentready_fail_on", [severity.value for severity in Severity], default.fail_on.value, problems)
        unproven = _choice(config, "agentready_unproven", get_args(Unproven), default.unproven, problems)
        waivers = tuple(_waivers(_lines(config, "agentready_waive", problems), check_id, problems))
        hosts = tuple(_hosts(_lines(config, "agentready_allow_hosts", problems), problems))
        programs = tuple(_programs(_lines(config, "agentready_allow_processes", problems), problems))
        reports = tuple(_reports(config, problems))
        if problems:
            raise pytest.UsageError("\n".join(problems))
        return cls(
            profile=cast("Profile", profile),
            fail_on=Severity(fail_on),
            unproven=cast("Unproven", unproven),
            reports=reports,
            tools=tools,
            loops=loops,
            waivers=waivers,
            allow_hosts=hosts,
            allow_processes=programs,
        )

    def without_waivers(self) -> Settings:
        return replace(self, waivers=())

    def waiver_of(self, check: str, subject: str) -> Waiver | None:
        return waiver_of(self.waivers, check, subject)


def _unknown(keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        if key not in KEYS:
            yield f"{key}: there is no such setting.{did_you_mean(key, KEYS)} Known: {', '.join(KEYS)}."


def _choice(config: pytest.Config, key: str, known: Iterable[str], default: str, problems: list[str]) -> str:
    value = _ini(config, key, problems)
    if value is None:
        return default
    if not isinstance(value, str) or value not in known:
        problems.append(f"{key} = {value!r}: expected {either(known)}.{did_you_mean(str(value), known)}")
        return default
    return value


def _lines(config: pytest.Config, key: str, problems: list[str]) -> list[str]:
    """The value of a key that takes a list of texts."""
    value = _ini(config, key, problems)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        items = value if isinstance(value, list) else [value]
        listed = ", ".join(json.dumps(str(item)) for item in items)
        problems.append(f"{key} = {value!r}: expected a list of texts. Write {key} = [{listed}].")
        return []
    return value


def _ini(config: pytest.Config, key: str, problems: list[str]) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pytest warns of what we refuse
            return cast("object", config.getini(key))
    except (TypeError, ValueError, pytest.UsageError) as wrong:  # TOML has types of its own; which error it is depends on pytest
        given = _as_written(config, key)
        if given is None:
            problems.append(str(wrong))
        return given


def _as_written(config: pytest.Config, key: str) -> object:
    """What stands in the configuration, of whatever type; None where that cannot be known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pytest 9 calls `inicfg` deprecated, and has nothing else
        found = getattr(config, "inicfg", {}).get(key)
    return getattr(found, "value", found)


def _targets(config: pytest.Config, kind: Literal["tools", "loops"], problems: list[str]) -> Iterator[str]:
    """What the command line names goes in the place of what is configured, as with pytest's own arguments and testpaths."""
    configured = [(f"agentready_{kind}", text) for text in _lines(config, f"agentready_{kind}", problems)]
    named = [(f"--agentready-{kind}", text) for text in config.getoption(f"agentready_{kind}")]
    for origin, text in (*configured, *named):
        if not TARGET.fullmatch(text):
            problems.append(f"{origin} {text!r}: expected {EXPECTED_TARGETS[kind]}")
    any_named = config.getoption("agentready_tools") or config.getoption("agentready_loops")
    yield from dict.fromkeys(text for _, text in (named if any_named else configured))


def _waivers(lines: Iterable[str], check_id: Callable[[str], str], problems: list[str]) -> Iterator[Waiver]:
    seen: set[tuple[str, str]] = set()
    for text in lines:
        waiver, wrong = read_waiver(text)
        check = next(iter(text.split()), "")
        try:
            check = check_id(check) if check else ""
        except (LookupError, ImportError) as unknown:  # a check that is not there, or a third party's that cannot be loaded
            wrong = [str(unknown), *wrong]
        if waiver is not None and not wrong:
            waiver = replace(waiver, check=check)
            if (waiver.check, waiver.subject) in seen:
                wrong = ["another waiver is for the same check and subject. Keep one of them."]
            else:
                seen.add((waiver.check, waiver.subject))
                yield waiver
        problems += [f"agentready_waive {text!r}: {problem}" for problem in wrong]


def _hosts(lines: Iterable[str], problems: list[str]) -> Iterator[tuple[str, int | None]]:
    for text in dict.fromkeys(lines):
        if text.startswith("/"):  # a socket's path
            yield text, None
            continue
        found = HOST.fullmatch(text)
        port = int(found["port"]) if found and found["port"] else None
        if found is None or (port is not None and not 0 < port < 65536):
            problem = "expected a host, host:port or a socket's path, such as 'localhost:5432'; no scheme or pattern."
            problems.append(f"agentready_allow_hosts {text!r}: {problem}")
        else:
            yield found["host"].strip("[]").lower(), port


def _programs(lines: Iterable[str], problems: list[str]) -> Iterator[str]:
    for text in dict.fromkeys(lines):
        if not PROGRAM.fullmatch(text):
            problem = "expected one program by its name or path, such as 'git'; no arguments or pattern."
        elif "*" in text or "?" in text:
            problem = "there are no patterns. Name each program, such as 'git'."
        elif missing := _missing(text):
            problem = missing
        else:
            yield text
            continue
        problems.append(f"agentready_allow_processes {text!r}: {problem}")


def _missing(program: str) -> str:
    """Why nothing could be started by this name; "" where something can. A path from a folder is left to whoever starts it."""
    folder = os.path.dirname(program)
    if (folder and not os.path.isabs(program)) or shutil.which(program) is not None:
        return ""
    known: list[str] = []
    for place in [folder] if folder else os.get_exec_path():
        with contextlib.suppress(OSError):
            known += [os.path.join(folder, name) for name in os.listdir(place)]
    where = "there is no such program" if folder else "there is no such program on the PATH"
    return f"{where}.{did_you_mean(program, known)}"


def _reports(config: pytest.Config, problems: list[str]) -> Iterator[Report]:
    base = config.inipath.parent if config.inipath else config.rootpath
    given = [("agentready_report", text, base) for text in _lines(config, "agentready_report", problems)]
    given += [("--agentready-report", text, config.invocation_params.dir) for text in config.getoption("agentready_report")]
    seen: set[Path] = set()
    for origin, text, directory in given:
        format, colon, name = text.partition(":")
        path = (directory / Path(name).expanduser()).resolve()
        if not colon or not name.strip():
            meant = nearest(format.lower(), FORMATS)
            problem = f"it names no file: did you mean '{meant}:agentready.{meant}'?" if meant else EXPECTED_REPORT
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
