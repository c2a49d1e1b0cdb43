"""What the mark takes out of the effects: `reads`, which only ask, and `bookkeeping`, the stores of a gate's or a cache's own.

    "POST https://api.example.com/search"          reads      `{name}` stands for one segment of the path
    "POST https://slack.example.com/api/users.*"   reads      many addresses
    "POST https://rpc.example.com/ eth_get*"       reads      a method of JSON-RPC, in the body; of a batch, all of them
    "process:git log"                              reads      a command that begins so: one program, no line for a shell
    "redis:approvals:*"                            keys
    "table:outbox"                                 tables, of SQLite too
    "file:*.lock", "file:logs/*"                   files, by their whole path or by the one from the working directory
    "memory:shop.tools.*", "https://..."           what a module keeps; addresses

`*` and `?` stand for any characters, `/` and `:` among them.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
from collections.abc import Container, Iterable, Iterator

from pytest_agentready.domain.asking import only_asks
from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.observation import Request
from pytest_agentready.domain.subject import Facts
from pytest_agentready.domain.wording import is_slip

PROCESS = "process:"
ANY = {"{": "[^/]+", "*": ".*"}  # of an address, by how a piece of the entry begins
BEYOND_WORDS = re.compile(r"[`\n]|\$\(")  # in a line, another command may stand there
UNSAYABLE = re.compile(r"[\s*?\[]")
SUBCOMMAND = re.compile(r"[A-Za-z][\w-]*")
PARTS = re.compile(r"([/:\s]+)")  # of a name, and what stands between them


def is_read(effect: Effect, facts: Facts) -> bool:
    """Does the mark name it as a read?"""
    return any(_is_read_by(entry, effect) for entry in facts.reads)


def only_reads(request: Request, facts: Facts) -> bool:
    """Does it change nothing at its peer, although its verb is that of a write, by what the mark says or by itself?"""
    target, content = request.url.partition("?")[0], request.body
    return only_asks(request) or any(
        not entry.startswith(PROCESS) and _names_request(entry, request.method, target, content) for entry in facts.reads
    )


def is_bookkeeping(effect: Effect, facts: Facts) -> bool:
    """Does the mark call all that it changes the gate's or a cache's own?"""
    return _all_named(effect, facts.bookkeeping)


def likely_slips(facts: Facts, effects: Iterable[Effect]) -> list[str]:
    """Of each entry that names none of these effects, though one is named nearly so: what may be meant."""
    seen = list(effects)
    found = []
    for fact, entries, matches, names in (
        ("reads", facts.reads, _is_read_by, _readings),
        ("bookkeeping", facts.bookkeeping, _is_kept_by, _every_name),
    ):
        for entry in entries:
            if any(matches(entry, effect) for effect in seen):
                continue
            counting = [effect for effect in seen if not is_read(effect, facts) and not is_bookkeeping(effect, facts)]
            meant = next((near for effect in counting for name in names(effect) if (near := _near(entry, name))), "")
            if meant:
                found.append(f"{fact} has the entry {entry!r}, which nothing matches: did you mean {meant!r}?")
            elif wider := next((wider for effect in counting if (wider := _with_options(entry, effect, facts))), ""):
                found.append(f"{fact} has the entry {entry!r}, and the command does not begin with these words: did you mean {wider!r}?")
    return found


def programs_read(effects: Iterable[Effect], given: Iterable[object]) -> list[str]:
    """How `reads` would name these effects: programs with their subcommands, and what a call has `given` left open.

    No more than that: `git log` reads, and `git` may do anything. None where some are no single command.
    """
    values = {str(value) for value in given}
    found = []
    for effect in effects:
        words = _command(effect) if effect.verb == "start" else []
        if not words:
            return []
        rest = [_left_open(word, values) for word in words[1:]]
        named = [SUBCOMMAND.fullmatch(word) is not None for word in rest]
        first = named.index(True) if True in named else len(rest)
        end = named.index(False, first) if False in named[first:] else len(rest)
        found.append(f"{PROCESS}{' '.join([os.path.basename(words[0]), *rest[:end]])}")
    return list(dict.fromkeys(found))


# -- reads


def _is_read_by(entry: str, effect: Effect) -> bool:
    if entry.startswith(PROCESS):
        return effect.kind == "process" and _begins(entry.removeprefix(PROCESS).split(), effect.content.decode(errors="replace"))
    return effect.kind == "request" and _names_request(entry, effect.verb, effect.target, effect.content)


def _names_request(entry: str, verb: str, target: str, content: bytes) -> bool:
    method, url, *called = entry.split()
    if method.upper() != verb:
        return False
    pattern = "".join(ANY.get(piece[:1], re.escape(piece)) for piece in re.split(r"({\w+}|\*)", url.rstrip("/")))
    if re.fullmatch(pattern, target.rstrip("/"), re.DOTALL) is None:
        return False
    methods = _methods(content)
    return not called or (bool(methods) and all(fnmatch.fnmatchcase(name, called[0]) for name in methods))


def _methods(content: bytes) -> list[str]:
    """Of JSON-RPC: what the body calls; none of any other body."""
    body = content.partition(b"\n")[2] if content.startswith(b"?") else content
    try:
        said = json.loads(body)
    except ValueError:
        return []
    calls = said if isinstance(said, list) else [said]
    names = [call.get("method") if isinstance(call, dict) else None for call in calls]
    return [name for name in names if isinstance(name, str)] if all(isinstance(name, str) for name in names) else []


def _begins(words: list[str], line: str) -> bool:
    """Is it one command, that begins with these words?"""
    said = _words(line)
    if not words or len(said) < len(words) or os.path.basename(said[0]) != os.path.basename(words[0]):
        return False
    return all(fnmatch.fnmatchcase(mine, theirs) for mine, theirs in zip(said[1:], words[1:], strict=False))


def _command(effect: Effect) -> list[str]:
    """The words of a process; none of another effect."""
    return _words(effect.content.decode(errors="replace")) if effect.kind == "process" else []


def _words(line: str) -> list[str]:
    """None of a line in which more than one command stands."""
    if BEYOND_WORDS.search(line):
        return []
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        found = list(lexer)
    except ValueError:  # a quotation without an end
        return []
    return [] if any(word and not word.strip("();<>|&") for word in found) else found


def _readings(effect: Effect) -> Iterator[str]:
    """How the mark would name it."""
    if effect.kind == "request":
        yield f"{effect.verb} {effect.target}"
        yield from (f"{effect.verb} {effect.target} {name}" for name in _methods(effect.content))
    elif effect.kind == "process":
        words = _command(effect)
        yield from (f"{PROCESS}{' '.join([os.path.basename(words[0]), *words[1:size]])}" for size in range(len(words), 0, -1))


def _with_options(entry: str, effect: Effect, facts: Facts) -> str:
    """The entry with what stands between its words in this command, `git -C * log`: options of the program itself, and their values.

    They may do anything (`git -c core.pager=...`), so that it is for the user to let them through. What the call brings is left open.
    """
    wanted = entry.removeprefix(PROCESS).split() if entry.startswith(PROCESS) else []
    said = _command(effect) if wanted else []
    if len(wanted) < 2 or not said or os.path.basename(said[0]) != os.path.basename(wanted[0]):
        return ""
    values = {str(value) for arguments in facts.args or () for value in arguments.values()}
    found, rest, before = [wanted[0]], wanted[1:], ""
    for word in said[1:]:
        if not rest:
            break
        if fnmatch.fnmatchcase(word, rest[0]):
            found.append(rest.pop(0))
        elif word.startswith("-"):
            found.append(word)
        elif before.startswith("-"):  # its value
            found.append(_left_open(word, values))
        else:
            return ""  # `git push log` is another command
        before = word
    return "" if rest else f"{PROCESS}{' '.join(found)}"


def _left_open(word: str, values: Container[str]) -> str:
    """`*` for what another call, or another machine, may well have otherwise, and for what is no single word of an entry."""
    is_path = os.sep in word and not word.startswith("-") and "=" not in word
    return "*" if word in values or is_path or UNSAYABLE.search(word) or not word else word


# -- bookkeeping


def _all_named(effect: Effect, patterns: Iterable[str]) -> bool:
    entries = list(patterns)
    things = list(_names_of(effect))
    return bool(things) and all(any(fnmatch.fnmatchcase(name, entry) for name in names for entry in entries) for names in things)


def _is_kept_by(entry: str, effect: Effect) -> bool:
    return any(fnmatch.fnmatchcase(name, entry) for name in _every_name(effect))


def _every_name(effect: Effect) -> Iterator[str]:
    return (name for names in _names_of(effect) for name in names)


def _names_of(effect: Effect) -> Iterator[tuple[str, ...]]:
    """Of each thing that it changes, the names that it goes by."""
    match effect.kind:
        case "command":
            yield from ((f"redis:{key}",) for key in effect.places)
        case "statement":
            yield from ((f"table:{table}",) for table in effect.places)
        case "file":
            yield from (_paths(path) for path in (effect.target, *(effect.places if effect.verb == "rename" else ())))
        case "memory":
            yield (f"memory:{effect.target}",)
        case _:
            yield (effect.target,)


def _paths(path: str) -> tuple[str, ...]:
    here = os.path.join(os.getcwd(), "")
    return (f"file:{path}", f"file:{path.removeprefix(here)}") if path.startswith(here) else (f"file:{path}",)


def _near(entry: str, name: str) -> str:
    """The entry as it would name this; "" where it is another thing altogether. What stands behind a `*` may be anything."""
    stem, star, rest = entry.partition("*")
    mine, theirs = PARTS.split(stem), PARTS.split(name)
    if star:  # of its last part only the beginning is known
        theirs = [*theirs[: len(mine) - 1], *(part[: len(mine[-1])] for part in theirs[len(mine) - 1 : len(mine)])]
    if len(mine) != len(theirs) or mine[0] != theirs[0]:
        return ""
    return f"{''.join(theirs)}{star}{rest}" if all(map(is_slip, mine, theirs)) else ""
