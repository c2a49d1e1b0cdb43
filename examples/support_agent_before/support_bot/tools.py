"""What the support bot can do for a customer."""

import time

import httpx
import requests

from support_bot.confirmations import get_confirmation

ORDERS = "https://api.example.com"
KNOWLEDGE_BASE = "https://kb.example.com"
MAIL = "https://mail.example.com"


def get_order_status(order_id: str) -> str:
    """Look up the status of an order."""
    response = requests.get(f"{ORDERS}/orders/{order_id}")
    return response.json()["status"]


def get_delivery_status(order_id: str) -> dict:
    """Where an order's parcel is. An order that the warehouse does not know yet is pending."""
    try:
        response = requests.get(f"{ORDERS}/orders/{order_id}/delivery", timeout=10)
        response.raise_for_status()
        return {"status": response.json()["status"]}
    except Exception:
        return {"status": "pending"}


def search_knowledge_base(query: str) -> list[dict]:
    """Find help articles for a customer's question."""
    for attempt in range(3):
        try:
            response = httpx.get(f"{KNOWLEDGE_BASE}/search", params={"q": query}, timeout=5)
            response.raise_for_status()
            return [{"title": hit["title"], "url": hit["url"]} for hit in response.json()["hits"]]
        except Exception:
            if attempt < 2:
                time.sleep(attempt + 1)
    return []


async def send_email(to: str, subject: str, body: str) -> dict:
    """Send an email to a customer. REQUIRES explicit user confirmation before execution."""
    # Check if we have a confirmed intent for this exact action
    confirmation_key = f"confirmed:{hash(f'{to}:{subject}')}"
    if not get_confirmation(confirmation_key):
        return {
            "status": "error",
            "error_type": "permanent",
            "retry_safe": False,
            "message": f"CONFIRMATION_REQUIRED: Please confirm you want to send email to {to} with subject '{subject}'",
        }
    async with httpx.AsyncClient(timeout=None) as client:
        response = await client.post(f"{MAIL}/v1/messages", json={"to": to, "subject": subject, "body": body})
        response.raise_for_status()
        return {"status": "success", "data": {"message_id": response.json()["message_id"]}}


def refund_order(order_id: str, cents: int) -> str:
    """Pay money back to a customer."""
    try:
        response = requests.post(f"{ORDERS}/orders/{order_id}/refunds", json={"cents": cents}, timeout=5)
        response.raise_for_status()
        return f"Refunded {cents} cents, reference {response.json()['refund_id']}."
    except Exception as error:
        return f"Refund failed: {error}"
