"""Stash's session: kept alive by its maximum age, and renewed by hooks and tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync.app import App
from plexsync.edges.log.log import Log
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.handover import Handover
from plexsync.flows.page.operations import Request, reads
from plexsync.inbox import session_pipe
from plexsync.model.connection import parse_connection
from plexsync.system import hand_over
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import TOKEN, World, until

AGE = 30


class SignedIn(World):
    """A world whose Stash has a login and short sessions, and whose worker keeps one connection."""

    def __init__(self, folder: Path, plex: PlexSim, stash: StashSim) -> None:
        super().__init__(folder, plex, stash)
        stash.clock = self.clock.now
        self.first = self.block()

    def block(self) -> bytes:
        """The connection block that Stash passes now, with a new session."""
        return json.dumps(self.stash.server_connection()).encode()

    def live(self, minutes: float, *, handover: bool = True, pipes: bool = True) -> str:
        """A worker whose connection is the one that it was started with."""
        end = self.clock.passed + minutes * 60
        log = Log(self.sink)
        with closing(Handover(self.folder, self.first, pipes=pipes)) as given:
            self.given = given
            stash = StashClient(parse_connection(self.first), handover=given if handover else None)
            with (
                closing(stash),
                closing(App(self.folder, stash, self.clock, log, self.environ)) as app,
            ):
                worker = app.worker(
                    lambda: "time is up" if self.clock.passed >= end else "", lambda *_: None
                )
                worker.start()
                return worker.drain()


@pytest.fixture
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with (
        PlexSim(token=TOKEN) as plex,
        StashSim(username="me", password="secret", max_session_age=AGE) as stash,
    ):
        world = SignedIn(folder, plex, stash)
        yield world
        world.close()


@pytest.mark.long
def test_a_session_of_30_seconds_outlives_an_outage_of_plex(signed_in: Any) -> None:
    scene, item = signed_in.pair("a.mp4", title="new")
    signed_in.event(scene)
    signed_in.plex.stop()
    end = signed_in.clock.passed + 600

    def back() -> None:
        if signed_in.clock.passed >= end - 60:
            signed_in.plex.start()

    signed_in.clock.on_wait = back
    assert signed_in.live(minutes=20) in ("time is up", "nothing to do")
    assert item.title == "new"
    assert "refuses the worker's session" not in signed_in.said()


@pytest.mark.long
@pytest.mark.parametrize("whether_enabled", ["answered", "not answered in time"])
def test_a_session_of_30_seconds_outlives_a_batch_of_minutes(
    signed_in: Any, whether_enabled: str
) -> None:
    """Even if the query that renews it gets no answer."""
    if whether_enabled != "answered":
        signed_in.stash.add_fault("reset", match=lambda request: "PlexSyncEnabled" in request.query)
    pairs = [signed_in.pair(f"{n}.mp4", title=f"new {n}") for n in range(12)]
    for scene, _ in pairs:
        signed_in.event(scene)

    def takes_ten_seconds(request: Any) -> bool:
        signed_in.clock.passed += 10.0 if request.method == "PUT" else 0.0
        return False

    signed_in.plex.add_fault("reset", match=takes_ten_seconds)
    signed_in.live(minutes=20)
    assert [item.title for _, item in pairs] == [f"new {n}" for n in range(12)]
    assert "refuses the worker's session" not in signed_in.said()


def test_a_session_of_another_stash_is_not_taken_in_the_middle_of_a_batch(signed_in: Any) -> None:
    world = signed_in
    scene, film = world.pair("a.mp4", title="one")
    world.event(scene)
    world.live(minutes=1)
    assert film.title == "one"
    other = StashSim(clock=lambda: world.clock.now() - 86400.0 * 400)
    with other:
        other.set_plugin_settings(world.settings)
        assert other.add_scene(files=[("/data/a.mp4", 1000)], title="another's") == scene
        world.stash.edit(scene, title="two")
        world.event(scene)

        def gone() -> None:
            world.stash.stop()
            hand_over(session_pipe(world.folder), json.dumps(other.server_connection()).encode())
            world.clock.on_wait = lambda: None

        world.clock.on_wait = gone
        reason = world.live(minutes=5)
    assert "belongs to another Stash" in reason
    assert film.title == "one"
    assert list(world.waiting()) == [scene]


def test_without_pipes_too_a_session_reaches_the_worker_that_waits_for_one(signed_in: Any) -> None:
    """As on Windows: by a socket of this machine."""
    world = signed_in
    scene, film = world.pair("a.mp4", title="new")
    world.event(scene)
    world.clock.jumped += 10 * AGE

    def handed() -> None:
        if "refuses the worker's session" in world.said():
            world.clock.on_wait = lambda: None
            until(lambda: hand_over(session_pipe(world.folder), world.block()))
            until(world.given.waiting)

    world.clock.on_wait = handed
    world.live(minutes=20, pipes=False)
    assert film.title == "new"


def test_where_nothing_can_be_handed_over_the_page_s_next_request_starts_a_worker(
    signed_in: Any, tmp_path: Path
) -> None:
    """As where no place is safe: a worker that nobody can reach, whose session has ended."""
    world = signed_in
    scene, film = world.pair("a.mp4", title="new")
    world.event(scene)
    world.clock.jumped += 10 * AGE
    reason = world.live(minutes=20, handover=False)
    assert "no longer accepts this worker's session" in reason
    assert film.title != "new"
    worker = tmp_path / "PlexSync.py"
    worker.write_text("open(__file__ + '.started', 'w').close()")
    fresh = world.block()
    request = Request(str(tmp_path), world.folder, {}, fresh, world.clock.now())
    assert reads("tick").answer(request)["worker"] == "started", (
        "an open page starts another worker"
    )
    until(Path(f"{worker}.started").exists)
    world.first = fresh
    world.live(minutes=1, handover=False)
    assert film.title == "new"
