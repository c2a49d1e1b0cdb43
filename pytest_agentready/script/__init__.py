"""What a scripted model does: frozen steps, each of which makes an answer of any request, and the model that goes through them.

    Model(call("get_order", order_id="7"), "It is on its way.")
    Model(for_ever(call("get_order", order_id="7")))
    Model(call("read_page"), obey())
    Model(fail_with("rate_limit", retry_after=20), cut_stream("It is on", after=2), "It is on its way.")

A text is a step that says it, a list of calls one that makes them all at once, and a function of the request one that
decides when it is asked.
"""

from pytest_agentready.script.instructions import instruction
from pytest_agentready.script.language import (
    call,
    cut_stream,
    fail_with,
    for_ever,
    malformed,
    obey,
    repeat_the_system_prompt,
    say,
    unknown_tool,
)
from pytest_agentready.script.model import Model
from pytest_agentready.script.steps import Step

__all__ = [
    "Model",
    "Step",
    "call",
    "cut_stream",
    "fail_with",
    "for_ever",
    "instruction",
    "malformed",
    "obey",
    "repeat_the_system_prompt",
    "say",
    "unknown_tool",
]
