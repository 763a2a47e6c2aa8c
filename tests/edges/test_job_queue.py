"""The job queue on real SQLite files: put, run, crash and damage."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import sqlite3
import stat
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import persistqueue
import persistqueue.serializers.json
import pytest

from plexsync.edges.page import read_state
from plexsync.edges.queue.job_queue import LONGEST_WAIT, JobQueue
from plexsync.edges.queue.queue_store import AckQueue
from plexsync.model.job import BACKFILL, EDIT, Job
from tests.platforms import posix_only

NOW = 1_700_000_000.0
can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def job_for(scene: int, **changes: object) -> Job:
    plain = Job(scene=scene, reason="update", born=NOW, not_before=NOW)
    return plain._replace(**changes)  # type: ignore[arg-type]


class Queues:
    """Opens the same folder again and again and collects the warnings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warnings: list[str] = []

    def open(self, poison_starts: int = 3) -> JobQueue:
        return JobQueue(str(self.folder), self.warnings.append, poison_starts)

    def die_after(self, work: Callable[[JobQueue], object]) -> None:
        """A worker process that opens the queue, runs this code, and is killed."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                held = self.open()  # otherwise garbage collection would close it properly
                work(held)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0

    def live(self) -> int:
        """The number of jobs that a read-only process counts."""
        return read_state.queue(str(self.folder.parent)).live_jobs()

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "data.db")) as connection:
            found = connection.execute(statement, values).fetchall()
            connection.commit()
        return found


@pytest.fixture
def queues(tmp_path: Path) -> Queues:
    return Queues(tmp_path / "queue")


@pytest.fixture
def queue(queues: Queues) -> Iterator[JobQueue]:
    with queues.open() as opened:
        yield opened


def scenes(jobs: Iterable[Job]) -> list[int]:
    return [job.scene for job in jobs]


# -- putting jobs ------------------------------------------------------------------------------


def test_a_job_survives_closing_and_opening_with_every_value(queues: Queues) -> None:
    job = job_for(
        7, priority=BACKFILL, attempts={"PlexNotFound": 3}, last_error="PlexNotFound",
        last_message="zwei\nZeilen \ud83d", last_status=404, first_failure=1.5, last_failure=2.5,
    )  # fmt: skip
    with queues.open() as queue:
        queue.put_all([job])
    with queues.open() as queue:
        assert queue.jobs == {7: job}
        assert not queue.damaged
    assert queues.warnings == []


def test_many_events_of_one_scene_are_one_job_that_waits_for_the_last(queue: JobQueue) -> None:
    queue.put_all([job_for(7, not_before=NOW + 2), job_for(8), job_for(7, not_before=NOW + 5)])
    queue.put_all([job_for(7, not_before=NOW + 9, reason="create")])
    assert len(queue.jobs) == 2
    assert queue.jobs[7].not_before == NOW + 9
    assert queue.jobs[7].reason == "create"


def test_an_edit_gives_a_failing_job_a_fresh_try_but_keeps_its_age(queue: JobQueue) -> None:
    queue.put_all([job_for(7, priority=BACKFILL)])
    queue.start([7])
    queue.rewrite(job_for(7, priority=BACKFILL, attempts={"PlexNotFound": 4}, not_before=NOW + 500))
    queue.put_all([job_for(7, born=NOW + 60, not_before=NOW + 62)])
    job = queue.jobs[7]
    assert (job.attempts, job.not_before, job.priority, job.born) == ({}, NOW + 62, EDIT, NOW)


def test_a_backfill_changes_neither_the_time_nor_the_attempts_of_a_waiting_job(
    queue: JobQueue,
) -> None:
    failing = job_for(7, attempts={"PlexNotFound": 4}, not_before=NOW + 500)
    queue.put_all([failing])
    queue.put_all([job_for(7, priority=BACKFILL, reason="sweep")])
    assert queue.jobs[7] == failing


def test_a_released_job_waits_exactly_as_before(queue: JobQueue) -> None:
    job = job_for(7, attempts={"PlexNotFound": 1})
    queue.put_all([job])
    queue.start([7])
    queue.release([7])
    assert queue.due(NOW, 50) == [job]


def test_a_job_that_was_taken_back_meanwhile_is_not_lost_by_its_retry(queue: JobQueue) -> None:
    queue.put_all([job_for(7)])
    queue.start([7])
    queue.finish([7])
    queue.rewrite(job_for(7, not_before=NOW + 5))
    queue.finish([99])
    queue.bury(99)
    assert scenes(queue.due(NOW + 5, 50)) == [7]


@pytest.mark.parametrize("priority", [EDIT, BACKFILL], ids=["edit", "backfill"])
def test_a_job_added_again_during_its_run_has_another_one(queue: JobQueue, priority: int) -> None:
    queue.put_all([job_for(7, reason="scan"), job_for(8)])
    queue.start([7, 8])
    queue.put_all([job_for(7, reason="update", priority=priority)])
    assert queue.due(NOW, 50) == [], "not beside the first run"
    queue.finish([7, 8])
    (job,) = queue.due(NOW, 50)
    assert (job.scene, job.running, queue.running) == (7, False, False)
    assert job.reason == ("update" if priority == EDIT else "scan")
    queue.start([7, 8])
    queue.finish([7])
    assert not queue.jobs


def test_an_edit_during_a_run_that_fails_leaves_no_backoff(queue: JobQueue) -> None:
    queue.put_all([job_for(7)])
    queue.start([7])
    queue.put_all([job_for(7, not_before=NOW + 1)])
    queue.rewrite(job_for(7, not_before=NOW + 300, attempts={"PlexTemporaryError": 1}))
    assert queue.due(NOW + 1, 50) == [job_for(7, not_before=NOW + 1)]


@can_fork
def test_a_job_added_again_during_its_run_is_not_lost_by_a_crash(queues: Queues) -> None:
    def run(queue: JobQueue) -> None:
        queue.put_all([job_for(7)])
        queue.start([7])
        queue.put_all([job_for(7, reason="forced")])

    queues.die_after(run)
    with queues.open() as queue:
        assert [(job.scene, job.reason) for job in queue.due(NOW, 50)] == [(7, "forced")]


def test_a_hurried_job_that_is_put_back_is_still_due(queue: JobQueue) -> None:
    queue.put_all([job_for(1, not_before=NOW + 300)])
    queue.make_due([1])
    queue.start([1])
    assert queue.due(NOW, 9) == []
    queue.release([1])
    assert scenes(queue.due(NOW, 9)) == [1]


def test_a_job_that_is_no_json_is_refused_and_changes_nothing(queue: JobQueue) -> None:
    queue.put_all([job_for(7)])
    with pytest.raises(ValueError, match="JSON"):
        queue.put_all([job_for(8), job_for(9, last_failure=float("nan"))])
    with pytest.raises(ValueError, match="JSON"):
        queue.rewrite(job_for(7, last_failure=float("inf")))
    assert queue.jobs == {7: job_for(7)}


# -- order -------------------------------------------------------------------------------------


def test_edits_go_before_bulk_then_the_earliest_then_the_oldest(queue: JobQueue) -> None:
    queue.put_all(
        [
            job_for(1, priority=BACKFILL, not_before=NOW - 100),
            job_for(2, not_before=NOW - 1),
            job_for(3, not_before=NOW - 5, born=NOW),
            job_for(4, not_before=NOW - 5, born=NOW - 50),
            job_for(5, not_before=NOW + 1),
        ]
    )
    assert scenes(queue.due(NOW, 50)) == [4, 3, 2, 1]
    assert scenes(queue.due(NOW, 2)) == [4, 3]
    assert queue.next_due() == NOW - 100
    assert (queue.count(EDIT), queue.count(BACKFILL)) == (4, 1)


def test_running_jobs_are_neither_due_nor_waited_for(queue: JobQueue) -> None:
    queue.put_all([job_for(1), job_for(2, not_before=NOW + 30)])
    queue.start([1])
    assert queue.due(NOW, 50) == []
    assert queue.next_due() == NOW + 30
    queue.finish([1, 2])
    assert queue.next_due() is None


def test_a_clock_set_back_by_a_day_does_not_freeze_a_retry(queue: JobQueue) -> None:
    queue.put_all([job_for(1, not_before=NOW), job_for(2, not_before=NOW - 86400 + LONGEST_WAIT)])
    assert scenes(queue.due(NOW - 86400, 50)) == [1]


def test_untried_scenes_of_a_backfill_go_before_its_retries_which_keep_a_share(
    queue: JobQueue,
) -> None:
    tried = {"PlexNotFound": 1}
    queue.put_all(
        job_for(n, priority=BACKFILL, attempts=tried, not_before=NOW - 9) for n in range(1, 6)
    )
    queue.put_all(job_for(n, priority=BACKFILL) for n in range(11, 31))
    queue.put_all([job_for(40, attempts=tried)])
    assert scenes(queue.due(NOW, 11)) == [40, *range(11, 19), 1, 2]
    assert scenes(queue.due(NOW, 50)) == [40, *range(11, 31), *range(1, 6)]
    assert scenes(queue.due(NOW, 1)) == [40]
    queue.finish([40])
    assert scenes(queue.due(NOW, 1)) == [11]
    assert queue.fresh == 20


def test_a_turn_costs_a_long_queue_no_more_than_a_short_one(tmp_path: Path) -> None:
    """Counts steps of SQLite's virtual machine, which do not depend on the computer."""

    def steps(count: int) -> int:
        counted = 0

        def step() -> int:
            nonlocal counted
            counted += 1
            return 0

        with JobQueue(str(tmp_path / str(count)), pytest.fail) as queue:
            queue.put_all(job_for(n, not_before=NOW + n) for n in range(1, count + 1))
            queue._queue.connection.set_progress_handler(step, 1)
            batch = scenes(queue.due(NOW + 100, 50))
            queue.start(batch)
            queue.finish(batch[:40])
            queue.release(batch[40:])
            assert queue.next_due() == NOW + 41
        return counted

    assert steps(5000) <= 1.5 * steps(200)


