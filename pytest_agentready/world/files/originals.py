"""The real functions of the file system, as they were before any world replaced them."""

from __future__ import annotations

import io
import os
from typing import Any

open_file = io.open
open_code = io.open_code


def _of_os(name: str) -> Any:
    return getattr(os, name, None)  # not every system has each


stat = os.stat
lstat = os.lstat
access = os.access
listdir = os.listdir
scandir = os.scandir
readlink = _of_os("readlink")
getcwd = os.getcwd
getcwdb = os.getcwdb
chdir = os.chdir
open = os.open
remove = os.remove
unlink = os.unlink
rename = os.rename
replace = os.replace
mkdir = os.mkdir
rmdir = os.rmdir
symlink = _of_os("symlink")
link = _of_os("link")
truncate = _of_os("truncate")
chmod = os.chmod
lchmod = _of_os("lchmod")
chown = _of_os("chown")
lchown = _of_os("lchown")
utime = os.utime
fchmod = _of_os("fchmod")
fchown = _of_os("fchown")
ftruncate = _of_os("ftruncate")
mkfifo = _of_os("mkfifo")
mknod = _of_os("mknod")
listxattr = _of_os("listxattr")
getxattr = _of_os("getxattr")
setxattr = _of_os("setxattr")
removexattr = _of_os("removexattr")
statvfs = _of_os("statvfs")
