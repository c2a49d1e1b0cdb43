"""The door of every tool: arguments that do not fit are refused before anything happens, in words that the model can act on."""

import functools
import inspect
from collections.abc import Callable

from pydantic import ValidationError, validate_call

from support_agent.patterns.results import ToolResult


def guarded(tool: Callable) -> Callable:
    """Check the arguments against the tool's own annotations; works for async tools, too."""
    checked = validate_call(tool)

    @functools.wraps(tool)
    def call(*args, **kwargs):
        try:
            return checked(*args, **kwargs)
        except ValidationError as error:
            return _refused(error)

    @functools.wraps(tool)
    async def call_async(*args, **kwargs):
        try:
            return await checked(*args, **kwargs)
        except ValidationError as error:
            return _refused(error)

    return call_async if inspect.iscoroutinefunction(tool) else call


def _refused(error: ValidationError) -> ToolResult:
    wrong = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
    return ToolResult.permanent(f"The arguments do not fit. {wrong}")