# -- crashes and poison ------------------------------------------------------------------------


@can_fork
def test_a_hurried_job_is_due_once_and_keeps_its_time(queue: JobQueue) -> None:
    queue.put_all([job_for(1, not_before=NOW + 300), job_for(2, not_before=NOW + 200)])
    queue.make_due([1, 99])
    assert [job.scene for job in queue.due(NOW, 9)] == [1]
    assert queue.next_due() == 0.0
    queue.start([1])
    queue.rewrite(queue.jobs[1])
    assert queue.due(NOW, 9) == []
    assert queue.jobs[1].not_before == NOW + 300
    assert queue.next_due() == NOW + 200


def test_an_edit_of_a_hurried_job_rests_like_any_other(queue: JobQueue) -> None:
    queue.put_all([job_for(1, not_before=NOW + 300)])
    queue.make_due([1])
    queue.put_all([job_for(1, not_before=NOW + 2)])
    assert queue.due(NOW, 9) == []


def test_a_job_that_runs_or_is_over_is_not_hurried(queue: JobQueue) -> None:
    queue.put_all([job_for(1), job_for(2, not_before=NOW + 300)])
    queue.start([1])
    queue.make_due([1, 2])
    queue.rewrite(job_for(1, not_before=NOW + 300))
    queue.finish([2])
    queue.put_all([job_for(2, not_before=NOW + 300)])
    assert queue.due(NOW, 9) == []


