"""A confirmation gate: an approval of exactly one call, by one user, that is used up by it and expires.

The article's step 3. What was corrected in it:

- Its key was `hash()` of some arguments: another one in each process, and the same one for another text. Here it is SHA-256 of the tool's
  name, the user and all arguments, as JSON with its keys in order: the same in every process, and another one for any other call.
- One "yes" served for ever. Here the call uses it up, also where two calls come at the same time, and it expires.
- It left open who says yes: `grant` is for the chat window, and never a tool or a parameter of one.

    key = call_key("send_email", user_id, {"to": to, "subject": subject, "body": body})
    if not approvals.take(key):
        return ...  # CONFIRMATION_REQUIRED, with all arguments, as the user has to see them

`Approvals` keeps them in memory, for one process. `RedisApprovals` and `AsyncRedisApprovals` keep them for all workers, in Redis 6.2 or
later. Where the store is down they raise `redis.RedisError`, and nothing is approved.

Checked by AR401-AR406, once a test marks a tool that asks it before it acts, and names the function that records a human's approval:

    @pytest.mark.agent_tool(tool=send_email, args={"to": "ada@example.com"}, confirm=approve, user=current_user)
    def test_send_email(readiness_check):
        readiness_check()
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis
    import redis.asyncio

LIFETIME = 15 * 60.0  # seconds that a user's "yes" is good for


def call_key(tool: str, user: str, arguments: Mapping[str, object]) -> str:
    """Raises TypeError or ValueError for an argument that is no JSON: nobody could say what its key is elsewhere."""
    call = json.dumps([tool, user, arguments], sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(call.encode("utf-8", "surrogatepass")).hexdigest()


class Approvals:
    """What users have agreed to, and nothing has come of yet; in memory."""

    def __init__(self, lifetime: float = LIFETIME) -> None:
        self.lifetime = lifetime
        self._granted: dict[str, float] = {}  # key -> when, by a clock that nobody sets
        self._lock = threading.Lock()

    def grant(self, key: str) -> None:
        """A human has agreed to this call."""
        now = time.monotonic()
        with self._lock:
            self._granted = {each: when for each, when in self._granted.items() if now - when <= self.lifetime}
            self._granted[key] = now

    def take(self, key: str) -> bool:
        """Is it approved? Not a second time, and not after its lifetime."""
        with self._lock:
            granted = self._granted.pop(key, None)
        return granted is not None and time.monotonic() - granted <= self.lifetime


class RedisApprovals:
    """The same for all workers: a key that expires by itself, and is read and deleted in one step."""

    def __init__(self, client: redis.Redis, lifetime: float = LIFETIME, prefix: str = "approved") -> None:
        self._redis = client
        self._milliseconds = round(lifetime * 1000)
        self._prefix = prefix

    def grant(self, key: str) -> None:
        self._redis.set(f"{self._prefix}:{key}", 1, px=self._milliseconds)

    def take(self, key: str) -> bool:
        return self._redis.getdel(f"{self._prefix}:{key}") is not None


class AsyncRedisApprovals:
    """The same with `redis.asyncio`."""

    def __init__(self, client: redis.asyncio.Redis, lifetime: float = LIFETIME, prefix: str = "approved") -> None:
        self._redis = client
        self._milliseconds = round(lifetime * 1000)
        self._prefix = prefix

    async def grant(self, key: str) -> None:
        await self._redis.set(f"{self._prefix}:{key}", 1, px=self._milliseconds)

    async def take(self, key: str) -> bool:
        return await self._redis.getdel(f"{self._prefix}:{key}") is not None
