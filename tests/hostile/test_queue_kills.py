"""Workers killed at any instant: no job may be lost, none may die twice."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.job import Job

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

NOW = 1_700_000_000.0
KILLS = int(os.environ.get("PLEXSYNC_TEST_KILLS", "30"))
SEED = int(os.environ.get("PLEXSYNC_TEST_SEED", "20"))


class Journal:
    """What the workers report, one word and one scene per line."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._path = path

    def say(self, word: str, scene: int) -> None:
        os.write(self._file, f"{word} {scene}\n".encode())

    def said(self, word: str) -> Counter[int]:
        lines = (line.split() for line in self._path.read_text().splitlines())
        return Counter(int(line[1]) for line in lines if line[0] == word)


class Workshop:
    """A data folder, and a worker loop in a child process."""

    def __init__(self, root: Path, run: Callable[[Job], str]) -> None:
        self.root = root
        self.journal = Journal(root / "journal")
        self.run = run
        self.batch = 5

    def work(self, wanted: list[int]) -> None:
        queue = JobQueue(str(self.root / "queue"), self.complain)
        dead = DeadLetters(str(self.root / "dlq.db"), print)
        taken = self.journal.said("taken")
        for chunk in (wanted[i : i + 20] for i in range(0, len(wanted), 20)):
            if chunk[0] not in taken:
                queue.put_all([Job(scene=s, reason="update", born=NOW) for s in chunk])
                self.journal.say("taken", chunk[0])
        for job in queue.poisoned():
            self.bury(queue, dead, job, "Poison")
        while batch := queue.due(NOW, self.batch):
            queue.start([job.scene for job in batch])
            for job in batch:
                self.settle(queue, dead, job)
        queue.close()

    def complain(self, text: str) -> None:
        print(text, flush=True)
        self.journal.say("damage", 0)

    def settle(self, queue: JobQueue, dead: DeadLetters, job: Job) -> None:
        self.journal.say("run", job.scene)
        end = self.run(job)
        if end == "done":
            self.journal.say("done", job.scene)
            queue.finish([job.scene])
        elif end == "retry":
            queue.rewrite(job._replace(attempts={"PlexTemporaryError": 1}, not_before=NOW - 1))
        else:
            self.bury(queue, dead, job, "PlexPermanentError")

    def bury(self, queue: JobQueue, dead: DeadLetters, job: Job, error: str) -> None:
        times = {"buried_at": NOW, "first_failure": NOW, "last_failure": NOW}
        dead.add(DeadLetter(scene=job.scene, error=error, message="", job=job.to_dict(), **times))
        queue.bury(job.scene)

    def worker(self, wanted: list[int], kill_after: float | None = None) -> int:
        """Run one worker; returns its exit status as os.waitpid does."""
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            code = 3
            try:
                os.write(tell, b"!")
                self.work(wanted)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.read(ready, 1)
        os.close(ready)
        os.close(tell)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1]

    def dead(self) -> dict[int, str]:
        with closing(DeadLetters(str(self.root / "dlq.db"), print)) as dead_letters:
            return {
                dead_letter.scene: dead_letter.error for dead_letter in dead_letters.page(10**6)
            }

    def left(self) -> list[int]:
        with JobQueue(str(self.root / "queue"), print) as queue:
            return sorted(queue.jobs)


def fails_once_each_tenth_for_good(job: Job) -> str:
    if job.scene % 10 == 0:
        return "bury"
    return "done" if job.attempts else "retry"


