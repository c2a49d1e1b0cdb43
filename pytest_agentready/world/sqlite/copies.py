"""Where the code's names for its databases lead in one world: to the real one, which the run may then not write to, or to a copy."""

from __future__ import annotations

import contextlib
import os
from urllib.parse import parse_qs, quote, unquote, urlunsplit

from pytest_agentready.world import runs
from pytest_agentready.world.files import Files
from pytest_agentready.world.sqlite import prepared
from pytest_agentready.world.sqlite.ways import SIDECARS, Way, parts_of, read_in_place


class Copies:
    """Those of one world."""

    def __init__(self, files: Files) -> None:
        self.call = 0  # calls of this world that are over
        self._files = files
        self._made: set[str] = set()  # temporary ones of this run
        self._copied: set[str] = set()

    def absolute(self, name: str, is_uri: bool) -> str:
        """The directory may be another one when the run is over."""
        parts = parts_of(name, is_uri)
        place = self._files.place(unquote(parts.path) if parts else name)
        return urlunsplit(parts._replace(path=quote(place or ""))) if parts else place or name

    def way(self, name: str, is_uri: bool, *, writes: bool = False) -> Way:
        parts = parts_of(name, is_uri)
        query = parse_qs(parts.query) if parts else {}
        path = unquote(parts.path) if parts else name
        if path in ("", ":memory:") or query.get("mode") == ["memory"]:  # nobody else sees one that this call has made
            return Way(name, is_uri, f"sqlite://{name if is_uri else '/:memory:'}", self.call + 1)
        files = self._files
        place = files.place(path)
        if place is None:
            return Way(name, is_uri, f"sqlite:///{path}", 0)
        ground = files.ground(place)
        url = f"sqlite://{place}"
        if ground.real:
            if not ground.counts and (place in self._made or not os.path.exists(place)):  # a temporary one, of this run
                self._made.add(place)
                return Way(name, is_uri, url, float("inf"))
            return Way(name, is_uri, url, 0)
        counts_from = 0 if ground.counts else float("inf")
        if query.get("mode") == ["ro"] and not self.is_copied(place):
            return Way(name, is_uri, url, counts_from)
        writes = writes or prepared.is_known(place)
        if not writes and not self.is_copied(place) and (found := read_in_place(place, url, counts_from)) is not None:
            return found
        self._copy(place)
        above = f"{files.overlay.tree}{place}"
        return Way(urlunsplit(parts._replace(path=quote(above))) if parts else above, is_uri, url, counts_from)

    def is_copied(self, place: str) -> bool:
        return self._files.overlay.changes(place)

    def is_real(self, file: str) -> bool:
        """Is it written to in place?"""
        place = self._files.place(file)
        return place is not None and self._files.ground(place).real

    def copy_of(self, file: str) -> str:
        place = self._files.place(file) or file
        self._copy(place)
        return f"{self._files.overlay.tree}{place}"

    def _copy(self, place: str) -> None:
        overlay = self._files.overlay
        with self._files.changing():
            for path in (place, *(f"{place}{end}" for end in SIDECARS)):
                if overlay.exists(path):
                    overlay.bring_up(path)
                elif path == place:
                    with contextlib.suppress(OSError):  # there is no such folder, as SQLite will say
                        os.close(overlay.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
            overlay.room()
            if place not in self._copied:
                self._copied.add(place)
                with runs.bypassed():
                    prepared.define_again(place, f"{overlay.tree}{place}")
