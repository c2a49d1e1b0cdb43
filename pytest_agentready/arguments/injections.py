"""Texts that become code where they are put into code: each carries a mark that shows where it ends up, and none does any harm.

A line for the shell would run a command that does not exist, a statement would compare a text with itself, Python would call a name
that nobody has. Each is given as what it is called, and the text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Set

MARK = "agentready_was_here"
EQUAL = f"'{MARK}'='{MARK}'"


def of_shell(usual: str) -> Iterator[tuple[str, str]]:
    yield "a semicolon", f"{usual}; {MARK}"
    yield "a substitution, $(...),", f"{usual}$({MARK})"
    yield "a quote", f"{usual}'; {MARK}; '"
    yield "a double quote", f'{usual}"; {MARK}; "'
    yield "backticks", f"{usual}`{MARK}`"
    yield "a pipe", f"{usual}|{MARK}"
    yield "an ampersand", f"{usual}&{MARK}"
    yield "a new line", f"{usual}\n{MARK}"


def of_sql(usual: str, dialects: Set[str]) -> Iterator[tuple[str, str]]:
    """SQLite carries out what fits its grammar alone, so that it takes more forms; others are shown whatever arrives."""
    yield "a quote", f"{usual}' OR {EQUAL} OR '"
    yield "an OR", f"{usual} OR {EQUAL}"
    yield "a double quote", f'{usual}" OR {EQUAL} OR "'
    if "sqlite" in dialects:
        yield "a comma", f"{usual}, {EQUAL}"
        yield "a WHERE", f"{usual} WHERE {EQUAL} -- "
        yield "a quote and a WHERE", f"{usual}' WHERE {EQUAL} -- "
        yield "a double quote and a WHERE", f'{usual}" WHERE {EQUAL} -- '
        yield "a quote and a comment", f"{usual}' OR {EQUAL} -- "
    if "mysql" in dialects:  # where it escapes a quote
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