@pytest.mark.torture
@pytest.mark.long
def test_no_job_is_lost_to_workers_killed_at_random(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    shop = Workshop(tmp_path, fails_once_each_tenth_for_good)
    kills, wanted = 0, list(range(1, 401))
    while kills < KILLS:
        status = shop.worker(wanted, kill_after=dice.uniform(0.001, 0.030))
        assert status in (0, signal.SIGKILL)
        kills += status == signal.SIGKILL
        if status == 0:
            wanted += range(len(wanted) + 1, len(wanted) + 401)
    assert shop.worker(wanted) == 0
    assert shop.left() == []

    done, dead = shop.journal.said("done"), shop.dead()
    assert set(shop.journal.said("taken")) == set(wanted[::20])
    assert set(wanted) - set(done) - set(dead) == set()
    assert {scene for scene in wanted if scene % 10 == 0} <= set(dead)
    extra = sum(shop.journal.said("run").values()) - sum(1 if s % 10 == 0 else 2 for s in wanted)
    assert extra <= kills
    assert shop.journal.said("damage") == {}
    twice_done = sum(count - 1 for count in done.values())
    innocent = sorted(scene for scene, error in dead.items() if error == "Poison")
    print(
        f"{kills} kills, {len(wanted)} jobs, 0 lost, {extra} extra runs, {twice_done} done twice,"
    )
    print(f"{len(dead)} dead letters, buried though innocent: {innocent}")


@pytest.mark.parametrize(("batch", "most"), [(1, 4), (20, 5)])
def test_a_job_that_kills_its_worker_is_buried_alone(tmp_path: Path, batch: int, most: int) -> None:
    def run(job: Job) -> str:
        if job.scene == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    shop = Workshop(tmp_path, run)
    shop.batch = batch
    lives = 1
    while shop.worker(list(range(1, 21))) != 0:
        lives += 1
        assert lives <= most
    assert shop.dead() == {7: "Poison"}
    assert sorted(shop.journal.said("done")) == [n for n in range(1, 21) if n != 7]
    assert shop.left() == []


@pytest.mark.parametrize("step", ["put", "start", "run", "letter", "rewrite", "finish"])
def test_a_kill_at_each_step_leaves_the_job_where_it_can_go_on(tmp_path: Path, step: str) -> None:
    def die_if(now: str) -> None:
        if now == step:
            os.kill(os.getpid(), signal.SIGKILL)

    class Dying(Workshop):
        def work(self, wanted: list[int]) -> None:
            queue = JobQueue(str(self.root / "queue"), print)
            dead = DeadLetters(str(self.root / "dlq.db"), print)
            queue.put_all([Job(scene=s, reason="update", born=NOW) for s in wanted])
            die_if("put")
            queue.start(wanted)
            die_if("start")
            for scene in wanted:
                self.journal.say("done", scene)
            die_if("run")
            self.bury(queue, dead, queue.jobs[3], "PlexPermanentError")
            queue.rewrite(queue.jobs[2]._replace(attempts={"PlexNotFound": 1}))
            die_if("rewrite")
            queue.finish([1])
            die_if("finish")

        def bury(self, queue: JobQueue, dead: DeadLetters, job: Job, error: str) -> None:
            times = {"buried_at": NOW, "first_failure": NOW, "last_failure": NOW}
            dead.add(DeadLetter(scene=job.scene, error=error, message="", **times))
            die_if("letter")
            queue.bury(job.scene)

    shop = Dying(tmp_path, lambda job: "done")
    assert shop.worker([1, 2, 3]) == signal.SIGKILL
    buried, finished = step in ("letter", "rewrite", "finish"), step == "finish"
    assert list(shop.dead()) == ([3] if buried else [])
    expected = {
        "put": [1, 2, 3], "start": [1, 2, 3], "run": [1, 2, 3], "letter": [1, 2, 3],
        "rewrite": [1, 2], "finish": [2],
    }  # fmt: skip
    assert shop.left() == expected[step]
    with JobQueue(str(tmp_path / "queue"), print) as queue:
        assert not queue.damaged
        assert queue.poisoned() == []
        assert queue.jobs[2].attempts == (
            {"PlexNotFound": 1} if step in ("rewrite", "finish") else {}
        )
        assert finished or queue.jobs[1].running == (step != "put")
