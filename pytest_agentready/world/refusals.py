"""Whether an exception is the code's own word about what it was given, or an operation that went wrong with it."""

from __future__ import annotations

import dis
import re
from types import TracebackType

from pytest_agentready.world import stack

# What validating libraries raise, wherever they stand between the caller and the tool.
VALIDATORS = frozenset(
    {"attr", "beartype", "cerberus", "jsonschema", "marshmallow", "msgspec", "pydantic", "pydantic_core", "typeguard", "voluptuous"}
)
# Python's own words at a door that arguments do not fit through.
BINDING = re.compile(r"(?:missing \d+ required|got an unexpected keyword|got multiple values for|takes \d+ positional|takes no) ")


def is_refusal(error: BaseException) -> bool:
    """A `raise` or an `assert` of the user's, a validation's error, or a call that could not even begin."""
    innermost = None
    met_user = False
    step = error.__traceback__
    while step is not None:
        innermost = step
        met_user = met_user or stack.is_users(step.tb_frame.f_code)
        step = step.tb_next
    if innermost is None or not met_user:
        return True
    if any(cls.__module__.partition(".")[0] in VALIDATORS for cls in type(error).__mro__):
        return True
    if isinstance(error, TypeError) and BINDING.search(str(error)):
        return True
    return stack.is_users(innermost.tb_frame.f_code) and _raises(innermost)


def _raises(step: TracebackType) -> bool:
    """Does the line say `raise`, or `assert`? An operation that failed stands at an instruction of its own."""
    return dis.opname[step.tb_frame.f_code.co_code[step.tb_lasti]] == "RAISE_VARARGS"
