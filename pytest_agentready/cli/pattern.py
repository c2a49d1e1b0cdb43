"""The patterns as texts: what each is for, what it needs and which checks look at it, read from its module without importing it."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

PATTERNS = Path(__file__).parent.parent / "patterns"
CHECKED_BY = "\nChecked by "  # begins the last part of a pattern's docstring: which checks look at it, and by which mark

# Where the package to install is named otherwise than what is imported; the longest known beginning of a module's name counts.
DISTRIBUTIONS = {
    "opentelemetry": "opentelemetry-api",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry.semconv": "opentelemetry-semantic-conventions",
}


class Pattern:
    """A module of `pytest_agentready.patterns`."""

    def __init__(self, name: str, source: bytes) -> None:
        self.name = name
        self.source = source  # as it is in the file, to the byte
        self._tree = ast.parse(source)
        self._docstring = inspect.cleandoc(ast.get_docstring(self._tree, clean=False) or "")

    @property
    def file(self) -> str:
        return f"{self.name}.py"

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return self._docstring.partition("\n")[0]

    @property
    def checked_by(self) -> str:
        """Which checks look at it, once a test is marked as is shown; "" where it does not say."""
        return self._docstring.partition(CHECKED_BY)[2]

    @property
    def requirements(self) -> tuple[str, ...]:
        """The distributions without which it cannot be imported, as pip knows them, sorted."""
        return tuple(sorted({distribution_of(module) for module in self._imported(at_run_time=True)}))

    @property
    def options(self) -> tuple[str, ...]:
        """Those that it only knows the types of: whoever hands it their objects has them installed."""
        return tuple(sorted({distribution_of(module) for module in self.imports} - {*self.requirements}))

    @property
    def imports(self) -> Iterator[str]:
        """What it imports beside the standard library, at whatever place: `redis.asyncio.Redis`."""
        yield from self._imported(at_run_time=True)
        yield from self._imported(at_run_time=False)

    def _imported(self, *, at_run_time: bool) -> Iterator[str]:
        guards = (node for node in ast.walk(self._tree) if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        for_types = {node for guard in guards for statement in guard.body for node in ast.walk(statement)}
        for node in ast.walk(self._tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
            if (node not in for_types) is at_run_time:
                yield from (name for name in names if name.partition(".")[0] not in sys.stdlib_module_names)


def patterns(folder: Path = PATTERNS) -> dict[str, Pattern]:
    """All of them by name, in the order of the alphabet."""
    return {path.stem: Pattern(path.stem, path.read_bytes()) for path in sorted(folder.glob("[!_]*.py"))}


def distribution_of(module: str) -> str:
    """What to install for it: `opentelemetry-api` for `opentelemetry.trace`."""
    parts = module.split(".")
    beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((DISTRIBUTIONS[name] for name in beginnings if name in DISTRIBUTIONS), parts[0].replace("_", "-"))
