"""Calls whose URL names, or leads to, an address of the inside of a network; what counts is whether a connection arrives there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from pytest_agentready.arguments.addresses import (
    ALIKE,
    DETOURS,
    DISGUISED,
    JOINED,
    NAMED,
    NAMES,
    PLAIN,
    PRETENDING,
    REDIRECTS,
    WITHIN,
    Place,
    at,
)
from pytest_agentready.arguments.names import text_for
from pytest_agentready.domain import Abuse, Breach, NormalCall, Run, Tool
from pytest_agentready.experiments.abused import Calls, in_one_world
from pytest_agentready.experiments.texts import Text, texts_of
from pytest_agentready.world.allowed import LOCAL, in_force
from pytest_agentready.world.lures import Lured

URL = re.compile(r"(?:https?|wss?)://", re.IGNORECASE)
LABELS = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)  # of a host's name
FORMATS = ("uri", "url")
JOINABLE = frozenset({"endpoint", "path", "route", "resource", "url", "uri", "link", "href", "page"})  # last words of their names
PARAMETERS = 3  # at most, of each kind


def run(tool: Tool, normal_call: NormalCall) -> Abuse:
    usual = frozenset(attempt.host for one in normal_call.runs for attempt in one.attempts)
    paths = [urlsplit(request.url).path for one in normal_call.runs for request in one.requests if request.is_http]
    texts = texts_of(tool)
    whole = [text for text in texts if is_address(text, usual)][:PARAMETERS]
    joined = [text for text in texts if text not in whole and is_joined(text, paths)][:PARAMETERS]
    within = [text for text in texts if text not in (*whole, *joined) and is_in_a_host(text, usual)][:PARAMETERS]
    if not whole and not joined and not within:
        return Abuse(nothing="none of its arguments is an address")
    out_of_bounds = usual | _let_out()

    def visit(calls: Calls) -> Abuse:
        breaches: list[Breach] = []
        for text in whole:
            plain = list(_arrivals(calls, text, PLAIN, out_of_bounds))
            breaches += plain
            if calls.last is not None and _is_handed_on(calls.last, usual):
                continue
            breaches += _arrivals(calls, text, DETOURS, out_of_bounds)
            if not plain:
                breaches += _arrivals(calls, text, (*DISGUISED, *PRETENDING), out_of_bounds)
        for text in joined:
            breaches += _arrivals(calls, text, JOINED, out_of_bounds)
        for text in within:
            breaches += _arrivals(calls, text, WITHIN, out_of_bounds)
        if normal_call.self_contained and not calls.went_out:
            return Abuse(nothing="it asks nobody, whatever its arguments are")
        return Abuse(tuple(text.name for text in (*whole, *joined, *within)), tuple(breaches), gap=calls.gap or calls.beyond_programs)

    return in_one_world(tool, Lured(tool.facts.backend, REDIRECTS, NAMES, (ALIKE, NAMES[NAMED])), visit)


def is_address(text: Text, usual: Iterable[str]) -> bool:
    """By its value, else by what its type, its name and its description say; a bare host, where the normal call connects to it."""
    if URL.match(text.value):
        return True
    if text.value:
        return "." in text.value and text.value.lower() in usual
    return text.parameter.schema.get("format") in FORMATS or bool(URL.match(text_for(text.name, text.parameter.description)))


def is_joined(text: Text, paths: Iterable[str]) -> bool:
    """Is it a path that the tool puts behind a host of its own?"""
    value = text.value.partition("?")[0].strip("/")
    looks_like_one = text.value.startswith("/") or not JOINABLE.isdisjoint(text.words[-1:])
    return bool(value) and looks_like_one and any(value in path for path in paths)


def is_in_a_host(text: Text, usual: Iterable[str]) -> bool:
    """Does it stand in the name of a host that the normal call connects to, as one of the labels between its dots, or several?"""
    return bool(LABELS.fullmatch(text.value)) and any(f".{text.value.lower()}." in f".{host}." for host in usual if _is_name(host))


def _is_name(host: str) -> bool:
    return not host.rpartition(".")[2].isdigit() and ":" not in host  # an address by number has no labels


def _is_handed_on(run: Run, usual: frozenset[str]) -> bool:
    """The tool took the address, asked whom it always asks, and nobody else: it does not itself go there."""
    asked = {request.host for request in run.requests}
    taken = run.returned and run.answer is not None and not run.answer.tells_of_failure
    return taken and bool(asked) and asked <= usual


def _let_out() -> frozenset[str]:
    """What the allow-list has: there the connection would be real."""
    hosts = frozenset(host for host, _ in in_force())
    return hosts | LOCAL if hosts & LOCAL else hosts


def _arrivals(calls: Calls, text: Text, places: Iterable[Place], out_of_bounds: frozenset[str]) -> Iterator[Breach]:
    for place in places:
        if place.reaches in out_of_bounds:
            continue
        value = place.host if place in (*JOINED, *WITHIN) else at(text.value or "https://example.com/", place.host)
        made = calls.made(text, value)
        if made is not None and (where := _arrival(made, place.reaches)) is not None:
            yield Breach(text.name, place.form, value, place.reaches, where)


def _arrival(run: Run, address: str) -> str | None:
    """The line whose connection arrived at this address."""
    return next((attempt.where for attempt in run.attempts if attempt.kind == "connection" and attempt.host == address), None)
