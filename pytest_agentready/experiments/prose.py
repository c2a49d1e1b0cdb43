"""Texts of a given length in tokens, in words that every vocabulary has: estimates by characters or words agree with it."""

from __future__ import annotations

from pytest_agentready.domain import tokens

SENTENCES = (
    "The parcel was put in the van at ten on Monday, and it was not seen since.",
    "A driver of the depot told us that the road was shut for most of the day.",
    "We asked them to look at the list once more and to write to us by noon.",
    "It is not on record if the buyer was told of any of this, or by whom.",
)


def prose(size: int, head: str = "") -> str:
    """About so many tokens, beginning with `head`; never less than that."""
    lap = tokens(" ".join(SENTENCES))
    left = size - tokens(head)
    if left <= 0:
        return head
    laps, rest = divmod(left, lap)
    body = [" ".join(SENTENCES)] * laps
    for sentence in SENTENCES:
        if rest < tokens(sentence):
            break
        body.append(sentence)
        rest -= tokens(sentence)
    return " ".join(filter(None, [head, *body]))
