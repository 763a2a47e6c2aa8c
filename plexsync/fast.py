"""The path of a hook while a worker is alive; the user's save in Stash waits for it.

It is separate from `inbox` and `system` so that a hook loads nothing else, not even `os`, which
takes a tenth of its time: nearly all of `os` is `posix` under another name. Every unusual case is
left to those two modules.
"""

import sys
import time

if sys.platform == "win32":
    import os
else:
    import posix as os

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT = getattr(os, "O_NONBLOCK", 0)
BINARY = getattr(os, "O_BINARY", 0)
_KIND, _FOLDER, _PIPE = 0o170000, 0o040000, 0o010000


def keep_own_umask() -> None:
    """Let no umask of Stash's, such as 777, take from us what we create; it is ours alone."""
    os.umask(0o077)


def divert_stdout() -> int:
    """The file from which Stash reads the answer; anything printed goes to Stash's log instead."""
    out = os.dup(1)
    os.dup2(2, 1)
    return out


def answer(out: int, text: bytes) -> None:
    """Write the answer and exit at once, which saves the millisecond of Python's clean-up."""
    write_all(out, text)
    os._exit(0)


def drop(data: str, record: bytes) -> str:
    """Store one record in the inbox of a data folder that is ready, see `inbox.drop`."""
    name = f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(4).hex()}"
    temp, new = f"{data}/inbox/tmp/{name}", f"{data}/inbox/new"
    fd = create(temp)
    try:
        try:
            write_all(fd, record)
            os.fsync(fd)
        finally:
            os.close(fd)
        replace(temp, f"{new}/{name}")
    except BaseException:
        try:
            os.unlink(temp)
        except OSError:
            pass
        raise
    sync_folder(new)
    return name


def create(path: str) -> int:
    """Open a new file for writing, 0600, not inherited by children. Raises OSError if it exists."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | BINARY, 0o600)


def write_all(fd: int, data: bytes) -> None:
    """Write all bytes; os.write may write only some."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def replace(src: str, dst: str) -> None:
    """Rename over `dst`. On Windows retried for a second while another process has `dst` open."""
    if sys.platform == "win32":
        for _ in range(100):
            try:
                os.replace(src, dst)
                return
            except PermissionError:
                time.sleep(0.01)
    os.replace(src, dst)


def sync_folder(path: str) -> None:
    """Make renames in a folder survive a power cut. Does nothing on Windows."""
    if sys.platform != "win32":
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        except OSError as problem:
            _excuse(problem)
        finally:
            os.close(fd)


def _excuse(problem: OSError) -> None:
    import errno

    # some network drives do not support it, and there is no alternative on them
    if problem.errno not in (errno.EINVAL, errno.ENOTSUP):
        raise problem


def hand_over(path: str, data: bytes) -> bool:
    """Write a line to the reader of a pipe; nothing is written to disk.

    False if there is no reader, if other users may open the pipe, or if it is full. Never blocks.
    """
    if not data or b"\n" in data:
        return False
    try:
        fd = os.open(path, os.O_WRONLY | NO_FOLLOW | NO_WAIT)
    except OSError:
        return False
    try:
        return is_our_pipe(fd) and os.write(fd, data + b"\n") > len(data)
    except OSError:
        return False
    finally:
        os.close(fd)


if sys.platform == "win32":

    def data_folder(plugin_dir: str) -> str:
        """Always left to `system`: Windows paths are complicated."""
        return ""

    def is_ready(data: str) -> bool:
        """Always in doubt."""
        return False

    def is_locked(path: str) -> bool:
        """Always in doubt."""
        return False

    def is_our_pipe(path: str | int) -> bool:
        """Windows has no such pipes."""
        return False

    def is_elsewhere(path: str) -> bool:
        """In doubt always."""
        return True

else:

    def data_folder(plugin_dir: str) -> str:
        """The data folder, as `system.data_folder` finds it; "" if in doubt."""
        found = os.environ.get(b"STASH_PLUGIN_DATA") or b"data"
        named = found.decode(sys.getfilesystemencoding(), "surrogateescape")
        path = named if named.startswith("/") else f"{plugin_dir}/{named}"
        return path if _is_absolute(path) else ""

    def _is_absolute(path: str) -> bool:
        """Whether `os.path.abspath` would not change it."""
        parts = path.split("/")
        return not parts[0] and not {"", ".", ".."} & set(parts[1:])

    def is_ready(data: str) -> bool:
        """Whether the data folder and its inbox exist and only we may write there; False if in
        doubt.
        """
        try:
            info = os.lstat(data)
            parts = [os.lstat(f"{data}/inbox{part}") for part in ("", "/tmp", "/new")]  # noqa: S108
        except OSError:
            return False
        ours = info.st_uid in (os.geteuid(), 0) and not info.st_mode & 0o022
        return ours and all(part.st_mode & _KIND == _FOLDER for part in [info, *parts])

    def is_locked(path: str) -> bool:
        """Whether another process holds this lock; False if in doubt, see `LockFile.busy`."""
        try:
            fd = os.open(path, os.O_RDWR | NO_FOLLOW | NO_WAIT)
        except OSError:
            return False
        try:
            return _is_shown(fd) or _cannot_be_shared(fd)
        except OSError:
            return False
        finally:
            os.close(fd)

    def _is_shown(fd: int) -> bool:
        """Whether another process holds the record lock of `system._show`."""
        try:
            os.lockf(fd, os.F_TEST, 0)
        except (PermissionError, BlockingIOError):
            return True
        return False

    def _cannot_be_shared(fd: int) -> bool:
        import fcntl

        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    def is_our_pipe(path: str | int) -> bool:
        """Whether this is a pipe that no other user can open."""
        try:
            info = os.stat(path) if isinstance(path, int) else os.lstat(path)
        except OSError:
            return False
        ours = info.st_uid == os.geteuid() and not info.st_mode & 0o077
        return info.st_mode & _KIND == _PIPE and ours

    def is_elsewhere(path: str) -> bool:
        """Whether something else stands in our pipe's place, so that `system` knows a way."""
        try:
            os.lstat(path)
        except OSError:
            return False
        return not is_our_pipe(path)
