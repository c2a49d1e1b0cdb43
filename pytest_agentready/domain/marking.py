"""Is a text in a prompt marked as data, by what stands around it: a tag, a fence, a label?"""

from __future__ import annotations

import re

from pytest_agentready.domain.model import Role

NEAR = 400  # characters before a text in which its label stands
TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][\w.:-]*)(?:\s[^<>]*)?>")
# The elements of a page are its own, and mark nothing.
PAGE = re.compile(r"<(?:!doctype|html|head|body|div|p|h[1-6]|ul|table)\b", re.IGNORECASE)
ELEMENTS = frozenset({
    *("html", "head", "body", "title", "div", "p", "span", "a", "b", "i", "em", "strong", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("ul", "ol", "li", "table", "tr", "td", "th", "thead", "tbody", "main", "section", "article", "header", "footer", "nav"),
    *("pre", "code", "blockquote", "data", "output", "summary", "details", "figure", "form", "label", "button"),
})  # fmt: skip
FENCES = ("```", '"""', "'''", "~~~")
RULE = re.compile(r"^[ \t]*([-=*#_~<>])\1{2,}.*$", re.MULTILINE)  # ----- BEGIN DOCUMENT -----
THINGS = (
    r"observations?|tools?|functions?|results?|outputs?|contexts?|documents?|docs|search|retrieved|passages?|excerpts?|sources?|snippets?"
    r"|knowledge(?:[ _-]base)?|references?|articles?|evidence|data|web[ _-]?pages?|pages?|responses?|info(?:rmation)?|records?|chunks?"
    r"|returned|facts?|notes?|background|materials?|e-?mails?|tickets?|files?|transcripts?|news|database|rows?|reviews?|posts?|logs?"
)
# `Observation: ...`, `Use the following context:`, `## Documents`, `[search results]`, alone in a line or before the text.
LABEL = re.compile(rf"^[^\n:{{}}\"<]{{0,80}}?\b(?:{THINGS})\b[^\n:{{}}\"<]{{0,60}}(?::|\]|\n)", re.IGNORECASE | re.MULTILINE)
# Any other line that ends with a colon, such as `Article 7 of the law:`, but for those of whoever speaks.
SPEAKS = r"questions?|users?|human|customer|assistant|ai|system|instructions?|task|request|query|you"
HEADING = re.compile(rf"^(?!\W*(?:{SPEAKS})\b)[^\n{{}}\"<]{{2,60}}:[ \t]*\n", re.IGNORECASE | re.MULTILINE)
KEY = re.compile(
    r"[\"'](?:observation|tool_?(?:output|result|response)s?|search_?results?|context|retrieved\w*|documents?)[\"']\s*:", re.IGNORECASE
)
SAYS = re.compile(
    r"\b(?:tool|function|api|search)\b[^\n]{0,60}\b(?:returned|returns|says|said|answered|responded|reported|gave|found)\b", re.IGNORECASE
)


def is_marked(text: str, place: int, role: Role) -> bool:
    """Is what stands at this place of a message marked as data?

    The roles of tools' outputs are a mark by themselves. In a system prompt, where all is an instruction, a mere label is none:
    there has to be an end to it.
    """
    if role == "tool" or _within_a_tag(text, place) or _within_a_fence(text, place):
        return True
    return role != "system" and _is_labelled(text[max(0, place - NEAR) : place])


def _within_a_tag(text: str, place: int) -> bool:
    """Is there one that is open at the place, and closed behind it?"""
    is_page = PAGE.search(text) is not None
    opened: list[str] = []
    for tag in TAG.finditer(text, 0, place):
        name = tag["name"].lower()
        if is_page and name in ELEMENTS:
            continue
        if not tag["end"]:
            opened.append(name)
        elif name in opened:
            del opened[len(opened) - 1 - opened[::-1].index(name) :]
    behind = text[place:].lower()
    return any(f"</{name}" in behind for name in opened)


def _within_a_fence(text: str, place: int) -> bool:
    before, behind = text[:place], text[place:]
    if any(before.count(fence) % 2 and fence in behind for fence in FENCES):
        return True
    return RULE.search(before) is not None and RULE.search(behind) is not None


def _is_labelled(before: str) -> bool:
    return any(pattern.search(before) for pattern in (LABEL, HEADING, KEY, SAYS))
