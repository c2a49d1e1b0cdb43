"""Which clause of the user's a cancellation does not get past: read from the source around the lines at which a task waits."""

from __future__ import annotations

import ast
import linecache
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
            tree = ast.parse("".join(linecache.getlines(code.co_filename)))
        except (SyntaxError, ValueError):  # the file has changed, or is none of Python's
            continue
        keeping = [found for node in ast.walk(tree) if (found := _keeping(node, line))]
        if keeping:
            return f"{code.co_filename}:{max(keeping)[1]}"  # the innermost: the `try` that begins last
    return ""


def _keeping(node: ast.AST, line: int) -> tuple[int, int] | None:
    """Where this statement begins, and the line in it that keeps what is raised at the line; None where nothing does."""
    if isinstance(node, ast.Try) and _spans(node.body, line):
        for handler in node.handlers:
            if handler.type is None or CATCHING & set(_names(handler.type)):
                return None if any(_is_raised_again(each, handler.name) for each in _within(handler.body)) else (node.lineno, handler.lineno)
    if isinstance(node, (ast.With, ast.AsyncWith)) and _spans(node.body, line):
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and "suppress" in _names(call.func) and CATCHING & {name for arg in call.args for name in _names(arg)}:
                return node.lineno, node.lineno
    if isinstance(node, ast.Try) and node.lineno <= line and _spans([*node.body, *node.handlers, *node.orelse], line):
        left = [each.lineno for each in _within(node.finalbody) if isinstance(each, ast.Return)]
        return (node.lineno, left[0]) if left else None
    return None


def _spans(body: list[ast.stmt] | list[ast.AST], line: int) -> bool:
    return bool(body) and body[0].lineno <= line <= (body[-1].end_lineno or 0)  # type: ignore[attr-defined]


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
