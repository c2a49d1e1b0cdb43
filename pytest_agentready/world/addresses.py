"""Who lives at which address in one run: each host gets a public one when it is first asked for."""

from __future__ import annotations

import ipaddress
from collections import Counter


class Addresses:
    """The name server's book."""

    def __init__(self) -> None:
        self.hosts: dict[str, str] = {}  # address -> host
        self.asked: Counter[str] = Counter()  # how often a host was looked up
        self._of: dict[str, str] = {}  # host -> address

    def __contains__(self, host: str) -> bool:
        return host in self._of

    def of(self, host: str) -> str | None:
        return self._of.get(host)

    def give(self, host: str) -> str:
        """Public addresses, as a tool that refuses private ones would expect them."""
        number = len(self._of) + 1
        address = self._of[host] = f"100.128.{number >> 8}.{number & 255}"
        self.hosts[address] = host
        return address


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
