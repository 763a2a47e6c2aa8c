"""A data folder of each released version, with work of every kind, under the present code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.page.operations import Request, perform
from plexsync.flows.tasks.clear_queue import clear_queue
from plexsync.flows.tasks.dead_letters import clear_dead_letters, retry_dead_letters
from plexsync.flows.tasks.readings import outage_summary
from plexsync.flows.tasks.restore_removed import restore_removed
from plexsync.model.stored import DATABASES
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.task_running import run_task
from tests.upgrade.released import ARCHIVES, Released, restore, unpack
from tests.world import TOKEN, World

EXPECTED = r"Circuit breaker |Gave up on a scene \(AmbiguousMatch\)"
"""Warnings that the story itself causes: Plex is away, and one scene has two items."""


class Updated(World):
    """The world of a released version's user, a minute after the worker was killed. Plex is away."""

    def __init__(self, released: Released, plex: PlexSim, stash: StashSim) -> None:
        super().__init__(released.plugin / "data", plex, stash)
        self.parts = released.parts
        self.clock.start = released.at + 60.0
        restore(released.servers, plex, stash)
        plex.stop()
        self.configure(**released.settings)

    def ask(self, mode: str, **args: Any) -> Any:
        """What the page shows."""
        return perform(mode, Request("", self.folder, args, b"", self.clock.now()))

    def item(self, scene: int) -> Any:
        return self.plex.find(self.stash.scene(scene).path.replace("/data/", "/plex/"))

    def to_write(self) -> list[int]:
        """The scenes that waited in the queue, in a backfill or in the inbox and are still there."""
        scenes = {*self.parts["films"], *self.parts["synced"], *self.parts["in_inbox"]}
        return sorted(scenes & self.stash.data.scenes.keys())

    def in_step(self, scene: int) -> bool:
        stash, item = self.stash, self.item(scene)
        found = stash.scene(scene)
        names = {
            kind: sorted(stash.data.entity(kind, each).name for each in ids)
            for kind, ids in (("performer", found.performers), ("tag", found.tags))
        }
        shown = {"performer": sorted(item.actor), "tag": sorted(item.genre)}
        return (item.title, shown) == (found.title, names)

    def edits(self) -> Counter[int]:
        """How often each item was written since the journal was cleared, by its key."""
        done = [each for each in self.plex.journal if each.method != "GET" and each.status == 200]
        return Counter(int(re.findall(r"\d+", each.get("id") or each.path)[-1]) for each in done)

    def complaints(self) -> list[str]:
        """Unexpected warnings and errors in the log."""
        lines = [text for level, text in self.sink.lines if level in ("warning", "error")]
        return [text for text in lines if not re.match(EXPECTED, text)]


@pytest.fixture(params=sorted(ARCHIVES))
def updated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Updated]:
    with PlexSim(token=TOKEN) as plex, StashSim() as stash:
        world = Updated(unpack(request.param, tmp_path), plex, stash)
        yield world
        world.close()


def test_the_archive_has_work_and_state_of_every_kind(updated: Updated) -> None:
    names = set(_files(updated.folder))
    states = {"circuit_breaker", "recovery_state", "outage_history", "reconcile_state", "stats"}
    states |= {"confirm", "device_id", "log_salt", "queue/epoch"}
    assert {*DATABASES, *(f"{name}.json" for name in states), "plexsync.log.1"} <= names
    for folder in ("inbox/new", "results", "reports", "removed"):
        assert any(name.startswith(f"{folder}/") for name in names), folder


def test_before_a_worker_has_opened_the_files_the_page_says_so_and_changes_nothing(
    updated: Updated,
) -> None:
    before = _files(updated.folder)
    status = updated.ask("status")
    assert all(text.startswith("PlexSync was updated: ") for text in status["problems"])
    assert status["breaker"]["state"] == "OPEN"
    long, short = updated.ask("outages")["outages"]
    assert short["end"] and not long["end"]
    results = [name[8:-5] for name in before if name.startswith("results/")]
    assert {updated.ask("result", id=name)["state"] for name in results} == {"done"}
    assert updated.ask("report", task="reconcile_7days")["state"] == "done"
    assert _files(updated.folder) == before


@pytest.mark.long
def test_a_worker_takes_over_and_writes_every_waiting_scene_exactly_once(updated: Updated) -> None:
    parts = updated.parts
    outage = updated.ask("outages")["outages"][0]
    updated.edit(parts["films"][3], title="Edited after the update")
    updated.run(minutes=1)
    status = updated.ask("status")
    assert (status["problems"], status["breaker"]["state"]) == ([], "OPEN"), "Plex is still away"
    assert updated.ask("outages")["outages"][0]["start"] == outage["start"], "no new outage"
    letters = updated.ask("dead_letters")["dead_letters"]
    assert {each["scene"] for each in letters} == {parts["ambiguous"], parts["refused"]}
    assert updated.ask("queue")["total"] >= 500
    assert run_task(updated, outage_summary)["mttr"] == pytest.approx(9, abs=9)

    updated.plex.start()
    updated.plex.clear_journal()
    updated.run(minutes=8)
    scenes = updated.to_write()
    assert [scene for scene in scenes if not updated.in_step(scene)] == []
    edits = updated.edits()
    written = {updated.item(scene).key for scene in (*scenes, parts["refused"])}
    assert {key: edits[key] for key in written} == dict.fromkeys(written, 1)
    assert set(edits) == written, "the others are as they were written"
    assert [each["scene"] for each in updated.ask("dead_letters")["dead_letters"]] == [
        parts["ambiguous"]
    ]
    assert all(each["end"] for each in updated.ask("outages")["outages"])
    assert updated.complaints() == []
    assert not Path(updated.folder, "damaged").exists()

    updated.plex.clear_journal()
    for scene in (*parts["synced"], parts["unchanged"], *parts["films"][:5]):
        updated.event(scene)
    updated.run(minutes=1)
    assert updated.edits() == {}, "the ledger knows all of it"


def test_what_an_earlier_version_gave_up_or_removed_can_be_recovered(updated: Updated) -> None:
    parts = updated.parts
    restored = run_task(updated, restore_removed, owns=True)
    assert restored["backfills"] == 1, "from the copy that Clear Queue of the earlier version kept"
    for _ in range(2):  # presses
        run_task(updated, clear_queue, owns=True)
    updated.plex.start()
    assert run_task(updated, retry_dead_letters, owns=True)["queued"] == 2
    updated.run(minutes=8)
    assert updated.in_step(parts["refused"])
    letters = updated.ask("dead_letters")["dead_letters"]
    assert [each["scene"] for each in letters] == [parts["ambiguous"]]
    run_task(updated, clear_dead_letters, owns=True)  # knows the press in the earlier version
    assert "damaged" not in updated.said()
    assert not Path(updated.folder, "damaged").exists()


def _files(folder: str) -> dict[str, bytes]:
    """Every file by its name, but what SQLite keeps for its readers."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }
