"""View Queue Status: empty, healthy, failing and damaged set-ups, and beside a busy worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.status.status import status
from plexsync.flows.status.status_text import status_lines
from plexsync.flows.tasks.check_setup import check_setup
from plexsync.flows.tasks.context import TaskFailed
from plexsync.flows.tasks.health_check import health_check
from plexsync.flows.tasks.preview import preview
from plexsync.flows.tasks.process_queue import process_queue
from plexsync.flows.tasks.rebuild_index import rebuild_index
from plexsync.flows.tasks.reconcile import reconcile_all
from plexsync.flows.tasks.undo import undo_all
from plexsync.model.plex_state import FAILURE, FILE
from plexsync.policy.timing import DEFAULT_RAMP
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.flows.test_statistics import live
from tests.task_running import run_task
from tests.world import ROOT, TOKEN, World, until

HEAVY = {
    "dataclasses", "inspect", "pathlib", "typing", "shutil", "random", "traceback", "logging",
    "pydantic", "requests", "plexapi", "persistqueue", "urllib", "http", "ssl", "subprocess",
}  # fmt: skip


def look(world: World) -> Any:
    """The answer of the operation `status` at the world's time."""
    return json.loads(json.dumps(status(world.folder, world.clock.now()), allow_nan=False))


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def one_batch(world: World) -> None:
    """A worker that is asked to step aside after its first batch."""
    seen: list[Any] = []
    live(
        world,
        observe=lambda results, seconds: seen.append(results),
        leave=lambda: "enough" if seen else "",
    )


def test_nothing_was_ever_done(world: World) -> None:
    found = look(world)
    assert found["problems"] == []
    assert found["queue"]["pending"] == found["inbox"] == found["dead_letters"]["total"] == 0
    assert found["breaker"]["state"] == "CLOSED"
    assert found["statistics"]["since"] is None
    assert found["index"] == {"items": 0, "libraries": 0, "age": None}
    assert found["worker"] is False
    assert os.listdir(world.folder) == []


def test_a_healthy_day(world: World) -> None:
    world.configure(no_poster=True)
    scenes = [world.pair(f"{n}.mp4", title="old")[0] for n in range(3)]
    for scene in scenes:
        world.edit(scene, title="new")
    assert look(world)["inbox"] == 3
    live(world)
    before = files(Path(world.folder))
    found = look(world)
    assert files(Path(world.folder)) == before
    assert found["inbox"] == 0
    assert found["scenes"] == {"synced": 3}
    assert found["statistics"]["written"] == 3
    assert found["statistics"]["hits"] == found["statistics"]["lookups"] >= 3
    assert found["statistics"]["misses"] == 0
    assert found["index"]["items"] == 3
    assert found["index"]["libraries"] == 1
    assert 0 <= found["index"]["age"] < 3600
    assert found["checks"]["next"] is None
    assert found["problems"] == []
    assert found["queue"]["pending"] == 0


def test_what_waits_says_why_and_until_when(world: World) -> None:
    scene = world.stash.add_scene(files=[("/data/none.mp4", 1)], title="no item in Plex")
    world.edit(scene, title="new")
    one_batch(world)
    found = look(world)["queue"]
    assert (found["pending"], found["waiting"], found["by_error"]) == (1, 1, {"PlexNotFound": 1})
    (job,) = found["first_waiting"]
    assert (job["scene"], job["error"], job["tries"]) == (scene, "PlexNotFound", 1)
    assert "no item in Plex holds this file" in job["why"]
    assert 0 < job["until"] - world.clock.now() <= 60
    assert found["next_due"] == job["until"]


def test_at_most_ten_of_many_are_listed(world: World) -> None:
    for n in range(25):
        scene = world.stash.add_scene(files=[(f"/data/none{n}.mp4", 1)], title="x")
        world.edit(scene, title="y")
    one_batch(world)
    found = look(world)["queue"]
    assert found["waiting"] == 25
    assert len(found["first_waiting"]) == 10
    times = [job["until"] for job in found["first_waiting"]]
    assert times == sorted(times)


