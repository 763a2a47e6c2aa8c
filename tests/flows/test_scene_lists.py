"""The lists behind the numbers: every scene is in exactly one, and each says what a page needs."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.page import joined, read_state, scene_lists
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.flows.page import operations
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.item_record import Target
from plexsync.model.job import Job
from plexsync.model.ledger import DRIFTED, STATES, Observation, SceneState, TargetState
from tests.flows.test_reconciliation_story import edit_in_plex, later, press, synced

NOW = 1_764_000_000.0
SERVER = "abc"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "data").mkdir(mode=0o700)
    return str(tmp_path / "data")


def ask(folder: str, mode: str, **args: Any) -> Any:
    request = operations.Request("/nowhere", folder, args, b"", NOW)
    return operations.perform(mode, request)


def ids(answer: Any) -> list[int]:
    return [each["scene"] for each in answer["scenes"]]


def listed(folder: str, name: str) -> list[int]:
    return ids(ask(folder, "scenes_in_state", state=name, limit=500))


def dead(scene: int, error: str = "PlexNotFound") -> DeadLetter:
    times = {"buried_at": NOW, "first_failure": NOW, "last_failure": NOW}
    return DeadLetter(scene=scene, error=error, message="why", **times)


def fill(folder: str, states: Any = (), jobs: Any = (), letters: Any = (), seen: Any = ()) -> None:
    """Stores as their owner leaves them."""
    ledger = Ledger(f"{folder}/ledger.db", print)
    ledger.use_server(SERVER)
    ledger.save(states)
    ledger.save_observations(seen)
    ledger.close()
    if jobs:
        with JobQueue(f"{folder}/queue", print) as queue:
            queue.put_all(jobs)
    if letters:
        book = DeadLetters(f"{folder}/dlq.db", print)
        for each in letters:
            book.add(each)
        book.close()


def drifted(key: int, updated: int) -> Observation:
    return Observation(key, updated, "x", ((DRIFTED, "title"),), "HIGH")


def test_nothing_is_listed_before_there_is_anything(folder: str) -> None:
    assert scene_lists.counts(folder) == (dict.fromkeys(scene_lists.LISTS, 0), {})
    for name in scene_lists.LISTS:
        assert listed(folder, name) == []
    assert ask(folder, "known_scenes") == {"ranges": []}
    found = ask(folder, "only_in_plex")
    assert (found["total"], found["items"], found["found_at"]) == (0, [], None)
    assert not list(Path(folder).iterdir()), "reading creates nothing"


def test_a_job_comes_first_then_a_dead_letter_then_the_ledger(folder: str) -> None:
    fill(
        folder,
        [SceneState(scene=n, state=state) for n, state in enumerate(STATES, 1)]
        + [SceneState(scene=n, state="synced") for n in (20, 21, 22)],
        [
            Job(scene=20, reason="update", born=NOW),
            Job(scene=22, reason="update", born=NOW, last_error="PlexNotFound"),
            Job(scene=30, reason="update", born=NOW, last_error="PlexServerDown"),
        ],
        [dead(20), dead(21), dead(31)],
    )
    place = {state: n for n, state in enumerate(STATES, 1)}
    assert listed(folder, "in_step") == [place["synced"]]
    assert listed(folder, "waiting") == [20, 30]
    assert listed(folder, "not_in_plex") == [place["not in Plex"], 22]
    assert listed(folder, "needs_you") == [21, 31]
    assert listed(folder, "left_out") == [place["left out"]]
    assert listed(folder, "too_little_metadata") == [place["too little metadata"]]
    cleared = {place[state] for state in ("waiting", "ambiguous", "failed", "destroyed")}
    assert set(listed(folder, "cleared")) == cleared
    assert ask(folder, "known_scenes") == {"ranges": [[1, len(STATES)], [20, 22], [30, 31]]}


def random_stores(folder: str, rng: random.Random) -> set[int]:
    """Stores in which anything goes together; returns the scenes that they hold."""
    some = range(1, 60)

    def sample() -> list[int]:
        return rng.sample(some, rng.randrange(30))

    live, destroyed, jobs, letters, seen = (sample() for _ in range(5))
    states = [state for state in STATES if state != "destroyed"]
    targets = {
        n: (TargetState(Target(SERVER, "1", 100 + n), synced_at=float(rng.randrange(3))),)
        for n in live
        if rng.random() < 0.7
    }
    fill(
        folder,
        [SceneState(scene=n, state=rng.choice(states), targets=targets.get(n, ())) for n in live],
        [
            Job(
                scene=n, reason="update", born=NOW, last_error=rng.choice(["", "PlexNotFound", "X"])
            )
            for n in jobs
        ],
        [dead(n, rng.choice(["PlexNotFound", "AmbiguousMatch", "Odd"])) for n in letters],
        [(n, [drifted(100 + n, rng.randrange(3))]) for n in seen],
    )
    ledger = Ledger(f"{folder}/ledger.db", print)
    ledger.destroy(set(destroyed), NOW)
    ledger.close()
    return {*live} - {*destroyed} | {*jobs} | {*letters}


@pytest.mark.parametrize("seed", range(8))
def test_every_scene_is_in_exactly_one_list_and_the_counts_are_those_of_the_lists(
    folder: str, seed: int
) -> None:
    everything = random_stores(folder, random.Random(seed))
    found = [scene for name in scene_lists.LISTS for scene in listed(folder, name)]
    assert sorted(found) == sorted(everything)
    counted = ask(folder, "status")
    assert counted["states"] == {name: len(listed(folder, name)) for name in scene_lists.LISTS}
    for name in ("ledger.db", "queue/data.db", "dlq.db"):  # as an earlier version left them
        if Path(folder, name).exists():
            with closing(sqlite3.connect(Path(folder, name))) as connection:
                connection.execute("DROP TABLE id_sets")
    again = ask(folder, "status")
    assert [again[name] for name in ("states", "scenes")] == [
        counted[name] for name in ("states", "scenes")
    ]
    ranges = ask(folder, "known_scenes")["ranges"]
    assert {n for first, last in ranges for n in range(first, last + 1)} == everything
    words = {
        "in_step": {"synced"}, "edited_in_plex": {"edited in Plex"}, "left_out": {"left out"},
        "waiting": {"waiting"}, "undone": {"undone"}, "shared": {"shared"},
        "not_in_plex": {"waiting", "not in Plex"},
    }  # fmt: skip
    for name, states in words.items():
        answer = ask(folder, "scenes_in_state", state=name, limit=500)
        assert {each["state"] for each in answer["scenes"]} <= states, (
            "as the scene's own page says"
        )


def test_pages_orders_and_some_scenes_only(folder: str) -> None:
    fill(folder, [SceneState(scene=n, state="synced", since=float(n * 7 % 5)) for n in range(1, 9)])
    orders = {
        "scene": [1, 2, 3, 4, 5, 6, 7, 8],
        "scene_desc": [8, 7, 6, 5, 4, 3, 2, 1],
        "newest": [7, 2, 4, 6, 1, 8, 3, 5],
        "oldest": [5, 3, 8, 1, 6, 4, 2, 7],
    }
    for order, wanted in orders.items():
        assert ids(ask(folder, "scenes_in_state", state="in_step", sort=order)) == wanted, order
    page = ask(folder, "scenes_in_state", state="in_step", scenes=[2, 3, 5, 99], limit=2, offset=1)
    assert (ids(page), page["total"]) == ([3, 5], 3)
    rest = ask(folder, "scenes_in_state", state="in_step", after=6, limit=500)
    assert (ids(rest), rest["total"]) == ([7, 8], None)
    with pytest.raises(ValueError, match="after needs the order scene"):
        ask(folder, "scenes_in_state", state="in_step", after=1, sort="newest")
    with pytest.raises(ValueError, match="state must be one of in_step, waiting"):
        ask(folder, "scenes_in_state", state="lost")
    with pytest.raises(ValueError, match="limit must be a whole number from 1 to 500"):
        ask(folder, "scenes_in_state", state="in_step", limit=501)


def test_a_scene_of_another_plex_server_is_not_known_here(folder: str) -> None:
    fill(folder, [SceneState(scene=1, state="synced")])
    ledger = Ledger(f"{folder}/ledger.db", print)
    ledger.use_server("another")
    ledger.close()
    assert listed(folder, "in_step") == []
    assert ask(folder, "known_scenes") == {"ranges": []}


def test_a_ledger_that_is_not_migrated_yet_is_read_all_the_same(folder: str) -> None:
    fill(folder, [SceneState(scene=1, state="synced")], seen=[(1, [drifted(1, 1)])])
    connection = sqlite3.connect(f"{folder}/ledger.db")
    connection.executescript(
        "DROP INDEX observations_edited; DROP TABLE orphans; PRAGMA user_version = 10"
    )
    connection.close()
    assert listed(folder, "in_step") == [1], "its worker finds the edits when it starts"
    assert ask(folder, "only_in_plex")["items"] == []
    assert "its worker opens the data" in "".join(ask(folder, "status")["problems"])


def test_a_damaged_queue_is_said_and_hides_no_other_part(folder: str) -> None:
    fill(folder, [SceneState(scene=1, state="synced")], [Job(scene=2, reason="update", born=NOW)])
    Path(folder, "queue", "data.db").write_bytes(b"no database at all" * 100)
    answer = ask(folder, "status")
    assert answer["states"] is None
    assert answer["scenes"] == {"synced": 1}
    with pytest.raises(read_state.Unreadable):
        listed(folder, "waiting")


def test_edits_in_plex_and_items_without_a_scene_are_listed_after_a_reconciliation(
    world: Any,
) -> None:
    world.configure(no_poster=True)
    pairs = synced(world, 3)
    lonely, other = world.film("nobody.mp4"), world.film("100%_sure.mp4")
    assert ask(world.folder, "status")["only_in_plex"] == {"items": 0, "found_at": None}
    (drifting, item), *_ = pairs
    edit_in_plex(world, item, title="By hand")
    later(world)
    press(world, "reconcile_all")
    found_at = world.clock.now()
    assert listed(world.folder, "waiting") == [], "a reconciliation queues bit by bit"
    assert listed(world.folder, "edited_in_plex") == [drifting]
    status = ask(world.folder, "status")
    assert status["only_in_plex"]["items"] == 2
    assert abs(status["only_in_plex"]["found_at"] - found_at) < 5
    assert status["states"]["in_step"] == 2

    files = [each["file"] for each in ask(world.folder, "only_in_plex")["items"]]
    assert files == ["/plex/100%_sure.mp4", "/plex/nobody.mp4"]
    only = ask(world.folder, "only_in_plex", search="0%_S")
    assert [each["rating_key"] for each in only["items"]] == [other.key]
    assert only["total"] == 1
    rest = ask(world.folder, "only_in_plex", sort="item", after=lonely.key)
    assert [each["rating_key"] for each in rest["items"]] == [other.key]

    scene = world.stash.add_scene(files=[("/data/nobody.mp4", 1000)], title="Somebody")
    world.event(scene)
    later(world)
    world.run(minutes=0.5)
    assert lonely.title == "Somebody"
    assert ask(world.folder, "status")["only_in_plex"]["items"] == 1
    assert listed(world.folder, "edited_in_plex") == [], "it was overwritten meanwhile"


@pytest.mark.parametrize("seconds", [1.0, 60.0])
def test_an_edit_in_plex_that_the_settings_keep_is_listed_until_it_is_overwritten(
    world: Any, seconds: float
) -> None:
    world.configure(no_poster=True, preserve_plex_edits=True)
    (scene, item), *_ = synced(world, 2)
    edit_in_plex(world, item, title="By hand")
    later(world, seconds)
    answer = press(world, "reconcile_all")
    assert not any(answer["gaps"].values()), "nothing is to be closed"
    assert listed(world.folder, "edited_in_plex") == [scene]
    state = ask(world.folder, "scene_state", scenes=[scene])["scenes"][0]
    assert (state["state"], state["edited"]) == ("edited in Plex", ["title"])
    world.run(minutes=0.5)
    assert item.title == "By hand"
    assert world.said("warning") == ""
    assert listed(world.folder, "edited_in_plex") == [scene], "also once its owner has opened it"

    later(world)
    done(world, "sync", scenes=[scene])
    assert item.title == "By hand", "a sync keeps it, too"
    done(world, "sync", scenes=[scene], overwrite=True)
    assert item.title == "T0"
    assert listed(world.folder, "edited_in_plex") == []


def done(world: Any, mode: str, **args: Any) -> Any:
    """What a command of the page came to."""
    request = operations.Request("/nowhere", world.folder, args, b"", world.clock.now())
    accepted = operations.perform(mode, request)["accepted"]
    world.run()
    result = ask(world.folder, "result", id=accepted)
    assert result["state"] == "done", result
    return result["output"]


def test_a_dry_run_and_a_run_over_one_library_leave_the_other_items_alone(world: Any) -> None:
    world.configure(no_poster=True)
    synced(world, 1)
    world.film("a.mp4")
    second = world.plex.add_section("Others", locations=["/others"])
    world.plex.add_item(second, file="/others/b.mp4", size=5)
    press(world, "reconcile_all", dry_run="true")
    assert ask(world.folder, "only_in_plex")["found_at"] is None
    press(world, "reconcile_all")
    before = ask(world.folder, "only_in_plex")
    assert before["total"] == 2

    world.plex.remove_item(world.plex.add_item(second, file="/others/c.mp4", size=5))
    world.film("d.mp4")
    world.plex.add_item(second, file="/others/e.mp4", size=5)
    later(world)
    press(world, "reconcile_all", library="Others")
    after = ask(world.folder, "only_in_plex")
    assert [each["file"] for each in after["items"]] == [
        "/others/b.mp4",
        "/others/e.mp4",
        "/plex/a.mp4",
    ]
    assert after["found_at"] == before["found_at"], "not everything was looked at"


def plan(folder: str, sql: str) -> str:
    rows = joined.joined(folder, lambda asked: asked(f"EXPLAIN QUERY PLAN {sql}"))
    return "\n".join(str(row[3]) for row in rows)


def test_no_count_and_no_page_reads_a_whole_table(folder: str) -> None:
    fill(
        folder,
        [SceneState(scene=1, state="synced")],
        [Job(scene=2, reason="update", born=NOW)],
        [dead(3)],
        [(1, [drifted(1, 1)])],
    )
    for name, source in scene_lists._MEMBERS.items():
        steps = plan(folder, f"SELECT scene FROM ({source}) ORDER BY scene LIMIT 50")
        for line in steps.splitlines():
            if line.startswith("SCAN") and "INDEX" not in line:
                assert line in ("SCAN j", "SCAN l", "SCAN job_index"), f"{name}: {steps}"
    for sql in (scene_lists._OF_JOBS, scene_lists._OF_SCENES, scene_lists._OF_DEAD_LETTERS):
        assert "SCAN s" not in plan(folder, sql)
    assert "observations_edited" in plan(folder, scene_lists._MEMBERS["edited_in_plex"])


def test_a_hundred_thousand_scenes_are_counted_and_paged_without_reading_their_rows(
    folder: str,
) -> None:
    """How much work it is, in SQLite's own steps, so that a busy machine changes nothing."""
    fill(
        folder,
        [SceneState(scene=1, state="synced")],
        [Job(scene=1, reason="x", born=NOW)],
        [dead(1)],
    )
    big(folder, scenes=100_000, jobs=200_000, letters=10_000)
    assert count_steps(folder) < 3_000
    page = scene_lists.Page(limit=50)
    for name in ("waiting", "needs_you", "in_step"):
        assert len(scene_lists.members(folder, name, page)[1]) == 50


