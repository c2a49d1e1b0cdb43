"""What findings say where their first words would mislead: who did it, to what, and what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import smtplib
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_agentready.domain import Outcome, Verdict
from pytest_agentready.world.files import originals
from tests.checks.judging import findings
from tests.examining import as_tool, engine

SHIPPED = {"GET https://api.example.com/orders/{id}": {"state": "shipped"}}
LONG = "Dear Ada, thank you for your order of last week, which we have sent to you on Monday. "
approved: set[str] = set()


def verdict(call: Callable[..., Any], check: str, **facts: Any) -> Verdict:
    return engine().examine(as_tool(call, facts), engine().registry.check(check))


def send(to: str, body: str) -> None:
    message = EmailMessage()
    message["To"], message["From"], message["Subject"] = to, "shop@example.com", "Your order"
    message.set_content(body)
    with smtplib.SMTP("mail.example.com", 25, timeout=3) as server:
        server.send_message(message)


def ask_for(what: str) -> dict[str, Any]:
    return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": f"CONFIRMATION_REQUIRED: {what}"}


# --- the end of the process


def leave(reason: str) -> None:
    os._exit(3)


def kill_oneself(reason: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave_when_it_fails(order_id: str) -> dict[str, Any]:
    try:
        return {"status": "success", "data": requests.get(f"https://api.example.com/orders/{order_id}", timeout=2).json()["state"]}
    except (requests.RequestException, ValueError, KeyError, TypeError):
        os._exit(1)


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
@pytest.mark.parametrize(("tool", "how"), [(leave, "os._exit(3)"), (kill_oneself, "SIGKILL")])
def test_who_ends_the_process_is_told_so_and_asked_for_no_timeout_and_no_approval(tool: Callable[..., Any], how: str) -> None:
    assert findings(tool, "AR102", args={"reason": "no"}) == [
        f"a normal call ends the whole process, past every `except` and `finally` of the agent ({how})"
    ]
    (found,) = verdict(tool, "AR102", args={"reason": "no"}).findings
    assert "os._exit" in found.fix
    assert findings(tool, "AR201", args={"reason": "no"}) == []
    assert findings(tool, "AR401", args={"reason": "no"}) == []


def test_who_ends_it_only_when_the_peer_fails_is_told_under_which_faults() -> None:
    (found,) = findings(leave_when_it_fails, "AR102", args={"order_id": "7"}, backend=SHIPPED)
    assert "ends the whole process, past every `except` and `finally` of the agent (os._exit(1)) when its peer fails (" in found
    assert "the connection is refused" in found


# --- processes and their timeouts


def log(ref: str) -> dict[str, Any]:
    subprocess.run(["git", "log", ref], timeout=10, check=True)
    return {"status": "success"}


def output(ref: str) -> dict[str, Any]:
    return {"status": "success", "data": subprocess.check_output(["git", "log", ref], timeout=7.5)}


def unlimited(ref: str) -> dict[str, Any]:
    return {"status": "success", "data": subprocess.check_output(["git", "log", ref])}


def parsed(ref: str) -> dict[str, Any]:
    words = subprocess.check_output(["git", "log", "-1", "--format=%H %an", ref], timeout=7.5, text=True)
    return {"status": "success", "data": words.split()[1]}


@pytest.mark.parametrize("tool", [log, output])
def test_the_timeout_of_a_program_is_observed_and_needs_no_word(tool: Callable[..., Any]) -> None:
    assert verdict(tool, "AR201", args={"ref": "main"}).outcome is Outcome.NOT_APPLICABLE
    assert findings(tool, "AR202", args={"ref": "main"}) == findings(tool, "AR203", args={"ref": "main"}) == []


def test_a_program_without_one_is_told_by_its_name() -> None:
    assert findings(unlimited, "AR201", args={"ref": "main"}) == []
    (found,) = findings(unlimited, "AR202", args={"ref": "main"})
    assert found == "waits for git for ever, for no timeout is set (its program never ends)"


def first_of_two(ref: str) -> dict[str, Any]:
    history = subprocess.Popen(["git", "log", ref])
    archive = subprocess.Popen(["tar", "-c", ref])
    try:
        archive.wait(timeout=3)
    except subprocess.TimeoutExpired:
        archive.kill()
    history.wait()
    return {"status": "success"}


def line_for_the_shell(ref: str) -> dict[str, Any]:
    history = subprocess.Popen("git log -1", shell=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run("tar -c .", shell=True, timeout=3)
    history.communicate()
    return {"status": "success"}


async def first_of_two_tasks(ref: str) -> dict[str, Any]:
    history = await asyncio.create_subprocess_exec("git", "log", ref)
    archive = await asyncio.create_subprocess_exec("tar", "-c", ref)
    try:
        await asyncio.wait_for(archive.wait(), 3)
    except asyncio.TimeoutError:
        archive.kill()
    await history.wait()
    return {"status": "success"}


@pytest.mark.parametrize("tool", [first_of_two, line_for_the_shell, first_of_two_tasks])
def test_of_several_programs_the_one_that_is_waited_for_without_end_is_told(tool: Callable[..., Any]) -> None:
    (found,) = findings(tool, "AR202", args={"ref": "main"})
    assert found == "waits for git for ever, for no timeout is set (its program never ends)"


def test_a_process_with_a_timeout_of_its_own_is_not_said_to_have_none_where_its_words_are_needed() -> None:
    found = verdict(parsed, "AR201", args={"ref": "main"})
    assert found.outcome is Outcome.UNPROVEN
    assert "a timeout of its own (7.5 s)" in found.reason
    assert "agentready_allow_processes" in found.reason


# --- leaks, duplicates, shared files

kept: list[Any] = []


def test_what_each_call_leaves_open_is_named_each_of_it(tmp_path: Path) -> None:
    for name in ("prices.csv", "stock.csv"):
        (tmp_path / name).write_text("x")

    def compare(article: str) -> dict[str, Any]:
        kept.append([(tmp_path / name).open() for name in ("prices.csv", "stock.csv")])
        return {"status": "success"}

    (found,) = findings(compare, "AR207", args={"article": "mug"})
    assert "each call leaves 2 files (" in found
    assert "prices.csv" in found
    assert "stock.csv" in found
    for file in itertools.chain.from_iterable(kept):
        file.close()


def test_a_line_that_is_appended_twice_needs_no_key_of_an_api(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()

    def note(text: str) -> dict[str, Any]:
        with (tmp_path / "notes.txt").open("a") as file:
            file.write(f"{text}\n")
        return {"status": "success"}

    (found,) = verdict(note, "AR302", args={"text": "tea"}).findings
    assert found.message.endswith("notes.txt, whatever stands there already")
    assert "open(path, 'a')" in found.fix
    assert "PUT" not in found.fix


def test_a_mail_that_is_sent_twice_is_to_be_remembered() -> None:
    def remind(to: str) -> dict[str, Any]:
        send(to, "Your order is on its way.")
        return {"status": "success"}

    (found,) = verdict(remind, "AR302", args={"to": "ada@example.com"}, backend={}).findings
    assert found.fix.startswith("Remember what has been sent")


def test_two_calls_that_share_a_file_are_told_to_have_one_each(tmp_path: Path) -> None:
    path = tmp_path / "scratch.txt"

    def convert(text: str) -> dict[str, Any]:
        path.write_text(text)
        content = path.read_text()
        path.unlink()
        return {"status": "success", "data": len(content)}

    (found,) = verdict(convert, "AR305", args={"text": "some tea"}).findings
    assert "of two calls at the same time (with text='" in found.message
    assert "callertwo" in found.message
    assert ("FileNotFoundError" in found.message) == found.fix.startswith("Give each call files of its own")


# --- gates


def test_a_confirm_that_sends_a_mail_is_told_what_is_wrong_with_that() -> None:
    def approve(to: str, body: str) -> None:
        approved.add(f"{to}{body}")
        send("boss@example.com", "Approved.")

    def write(to: str, body: str) -> dict[str, Any]:
        if f"{to}{body}" not in approved:
            return ask_for("a mail")
        approved.discard(f"{to}{body}")
        send(to, body)
        return {"status": "success"}

    found = verdict(write, "AR402", args={"to": "ada@example.com", "body": "Hi"}, backend={}, confirm=approve)
    assert found.outcome is Outcome.ERROR
    assert "confirm=approve itself sends a mail to boss@example.com, so that the tool's mails cannot be told from its own" in found.reason


def test_a_confirm_that_does_the_deed_is_told_so() -> None:
    def approve(to: str, body: str) -> None:
        approved.add(f"{to}{body}")
        send(to, body)

    def write(to: str, body: str) -> dict[str, Any]:
        if f"{to}{body}" not in approved:
            return ask_for("a mail")
        approved.discard(f"{to}{body}")
        send(to, body)
        return {"status": "success"}

    found = verdict(write, "AR402", args={"to": "ada@example.com", "body": "Hi"}, backend={}, confirm=approve)
    assert "itself does what the tool does: MAIL smtp://mail.example.com:25" in found.reason


def test_two_long_values_are_shown_where_they_differ() -> None:
    def approve(body: str) -> None:
        approved.add(body[: len(LONG)])

    def write(body: str) -> dict[str, Any]:
        if body[: len(LONG)] not in approved:
            return ask_for("a mail")
        approved.discard(body[: len(LONG)])
        send("ada@example.com", body)
        return {"status": "success"}

    (found,) = findings(write, "AR403", args={"body": f"{LONG}It costs 90 euros."}, backend={}, confirm=approve)
    assert "body='Dear" not in found
    assert "euros" in found
    given, _, approved_value = found.partition(" in the place of ")
    assert approved_value.partition(" went through")[0] not in given


def test_a_file_that_was_open_before_is_said_to_be_written_for_real(tmp_path: Path) -> None:
    path = tmp_path / "audit.txt"
    with originals.open_file(path, "a") as audit:

        def record(text: str) -> dict[str, Any]:
            audit.write(text)
            audit.flush()
            return {"status": "success"}

        (found,) = findings(record, "AR401", args={"text": "tea"})
    assert found.endswith(f"{path} is written for real, in each run: it was open before the test began")
    assert path.read_text()


# --- paths


def test_one_path_without_a_guard_is_one_finding_whatever_is_done_with_it(tmp_path: Path) -> None:
    def save(name: str, text: str) -> dict[str, Any]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return {"status": "success"}

    assert len(findings(save, "AR905", args={"name": "tea.txt", "text": "green"})) == 1


@pytest.mark.parametrize(("deed", "told"), [("unlink", "removed"), ("read_text", "read"), ("touch", "changed")])
def test_what_a_hostile_path_would_have_met_is_told(tmp_path: Path, deed: str, told: str) -> None:
    (tmp_path / "tea.txt").write_text("green")

    def treat(name: str) -> dict[str, Any]:
        getattr(Path(f"{tmp_path}/{name}"), deed)()
        return {"status": "success"}

    (found,) = findings(treat, "AR905", args={"name": "tea.txt"})
    assert f"(each call was stopped before a file outside was {told})" in found