def test_plex_is_dead_and_comes_back(world: World) -> None:
    scenes = [world.pair(f"{n}.mp4", title="old")[0] for n in range(4)]
    world.plex.stop()
    for scene in scenes:
        world.edit(scene, title="new")
    live(world, minutes=3)
    found = look(world)
    assert found["breaker"]["state"] in ("OPEN", "HALF_OPEN")
    assert "Plex does not answer" in found["breaker"]["reason"]
    assert 60 < world.clock.now() - found["breaker"]["since"] < 240
    assert 0 <= found["breaker"]["retry_at"] - world.clock.now() <= 60
    assert 0 <= found["checks"]["next"] - world.clock.now() <= 60
    assert found["checks"]["failures"] > 0
    trouble = found["trouble"]
    assert (trouble["kind"], trouble["title"], trouble["settings"]) == ("down", "Away", False)
    assert trouble["since"] == found["breaker"]["since"]
    assert found["outages"]["ongoing"] is True
    assert found["outages"]["last"]["jobs_affected"] == 4
    assert found["queue"]["pending"] == 4
    world.plex.start()
    live(world, minutes=2)
    found = look(world)
    assert found["breaker"]["state"] == "CLOSED"
    assert found["outages"]["ongoing"] is False
    assert found["recovery"]["ramping"] is True
    assert DEFAULT_RAMP[1] <= found["recovery"]["rate"] <= DEFAULT_RAMP[2]
    assert found["statistics"]["done"] == 4
    assert status(world.folder, world.clock.now() + 400)["recovery"]["ramping"] is False


def test_the_ramp_is_shown_as_it_is_set(world: World) -> None:
    world.configure(no_poster=True, recovery_minutes=60, recovery_start_rate=6)
    scene, _ = world.pair("1.mp4", title="old")
    world.plex.stop()
    world.edit(scene, title="new")
    live(world, minutes=2)
    world.plex.start()
    live(world, minutes=10)
    found = look(world)["recovery"]
    assert found["ramping"] is True
    assert 6 <= found["rate"] <= 8
    assert 3000 < found["ends_at"] - world.clock.now() < 3600


def test_every_health_check_says_who_asked(world: World) -> None:
    scene, _ = world.pair("1.mp4", title="old")
    assert (look(world)["checks"]["last"], look(world)["checks"]["by"]) == (None, "")
    world.plex.stop()
    world.edit(scene, title="new")
    live(world, minutes=0.9)
    found = look(world)["checks"]
    assert (found["by"], found["found"]) == ("the worker", "down")
    asked = {
        health_check: "Health Check",
        check_setup: "Check Setup",
        preview: "Preview Sync",
        process_queue: "Process Queue",
        reconcile_all: "Reconcile",
        rebuild_index: "Rebuild Index",
        undo_all: "Undo",
    }
    for run, name in asked.items():
        world.clock.passed += 1
        with suppress(TaskFailed):
            run_task(world, run, owns=run not in (health_check, check_setup, preview))
        found = look(world)["checks"]
        assert found == {**found, "by": name, "last": world.clock.now(), "found": "down"}
        assert f"by {name}" in str(status_lines(look(world), ""))


def test_a_failure_makes_the_worker_look_and_that_is_told_too(world: World) -> None:
    scene, _ = world.pair("1.mp4", title="old")
    world.plex.add_fault("status", match="PUT /library/sections", times=1, status=500)
    world.edit(scene, title="new")
    live(world)
    found = look(world)["checks"]
    assert (found["by"], found["found"]) == (FAILURE, "healthy")


def test_a_damaged_time_of_the_last_check_means_never(world: World) -> None:
    run_task(world, health_check)
    Path(world.folder, FILE).write_bytes(b"{damaged")
    found = look(world)
    assert (found["checks"]["last"], found["problems"]) == (None, [])


def test_a_refused_token_is_told_while_it_lasts(world: World) -> None:
    world.configure(plex_token="not-the-right-token")
    scene, _ = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    live(world, minutes=2)
    found = look(world)
    assert found["trouble"]["kind"] == "refused token"
    assert found["trouble"]["settings"] is True
    assert found["checks"]["next"] is not None
    assert any(
        line.startswith("Plex refuses the token (401); for ") for _, line in status_lines(found, "")
    )
    *_, (_, remedy), (level, last) = status_lines(found, "")
    assert "Enter a new Plex token in Settings > Plugins > PlexSync." in remedy
    assert (level, last[:27]) == ("warning", "Plex refuses the token for ")
    world.configure(plex_token="plex-sim-token")
    live(world, minutes=2)
    assert look(world)["trouble"] is None


def test_a_plex_that_does_not_write_is_told_so(world: World) -> None:
    scene, _ = world.pair("1.mp4", title="old")
    world.plex.add_fault("status", match="PUT", status=503)
    world.edit(scene, title="new")
    live(world, minutes=5)
    found = look(world)
    assert found["trouble"]["headline"] == "Plex answers but does not write"
    assert found["trouble"]["words"].startswith(
        "Plex answers but does not write: Plex answered 503"
    )
    assert found["checks"]["next"] is None, "no probe can tell, only a write"
    assert found["outages"]["ongoing"] is True


