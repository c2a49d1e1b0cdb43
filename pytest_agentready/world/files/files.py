"""The file system as one world's run sees it: where a path leads, and what becomes of a change."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import threading
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any, NoReturn

from pytest_agentready.domain import Effect
from pytest_agentready.world import runs
from pytest_agentready.world.files import grounds
from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.grounds import Ground, Grounds
from pytest_agentready.world.files.journal import Journal
from pytest_agentready.world.files.overlay import WRITING, Overlay
from pytest_agentready.world.files.system import TooLarge, error, files_below, is_there, remove_any
from pytest_agentready.world.granted import Grant

DESCRIPTORS = "/dev/fd"
LOGGERS = ("logging", "loguru")  # a log is no effect
DEPTH = 12  # frames in which one of them shows
EXCLUSIVELY = os.O_CREAT | os.O_EXCL
NAMELESS = getattr(os, "O_TMPFILE", 0)


class Files:
    """Of one world."""

    def __init__(self, grant: Grant, now: Callable[[], float], where: Callable[[], str], refuse: Callable[[str], NoReturn]) -> None:
        self.overlay = Overlay()
        self.journal = Journal(self.overlay.at)
        self._grant = grant
        self._now = now
        self._where = where
        self._refuse = refuse
        self._lock = threading.RLock()
        self._passing: set[int] = set()  # threads that are within a change that was looked at
        self._grounds: Grounds | None = None
        self._is_closed = False
        self._older: Any = None  # files that were open before

    @property
    def stirred(self) -> bool:
        return self.overlay.stirred or bool(self.overlay.cwd)

    @property
    def grounds(self) -> Grounds:
        """Known when somebody writes: most runs do not."""
        if self._grounds is None:
            self._grounds = Grounds(self._grant, self._begun_in, self.overlay.temporary)
        return self._grounds

    def begin(self) -> None:
        """The run begins, in this directory."""
        from pytest_agentready.world.files.older import OlderFiles  # where the system knows its descriptors' modes

        try:
            self._begun_in = real.getcwd()
        except OSError:  # it was removed
            self._begun_in = "/"
        self._older = OlderFiles(lambda path: self.grounds.of(path).counts) if os.name == "posix" else None
        self.overlay.temporary = tempfile.gettempdir()  # found out now: the first time it tries by writing

    # -- where a path leads

    def place(self, path: Any, dir_fd: int | None = None, *, follow: bool = True) -> str | None:
        """The path as the run sees it, absolute and without links; None where it is none, and the system has the word."""
        if isinstance(path, int):
            return None
        text = os.fsdecode(path)
        if not text or "\0" in text:
            return None
        if dir_fd is not None and not text.startswith("/"):
            folder = self.folder(dir_fd)
            if folder is None:
                return None
            text = f"{folder}/{text}"
        return self.overlay.canonical(text, follow=follow)

    def folder(self, fd: int) -> str | None:
        """What the run knows a descriptor of a folder by."""
        try:
            return self.overlay.seen(real.readlink(f"{DESCRIPTORS}/{fd}"))
        except OSError:
            return None

    def opened(self, fd: int) -> str | None:
        """The path of a real file or folder that is open, and of which the run has no copy; None where the system has the word."""
        try:
            path = str(real.readlink(f"{DESCRIPTORS}/{fd}"))
            found, lies = os.fstat(fd), real.lstat(path)
        except OSError:  # no path, or one that is gone
            return None
        if (found.st_dev, found.st_ino) != (lies.st_dev, lies.st_ino) or self._is_scratch(path) or self.ground(path, depth=3).real:
            return None
        return path

    def way(self, path: Any, dir_fd: int | None = None, *, follow: bool = True) -> Any:
        """The path by which the system finds it: the same one where nothing has changed there."""
        place = self.place(path, dir_fd, follow=follow)
        if place is None:
            return path
        if self.overlay.changes(place):
            return self.overlay.at(place)
        return place if self.overlay.has_ways_of_its_own else path

    # -- a change

    def ground(self, place: str, depth: int = 2) -> Ground:
        ground = self.grounds.of(place)
        return ground if not ground.counts or not _is_logging(depth) else Ground(ground.real, counts=False)

    @contextmanager
    def changing(self, *places: str, given: tuple[Any, ...] = (), appends: bool = False) -> Iterator[None]:
        """Around a change of these paths: they are noted, and whatever the system is told meanwhile was looked at.

        `given`: the names that the code has for them, which an error shows.
        """
        ident = get_ident()
        outermost = ident not in self._passing
        with self._lock if places else nullcontext():  # two threads may be about to copy the same file
            self._note(places, appends)
            self._passing.add(ident)
            try:
                yield
            except TooLarge as large:
                self._refuse(f"a change of {large} (it is too large to be copied for it)")
            except OSError as error:
                _name(error, given)
                raise
            finally:
                if outermost:
                    self._passing.discard(ident)

    def _note(self, places: tuple[str, ...], appends: bool) -> None:
        where = ""
        for place in places:
            if not self._is_closed and self.ground(place, depth=5).counts:
                where = where or self._where()
                with runs.bypassed():  # that it is looked at is no doing of the run
                    self.journal.touch(place, self._now(), where, appends=appends)

    def is_passing(self) -> bool:
        return get_ident() in self._passing

    def open(self, path: Any, flags: int, mode: int, dir_fd: int | None = None) -> int:
        """As `os.open`."""
        place = self.place(path, dir_fd, follow=not flags & os.O_NOFOLLOW)
        if place is None:
            return real.open(path, flags, mode, dir_fd=dir_fd)
        if not flags & WRITING:
            with named(path):
                return real.open(self.way(path, dir_fd), flags, mode, dir_fd=dir_fd)
        if flags & NAMELESS == NAMELESS != 0:  # nobody can find it
            with self.changing(given=(path,)):
                return real.open(self.way(path, dir_fd), flags, mode, dir_fd=dir_fd)
        with self.changing(place, given=(path,), appends=bool(flags & os.O_APPEND)):
            if self.ground(place).real:
                return real.open(self.way(path, dir_fd), flags, mode, dir_fd=dir_fd)
            if flags & EXCLUSIVELY == EXCLUSIVELY and self._may_make(place):
                fd: int = real.open(place, flags, mode)
                self.grounds.temporary.add(place, chosen=_is_chosen())
                return fd
            return self.overlay.open(place, flags, mode)

    def mkdir(self, place: str, mode: int) -> None:
        if not self._may_make(place):
            self.overlay.mkdir(place, mode)
            return
        real.mkdir(place, mode)
        self.grounds.temporary.add(place, chosen=_is_chosen())

    def _may_make(self, place: str) -> bool:
        """For real: where the run has changed nothing around it."""
        return self.grounds.may_make(place) and not self.overlay.changes(place) and not self.overlay.changes(os.path.dirname(place))

    def rename(self, source: str, target: str, given: tuple[Any, ...]) -> None:
        """Within the overlay, out of it, or into it. The system itself does what happens on real ground alone."""
        here, there = self.ground(source).real, self.ground(target).real
        with self.changing(source, target, given=given):
            if not here and not there:
                self.overlay.rename(source, target)
            elif here and not there:
                self._note(tuple(target + path[len(source) :] for path in files_below(source)), appends=False)
                self.overlay.take_in(source, target)
                remove_any(source)
            elif there and not here:
                self.overlay.put_out(source, target)
                self.overlay.remove_any(source)
            else:
                real.replace(source, target)
                self.grounds.temporary.rename(source, target)
            self.journal.rename(source, target)

    def link(self, source: str, target: str) -> None:
        """Mostly it is a copy: who changes one of the two afterwards does not change the other."""
        if not self.ground(target).real:
            if self.overlay.exists(target):
                raise error(errno.EEXIST, target)
            self.overlay.take_in(self.overlay.at(source), target)
        elif self.ground(source).real or is_there(target):
            real.link(self.overlay.at(source), target)
        else:  # the other name is none of the run's own
            self.overlay.put_out(source, target)

    def refuses(self, path: str) -> bool:
        """A change that reaches the system by another way: is it none of the run's own, or of the harness?"""
        place = self.place(path)
        return place is not None and not self.is_passing() and not self.grounds.of(place).real and not self._is_scratch(place)

    def _is_scratch(self, place: str) -> bool:
        return bool(self.overlay.scratch) and f"{place}/".startswith(f"{self.overlay.scratch}/")

    # -- the end

    def settled(self) -> list[Effect]:
        """The effects since it was asked last."""
        if self._is_closed:
            return []
        with self._lock, runs.bypassed():
            older = [] if self._older is None else list(self._older.settled(self._now()))
            return [*older, *self.journal.settled()] if self.journal else older

    def close(self) -> None:
        """What only the run has seen goes."""
        with self._lock:
            self._is_closed = True
            self.overlay.close()
            if self._grounds is not None:
                self._grounds.temporary.close()


@contextmanager
def named(*given: Any) -> Iterator[None]:
    """An error names the path as the code has given it."""
    try:
        yield
    except OSError as error:
        _name(error, given)
        raise


def _name(error: OSError, given: tuple[Any, ...]) -> None:
    for name, path in zip(("filename", "filename2"), given, strict=False):
        if path is not None and (name == "filename2" or error.filename is not None):
            setattr(error, name, path if isinstance(path, (int, bytes)) else os.fspath(path))


def _is_chosen() -> bool:
    """Is it tempfile that makes it, by a name that nobody else has?"""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(DEPTH):
        if frame is None:
            return False
        if frame.f_globals.get("__name__") == "tempfile":
            return True
        frame = frame.f_back
    return False


def _is_logging(depth: int) -> bool:
    """Is it a logger that writes?"""
    frame = sys._getframe(depth)
    for _ in range(DEPTH):
        if frame.f_back is None:
            return False
        frame = frame.f_back
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in LOGGERS:
            return True
    return False


__all__ = ["Files", "grounds"]
