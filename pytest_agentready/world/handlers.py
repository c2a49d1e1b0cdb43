"""Which clause of the user's a cancellation does not get past: read from the source around the lines at which a task waits."""

from __future__ import annotations

import ast
import linecache
import warnings
from collections.abc import Iterable, Iterator
from types import CodeType

Place = tuple[CodeType, int]  # of the user's code, and the line at which it waits

CATCHING = frozenset({"BaseException", "CancelledError"})


def that_keeps(places: Iterable[Place]) -> str:
    """The clause that catches a cancellation and does not raise it again, as `path:line`; "" where none is found.

    The places are those of the frames that the cancellation passes, from the innermost on.
    """
    for code, line in places:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what Python has to say about the user's code is not ours to repeat
                tree = ast.parse("".join(linecache.getlines(code.co_filename)))
        except (SyntaxError, ValueError):  # the file has changed, or is none of Python's
            continue
        keeping = [found for node in ast.walk(tree) if (found := _keeping(node, line))]
        if keeping:
            return f"{code.co_filename}:{max(keeping)[1]}"  # the innermost: the `try` that begins last
    return ""


def _keeping(node: ast.AST, line: int) -> tuple[int, int] | None:
    """Where this statement begins, and the line in it that keeps what is raised at the line; None where nothing does."""
    if isinstance(node, ast.Try):
        kept = _by_handler(node, line) or _by_leaving(node, line)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        kept = node.lineno if _spans(node.body, line) and any(_suppresses(item.context_expr) for item in node.items) else None
    else:
        kept = None
    return None if kept is None else (node.lineno, kept)  # type: ignore[attr-defined]


def _by_handler(node: ast.Try, line: int) -> int | None:
    catching = (each for each in node.handlers if each.type is None or CATCHING & set(_names(each.type)))
    first = next(catching, None)
    if first is None or not _spans(node.body, line):
        return None
    return None if any(_is_raised_again(each, first.name) for each in _within(first.body)) else first.lineno


def _by_leaving(node: ast.Try, line: int) -> int | None:
    """A `return` within `finally`."""
    if not node.finalbody or not node.lineno <= line < node.finalbody[0].lineno:
        return None
    return next((each.lineno for each in _within(node.finalbody) if isinstance(each, ast.Return)), None)


def _suppresses(expression: ast.expr) -> bool:
    if not isinstance(expression, ast.Call) or "suppress" not in _names(expression.func):
        return False
    return bool(CATCHING & {name for argument in expression.args for name in _names(argument)})


def _spans(body: list[ast.stmt], line: int) -> bool:
    return body[0].lineno <= line <= (body[-1].end_lineno or 0)


def _names(expression: ast.expr) -> Iterator[str]:
    """The last names of what is listed: `asyncio.CancelledError` is CancelledError."""
    for each in expression.elts if isinstance(expression, ast.Tuple) else [expression]:
        if isinstance(each, (ast.Name, ast.Attribute)):
            yield each.id if isinstance(each, ast.Name) else each.attr


def _is_raised_again(node: ast.AST, name: str | None) -> bool:
    return isinstance(node, ast.Raise) and (node.exc is None or (isinstance(node.exc, ast.Name) and node.exc.id == name))


def _within(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes of these statements but those of functions that are defined there."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))
