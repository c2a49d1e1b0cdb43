"""What the mark takes out of the effects, and what is told of an entry that names nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import requests

from pytest_agentready.domain import Effect, Facts, Verdict, likely_slips
from pytest_agentready.domain.exempted import is_bookkeeping, is_read, programs_read
from tests.examining import as_tool, engine

RPC = "https://rpc.example.com/"


def request(url: str, body: object = None, query: str = "") -> Effect:
    content = b"" if body is None else json.dumps(body).encode()
    return Effect("request", "POST", url, (f"?{query}\n".encode() if query else b"") + content)


def process(line: str) -> Effect:
    return Effect("process", "start", "/usr/bin/git", line.encode())


@pytest.mark.parametrize(
    ("entry", "effect", "is_one"),
    [
        ("POST https://api.example.com/search", request("https://api.example.com/search"), True),
        ("post https://api.example.com/{kind}/find", request("https://api.example.com/orders/find"), True),
        ("POST https://api.example.com/{kind}/find", request("https://api.example.com/find"), False),
        ("POST https://api.example.com/users.*", request("https://api.example.com/users.info"), True),
        ("POST https://api.example.com/users.*", request("https://api.example.com/chat.postMessage"), False),
        (f"POST {RPC} search", request(RPC, {"jsonrpc": "2.0", "method": "search", "id": 1}), True),
        (f"POST {RPC} search", request(RPC, {"method": "search"}, query="key=1"), True),
        (f"POST {RPC} search", request(RPC, {"method": "transfer"}), False),
        (f"POST {RPC} eth_get*", request(RPC, [{"method": "eth_getBalance"}, {"method": "eth_getCode"}]), True),
        (f"POST {RPC} eth_get*", request(RPC, [{"method": "eth_getBalance"}, {"method": "eth_send"}]), False),
        (f"POST {RPC} search", request(RPC, {"query": "search"}), False),
        (f"POST {RPC} search", request(RPC), False),
        ("process:git log", process("git log -5 '--format=%h | %s'"), True),
        ("process:git log", process("/usr/bin/git log"), True),
        ("process:git *", process("git status"), True),
        ("process:git log", process("git push"), False),
        ("process:git log", process("git"), False),
        ("process:git log", process("git log; rm -rf /"), False),
        ("process:git log", process('git log "$(rm -rf /)"'), False),
        ("process:git log", process("git log > /etc/passwd"), False),
        ("process:git log", process("git -C shop log"), False),
        ("process:git -C * log", process("git -C shop log -5"), True),
        ("process:git -C * log", process("git -C shop push"), False),
        ("process:git log", request("https://api.example.com/git"), False),
        ("POST https://api.example.com/search", process("git log"), False),
    ],
)
def test_what_is_named_as_a_read(entry: str, effect: Effect, is_one: bool) -> None:
    assert is_read(effect, Facts(reads=(entry,))) is is_one


@pytest.mark.parametrize(
    ("entry", "effect", "is_one"),
    [
        ("redis:cache:*", Effect("command", "SET", "redis://cache", places=("cache:7",)), True),
        ("redis:cache:*", Effect("command", "SET", "redis://cache", places=("cache:7", "orders:7")), False),
        ("table:outbox", Effect("statement", "INSERT", "sqlite:///shop.db", places=("outbox",)), True),
        ("file:*.lock", Effect("file", "create", "/srv/notes/a.lock"), True),
        ("file:/srv/notes/*", Effect("file", "create", "/srv/notes/2030/a.txt"), True),
        ("file:logs/*", Effect("file", "append", os.path.join(os.getcwd(), "logs", "today.txt")), True),
        ("file:logs/*", Effect("file", "append", "/srv/logs/today.txt"), False),
        ("file:*.tmp", Effect("file", "rename", "/srv/a.tmp", places=("/srv/a.txt",)), False),
    ],
)
def test_what_is_named_as_bookkeeping(entry: str, effect: Effect, is_one: bool) -> None:
    assert is_bookkeeping(effect, Facts(bookkeeping=(entry,))) is is_one


@pytest.mark.parametrize(
    ("facts", "effect", "meant"),
    [
        (Facts(reads=("POST https://api.example.com/serach",)), request("https://api.example.com/search"), "search'?"),
        (Facts(reads=(f"POST {RPC} serach",)), request(RPC, {"method": "search"}), "POST https://rpc.example.com/ search'?"),
        (Facts(reads=("process:gti log",)), process("git log -5"), "'process:git log'?"),
        (Facts(reads=("process:git log",)), process("git -C /srv/shop log -5"), "'process:git -C * log'?"),
        (Facts(reads=("process:git log",), args=({"repository": "shop"},)), process("git -C shop log -5"), "'process:git -C * log'?"),
        (Facts(reads=("process:git log",)), process("git -c core.pager=/tmp/x log"), "'process:git -c core.pager=/tmp/x log'?"),
        (Facts(reads=("process:git log",)), process("git push origin log"), ""),
        (Facts(reads=("process:git log",)), process("git -C /srv/shop push origin log"), ""),
        (Facts(bookkeeping=("redis:aproval:*",)), Effect("command", "SET", "redis://r", places=("approval:7f3a",)), "'redis:approval:*'?"),
        (Facts(bookkeeping=("table:outbx",)), Effect("statement", "INSERT", "sqlite:///a", places=("outbox",)), "'table:outbox'?"),
        (Facts(reads=("POST https://api.example.com/search",)), request("https://api.example.com/send"), ""),
        (Facts(bookkeeping=("table:outbox",)), Effect("statement", "INSERT", "sqlite:///a", places=("orders",)), ""),
        (Facts(bookkeeping=("redis:outbox",)), Effect("statement", "INSERT", "sqlite:///a", places=("outbox",)), ""),
    ],
)
def test_an_entry_that_is_nearly_the_name_of_something(facts: Facts, effect: Effect, meant: str) -> None:
    slips = likely_slips(facts, [effect])
    assert [slip.partition("did you mean ")[2].endswith(meant) for slip in slips] == ([True] if meant else [])


def test_an_entry_that_is_met_is_none() -> None:
    facts = Facts(reads=("POST https://api.example.com/search",))
    assert likely_slips(facts, [request("https://api.example.com/search"), request("https://api.example.com/serach")]) == []


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("git log -5 --oneline", ["process:git log"]),
        ("/usr/bin/git -C /srv/shop log -5", ["process:git -C * log"]),
        ("aws s3 ls s3://bucket", ["process:aws s3 ls"]),  # `aws s3` may remove as well
        ("kubectl get tea", ["process:kubectl get"]),
        ("awk '{ print $1 }' names", ["process:awk * names"]),
        ("ls -la /srv", ["process:ls -la *"]),
        ("git log | head", []),
    ],
)
def test_a_program_is_named_as_a_read_no_wider_than_it_was_called(line: str, named: list[str]) -> None:
    assert programs_read([process(line)], ["tea"]) == named
    assert programs_read([process(line), request("https://api.example.com/search")], []) == []


def judged(call: Callable[..., Any], check: str = "AR401", **facts: Any) -> Verdict:
    return engine().examine(as_tool(call, {"args": {"query": "tea"}, **facts}), engine().registry.check(check))


BACKEND = {"POST https://api.example.com/inquire": {"found": 7}}


def inquire(query: str) -> dict[str, object]:
    return {"status": "success", "data": requests.post("https://api.example.com/inquire", json={"q": query}, timeout=5).json()}


def test_the_finding_says_which_entry_was_meant() -> None:
    (finding,) = judged(inquire, backend=BACKEND, reads=("POST https://api.example.com/enquire",)).findings
    told = "reads has the entry 'POST https://api.example.com/enquire', which nothing matches: did you mean 'POST https://api.example.com/inquire'?"
    assert finding.message.endswith(f". {told}")
    assert judged(inquire, backend=BACKEND, reads=("POST https://api.example.com/inquire",)).outcome.value == "passed"


def history(query: str) -> dict[str, object]:
    found = subprocess.run(["git", "-C", "/srv/shop", "log", f"--grep={query}"], capture_output=True, timeout=4, check=True)
    return {"status": "success", "data": found.stdout.decode()}


def test_a_command_is_told_in_its_words_with_what_lets_it_through() -> None:
    (finding,) = judged(history).findings
    assert "nobody was asked: start `git -C /srv/shop log --grep=tea` (the world held it back)" in finding.message
    assert finding.message.endswith("If that only reads, say so in the mark: reads=['process:git -C * log']")
    (finding,) = judged(history, reads=("process:git log",)).findings
    assert finding.message.endswith(
        "reads has the entry 'process:git log', and the command does not begin with these words: did you mean 'process:git -C * log'?"
    )
    assert judged(history, reads=("process:git -C * log",)).outcome.value == "passed"


def test_who_starts_what_may_only_read_is_asked_for_that_word_as_well() -> None:
    assert judged(history, check="AR405").reason.endswith("or, where what it starts only reads, reads=['process:git -C * log']")
    for check in ("AR405", "AR406"):
        verdict = judged(history, check=check, reads=("process:git -C * log",))
        assert (verdict.outcome.value, verdict.reason) == ("not_applicable", "it has no effects")


def test_what_is_done_behind_a_program_that_only_reads_is_an_effect_all_the_same() -> None:
    def keep(query: str) -> dict[str, object]:
        subprocess.run(["git", "log", f"--grep={query}"], capture_output=True, timeout=4, check=True)
        Path("found.txt").write_text(query, encoding="utf-8")
        return {"status": "success"}

    (finding,) = judged(keep, reads=("process:git log",)).findings
    assert finding.message.endswith(f"nobody was asked: create {Path('found.txt').absolute()}")


def test_no_effects_are_claimed_of_who_needs_the_words_of_a_program() -> None:
    def newest(query: str) -> dict[str, object]:
        found = subprocess.run(["git", "log", f"--grep={query}"], capture_output=True, timeout=4, check=True)
        return {"status": "success", "data": found.stdout.splitlines()[0]}

    assert judged(newest, reads=("process:git log",)).reason.endswith(
        'by agentready_allow_processes = ["git"] it runs for real, which is for programs that only read; else ask from Python itself'
    )
    assert judged(newest, check="AR405", reads=("process:git log",)).reason == "no effect of it was seen, see AR401"


def test_a_method_of_json_rpc_may_be_a_read_and_another_an_effect() -> None:
    def ask(query: str) -> dict[str, object]:
        requests.post(RPC, json={"jsonrpc": "2.0", "method": "index_find", "params": [query], "id": 1}, timeout=5)
        answer = requests.post(RPC, json={"jsonrpc": "2.0", "method": "index_add", "params": [query], "id": 2}, timeout=5)
        return {"status": "success", "data": answer.json()["result"]}

    (finding,) = judged(ask, backend={f"POST {RPC}": {"result": 1}}, reads=(f"POST {RPC} index_find",)).findings
    assert finding.message.endswith(f"nobody was asked: POST {RPC}")
    assert judged(ask, backend={f"POST {RPC}": {"result": 1}}, reads=(f"POST {RPC} index_*",)).outcome.value == "passed"


def test_a_host_that_is_misspelt_in_the_backend_is_told() -> None:
    verdict = judged(
        inquire, backend={"POST https://api.exmaple.com/inquire": {"found": 7}}, reads=("POST https://api.example.com/inquire",)
    )
    assert verdict.reason.endswith("The backend names 'api.exmaple.com', which nobody asks: did you mean 'api.example.com'?")


def test_a_store_that_is_misspelt_in_the_backend_is_told() -> None:
    def look_up(query: str) -> dict[str, object]:
        found = redis.Redis(host="cache.internal", socket_timeout=1).get(query)
        if found is None:
            return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "It is not there."}
        return {"status": "success", "data": found.decode()}

    verdict = judged(look_up, backend={"redis://cahce.internal": {"tea": "green"}})
    assert verdict.reason.endswith("The backend names 'cahce.internal', which nobody asks: did you mean 'cache.internal'?")
