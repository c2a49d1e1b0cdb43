"""Stand-ins for tiktoken's vocabularies: a loop that counts its tokens must not fail because the file with them is not on this machine.

tiktoken downloads the vocabulary of an encoding when it is first asked for it, and keeps it in a folder. Where it is kept already, the
real one is used. Elsewhere, for the time of a run, an encoding whose tokens are those of the world's own estimate takes its place: it
counts as the scripted model does. Who keeps it beyond the run has the real encoding there.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import re
import sys
import tempfile
import traceback
from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from pytest_agentready.domain.tokens import pieces
from pytest_agentready.world import active

PUBLIC = "https://openaipublic.blob.core.windows.net"
FILES = {  # what each encoding is read from
    "gpt2": "gpt-2/encodings/main/vocab.bpe",
    "r50k_base": "encodings/r50k_base.tiktoken",
    "p50k_base": "encodings/p50k_base.tiktoken",
    "p50k_edit": "encodings/p50k_base.tiktoken",
    "cl100k_base": "encodings/cl100k_base.tiktoken",
    "o200k_base": "encodings/o200k_base.tiktoken",
    "o200k_harmony": "encodings/o200k_base.tiktoken",
}
SPECIAL = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|endofprompt|>", "<|start|>", "<|message|>", "<|end|>")
REMEDY = "set TIKTOKEN_CACHE_DIR to a folder in which tiktoken keeps the real one"
FIRST_SPECIAL = 199_999
_SPECIAL = re.compile("(" + "|".join(map(re.escape, SPECIAL)) + ")")


@contextlib.contextmanager
def stood_in(*, wanted: bool = False) -> Iterator[None]:
    """For those that are not on this machine. `wanted`: tiktoken is imported for it, where it is not yet."""
    if wanted and "tiktoken" not in sys.modules:
        with contextlib.suppress(ImportError):
            importlib.import_module("tiktoken")
    encodings = getattr(sys.modules.get("tiktoken.registry"), "ENCODINGS", None)
    missing = [] if encodings is None else [name for name in FILES if name not in encodings and not _is_kept(FILES[name])]
    made = {name: _stand_in(name) for name in missing}
    if encodings is not None:
        encodings.update(made)
    try:
        yield
    finally:
        for name, encoding in made.items():
            if encodings is not None and encodings.get(name) is encoding:
                del encodings[name]


def is_missed_by(failure: BaseException) -> bool:
    """Did something fail because a vocabulary could not be downloaded?"""
    return any(frame.filename.endswith(os.path.join("tiktoken", "load.py")) for frame in traceback.extract_tb(failure.__traceback__))


def _is_kept(file: str) -> bool:
    """In the folder in which tiktoken looks first."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    folder = os.path.join(tempfile.gettempdir(), "data-gym-cache") if folder is None else folder
    name = hashlib.sha1(f"{PUBLIC}/{file}".encode(), usedforsecurity=False).hexdigest()
    return bool(folder) and os.path.isfile(os.path.join(folder, name))


_made: dict[str, Any] = {}


def _stand_in(name: str) -> Any:
    """The same one in each run, for a program may keep it."""
    if name not in _made:
        special = {text: FIRST_SPECIAL + number for number, text in enumerate(SPECIAL)}
        ranks = {bytes([byte]): byte for byte in range(256)}
        encoding = sys.modules["tiktoken"].Encoding(name, pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens=special)
        encoding._core_bpe = _Estimated(name, special)
        _made[name] = encoding
    return _made[name]


class _Estimated:
    """What the class Encoding asks of its core, with the pieces of the estimate for tokens; their numbers are given as they come."""

    def __init__(self, name: str, special: dict[str, int]) -> None:
        self._name = name
        self._numbers: dict[bytes, int] = {text.encode(): number for text, number in special.items()}
        self._tokens = {number: token for token, number in self._numbers.items()}

    def encode_ordinary(self, text: str) -> list[int]:
        if active.world is None:
            return list(self._real().encode_ordinary(text))
        return [self._number(piece.encode()) for piece in pieces(text)]

    def encode(self, text: str, allowed_special: Collection[str]) -> list[int]:
        if active.world is None:
            return list(self._real().encode(text, allowed_special))
        found: list[int] = []
        for part in _SPECIAL.split(text) if allowed_special else (text,):
            found += [self._numbers[part.encode()]] if part in allowed_special else self.encode_ordinary(part)
        return found

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        if active.world is None:
            return bytes(self._real().decode_bytes(tokens))
        return b"".join(map(self.decode_single_token_bytes, tokens))

    def decode_single_token_bytes(self, token: int) -> bytes:
        if active.world is None:
            return bytes(self._real().decode_single_token_bytes(token))
        return self._tokens[token]

    def encode_single_token(self, token: bytes) -> int:
        return int(self._real().encode_single_token(token)) if active.world is None else self._number(bytes(token))

    def encode_to_tiktoken_buffer(self, text: str, allowed_special: Collection[str]) -> bytes:
        return array("I", self.encode(text, allowed_special)).tobytes()

    def __getattr__(self, name: str) -> Any:
        real = self._real()
        if real is self:
            raise AttributeError(f"the stand-in for the vocabulary of {self._name} has no {name}: {REMEDY}")
        return getattr(real, name)

    def _number(self, token: bytes) -> int:
        if token not in self._numbers:
            number = len(self._numbers) - len(SPECIAL)
            number += len(SPECIAL) + 1 if number >= FIRST_SPECIAL else 0
            self._numbers[token], self._tokens[number] = number, token
        return self._numbers[token]

    def _real(self) -> Any:
        """The core of the encoding itself, which is loaded for that."""
        return sys.modules["tiktoken"].get_encoding(self._name)._core_bpe
