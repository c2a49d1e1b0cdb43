"""How a tool is called in its normal way: after the confirmation of exactly this call, where it has one.

The approval is given in the same world, and is none of the record. What it leaves in the memory of the user's modules is put back
afterwards: an approval that was not used up must not open the gate for another experiment.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any

from pytest_agentready.arguments.self_service import closed, is_switch, is_token
from pytest_agentready.domain import Run, Tool, read, structure_of
from pytest_agentready.experiments.memory import Memory
from pytest_agentready.experiments.reach import function_of
from pytest_agentready.world import Limits, Stay, WireFault, observe, stay
from pytest_agentready.world.run import finished


class CannotConfirm(Exception):
    """The marker's `confirm` does not work; the message says what it did."""


def called(
    tool: Tool,
    arguments: Mapping[str, Any],
    *,
    call: Callable[..., Any] | None = None,
    fault: WireFault | None = None,
    spared: int = 0,
    limits: Limits | None = None,
    strict: bool = False,
) -> Run:
    """One call of the tool, or of `call` in its place. Raises BackendFailed and, where it is to be `strict`, CannotConfirm."""
    call = tool.call if call is None else call
    confirm = tool.facts.confirm
    if confirm is None:
        return observe(call, arguments, backend=tool.facts.backend, fault=fault, spared=spared, limits=limits)

    def visit(world: Stay) -> Run:
        given = confirmed(world, tool, arguments) if strict else approve(world, tool, arguments)[1]
        if fault is not None:
            world.fault(fault, spared)
        return replace(world.call(call, given), arguments=dict(arguments))

    with memory_of(tool).restored():
        return stay(visit, backend=tool.facts.backend, limits=limits or Limits())


@functools.lru_cache(maxsize=1)
def memory_of(tool: Tool) -> Memory:
    return Memory((tool.call, tool.facts.confirm))


def called_in(world: Stay, tool: Tool, arguments: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> Run:
    """A call in a world of several. The value of the run is what the result is made of: it holds nothing open, and can be compared.

    `given` are the arguments with the token of an approval, where there is one.
    """
    run = world.call(tool.call, arguments if given is None else given)
    return replace(read(tool, run), arguments=dict(arguments), value=structure_of(run.value) if run.returned else None)


def confirmed(world: Stay, tool: Tool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """A human approves of exactly this call, where the tool has a gate; with what the call is then to be made. Raises CannotConfirm."""
    if tool.facts.confirm is None:
        return arguments
    confirming, given = approve(world, tool, arguments)
    if problem := problem_of(tool, confirming):
        raise CannotConfirm(problem)
    return given


def approve(world: Stay, tool: Tool, arguments: Mapping[str, Any]) -> tuple[Run, Mapping[str, Any]]:
    """The call of `confirm`, and the arguments with the token that it gives, whether it works or not.

    Where it looks for a call that waits for it, that is made first.
    """
    confirm = tool.facts.confirm
    assert confirm is not None
    confirming = world.call(confirm, arguments)
    if confirming.raised is not None and not _misfit(tool, arguments):
        world.call(tool.call, arguments)
        second = world.call(confirm, arguments)
        confirming = second if second.raised is None else confirming
    return confirming, with_token(token_names(tool), arguments, confirming.value)


def shut(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without what the model could say to open the gate: what has a default is left out."""
    gates = {parameter.name: parameter for parameter in tool.interface().offered if is_switch(parameter)}
    kept = {name: value for name, value in arguments.items() if name not in gates or gates[name].required}
    return {name: closed(gates[name]) if name in gates else value for name, value in kept.items()}


def memory_kept(tool: Tool) -> contextlib.AbstractContextManager[None]:
    """What approvals leave in memory is gone afterwards. A tool without a gate remembers what it remembers."""
    return contextlib.nullcontext() if tool.facts.confirm is None else memory_of(tool).restored()


def confirm_first(tool: Tool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Within a run: the approval of one more call. What it raises is of no interest there."""
    if tool.facts.confirm is None:
        return arguments
    try:
        return with_token(token_names(tool), arguments, finished(tool.facts.confirm(**arguments)))
    except Exception:
        return arguments


def token_names(tool: Tool) -> tuple[str, ...]:
    """The tool's parameters for what an approval gives."""
    return tuple(parameter.name for parameter in tool.interface().parameters if is_token(parameter.name))


def with_token(names: Sequence[str], arguments: Mapping[str, Any], approval: object) -> Mapping[str, Any]:
    """A token that the approval gives belongs into the tool's parameter for it."""
    if approval is None or isinstance(approval, bool):
        return arguments
    if isinstance(approval, Mapping):
        return {**arguments, **{name: approval[name] for name in names if name in approval}}
    return {**arguments, names[0]: approval} if len(names) == 1 and isinstance(approval, (str, int)) else arguments


@contextlib.contextmanager
def called_within(tool: Tool, caller: Callable[..., Any] | None) -> Iterator[list[str]]:
    """The calls of the tool's own code that `caller` makes meanwhile, in this thread: the file and line of each."""
    own, outer = (getattr(function_of(call), "__code__", None) for call in (tool.call, caller))
    found: list[str] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or frame.f_code is not own:
            return
        above = frame.f_back
        while above is not None and above.f_code is not outer:
            above = above.f_back
        if above is not None:
            found.append(f"{above.f_code.co_filename}:{above.f_lineno}")

    if own is None or outer is None or own is outer or sys.getprofile() is not None:  # a profiler's place is its own
        yield found
        return
    sys.setprofile(profile)
    try:
        yield found
    finally:
        sys.setprofile(None)


def problem_of(tool: Tool, confirming: Run) -> str:
    """What is wrong with this call of `confirm`; "" where nothing is."""
    name = confirm_name(tool)
    if confirming.ending is not None:
        return f"{name} does not end: {confirming.ending.story}"
    if confirming.raised is None:
        return ""
    raised = confirming.raised
    said = f"{raised.kind}: {raised.message}" if raised.message else raised.kind
    where = f" ({raised.where})" if raised.where else ""
    if confirming.refused:
        return f"{name} raises {said}{where}, after the world has held back {confirming.refused[0]}"
    if misfit := _misfit(tool, confirming.arguments):
        return f"{name} does not take the tool's own arguments ({misfit}): it is called with them, by name, to approve exactly that call"
    return f"{name} raises {said}{where}: it is called with the tool's own arguments, to record a human's approval of exactly that call"


def confirm_name(tool: Tool) -> str:
    confirm = tool.facts.confirm
    return "" if confirm is None else f"confirm={getattr(confirm, '__name__', type(confirm).__name__)}"


def _misfit(tool: Tool, arguments: Mapping[str, Any]) -> str:
    assert tool.facts.confirm is not None
    try:
        inspect.signature(tool.facts.confirm).bind(**arguments)
    except TypeError as misfit:
        return str(misfit)
    except ValueError:  # it has no signature
        pass
    return ""
