"""The estimate of tokens, against a real vocabulary where this machine has one."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

from pytest_agentready.domain import tokens
from pytest_agentready.domain.tokens import MARGIN, SAMPLE, exceed, pieces

ROOT = Path(__file__).parent.parent
VOCABULARY = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"  # cl100k_base, as tiktoken names it in its cache
ORDERS = [{"id": number, "state": "shipped", "customer": f"ada{number}@example.com", "total": number / 7} for number in range(200)]
TEXTS = {
    "prose": "The order was shipped yesterday, and will arrive in three days unless the carrier is on strike again.\n" * 20,
    "German": "Die Lieferung kommt zwei Werktage später, weil der Spediteur die Sendung nicht finden kann. " * 20,
    "Russian": "Заказ был отправлен вчера и прибудет через три дня. " * 20,
    "Chinese": "订单已于昨天发货。预计三天后送达。请耐心等待。" * 20,
    "JSON": json.dumps(ORDERS),
    "indented JSON": json.dumps(ORDERS, indent=2),
    "repr": repr(ORDERS),
    "code": (ROOT / "pytest_agentready" / "domain" / "answer.py").read_text(),
    "markdown": (ROOT / "README.md").read_text(),
    "log": '2026-11-24 18:02:11,301 INFO uvicorn.access 10.0.0.7:50231 - "GET /orders/7 HTTP/1.1" 200\n' * 50,
    "HTML": '<div class="row"><a href="https://example.com/items/7">Item</a></div>\n' * 50,
}


def folders() -> list[Path]:
    """Where such a file may lie: nothing is ever downloaded."""
    named = [Path(os.environ[name]) for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR") if os.environ.get(name)]
    litellm = importlib.util.find_spec("litellm")
    within = [
        Path(folder) / "litellm_core_utils" / "tokenizers" for folder in (litellm.submodule_search_locations or [] if litellm else [])
    ]
    return [folder for folder in (*named, *within) if (folder / VOCABULARY).is_file()]


@pytest.mark.skipif(not folders(), reason="there is no vocabulary on this machine: set TIKTOKEN_CACHE_DIR to a folder that has one")
@pytest.mark.parametrize("kind", TEXTS)
def test_the_estimate_lies_within_its_stated_error(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import tiktoken

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folders()[0]))
    real = len(tiktoken.get_encoding("cl100k_base").encode(TEXTS[kind]))
    assert real / MARGIN <= tokens(TEXTS[kind]) <= real * MARGIN


# Counted once with cl100k_base, so that the estimate is held to it where there is no vocabulary, too.
COUNTED = {
    "prose": 400,
    "German": 461,
    "Russian": 441,
    "Chinese": 480,
    "JSON": 6705,
    "indented JSON": 8306,
    "repr": 6705,
    "log": 2250,
    "HTML": 1100,
}


@pytest.mark.parametrize("kind", sorted(TEXTS.keys() - {"code", "markdown"}))  # these change
def test_the_estimate_agrees_with_what_was_once_counted(kind: str) -> None:
    assert COUNTED[kind] / MARGIN <= tokens(TEXTS[kind]) <= COUNTED[kind] * MARGIN


@pytest.mark.parametrize("kind", TEXTS)
def test_the_pieces_of_a_text_are_about_as_many_as_its_tokens_and_make_it_up(kind: str) -> None:
    cut = list(pieces(TEXTS[kind]))
    assert "".join(cut) == TEXTS[kind]
    assert len(cut) == pytest.approx(tokens(TEXTS[kind]), rel=0.2)


@pytest.mark.parametrize(("text", "count"), [("", 0), ("word", 1), ("two words", 2), ("2026", 2), ("a\nb", 3), ("🎉", 2)])
def test_small_texts_are_counted_by_hand(text: str, count: int) -> None:
    assert tokens(text) == count


def test_a_long_text_is_taken_to_go_on_as_it_begins() -> None:
    assert tokens("word " * SAMPLE) == pytest.approx(SAMPLE, rel=0.01)


def test_a_borderline_count_exceeds_nothing() -> None:
    assert not exceed(4_100, 4_000)
    assert exceed(5_400, 4_000)
