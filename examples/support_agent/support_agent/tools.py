"""What the support agent can do for a customer."""

import uuid
from urllib.parse import quote

from pytest_agentready.patterns.results import ToolResult
from support_agent.client import call, call_async
from support_agent.models import Delivery, Order, Receipt, Refund, SearchResult

ORDERS = "https://api.example.com"
KNOWLEDGE_BASE = "https://kb.example.com"
MAIL = "https://mail.example.com"


def get_order_status(order_id: str) -> ToolResult:
    """Look up the status of an order."""
    return call("GET", f"{ORDERS}/orders/{_segment(order_id)}", Order)


def get_delivery_status(order_id: str) -> ToolResult:
    """Where an order's parcel is."""
    return call("GET", f"{ORDERS}/orders/{_segment(order_id)}/delivery", Delivery)


async def search_knowledge_base(query: str) -> ToolResult:
    """Find help articles for a customer's question."""
    result = await call_async("GET", f"{KNOWLEDGE_BASE}/search", SearchResult, params={"q": query})
    if result.status == "success":  # the model reads, and the customer waits for, no more than a page of them
        result.data["hits"] = result.data["hits"][:20]
    return result


async def send_email(to: str, subject: str, body: str) -> ToolResult:
    """Send an email to a customer."""
    mail = {"to": to, "subject": subject, "body": body}
    return await call_async("POST", f"{MAIL}/v1/messages", Receipt, json=mail, headers=_idempotency("mail", to, subject, body))


def refund_order(order_id: str, cents: int) -> ToolResult:
    """Pay money back to a customer."""
    url = f"{ORDERS}/orders/{_segment(order_id)}/refunds"
    return call("POST", url, Refund, json={"cents": cents}, headers=_idempotency("refund", order_id, str(cents)))


def _segment(text: str) -> str:
    """An id that the model made up cannot reach another path."""
    return quote(text, safe="")


def _idempotency(*action: str) -> dict[str, str]:
    """The same action has the same key, in every process: the service carries it out once, however often it is asked."""
    return {"Idempotency-Key": str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(action)))}
