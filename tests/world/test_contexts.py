"""TLS contexts that are older than the run, made as users make them: each verifies in the world as it does outside."""

from __future__ import annotations

import ssl
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import trustme

from pytest_agentready.world import certificates
from tests.world.entering import HTTPS, ORDER, enter, exception

OWN = trustme.CA()


def verifying() -> ssl.SSLContext:
    return ssl.create_default_context()


def with_an_own_authority() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    OWN.configure_trust(context)
    return context


def with_a_certificate_of_the_client() -> ssl.SSLContext:
    context = ssl.create_default_context()
    OWN.issue_cert("client@example.com").configure_cert(context)
    return context


def for_the_newest_protocol() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def not_verifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def not_looking_at_the_host() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


VERIFYING = [verifying(), with_an_own_authority(), with_a_certificate_of_the_client(), for_the_newest_protocol()]
UNVERIFYING = not_verifying()
HOSTLESS = not_looking_at_the_host()


def with_urllib(context: ssl.SSLContext) -> Any:
    with urllib.request.urlopen(HTTPS, timeout=5, context=context) as answer:
        return answer.status


def with_httpx(context: ssl.SSLContext) -> Any:
    with httpx.Client(verify=context) as session:
        return session.get(HTTPS).status_code


async def with_httpx_async(context: ssl.SSLContext) -> Any:
    async with httpx.AsyncClient(verify=context) as session:
        return (await session.get(HTTPS)).status_code


each_client = pytest.mark.parametrize("get", [with_urllib, with_httpx, with_httpx_async], ids=lambda get: get.__name__)
BAD = ["expired-certificate", "untrusted-certificate", "wrong-host-certificate"]


@pytest.mark.parametrize("context", VERIFYING)
@each_client
def test_a_context_that_verifies_accepts_the_world_and_no_bad_certificate(get: Any, context: ssl.SSLContext) -> None:
    assert enter(lambda: get(context)).value == 200
    for fault in BAD:
        run = enter(lambda: get(context), fault)
        assert run.fired == 1
        assert exception(run) in ("URLError", "ConnectError")


@each_client
def test_a_context_that_does_not_verify_accepts_everything(get: Any) -> None:
    assert [enter(lambda: get(UNVERIFYING), fault).value for fault in ("", *BAD)] == [200] * 4


@each_client
def test_a_context_that_does_not_look_at_the_host_accepts_one_of_another(get: Any) -> None:
    found = {fault: enter(lambda: get(HOSTLESS), fault).value for fault in ("", *BAD)}
    assert found == {"": 200, "expired-certificate": None, "untrusted-certificate": None, "wrong-host-certificate": 200}


def test_a_bundle_and_a_certificate_of_files_are_as_good(tmp_path: Path) -> None:
    bundle, client = tmp_path / "ca.pem", tmp_path / "client.pem"
    OWN.cert_pem.write_to_path(str(bundle))
    OWN.issue_cert("client@example.com").private_key_and_cert_chain_pem.write_to_path(str(client))
    get = lambda: requests.get(HTTPS, verify=str(bundle), cert=str(client), timeout=5).json()  # noqa: E731
    assert enter(get).value == ORDER
    assert exception(enter(get, "untrusted-certificate")) == "SSLError"


def test_threads_that_begin_at_once_have_one_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_made", [])
    together = threading.Barrier(8)

    def first() -> certificates.Authority:
        together.wait()
        return certificates.authority()

    with ThreadPoolExecutor(8) as pool:
        assert len({running.result() for running in [pool.submit(first) for _ in range(8)]}) == 1
