"""A token budget: what one conversation may use up, asked before each call of the model, and told what the provider has counted.

The article's pattern 2. What was corrected in it:

- It looked at the prompt alone, and noticed an overdrawn budget when the call had been made and paid. Here each call first holds what it
  may need, its prompt and the answer that it allows, and is not made where that does not fit. Of two calls at the same time only one gets
  the last of it.
- It took whatever number it was given, and a stream that reports nothing counted as nothing. Usage is read here as OpenAI, Anthropic and
  Gemini report it, with cached and reasoning tokens; where there is none, what was held stays counted.
- From 75 % on it summarised at every turn, by a call that nobody counted. `compaction_is_due` only says so: to drop old results costs
  nothing, and a summary is a call like any other, to be held and counted.
- It left open what the user hears: the exception has a `reason`.

    budget = TokenBudget(50_000)
    if budget.compaction_is_due(estimate(prompt) + MAX_TOKENS):
        prompt = shortened(prompt)
    held = budget.require(estimate(prompt) + MAX_TOKENS)  # raises TokenBudgetSpent
    reply = client.messages.create(..., max_tokens=MAX_TOKENS)
    budget.consume(held, tokens_of(reply.usage))

It waits for nothing, so that it serves async code as it is, and any number of threads. It is the budget of one conversation in one process;
for what is shared by workers and users see the cost breaker.

Checked by AR501-AR508, once a test marks the loop that asks it:

    @pytest.mark.agent_loop(loop=run_agent, token_budget=50_000)
    def test_run_agent(readiness_check):
        readiness_check()
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping

HIGH_WATER = 0.75  # of the budget
# Kinds of text: tokens per character, tokens at least, and what belongs to it.
KINDS = {
    "coded": (0.8, 1.0, r"[A-Za-z0-9+/=_-]{40,}"),  # base64, hashes, keys
    "word": (0.31, 1.0, r"[A-Z]?[a-z]+|[A-Z]+"),
    "number": (0.55, 1.0, r" ?[0-9]+"),
    "indent": (0.06, 1.0, r" {2,}"),
    "line": (0.7, 0.0, r"[^\S ]"),
    "mark": (0.7, 0.0, r"[!-/:-@\[-`{-~]"),
    "alphabet": (0.6, 0.0, r"[\u0080-\u0fff]"),
    "ideograph": (1.2, 0.0, r"[\u1000-\uffff]"),
    "picture": (2.6, 0.0, r"[^\x00-\uffff]"),
    "control": (1.0, 0.0, r"[\x00-\x1f\x7f]"),
}
PIECE = re.compile("|".join(f"(?P<{kind}>{belongs})" for kind, (_, _, belongs) in KINDS.items()))


class TokenBudgetSpent(Exception):
    """The next call does not fit. `reason` is for the user; the message is for the log."""

    reason = "This conversation has become too long for me. Please start a new one."


class TokenBudget:
    """Raises ValueError for a budget of nothing, and for a high-water mark that is none."""

    def __init__(self, total: int, high_water: float = HIGH_WATER) -> None:
        if total <= 0 or not 0 < high_water <= 1:
            raise ValueError(f"a budget of {total} tokens with its mark at {high_water} of them ends nothing")
        self.total = total
        self.high_water = high_water
        self._used = 0  # reported by the provider
        self._held = 0  # estimated, of calls that are under way
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Tokens that are used, or held by calls under way."""
        with self._lock:
            return self._used + self._held

    def compaction_is_due(self, estimated: int = 0) -> bool:
        """Would the next call, of so many tokens, reach the high-water mark? Shorten the prompt first, then."""
        return self.used + estimated >= self.high_water * self.total

    def require(self, estimated: int) -> int:
        """Before each call: hold what it may need, prompt and answer, and return that. Raises TokenBudgetSpent where it does not fit."""
        if estimated < 0:
            raise ValueError(f"{estimated} tokens is no estimate")
        with self._lock:
            used = self._used + self._held
            if used + estimated > self.total:
                raise TokenBudgetSpent(f"{used} of {self.total} tokens are used, and the next call may need {estimated}")
            self._held += estimated
        return estimated

    def consume(self, held: int, used: int | None) -> None:
        """After each call, failed ones too: what `require` held, and what was used; None where nobody has reported that."""
        if used is not None and used < 0:
            raise ValueError(f"{used} tokens cannot be used")
        with self._lock:
            self._held -= held
            self._used += held if used is None else used


def tokens_of(usage: object) -> int | None:
    """All tokens of one call, from what the provider reports: an object or a dict; None where there is nothing in it.

    OpenAI's totals have the cached and the reasoning tokens in them already, as Gemini's have. Anthropic's `input_tokens` leave out what
    was read from, and written to, the cache: that is added.
    """
    total = _first(usage, "total_tokens", "total_token_count")
    prompt = _first(usage, "input_tokens", "prompt_tokens")
    answer = _first(usage, "output_tokens", "completion_tokens")
    if total is None and prompt is None and answer is None:
        return None
    cached = (_first(usage, "cache_read_input_tokens") or 0) + (_first(usage, "cache_creation_input_tokens") or 0)
    return max(total or 0, (prompt or 0) + (answer or 0) + cached)


def _first(usage: object, *names: str) -> int | None:
    for name in names:
        found = usage.get(name) if isinstance(usage, Mapping) else getattr(usage, name, None)
        if isinstance(found, int):
            return found
    return None


def estimate(text: str) -> int:
    """Tokens of a text, rather too many than too few, without a vocabulary to download.

    Of what o200k makes of it this is 1 to 2.4 times as much: of prose in a dozen languages, JSON, code, logs, hashes and base64. It is no
    bound: letters at random, and rare ideographs, come to twice what is said here, and other models have other vocabularies.
    """
    tokens = 1.0
    for piece in PIECE.finditer(text):
        share, least, _ = KINDS[piece.lastgroup or ""]
        tokens += max(share * len(piece[0]), least)
    return math.ceil(tokens)
