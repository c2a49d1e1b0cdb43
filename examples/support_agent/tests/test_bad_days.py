"""What the agent's tools do on a bad day, in a world of the test's own: no server, and no real pause."""

import asyncio

import pytest
from support_agent.tools import get_order_status, search_knowledge_base

ORDER = {"GET https://api.example.com/orders/{order_id}": {"id": "42", "status": "shipped"}}


def test_a_silent_service_costs_less_than_five_seconds(agent_world):
    agent_world.fault("api.example.com", "response-hang")
    assert get_order_status("42").retry_safe is True
    assert 4 < agent_world.clock.elapsed < 5
    assert len(agent_world.requests) == 2


@pytest.mark.agent_tool(tool=get_order_status, backend=ORDER)
def test_an_unknown_host_is_tried_twice(agent_tool, agent_world):
    assert agent_tool(order_id="42").data["status"] == "shipped"
    agent_world.fault("api.example.com", "dns-failure")
    assert agent_tool(order_id="42").error_type == "transient"
    assert [sleep.seconds for sleep in agent_tool.run.sleeps] == [0.5]


@pytest.mark.agent_tool(tool=search_knowledge_base)
def test_a_search_that_cannot_be_made_finds_nothing_out(agent_tool, agent_world):
    agent_world.fault("kb.example.com", "refused")
    assert asyncio.run(agent_tool(query="refund")).error_type == "transient"
