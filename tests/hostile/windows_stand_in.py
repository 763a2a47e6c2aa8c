"""Python's behaviour on Windows, as far as another system can simulate it.

`python windows_stand_in.py SCRIPT ARGUMENT...` runs a script after `sys.platform` says win32, a
stand-in for msvcrt is there, os lacks what it lacks on Windows, and files obey Windows' rules:

- msvcrt.locking locks bytes from the file's position on, for one open file, against every other
  one, those of the same process included; it refuses to unlock what is not locked; a lock on a file
  that is merely closed stays for a moment ("the time depends upon available system resources").
- A file that any process has open can be neither replaced nor removed: Python opens without
  FILE_SHARE_DELETE.
- A file cannot be opened while it is being replaced.
- subprocess has Windows' creation flags. What is started runs in the stand-in too, and the flags are
  written to the file that PLEXSYNC_STARTED names.

Paths stay those of the system it runs on. This is for POSIX systems with /proc only.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import json
import os
import runpy
import struct
import subprocess
import sys
import threading
import time
import types
from contextlib import suppress
from typing import Any

HERE = os.path.abspath(__file__)
LACKING = (
    "fchmod", "fchown", "chown", "lchown", "chroot", "geteuid", "getuid", "getegid", "getgid",
    "setsid", "getsid", "setuid", "fork", "forkpty", "openpty", "posix_spawn", "posix_spawnp",
    "mkfifo", "mknod", "statvfs", "fstatvfs", "sync", "nice", "uname", "getloadavg", "killpg",
    "set_blocking", "register_at_fork", "sysconf", "pread", "pwrite", "lockf", "major", "minor",
    "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC", "O_SYNC", "O_DSYNC", "O_NOCTTY",
    "POSIX_SPAWN_OPEN", "POSIX_SPAWN_CLOSE", "POSIX_SPAWN_DUP2", "WNOHANG", "wait", "getpgid",
)  # fmt: skip
"""Names of os that Windows lacks in the oldest Python that PlexSync runs on."""
FLAGS = {
    "CREATE_NEW_PROCESS_GROUP": 0x200,
    "CREATE_NO_WINDOW": 0x08000000,
    "DETACHED_PROCESS": 0x8,
    "CREATE_NEW_CONSOLE": 0x10,
}
REPLACING = 0.005
"""Seconds that a replacement takes, in which the file cannot be opened."""
LINGER = 0.3
"""Seconds that a lock stays on a file that was closed without unlocking."""

_locked: dict[int, set[tuple[int, int]]] = {}
_being_replaced: set[str] = set()
_open = os.open
_close, _replace, _unlink, _popen = os.close, os.replace, os.unlink, subprocess.Popen


def _range_lock(fd: int, kind: int, start: int, length: int) -> None:
    order = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, order)


def locking(fd: int, mode: int, nbytes: int) -> None:
    """msvcrt.locking, without the modes that wait."""
    place = (os.lseek(fd, 0, os.SEEK_CUR), nbytes)
    mine = _locked.setdefault(fd, set())
    if mode == msvcrt.LK_UNLCK:
        if place not in mine:
            raise PermissionError(errno.EACCES, "Permission denied")
        mine.discard(place)
        _range_lock(fd, fcntl.F_UNLCK, *place)
        return
    if mode not in (msvcrt.LK_NBLCK, msvcrt.LK_NBRLCK):
        raise ValueError("waiting is not played here")
    if place in mine:
        raise PermissionError(errno.EACCES, "Permission denied")
    try:
        _range_lock(fd, fcntl.F_WRLCK, *place)
    except OSError:
        raise PermissionError(errno.EACCES, "Permission denied") from None
    mine.add(place)


msvcrt = types.ModuleType("msvcrt")
vars(msvcrt).update(
    locking=locking, LK_UNLCK=0, LK_LOCK=1, LK_NBLCK=2, LK_RLCK=3, LK_NBRLCK=4,
    setmode=lambda fd, flags: flags, get_osfhandle=lambda fd: fd,
)  # fmt: skip


def close(fd: int) -> None:
    """os.close; what was locked stays locked for a moment."""
    if _locked.pop(fd, None):
        left = os.dup(fd)
        timer = threading.Timer(LINGER, _close, (left,))
        timer.daemon = True
        timer.start()
    _close(fd)


def _is_open(path: str) -> bool:
    """Whether any process has this file open."""
    try:
        wanted = os.stat(path)
    except OSError:
        return False
    for process in os.listdir("/proc"):
        if process.isdigit():
            with suppress(OSError):
                for fd in os.listdir(f"/proc/{process}/fd"):
                    with suppress(OSError):
                        found = os.stat(f"/proc/{process}/fd/{fd}")
                        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                            return True
    return False


def replace(src: Any, dst: Any, **more: Any) -> None:
    """os.replace; refused while any process has either file open."""
    for path in (src, dst):
        if os.path.isfile(path) and _is_open(path):
            raise PermissionError(errno.EACCES, "Access is denied", str(src), 5, str(dst))
    _being_replaced.add(str(dst))
    time.sleep(REPLACING)
    try:
        _replace(src, dst, **more)
    finally:
        _being_replaced.discard(str(dst))


def open_file(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
    """os.open; refused for what another thread replaces just now."""
    if str(path) in _being_replaced:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))
    return _open(path, flags, mode, **more)


def unlink(path: Any, **more: Any) -> None:
    """os.unlink; refused while any process has the file open."""
    if os.path.isfile(path) and _is_open(path):
        raise PermissionError(errno.EACCES, "The process cannot access the file", str(path), 32)
    _unlink(path, **more)


class Popen(_popen):
    """Starts programs in the stand-in, and records the flags."""

    def __init__(self, args: Any, *, creationflags: int = 0, **more: Any) -> None:
        told = os.environ.get("PLEXSYNC_STARTED")
        if told:
            known = {name: bool(creationflags & flag) for name, flag in FLAGS.items()}
            with open(told, "a") as file:
                file.write(json.dumps({"args": args, **known}) + "\n")
        super().__init__([args[0], HERE, *args[1:]], **more)


def install() -> None:
    """Turn this process into one on Windows."""
    for name in LACKING:
        if hasattr(os, name):
            delattr(os, name)
    os.O_BINARY = 0
    os.open = open_file
    os.close, os.replace, os.unlink, os.remove = close, replace, unlink, unlink
    for name, flag in FLAGS.items():
        setattr(subprocess, name, flag)
    subprocess.Popen, subprocess._USE_POSIX_SPAWN = Popen, False
    sys.modules["msvcrt"] = msvcrt
    sys.modules["fcntl"] = None
    sys.platform = "win32"


def load_libraries() -> None:
    """Import what PlexSync needs before the system changes."""
    for name in (
        "asyncio", "ctypes", "concurrent.futures.thread", "logging.handlers", "multiprocessing",
        "persistqueue", "persistqueue.serializers.json", "platform", "plexapi.server", "pydantic",
        "requests", "shutil", "sqlite3", "tempfile", "urllib3",
    ):  # fmt: skip
        builtins.__import__(name)


if __name__ == "__main__":
    script = sys.argv[1]
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(script)) if script != "-c" else os.getcwd()
    load_libraries()
    install()
    if script == "-c":
        exec(compile(sys.argv[1], "-c", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_path(script, run_name="__main__")
