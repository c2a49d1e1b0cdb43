"""Are the bot and its tools ready for production? They are not: see the README."""

import pytest
from support_bot.agent import answer
from support_bot.confirmations import confirm_email
from support_bot.tools import get_delivery_status, get_order_status, refund_order, search_knowledge_base, send_email


@pytest.mark.agent_tool(
    tool=get_order_status,
    args={"order_id": "42"},
    backend={"GET https://api.example.com/orders/{order_id}": {"id": "42", "status": "shipped"}},
)
def test_get_order_status(readiness_check):
    readiness_check()


@pytest.mark.agent_tool(
    tool=get_delivery_status,
    args={"order_id": "42"},
    backend={"GET https://api.example.com/orders/{order_id}/delivery": {"status": "out for delivery"}},
)
def test_get_delivery_status(readiness_check):
    readiness_check()


@pytest.mark.agent_tool(
    tool=search_knowledge_base,
    args={"query": "refund"},
    backend={"GET https://kb.example.com/search": {"hits": [{"title": "Refunds", "url": "/refunds"}]}},
)
def test_search_knowledge_base(readiness_check):
    readiness_check()


@pytest.mark.agent_tool(
    tool=send_email,
    args={"to": "ada@example.com", "subject": "Your order", "body": "It is on its way."},
    backend={"POST https://mail.example.com/v1/messages": {"message_id": "m-1"}},
    confirm=confirm_email,
)
def test_send_email(readiness_check):
    readiness_check()


@pytest.mark.agent_tool(
    tool=refund_order,
    args={"order_id": "42", "cents": 500},
    backend={"POST https://api.example.com/orders/{order_id}/refunds": {"refund_id": "re-1"}},
)
def test_refund_order(readiness_check):
    readiness_check()


@pytest.mark.agent_loop(
    loop=answer,
    token_budget=50_000,
    context_window=128_000,
    prices={"gpt-4o": {"input": 2.50, "output": 10, "cached": 1.25}},  # dollars per million tokens
)
def test_answer(readiness_check):
    readiness_check()
