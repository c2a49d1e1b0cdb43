"""Arguments that do not fit: told with the parameters that there are, and with the name that may be meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any

from pytest_agentready.arguments.annotations import signature_of
from pytest_agentready.domain import did_you_mean, listed
from pytest_agentready.world import stack


def misfit(call: Callable[..., Any], arguments: Mapping[str, Any], error: TypeError) -> str:
    """Why Python refused this call by name before a line of it ran; "" where the error has another reason.

    A decorator may well add arguments, or take some away: only a call that was refused is compared with the signature.
    """
    signature = signature_of(call)
    if signature is None or _has_begun(error.__traceback__):
        return ""
    try:
        signature.bind(**arguments)
    except TypeError:
        return f"it does not fit {shown(call)}: {'; '.join(_problems(signature, arguments))}"
    return ""


def shown(call: Callable[..., Any]) -> str:
    """`get_order(order_id, timeout=3)`"""
    return f"{name_of(call)}{signature_of(call) or '(...)'}"


def name_of(call: Callable[..., Any]) -> str:
    return getattr(call, "__name__", "") or type(call).__name__


def takes(call: Callable[..., Any], name: str) -> bool:
    """Has it a parameter of this name, or one for all names?"""
    signature = signature_of(call)
    if signature is None:
        return False
    return any(p.kind is p.VAR_KEYWORD or (p.name == name and p.kind in _BY_NAME) for p in signature.parameters.values())


_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _has_begun(trace: TracebackType | None) -> bool:
    """Did a line run that is not ours?"""
    while trace is not None:
        if not stack.is_ours(trace.tb_frame.f_code):
            return True
        trace = trace.tb_next
    return False


def _problems(signature: inspect.Signature, arguments: Collection[str]) -> list[str]:
    parameters = signature.parameters.values()
    named = [p.name for p in parameters if p.kind in _BY_NAME]
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.default is p.empty]
    missing = [p.name for p in parameters if p.kind in _BY_NAME and p.default is p.empty and p.name not in arguments]
    is_open = any(p.kind is p.VAR_KEYWORD for p in parameters)
    found = [f"it needs {listed(missing)}"] if missing else []
    if positional:
        found.append(f"it takes {listed(positional)} by position alone")
    unknown = [] if is_open else [name for name in arguments if name not in named]
    found += [f"there is no parameter {name!r}.{did_you_mean(name, named)}".removesuffix(".") for name in unknown]
    return found
