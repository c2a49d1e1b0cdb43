"""A credential, how it looks in a text, and masked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 8  # characters: what is shorter stands in a text by chance
PASSWORD_IN_URL = re.compile(r"\b[a-zA-Z][\w+.-]*://[^\s/:@?#'\"]*:([^\s/@'\"]+)@(?=[\w\[*{%<])")
MASKS = re.compile(r"[*•.xX#]+|<.*>|\{.*\}|\[.*\]|%\w*|\$.*|redacted|hidden|masked|pass(?:word|wd)?|none|null|\.\.\..*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Secret:
    value: str
    origin: str  # "the query parameter api_key", "the environment variable SHOP_TOKEN"

    @property
    def masked(self) -> str:
        return f"{self.value[:4]}...{self.value[-2:]}" if len(self.value) >= 12 else f"{self.value[:2]}..."

    @property
    def forms(self) -> tuple[str, ...]:
        """As it may stand in a text: bare, or escaped for a URL."""
        return tuple(dict.fromkeys((self.value, quote(self.value, safe=""), quote(self.value), quote_plus(self.value))))

    def is_in(self, text: str) -> bool:
        return any(form in text for form in self.forms)


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """The text, with every secret in it made unusable; so is the beginning of one that was cut off, and any password in a URL."""
    for secret in sorted(secrets, key=lambda each: -len(each.value)):
        for form in secret.forms:
            text = text.replace(form, secret.masked)
            text = re.sub(rf"{re.escape(form[:SHORTEST])}\S*?(?=\.\.\.|$)", partial(_begun, form, secret.masked), text)
    return PASSWORD_IN_URL.sub(_without_its_password, text)


def _without_its_password(url: re.Match[str]) -> str:
    return url[0] if MASKS.fullmatch(url[1]) else url[0].replace(f":{url[1]}@", f":{url[1][:2]}...@")


def _begun(form: str, masked: str, found: re.Match[str]) -> str:
    return masked if form.startswith(found[0]) else found[0]


def mask_all(value: Any, secrets: Collection[Secret]) -> Any:
    """The value of a finding's evidence, with every text in it masked."""
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, Mapping):
        return {mask_all(key, secrets): mask_all(item, secrets) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(mask_all(item, secrets) for item in value)
    return value
