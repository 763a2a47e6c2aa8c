"""The inbox, through which all work arrives: a record in `inbox/new` is always complete.

`folder` is always the data folder. Any process may drop records; only the owner collects them.
"""

import os
import sys
import time

from plexsync import fast, system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_RECORD = 1 << 20
_BATCH_BYTES = 16 << 20
_KEPT_DAMAGED = 100
_DAY = 86400
_TURN = 200
"""Milliseconds that a hook waits while another one starts a worker, which takes about 1 ms."""
_LONGEST_START = 10.0
"""Seconds after which a starting worker is assumed to hang."""
COARSE_MTIME = 2.5
"""Some file systems have a resolution of 2 s: a younger time stamp proves nothing, so check
again."""
_MAX_CONNECTION = 8 << 10
"""Largest connection block in bytes: it fits into any pipe, and Stash's has about 500."""


class Record:
    """One record: its name, when it was stored (wall-clock seconds), and its bytes.

    `data` is None if it cannot be read, is not a regular file, or is larger than 1 MiB.
    """

    __slots__ = ("name", "at", "data")

    def __init__(self, name: str, at: float, data: bytes | None) -> None:
        self.name = name
        self.at = at
        self.data = data


def drop(folder: str, record: bytes) -> str:
    """Store one record; once this returns its name, it survives a power cut.

    Raises OSError if it cannot be stored; nothing is left behind then.
    """
    make_ready(folder)
    return fast.drop(folder, record)


def make_ready(folder: str) -> str:
    """Create missing folders of the inbox; returns the one with the records."""
    inbox = os.path.join(folder, "inbox")
    temp, new = os.path.join(inbox, "tmp"), os.path.join(inbox, "new")
    for part in (inbox, temp, new):
        if os.path.islink(part):
            raise OSError(f"{part} is a symbolic link, which is not followed: remove it")
        if not os.path.isdir(part):
            system.make_folder(part)
            if not os.path.isdir(part):
                raise OSError(f"{part} is {system.kind_of(part)} instead of a folder: remove it")
    return new


def collect(folder: str, limit: int = 10000) -> list[Record]:
    """The oldest records, by name; at most `limit` and about 16 MiB, so ask again until empty."""
    return read(folder, sorted(names(folder))[:limit])


def names(folder: str) -> "set[str]":
    """The names of all waiting records."""
    try:
        return set(os.listdir(_new(folder)))
    except FileNotFoundError:
        return set()


def read(folder: str, names: "Iterable[str]") -> list[Record]:
    """Those of these records that are still waiting, up to about 16 MiB."""
    new = _new(folder)
    records: list[Record] = []
    size = 0
    for name in names:
        try:
            data = _read(new + os.sep + name)
        except FileNotFoundError:
            continue
        records.append(Record(name, _dropped_at(name), data))
        size += len(data or b"")
        if size > _BATCH_BYTES:
            break
    return records


def _read(path: str) -> bytes | None:
    try:
        return system.read_regular(path, MAX_RECORD)
    except (ValueError, PermissionError):
        return None


def _dropped_at(name: str) -> float:
    stamp = name.split("-", 1)[0]
    return int(stamp) / 1e9 if len(stamp) == 20 and stamp.isascii() and stamp.isdigit() else 0.0


def forget(folder: str, names: "Iterable[str]") -> None:
    """Delete records that have been taken over."""
    new = _new(folder) + os.sep
    for name in names:
        _unlink(new + name)


def set_aside(folder: str, name: str) -> None:
    """Move a damaged record to `<data>/damaged/`, where the newest hundred are kept."""
    damaged = os.path.join(folder, "damaged")
    system.private_folder(damaged)
    system.replace(os.path.join(_new(folder), name), os.path.join(damaged, name))
    kept = [entry.name for entry in os.scandir(damaged) if not entry.is_dir(follow_symlinks=False)]
    for old in sorted(kept)[:-_KEPT_DAMAGED]:
        _unlink(os.path.join(damaged, old))


