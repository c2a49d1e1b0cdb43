"""The happy path, tested exhaustively."""

import asyncio

from support_bot import tools
from support_bot.confirmations import confirm_email


def test_an_order_has_a_status(services):
    services.answers["GET /orders/42"] = {"status": "shipped"}
    assert tools.get_order_status("42") == "shipped"


def test_a_parcel_is_somewhere(services):
    services.answers["GET /orders/42/delivery"] = {"status": "out for delivery"}
    assert tools.get_delivery_status("42") == {"status": "out for delivery"}


def test_the_knowledge_base_is_searched(services):
    services.answers["GET /search"] = {"hits": [{"title": "Refunds", "url": "/refunds"}]}
    assert tools.search_knowledge_base("refund") == [{"title": "Refunds", "url": "/refunds"}]


def test_a_mail_is_sent(services):
    services.answers["POST /v1/messages"] = {"message_id": "m-1"}
    mail = {"to": "ada@example.com", "subject": "Hi", "body": "Your order is on its way."}
    assert "CONFIRMATION_REQUIRED" in asyncio.run(tools.send_email(**mail))["message"]
    confirm_email(**mail)
    assert asyncio.run(tools.send_email(**mail))["data"] == {"message_id": "m-1"}


def test_an_order_is_refunded(services):
    services.answers["POST /orders/42/refunds"] = {"refund_id": "re-1"}
    assert tools.refund_order("42", 500) == "Refunded 500 cents, reference re-1."
