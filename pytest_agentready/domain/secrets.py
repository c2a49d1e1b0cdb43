"""Credentials: what a tool sends to its peers as such, and what its environment holds; how they look in a text, and masked."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from pytest_agentready.domain.observation import Request

SHORTEST = 8  # characters: what is shorter stands in a text by chance
# A name without its dashes, underscores and case: of a header, a query parameter, a field of a body.
NAMES = re.compile(
    r"(?:(?:api|access|secret|subscription|private|auth|signing|account|functions)key|(?:api|access|auth|refresh|id|private|security|session|bearer)token"
    r"|secret|password|passwd|passphrase|signature|credentials?)$|^(?:token|sig|pwd|auth|authorization|proxyauthorization)$"
)
VARIABLES = re.compile(r"(?:^|_)(?:API)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:$|_)")
# What such a variable says about a credential, and is none: SSL_KEY_FILE, TOKEN_URL, AWS_ACCESS_KEY_ID.
ABOUT = re.compile(
    r"_(?:FILE|PATH|DIR|NAME|ID|URL|URI|ENDPOINT|HOST|TYPE|TTL|LIMIT|SIZE|LENGTH|COUNT|HEADER|PREFIX|ALGORITHM|EXPIRY|EXPIRES|REGION|VERSION)$"
)
URL_WITH_USER = re.compile(r"^[\w+.-]+://[^/?#\s]+@")


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
    """The text, with every secret in it made unusable."""
    for secret in sorted(secrets, key=lambda each: -len(each.value)):
        for form in secret.forms:
            text = text.replace(form, secret.masked)
    return text


def sent(requests: Iterable[Request]) -> tuple[Secret, ...]:
    """What the peers saw as credentials."""
    return _distinct(secret for request in requests for secret in _of_request(request))


def held(environment: Mapping[str, str]) -> tuple[Secret, ...]:
    """The values of variables whose names speak of a secret, and the passwords in URLs (a database's, a proxy's)."""
    found: list[Secret] = []
    for name, value in environment.items():
        if URL_WITH_USER.match(value):
            found.append(Secret(_password(value), f"the password in the environment variable {name}"))
        elif VARIABLES.search(name.upper()) and not ABOUT.search(name.upper()) and not value.startswith(("/", "http://", "https://")):
            found.append(Secret(value.strip(), f"the environment variable {name}"))
    return _distinct(found)


def _password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # it looks like a URL, and is none
        return ""
    return unquote(parts.password or parts.username or "")


def unknown_to_the_caller(found: Iterable[Secret], arguments: Iterable[Mapping[str, Any]]) -> tuple[Secret, ...]:
    """What the caller gives as an argument is no secret to it: the key of something to look up, say."""
    given = [str(value) for each in arguments for value in each.values()]
    return _distinct(secret for secret in found if not any(secret.value in value for value in given))


def _of_request(request: Request) -> Iterator[Secret]:
    for name, value in request.headers:
        if name in ("authorization", "proxy-authorization"):
            yield from _of_authorization(name, value)
        elif _is_telling(name):
            yield Secret(value, f"the header {name}")
    for name, value in parse_qsl(urlsplit(request.url).query):
        if _is_telling(name) or name.lower() == "key":
            yield Secret(value, f"the query parameter {name}")
    for name, value in _fields(request.body):
        if _is_telling(name):
            yield Secret(value, f"the field {name} of the request")


def _of_authorization(name: str, value: str) -> Iterator[Secret]:
    scheme, _, credentials = value.strip().rpartition(" ")
    yield Secret(credentials, f"the header {name}")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return
        yield Secret(password or user, f"the password in the header {name}")


def _fields(body: bytes) -> Iterator[tuple[str, str]]:
    """The names and texts of a JSON or form body."""
    text = body.decode(errors="replace")
    try:
        yield from _walk(json.loads(text))
    except ValueError:
        if re.match(r"[\w.\[\]-]+=", text):
            yield from parse_qsl(text)


def _walk(value: Any) -> Iterator[tuple[str, str]]:
    for item in value if isinstance(value, list) else ():
        yield from _walk(item)
    for name, item in value.items() if isinstance(value, dict) else ():
        if isinstance(item, str):
            yield name, item
        else:
            yield from _walk(item)


def _is_telling(name: str) -> bool:
    return NAMES.search(re.sub(r"[-_.]", "", name.lower())) is not None


def _is_a_word(value: str) -> bool:
    """`changeme`, `production`, a number: whatever it is called, it stands in texts by chance."""
    return value.isdecimal() or (value.isalpha() and len(value) < 16 and value[1:].islower())


def _distinct(found: Iterable[Secret]) -> tuple[Secret, ...]:
    """One of each value; the first origin counts."""
    secrets: dict[str, Secret] = {}
    for secret in found:
        if len(secret.value) >= SHORTEST and not _is_a_word(secret.value):
            secrets.setdefault(secret.value, secret)
    return tuple(secrets.values())
