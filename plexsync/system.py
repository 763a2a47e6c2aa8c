"""What differs between operating systems: locks, processes, folders. No other module asks which one
it runs on, except `fast`, the hook's part of this one.

A hook that starts a worker loads this module, so it imports only what bare Python has loaded
anyway, and fcntl or msvcrt.
"""

import os
import sys
import time

from plexsync import fast
from plexsync.fast import (
    BINARY,
    NO_FOLLOW,
    NO_WAIT,
    create,
    is_our_pipe,
    keep_own_umask,
    replace,
    sync_folder,
    write_all,
)

__all__ = ["create", "keep_own_umask", "replace", "sync_folder", "write_all"]

if sys.platform == "win32":
    import msvcrt

    USUAL_TEMPORARY = (r"%LOCALAPPDATA%\Temp", r"%SYSTEMROOT%\Temp")
else:
    import fcntl

    USUAL_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - a private folder is made there

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class LockFile:
    """An advisory lock on a file that is never deleted; it ends with its process.

    If the file system does not support locks, a file in this machine's temporary folder is locked
    `instead`. That excludes other processes of this machine, but not those of another.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.instead = ""
        self._fd = -1

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd >= 0

    def acquire(self) -> bool:
        """Take the lock without waiting; False if another process holds it.

        A hook's check also holds it for an instant. Raises OSError if the file cannot be opened or
        locks do not work.
        """
        if not self.held:
            self._fd = self._take()
        return self.held

    def release(self) -> None:
        """Release the lock, if held."""
        if self.held:
            fd, self._fd = self._fd, -1
            try:
                _unlock(fd)
            finally:
                os.close(fd)

    def lend(self) -> None:
        """Let processes started from now on hold it too, until they close their files.

        On Windows a lock cannot be inherited: there it ends with this process.
        """
        os.set_inheritable(self._fd, True)

    def leave(self) -> None:
        """Close its file, if held, without releasing it for processes that it was lent to."""
        if self.held:
            fd, self._fd = self._fd, -1
            if sys.platform == "win32":
                _unlock(fd)
            os.close(fd)

    def fileno(self) -> int:
        """Its open file descriptor; -1 if it is not held."""
        return self._fd

    def is_its_file(self) -> bool:
        """Whether its open file is still the one at its path. Raises OSError if none is there."""
        return os.path.samestat(os.fstat(self._fd), os.stat(self.path))

    def busy(self) -> bool:
        """Whether another process holds it at this moment. Raises OSError like `acquire`.

        Any number of processes may check at once without taking each other for the owner (except on
        Windows).
        """
        fd = self._take(shared=True)
        if fd >= 0:
            try:
                _unlock(fd)  # Windows releases the locks of a closed file with a delay
            finally:
                os.close(fd)
        return fd < 0

    def _take(self, shared: bool = False) -> int:
        """An open file descriptor that holds the lock; -1 if another process does."""
        try:
            return _open_locked(self.path, shared)
        except _NoLocks:
            self.instead = private_stand_in(self.path)
        return _open_locked(self.instead, shared)


class _NoLocks(OSError):
    """The file system does not support locks, like some network drives and FUSE."""


def _open_locked(path: str, shared: bool) -> int:
    fd = _open_lock(path)
    locked = False
    try:
        if not os.path.isfile(fd):
            raise OSError(f"{path} is {kind_of(path)} instead of a file: remove it")
        locked = _lock(fd, shared)
    except OSError as problem:
        if _means_no_locks(problem):
            raise _NoLocks(*problem.args) from None
        raise
    finally:
        if not locked:
            os.close(fd)
    return fd if locked else -1


def _means_no_locks(problem: OSError) -> bool:
    import errno

    return problem.errno in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


def private_stand_in(path: str, *, secret: bool = False) -> str:
    """The path of a local file that replaces `path` where its file system cannot do what is needed,
    in a folder that only we can write to. Raises OSError, for a `secret` also if others can read
    the folder.
    """
    import hashlib

    name = f"plexsync-locks-{getattr(os, 'geteuid', int)()}"
    folder = os.path.join(_temporary(), name)
    private_folder(folder)
    if secret and (is_shown(folder) or not is_private(folder)):
        raise PermissionError(f"other users can read {folder}")
    real = os.fsencode(os.path.realpath(path))
    return os.path.join(folder, hashlib.sha256(real).hexdigest())


def _temporary() -> str:
    """This machine's folder for temporary files, as `tempfile` finds it, without its import time."""
    named = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    for folder in (*named, *map(os.path.expandvars, USUAL_TEMPORARY)):
        if folder and os.path.isdir(folder) and os.access(folder, os.W_OK):
            return os.path.abspath(folder)
    raise FileNotFoundError("there is no folder for temporary files: set TMPDIR to one")


