"""`agent_world.trace` as a user meets it."""

from __future__ import annotations

import pytest


def test_a_hand_written_test_can_print_what_happened_as_a_tree(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import httpx
        from opentelemetry import trace

        tracer = trace.get_tracer("shop")

        def test_it_is_drawn(agent_world):
            agent_world.backend({"GET http://shop.example.com/a": {"n": 1}})
            assert agent_world.trace == ""
            with tracer.start_as_current_span("execute_tool get_a") as span:
                span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_a"})
                httpx.get("http://shop.example.com/a", timeout=5)
            httpx.get("http://shop.example.com/a", timeout=5)
            agent_world.clock.advance(2)
            head, tool, within, get, end = agent_world.trace.splitlines()
            assert head == "Trace: 2.0 s of virtual time"
            assert tool.startswith("├── execute_tool get_a [")
            assert within == "│   └── GET http://shop.example.com/a [200]"
            assert get == "├── GET http://shop.example.com/a [200]"
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