@can_fork
def test_what_ran_when_the_worker_died_runs_alone_before_all_else(queues: Queues) -> None:
    def batch(queue: JobQueue) -> None:
        queue.put_all([job_for(1), job_for(2), job_for(3, priority=BACKFILL)])
        queue.start([1, 3])

    queues.die_after(batch)
    with queues.open() as queue:
        assert not queue.damaged
        assert scenes(queue.due(NOW, 50)) == [1]
        queue.start([1])
        assert scenes(queue.due(NOW, 50)) == [3]
        queue.start([3])
        assert scenes(queue.due(NOW, 50)) == [2]
        queue.finish([1, 3])
        assert queue.poisoned() == []


@can_fork
def test_three_lone_starts_without_an_end_make_poison_and_a_batch_none(queues: Queues) -> None:
    queues.die_after(lambda queue: (queue.put_all([job_for(1), job_for(2)]), queue.start([1, 2])))
    queues.die_after(lambda queue: queue.start([1, 2]))
    for _ in range(3):
        with queues.open() as queue:
            assert queue.poisoned() == []
        queues.die_after(lambda queue: queue.start([1]))
    with queues.open() as queue:
        assert scenes(queue.poisoned()) == [1]
        assert scenes(queue.due(NOW, 50)) == [2]
        queue.bury(1)
        assert queue.poisoned() == []
    with queues.open() as queue:
        assert list(queue.jobs) == [2]