def _open_lock(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | NO_FOLLOW | NO_WAIT | BINARY, 0o600)
    except OSError:
        if found := stands_in_the_way(path):
            raise OSError(f"{path} is {found} instead of a file: remove it") from None
        raise


def stands_in_the_way(path: str) -> str:
    """What is at a path instead of a regular file, in words; "" for a regular file and for nothing.

    A single stat decides: a file that another process removes meanwhile counts as nothing.
    """
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):
        return ""
    return "" if mode & 0o170000 == 0o100000 else _kind_of(mode)


def is_regular(path: str) -> bool:
    """Whether a regular file is there, which never blocks; a link to one does not count."""
    try:
        return os.path.isfile(path) and not os.path.islink(path)
    except ValueError:
        return False


def kind_of(path: str) -> str:
    """What kind of file is there, in words. Raises OSError if there is nothing."""
    return _kind_of(os.lstat(path).st_mode)


def _kind_of(mode: int) -> str:
    import stat

    words = {
        stat.S_IFLNK: "a symbolic link, which is not followed,",
        stat.S_IFDIR: "a folder",
        stat.S_IFREG: "a file",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return words.get(stat.S_IFMT(mode), "a device")


if sys.platform == "win32":

    def _lock(fd: int, shared: bool = False) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(fd: int) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:

    def _lock(fd: int, shared: bool = False) -> bool:
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        if not shared:
            _show(fd, os.F_TLOCK)
        return True

    def _unlock(fd: int) -> None:
        _show(fd, os.F_ULOCK)
        fcntl.flock(fd, fcntl.LOCK_UN)

    def _show(fd: int, how: int) -> None:
        """Take or release a record lock too, which a hook can test without importing fcntl.

        Only a hint: POSIX drops it as soon as this process closes any descriptor of the file.
        """
        try:
            os.lockf(fd, how, 0)
        except OSError:
            pass


ROOM = "give Stash space and permission there, or let STASH_PLUGIN_DATA name another folder"
MOST_FILES = 64
FILES = f"let Stash open more files (ulimit -n, in Docker ulimits: nofile), {MOST_FILES} or more"
MEMORY = "give Stash more memory, or let it start more threads; PlexSync needs 128 MiB"
"""What to do where the machine itself is at fault."""


class Unloadable(Exception):
    """A part of PlexSync or of its packages cannot be loaded now, which is never a job's fault: the
    disk fails, memory is short, or the packages are just being updated.
    """


def in_words(problem: BaseException) -> str:
    """An error's text, with what to do if this machine has no room, rights, files or memory left."""
    text = text_of(problem) or type(problem).__name__
    remedy = _remedy(problem, text)
    return f"{text}; {remedy}" if remedy else text


def lacks_memory(problem: BaseException) -> bool:
    """Whether this process cannot have the memory, or the thread, that it asked for."""
    import errno

    no_thread = isinstance(problem, RuntimeError) and "start new thread" in str(problem)
    short = no_thread or isinstance(problem, MemoryError)
    return short or getattr(problem, "errno", None) == errno.ENOMEM


def why_unloadable(problem: BaseException) -> str:
    """The message if PlexSync and its packages are there, but a part of them cannot be loaded."""
    if isinstance(problem, SystemError):  # of code in C that got no memory and does not say so
        return f"PlexSync cannot load what it needs ({problem}): {MEMORY}."
    if not isinstance(problem, ImportError):
        return f"PlexSync cannot load what it needs ({in_words(problem)})."
    unmapped = "failed to map segment" in str(problem)  # the C library may not say why
    if "Cannot allocate memory" in str(problem) or (
        unmapped and problem.path and runs_programs(problem.path)
    ):
        return f"PlexSync cannot load what it needs ({problem}): {MEMORY}."
    if unmapped:
        return (
            f"PlexSync cannot load what it needs ({problem}): its data folder is on a disk from "
            "which no program may run (mounted noexec). Let STASH_PLUGIN_DATA name a folder on "
            "another disk, or mount that one without noexec."
        )
    return (
        f"PlexSync cannot load what it needs ({problem}). Install PlexSync again; "
        "if that does not help, remove the folder `dependencies` in its data folder and press "
        "Check Setup, or let STASH_PLUGIN_DATA name a folder on another disk."
    )


def text_of(problem: BaseException) -> str:
    """An error's text with the names of files as they are: str() doubles each backslash in them."""
    text = str(problem)
    for key in ("filename", "filename2"):
        name = getattr(problem, key, None)
        if isinstance(name, str) and "\\" in name:
            text = text.replace(repr(name), f'"{name}"')
    return text


def _remedy(problem: BaseException, text: str) -> str:
    import errno

    number = getattr(problem, "errno", None)
    by_sqlite = type(problem).__name__ == "OperationalError"  # which this module must not load
    if number in (errno.EMFILE, errno.ENFILE):
        return FILES
    if by_sqlite and "unable to open" in text and allows_few_files():
        return FILES
    if lacks_memory(problem):
        return MEMORY
    signs = ("unable to open", "readonly", "full", "disk I/O")
    if by_sqlite and any(sign in text for sign in signs):
        return ROOM
    of_disk = (errno.EACCES, errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EPERM, errno.EROFS)
    named = number is not None and getattr(problem, "filename", None)
    return ROOM if number in of_disk or named else ""


if sys.platform == "win32":

    def allows_few_files() -> bool:
        """No: Windows sets no such limit."""
        return False

    def runs_programs(path: str) -> bool:
        """Windows has no such mounts, and nothing asks."""
        return True

else:

    def allows_few_files() -> bool:
        """Whether this process may have fewer files open than PlexSync needs."""
        try:
            import resource
        except ImportError:  # from a disk that fails, which is asked about just then
            return False
        return 0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[0] < MOST_FILES

    def runs_programs(path: str) -> bool:
        """Whether this file's disk is known to be mounted without `noexec`."""
        try:
            return not os.statvfs(path).f_flag & os.ST_NOEXEC
        except (AttributeError, OSError):  # macOS names no such flag
            return False


def is_first_process() -> bool:
    """Whether this is the first process of its namespace, with which all others end."""
    return os.getpid() == 1


def data_folder(plugin_dir: str, environ: "Mapping[str, str]") -> str:
    """The data folder: $STASH_PLUGIN_DATA, or else `data` in the plugin's folder; absolute.

    A relative path starts at the plugin's folder, so that every process finds the same one.
    """
    return os.path.abspath(os.path.join(plugin_dir, environ.get("STASH_PLUGIN_DATA") or "data"))


PRIVATE, OPEN, FOREIGN = "private", "open", "foreign"
"""Who can write to a folder: only we; others too; or a stranger may even have created it."""


def whose(
    me: int, owner: int, mode: int, *, parent_mode: int = 0, link_owner: int = 0, squashed: bool
) -> str:
    """PRIVATE, OPEN or FOREIGN, by user ids (0 is root) and modes.

    OPEN is unavoidable in places: a file system without permissions always shows 0777, and on a NAS
    folders belong to its own users, for whom root works. `squashed`: the file system gives each new
    file to the folder's owner, so that owner and mode prove nothing. In a sticky parent that anyone
    may write to, such as /tmp, a stranger can create the folder before we do.
    """
    trusted = (me, 0)
    laid = parent_mode & 0o1002 == 0o1002
    strangers_write = mode & 0o002 and me != 0 and not squashed
    if link_owner not in trusted or (owner not in trusted and (laid or strangers_write)):
        return FOREIGN
    return PRIVATE if owner in trusted and not mode & 0o022 else OPEN


def private_folder(path: str) -> None:
    """Make sure that `path` is a folder that we can use; create it as 0700, or repair the mode of
    ours.

    A folder that others may write to is accepted where that is unavoidable (see `is_private`).
    Raises OSError that says what is wrong and what to do: its parent is missing, it is not a
    folder, or a stranger may have created it. A link to a good folder is accepted.
    """
    if not os.path.lexists(path):
        make_folder(path)
    if not os.path.isdir(path):
        raise NotADirectoryError(
            f"{path} is not a folder: move it away, or let STASH_PLUGIN_DATA name another folder"
        )
    if sys.platform != "win32" and (_whose(path) != PRIVATE or _is_shut(path)):
        _mend(path)


def is_private(path: str) -> bool:
    """Whether no other user may write to this folder. On Windows its parent's permissions apply."""
    return sys.platform == "win32" or _whose(path) == PRIVATE


def is_shown(path: str) -> bool:
    """Whether others may read this folder. On Windows its parent's permissions apply."""
    return sys.platform != "win32" and os.stat(path).st_mode & 0o077 != 0


if sys.platform != "win32":

    def _whose(path: str, *, squashed: bool = False) -> str:
        info, entry = os.stat(path), os.lstat(path)
        return whose(
            os.geteuid(),
            info.st_uid,
            info.st_mode,
            parent_mode=os.stat(os.path.dirname(path)).st_mode,
            link_owner=0 if os.path.samestat(info, entry) else entry.st_uid,
            squashed=squashed,
        )

    def _is_shut(path: str) -> bool:
        """Whether its mode keeps out even its owner, as a umask of 777 makes it."""
        return os.stat(path).st_mode & 0o700 != 0o700

    def _mend(path: str) -> None:
        owner, me = os.stat(path).st_uid, os.geteuid()
        if owner == me:
            try:
                os.chmod(path, 0o700)
            except OSError:
                pass  # a file system without permissions: it stays open
        if _whose(path, squashed=owner != me and _squashes(path)) == FOREIGN:
            raise PermissionError(
                f"{path} belongs to user {owner}, but Stash runs as user {me}: "
                f"run `chown -R {me} {path}`, or let STASH_PLUGIN_DATA name a folder of that user"
            )

    def _squashes(folder: str) -> bool:
        """Whether a file that we create there belongs to the folder's owner instead of us."""
        path = os.path.join(folder, f".owner-{os.getpid()}.tmp")
        try:
            fd = create(path)
        except OSError:
            return False
        try:
            return os.fstat(fd).st_uid == os.stat(folder).st_uid
        finally:
            os.close(fd)
            os.unlink(path)


def make_folder(path: str) -> None:
    """Create one folder, 0700 and durable, unless it exists. Its parent must exist."""
    parent = os.path.dirname(path)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{parent} does not exist (a drive that is not mounted?): create it, "
            "or let STASH_PLUGIN_DATA name another folder"
        ) from None
    sync_folder(parent)


