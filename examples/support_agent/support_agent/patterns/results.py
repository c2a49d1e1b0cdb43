"""A typed result: the model can tell a success from a failure, and a failure worth a retry from one that is none.

The article's pattern 1. What was corrected in it:

- It let an error go without a class, a success with one, and a failure for good be `retry_safe`: combinations from which nobody can tell
  what to do next. They are refused where they are made.
- It called every timeout safe to retry. After a write that may have happened all the same it is not: `transient(..., retry_safe=False)`.

Copy this module into your project, or write your own class of the same shape: `status`, and for an error `error_type`, `retry_safe` and
`message`. It serves sync and async tools alike.

Checked by AR101-AR104, once a test marks a tool that returns it:

    @pytest.mark.agent_tool(tool=get_order, args={"id": 7}, backend={"GET https://api.example.com/orders/7": {"state": "shipped"}})
    def test_get_order(readiness_check):
        readiness_check()
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, model_validator

ErrorType = Literal["transient", "permanent", "rate_limit"]


class ToolResult(BaseModel):
    """What a tool gives back to the model."""

    status: Literal["success", "error"]
    data: Any = None
    error_type: ErrorType | None = None
    retry_safe: bool = False
    message: str = ""

    @model_validator(mode="after")
    def _an_error_says_what_it_is(self) -> ToolResult:
        if self.status == "error" and self.error_type is None:
            raise ValueError("an error needs an error_type, by which the model decides what to do next")
        if self.status == "success" and self.error_type is not None:
            raise ValueError("a success has no error_type: what has failed in part is an error")
        if self.retry_safe and self.error_type == "permanent":
            raise ValueError("what has failed for good is not retry_safe: name it transient, or leave that out")
        return self

    @classmethod
    def success(cls, data: Any = None) -> ToolResult:
        return cls(status="success", data=data)

    @classmethod
    def transient(cls, message: str, *, retry_safe: bool = True) -> ToolResult:
        """The peer failed for now. Set `retry_safe=False` where a write may have happened all the same."""
        return cls(status="error", error_type="transient", retry_safe=retry_safe, message=message)

    @classmethod
    def rate_limited(cls, message: str) -> ToolResult:
        return cls(status="error", error_type="rate_limit", retry_safe=True, message=message)

    @classmethod
    def permanent(cls, message: str) -> ToolResult:
        """The same call will never work: the model has to do something else."""
        return cls(status="error", error_type="permanent", retry_safe=False, message=message)
