"""AR104 of a 503: a proxy says it, too, where the service behind it broke off, with the write done. A read may be repeated."""

from __future__ import annotations

import httpx

from pytest_agentready import Response
from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, unreadable

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "42"},
    backend={"GET https://pay.example.com/refunds/{order}": {"state": "paid"}},
    AR104="failed",  # a read may always be repeated: an outage is no reason not to
)
def refund_state(order_id: str) -> ToolResult:
    """Whether a refund was paid."""
    try:
        response = httpx.get(f"https://pay.example.com/refunds/{order_id}", timeout=5)
        if response.status_code == 503:
            return ToolResult.transient("The payments are being looked after.", retry_safe=False)
        response.raise_for_status()
        return ToolResult.success(str(response.json()["state"]))
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "42", "cents": 500},
    backend={"POST https://pay.example.com/refunds": Response(status=201, json={"refund_id": "re_1"})},
    # A 503 may come of a proxy, behind which the refund was paid before the connection broke: not to repeat it is right there, too.
)
def careful_refund(order_id: str, cents: int) -> ToolResult:
    """Pay money back to a customer."""
    try:
        response = httpx.post("https://pay.example.com/refunds", json={"order": order_id, "cents": cents}, timeout=5)
        if response.status_code >= 500:
            return ToolResult.transient("The refund may have been paid. Check the order before another attempt.", retry_safe=False)
        response.raise_for_status()
        return ToolResult.success(response.json()["refund_id"])
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.HTTPStatusError) as error:
        return from_httpx(error)
    except httpx.HTTPError:
        return ToolResult.transient("The refund may have been paid. Check the order before another attempt.", retry_safe=False)
    except (ValueError, KeyError, TypeError):
        return ToolResult.permanent("The refund was accepted with an answer that could not be read.")
