"""Inner addresses are tried in many forms, and only a connection that arrives there counts."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from pytest_agentready.domain import Abuse, Outcome, Verdict
from pytest_agentready.engine import Engine
from pytest_agentready.registry import Registry
from pytest_agentready.world import IncomingRequest
from tests.examining import ROOT, as_tool, engine

PAGE = "https://blog.example.com/post"
PAGES = {f"GET {PAGE}": {"title": "Hello"}}


def fetch(url: str) -> dict[str, Any]:
    try:
        return {"status": "success", "data": requests.get(url, timeout=5).text}
    except requests.RequestException:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The page cannot be read now."}


def abuse(function: Any, **facts: Any) -> Abuse:
    observed: Abuse = engine()._observe(as_tool(function, facts), "internal_addresses")
    return observed


def verdict(function: Any, with_engine: Engine | None = None, **facts: Any) -> Verdict:
    judge = with_engine or engine()
    return judge.examine(as_tool(function, facts), judge.registry.check("AR904"))


def test_a_tool_without_a_guard_is_told_of_each_way_in_at_its_line() -> None:
    found = verdict(fetch, args={"url": PAGE}, backend=PAGES)
    (finding,) = found.findings
    assert "127.0.0.1, 169.254.169.254, 10.0.0.7, a public address that redirects to 169.254.169.254" in finding.message
    assert finding.where.startswith("tests/experiments/test_internal_addresses.py:")
    assert finding.evidence[f"url=https://127.0.0.1{urlsplit(PAGE).path}"] == "connected to 127.0.0.1"


def test_a_host_that_ends_like_the_usual_one_is_tried_and_one_below_it_is_not() -> None:
    def ends_alike(url: str) -> dict[str, Any]:
        ours = (urlsplit(url).hostname or "").endswith("example.com")
        return fetch(url) if ours else {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "Only ours."}

    (finding,) = verdict(ends_alike, args={"url": PAGE}, backend=PAGES).findings
    assert finding.message.endswith("it is connected to: a public name that ends like the usual host and resolves to 10.0.0.9")
    assert list(finding.evidence) == ["url=https://agentready-example.com/post"]


def test_forms_that_are_disguised_are_tried_where_the_plain_ones_are_refused() -> None:
    def looks_at_the_text(url: str) -> dict[str, Any]:
        if (urlsplit(url).hostname or "").startswith(("127.", "169.254.", "10.", "localhost")):
            return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "Not that address."}
        return fetch(url)

    forms = [breach.form for breach in abuse(looks_at_the_text, args={"url": PAGE}, backend=PAGES).breaches]
    assert "2130706433 (127.0.0.1 as one number)" in forms
    assert "[::1]" in forms
    assert "127.0.0.1" not in forms


def test_an_address_that_is_only_handed_on_is_no_finding_and_costs_few_calls() -> None:
    calls: list[str] = []

    def shorten(url: str) -> dict[str, Any]:
        calls.append(url)
        return {"status": "success", "data": requests.post("https://go.example.com/links", json={"url": url}, timeout=5).json()}

    assert verdict(shorten, args={"url": PAGE}, backend={"POST https://go.example.com/links": {"id": 1}}).outcome is Outcome.PASSED
    assert len(calls) < 6


def test_a_part_of_the_hosts_name_is_tried_with_what_ends_the_name() -> None:
    def order(shop: str) -> dict[str, Any]:
        return fetch(f"https://{shop}.example.com/post")

    (finding,) = verdict(order, args={"shop": "blog"}, backend=PAGES).findings
    assert "169.254.169.254/ in the place of a part of the host's name" in finding.message
    assert set(finding.evidence) == {f"shop={text}" for text in ("169.254.169.254/", "169.254.169.254#", "x@169.254.169.254/")}


def test_what_stands_in_an_address_by_number_or_within_a_label_is_no_part_of_a_name() -> None:
    def page(number: str) -> dict[str, Any]:
        return fetch("http://100.128.200.9/post" if number == "128" else "https://myblog.example.com/post")

    backend = {"GET http://100.128.200.9/post": {}, "GET https://myblog.example.com/post": {}}
    for number in ("128", "blog"):
        assert verdict(page, args={"number": number}, backend=backend).reason == "none of its arguments is an address"


def test_a_url_that_the_normal_call_leaves_out_is_tried() -> None:
    def save(text: str, webhook_url: str | None = None) -> dict[str, Any]:
        return fetch(webhook_url) if webhook_url else {"status": "success", "data": text}

    assert {breach.parameter for breach in abuse(save, args={"text": "x"}).breaches} == {"webhook_url"}


def test_a_tool_that_asks_nobody_and_one_without_an_address_have_nothing_to_try() -> None:
    def host_of(url: str) -> str | None:
        return urlsplit(url).hostname

    def double(number: int) -> int:
        return 2 * number

    assert verdict(host_of, args={"url": PAGE}).outcome is Outcome.NOT_APPLICABLE
    assert verdict(double, args={"number": 2}).reason == "none of its arguments is an address"


def test_without_a_backend_a_finding_is_a_finding_and_all_else_is_unproven() -> None:
    def blog_alone(url: str) -> dict[str, Any]:
        if urlsplit(url).hostname != "blog.example.com":
            return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "Only the blog."}
        return fetch(url)

    assert verdict(fetch, args={"url": PAGE}).outcome is Outcome.FAILED
    assert verdict(blog_alone, args={"url": PAGE}).outcome is Outcome.UNPROVEN
    assert verdict(blog_alone, args={"url": PAGE}, backend=PAGES).outcome is Outcome.PASSED


def test_a_backend_that_raises_under_a_hostile_address_leaves_a_gap_and_no_error() -> None:
    def answer(request: IncomingRequest) -> dict[str, Any]:
        return {PAGE: {"title": "Hello"}}[request.url]

    def tool(url: str) -> dict[str, Any]:
        return fetch(url if url == PAGE else "https://blog.example.com/other")

    found = verdict(tool, args={"url": PAGE}, backend=answer)
    assert found.outcome is Outcome.UNPROVEN
    assert "the backend raised under" in found.reason


def test_an_inner_service_of_the_tools_own_is_no_breach() -> None:
    def inside(url: str) -> dict[str, Any]:
        return fetch("http://127.0.0.1:8080/render")

    found = abuse(inside, args={"url": PAGE}, backend={"GET http://127.0.0.1:8080/render": {"ok": True}})
    assert found.breaches == ()
    assert found.parameters == ("url",)


def test_what_the_allow_list_has_is_left_alone() -> None:
    allowing = Engine(Registry(), ROOT, (("localhost", 5432),))
    found = allowing._observe(as_tool(fetch, {"args": {"url": PAGE}, "backend": PAGES}), "internal_addresses")
    assert "127.0.0.1" not in {breach.reached for breach in found.breaches}
    assert found.breaches


@pytest.mark.parametrize("failure", [KeyError("url"), SystemExit(3), RecursionError()])
def test_whatever_the_tool_raises_is_no_error_of_ours(failure: BaseException) -> None:
    def tool(url: str) -> str:
        if url != PAGE:
            raise failure
        return requests.get(url, timeout=5).text

    assert verdict(tool, args={"url": PAGE}, backend=PAGES).outcome is Outcome.PASSED


def test_a_tool_that_does_not_end_for_a_hostile_address_leaves_a_gap() -> None:
    def tool(url: str) -> str:
        while url != PAGE:
            time.sleep(3_600)
        return requests.get(url, timeout=5).text

    found = verdict(tool, args={"url": PAGE}, backend=PAGES)
    assert found.outcome is Outcome.UNPROVEN
    assert "does not end" in found.reason