def append_to(path: str) -> int:
    """Open a file for appending, created as 0600 if missing. Raises OSError for a link or anything
    else that is not a regular file; never blocks on a pipe.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | NO_FOLLOW | NO_WAIT | BINARY
    fd = os.open(path, flags, 0o600)
    if not os.path.isfile(fd):
        os.close(fd)
        raise OSError(f"{path} is {kind_of(path)} instead of a file: remove it")
    return fd


def keep_private(fd: int) -> None:
    """Make an open file private. On Windows the permissions of its folder apply."""
    if sys.platform != "win32" and os.fstat(fd).st_mode & 0o777 != 0o600:
        os.fchmod(fd, 0o600)


def make_private(path: str) -> None:
    """Make a file its owner's alone. Windows has the folder's rights, and cannot set the mode of a
    file that is mapped into memory, as SQLite's -shm is.
    """
    if sys.platform != "win32":
        os.chmod(path, 0o600)


def remove(path: str) -> None:
    """Delete a file, if it is there. On Windows retried for a second while another process reads it."""
    if sys.platform == "win32":
        for _ in range(100):
            try:
                os.unlink(path)
                return
            except FileNotFoundError:
                return
            except PermissionError:
                time.sleep(0.01)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def read_regular(path: str, limit: int) -> bytes:
    """The bytes of a regular file.

    Raises ValueError for a link, a pipe, a folder or more than `limit` bytes; OSError otherwise.
    """
    try:
        fd = _open_to_read(path)
    except OSError:
        if stands_in_the_way(path):
            raise ValueError("it is not a regular file") from None
        raise
    try:
        found = os.fstat(fd)
        if found.st_mode & 0o170000 != 0o100000:
            raise ValueError("it is not a regular file")
        if found.st_size > limit:
            raise ValueError(f"it is larger than {limit} bytes")
        data = os.read(fd, found.st_size)
        while len(data) < found.st_size and (piece := os.read(fd, found.st_size - len(data))):
            data += piece
        return data
    finally:
        os.close(fd)


def _open_to_read(path: str) -> int:
    flags = os.O_RDONLY | NO_FOLLOW | NO_WAIT | BINARY
    if sys.platform == "win32" and not os.path.isdir(path):
        for _ in range(20):  # for a moment, a file that is being replaced cannot be opened
            try:
                return os.open(path, flags)
            except PermissionError:
                time.sleep(0.01)
    return os.open(path, flags)


def sync_all() -> None:
    """Flush everything written so far to disk: for many files at once, rarely used."""
    if sys.platform != "win32":
        os.sync()


def hand_over(path: str, data: bytes) -> bool:
    """Send a line to the process that receives at `path`, or at the stand-in for it; False if it
    cannot be reached. Writes nothing to disk, and never waits for long.
    """
    if is_our_pipe(path) or not os.path.lexists(path):
        return fast.hand_over(path, data)
    try:
        stand_in = private_stand_in(path, secret=True)
        if not is_regular(stand_in):
            return fast.hand_over(stand_in, data)
        from plexsync import loopback

        return loopback.send(read_regular(stand_in, 200), data)
    except (OSError, ValueError):
        return False


def receive(path: str) -> int:
    """The reading end of a pipe that only we can read and write: at `path`, or at the stand-in for
    it if the file system has no pipes or gives our files to other users.

    -1 where there are no pipes at all, as on Windows.
    """
    if sys.platform == "win32":
        return -1
    fd = _open_pipe(path)
    if fd < 0:
        try:
            fd = _open_pipe(receive_elsewhere(path))
        except OSError:
            pass
    return fd


def receive_elsewhere(path: str) -> str:
    """The path of the stand-in for the pipe at `path`, where a file is left as a mark. Raises
    OSError if others could read it.
    """
    stand_in = private_stand_in(path, secret=True)
    if not os.path.lexists(path):
        os.close(create(path))
    return stand_in


if sys.platform != "win32":

    def _open_pipe(path: str) -> int:
        try:
            if not is_our_pipe(path):
                _make_pipe(path)
            fd = os.open(path, os.O_RDONLY | NO_FOLLOW | NO_WAIT)
        except OSError:
            return -1
        if not is_our_pipe(fd):
            os.close(fd)
            return -1
        return fd

    def _make_pipe(path: str) -> None:
        if os.path.lexists(path):
            os.unlink(path)
        os.mkfifo(path, 0o600)


def start_detached(argv: list[str], stdin: bytes) -> None:
    """Start a process that outlives this one and inherits nothing from it.

    `stdin` (a few KiB at most) is passed through a pipe that is already closed on this side; stdout
    and stderr are the null device. Raises OSError if it cannot be started.
    """
    if sys.platform == "win32":
        _start_windows(argv, stdin)
    else:
        _start_posix(argv, stdin)


if sys.platform == "win32":

    def _start_windows(argv: list[str], stdin: bytes) -> None:
        from subprocess import CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, DEVNULL, PIPE, Popen

        # with DETACHED_PROCESS it would have no console, and each program that it runs, such as
        # pip, would open a window
        flags = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
        worker = Popen(argv, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, creationflags=flags)
        if worker.stdin:
            worker.stdin.write(stdin)
            worker.stdin.close()

else:
    _ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
    """For glibc, which otherwise reserves 64 MiB of address space for a thread's own heap wherever that
    fits: below a limit such as `ulimit -v` too little may be left."""

    def _start_posix(argv: list[str], stdin: bytes) -> None:
        read, write = os.pipe()
        try:
            os.set_blocking(write, False)  # a pipe that is too small must not block the user's save
            if os.write(write, stdin) < len(stdin):
                raise OSError("the pipe to the worker is too small for Stash's connection block")
            os.posix_spawn(
                argv[0],
                argv,
                {**_ONE_HEAP, **os.environ},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, read, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
            )
        finally:
            os.close(read)
            os.close(write)


if sys.platform == "win32":
    WITHOUT_WINDOW, PRIVATE_UMASK = 0x08000000, -1
else:
    WITHOUT_WINDOW, PRIVATE_UMASK = 0, 0o077
"""For child processes: flags that prevent a console window, and a umask that keeps files private.
"""


def about_machine() -> "dict[str, str]":
    """The operating system's name and release, the processor, and the C library."""
    import platform

    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "libc": platform.libc_ver()[0],
    }


