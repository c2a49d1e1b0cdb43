"""The effects of a run: its writes as the peers saw them, and what it did on this machine; and which of them count.

Not every write is an effect: what only asks, what the marker calls a read (`reads`) or the bookkeeping of a gate or cache
(`bookkeeping`), what a peer refused or left undone, the tokens of a login, the answers of a model, and telemetry on its way out.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pytest_agentready.domain.asking import only_asks
from pytest_agentready.domain.effect import Effect, EffectKind
from pytest_agentready.domain.exempted import is_bookkeeping, is_read
from pytest_agentready.domain.idempotency import marked
from pytest_agentready.domain.observation import Request, Run
from pytest_agentready.domain.subject import Facts

KINDS: dict[str, EffectKind] = {"smtp": "mail", "redis": "command", "postgresql": "statement", "mysql": "statement"}
ENDS = ("COMMIT", "END")
STAMPS = re.compile(rb"^(?:Message-ID|Date):.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE | re.MULTILINE)
BOUNDARY = re.compile(rb"={7,}\d+==")  # as the email package makes them
# Where telemetry is taken in: by the path of its protocols, or at a host of its own. `/runs` is a word of many APIs (a pipeline is started
# there), and tells of telemetry only with what LangSmith's clients send.
PREPARING = re.compile(rb"\s*create\s+[\w\s]*?\bif\s+not\s+exists\b", re.IGNORECASE)
TELEMETRY = re.compile(r"/v1/(?:traces|metrics|logs)$|/api/\d+/(?:envelope|store)/?$|^/api/public/(?:ingestion|otel/v1/\w+)$")
TRACED_RUNS = re.compile(r"^(?:/api)?(?:/v1)?/runs(?:/batch|/multipart|/[0-9a-f-]{36})?$")
TRACED = re.compile(rb"\b(?:dotted_order|trace_id)\b")
COLLECTORS = re.compile(
    r"(?:^|\.)(?:smith\.langchain\.com|langfuse\.com|sentry\.io|honeycomb\.io|datadoghq\.(?:com|eu)|posthog\.com|crewai\.com)$"
)


def effects_of(run: Run) -> tuple[Effect, ...]:
    """All effects of the run, in the order in which they happened, those that were refused too."""
    remote = [_effect(request) for request in run.requests if _stands(request)]
    return tuple(sorted([*remote, *run.local_effects], key=lambda effect: effect.at)) if remote else run.local_effects


def counted(run: Run, facts: Facts) -> tuple[Effect, ...]:
    """The effects that count, by what the marker states of reads and bookkeeping."""
    found = (effect for effect in effects_of(run) if not is_preparation(effect) and effect is not run.exit)
    return tuple(effect for effect in found if not is_bookkeeping(effect, facts) and not is_read(effect, facts))


def is_incidental(request: Request, facts: Facts) -> bool:
    """Is it a write that the answer does not stand for: the bookkeeping of a cache or a breaker, a question, telemetry?"""
    effect = _effect(request)
    return is_bookkeeping(effect, facts) or is_read(effect, facts) or only_asks(request) or _reports(request)


def is_preparation(effect: Effect) -> bool:
    """Does it only see to it that a table is there? Whether it was depends on the machine, and says nothing of the call."""
    return effect.kind == "statement" and effect.verb == "CREATE" and PREPARING.match(effect.content) is not None


def _stands(request: Request) -> bool:
    """A write that its peer carried out, and that changed something there.

    That the backend has no answer for it is not a refusal: in life the peer would have one.
    """
    refused = request.routed is not False and request.status is not None and request.status >= 400
    if request.method in ENDS and _kind(request) == "statement":  # what it commits stands for itself
        return False
    return request.is_write and request.committed and request.changed and not refused and not only_asks(request) and not _reports(request)


def _reports(request: Request) -> bool:
    """Is it telemetry on its way out?"""
    address = urlsplit(request.url)
    if TELEMETRY.search(address.path) or COLLECTORS.search(address.hostname or ""):
        return True
    return TRACED_RUNS.search(address.path) is not None and TRACED.search(request.body) is not None


def _kind(request: Request) -> EffectKind:
    return KINDS.get(request.url.partition("://")[0], "request")


def _effect(request: Request) -> Effect:
    return marked(
        Effect(
            kind=_kind(request),
            verb=request.method,
            target=request.url.partition("?")[0],
            content=_content(request),
            at=request.at,
            where=request.where,
            key=request.idempotency_key or "",
            places=request.places or _recipients(request),
        )
    )


def _content(request: Request) -> bytes:
    """What it says, to be compared with what another one says: of a mail without what each gets anew when it is written."""
    query = urlsplit(request.url).query if request.is_http else ""
    if query:
        return f"?{query}\n".encode() + request.body
    if _kind(request) != "mail":
        return request.body
    head, gap, text = request.body.partition(b"\r\n\r\n")
    envelope = b"".join(f"{name}: {value}\r\n".encode() for name, value in request.headers)
    return envelope + BOUNDARY.sub(b"boundary", STAMPS.sub(b"", head + b"\r\n") + gap[2:] + text)


def _recipients(request: Request) -> tuple[str, ...]:
    return tuple(value for name, value in request.headers if name == "rcpt-to") if _kind(request) == "mail" else ()
