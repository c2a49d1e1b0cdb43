"""The call in processes with other hashes: only where they may matter, and what differs by itself is left out."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests

from pytest_agentready.domain import OtherSeeds
from pytest_agentready.experiments.other_seeds import hashes
from tests.checks.judging import findings
from tests.examining import as_tool, engine

URL = "https://api.example.com/jobs"
BACKEND = {f"POST {URL}": {"id": 1}, f"PUT {URL}/{{id}}": {"id": 1}}


def by_hash(word: str) -> int:
    return hash(word)


def by_its_own_hash(word: str) -> int:
    return word.__hash__()


def by_length(word: str) -> int:
    return len(word)


def seeds(call: Any, **facts: Any) -> OtherSeeds:
    found: OtherSeeds = engine()._observe(as_tool(call, {"args": {"word": "tea"}, **facts}), "other_seeds")
    return found


@pytest.mark.parametrize(("call", "calls_it"), [(by_hash, True), (by_length, False), (by_its_own_hash, False)])
def test_it_is_seen_in_the_code_whether_hash_is_called(call: Any, calls_it: bool) -> None:
    assert hashes(as_tool(call, {})) is calls_it
    assert bool(seeds(call).runs) is calls_it


def test_two_seeds_and_a_twin_of_the_first() -> None:
    found = seeds(by_hash)
    assert found.twin is not None
    one, other = (run.value for run in found.runs.values())
    assert one == found.twin.value != other


def test_a_result_that_is_made_of_a_hash_is_found() -> None:
    (finding,) = findings(by_hash, "AR301", args={"word": "tea"})
    assert finding.startswith("it is made by `hash()`, which is another in each process: the result is ")
    assert "where PYTHONHASHSEED is 1, and" in finding


def first_of_a_set(words: list[str]) -> str:
    return next(iter(set(words)))


def test_what_is_taken_out_of_a_set_is_found_once() -> None:
    facts: dict[str, Any] = {"args": {"words": ["tea", "cup", "pot", "kettle", "spoon", "sugar"]}}
    (finding,) = findings(first_of_a_set, "AR304", **facts)
    assert finding.startswith("the result is made by the order of a set, which is another in each process: ")
    assert findings(first_of_a_set, "AR301", **facts) == []


def put_under_a_hash(word: str) -> str:
    requests.put(f"{URL}/{abs(hash(word))}", json={"word": word}, timeout=2).raise_for_status()
    return "put"


def post_with_a_key_of_a_set(words: list[str]) -> str:
    key = "-".join(set(words))
    requests.post(URL, json={"words": words}, headers={"Idempotency-Key": key}, timeout=2).raise_for_status()
    return "posted"


def put_once_under_a_new_name(word: str) -> str:
    known.setdefault(hash(word), uuid.uuid4().hex)
    requests.put(f"{URL}/{word}", json={"run": known.pop(hash(word))}, headers={"X-Request-Id": word}, timeout=2).raise_for_status()
    return "put"


known: dict[int, str] = {}


@pytest.mark.parametrize(
    ("call", "args"),
    [(put_under_a_hash, {"word": "tea"}), (post_with_a_key_of_a_set, {"words": ["tea", "cup", "pot", "kettle", "spoon", "sugar"]})],
)
def test_a_write_that_the_next_process_makes_anew_is_found(call: Any, args: dict[str, Any]) -> None:
    (finding,) = findings(call, "AR302", args=args, backend=BACKEND)
    assert finding.startswith("the same call, made by another process, writes a second time: ")
    assert "where PYTHONHASHSEED is 1, and by " in finding


def test_what_differs_by_itself_or_stays_in_the_process_is_none() -> None:
    assert findings(put_once_under_a_new_name, "AR302", args={"word": "tea"}, backend=BACKEND) == []
