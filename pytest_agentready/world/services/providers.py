"""The providers of models: told by path and body on whatever host they are, and which address of theirs asks for what."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.services import (
    anthropic,
    anthropic_messages,
    openai,
    openai_chat,
    openai_embeddings,
    openai_responses,
)
from pytest_agentready.world.services.exchange import Exchange
from pytest_agentready.world.services.models import Desk, Refused

# What each says that it has.
GPTS = ("gpt-5.1", "gpt-5.1-mini", "text-embedding-3-small")
CLAUDES = ("claude-sonnet-5", "claude-haiku-5")
DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")  # of Azure: the model is a part of the path


def answer(exchange: Exchange, request: IncomingRequest) -> Response | None:
    """What the provider of a model answers; None for a request that is none of a model."""
    desk = Desk(exchange, urlsplit(request.url).hostname or "")
    body = _body(request.body)
    path = request.path.rstrip("/")
    for provider in (_openais, _anthropics):
        found = provider(desk, request, path, body)
        if found is not None:
            exchange.note(to_model=True)
            if desk.stranded:
                found.headers["x-should-retry"] = "false"  # as the providers themselves tell their clients
            return found
    return None


def _openais(desk: Desk, request: IncomingRequest, path: str, body: Mapping[str, Any]) -> Response | None:
    try:
        if request.method == "GET":
            return _models_of_openai(desk, request, path)
        if request.method != "POST":
            return None
        if path.endswith("/chat/completions") and isinstance(body.get("messages"), list):
            return openai_chat.complete(desk, _model(path, body), body)
        if path.endswith("/responses") and _model(path, body) and ("input" in body or "previous_response_id" in body):
            return openai_responses.create(desk, _model(path, body), body)
        if path.endswith("/responses/input_tokens") and ("input" in body or "previous_response_id" in body):
            return openai_responses.count(desk, _model(path, body), body)
        if path.endswith("/embeddings") and _model(path, body) and "input" in body:
            return openai_embeddings.embed(desk, _model(path, body), body)
    except Refused as refused:
        return refused.response
    return None


def _model(path: str, body: Mapping[str, Any]) -> str:
    named = DEPLOYMENT.search(path)
    return str(body.get("model") or (named.group(1) if named else ""))


def _models_of_openai(desk: Desk, request: IncomingRequest, path: str) -> Response | None:
    """The list of models, of a host of OpenAI's, or asked for by a client that is told by its headers."""
    if "/v1/models" not in path or "anthropic-version" in request.headers:
        return None
    if "api.openai.com" not in request.url and "x-stainless-lang" not in request.headers:
        return None
    name = path.partition("/v1/models")[2].lstrip("/")
    listed = [{"id": one, "object": "model", "created": 1_750_000_000, "owned_by": "openai"} for one in ([name] if name else GPTS)]
    return Response(json=listed[0] if name else {"object": "list", "data": listed}, headers=openai.headers(desk))


def _anthropics(desk: Desk, request: IncomingRequest, path: str, body: Mapping[str, Any]) -> Response | None:
    try:
        if request.method == "GET":
            return _models_of_anthropic(desk, request, path)
        if request.method != "POST" or not isinstance(body.get("messages"), list):
            return None
        if path.endswith("/messages") and ("max_tokens" in body or "anthropic-version" in request.headers):
            return anthropic_messages.create(desk, body)
        if path.endswith("/messages/count_tokens"):
            return anthropic_messages.count(desk, body)
    except Refused as refused:
        return refused.response
    return None


def _models_of_anthropic(desk: Desk, request: IncomingRequest, path: str) -> Response | None:
    if "/v1/models" not in path or "anthropic-version" not in request.headers:
        return None
    name = path.partition("/v1/models")[2].lstrip("/")
    listed = [
        {"type": "model", "id": one, "display_name": one, "created_at": "2026-01-01T00:00:00Z"} for one in ([name] if name else CLAUDES)
    ]
    body = listed[0] if name else {"data": listed, "has_more": False, "first_id": listed[0]["id"], "last_id": listed[-1]["id"]}
    return Response(json=body, headers=anthropic.headers(desk))


def _body(data: bytes) -> Mapping[str, Any]:
    """An empty one for what is no JSON object."""
    try:
        found = json.loads(data) if data[:1] == b"{" or data.lstrip()[:1] == b"{" else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
