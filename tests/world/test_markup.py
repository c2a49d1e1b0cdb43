"""XML and pages as they stand: what is changed in them is changed, and the rest is the same to the last character."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from pytest_agentready.world import Response, markup
from pytest_agentready.world.inflation import LONG, inflated_text
from pytest_agentready.world.messages import IncomingRequest
from pytest_agentready.world.order import Order

SIZE = 1 << 18
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE feed [<!ENTITY shop "Tea > Coffee">]>
<atom:feed xmlns:atom="http://www.w3.org/2005/Atom">
  <!-- <atom:entry> in a remark -->
  <atom:title>News of the shop</atom:title><atom:id>urn:shop:7</atom:id>
  <atom:entry kind='a > "b"'><atom:id>urn:1</atom:id><atom:summary>Green tea has come.</atom:summary><atom:link href="/1"/></atom:entry>
  <atom:entry><atom:id>urn:2</atom:id><atom:summary><![CDATA[Black <b>tea</b> & cups.]]></atom:summary><atom:link href="/2"/></atom:entry>
</atom:feed>
"""
ATOM = "{http://www.w3.org/2005/Atom}"
PAGE = """<!DOCTYPE html><html><head><title>Our long list of all the teas</title>
<script>if (a < b) { document.write("<li>no</li>") }</script></head>
<body><h1>Teas</h1><ul id=teas><li class="tea good">Green<li class="tea">Black<br></ul><p>All of them are fresh.<p>Come and try them.
<form><input name=q></form></body></html>"""


def xml(body: str) -> Response:
    return Response(body=body, content_type="application/atom+xml; charset=utf-8")


def grown(text: str) -> str:
    found = inflated_text(text, SIZE)
    assert found is not None
    assert len(found) > 30_000
    return found


def test_a_feed_has_more_entries_and_a_longer_text_and_is_still_a_feed() -> None:
    feed = ET.fromstring(grown(FEED))
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) > 100
    assert len(entries[0].findtext(f"{ATOM}summary") or "") >= LONG
    assert entries[1].findtext(f"{ATOM}summary") == "Black <b>tea</b> & cups."
    assert [feed.findtext(f"{ATOM}{name}") for name in ("title", "id")] == ["News of the shop", "urn:shop:7"]
    assert {entry.findtext(f"{ATOM}id") for entry in entries} == {"urn:1", "urn:2"}


def test_a_page_has_more_items_and_paragraphs_and_its_head_stays_as_it_is() -> None:
    page = grown(PAGE)
    assert page.count('<li class="tea">Black') > 100
    assert page.count("<p>Come and try them.") > 100
    assert page.startswith(PAGE.partition("<body>")[0])
    assert page.count("</html>") == 1


@pytest.mark.parametrize(
    "text",
    [
        "<ids><id>7</id></ids>",
        "<IdList><Id>38000001</Id></IdList>",
        "<rss><channel><item><link>https://a.example/1</link></item></channel></rss>",
        "<answer><code>7</code></answer>",
        "<order><note>Ring twice.</note></order>",
    ],
)
def test_xml_stays_well_formed_however_little_is_in_it(text: str) -> None:
    assert ET.fromstring(grown(text)).tag == text[1:].partition(">")[0]


def test_one_of_several_is_repeated_though_it_stands_alone_and_a_field_is_not() -> None:
    found = ET.fromstring(grown("<result><IdList><Id>7</Id></IdList><count>1</count></result>"))
    assert len(found.findall("IdList/Id")) > 1000
    assert len(found.findall("count")) == 1


def test_what_is_no_utf8_comes_through_as_it_was() -> None:
    answer = Response(
        body='<?xml version="1.0" encoding="ISO-8859-1"?><r><t>Tee für alle Gäste.</t></r>'.encode("latin-1"), content_type="text/xml"
    )
    huge = answer.inflated(SIZE)
    assert huge is not None
    assert (ET.fromstring(huge.content).findtext("t") or "").startswith("Tee für alle Gäste. Tee für")


