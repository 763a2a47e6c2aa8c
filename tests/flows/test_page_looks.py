"""Further reads of the page: tables in any order, throughput, and the last report of a task."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.page.reports import MOST_BYTES, MOST_LINES, Report
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.flows.page import operations
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.job import BACKFILL, EDIT, Job
from plexsync.model.stats import DONE, FAILED, Stats
from plexsync.system import LockFile

NOW = 1_764_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "data").mkdir(mode=0o700)
    return str(tmp_path / "data")


def ask(folder: str, mode: str, **args: Any) -> Any:
    request = operations.Request("/nowhere", folder, args, b"", NOW)
    return operations.perform(mode, request)


def bury(folder: str, *dead_letters: tuple[int, str, float]) -> None:
    book = DeadLetters(f"{folder}/dlq.db", print)
    for scene, error, at in dead_letters:
        times = {"buried_at": at, "first_failure": at, "last_failure": at}
        book.add(DeadLetter(scene=scene, error=error, message="why", **times))
    book.close()


def scenes(answer: Any) -> list[int]:
    return [row["scene"] for row in answer.get("dead_letters") or answer.get("jobs") or []]


def test_dead_letters_in_every_order_and_only_those_of_some_scenes(folder: str) -> None:
    bury(folder, (1, "PlexNotFound", 30.0), (2, "AmbiguousMatch", 10.0), (3, "PlexNotFound", 20.0))
    orders = {
        "newest": [1, 3, 2],
        "oldest": [2, 3, 1],
        "scene": [1, 2, 3],
        "scene_desc": [3, 2, 1],
        "class": [2, 1, 3],
        "class_desc": [1, 3, 2],
    }
    for order, wanted in orders.items():
        assert scenes(ask(folder, "dead_letters", sort=order)) == wanted, order
    some = ask(folder, "dead_letters", scenes=[2, 3, 99], **{"class": "PlexNotFound"})
    assert (scenes(some), some["total"]) == ([3], 1)
    assert some["classes"] == [
        {"class": "AmbiguousMatch", "words": "Ambiguous", "count": 1},
        {"class": "PlexNotFound", "words": "Not in Plex", "count": 2},
    ]
    assert {row["class_words"] for row in some["dead_letters"]} == {"Not in Plex"}
    assert ask(folder, "dead_letters", scenes=[99], limit=1)["total"] == 0
    page = ask(folder, "dead_letters", scenes=[1, 2, 3], limit=1, offset=1)
    assert (scenes(page), page["total"]) == ([3], 3)


def test_the_queue_in_every_order_and_only_some_of_it(folder: str) -> None:
    with JobQueue(f"{folder}/queue", print) as queue:
        queue.put_all(
            [
                Job(scene=1, reason="update", born=30.0, priority=BACKFILL, not_before=0.0),
                Job(scene=2, reason="update", born=10.0, priority=EDIT, last_error="PlexNotFound"),
                Job(scene=3, reason="update", born=20.0, priority=EDIT, not_before=NOW + 60),
            ]
        )
    orders = {
        "due": [2, 3, 1],
        "newest": [1, 3, 2],
        "oldest": [2, 3, 1],
        "scene": [1, 2, 3],
        "scene_desc": [3, 2, 1],
        "class": [1, 3, 2],
        "class_desc": [2, 3, 1],
    }
    for order, wanted in orders.items():
        assert scenes(ask(folder, "queue", sort=order)) == wanted, order
    failed = ask(folder, "queue", **{"class": "PlexNotFound"})
    assert (scenes(failed), failed["total"]) == ([2], 1)
    assert failed["classes"] == [{"class": "PlexNotFound", "words": "Not in Plex", "count": 1}]
    words = {row["scene"]: row["class_words"] for row in ask(folder, "queue")["jobs"]}
    assert words == {1: "Waits for its turn", 2: "Not in Plex", 3: "Waits for its turn"}
    assert ask(folder, "queue", scenes=1)["jobs"][0]["reason_words"] == "Edited in Stash"
    assert scenes(ask(folder, "queue", scenes=3)) == [3]


def test_throughput_is_what_the_statistics_counted(folder: str) -> None:
    assert ask(folder, "throughput") == {"now": NOW, "seconds": 600.0, "slices": []}
    stats = Stats(NOW)
    stats.note(DONE, 1200.0, written=True)
    stats.note(FAILED, 1799.0, error="PlexPermanentError")
    stats.note(DONE, 1800.0)
    Path(folder, "stats.json").write_text(json.dumps(stats.to_json()))
    assert ask(folder, "throughput")["slices"] == [
        {"at": 1200.0, "done": 1, "failed": 1, "written": 1},
        {"at": 1800.0, "done": 1, "failed": 0, "written": 0},
    ]


def test_a_task_tells_pages_what_it_told_stash(folder: str) -> None:
    report = Report(folder, "health_check", lambda: NOW)
    report.write("debug", "nobody cares")
    report.write("warning", "Plex is down.")
    report.done({"state": "down"})
    assert ask(folder, "report", task="health_check") == {
        "task": "health_check",
        "state": "done",
        "began_at": NOW,
        "ended_at": NOW,
        "lines": [{"level": "warning", "text": "Plex is down."}],
        "output": {"state": "down"},
        "error": None,
    }
    kept = Path(folder, "reports", "health_check.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert ask(folder, "report", task="check_setup")["state"] == "unknown"


def test_a_report_is_bounded(folder: str) -> None:
    report = Report(folder, "reconcile_all", lambda: NOW)
    for number in range(MOST_LINES + 5):
        report.write("info", str(number))
    report.done({"long": "x" * MOST_BYTES})
    found = ask(folder, "report", task="reconcile_all")
    assert (found["state"], found["output"]) == ("done", None)
    assert [line["text"] for line in found["lines"]][:: MOST_LINES - 1] == [
        "5",
        str(MOST_LINES + 4),
    ]


def test_a_file_in_the_place_of_the_reports_stops_no_task(folder: str) -> None:
    Path(folder, "reports").write_text("in the way")
    Report(folder, "health_check", lambda: NOW).failed("Plex is down")
    assert ask(folder, "report", task="health_check")["state"] == "failed"
    Path(folder, "reports", "health_check.json").write_text("[" * 99999)
    assert ask(folder, "report", task="health_check")["state"] == "unknown"


def test_a_tick_counts_what_will_be_tried_and_what_failed(folder: str) -> None:
    bury(folder, (1, "PlexNotFound", 30.0))
    later = {"not_before": NOW + 60, "attempts": {"PlexNotFound": 1}, "last_error": "PlexNotFound"}
    with JobQueue(f"{folder}/queue", print) as queue:
        queue.put_all(
            [
                Job(scene=2, reason="update", born=1.0),
                Job(scene=3, reason="update", born=1.0, **later),
            ]
        )
    lock = LockFile(f"{folder}/worker.lock")
    assert lock.acquire()
    answer = ask(folder, "tick")
    lock.release()
    assert answer == {"pending": True, "worker": "alive", "waiting": 1, "failed": 1}
    assert ask(folder, "status")["badge"] == {"waiting": 1, "later": 1, "failed": 1}