def command_line(argv: list[str]) -> str:
    """A command as the user can paste it into a shell (on Windows: the command prompt)."""
    if sys.platform == "win32":
        from subprocess import list2cmdline as join
    else:
        from shlex import join
    return join(argv)


def detach(keep: int = -1) -> None:
    """Leave the parent's session, working folder and open files, except the file `keep`.

    Files that the worker creates from here on are private.
    """
    if sys.platform != "win32":
        try:
            os.setsid()
        except PermissionError:
            pass  # it already leads a session
        _close_inherited(keep)
    os.umask(0o077)
    os.chdir(os.path.abspath(os.sep))


def _close_inherited(keep: int) -> None:
    try:
        open_now = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        open_now = list(range(3, 1024))
    for fd in open_now:
        if fd > 2 and fd != keep:
            try:
                os.close(fd)
            except OSError:
                pass  # the listing's own descriptor is in the list


def stop_collecting() -> None:
    """Collect no garbage until all modules are loaded: they are none, and to look through them again
    and again takes a sixth of the start.
    """
    import gc

    gc.disable()


def collect_again() -> None:
    """Collect garbage from now on, without looking at what is loaded, which is never freed.

    It is looked for less often than by default: a page of scenes has 20,000 objects, and no garbage.
    """
    import gc

    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
