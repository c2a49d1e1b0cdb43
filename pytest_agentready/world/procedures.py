"""Remote procedures of a backend: `{"grpc://pricing.internal:50051/shop.Pricing/GetPrice": answer}`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

SCHEME = "grpc://"


def procedure(url: str) -> str:
    """The procedure that a key of the backend names, as a call is recorded. Raises ValueError."""
    parts = urlsplit(url.strip())
    if not parts.netloc or not re.fullmatch(r"/[\w.]+/\w+", parts.path):
        raise ValueError(f"backend key {url!r} names no procedure: write '{SCHEME}pricing.internal:50051/shop.Pricing/GetPrice'")
    return f"{SCHEME}{parts.netloc if parts.port else f'{parts.netloc}:443'}{parts.path}"
