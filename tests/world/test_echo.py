"""Each caller gets its own ids back, and slightly other numbers; who cannot be told apart gets the backend's answer."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_agentready.world import Backend, IncomingRequest
from pytest_agentready.world.echo import Caller, Echo

URL = "https://api.example.com/orders"
BACKEND = Backend.parse(
    {f"GET {URL}/{{id}}": {"id": "17", "number": 17, "price": 9.5, "status": 3, "paid": True, "lines": [{"cents": 950}]}}
)
CALLERS = (Caller(("4821",), {"17": "4821"}, 0), Caller(("7395",), {"17": "7395"}, 1))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("4821", {"id": "4821", "number": 4821, "price": 9.5, "status": 3, "paid": True, "lines": [{"cents": 950}]}),
        ("7395", {"id": "7395", "number": 7395, "price": 10.5, "status": 3, "paid": True, "lines": [{"cents": 951}]}),
        ("17", {"id": "17", "number": 17, "price": 9.5, "status": 3, "paid": True, "lines": [{"cents": 950}]}),
        ("4821?like=7395", {"id": "17", "number": 17, "price": 9.5, "status": 3, "paid": True, "lines": [{"cents": 950}]}),
    ],
)
def test_callers_are_told_apart_by_what_they_ask_for(path: str, answer: Any) -> None:
    found = Echo(BACKEND, CALLERS).answer(IncomingRequest("GET", f"{URL}/{path}", {}, b""))
    assert found is not None
    import json

    assert json.loads(found.content) == answer
