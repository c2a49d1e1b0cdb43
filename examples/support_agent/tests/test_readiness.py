"""Are the agent and its tools ready for production? One item for each of them and each item of the checklist."""

from functools import partial

import pytest
from support_agent import agent, agent_openai
from support_agent.gate import approve, current_user
from support_agent.limits import DOLLARS, TOKENS
from support_agent.tools import get_delivery_status, get_order_status, refund_order, search_knowledge_base, send_email


@pytest.fixture(autouse=True)
def session():
    """Somebody is logged in."""
    token = current_user.set("ada")
    yield
    current_user.reset(token)


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
    backend={
        "GET https://kb.example.com/search": {
            "hits": [{"id": 9, "title": "Refund a gift", "url": "/9"}, {"id": 2, "title": "Refunds", "url": "/2"}]
        }
    },
)
def test_search_knowledge_base(readiness_check):
    readiness_check()


@pytest.mark.agent_tool(
    tool=send_email,
    args={"to": "ada@example.com", "subject": "Your order", "body": "It is on its way."},
    backend={"POST https://mail.example.com/v1/messages": {"message_id": "m-1"}},
    confirm=partial(approve, "send_email"),
    user=current_user,
)
def test_send_email(readiness_check):
    readiness_check()


@pytest.mark.agent_tool(
    tool=refund_order,
    args={"order_id": "42", "cents": 500},
    backend={"POST https://api.example.com/orders/{order_id}/refunds": {"refund_id": "re-1"}},
    confirm=partial(approve, "refund_order"),
    user=current_user,
)
def test_refund_order(readiness_check):
    readiness_check()


@pytest.mark.agent_loop(loop=agent.answer, token_budget=TOKENS, limits=DOLLARS)
def test_the_agent_on_anthropic(readiness_check):
    readiness_check()


@pytest.mark.agent_loop(loop=agent_openai.answer, token_budget=TOKENS, limits=DOLLARS)
def test_the_agent_on_openai(readiness_check):
    readiness_check()
