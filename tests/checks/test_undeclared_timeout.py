"""AR201 where the tool's sockets are made in C, or facts are missing: what no run can show."""

from __future__ import annotations

from pytest_agentready.domain import FaultMatrix, Finding, NormalCall, Run, Unproven
from tests.checks.judging import judgements
from tests.examining import as_tool

NOTHING = FaultMatrix(())
BLIND = NormalCall((), obstacle="its sockets cannot be seen: it uses pycurl", blind=("pycurl", "grpc"))


def tool() -> None:
    """Is not called."""


def test_a_client_in_c_without_a_declared_timeout_is_a_finding_that_names_it() -> None:
    (found,) = judgements("AR201", normal_call=BLIND, fault_matrix=NOTHING)
    assert isinstance(found, Finding)
    assert "the sockets of pycurl and grpc are made in C" in found.message


def test_a_declared_timeout_will_do() -> None:
    assert judgements("AR201", tool=as_tool(tool, {"timeout": 5}), normal_call=BLIND, fault_matrix=NOTHING) == []


def test_the_kind_of_a_tool_declares_nothing() -> None:
    (found,) = judgements("AR201", tool=as_tool(tool, {"kind": "db"}), normal_call=BLIND, fault_matrix=NOTHING)
    assert isinstance(found, Finding)


def test_missing_arguments_are_no_missing_timeout() -> None:
    missing = NormalCall((), obstacle="it needs order_id: give args={...} in its agent_tool mark")
    assert judgements("AR201", normal_call=missing, fault_matrix=NOTHING) == [Unproven(missing.obstacle)]


def test_a_missing_backend_is_no_missing_timeout() -> None:
    missing = NormalCall((Run({}, peers=("api.example.com:443",)),), obstacle="nothing answers GET https://api.example.com/")
    assert judgements("AR201", normal_call=missing, fault_matrix=NOTHING) == [Unproven(missing.obstacle)]
