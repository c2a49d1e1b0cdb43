"""A confirmation gate: an approval of exactly one call, by one user, that is used up by it and expires.

The key of an approval is made of the tool's name, the user and all arguments, as JSON with its keys in order: it is the same in every
process, and another one for any other call. Approvals are kept in memory here; for several workers keep the keys in Redis: `SET key 1
EX 900` to grant one, `GETDEL key` to take it.
"""

import hashlib
import json
import threading
import time
from collections.abc import Mapping

LIFETIME = 15 * 60.0  # seconds that a user's "yes" is good for


def call_key(tool: str, user: str, arguments: Mapping[str, object]) -> str:
    """Raises TypeError for an argument that is no JSON: nobody could say what its key is elsewhere."""
    call = json.dumps([tool, user, arguments], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(call.encode("utf-8", "surrogatepass")).hexdigest()


class Approvals:
    """What users have agreed to, and nothing has come of yet."""

    def __init__(self, lifetime: float = LIFETIME) -> None:
        self.lifetime = lifetime
        self._granted: dict[str, float] = {}  # key -> when
        self._lock = threading.Lock()

    def grant(self, key: str) -> None:
        """A human has agreed to this call."""
        with self._lock:
            self._granted[key] = time.time()

    def take(self, key: str) -> bool:
        """Is it approved? Not a second time, and not after its lifetime."""
        with self._lock:
            granted = self._granted.pop(key, None)
        return granted is not None and time.time() - granted <= self.lifetime
