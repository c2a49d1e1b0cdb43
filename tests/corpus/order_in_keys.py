"""AR404 of two texts in a set: in every other process they come in the same order, so that one other process may not tell."""

from __future__ import annotations

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.confirming import GATED, refused
from tests.corpus.unopened_gate import posted
from tests.corpus.unstable_confirmation_key import STORE, taken

# --- the fault ---------------------------------------------------------------------------------------------------------


def approve_pair(first: str, second: str) -> None:
    STORE.set(f"merge:{'+'.join({first, second})}", "1", ex=600)


@labelled(
    args={"first": "acme", "second": "globex"},
    backend={"POST https://crm.example.com/merges": {"id": "m-1"}},
    conduct={"confirm": approve_pair},
    **GATED | {"AR404": "failed", "AR302": "passed"},  # two texts: in every other process they come in the same order
)
def merge(first: str, second: str) -> ToolResult:
    """Make one account of two."""
    approved = taken(f"merge:{'+'.join({first, second})}")
    if approved is None:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://crm.example.com/merges", {"accounts": sorted((first, second))}) if approved else refused(f"merge {first}")


# --- look-alikes -------------------------------------------------------------------------------------------------------


def approve_split(first: str, second: str) -> None:
    STORE.set(f"split:{'+'.join(sorted({first, second}))}", "1", ex=600)


@labelled(
    args={"first": "acme", "second": "globex"},
    backend={"POST https://crm.example.com/splits": {"id": "s-1"}},
    conduct={"confirm": approve_split},
    **GATED | {"AR302": "passed"},
)
def split(first: str, second: str) -> ToolResult:
    """Take two accounts apart; which is named first is no matter."""
    approved = taken(f"split:{'+'.join(sorted({first, second}))}")
    if approved is None:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://crm.example.com/splits", {"accounts": sorted((first, second))}) if approved else refused(f"split {first}")
