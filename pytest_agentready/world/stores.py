"""The contents that a simulated Redis begins a run with: the backend's keys `redis://host:port/db`.

Values are text, bytes or numbers; a dict is a hash, a list a list, a set a set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Plain = (str, bytes, int, float)


@dataclass(frozen=True)
class Store:
    """One database of one Redis."""

    number: int
    contents: Mapping[str | bytes, Any]

    @classmethod
    def parse(cls, key: str, path: str, contents: object) -> Store:
        """Raises ValueError, with everything that is wrong with the contents of this key."""
        problems = []
        if not (path.isdecimal() or not path):
            problems.append(f"backend key {key!r} has the database {path!r}: Redis numbers them, such as 0")
        if not isinstance(contents, Mapping):
            problems.append(f"the contents of backend key {key!r} are {contents!r}: give a dict of keys and values, or {{}}")
        else:
            problems += [
                f"backend key {key!r} has the key {name!r}: {said}" for name, value in contents.items() if (said := _wrong(name, value))
            ]
        if problems:
            raise ValueError("; ".join(problems))
        return cls(int(path or 0), contents)  # type: ignore[arg-type]

    def commands(self) -> Iterator[list[bytes]]:
        """What fills an empty database."""
        for name, value in self.contents.items():
            match value:
                case Mapping():
                    words = ["HSET", name, *(item for pair in value.items() for item in pair)]
                case list() | tuple():
                    words = ["RPUSH", name, *value]
                case set() | frozenset():
                    words = ["SADD", name, *sorted(value, key=_text)]
                case _:
                    words = ["SET", name, value]
            if len(words) > 2:  # Redis knows no empty hash, list or set
                yield [_text(word) for word in words]


def _text(value: str | bytes | float) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _wrong(name: object, value: object) -> str:
    if not isinstance(name, (str, bytes)):
        return "give its name as text"
    match value:
        case Mapping():
            items = [item for pair in value.items() for item in pair]
        case list() | tuple() | set() | frozenset():
            items = list(value)
        case _:
            items = [value]
    bad = next((item for item in items if not isinstance(item, Plain) or isinstance(item, bool)), None)
    if bad is None and items != [None]:
        return ""
    return f"{bad!r} is no value of Redis: give text, bytes, numbers, or a dict, list or set of them (JSON as text: json.dumps(...))"
