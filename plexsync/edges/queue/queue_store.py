"""Opens the queue's file, persist-queue's SQLiteAckQueue, detects damage, and decodes rows."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing

from plexsync import system
from plexsync.edges.queue import job_index
from plexsync.edges.queue.epoch import Epoch
from plexsync.edges.queue.library import AckStatus, SQLiteAckQueue, serializer
from plexsync.edges.queue.queue_queries import LIVE, TABLE
from plexsync.edges.storage import files
from plexsync.edges.storage.read_only import read_only
from plexsync.edges.storage.row_audit import FAR, keep_rows, mend_counters
from plexsync.edges.storage.shape import meddled
from plexsync.model.job import Job
from plexsync.model.json_text import loads
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import ABSURD, DATABASES, refusal

FILE = "data.db"
VERSION = DATABASES["queue/data.db"]
_READY = int(AckStatus.ready)
_SIDES = ("", "-wal", "-shm", "-journal")
_NOT_DAMAGE = ("locked", "full", "disk i/o", "unable to open", "out of memory", "interrupted")

Row = tuple[int, object, object]
"""Row id, payload bytes (None for NULL), status."""


class AckQueue(SQLiteAckQueue):
    """The library's queue on a single connection that syncs at every commit.

    Nothing is resumed on opening: with a single owner every claimed row is ours, and rows that a
    crash left claimed are read again under their ids.
    """

    connection: sqlite3.Connection

    def __init__(self, folder: str) -> None:
        super().__init__(
            folder,
            auto_resume=False,
            multithreading=False,
            serializer=serializer,
        )

    def _new_db_connection(
        self, path: str, multithreading: bool, timeout: float
    ) -> sqlite3.Connection:
        """Overrides how the library connects, since it has no setting for `synchronous`."""
        connection = sqlite3.connect(
            os.path.join(path, FILE),
            timeout=timeout,
            check_same_thread=False,  # the library closes it once more when it is collected
        )
        try:
            (journal,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            connection.execute("PRAGMA synchronous=FULL")
            (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
            if journal != "wal" or synchronous != 2:
                raise OSError(
                    f"SQLite cannot keep {path} safely (journal {journal}, synchronous"
                    f" {synchronous}): let STASH_PLUGIN_DATA name a folder on a local drive"
                )
        except BaseException:
            connection.close()
            raise
        self.connection = connection
        return connection

    def rows(self) -> list[Row]:
        """All live rows by id, with undecoded payloads.

        The library's own columns are repaired first: it fails on a wrong type or a huge number.
        """
        self.connection.execute(
            f"UPDATE {TABLE} SET timestamp = 0, status = {_READY} WHERE {LIVE}"
            " AND (typeof(timestamp) NOT IN ('real', 'integer') OR typeof(status) <> 'integer')"
        )
        self.connection.commit()
        self._renumber()
        return self.connection.execute(
            f"SELECT _id, CAST(data AS BLOB), status FROM {TABLE} WHERE {LIVE} ORDER BY _id"
        ).fetchall()

    def _renumber(self) -> None:
        """Give rows with absurdly large numbers, after which there would be none, the next small
        ones.
        """
        far = self.connection.execute(f"SELECT _id FROM {TABLE} WHERE _id > {FAR} ORDER BY _id")
        with self.connection:
            self.connection.executemany(
                f"UPDATE {TABLE} SET _id = 1 + (SELECT coalesce(max(_id), 0) FROM {TABLE}"
                f" WHERE _id BETWEEN 0 AND {FAR}) WHERE _id = ?",
                far.fetchall(),
            )
        mend_counters(self.connection)


class Opened(NamedTuple):
    """An open queue file. `lost` means that jobs may be missing; that was logged already."""

    queue: AckQueue
    epoch: Epoch
    rows: list[Row]
    lost: bool


def open_queue(folder: str, warn: Callable[[str], None]) -> Opened:
    """Open the queue in its private folder; a damaged file is set aside and an empty one created.

    Raises OSError or sqlite3.OperationalError if the disk is full, read-only or locked, and
    NewerSchema if a newer version wrote it: such a file is not damaged and stays.
    """
    moved = files.own_folder(folder, warn)
    path = os.path.join(folder, FILE)
    epoch = Epoch(path, warn)
    try:
        _check(path)
        queue, rows, reason = _start(path, epoch)
    except files.DAMAGE as problem:
        if not _is_damage(problem, path):
            raise
        damage = str(problem)
    else:
        if reason:
            warn(f"The job queue may have lost jobs: {reason}. A reconciliation is due.")
        return Opened(queue, epoch, rows, moved or bool(reason))
    # Outside the handler, which keeps the broken connection open: close it before the move.
    kept = files.set_aside(path)
    warn(f"The job queue is damaged ({damage}); it is kept in {kept}. A reconciliation is due.")
    queue, rows, _ = _start(path, epoch)
    return Opened(queue, epoch, rows, True)


def _check(path: str) -> None:
    """Raise sqlite3.DatabaseError unless the file is absent, empty or sound, or NewerSchema."""
    for name in (path + side for side in _SIDES):
        if system.stands_in_the_way(name):
            raise sqlite3.DatabaseError(f"{os.path.basename(name)} is not a regular file")
    if _size(path) == 0:
        if _size(path + "-wal"):
            raise sqlite3.DatabaseError("it is missing or empty, but its -wal file is not")
        return
    # Read-only: the last writer to close deletes the -wal, and with it the evidence that one was
    # lost. But only a writer can roll back a transaction that a kill interrupted.
    half_made = os.path.exists(path + "-journal")
    with closing(sqlite3.connect(path) if half_made else read_only(path)) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA quick_check")]
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        foreign = meddled(connection)
    if VERSION < version <= ABSURD:
        raise files.NewerSchema(refusal(path, version, VERSION))
    if found != ["ok"]:
        raise sqlite3.DatabaseError(found[0] if found else "no answer to quick_check")
    if foreign:
        raise sqlite3.DatabaseError(foreign)


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _start(path: str, epoch: Epoch) -> tuple[AckQueue, list[Row], str]:
    _make_private(path)
    queue = AckQueue(os.path.dirname(path))
    try:
        rows = queue.rows()
        reason = epoch.lost(queue.connection)
        queue.connection.execute(f"PRAGMA user_version = {VERSION}")
        job_index.prepare(queue.connection)
        epoch.begin(queue.connection)
    except BaseException:
        queue.close()
        raise
    _make_private(path)
    return queue, rows, reason


def _make_private(path: str) -> None:
    """Create the database for the owner alone; SQLite gives its side files the same rights."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
    for name in (path + side for side in _SIDES):
        if os.path.exists(name):
            system.make_private(name)


def _is_damage(problem: Exception, path: str) -> bool:
    text = str(problem).lower()
    if not isinstance(problem, sqlite3.OperationalError):
        return True
    if "readonly" in text:
        return files.header_forbids_writing(path)
    return not any(word in text for word in _NOT_DAMAGE)


def decode(data: object) -> Job:
    """Decode a row's payload; raises ValueError if it is not a job."""
    if not isinstance(data, bytes):
        raise ValueError("the payload is empty")
    try:
        return Job.from_dict(loads(data))
    except RecursionError:
        raise ValueError("the payload is nested too deeply") from None


def keep_bad_rows(folder: str, rows: Iterable[tuple[Row, str]]) -> str:
    """Write rows that are not jobs, with the reason, to `damaged/`; returns the file's path."""
    return keep_rows(folder, FILE, [_described(row, reason) for row, reason in rows])


def _described(row: Row, reason: str) -> dict[str, object]:
    number, data, status = row
    raw = data if isinstance(data, bytes) else b""
    try:
        payload = {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        payload = {"hex": raw.hex()}
    return {"row": number, "status": repr(status), "reason": reason, **payload}
