"""A client that is replaced by a mock is noticed, and one that is not, or is only wrapped, is not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest import mock

import aioresponses
import pytest
import requests
import requests_mock
import responses
import respx

from pytest_agentready.world import mocks

MOCKS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "requests (by responses)": responses.RequestsMock,
    "requests (by requests_mock)": requests_mock.Mocker,
    "httpcore (by respx)": respx.mock,
    "httpx (by respx)": lambda: respx.mock(using="httpx"),
    "aiohttp (by mock)": aioresponses.aioresponses,
    "requests (by mock)": lambda: mock.patch.object(requests.Session, "request"),
}


@pytest.mark.parametrize("told", MOCKS)
def test_a_mock_is_told_by_its_name_while_it_stands(told: str) -> None:
    with MOCKS[told]():
        assert told in mocks.stand_ins()
    assert mocks.stand_ins() == ()


def test_a_wrapper_that_instruments_a_client_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    send = requests.adapters.HTTPAdapter.send

    @functools.wraps(send)
    def traced(*args: object, **kwargs: object) -> object:
        return send(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", traced)
    assert mocks.stand_ins() == ()
