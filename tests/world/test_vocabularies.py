"""Encodings of tiktoken in a run, on a machine that has no vocabulary, and on one that has."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from tiktoken.registry import ENCODINGS

from pytest_agentready.collect.imports import BrokenImport, module
from pytest_agentready.domain.tokens import tokens
from pytest_agentready.world import stay, vocabularies
from pytest_agentready.world.vocabularies import FILES, PUBLIC

TEXT = "The order 4711 was shipped on Monday, and will arrive in three days: über Nacht! 🎉\n" * 5


@pytest.fixture(autouse=True)
def no_vocabulary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither in the folder nor in the memory of this process."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    for name in FILES:
        monkeypatch.delitem(ENCODINGS, name, raising=False)
    return tmp_path


def within(function: Callable[[], Any]) -> Any:
    run = stay(lambda world: world.call(function, {}), respond=lambda request: pytest.fail("nobody asks a model"))
    assert run.raised is None
    return run.value


@pytest.mark.parametrize("model", ["gpt-4", "gpt-4o", "gpt-5", "text-davinci-003", "gpt2"])
def test_the_encoding_of_each_model_counts_as_the_world_does(model: str) -> None:
    assert within(lambda: len(tiktoken.encoding_for_model(model).encode(TEXT))) == pytest.approx(tokens(TEXT), rel=0.1)


def test_what_is_encoded_can_be_decoded() -> None:
    def there_and_back() -> tuple[str, str, list[list[int]]]:
        encoding = tiktoken.get_encoding("cl100k_base")
        cut = encoding.encode("one two three")[:2]
        return encoding.decode(encoding.encode(TEXT)), encoding.decode(cut), encoding.encode_batch(["a b", "a"])

    text, start, batch = within(there_and_back)
    assert (text, start) == (TEXT, "one two")
    assert batch[1] == batch[0][:1]


def test_a_special_token_is_one_where_it_is_allowed() -> None:
    text = "a<|endoftext|>b"
    assert within(lambda: len(tiktoken.get_encoding("cl100k_base").encode(text, allowed_special="all"))) == 3
    assert within(lambda: len(tiktoken.get_encoding("cl100k_base").encode(text, disallowed_special=()))) > 3


def test_the_same_text_has_the_same_tokens_in_each_run() -> None:
    def encoded() -> list[int]:
        return tiktoken.get_encoding("o200k_base").encode(TEXT)

    assert within(encoded) == within(encoded)


def test_nothing_of_it_is_left() -> None:
    within(lambda: tiktoken.get_encoding("o200k_base"))
    assert not ENCODINGS.keys() & FILES.keys()


def test_who_keeps_it_has_the_real_one_after_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = within(lambda: tiktoken.get_encoding("cl100k_base"))
    real = tiktoken.Encoding("cl100k_base", pat_str=".", mergeable_ranks={bytes([n]): n for n in range(256)}, special_tokens={})
    monkeypatch.setitem(ENCODINGS, "cl100k_base", real)
    assert kept.encode("abc") == real.encode("abc")
    assert kept.decode([97, 98]) == "ab"


@pytest.mark.parametrize("name", ["cl100k_base", "gpt2"])
def test_a_vocabulary_that_is_there_is_used(name: str, no_vocabulary: Path) -> None:
    (no_vocabulary / hashlib.sha1(f"{PUBLIC}/{FILES[name]}".encode()).hexdigest()).touch()
    with vocabularies.stood_in():
        assert name not in ENCODINGS
        assert "r50k_base" in ENCODINGS


def test_what_it_cannot_do_it_says() -> None:
    def unstable() -> str:
        with pytest.raises(AttributeError) as caught:
            tiktoken.get_encoding("cl100k_base").encode_with_unstable("hello")
        return str(caught.value)

    assert "set TIKTOKEN_CACHE_DIR" in within(unstable)


def imported(name: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("tiktoken.load.read_file", _no_network)
    return module(name, f"{name}:answer")


def _no_network(blobpath: str) -> bytes:
    raise ConnectionError(blobpath)


def test_a_module_that_asks_for_it_at_its_import_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = 'import tiktoken\n\nENCODING = tiktoken.get_encoding("cl100k_base")\n'
    found = imported("asks_at_its_import", source, tmp_path, monkeypatch)
    assert within(lambda: len(found.ENCODING.encode("one two three"))) == 3


def test_a_module_that_counts_at_its_import_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = 'import tiktoken\n\nLENGTH = len(tiktoken.get_encoding("cl100k_base").encode("hello"))\n'
    with pytest.raises(BrokenImport, match=r"ConnectionError.*TIKTOKEN_CACHE_DIR"):
        imported("counts_at_its_import", source, tmp_path, monkeypatch)
