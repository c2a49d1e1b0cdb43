"""Nothing is sent or paid before the customer has agreed to exactly that: this tool, these arguments, by this user, once, and soon."""

from contextvars import ContextVar

from support_agent.patterns.gate import Approvals, call_key
from support_agent.patterns.results import ToolResult

current_user: ContextVar[str] = ContextVar("current_user")  # set by the chat session
approvals = Approvals()


def approve(tool: str, **arguments: object) -> None:
    """The user has agreed to this call. The chat window says so, never the model."""
    approvals.grant(call_key(tool, current_user.get(), arguments))


def refusal(tool: str, **arguments: object) -> ToolResult | None:
    """What to answer where this call is not approved; None where it is, and the approval is used up."""
    if approvals.take(call_key(tool, current_user.get(), arguments)):
        return None
    call = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return ToolResult.permanent(f"CONFIRMATION_REQUIRED: ask the user to confirm {tool}({call}).")
