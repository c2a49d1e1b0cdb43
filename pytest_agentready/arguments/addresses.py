"""Addresses of the inside of a network, in the forms in which they get past a look at the text: by number, by name, by a detour."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

METADATA = "169.254.169.254"
DETOUR = "go.stranger.example"  # a public host that nobody would have on a list
NAMED = "inside.stranger.example"
REBOUND = "rebound.stranger.example"
PUBLIC = "100.128.200.7"
SECRET_PATH = "/latest/meta-data/"
REDIRECTS = {DETOUR: f"http://{METADATA}{SECRET_PATH}"}
ALIKE = "agentready-"  # before a domain: a name that ends as the domain does, and is another's
NAMES = {NAMED: ("10.0.0.9",), REBOUND: (PUBLIC, "10.0.0.11")}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to, and how a reader is told of it."""

    host: str
    form: str
    reaches: str  # the address that is connected to


PLAIN = (
    Place("127.0.0.1", "127.0.0.1", "127.0.0.1"),
    Place(METADATA, METADATA, METADATA),
    Place("10.0.0.7", "10.0.0.7", "10.0.0.7"),
)
DETOURS = (
    Place(DETOUR, f"a public address that redirects to {METADATA}", METADATA),
    Place(NAMED, "a public name that resolves to 10.0.0.9", "10.0.0.9"),
)
# Tried where the plain ones are refused.
DISGUISED = (
    Place("localhost", "localhost", "127.0.0.1"),
    Place("0.0.0.0", "0.0.0.0", "0.0.0.0"),
    Place("[::1]", "[::1]", "::1"),
    Place("127.1", "127.1", "127.0.0.1"),
    Place("127.0.0.2", "127.0.0.2", "127.0.0.2"),
    Place("2130706433", "2130706433 (127.0.0.1 as one number)", "127.0.0.1"),
    Place("0x7f000001", "0x7f000001 (127.0.0.1 in hexadecimal)", "127.0.0.1"),
    Place("0177.0.0.1", "0177.0.0.1 (127.0.0.1 in octal)", "127.0.0.1"),
    Place("[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", "127.0.0.1"),
    Place("[::ffff:a9fe:a9fe]", f"[::ffff:a9fe:a9fe] ({METADATA} in IPv6)", METADATA),
    Place("172.16.0.7", "172.16.0.7", "172.16.0.7"),
    Place("192.168.0.7", "192.168.0.7", "192.168.0.7"),
    Place("[fd00::7]", "[fd00::7]", "fd00::7"),
    Place(REBOUND, "a public name that resolves to 10.0.0.11 when it is looked up again", "10.0.0.11"),
)
# Tried with the usual host in them, where a look at the beginning, the end or any part of the URL would find it.
PRETENDING = (
    Place(f"{{usual}}@{METADATA}", f"{METADATA} behind the usual host and an @", METADATA),
    Place(f"{{usual}}.{NAMED}", "a public name that begins like the usual host and resolves to 10.0.0.9", "10.0.0.9"),
    Place(f"{ALIKE}{{domain}}", "a public name that ends like the usual host and resolves to 10.0.0.9", "10.0.0.9"),
    Place(f"{METADATA}/?{{usual}}#", f"{METADATA} with the usual host in its query", METADATA),
)
# For what is joined onto a URL that stands in the code: whole ones, and what makes the usual host a user's name.
JOINED = (
    Place(f"http://{METADATA}/", f"http://{METADATA}/ in the place of a path", METADATA),
    Place(f"//{METADATA}/", f"//{METADATA}/ in the place of a path", METADATA),
    Place(f"@{METADATA}/", f"@{METADATA}/ in the place of a path", METADATA),
)

# For what is a part of a host's name, as in `f"https://{shop}.example.com/"`: texts that end the name, or begin it anew.
WITHIN = (
    Place(f"{METADATA}/", f"{METADATA}/ in the place of a part of the host's name", METADATA),
    Place(f"{METADATA}#", f"{METADATA}# in the place of a part of the host's name", METADATA),
    Place(f"x@{METADATA}/", f"x@{METADATA}/ in the place of a part of the host's name", METADATA),
)


def at(usual: str, host: str) -> str:
    """The usual URL, or the bare host, with this host in the place of its own; `{usual}` in it stands for that, `{domain}` for its end."""
    if "://" not in usual:
        return _filled(host, usual)
    parts = urlsplit(usual)
    return parts._replace(netloc=_filled(host, parts.netloc), path=parts.path or "/").geturl()


def _filled(host: str, usual: str) -> str:
    return host.replace("{usual}", usual).replace("{domain}", ".".join(usual.split(".")[-2:]))
