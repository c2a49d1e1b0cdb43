"""What a run sees of the file system: the layer above, which it has made itself, and what is really there below.

A path is *above* where the run has made or changed it; its content then lies at the same path below the scratch folder's `tree`. It is
*hidden* where the run has removed it, or a folder around it. All others are as they are. Paths are absolute, and without links
but perhaps the last part. The errors are the system's own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from itertools import count

from pytest_agentready.world import runs
from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.system import error, is_folder, is_there, may, remove_all

HOPS = 40  # links that may lead to each other
_numbers = count(1)  # of scratch folders
_making = threading.RLock()


class Layers:
    """Of one world. Nothing exists of the upper one before the first change."""

    def __init__(self) -> None:
        self.temporary = ""  # the system's folder in which the scratch folder is made
        self.tree = ""  # in the scratch folder
        self.cwd = ""  # where the run stands in a folder that only it sees
        self.scratch = ""
        self._above: set[str] = set()
        self._hidden: set[str] = set()
        self._opaque: set[str] = set()  # folders whose real content is not theirs any more
        self._links = False  # the run has made some, or has moved folders: the system would go other ways
        self._plain: set[str] = set()  # folders that are no links

    @property
    def stirred(self) -> bool:
        """Is anything not as it really is?"""
        return bool(self._above or self._hidden)

    def canonical(self, path: str, *, follow: bool = True) -> str:
        """The path without links, as the run sees them. `follow`: the last part, too."""
        hops = 0
        done = ""
        pending = [part for part in reversed(os.path.join(self.cwd or real.getcwd(), path).split("/")) if part not in ("", ".")]
        while pending:
            part = pending.pop()
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            here = f"{done}/{part}"
            target = self._target(here) if here not in self._plain and (pending or follow) else None
            if target is None:
                if pending:
                    self._plain.add(here)
                done = here
                continue
            hops += 1
            if hops > HOPS:
                raise error(errno.ELOOP, path)
            done = "" if target.startswith("/") else done
            pending += [part for part in reversed(target.split("/")) if part not in ("", ".")]
        return done or "/"

    def _target(self, path: str) -> str | None:
        """Where a link leads; None for what is none."""
        at = self.at(path)
        try:
            return str(real.readlink(at)) if stat.S_ISLNK(real.lstat(at).st_mode) else None
        except OSError:  # there is nothing
            return None

    def at(self, path: str) -> str:
        """Where this really lies. What is hidden lies at a path where there is nothing."""
        if not self.changes(path):
            return path
        self.room()
        return f"{self.tree}{path}"

    def changes(self, path: str) -> bool:
        """Is it above, or hidden?"""
        return path in self._above or self._hides(path)

    def _hides(self, path: str) -> bool:
        if not (self._hidden or self._opaque):
            return False
        if path in self._hidden:
            return True
        while path := path.rpartition("/")[0]:
            if path in self._hidden or path in self._opaque:
                return True
        return False

    def seen(self, real_path: str) -> str:
        """The path by which the run knows what lies there."""
        return real_path[len(self.tree) :] if self.tree and real_path.startswith(f"{self.tree}/") else real_path

    @property
    def has_ways_of_its_own(self) -> bool:
        """May the system understand a path otherwise?"""
        return self._links or bool(self.cwd)

    def exists(self, path: str) -> bool:
        return is_there(self.at(path))

    def names(self, path: str) -> list[str]:
        """Of a folder's content. Raises what the system would."""
        below: list[str] = []
        if not self.changes(path) or (path in self._above and path not in self._opaque and not self._hides(path)):
            try:
                below = real.listdir(path)
            except FileNotFoundError:
                if path not in self._above:
                    raise
        elif path not in self._above:
            real.listdir(self.at(path))  # it is not there
        mine = self.mine(path)
        return [*(name for name in below if name not in mine and f"{_base(path)}/{name}" not in self._hidden), *mine]

    def mine(self, path: str) -> list[str]:
        """What stands above in this folder."""
        try:
            found = real.listdir(f"{self.tree}{path}") if self.tree else []
        except NotADirectoryError:
            if path in self._above:
                raise
            return []
        except FileNotFoundError:
            return []
        return [name for name in found if f"{_base(path)}/{name}" in self._above]

    def differs_in(self, path: str) -> bool:
        """Is anything in this folder not as the system lists it?"""
        return self.changes(path) or bool(self.mine(path)) or any(os.path.dirname(gone) == path for gone in self._hidden)

    # -- the layer above

    def room(self) -> str:
        """The scratch folder."""
        with _making, runs.bypassed():
            if not self.scratch:
                self._make_scratch()
        return self.scratch

    def _make_scratch(self) -> None:
        """Past `tempfile`, which would come back here by the replaced functions."""
        temporary = os.path.realpath(self.temporary)
        for number in _numbers:
            self.scratch = f"{temporary}/agentready-{os.getpid()}-{number}"  # known before it is there: the guard asks
            self.tree = f"{self.scratch}/tree"
            try:
                real.mkdir(self.scratch, 0o700)
            except FileExistsError:  # of a process that was killed
                continue
            except OSError:
                self.scratch = self.tree = ""
                raise
            real.mkdir(self.tree)
            return

    def _make_room(self, path: str, *, checked: bool = True) -> None:
        """The folder around it, above. Raises what the system would where there is none, or it is not to be written to."""
        folder = os.path.dirname(path)
        if checked:
            if not stat.S_ISDIR(real.stat(self.at(folder)).st_mode):
                raise error(errno.ENOTDIR, path)
            self._may_change_the_folder_of(path)
        with runs.bypassed():
            self._make_folder(folder)

    def _make_folder(self, folder: str) -> None:
        self.room()
        missing = []
        while not is_folder(f"{self.tree}{folder}") and folder != "/":
            missing.append(folder)
            folder = os.path.dirname(folder)
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):  # another thread was faster
                real.mkdir(f"{self.tree}{folder}")

    def _may_change_the_folder_of(self, path: str) -> None:
        may(self.at(os.path.dirname(path)), os.W_OK | os.X_OK)

    def _appear(self, path: str) -> None:
        self._above.add(path)
        self._hidden.discard(path)

    def _vanish(self, path: str) -> None:
        self._above.discard(path)
        self._plain.discard(path)
        if is_there(path):
            self._hidden.add(path)

    def close(self) -> None:
        """All of it goes."""
        if self.scratch:
            remove_all(self.scratch)


def _base(path: str) -> str:
    return "" if path == "/" else path
