"""Checking a data folder beside its owner: nothing is moved, created, locked or raised."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from types import FrameType

import pytest

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.schema import SCHEMA
from plexsync.edges.page import owner, read_state
from plexsync.edges.page.read_state import Unreadable
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.edges.storage.read_only import Database
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.job import Job
from plexsync.model.ledger import Backfill, SceneState, TargetState
from plexsync.model.plex import Refusal, Target
from plexsync.system import LockFile
from tests.platforms import posix_only

NOW = 1_700_000_000.0


def no_warning(text: str) -> None:
    raise AssertionError(text)


def seen(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file with its time and content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


def fill(folder: Path) -> None:
    with JobQueue(str(folder / "queue"), no_warning) as queue:
        queue.put_all([Job(scene=n, reason="update", born=NOW) for n in (1, 2, 3)])
        queue.finish([3])
    dead_letters = DeadLetters(str(folder / "dlq.db"), no_warning)
    for scene, error in ((7, "PlexNotFound"), (8, "PlexNotFound"), (9, "AmbiguousMatch")):
        dead_letters.add(
            DeadLetter(
                scene=scene,
                error=error,
                message="",
                buried_at=NOW,
                first_failure=NOW,
                last_failure=NOW,
            )
        )
    dead_letters.close()
    ledger = Ledger(str(folder / "ledger.db"), no_warning)
    ledger.use_server("machine")
    ledger.save([SceneState(scene=1, state="synced"), SceneState(scene=2, state="shared")])
    ledger.add_backfill("settings", "", None, NOW)
    ledger.close()


def test_an_empty_folder_is_simply_empty_and_stays_so(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not there"):
        name = str(folder)
        assert read_state.queue(name).jobs() == []
        assert read_state.dead_letters(name).counts() == {}
        assert read_state.ledger(name).backfills() == []
        assert read_state.ledger(name).counts() == {}
        assert read_state.index_sections(name) == []
        assert read_state.records_waiting(name) == 0
        assert owner.owned(name) is False
        assert read_state.log_tail(name, 10) == []
        assert read_state.document(name, "stats.json", str, "none") == "none"
    assert list(tmp_path.iterdir()) == []


def test_everything_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    fill(tmp_path)
    before = seen(tmp_path)
    folder = str(tmp_path)
    assert [job["scene"] for job in read_state.queue(folder).jobs()] == [1, 2]
    assert read_state.dead_letters(folder).counts() == {"PlexNotFound": 2, "AmbiguousMatch": 1}
    assert read_state.ledger(folder).backfills() == [Backfill(1, "settings", "", False, 0, NOW)]
    assert read_state.ledger(folder).counts() == {"synced": 1, "shared": 1}
    assert seen(tmp_path) == before


def test_what_a_working_owner_has_just_written_is_seen(tmp_path: Path) -> None:
    with JobQueue(str(tmp_path / "queue"), no_warning) as queue:
        for scene in range(1, 30):
            queue.put_all([Job(scene=scene, reason="update", born=NOW)])
            assert len(read_state.queue(str(tmp_path)).jobs()) == scene
        queue.start([1])
        assert [j["scene"] for j in read_state.queue(str(tmp_path)).jobs() if j.get("running")] == [
            1
        ]


def test_who_keeps_on_asking_sees_each_owner_s_changes(tmp_path: Path) -> None:
    queue = read_state.queue(str(tmp_path))
    assert queue.live_jobs() == 0
    for scene in range(1, 6):
        with JobQueue(str(tmp_path / "queue"), no_warning) as owned:
            assert queue.live_jobs() == scene - 1
            owned.put_all([Job(scene=scene, reason="update", born=NOW)])
            assert queue.live_jobs() == scene
        assert queue.live_jobs() == scene, "after its owner has closed it"
    (tmp_path / "queue").rename(tmp_path / "gone")
    assert queue.live_jobs() == 0
    with JobQueue(str(tmp_path / "queue"), no_warning):
        assert queue.live_jobs() == 0, "another file is there"


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "50%",
        pytest.param("what?", marks=posix_only),
        "#1",
        "ümläut",
        "quo'te",
        "x&mode=rw",
    ],
)
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    fill(folder)
    assert read_state.dead_letters(str(folder)).counts() == {"PlexNotFound": 2, "AmbiguousMatch": 1}


def test_damaged_databases_are_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir()
    for name in (read_state.QUEUE, read_state.DEAD_LETTERS, read_state.LEDGER, read_state.INDEX):
        (tmp_path / name).write_bytes(b"no database at all" * 100)
    before = seen(tmp_path)
    looks = (
        lambda folder: read_state.queue(folder).jobs(),
        lambda folder: read_state.dead_letters(folder).counts(),
        lambda folder: read_state.ledger(folder).backfills(),
        lambda folder: read_state.ledger(folder).counts(),
        read_state.index_sections,
    )
    for look in looks:
        with pytest.raises(Unreadable, match=r"\w+\.db cannot be read now .*the worker replaces"):
            look(str(tmp_path))
    assert seen(tmp_path) == before


@pytest.mark.parametrize(("content", "pauses"), [(b"", 0), (b"SQLite format 3\0" + bytes(5000), 1)])
def test_only_a_file_that_cannot_be_read_is_waited_for(
    tmp_path: Path, content: bytes, pauses: int
) -> None:
    """After an update dozens of queries meet a table that the owner has not created yet. None of them
    looks twice: the second look could be in the middle of the creation.
    """
    (tmp_path / "dlq.db").write_bytes(content)
    patiently, look = read_state._patiently.__code__, Database.read.__code__
    called: list[object] = []

    def note(frame: FrameType, event: str, what: object) -> None:
        if event == "call" and frame.f_back:
            called.append((frame.f_back.f_code, frame.f_code))
        elif event == "c_call":
            called.append(what)

    sys.setprofile(note)
    with contextlib.suppress(Unreadable):
        read_state.dead_letters(str(tmp_path)).counts()
    sys.setprofile(None)
    assert called.count(time.sleep) == pauses
    queries = len([each for each in called if isinstance(each, tuple) and each[1] is patiently])
    assert called.count((patiently, look)) == queries * (1 + pauses) > 0


def test_rows_that_are_no_jobs_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path)
    with sqlite3.connect(tmp_path / read_state.QUEUE) as connection:
        for data in (b"{", b"[1]", b'{"scene": "x"}', b"\xff\xfe", None, "text", b"[" * 5000):
            connection.execute(
                "INSERT INTO ack_queue_default (data, timestamp, status) VALUES (?, 1.0, 2)",
                (data,),
            )
    connection.close()
    assert [job["scene"] for job in read_state.queue(str(tmp_path)).jobs()] == [1, 2]


def test_a_refresh_does_not_hide_that_a_shared_file_is_gone(tmp_path: Path) -> None:
    """The owner treats a log without its -shm as damage, so a reader must not create one."""
    owned = tmp_path / "owned"
    owned.mkdir()
    with JobQueue(str(owned / "queue"), no_warning) as queue:
        queue.put_all([Job(scene=1, reason="update", born=NOW)])
        robbed = tmp_path / "robbed" / "queue"
        robbed.mkdir(parents=True)
        for file in (owned / "queue").iterdir():
            if file.is_file() and not file.name.endswith("-shm"):
                shutil.copy2(file, robbed)
    names = sorted(os.listdir(robbed))
    assert "data.db-wal" in names
    read_state.queue(str(tmp_path / "robbed")).jobs()
    assert sorted(os.listdir(robbed)) == names


@pytest.mark.parametrize(
    "text", ["", "{", "[1,", '{"a": NaN}', '{"a": 1e999}', "\xff", "[" * 100_000]
)
def test_a_damaged_document_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "stats.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(Unreadable, match=r"stats\.json cannot be read now"):
        read_state.document(str(tmp_path), "stats.json", lambda raw: raw, None)
    assert file.read_text(encoding="latin-1") == text


def test_a_document_that_its_reader_refuses_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "stats.json").write_text(json.dumps({"version": 99}))

    def refuse(raw: object) -> object:
        raise ValueError("version 99 is not known here")

    with pytest.raises(Unreadable, match="version 99"):
        read_state.document(str(tmp_path), "stats.json", refuse, None)


@posix_only
def test_what_is_no_file_stops_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stats.json")
    os.mkfifo(tmp_path / "plexsync.log")
    (tmp_path / "dlq.db").mkdir()
    with pytest.raises(Unreadable):
        read_state.document(str(tmp_path), "stats.json", lambda raw: raw, None)
    with pytest.raises(Unreadable):
        read_state.dead_letters(str(tmp_path)).counts()
    assert read_state.log_tail(str(tmp_path), 10) == []


def test_the_owner_is_seen_without_making_a_lock_file(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert owner.owned(folder) is False
    assert list(tmp_path.iterdir()) == []
    lock = LockFile(str(tmp_path / "worker.lock"))
    assert lock.acquire()
    assert owner.owned(folder) is True
    lock.release()
    assert owner.owned(folder) is False


def test_the_log_ends_with_its_last_lines_across_a_rotation(tmp_path: Path) -> None:
    (tmp_path / "plexsync.log.1").write_text("".join(f"old {n}\n" for n in range(20)))
    assert read_state.log_tail(str(tmp_path), 3) == ["old 17", "old 18", "old 19"]
    (tmp_path / "plexsync.log").write_bytes(b"new 1\n\xff\xfe broken\n")
    tail = read_state.log_tail(str(tmp_path), 3)
    assert tail[:2] == ["old 19", "new 1"]
    assert "broken" in tail[2]


def test_refused_fields_are_counted_by_scene_with_the_words_said_last(tmp_path: Path) -> None:
    def scene(number: int, **refused: Refusal) -> SceneState:
        target = TargetState(target=Target("machine", "1", number), refused=refused)
        return SceneState(scene=number, state="synced", targets=(target,))

    ledger = Ledger(str(tmp_path / "ledger.db"), no_warning)
    ledger.use_server("machine")
    ledger.save(
        [
            scene(1, summary=Refusal("h", "older", NOW)),
            scene(2, summary=Refusal("h", "newer", NOW + 1), poster=Refusal("h", "406", NOW)),
            scene(3),
            scene(4, summary=Refusal("h", "of a scene that is gone", NOW + 9)),
            scene(5, summary=Refusal("h", "damaged", NOW + 9)),
        ]
    )
    ledger.destroy([4], NOW)
    ledger.close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.execute("UPDATE targets SET refused = '{\"x\": [1' WHERE rating_key = 5")
        connection.commit()
    found = read_state.ledger(str(tmp_path)).refusals()
    assert found == [("poster", 1, "406"), ("summary", 2, "newer")]


def test_a_ledger_that_the_worker_has_not_updated_yet_refuses_nothing(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as old:
        old.executescript(";".join(SCHEMA[:4]))
    assert read_state.ledger(str(tmp_path)).refusals() == []
    assert read_state.ledger(str(tmp_path / "nowhere")).refusals() == []
