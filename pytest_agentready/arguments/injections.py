"""Texts that become code where they are put into code: each carries a mark that shows where it ends up, and none does any harm.

A line for the shell would run a command that does not exist, a statement would compare a text with itself, Python would call a name
that nobody has. Each is given as what it is called, and the text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

MARK = "agentready_was_here"
EQUAL = f"'{MARK}'='{MARK}'"


def of_shell(usual: str) -> Iterator[tuple[str, str]]:
    yield ";", f"{usual}; {MARK}"
    yield "$(...)", f"{usual}$({MARK})"
    yield "a quote", f"{usual}'; {MARK}; '"
    yield "a double quote", f'{usual}"; {MARK}; "'
    yield "backticks", f"{usual}`{MARK}`"
    yield "|", f"{usual}|{MARK}"
    yield "&", f"{usual}&{MARK}"
    yield "a new line", f"{usual}\n{MARK}"


def of_sql(usual: str, *, backslashes: bool) -> Iterator[tuple[str, str]]:
    """`backslashes`: whether they escape quotes, as they do in MySQL."""
    yield "a quote", f"{usual}' OR {EQUAL} OR '"
    yield "OR", f"{usual} OR {EQUAL}"
    yield "a comma", f"{usual}, {EQUAL}"
    yield "a quote and a comment", f"{usual}' OR {EQUAL} -- "
    yield "a double quote", f'{usual}" OR {EQUAL} OR "'
    yield "WHERE", f"{usual} WHERE {EQUAL} -- "
    if backslashes:
        yield "a backslash", f"{usual}\\' OR {MARK} = 1 -- "


def of_python(usual: str) -> Iterator[tuple[str, str]]:
    yield "a call", f"{MARK}()"
    yield "a quote", f"{usual}' + {MARK}() + '"
    yield "a double quote", f'{usual}" + {MARK}() + "'


def of_loaders() -> Iterator[tuple[str, str]]:
    """For what unpickles, or makes objects of YAML: both name a function in a module that does not exist."""
    pickled = f"c{MARK}\nrun\n.".encode()
    yield "a pickle in base64", base64.b64encode(pickled).decode()
    yield "a pickle in hexadecimal", pickled.hex()
    yield "a pickle", pickled.decode()
    yield "a tag of YAML", f"!!python/object/apply:{MARK}.run []"