@can_fork
def test_the_suspect_with_fewest_crashes_goes_first(queues: Queues) -> None:
    queues.die_after(lambda queue: (queue.put_all([job_for(1), job_for(2)]), queue.start([1, 2])))
    queues.die_after(lambda queue: queue.start([1]))
    with queues.open() as queue:
        assert scenes(queue.due(NOW, 50)) == [2]


@can_fork
def test_a_run_that_ends_in_any_way_clears_the_crashes_before_it(queues: Queues) -> None:
    queues.die_after(lambda queue: (queue.put_all([job_for(1)]), queue.start([1])))
    queues.die_after(lambda queue: queue.start([1]))

    def fails(queue: JobQueue) -> None:
        queue.start([1])
        queue.rewrite(queue.jobs[1]._replace(attempts={"PlexTemporaryError": 1}))

    queues.die_after(fails)
    with queues.open() as queue:
        assert queue.jobs[1] == job_for(1, attempts={"PlexTemporaryError": 1})


@can_fork
def test_an_event_for_a_suspect_does_not_hide_its_crashes(queues: Queues) -> None:
    queues.die_after(lambda queue: (queue.put_all([job_for(1)]), queue.start([1])))
    with queues.open() as queue:
        queue.put_all([job_for(1, not_before=NOW + 2, starts=0)])
        assert (queue.jobs[1].starts, queue.jobs[1].running) == (1, True)


def test_a_job_taken_from_a_dead_letter_starts_with_a_clean_record(queue: JobQueue) -> None:
    queue.put_all([job_for(1, starts=3, running=True)])
    assert queue.poisoned() == []
    assert scenes(queue.due(NOW, 50)) == [1]


# -- the file ----------------------------------------------------------------------------------


def test_finished_and_buried_rows_leave_the_file_with_the_same_commit(queues: Queues) -> None:
    with queues.open() as queue:
        queue.put_all(job_for(scene) for scene in range(1, 11))
        queue.finish(range(1, 6))
        queue.bury(6)
        for table in ("ack_queue_default", "job_index"):
            assert queues.sql(f"SELECT COUNT(*) FROM {table}") == [(4,)]


def test_a_row_keeps_its_place_through_retries(queues: Queues, queue: JobQueue) -> None:
    queue.put_all([job_for(7)])
    before = queues.sql("SELECT _id, status FROM ack_queue_default")
    for attempt in range(5):
        queue.start([7])
        queue.rewrite(job_for(7, attempts={"PlexNotFound": attempt}))
    assert queues.sql("SELECT _id, status FROM ack_queue_default") == before == [(1, 2)]


def test_readers_count_pending_jobs_while_the_owner_writes(queues: Queues) -> None:
    assert queues.live() == 0
    with queues.open() as queue:
        assert queues.live() == 0
        queue.put_all([job_for(1), job_for(2), job_for(3)])
        queue.start([1])
        assert queues.live() == 3
        queue.finish([1])
        queue.bury(2)
        assert queues.live() == 1
    assert queues.live() == 1
    with queues.open() as queue:
        assert not queue.damaged


@can_fork
def test_readers_and_the_owner_never_wait_for_each_other(queues: Queues) -> None:
    go, tell = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(tell)
            os.set_blocking(go, False)
            over = False
            while not over:
                assert 0 <= queues.live() <= 1000
                with contextlib.suppress(BlockingIOError):
                    over = not os.read(go, 1)
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    os.close(go)
    with queues.open() as queue:
        queue.put_all(job_for(scene) for scene in range(1, 1001))
        while batch := scenes(queue.due(NOW, 50)):
            queue.start(batch)
            queue.finish(batch)
    queues.open().close()
    os.close(tell)
    assert os.waitpid(child, 0)[1] == 0
    assert queues.warnings == []


