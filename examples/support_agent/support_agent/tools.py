"""What the support agent can do for a customer."""

import uuid
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from support_agent.client import call, call_async
from support_agent.gate import refusal
from support_agent.guard import guarded
from support_agent.models import Delivery, Order, Receipt, Refund, SearchResult
from support_agent.patterns.results import ToolResult

ORDERS = "https://api.example.com"
KNOWLEDGE_BASE = "https://kb.example.com"
MAIL = "https://mail.example.com"

OrderId = Annotated[str, Field(description="The order's number, such as 1001", min_length=1)]


@guarded
def get_order_status(order_id: OrderId) -> ToolResult:
    """Look up the status of an order."""
    return call("GET", f"{ORDERS}/orders/{_segment(order_id)}", Order)


@guarded
def get_delivery_status(order_id: OrderId) -> ToolResult:
    """Where an order's parcel is."""
    return call("GET", f"{ORDERS}/orders/{_segment(order_id)}/delivery", Delivery)


@guarded
async def search_knowledge_base(
    query: Annotated[str, Field(description="What the customer wants to know, in their own words")],
) -> ToolResult:
    """Find help articles for a customer's question."""
    result = await call_async("GET", f"{KNOWLEDGE_BASE}/search", SearchResult, params={"q": query})
    if result.status == "success":  # the model reads, and the customer waits for, no more than a page of them
        result.data["hits"] = result.data["hits"][:20]
    return result


@guarded
async def send_email(to: str, subject: str, body: str) -> ToolResult:
    """Send an email to a customer.

    Args:
        to: The customer's address, such as ada@example.com.
        subject: One line that says what it is about.
        body: The text, without HTML.
    """
    mail = {"to": to, "subject": subject, "body": body}
    if refused := refusal("send_email", **mail):
        return refused
    return await call_async("POST", f"{MAIL}/v1/messages", Receipt, json=mail, headers=_idempotency("mail", to, subject, body))


@guarded
def refund_order(order_id: OrderId, cents: Annotated[int, Field(description="The amount in euro cents", gt=0)]) -> ToolResult:
    """Pay money back to a customer."""
    if refused := refusal("refund_order", order_id=order_id, cents=cents):
        return refused
    url = f"{ORDERS}/orders/{_segment(order_id)}/refunds"
    return call("POST", url, Refund, json={"cents": cents}, headers=_idempotency("refund", order_id, str(cents)))


def _segment(text: str) -> str:
    """An id that the model made up cannot reach another path."""
    return quote(text, safe="")


def _idempotency(*action: str) -> dict[str, str]:
    """The same action has the same key, in every process: the service carries it out once, however often it is asked."""
    return {"Idempotency-Key": str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(action)))}
