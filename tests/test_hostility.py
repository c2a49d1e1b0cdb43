"""Which requests are effects, and which only ask."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import Facts, HostileCall, Request, Run, harm_of


def posted(url: str) -> bool:
    """Is a POST with a wrong value to this address held to be an effect?"""
    sent = Request("POST", url, (), b"", is_write=True, committed=True, status=200, routed=True, at=0.0, where="shop.py:7")
    return (
        harm_of(HostileCall("text", None, Run({}, requests=(sent,))), frozenset(), Facts(reads=("POST https://api.example.com/mark-*",)))
        is not None
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com/v1/messages",
        "https://api.openai.com/v1/responses",
        "https://models.internal/v1/chat/completions",
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent",
        "https://api.openai.com/v1/embeddings",
        "https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.claude-v2/invoke-with-response-stream",
        "http://localhost:11434/api/chat",
        "https://api.deepl.com/v2/translate",
        "https://translation.googleapis.com/language/translate/v2",
        "https://chat.example.com/api/conversations.list",
        "https://api.example.com/listOrders",
        "https://api.example.com/orders/_search",
        "https://s.jina.ai/",
        "https://r.jina.ai",
        "https://api.exa.ai/contents",
        "https://api.exa.ai/findSimilar",
        "https://api.firecrawl.dev/v2/scrape",
        "https://google.serper.dev/news",
        "https://api.tavily.com/extract",
    ],
)
def test_a_model_a_translation_or_a_search_is_only_asked(url: str) -> None:
    assert not posted(url)


def test_what_the_mark_calls_a_read_is_only_asked() -> None:
    assert not posted("https://api.example.com/mark-as-read")
    assert posted("https://api.example.com/marks")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/mailing/list",
        "https://api.example.com/customers/find-or-create",
        "https://api.example.com/getOrCreate",
        "https://api.anthropic.com/v1/messages/batches",
        "https://shop.example.com/v1/messages",
        "https://forms.example.com/v1/responses",
        "https://api.example.com/reports/generate",
        "https://app.example.com/api/chat",
        "https://shop.example.com/",
        "https://shop.example.com/news",
        "https://data.example.com/v1/extract",
        "https://api.exa.ai/websets/v0/websets",
        "https://api.firecrawl.dev/v2/crawl",
    ],
)
def test_a_thing_of_such_a_name_is_made(url: str) -> None:
    assert posted(url)