@can_fork
def test_a_reader_after_a_crash_takes_nothing_away(queues: Queues) -> None:
    queues.die_after(lambda queue: queue.put_all([job_for(1)]))
    assert queues.live() == 1
    with queues.open() as queue:
        assert (list(queue.jobs), queue.damaged) == ([1], False)


def test_every_commit_is_synced(queues: Queues, queue: JobQueue) -> None:
    with closing(AckQueue(str(queues.folder))) as library:
        held = {library._getter, library._putter, library.connection}
        assert [c.execute("PRAGMA synchronous").fetchone() for c in held] == [(2,)]
        assert library.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
def test_folder_and_files_are_for_the_owner_only_whatever_the_umask(queues: Queues) -> None:
    old = os.umask(0)
    try:
        with queues.open() as queue:
            queue.put_all([job_for(1)])
            rights = {p.name: stat.S_IMODE(p.stat().st_mode) for p in queues.folder.iterdir()}
    finally:
        os.umask(old)
    assert stat.S_IMODE(queues.folder.stat().st_mode) == 0o700
    assert {"data.db", "data.db-wal", "data.db-shm", "epoch.json"} <= rights.keys()
    assert set(rights.values()) == {0o600}


def test_rows_of_the_plain_library_are_taken_over(queues: Queues) -> None:
    queues.folder.mkdir()
    plain = persistqueue.SQLiteAckQueue(
        str(queues.folder), serializer=persistqueue.serializers.json
    )
    for scene in (1, 2, 3, 2):
        plain.put(job_for(scene, born=NOW + scene).to_dict())
    plain.get(block=False)
    plain.close()
    with queues.open() as queue:
        assert sorted(queue.jobs) == [1, 2, 3]
        assert queues.sql("SELECT DISTINCT status FROM ack_queue_default") == [(2,)]
        assert queues.live() == 3
        queue.finish([1, 2, 3])
    with queues.open() as queue:
        assert not queue.jobs


# -- damage ------------------------------------------------------------------------------------


class Boom:
    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.trap), "w"))


def test_rows_that_are_no_jobs_are_set_aside_and_run_nothing(
    queues: Queues, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    bad: list[object] = [
        pickle.dumps(Boom(trap)), b"", None, 5, "text that is no json", b"[1]", b"{}", b"\xff\xfe",
        b'{"scene": 0, "reason": "x", "born": 1}', b"[" * 100_000,
        b'{"scene": 1e400, "reason": "x", "born": 1}', b"null",
        b'{"scene": %d, "reason": "x", "born": 1}' % 2**70,
        b'{"pqid": 1, "data": {}}', b'{"scene": 9, "reason": "x", "born": NaN}',
    ]  # fmt: skip
    with queues.open() as queue:
        queue.put_all([job_for(1), job_for(2)])
    for number, data in enumerate(bad):
        queues.sql(
            "INSERT INTO ack_queue_default (data, timestamp, status) VALUES (?, 1, ?)",
            data,
            number % 3,
        )
    with queues.open() as queue:
        assert scenes(queue.due(NOW, 50)) == [1, 2]
        assert queue.damaged
        assert queues.sql("SELECT COUNT(*) FROM ack_queue_default") == [(2,)]
        (kept,) = (queues.folder / "damaged").iterdir()
    assert not trap.exists()
    assert len(json.loads(kept.read_text())["rows"]) == len(bad)
    assert pickle.dumps(Boom(trap)).hex() in kept.read_text()
    assert len(queues.warnings) == 1
    with queues.open() as queue:
        assert (len(queue.jobs), queue.damaged) == (2, False)


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE ack_queue_default SET _id = {2**63 - 1} WHERE _id = 1",
        f"UPDATE sqlite_sequence SET seq = {2**63 - 1}",
        "ALTER TABLE job_index RENAME COLUMN rank TO rang",
        "DROP TABLE job_index",
    ],
)
def test_what_the_tables_count_by_is_mended(queues: Queues, sql: str) -> None:
    with queues.open() as queue:
        queue.put_all([job_for(1), job_for(2)])
    queues.sql(sql)
    with queues.open() as queue:
        queue.put_all([job_for(3)])
        assert sorted(scenes(queue.due(NOW, 50))) == [1, 2, 3]
        assert not queue.damaged
    assert queues.warnings == []


