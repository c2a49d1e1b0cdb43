"""`pytest-agentready scaffold`: copies patterns into a project, which then owns them."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pytest_agentready.cli.pattern import Pattern, patterns
from pytest_agentready.cli.refusal import Refusal

EPILOG = """\
Nothing is ever overwritten: where another file of that name is there already, nothing at all is written.

example:
  pytest-agentready scaffold results gate --into src/shop/
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "scaffold",
        help="copy patterns (typed results, a confirmation gate, ...) into your code, which then owns them",
        description="Copy patterns into a folder of your code, which then owns them, and say what to install and how to have them checked.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="PATTERN", help="such as results; without any, all are listed")
    parser.add_argument("--into", metavar="FOLDER", help="where to copy them, such as src/shop/; created where it is missing")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> None:
    known = patterns()
    if not given.names and given.into is None:
        print(_listed(known.values()))
        return
    problems = [*_unknown(given.names, known), *_wrong_folder(given.into)]
    if not given.names:
        problems.append(f"Name the patterns to copy: {', '.join(known)}.")
    if problems:
        raise Refusal(*problems)
    copy([known[name] for name in dict.fromkeys(given.names)], Path(given.into).expanduser())


def copy(chosen: Sequence[Pattern], folder: Path) -> None:
    """Write the patterns into the folder, all or none, and tell about it. Raises Refusal."""
    missing, conflicts = [], []
    try:
        for pattern in chosen:
            if conflict := _conflict(pattern, folder):
                conflicts.append(conflict)
            elif not os.path.lexists(folder / pattern.file):
                missing.append(pattern)
        if conflicts:
            listed = "\n".join(f"  {conflict}" for conflict in conflicts)
            remedy = "Choose another folder by --into, or move or delete what you want to have anew."
            raise Refusal(f"Nothing was written, for nothing is ever overwritten. In the way:\n{listed}\n{remedy}")
        created = write_all(folder, {pattern.file: pattern.source for pattern in missing})
    except OSError as failure:
        where = failure.filename or folder
        raise Refusal(f"Nothing was written: {where}: {failure.strerror or failure}. Choose another folder by --into.") from failure
    print("\n".join(_told(chosen, missing, folder, created)))


def write_all(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Write files that are not there yet, all or none; was the folder created? Raises OSError, with everything taken back."""
    undo: list[Callable[[], None]] = []
    folder = Path(os.path.realpath(folder))  # of `new/../shop` only `shop` is to be created
    created = bool(files) and not folder.exists()
    try:
        if created:
            for parent in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
                parent.mkdir()
                undo.append(parent.rmdir)
        for name, content in files.items():
            path = folder / name
            with path.open("xb") as file:  # "x": also what has come into being a moment ago is not overwritten
                undo.append(path.unlink)
                file.write(content)
    except BaseException:  # an interruption, too
        for step in reversed(undo):
            with contextlib.suppress(OSError):
                step()
        raise
    return created


def _unknown(names: Iterable[str], known: Mapping[str, Pattern]) -> Iterator[str]:
    if unknown := [name for name in dict.fromkeys(names) if name not in known]:
        from pytest_agentready.domain import did_you_mean

        yield from (f"There is no pattern {name!r}.{did_you_mean(name, known)}" for name in unknown)
        yield f"The patterns: {', '.join(known)}."


def _wrong_folder(into: str | None) -> Iterator[str]:
    """What is wrong with `--into`, as far as can be told without trying."""
    if not into:
        yield "Name the folder to copy into: `--into src/shop/`."
        return
    try:
        folder = Path(into).expanduser()
    except RuntimeError as nobody:  # ~stranger/
        yield f"--into {into}: {nobody}"
        return
    nearest = next((place for place in (folder, *folder.parents) if os.path.exists(place)), None)
    if nearest is not None and not os.path.isdir(nearest):
        yield f"--into {into}: {nearest} is a file. Name a folder."


def _conflict(pattern: Pattern, folder: Path) -> str:
    """What stands in the way of the pattern, with its path; "" where nothing does, or what is there is the pattern itself."""
    path = folder / pattern.file
    if path.is_dir():
        return f"{path} is a folder"
    if (folder / pattern.name / "__init__.py").exists():
        return f"{folder / pattern.name} is a package, and would hide {pattern.file} from every import"
    if os.path.lexists(path) and not (path.exists() and _same(path.read_bytes(), pattern.source)):
        return f"{path} is there already, with another text"
    return ""


def _same(one: bytes, other: bytes) -> bool:
    """Are they the same text? Git may have given a copy the ends of line of Windows."""
    return one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")


def _listed(known: Iterable[Pattern]) -> str:
    width = max(len(pattern.name) for pattern in known)
    lines = [f"{pattern.name:{width}}  {pattern.summary}" for pattern in known]
    return "\n".join([*lines, "", "Copy them into your code by name: pytest-agentready scaffold results --into src/shop/"])


def _told(chosen: Sequence[Pattern], written: Sequence[Pattern], folder: Path, created: bool) -> Iterator[str]:
    if created:
        yield f"created     {folder}{os.sep}"
    for pattern in chosen:
        yield f"{'wrote' if pattern in written else 'up to date':10}  {folder / pattern.file}"
    if not written:
        return
    if requirements := sorted({name for pattern in written for name in pattern.requirements}):
        yield f"\nYour project needs what this imports: pip install {' '.join(requirements)}"
    else:
        yield "\nThis needs nothing but Python's standard library."
    if options := sorted({name for pattern in written for name in pattern.options}.difference(requirements)):
        yield f"A part of it is handed objects of another package. If you use that part: pip install {' '.join(options)}"
    yield "The code is yours now: change it as you like. Next, mark the tests by which it is checked."
    for pattern in written:
        if pattern.checked_by:
            yield f"\n{pattern.name} is checked by {pattern.checked_by}"
