"""A tool that fetches whatever URL it is given is a door to the inside of your network.

The URL comes from a model, and the model reads web pages, mails and tickets that strangers have written. `http://169.254.169.254/` gives
the credentials of the machine in most clouds, `http://127.0.0.1:8500/` the services that trust everybody who is already inside. A look
at the text of the URL does not help: the address can be written as one number, and a public name or a redirect can lead there.
What helps is to look at the address that is about to be connected to, each time.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import Abuse, Check, Finding, Judgement, NormalCall, NotApplicable, Severity, Tool, Unproven, listed, some_of

check = Check(
    id="AR904",
    title="A URL argument reaches addresses inside the network",
    severity=Severity.HIGH,
    profile="standard",
    fix=(
        "Fetch from a list of hosts only. Where any public page is wanted, look the host up yourself, refuse what is not "
        "`ipaddress.ip_address(address).is_global`, connect to the very address that you looked at, and follow no redirect unchecked."
    ),
    since="0.1",
)

SHOWN = 4  # forms in the message


@check
def judge(tool: Tool, normal_call: NormalCall, internal_addresses: Abuse) -> Iterator[Judgement]:
    if internal_addresses.nothing:
        yield NotApplicable(internal_addresses.nothing)
        return
    for found in internal_addresses.causes:
        first = found[0]
        forms = list(dict.fromkeys(breach.form for breach in found))
        names = listed(dict.fromkeys(breach.parameter for breach in found))
        yield Finding(
            f"{names} can name an address inside the network, and it is connected to: {some_of(forms, SHOWN)}",
            where=first.where or tool.source,
            evidence={f"{breach.parameter}={breach.value}": f"connected to {breach.reached}" for breach in found},
        )
    if normal_call.obstacle:
        yield Unproven(normal_call.obstacle)
    elif internal_addresses.gap:
        yield Unproven(internal_addresses.gap)


PAGES = {"GET https://blog.example.com/post": {"title": "Hello"}}


@check.passes(args={"url": "https://blog.example.com/post"}, backend=PAGES)
def with_a_list_of_hosts(url: str) -> dict[str, object]:
    from urllib.parse import urlsplit

    import requests

    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname not in ("blog.example.com", "docs.example.com"):
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "Only our blog and our docs can be read."}
    response = requests.get(url, timeout=5, allow_redirects=False)
    return {"status": "success", "data": response.text}


@check.fails(args={"url": "https://blog.example.com/post"}, backend=PAGES)
def with_any_url(url: str) -> dict[str, object]:
    import requests

    response = requests.get(url, timeout=5)
    return {"status": "success", "data": response.text}
