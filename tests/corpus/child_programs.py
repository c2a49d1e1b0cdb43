"""Tools that start programs: those that wait for them without end, or take a failure for an answer, and their careful twins."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .confirming import GATED, key_of, refused

READS = {"reads": ["process:git ls-files", "process:git log", "process:uv run ruff check", "process:kubectl get"]}
RAISES = dict.fromkeys(("AR103", "AR104", "AR105"), "not_applicable")
UNTOLD = {"AR103": "failed", "AR104": "not_applicable", "AR105": "not_applicable"}
WORDLESS = dict.fromkeys(("AR101", "AR102", "AR103", "AR104", "AR202", "AR203"), "unproven")
ENDLESS = {"AR202": "failed", "AR203": "not_applicable", "AR201": "not_applicable"}


# --- the faults --------------------------------------------------------------------------------------------------------


@labelled(args={"folder": "src"}, backend={}, conduct=READS, AR101="failed", **UNTOLD, **ENDLESS, AR401="passed")
def tracked_files(folder: str) -> list[str]:
    """The files of a repository; what went wrong goes to the terminal, and "".split() is a list with one name in it."""
    try:
        found = subprocess.run(f"git ls-files {folder}", shell=True, text=True, capture_output=True)
        return found.stdout.strip().split("\n")
    except Exception as error:
        print(f"cannot list: {error}")
        return []


SHELL = {**ENDLESS, "AR101": "failed", "AR104": "failed", "AR401": "failed", "AR402": "unproven", "AR403": "unproven"}


@labelled(args={"words": ["ls", "-l"]}, backend={}, **SHELL, AR107="failed")  # a text in the place of the list is run as a program
def run_words(words: list[str]) -> str:
    """Run a command."""
    try:
        done = subprocess.run(words, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else f"Error: {done.stderr}"
    except Exception as error:
        return f"Error: {error}"


@labelled(args={"words": ["ls", "-l"]}, backend={}, **SHELL, AR107="unproven")  # what comes behind a program is not seen
def run_checked_words(words: list[str]) -> str:
    """Run a command."""
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.isprintable() for word in words):
        raise ValueError("words is a list of the program and its arguments")
    try:
        done = subprocess.run(words, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else f"Error: {done.stderr}"
    except Exception as error:
        return f"Error: {error}"


@labelled(
    args={"count": 5},
    backend={},
    conduct=READS,
    AR101="failed",
    AR102="failed",
    **RAISES,
    **ENDLESS,
    AR303="not_applicable",
    AR401="passed",
)
def latest_commits(count: int) -> str:
    """The last commits, as git prints them."""
    return subprocess.check_output(["git", "log", f"-{count}", "--oneline"], text=True)


@labelled(args={"paths": ["a.py"]}, backend={}, conduct=READS, AR101="failed", AR104="failed", AR105="passed", **ENDLESS, AR401="passed")
def lint(paths: list[str]) -> str:
    """What the linter says, well or not: a model can read it."""
    try:
        done = subprocess.run(["uv", "run", "ruff", "check", *paths], text=True, capture_output=True, check=False)
        return done.stdout + done.stderr
    except Exception as error:
        return f"Error running ruff: {error}"


@labelled(args={"command": "make test"}, backend={}, AR101="failed", AR104="failed", AR203="failed", AR206="failed", AR401="failed")
async def run_in_the_shell(command: str) -> dict[str, Any]:
    """A command, for which the whole agent stands still, for up to two minutes."""
    try:
        done = subprocess.run(command, shell=True, text=True, capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        return {"success": False, "output": "", "error": "Command timed out after 120 seconds"}
    return {"success": done.returncode == 0, "output": done.stdout, "error": done.stderr}


@labelled(
    args={"namespace": "shop"},
    backend={},
    conduct=READS,
    AR101="failed",
    AR102="failed",
    **RAISES,
    **ENDLESS,
    AR206="passed",
    AR401="passed",
)
async def pods_of(namespace: str) -> str:
    """The pods of a namespace: whoever started the program has to be there to be asked how it ended."""
    child = await asyncio.create_subprocess_exec("kubectl", "get", "pods", "-n", namespace, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await child.communicate()
    if child.returncode:
        raise RuntimeError(err.decode())
    return out.decode()


@labelled(args={"branch": "main"}, backend={}, **UNTOLD, AR401="failed")
def push(branch: str) -> ToolResult:
    """Push a branch; that the server has rejected it nobody asks."""
    try:
        subprocess.Popen(["git", "push", "origin", branch], stdout=subprocess.DEVNULL).wait(timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        pass
    return ToolResult.success(f"{branch} has been pushed")


@labelled(args={"since": "v1.2"}, backend={}, conduct=READS, AR401="failed", AR405="unproven", AR406="not_applicable")
def write_release_notes(since: str) -> ToolResult:
    """git only reads; what it says is then written over the notes of the last release, and nobody is asked."""
    try:
        found = subprocess.run(["git", "log", "--format=- %s", f"{since}.."], text=True, capture_output=True, timeout=10, check=True)
        Path("RELEASE_NOTES.md").write_text(f"# Since {since}\n\n{found.stdout}", encoding="utf-8")
    except subprocess.TimeoutExpired:
        return ToolResult.transient("git takes too long. Try again.")
    except (OSError, subprocess.CalledProcessError):
        return ToolResult.permanent("The release notes cannot be written.")
    return ToolResult.success("RELEASE_NOTES.md is up to date")


@labelled(args={"ref": "main"}, backend={}, conduct=READS, **{**WORDLESS, "AR102": "failed", **ENDLESS})
def author_of(ref: str) -> ToolResult:
    """Who made a commit; without what git says there is nothing to go on with."""
    words = subprocess.check_output(["git", "log", "-1", "--format=%H %an", ref], text=True)
    return ToolResult.success(words.split()[1])


# --- and what looks like them ------------------------------------------------------------------------------------------


@labelled(args={"folder": "src"}, backend={}, conduct=READS, AR105="passed", AR201="not_applicable", AR401="passed")
def files_in(folder: str) -> ToolResult:
    """The files of a repository."""
    try:
        found = subprocess.run(["git", "ls-files", "--", folder], text=True, capture_output=True, timeout=10, check=True)
    except subprocess.TimeoutExpired:
        return ToolResult.transient("git takes too long. Try again.")
    except (OSError, subprocess.CalledProcessError):
        return ToolResult.permanent("git cannot list the files of this folder.")
    return ToolResult.success(found.stdout.splitlines())


@labelled(
    args={"repository": "shop", "since": "v1.2"},
    backend={},
    conduct={"reads": ["process:git -C * log"]},
    AR401="passed",
    AR405="not_applicable",
    AR406="not_applicable",
)
def release_notes(repository: str, since: str) -> ToolResult:
    """What a release would say of itself, out of any repository."""
    command = ["git", "-C", repository, "log", "--format=- %s", f"{since}.."]
    try:
        found = subprocess.run(command, text=True, capture_output=True, timeout=10, check=True)
    except subprocess.TimeoutExpired:
        return ToolResult.transient("git takes too long. Try again.")
    except (OSError, subprocess.CalledProcessError):
        return ToolResult.permanent("git knows nothing of this repository since then.")
    return ToolResult.success(found.stdout)


@labelled(args={"namespace": "shop"}, backend={}, conduct=READS, AR206="passed", AR401="passed")
async def pods(namespace: str) -> ToolResult:
    """The pods of a namespace."""
    try:
        child = await asyncio.create_subprocess_exec(
            "kubectl", "get", "pods", "-n", namespace, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError:
        return ToolResult.permanent("kubectl is not installed here.")
    try:
        out, err = await asyncio.wait_for(child.communicate(), 15)
    except asyncio.TimeoutError:
        child.kill()
        await child.wait()
        return ToolResult.transient("The cluster does not answer. Try again in a minute.")
    return ToolResult.permanent(f"kubectl refuses: {err.decode().strip()}") if child.returncode else ToolResult.success(out.decode())


@labelled(args={"command": "ls"}, backend={}, AR101="failed", AR104="failed", AR206="passed", AR401="failed")
async def shell(command: str) -> str:
    """A command with its exit code, in JSON, beside the loop."""

    def go() -> dict[str, Any]:
        done = subprocess.run(["bash", "-c", command], text=True, capture_output=True, timeout=25)
        return {"exit_code": done.returncode, "stdout": done.stdout, "stderr": done.stderr[:0]}

    try:
        return json.dumps(await asyncio.to_thread(go))
    except subprocess.TimeoutExpired:
        return json.dumps({"exit_code": -1, "stdout": "", "stderr": "the command timed out"})


@labelled(args={"ref": "main"}, backend={}, conduct=READS, **WORDLESS)
def committer_of(ref: str) -> ToolResult:
    """Who brought a commit in."""
    try:
        words = subprocess.check_output(["git", "log", "-1", "--format=%H %cn", ref], text=True, timeout=5)
        return ToolResult.success(words.split()[1])
    except subprocess.TimeoutExpired:
        return ToolResult.transient("git takes too long. Try again.")
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ToolResult.permanent("There is no such commit.")


@labelled(args={"message": "Fix the date"}, backend={}, timeout=60, AR401="failed", AR302="unproven", AR303="unproven")
def commit(message: str) -> ToolResult:
    """Commit what is staged. What a second one does depends on the repository."""
    try:
        done = subprocess.run(["git", "commit", "-m", message], text=True, capture_output=True, timeout=45)
    except subprocess.TimeoutExpired:
        return ToolResult(status="error", error_type="transient", retry_safe=False, message="git hangs; the commit may have been made.")
    except OSError:
        return ToolResult.permanent("git is not installed here.")
    return ToolResult.permanent(done.stderr.strip()) if done.returncode else ToolResult.success(done.stdout)


# --- a gate before a program ----------------------------------------------------------------------------------------------

APPROVED: set[str] = set()
LIVED = {**GATED, "AR405": "failed"}  # an approval in memory never expires


def approve_rollout(service: str, version: str) -> None:
    APPROVED.add(key_of("rollout", service=service, version=version))


def approve_scaling(service: str, replicas: int) -> None:
    APPROVED.add(key_of("scale", service=service))


def _kubectl(*words: str) -> ToolResult:
    try:
        done = subprocess.run(["kubectl", *words], text=True, capture_output=True, timeout=25)
    except subprocess.TimeoutExpired:
        return ToolResult(status="error", error_type="transient", retry_safe=False, message="kubectl hangs; it may have been done.")
    except OSError:
        return ToolResult.permanent("kubectl is not installed here.")
    return ToolResult.permanent(done.stderr.strip()) if done.returncode else ToolResult.success(done.stdout)


@labelled(args={"service": "shop", "version": "1.4.2"}, backend={}, confirm=approve_rollout, **LIVED)
def rollout(service: str, version: str) -> ToolResult:
    """Bring a version of a service into production."""
    try:
        APPROVED.remove(key_of("rollout", service=service, version=version))
    except KeyError:
        return refused(f"version {version} of {service}")
    return _kubectl("set", "image", f"deployment/{service}", f"{service}={service}:{version}")


@labelled(args={"service": "shop", "replicas": 3}, backend={}, confirm=approve_scaling, **{**LIVED, "AR403": "failed"})
def scale(service: str, replicas: int) -> ToolResult:
    """Run a service so many times; how many nobody has agreed to."""
    try:
        APPROVED.remove(key_of("scale", service=service))
    except KeyError:
        return refused(f"{replicas} times {service}")
    return _kubectl("scale", f"deployment/{service}", f"--replicas={replicas}")
