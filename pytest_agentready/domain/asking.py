"""Which writes by their verb only ask: a search, a token, an answer of a model are asked for by POST, too."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pytest_agentready.domain.observation import Request

# Last parts of an address to which a POST only asks. `list` is a verb before its object or behind it (`users.list`), and else a thing.
ASKING = re.compile(
    r"\b(?:authorize|completions|count|embeddings|filter|login|lookup|oauth|query|search|token)\b"
    r"|^(?:batch |stream |raw )?(?:classify|detect|embed|find|generate (?:answer|content|text)|get|list (?=\w)|predict|rerank)\b"
    r"|^(?:tokenize|translate)\b"
    r"|\. list$"
)
# What makes something on the way is an effect, whatever else it asks for.
MAKING = re.compile(r"(?:^|\bor |\band )(?:add|create|delete|insert|remove|send|set|update|upsert)\b")
OPERATIONS = re.compile(r"(?:BatchGet|TransactGet|Get|List|Describe|Query|Scan|Search|Select|Lookup|Receive)")  # of Amazon's services
# Where models are asked, or the web, by words that are a thing's elsewhere: the hosts of the providers, and the paths there.
PROVIDERS = tuple(
    (re.compile(rf"(?:^|\.)(?:{hosts})(?::\d+)?$"), re.compile(rf"{path}$"))
    for hosts, path in (
        (r"anthropic\.com", r"/v1/(?:complete|messages)"),
        (r"openai\.com|openai\.azure\.com|groq\.com|openrouter\.ai|x\.ai", r"/(?:responses|moderations|images/generations|audio/\w+)"),
        (r"amazonaws\.com", r"^/model/[^/]+/(?:converse|invoke)(?:-\w+)*"),
        (r"cohere\.com|cohere\.ai", r"/v\d/(?:chat|generate|summarize)"),
        (r".*:11434", r"/api/(?:chat|generate)"),  # Ollama, by its port
        (r"[rs]\.jina\.ai", r"^"),  # the address has no path
        (r"exa\.ai", r"/(?:answer|contents|findSimilar)"),
        (r"firecrawl\.dev", r"/(?:extract|map|scrape)"),
        (r"google\.serper\.dev", r"^/\w+"),
        (r"tavily\.com", r"/(?:extract|map)"),
    )
)


def _operation(request: Request) -> str | None:
    """What is asked of Amazon's services, which all have one address: in a header, or first in the form."""
    for name, value in request.headers:
        if name == "x-amz-target":
            return value.rpartition(".")[2]
    if request.host.endswith("amazonaws.com") and (found := re.match(rb"Action=(\w+)&", request.body)):
        return found[1].decode()
    return None


def only_asks(request: Request) -> bool:
    """A request that changes nothing at its peer, although its verb is that of a write."""
    if request.method != "POST":
        return False
    if (operation := _operation(request)) is not None:
        return OPERATIONS.match(operation) is not None
    address = urlsplit(request.url)
    path = re.sub(r"/v\d+$", "", address.path.rstrip("/"))
    if any(host.search(address.netloc.lower()) and asked.search(path) for host, asked in PROVIDERS):
        return True
    last = path.rpartition("/")[2].rpartition(":")[2]  # a custom method follows a colon: `models/gemini:generateContent`
    words = " ".join(re.sub(r"[^a-z.]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=\.)", " ", last).lower()).split())
    if MAKING.search(words):
        return False
    return bool(ASKING.search(words)) or ("graphql" in words and b"mutation" not in request.body)