def test_at_most_five_files_of_bad_rows_are_kept(queues: Queues) -> None:
    for _ in range(7):
        queues.open().close()
        queues.sql("INSERT INTO ack_queue_default (data, timestamp, status) VALUES ('x', 1, 0)")
    queues.open().close()
    assert len(list((queues.folder / "damaged").iterdir())) == 5


def test_a_row_with_an_impossible_status_is_still_a_job(queues: Queues) -> None:
    with queues.open() as queue:
        queue.put_all([job_for(1), job_for(2)])
    queues.sql("UPDATE ack_queue_default SET status = NULL WHERE _id = 1")
    queues.sql("UPDATE ack_queue_default SET status = 77 WHERE _id = 2")
    with queues.open() as queue:
        assert sorted(queue.jobs) == [1, 2]
        queue.finish([1, 2])
    assert queues.live() == 0


def filled(queues: Queues) -> bytes:
    """A closed queue of 300 jobs, several pages long."""
    with queues.open() as queue:
        queue.put_all(job_for(scene, last_message="x" * 80) for scene in range(1, 301))
    return (queues.folder / "data.db").read_bytes()


def must_go_on(queues: Queues, broken: bytes | None = None) -> bool:
    """The queue opens this file, accepts a job, and opens it again without damage."""
    if broken is not None:
        (queues.folder / "data.db").write_bytes(broken)
    with queues.open() as queue:
        damaged = queue.damaged
        queue.put_all([job_for(9999)])
    with queues.open() as queue:
        assert 9999 in queue.jobs
        assert not queue.damaged
        queue.finish(list(queue.jobs))
    return damaged


def test_a_cut_file_is_set_aside_at_every_length(queues: Queues) -> None:
    whole, dice = filled(queues), random.Random(11)
    cuts = [0, 1, 99, 100, 4095, 4096, len(whole) - 1]
    for cut in cuts + [dice.randrange(len(whole)) for _ in range(20)]:
        assert must_go_on(queues, whole[:cut]), cut
    assert len([p for p in (queues.folder / "damaged").iterdir() if p.is_dir()]) <= 5