@pytest.mark.parametrize("text", ["a < b", "<3 tea", "", "plain", "<x><y></x>", "<x/><y/>", "<x>"])
def test_what_is_no_document_is_none(text: str) -> None:
    assert markup.read(text) is None


@pytest.mark.parametrize("text", [FEED, PAGE, "<p>one<p>two", "<div><span>x</div>", "<table><tr><td>1<td>2<tr><td>3</table>"])
def test_a_document_put_together_again_is_the_same(text: str) -> None:
    document = markup.read(text)
    assert document is not None

    def again(element: markup.Element) -> str:
        return document.rebuilt(element, [again(child) for child in element.children])

    assert again(document.root) == text
    assert document.changed([]) == text


def turned(response: Response, url: str = "https://api.example.com/teas") -> tuple[Order, Response]:
    order = Order()
    return order, order.of_answer(IncomingRequest("GET", url, {}, b""), response)


def test_the_entries_of_a_feed_come_in_another_order() -> None:
    order, answer = turned(xml(FEED))
    assert [each.findtext(f"{ATOM}id") for each in ET.fromstring(answer.content).findall(f"{ATOM}entry")] == ["urn:2", "urn:1"]
    assert list(order.moved) == ["the <entry> of GET https://api.example.com/teas"]


@pytest.mark.parametrize(
    "items",
    [
        ["<pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate>", "<pubDate>Fri, 20 Nov 2026 10:00:00 +0000</pubDate>"],
        ["<updated>2026-11-23T10:00:00Z</updated>", "<updated>2026-11-20T10:00:00Z</updated>"],
        ["<score>10.5</score>", "<score>9.75</score>"],
    ],
)
def test_what_is_in_the_order_of_time_or_of_a_score_stays(items: list[str]) -> None:
    text = f"<rss><channel>{''.join(f'<item><title>Tea</title>{item}</item>' for item in items)}</channel></rss>"
    order, answer = turned(xml(text))
    assert answer.content.decode() == text
    assert order.kept
    assert not order.moved


@pytest.mark.parametrize(
    ("response", "url"),
    [
        (xml(FEED), "https://api.example.com/teas?sortBy=relevance"),
        (Response(body=PAGE, content_type="text/html"), "https://api.example.com/teas"),
        (xml("<paper><authors><author>Ada</author><author>Bob</author></authors></paper>"), "https://api.example.com/paper"),
        (
            xml("<Abstract><AbstractText>We waited.</AbstractText><AbstractText>We saw.</AbstractText></Abstract>"),
            "https://api.example.com/a",
        ),
        (xml("<IdList><Id>2</Id><Id>1</Id></IdList>"), "https://api.example.com/ids"),
    ],
    ids=["asked for in an order", "a page", "a byline", "a text", "numbers"],
)
def test_what_has_an_order_of_its_own_stays(response: Response, url: str) -> None:
    order, answer = turned(response, url)
    assert answer.content == response.content
    assert not order.moved


def test_a_single_entry_has_no_order() -> None:
    order, _ = turned(xml("<feed><entry><id>a</id></entry></feed>"))
    assert list(order.short) == ["the <entry> of GET https://api.example.com/teas"]


def fired(slug: str, answer: Response) -> Any:
    import requests

    from tests.world.entering import HTTP, enter

    return enter(lambda: requests.get(HTTP, timeout=5).content, slug, backend={f"GET {HTTP}": answer})


@pytest.mark.parametrize("slug", ["html", "empty-body"])
def test_in_the_place_of_xml_comes_a_page_or_nothing(slug: str) -> None:
    run = fired(slug, xml(FEED))
    assert run.fired == 1
    assert run.value == b"" or b"sign in" in run.value


@pytest.mark.parametrize("slug", ["html", "empty-body"])
def test_in_the_place_of_a_page_comes_no_other(slug: str) -> None:
    assert fired(slug, Response(body=PAGE, content_type="text/html")).fired == 0


def test_what_is_cut_off_behind_many_brackets_is_read_at_once() -> None:
    start = time.perf_counter()
    assert markup.read(f"<p>Teas</p><!-- {'[green](tea) ' * 200}") is not None
    assert time.perf_counter() - start < 1
