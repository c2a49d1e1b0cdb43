"""A copy-on-write layer over the file system: what a run writes lies in a scratch folder, and only the run sees it there."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from pytest_agentready.world import runs
from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.layers import Layers
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


class Overlay(Layers):
    """What is changed, as the system would do it for real."""

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
            with runs.bypassed():  # that it is read for this is no doing of the run
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
