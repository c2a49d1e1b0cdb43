"""A path that a model makes up leads wherever it says: to `../../.env`, to `/etc/passwd`, to the keys of the machine.

A tool that reads or writes files for an agent works in a folder, and whoever can make the model say a path (a mail, a web page, a
ticket) tries to leave it. Where the tool has no folder at all, every file that its process may open is within reach.
A look for `..` in the text is not enough: the path that counts is the one that the system resolves.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import Abuse, Check, Finding, Judgement, NormalCall, NotApplicable, Severity, Tool, Unproven, listed

check = Check(
    id="AR905",
    title="A path argument leaves its folder",
    severity=Severity.HIGH,
    profile="standard",
    fix=(
        "Name the folder, and compare what the system resolves: `path = (ROOT / name).resolve()`, and refuse it unless "
        "`path.is_relative_to(ROOT.resolve())`."
    ),
    since="0.1",
)

FILE_URL = "a file: URL"
BY_URL = 'Let through `http` and `https` alone: `if urlsplit(url).scheme not in ("http", "https")`, before anything is opened.'
ANYWHERE = {"../", "an absolute path"}


@check
def judge(tool: Tool, normal_call: NormalCall, escaping_paths: Abuse) -> Iterator[Judgement]:
    if escaping_paths.nothing:
        unclear = normal_call.obstacle and escaping_paths.might
        yield Unproven(normal_call.obstacle) if unclear else NotApplicable(escaping_paths.nothing)
        return
    for found in escaping_paths.guards:
        forms = list(dict.fromkeys(breach.form for breach in found))
        names = listed(dict.fromkeys(breach.parameter for breach in found))
        by_url = all(form.startswith(FILE_URL) for form in forms)
        story = (
            f"{names} is an address, and {listed(forms)} opens any file that the process may reach"
            if by_url
            else f"{names} can name any file that the process may reach, and nothing keeps it in a folder: {listed(forms)} lead out of it"
            if set(forms) >= ANYWHERE
            else f"{names} leads out of the tool's folder, by {listed(forms)}"
        )
        kinds = listed(dict.fromkeys(breach.kind for breach in found))
        what = "folder" if kinds == "listed" else "file"
        yield Finding(
            f"{story} (each call was stopped before a {what} outside was {kinds})",
            where=found[0].where or tool.source,
            evidence={f"{breach.parameter} with {breach.form}": f"stopped before a file outside was {breach.kind}" for breach in found},
            fix=BY_URL if by_url else "",
        )
    if normal_call.obstacle:
        yield Unproven(normal_call.obstacle)
    elif escaping_paths.gap:
        yield Unproven(escaping_paths.gap)


@check.passes(args={"name": "today.txt"})
def with_a_folder(name: str) -> dict[str, object]:
    import tempfile
    from pathlib import Path

    root = Path(tempfile.gettempdir(), "notes-of-the-agent").resolve()
    root.mkdir(exist_ok=True)
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "Only the notes can be read."}
    path.touch()
    return {"status": "success", "data": path.read_text()}


@check.fails(args={"name": "today.txt"})
def with_any_path(name: str) -> dict[str, object]:
    import tempfile
    from pathlib import Path

    root = Path(tempfile.gettempdir(), "notes-of-the-agent")
    root.mkdir(exist_ok=True)
    (root / "today.txt").touch()
    return {"status": "success", "data": (root / name).read_text()}