def test_damaged_files_are_named_one_by_one_and_the_rest_is_told(world: World) -> None:
    scene, _ = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    live(world)
    whole = files(Path(world.folder))
    names = [
        "queue/data.db", "dlq.db", "ledger.db", "plex_index.db", "stats.json",
        "circuit_breaker.json", "recovery_state.json", "outage_history.json",
        "reconcile_state.json",
    ]  # fmt: skip
    for name in names:
        path = Path(world.folder) / name
        path.write_bytes(b"{damaged" * 300)
        found = look(world)
        assert len(found["problems"]) == 1, name
        assert path.name in found["problems"][0]
        assert path.read_bytes() == b"{damaged" * 300
        path.write_bytes(whole[name]) if name in whole else path.unlink()
    for name in names:
        (Path(world.folder) / name).write_bytes(b"\0" * 5000)
    (Path(world.folder) / "plexsync.log").write_bytes(os.urandom(5000))
    found = look(world)
    assert len(found["problems"]) == len(names)
    assert found["queue"] is found["dead_letters"] is found["scenes"] is found["index"] is None
    assert found["breaker"]["state"] == "CLOSED"


@pytest.mark.parametrize("cut", [0, 1, 100, 1000, 5000])
def test_files_cut_off_anywhere_never_raise(world: World, cut: int) -> None:
    scene, _ = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    live(world)
    for path in Path(world.folder).rglob("*"):
        if path.is_file():
            with path.open("r+b") as file:
                file.truncate(min(cut, path.stat().st_size))
    assert look(world)["version"]


def test_a_read_is_a_light_process(world: World) -> None:
    scene, _ = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    live(world)
    code = (
        "import sys, json; before = set(sys.modules)\n"
        "from plexsync.flows.status.status import status\n"
        "found = status(sys.argv[1], 1.8e9); assert found['scenes'] == {'synced': 1}, found\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}",
         world.folder],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(json.loads(done.stdout))
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    outside = {name for name in loaded if name.split(".")[0] == "plexsync"}
    assert outside == {
        "plexsync", "plexsync.edges", "plexsync.edges.ledger",
        "plexsync.edges.ledger.backfill_queries", "plexsync.edges.ledger.summary_queries",
        "plexsync.edges.local_time", "plexsync.flows.status.backfills",
        "plexsync.model.quiet_hours", "plexsync.policy.estimate", "plexsync.policy.quiet_hours",
        "plexsync.edges.page",
        "plexsync.edges.page.joined", "plexsync.edges.page.owner", "plexsync.edges.page.read_state",
        "plexsync.edges.page.results", "plexsync.edges.page.scene_lists", "plexsync.edges.queue",
        "plexsync.edges.queue.dead_letter_queries", "plexsync.edges.queue.queue_queries",
        "plexsync.edges.storage", "plexsync.edges.storage.id_sets",
        "plexsync.edges.storage.queries", "plexsync.edges.storage.read_only", "plexsync.fast",
        "plexsync.flows", "plexsync.flows.status", "plexsync.flows.status.alerts",
        "plexsync.flows.status.outages", "plexsync.flows.status.plex_standing",
        "plexsync.flows.status.status", "plexsync.model",
        "plexsync.model.dead_letter", "plexsync.model.formatting",
        "plexsync.model.json_text",
        "plexsync.model.ledger",
        "plexsync.model.messages", "plexsync.model.named_tuple", "plexsync.model.plex_state",
        "plexsync.model.places", "plexsync.model.reasons", "plexsync.model.set_up",
        "plexsync.model.stats", "plexsync.model.stored",
        "plexsync.policy", "plexsync.policy.badge", "plexsync.policy.circuit_breaker",
        "plexsync.policy.headline", "plexsync.policy.notices",
        "plexsync.policy.outage_history",
        "plexsync.policy.recovery_state",
        "plexsync.policy.timing", "plexsync.system",
    }  # fmt: skip


