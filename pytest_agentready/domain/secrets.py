"""Credentials: what a tool sends to its peers as such, what it logs in with, what its environment holds, and what a text shows as one.

Some addresses are credentials themselves: whoever knows that of a webhook can use it.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_agentready.domain.masking import MASKS, PASSWORD_IN_URL, SHORTEST, Secret
from pytest_agentready.domain.matrix import FaultMatrix, NormalCall
from pytest_agentready.domain.observation import Request, Run

# A name without its dashes, underscores and case: of a header, a query parameter, a field of a body.
NAMES = re.compile(
    r"(?:(?:api|app|access|secret|subscription|private|auth|signing|account|functions)key|(?:api|access|auth|refresh|id|private|security|session|bearer)token"
    r"|secret|password|passwd|passphrase|signature|credentials?)$|^(?:token|sig|pwd|auth|authorization|proxyauthorization)$"
)
APPS = frozenset({"appid", "app_id"})  # query parameters: the number of an app, or, where it is random, its key (openweathermap.org's)
VARIABLES = re.compile(r"(?:^|_)(?:API)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:$|_)")
# What such a variable says about a credential, and is none: SSL_KEY_FILE, TOKEN_URL, AWS_ACCESS_KEY_ID.
ABOUT = re.compile(
    r"_(?:FILE|PATH|DIR|NAME|ID|URL|URI|ENDPOINT|HOST|TYPE|TTL|LIMIT|SIZE|LENGTH|COUNT|HEADER|PREFIX|ALGORITHM|EXPIRY|EXPIRES|REGION|VERSION)$"
)
# Within a path: what says that a credential follows, at once or (a hook's address) somewhere behind it.
INTRODUCING = re.compile(r"(?:(?:api|app|access|secret|auth)?[-_]?(?:key|token)|secret|api|v\d+)", re.IGNORECASE)
HOOK = re.compile(r"(?:web)?hooks?(?:b2)?", re.IGNORECASE)
BOT = re.compile(r"(?:[a-z]*\d{5,}):([\w-]+)", re.IGNORECASE)  # an account's number, and its token
RANDOM = 20  # characters of a random text that nobody guesses
UUID = re.compile(r"[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}", re.IGNORECASE)
PART_OF_SLUG = re.compile(r"[a-z]+|[A-Z][a-z]+|[A-Z]+|v?\d+")
# A cookie by which a server knows somebody again, and none that says how a page is to look.
COOKIES = re.compile(r"sess|sid$|sid[._-]|token|auth|jwt|ticket|remember|login", re.IGNORECASE)
# `password=s3cret` among the words of a connection (libpq's, ODBC's).
PASSWORD_NAMED = re.compile(r"\b(?:password|passwd|pwd)=(?:'([^']+)'|\"([^\"]+)\"|([^\s'\";,&)]+))", re.IGNORECASE)
URL_WITH_USER = re.compile(r"^[\w+.-]+://[^/?#\s]+@")


def seen(
    observations: Iterable[object], environment: Mapping[str, str], known_by: Callable[[object], Iterable[Secret]] | None = None
) -> tuple[Secret, ...]:
    """All that these observations show to be credentials, whatever runs they are made of, and that the environment holds.

    `known_by` says what one of them shows, for who remembers it; else `shown_by` is asked.
    """
    held_by = [environment]
    found: list[Secret] = []
    arguments: list[Mapping[str, Any]] = []
    for observed in observations:
        found += (known_by or shown_by)(observed)
        if isinstance(observed, NormalCall):
            arguments += [run.arguments for run in observed.runs]
        elif isinstance(observed, FaultMatrix):
            held_by.append(observed.environment)
    return unknown_to_the_caller((*found, *(secret for each in held_by for secret in held(each))), arguments)


def shown_by(observed: object) -> tuple[Secret, ...]:
    """What the requests and log-ins of one observation show."""
    requests: dict[Request, None] = {}
    logged_in: dict[Secret, None] = {}
    for run in _runs(observed):
        requests.update(dict.fromkeys(run.requests))
        logged_in.update(dict.fromkeys(run.credentials))
    return (*sent(requests), *logged_in)


def shown(texts: Iterable[str], arguments: Iterable[Mapping[str, Any]]) -> tuple[Secret, ...]:
    """What these texts show to be passwords by where they stand, whether or not anybody has seen them in use."""
    given = [str(value) for each in arguments for value in each.values()]
    found: dict[str, Secret] = {}
    for text in texts:
        named = [next(filter(None, match.groups())) for match in PASSWORD_NAMED.finditer(text)]
        for password in [match[1] for match in PASSWORD_IN_URL.finditer(text)]:
            if not MASKS.fullmatch(password) and not any(password in value for value in given):
                found.setdefault(password, Secret(f":{password}@", "the password in an address"))
        for password in named:
            if len(password) >= SHORTEST and not MASKS.fullmatch(password) and not _is_a_word(password) and password not in "".join(given):
                found.setdefault(password, Secret(password, "the password of a connection"))
    return tuple(found.values())


def _runs(observed: object) -> Iterator[Run]:
    """The runs within an observation, which is a frozen record, or a tuple of them."""
    if isinstance(observed, Run):
        yield observed
    elif isinstance(observed, tuple):
        for part in observed:
            yield from _runs(part)
    elif is_dataclass(observed):
        for part in fields(observed):
            yield from _runs(getattr(observed, part.name))


def sent(requests: Iterable[Request]) -> tuple[Secret, ...]:
    """What the peers saw as credentials."""
    return distinct(secret for request in requests for secret in _of_request(request))


def held(environment: Mapping[str, str]) -> tuple[Secret, ...]:
    """The values of variables whose names speak of a secret, and the passwords in URLs (a database's, a proxy's)."""
    found: list[Secret] = []
    for name, value in environment.items():
        if URL_WITH_USER.match(value):
            found.append(Secret(_password(value), f"the password in the environment variable {name}"))
        elif VARIABLES.search(name.upper()) and not ABOUT.search(name.upper()) and not value.startswith(("/", "http://", "https://")):
            found.append(Secret(value.strip(), f"the environment variable {name}"))
    return distinct(found)


def _password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # it looks like a URL, and is none
        return ""
    return unquote(parts.password or parts.username or "")


def unknown_to_the_caller(found: Iterable[Secret], arguments: Iterable[Mapping[str, Any]]) -> tuple[Secret, ...]:
    """What the caller gives as an argument is no secret to it: the key of something to look up, say."""
    given = [str(value) for each in arguments for value in each.values()]
    return distinct(secret for secret in found if not any(secret.value in value for value in given))


def _of_request(request: Request) -> Iterator[Secret]:
    for name, value in request.headers:
        if name in ("authorization", "proxy-authorization"):
            yield from _of_authorization(name, value)
        elif name == "cookie":
            for cookie, _, content in (part.strip().replace('"', "").partition("=") for part in value.split(";")):
                if COOKIES.search(cookie) or _is_random(content):
                    yield Secret(content, f"the cookie {cookie}")
        elif is_telling(name):
            yield Secret(value, f"the header {name}")
    for name, value in parse_qsl(urlsplit(request.url).query):
        if is_telling(name) or name.lower() == "key" or (name.lower() in APPS and _is_random(value)):
            yield Secret(value, f"the query parameter {name}")
    for value in _in_path(urlsplit(request.url).hostname or "", urlsplit(request.url).path):
        yield Secret(value, "the path of the address")
    for name, value in _fields(request.body):
        if is_telling(name):
            yield Secret(value, f"the field {name} of the request")


def _in_path(host: str, path: str) -> Iterator[str]:
    """Random parts of a path that let in whoever knows them: behind an account's number, a word for a key, a version, or a hook.

    An id is as random, and no secret: it follows the word for a thing.
    """
    hooked = any(HOOK.fullmatch(label) for label in host.split("."))
    before = ""
    for part in map(unquote, path.split("/")):
        if (bot := BOT.fullmatch(part)) and _is_random(bot[1]):
            yield bot[1]
        elif (hooked or INTRODUCING.fullmatch(before)) and _is_random(part):
            yield part
        hooked = hooked or HOOK.fullmatch(part) is not None
        before = part


def _is_random(part: str) -> bool:
    """Long, of letters and digits, and neither a UUID nor a slug."""
    if len(part) < RANDOM or not re.fullmatch(r"[\w-]*(?:[^\W\d_][\w-]*\d|\d[\w-]*[^\W\d_])[\w-]*", part) or UUID.fullmatch(part):
        return False
    return not all(PART_OF_SLUG.fullmatch(word) for word in re.split("[-_]+", part) if word)


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


@functools.lru_cache(maxsize=2_048)
def is_telling(name: str) -> bool:
    """Does a header, a parameter or a field of this name hold a credential? Asked for each field of each request, of which few differ."""
    return NAMES.search(re.sub(r"[-_.]", "", name.lower())) is not None


def _is_a_word(value: str) -> bool:
    """`changeme`, `production`, a number: whatever it is called, it stands in texts by chance."""
    return value.isdecimal() or (value.isalpha() and len(value) < 16 and value[1:].islower())


def distinct(found: Iterable[Secret]) -> tuple[Secret, ...]:
    """One of each value; the first origin counts."""
    secrets: dict[str, Secret] = {}
    for secret in found:
        if len(secret.value) >= SHORTEST and not _is_a_word(secret.value):
            secrets.setdefault(secret.value, secret)
    return tuple(secrets.values())
