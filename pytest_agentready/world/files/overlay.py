"""A copy-on-write layer over the file system: what a run writes lies in a scratch folder, and only the run sees it there.

A path is *above* where the run has made or changed it; its content then lies at the same path below the scratch folder's `tree`. It is
*hidden* where the run has removed it, or a folder around it. All others are as they are. Paths are absolute, and without links
but perhaps the last part. The errors are the system's own. (One page is longer than others, for its parts share one state.)
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from itertools import count

from pytest_agentready.world import active
from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.system import (
    LEAST,
    MOST,
    TooLarge,
    copy,
    copy_one,
    error,
    files_below,
    is_folder,
    is_there,
    may,
    remove_all,
    weight,
)

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
HOPS = 40  # links that may lead to each other
_numbers = count(1)  # of scratch folders
_making = threading.RLock()


class Overlay:
    """Of one world. Nothing exists of it before the first change."""

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

    # -- paths

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

    # -- changes

    def open(self, path: str, flags: int, mode: int) -> int:
        if not flags & WRITING:
            return real.open(self.at(path), flags, mode)
        if path not in self._above:
            if self.exists(path):
                if flags & os.O_CREAT and flags & os.O_EXCL:
                    raise error(errno.EEXIST, path)
                if is_folder(path):
                    raise error(errno.EISDIR, path)
                may(path, os.W_OK)
                self.bring_up(path, content=not flags & os.O_TRUNC)
            elif not flags & os.O_CREAT:
                raise error(errno.ENOENT, path)
            else:
                self._make_room(path)
                self._appear(path)
        try:
            return real.open(f"{self.tree}{path}", flags, mode)
        except OSError:
            if not is_there(f"{self.tree}{path}"):
                self._above.discard(path)
            raise

    def bring_up(self, path: str, *, content: bool = True) -> None:
        """Copy it, in order to change the copy."""
        if path not in self._above:
            with active.bypassed():  # that it is read for this is no doing of the run
                self._bring_up(path, content)

    def _bring_up(self, path: str, content: bool) -> None:
        found = real.lstat(self.at(path))
        self._make_room(path, checked=False)
        above = f"{self.tree}{path}"
        if stat.S_ISLNK(found.st_mode):
            real.symlink(real.readlink(path), above)
        elif stat.S_ISDIR(found.st_mode):
            with contextlib.suppress(FileExistsError):
                real.mkdir(above)
        else:
            copy(path, above, content=content)
        if not stat.S_ISLNK(found.st_mode):
            real.chmod(above, stat.S_IMODE(found.st_mode))
            real.utime(above, ns=(found.st_atime_ns, found.st_mtime_ns))
        self._above.add(path)

    def _bring_up_all(self, path: str) -> None:
        """A folder with all that is in it."""
        is_folder = stat.S_ISDIR(real.lstat(self.at(path)).st_mode)
        names = self.names(path) if is_folder else []
        self.bring_up(path)
        for name in names:
            self._bring_up_all(f"{path}/{name}")
        if is_folder:
            self._opaque.add(path)

    def remove(self, path: str) -> None:
        if stat.S_ISDIR(real.lstat(self.at(path)).st_mode):
            raise error(errno.EISDIR, path)
        self._may_change_the_folder_of(path)
        if path in self._above:
            real.unlink(f"{self.tree}{path}")
        self._vanish(path)

    def mkdir(self, path: str, mode: int) -> None:
        if self.exists(path):
            raise error(errno.EEXIST, path)
        self._make_room(path)
        real.mkdir(f"{self.tree}{path}", mode)
        self._appear(path)
        if is_there(path):
            self._opaque.add(path)

    def rmdir(self, path: str) -> None:
        if not stat.S_ISDIR(real.lstat(self.at(path)).st_mode):
            raise error(errno.ENOTDIR, path)
        if self.names(path):
            raise error(errno.ENOTEMPTY, path)
        self._may_change_the_folder_of(path)
        if self.tree and is_folder(f"{self.tree}{path}"):
            remove_all(f"{self.tree}{path}")  # there may be empty folders in it, made for the sake of files that are gone
        self._opaque.discard(path)
        self._vanish(path)

    def rename(self, source: str, target: str) -> None:
        is_folder = stat.S_ISDIR(real.lstat(self.at(source)).st_mode)
        if source == target:
            return
        if target.startswith(f"{source}/"):
            raise error(errno.EINVAL, source)
        if is_folder and self._weight(source) > MOST:
            raise TooLarge(source)
        self._clear_the_way(target, is_folder)
        self._may_change_the_folder_of(source)
        self._make_room(target)
        self._bring_up_all(source)
        real.rename(f"{self.tree}{source}", f"{self.tree}{target}")
        for known in (self._above, self._opaque):
            moved = {path for path in known if path == source or path.startswith(f"{source}/")}
            known.difference_update(moved)
            known.update(target + path[len(source) :] for path in moved)
        self._vanish(source)
        self._appear(target)
        if is_folder:
            self._links = True
            self._plain.clear()

    def take_in(self, source: str, target: str) -> None:
        """Put what is really there in the place of the target, a folder with all that is in it. Raises TooLarge."""
        is_folder = stat.S_ISDIR(real.lstat(source).st_mode)
        if sum(map(weight, files_below(source))) > MOST:
            raise TooLarge(source)
        self._clear_the_way(target, is_folder)
        self._make_room(target)
        self._take_in(source, target)

    def _take_in(self, source: str, target: str) -> None:
        copy_one(source, f"{self.tree}{target}")
        self._appear(target)
        if stat.S_ISDIR(real.lstat(source).st_mode):
            self._opaque.add(target)
            for name in real.listdir(source):
                self._take_in(f"{source}/{name}", f"{target}/{name}")

    def put_out(self, source: str, target: str) -> None:
        """A real copy of what the run sees, in the place of the target. Raises TooLarge."""
        if self._weight(source, brought=True) > MOST:
            raise TooLarge(source)
        if is_there(target):
            if stat.S_ISDIR(real.lstat(self.at(source)).st_mode):
                real.rmdir(target)
            else:
                real.unlink(target)
        self._put_out(source, target)

    def _put_out(self, source: str, target: str) -> None:
        at = self.at(source)
        copy_one(at, target)
        if stat.S_ISDIR(real.lstat(at).st_mode):
            for name in self.names(source):
                self._put_out(f"{source}/{name}", f"{target}/{name}")

    def remove_any(self, path: str) -> None:
        if not stat.S_ISDIR(real.lstat(self.at(path)).st_mode):
            self.remove(path)
            return
        for name in self.names(path):
            self.remove_any(f"{path}/{name}")
        self.rmdir(path)

    def _weight(self, path: str, *, brought: bool = False) -> int:
        """In bytes, of all that is to be copied; `brought`: also of what is a copy already."""
        at = self.at(path)
        if not stat.S_ISDIR(real.lstat(at).st_mode):
            return weight(at) if brought or path not in self._above else 0
        return LEAST + sum(self._weight(f"{path}/{name}", brought=brought) for name in self.names(path))

    def _clear_the_way(self, target: str, folder: bool) -> None:
        """Whatever a rename replaces goes. Raises what the system would."""
        if not self.exists(target):
            return
        if stat.S_ISDIR(real.lstat(self.at(target)).st_mode) is not folder:
            raise error(errno.ENOTDIR if folder else errno.EISDIR, target)
        if folder:
            self.rmdir(target)
        else:
            self.remove(target)

    def symlink(self, points_to: str, path: str) -> None:
        if self.exists(path):
            raise error(errno.EEXIST, path)
        self._make_room(path)
        real.symlink(points_to, f"{self.tree}{path}")
        self._appear(path)
        self._links = True
        self._plain.clear()

    def make(self, path: str, how: object, *words: object) -> None:
        """A pipe or a device, by the system's own function."""
        if self.exists(path):
            raise error(errno.EEXIST, path)
        self._make_room(path)
        how(f"{self.tree}{path}", *words)  # type: ignore[operator]
        self._appear(path)

    def close(self) -> None:
        """All of it goes."""
        if self.scratch:
            remove_all(self.scratch)

    # -- how it is kept

    def room(self) -> str:
        """The scratch folder."""
        with _making, active.bypassed():
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
        with active.bypassed():
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


def _base(path: str) -> str:
    return "" if path == "/" else path