class Desk:
    """A user at Stash's task page; the plugin runs in processes."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.plugin, self.plex, self.stash = plugin, plex, stash
        self.section = plex.add_section("Films", locations=["/data"])
        self.configure()

    def configure(self, **settings: Any) -> None:
        base = {"plex_url": self.plex.url, "plex_token": TOKEN, "no_poster": True}
        self.stash.set_plugin_settings({**base, **settings})

    def pair(self, name: str) -> int:
        self.plex.add_item(self.section, file=f"/data/{name}", size=1, title="old")
        return int(self.stash.add_scene(files=[(f"/data/{name}", 1)], title="old"))

    def view(self) -> tuple[Any, str]:
        run = self.stash.run_task("View Queue Status", {})
        assert run.error is None
        return run.output, "\n".join(line.text for line in run.log)

    def folder(self) -> str:
        return str(self.plugin / "data")


@pytest.fixture
def desk(plugin: Path) -> Iterator[Desk]:
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin)) as stash:
        yield Desk(plugin, plex, stash)


def test_the_button_tells_an_empty_setup(desk: Desk) -> None:
    output, text = desk.view()
    assert output["queue"]["pending"] == 0
    assert output["settings"] == ""
    for line in (
        "Queue: nothing is pending.",
        "Dead letters: 0.",
        "Plex: circuit breaker CLOSED, no outage holds jobs back.",
        "Outages: none on record.",
        "Reconciliation: never run.",
        "No worker is running",
    ):
        assert line in text


@pytest.mark.long
def test_the_button_works_without_settings_and_names_what_is_missing(desk: Desk) -> None:
    desk.stash.set_plugin_settings({})
    output, text = desk.view()
    assert "enter the address of your Plex server" in output["settings"]
    assert output["settings"] in text
    desk.configure(pause_sync=True)
    output, text = desk.view()
    assert "PlexSync is paused" in text
    assert output["settings"]


@pytest.mark.long
def test_the_button_tells_of_an_outage_and_of_the_work_after_it(desk: Desk) -> None:
    scene = desk.pair("1.mp4")
    desk.plex.stop()
    desk.stash.edit(scene, title="new")
    until(lambda: status(desk.folder(), 2e9)["breaker"]["state"] == "OPEN")
    output, text = desk.view()
    assert output["worker"] is True
    assert "A worker is running." in text
    assert "Queue: 1 job pending" in text
    assert "Plex is away: Plex does not answer: nothing listens at" in text
    assert "circuit breaker OPEN: one is tried " in text
    assert "All jobs wait" in text
    assert "so far" in text
    assert "CLOSED -> OPEN" in text, "the worker's last lines are there too"
    desk.plex.start()
    desk.stash.run_task("Health Check", {})
    until(lambda: status(desk.folder(), 2e9)["statistics"]["done"])
    output, text = desk.view()
    assert "1 scene written to Plex (1 in the last hour, 1 in the last day)" in text
    assert "Recovery: ramp for" in text
    assert "1 sure" in text
    assert TOKEN not in text + json.dumps(output)


@pytest.mark.long
def test_looks_beside_a_draining_worker_never_meet_a_lock(desk: Desk) -> None:
    desk.plex.latency = 0.01
    scenes = [desk.pair(f"{n}.mp4") for n in range(120)]
    for scene in scenes:
        desk.stash.edit(scene, title="new")
    problems: set[str] = set()
    pending = []

    def over() -> bool:
        found = status(desk.folder(), 2e9)
        problems.update(found["problems"])
        pending.append(found["queue"]["pending"] if found["queue"] else -1)
        return found["statistics"]["written"] >= 120

    until(over, seconds=90)
    assert problems == set()
    assert min(pending) >= 0
    assert max(pending) > 0
    until(lambda: "Drain over" in (desk.plugin / "data" / "plexsync.log").read_text())
    log = (desk.plugin / "data" / "plexsync.log").read_text()
    assert "locked" not in log
    assert status(desk.folder(), 2e9)["statistics"]["written"] == 120


@pytest.mark.long
def test_a_worker_killed_in_the_middle_counts_no_job_twice(desk: Desk) -> None:
    scenes = [desk.pair(f"{n}.mp4") for n in range(80)]
    edits = count(1)
    held = desk.plex.add_fault(
        "hang", match=lambda asked: asked.method == "PUT" and next(edits) > 60
    )
    for scene in scenes:
        desk.stash.edit(scene, title="new")
    until(lambda: 0 < status(desk.folder(), 2e9)["statistics"]["written"] < 80)
    log = (desk.plugin / "data" / "plexsync.log").read_text()
    pid = int(log.rpartition("pid=")[2].split()[0])
    os.kill(pid, 9)
    counted = status(desk.folder(), 2e9)["statistics"]["written"]
    held.remove()
    more = desk.pair("more.mp4")
    until(lambda: status(desk.folder(), 2e9)["worker"] is False)
    desk.stash.edit(more, title="new")

    def empty() -> bool:
        found = status(desk.folder(), 2e9)
        assert found["queue"] is not None
        return not found["queue"]["pending"] and not found["inbox"]

    until(empty)
    until(lambda: "Drain over" in (desk.plugin / "data" / "plexsync.log").read_text())
    written = status(desk.folder(), 2e9)["statistics"]["written"]
    assert counted < written <= 81
