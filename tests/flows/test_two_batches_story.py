"""While Plex writes the last of one batch, the next is read: nothing else changes by that."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from plexsync.flows.sync.batch import Batch
from plexsync.model.ledger import SHARED
from plexsync.policy.batch_size import FEWEST as BATCH
from plexsync.policy.batch_size import MOST, SECONDS
from plexsync.policy.debounce import BURST
from tests.flows.test_reconciliation_story import LONG_AGO
from tests.world import World

CONNECTIONS = 2
"""The default of `plex_connections`."""
RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50


@pytest.fixture(autouse=True)
def no_posters(world: World) -> None:
    world.configure(no_poster=True, read_timeout=120)


def films(
    world: World, count: int = 2 * BATCH, *, prefix: str = "", **scene: Any
) -> list[tuple[int, Any]]:
    pairs = [
        world.pair(f"{prefix}{n}.mp4", title=f"T{n}", details="d", **scene) for n in range(count)
    ]
    for scene_id, _ in pairs:
        world.event(scene_id)
    return pairs


def written(world: World) -> list[int]:
    """The items that were written successfully, in order."""
    entries = [entry for entry in world.plex.journal if entry.method == "PUT"]
    return [int(entry.get("id")) for entry in entries if entry.status == 200]


def tried(world: World) -> set[int]:
    """The items that a write was sent for."""
    return {int(entry.get("id")) for entry in world.plex.journal if entry.method == "PUT"}


class Overlap:
    """Holds the last write of the first batch until the second batch is read, or `sent` of its
    writes have arrived; then does `meanwhile`, and lets it go on, or fail with `status`.

    `seen` is whether it came to that.
    """

    def __init__(
        self,
        world: World,
        pairs: list[tuple[int, Any]],
        meanwhile: Callable[[], object] = lambda: None,
        *,
        sent: int = 0,
        status: int | None = None,
    ) -> None:
        self.seen = False
        self._second = {str(item.key) for _, item in pairs[BATCH:]}
        self._meanwhile = meanwhile
        self._missing = sent
        last = str(pairs[BATCH - 1][1].key)
        world.plex.add_fault("reset", match=self._watch)
        self._hold = world.plex.add_fault(
            "hang",
            times=1,
            match=lambda request: request.method == "PUT" and request.get("id") == last,
            fails=status is not None,
            status=status or 500,
        )

    def _watch(self, request: Any) -> bool:
        keys = {request.get("id")} if request.method == "PUT" else set(_keys(request))
        if self.seen or not self._second & keys:
            return False
        self.seen = self._missing == 0
        self._missing -= 1
        if self.seen:
            threading.Thread(target=self._let_go).start()
        return False

    def _let_go(self) -> None:
        self._meanwhile()
        self._hold.remove()


def _keys(request: Any) -> list[str]:
    """The items that a request reads."""
    _, _, keys = request.path.partition("/library/metadata/")
    return str(keys).split(",")


def at_the_first_write(world: World, act: Callable[[], object]) -> None:
    """Have something happen while Plex answers the first write."""
    told: list[bool] = []

    def watch(request: Any) -> bool:
        if request.method == "PUT" and not told:
            told.append(True)
            act()
        return False

    world.plex.add_fault("reset", match=watch)


def all_in_step(world: World, pairs: list[tuple[int, Any]]) -> bool:
    return not world.waiting() and all(item.summary == "d" for _, item in pairs)


def test_the_next_batch_is_read_while_the_last_writes_of_this_one_are_in_flight(
    world: World,
) -> None:
    pairs = films(world)
    overlap = Overlap(world, pairs)
    world.run()
    assert overlap.seen
    assert all_in_step(world, pairs)
    assert set(Counter(written(world)).values()) == {1}
    assert world.plex.max_in_flight() <= CONNECTIONS
    reads = [e for e in world.plex.journal if e.path.startswith("/library/metadata/")]
    assert len([e for e in reads if e.method == "GET"]) == 4, "two for each batch"


def test_the_next_batch_is_written_while_the_last_write_of_this_one_is_in_flight(
    world: World,
) -> None:
    pairs = films(world)
    overlap = Overlap(world, pairs, sent=BATCH - 1)
    world.run()
    assert overlap.seen
    assert all_in_step(world, pairs)
    assert set(Counter(written(world)).values()) == {1}


def test_a_plex_that_goes_away_meanwhile_gets_nothing_of_the_next_batch(world: World) -> None:
    pairs = films(world)
    overlap = Overlap(world, pairs, world.plex.stop)
    world.run()
    assert overlap.seen
    assert not {item.key for _, item in pairs[BATCH:]} & tried(world)
    waiting = world.waiting()
    assert waiting.keys() == {scene for scene, _ in pairs}, "nothing could be read back"
    assert not any(job.attempts or job.running or job.starts for job in waiting.values())
    world.plex.start()
    world.run(minutes=5)
    assert all_in_step(world, pairs)
    assert set(Counter(written(world)).values()) == {1}
    assert not world.said("error")


def test_a_plex_that_stops_writing_meanwhile_charges_no_scene_of_either_batch(
    world: World,
) -> None:
    """The second batch was written in part when the first one failed, which proves nothing."""
    pairs = films(world)

    def fail() -> None:
        world.plex.add_fault("status", match=lambda request: request.method == "PUT", status=500)

    overlap = Overlap(world, pairs, fail, sent=BATCH // 2, status=500)
    world.run(minutes=3)
    assert overlap.seen
    assert BATCH <= len(written(world)) < 2 * BATCH
    waiting = world.waiting()
    assert pairs[BATCH - 1][0] in waiting
    assert not any(job.attempts or job.running for job in waiting.values())
    world.plex.clear_faults()
    world.run(minutes=10)
    assert all_in_step(world, pairs)
    assert set(Counter(written(world)).values()) == {1}


def test_once_a_write_failed_the_next_batch_may_send_nothing_more() -> None:
    first = Batch([], 0.0)
    second = Batch([], 0.0, first)
    assert second.may_send
    first.halted = True
    assert not second.may_send


def test_a_task_that_comes_meanwhile_waits_for_the_requests_in_flight(world: World) -> None:
    pairs = films(world)
    overlap = Overlap(world, pairs)
    reason = world.run(leave=lambda: "a task takes over" if overlap.seen else "")
    assert reason == "a task takes over"
    assert not {item.key for _, item in pairs[BATCH:]} & tried(world)
    waiting = world.waiting()
    done = {scene for scene, item in pairs if item.summary == "d"}
    assert waiting.keys() | done == {scene for scene, _ in pairs}, "each is done or waits"
    assert not any(job.attempts or job.running for job in waiting.values())
    world.run()
    assert all_in_step(world, pairs)
    assert set(Counter(written(world)).values()) == {1}


def test_a_scene_that_is_saved_while_it_is_written_is_written_again(world: World) -> None:
    pairs = films(world)
    scene, item = pairs[0]
    at_the_first_write(world, lambda: world.edit(scene, title="new"))
    overlap = Overlap(world, pairs)
    world.run(minutes=1)
    assert overlap.seen
    assert item.title == "new"
    assert written(world).count(item.key) == 2
    assert all_in_step(world, pairs)


def test_settings_that_change_meanwhile_are_applied_before_the_next_batch(world: World) -> None:
    pairs = films(world)
    at_the_first_write(world, lambda: world.configure(pause_sync=True))
    world.run()
    assert len(written(world)) == BATCH
    world.configure(pause_sync=False)
    world.run()
    assert all_in_step(world, pairs)


def test_scenes_of_both_batches_that_have_the_same_item_are_written_in_order(world: World) -> None:
    """The item becomes that of the second batch's scene, as soon as this has any metadata. What the
    first one wrote must not be taken for an edit in Plex.
    """
    world.configure(preserve_plex_edits=True)
    pairs = films(world, BATCH - 1)
    item = world.film("first.mp4", title="Owner")
    item.files.append(("/plex/second.mp4", 1000))
    other = world.stash.add_scene(files=[("/data/second.mp4", 1000)], title="Other", details="d")
    owner = world.stash.add_scene(files=[("/data/first.mp4", 1000)])
    world.event(other)
    world.event(owner)
    at_the_first_write(world, lambda: world.stash.edit(owner, title="Owner", details="d"))
    more = films(world, BATCH - 1, prefix="more")
    overlap = Overlap(world, [*pairs, (other, item), *more])
    world.run(minutes=1)
    assert overlap.seen
    assert all_in_step(world, [*pairs, (owner, item), *more])
    assert item.title == "Owner"
    assert world.state(other).state == SHARED


def test_posters_are_uploaded_once_each_when_batches_overlap(world: World) -> None:
    world.configure(no_poster=False)
    pairs = films(world, cover=RED)
    overlap = Overlap(world, pairs)
    world.run(minutes=1)
    assert overlap.seen
    assert all_in_step(world, pairs)
    assert all(item.posters for _, item in pairs)
    uploads = Counter(entry.path for entry in world.plex.journal if entry.method == "POST")
    assert set(uploads.values()) == {1}
    assert set(Counter(written(world)).values()) == {1}


def test_the_last_scenes_are_read_ahead_too(world: World) -> None:
    pairs = films(world, BATCH + 20)
    world.run()
    assert all_in_step(world, pairs)
    again = BATCH  # of which Plex's whole seconds leave open whether they changed once more
    assert _reads(world) == [BATCH, 20, BATCH, 20 + again], "both, then both are read back"


def test_what_follows_less_than_a_batch_is_read_after_it(world: World) -> None:
    """Then one request reads those too that come in the meantime."""
    pairs = films(world, 20)
    old = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    later = [world.pair(f"old{n}.mp4", title=f"L{n}", details="d", **old) for n in range(10)]

    def save() -> None:
        for scene, _ in later:
            world.event(scene)
        world.clock.passed += BURST

    at_the_first_write(world, save)
    world.run(minutes=1)
    assert all_in_step(world, [*pairs, *later])
    assert _reads(world) == [20, 20, 10, 10 + 20]


def _reads(world: World) -> list[int]:
    """How many items each request for details asked for."""
    reads = [entry for entry in world.plex.journal if entry.path.startswith("/library/metadata/")]
    return [len(_keys(entry)) for entry in reads]


@pytest.mark.parametrize(
    ("seconds", "sizes"),
    [(SECONDS / MOST / 2, [BATCH, BATCH, MOST, BATCH]), (0.5, [BATCH] * 5)],
)
def test_a_batch_is_larger_if_plex_is_fast(world: World, seconds: float, sizes: list[int]) -> None:
    """The second is read before it is known how long the first one takes."""
    turn = threading.Lock()

    def takes(request: Any) -> bool:
        with turn:
            world.clock.passed += seconds * (request.method == "PUT")
        return False

    world.plex.add_fault("reset", match=takes)
    pairs = films(world, sum(sizes))
    world.run(minutes=3)
    assert all_in_step(world, pairs)
    assert [scenes for scenes in map(_scenes, world.stash.journal) if scenes] == sizes


def _scenes(entry: Any) -> int:
    """How many scenes a query asked for by their ids."""
    return sum(name[0] == "i" and name[1:].isdecimal() for name in entry.variables)