def count_steps(folder: str) -> int:
    """Thousands of steps of SQLite's machine that the counts take."""
    turns: list[int] = []
    with closing(sqlite3.connect(":memory:", uri=True)) as connection:
        joined.attach(connection, folder)
        connection.set_progress_handler(lambda: turns.append(1), 1000)
        scene_lists.counted(lambda sql, *_, **__: connection.execute(sql).fetchall())
    return len(turns)


def big(folder: str, scenes: int, jobs: int, letters: int) -> None:
    """Rows by SQL, since a test has no minutes; their owner would write the same."""
    counter = "WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    columns = (
        "server, scene, state, detail, since, desired_hash, oshash, path, cover_etag, cover_sha1"
    )
    work = {
        "ledger.db": f"INSERT INTO scenes ({columns}) {counter.format(scenes)}"
        f" SELECT 1, i, 'synced', '', i, '', '', '/data/' || i, '', '' FROM n",
        "queue/data.db": "INSERT INTO job_index (scene, row, waits, rank, not_before, born, error, reason)"
        f" {counter.format(jobs)}"
        " SELECT i + 50000, i, 1, 1, 0, i, '', 'sync all' FROM n",
        "dlq.db": f"INSERT INTO dead_letters {counter.format(letters)}"
        " SELECT i, 'PlexNotFound', '', 1, 1, 1, NULL, '', '{}', '[]', '{}', '[]' FROM n",
    }
    for name, sql in work.items():
        connection = sqlite3.connect(Path(folder, name))
        connection.execute("PRAGMA synchronous=OFF")
        with connection:
            connection.execute(sql)
        connection.close()