def sweep(folder: str, now: float) -> int:
    """Delete files that killed processes left unfinished a day ago; returns how many."""
    removed = 0
    for place, ending in ((os.path.join(folder, "inbox", "tmp"), ""), (folder, ".tmp")):
        try:
            found = list(os.scandir(place))
        except FileNotFoundError:
            continue
        old = [file.path for file in found if file.name.endswith(ending) and _is_old(file, now)]
        removed += sum(map(_unlink, old))
    return removed


def _is_old(file: "os.DirEntry[str]", now: float) -> bool:
    try:
        return abs(now - file.stat(follow_symlinks=False).st_mtime) > _DAY
    except FileNotFoundError:
        return False


def signature(folder: str) -> int:
    """When `new/` last changed, in nanoseconds, 0 before the first record; costs one stat.

    Time stamps have a resolution (milliseconds, on some file systems 2 s): two changes within it
    look the same.
    """
    try:
        return os.stat(_new(folder)).st_mtime_ns
    except FileNotFoundError:
        return 0


def is_settled(signature: int) -> bool:
    """Whether a change from now on will change the signature on any file system."""
    return abs(time.time() - signature / 1e9) >= COARSE_MTIME


def nudge(folder: str) -> None:
    """Change the signature without a record, to wake a sleeping worker."""
    os.utime(make_ready(folder))


def _new(folder: str) -> str:
    return os.path.join(folder, "inbox", "new")


def _unlink(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


def wake(plugin_dir: str, data: str, connection: bytes) -> None:
    """Start a worker unless one is alive or starting, or a task will leave one behind.

    The new worker holds `started.lock` until it owns the folder, so that a crowd of hooks starts
    only one: in a container whose init does not reap orphans each further one would stay a zombie.
    Hooks take turns by `starting.lock`, which no worker holds: if a hook is killed before it has
    started a worker, the next one does. A start that takes too long hangs (a stopped process keeps
    its locks), and is not waited for. A living worker is handed the connection, since its own may
    have expired.
    """
    if has_owner(data):
        hand_over(data, connection)
        return
    turn = system.LockFile(os.path.join(data, "starting.lock"))
    started = system.LockFile(os.path.join(data, "started.lock"))
    mine = _take_turn(turn)
    try:
        if mine and not started.acquire() and _began_lately(started.path):
            return
        if not has_owner(data) or not _still_has_owner(data):
            if mine:
                os.utime(started.path)
            if started.held:
                started.lend()
            start_worker(plugin_dir, connection)
    finally:
        started.leave()
        turn.release()


def _take_turn(turn: system.LockFile) -> bool:
    """Wait while another hook starts a worker, unless that one hangs."""
    for _ in range(_TURN):
        if turn.acquire():
            return True
        time.sleep(0.001)
    return False


def hand_over(data: str, connection: bytes) -> bool:
    """Offer this connection to a running worker, which uses it once Stash refuses its own."""
    return system.hand_over(session_pipe(data), connection)


def session_pipe(data: str) -> str:
    """The pipe through which a worker receives newer connections, where there can be one."""
    return os.path.join(data, "session")


def _began_lately(lock: str) -> bool:
    return abs(time.time() - os.stat(lock).st_mtime) < _LONGEST_START


def has_owner(data: str) -> bool:
    """Whether a worker is alive, or a task that will leave one behind."""
    locks = ("worker.lock", "takeover.lock")
    return any(system.LockFile(os.path.join(data, name)).busy() for name in locks)


def _still_has_owner(data: str) -> bool:
    """Check twice, a moment apart: on Windows another hook's check can look like an owner."""
    time.sleep(0.01)
    return has_owner(data)


def start_worker(plugin_dir: str, connection: bytes) -> None:
    """Start a worker with this connection block; raises ValueError or OSError."""
    if not 0 < len(connection) <= _MAX_CONNECTION:
        raise ValueError("Stash sent no usable server_connection")
    if not sys.executable:
        raise ValueError("Python does not know its own path")
    argv = [sys.executable, os.path.join(plugin_dir, "PlexSync.py"), "worker"]
    system.start_detached(argv, connection)
