"""OpenAI's embeddings: a vector for each text, the same for the same text, and with no meaning."""

from __future__ import annotations

import base64
import hashlib
import math
import random
import struct
from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import tokens
from pytest_agentready.world.messages import Response
from pytest_agentready.world.services import openai
from pytest_agentready.world.services.models import Desk

LENGTHS = {"text-embedding-3-large": 3072}
LENGTH = 1536


def embed(desk: Desk, model: str, body: Mapping[str, Any]) -> Response:
    given = body["input"]
    texts = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    length = body.get("dimensions") or LENGTHS.get(model, LENGTH)
    vectors = [_vector(f"{model}\n{text}", length) for text in texts]
    packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector} for index, vector in enumerate(vectors)
    ]
    used = sum(tokens(text) if isinstance(text, str) else len(text) for text in texts)
    return Response(
        json={"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": used, "total_tokens": used}},
        headers=openai.headers(desk),
    )


def _vector(text: str, length: int) -> list[float]:
    """Of length 1."""
    chance = random.Random(hashlib.sha256(text.encode()).digest())
    raw = [chance.uniform(-1, 1) for _ in range(length)]
    norm = math.sqrt(sum(part * part for part in raw))
    return [part / norm for part in raw]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