def test_a_file_with_a_zeroed_page_is_set_aside(queues: Queues) -> None:
    whole = filled(queues)
    for page in range(len(whole) // 4096):
        hole = whole[: page * 4096] + bytes(4096) + whole[(page + 1) * 4096 :]
        assert must_go_on(queues, hole), page


@pytest.mark.long
def test_flipped_bytes_are_set_aside_or_drained(queues: Queues) -> None:
    whole, dice = filled(queues), random.Random(12)
    for place in [*range(0, 100, 7), 18, 19, *(dice.randrange(len(whole)) for _ in range(30))]:
        if place in range(60, 64):  # the version: a newer one is refused on purpose
            continue
        flipped = bytearray(whole)
        flipped[place] ^= dice.randrange(1, 256)
        must_go_on(queues, bytes(flipped))


@pytest.mark.parametrize("junk", [b"<html>login</html>" * 500, b"\x00" * 8192, b"SQLite format 3"])
def test_a_file_that_is_no_database_is_set_aside(queues: Queues, junk: bytes) -> None:
    filled(queues)
    assert must_go_on(queues, junk)
    assert any("data.db" in p.name for p in (queues.folder / "damaged").rglob("*"))
    assert len(queues.warnings) == 1


def test_a_database_of_another_shape_is_set_aside(queues: Queues) -> None:
    queues.folder.mkdir()
    queues.sql("CREATE TABLE ack_queue_default (something TEXT)")
    assert must_go_on(queues)


def test_an_emptied_database_is_noticed(queues: Queues) -> None:
    filled(queues)
    assert must_go_on(queues, b"")
    assert len(queues.warnings) == 1


def test_a_deleted_or_replaced_database_is_noticed(queues: Queues, tmp_path: Path) -> None:
    filled(queues)
    (queues.folder / "data.db").unlink()
    assert must_go_on(queues)
    other = Queues(tmp_path / "other")
    assert must_go_on(queues, filled(other))


def test_an_older_copy_of_the_database_is_noticed(queues: Queues) -> None:
    old = filled(queues)
    for scene in (1, 2):
        with queues.open() as queue:
            queue.finish([scene])
    assert must_go_on(queues, old)


@pytest.mark.parametrize("content", [None, b"", b"null", b'{"mark": 5, "clean": true}', b"\xff"])
def test_a_lost_or_broken_epoch_file_is_doubt_enough(queues: Queues, content: bytes | None) -> None:
    filled(queues)
    epoch = queues.folder / "epoch.json"
    epoch.unlink() if content is None else epoch.write_bytes(content)
    with queues.open() as queue:
        assert queue.damaged
        assert len(queue.jobs) == 300
    with queues.open() as queue:
        assert not queue.damaged


@can_fork
@pytest.mark.parametrize("side", ["-wal", "-shm"])
def test_a_side_file_that_vanished_after_a_crash_is_noticed(queues: Queues, side: str) -> None:
    queues.die_after(lambda queue: queue.put_all([job_for(1)]))
    (queues.folder / f"data.db{side}").unlink()
    assert must_go_on(queues)


@can_fork
def test_a_database_emptied_after_a_crash_is_kept_with_its_log(queues: Queues) -> None:
    queues.die_after(lambda queue: queue.put_all([job_for(1)]))
    assert must_go_on(queues, b"")
    assert any(p.name.endswith("-wal") for p in (queues.folder / "damaged").rglob("*"))


@can_fork
def test_a_cut_log_costs_a_suffix_and_never_the_middle(queues: Queues, tmp_path: Path) -> None:
    def work(queue: JobQueue) -> None:
        for scene in range(1, 41):
            queue.put_all([job_for(scene)])

    queues.die_after(work)
    dice = random.Random(13)
    kept = {p.name: p.read_bytes() for p in queues.folder.iterdir()}
    wal = kept["data.db-wal"]
    for number, cut in enumerate([0, 31, *(dice.randrange(len(wal)) for _ in range(40))]):
        copy = Queues(tmp_path / str(number))
        copy.folder.mkdir()
        for name, content in kept.items():
            (copy.folder / name).write_bytes(content)
        (copy.folder / "data.db-wal").write_bytes(wal[:cut])
        with copy.open() as queue:
            left = sorted(queue.jobs)
            assert left == list(range(1, len(left) + 1))
            assert queue.damaged or cut > 32  # the loss of a whole log is detected


@posix_only
@pytest.mark.parametrize("side", ["", "-wal", "-shm"])
def test_a_planted_symlink_is_not_followed(queues: Queues, tmp_path: Path, side: str) -> None:
    queues.folder.mkdir()
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    (queues.folder / f"data.db{side}").symlink_to(target)
    assert must_go_on(queues)
    assert target.read_bytes() == b"precious"


@can_fork
@pytest.mark.parametrize("step", ["before the mark", "between mark and file"])
def test_a_kill_while_opening_is_no_alarm(queues: Queues, step: str) -> None:
    queues.die_after(lambda queue: queue.put_all([job_for(1)]))
    epoch = (queues.folder / "epoch.json").read_bytes()
    queues.die_after(lambda queue: None)
    if step == "between mark and file":
        (queues.folder / "epoch.json").write_bytes(epoch)
    with queues.open() as queue:
        assert (list(queue.jobs), queue.damaged) == ([1], False)


def test_a_full_disk_is_no_damage_and_forgets_nothing(queues: Queues) -> None:
    with queues.open() as queue:
        queue.put_all([job_for(1)])
        connection = queue._queue.connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            queue.put_all(job_for(s, last_message="x" * 1000) for s in range(2, 100))
        assert list(queue.jobs) == [1]
        connection.execute("PRAGMA max_page_count = 1000000")
        queue.put_all([job_for(2)])
    with queues.open() as queue:
        assert (sorted(queue.jobs), queue.damaged) == ([1, 2], False)
