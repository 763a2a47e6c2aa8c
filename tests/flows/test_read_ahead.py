"""A reconciliation reads the next scenes and their items while the last ones are compared."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.reconcile.compare import AT_ONCE
from plexsync.flows.reconcile.read_ahead import FRESH, PagesAhead, ReadAhead
from plexsync.flows.sync.item_reader import ItemReader
from plexsync.model.errors import REQUEST, PlexServerDown
from plexsync.model.plex import PlexItem, Target
from plexsync.model.scene import BASIC
from plexsync.policy.gaps import STALE
from simulator.patience import PATIENCE
from tests.flows.test_reconciliation_story import DETAILS, LONG_AGO, found, press
from tests.world import until

THREE_REQUESTS = 2 * AT_ONCE + 50


@pytest.fixture
def library(world: Any) -> Any:
    """Scenes from before the installation, none of them in step."""
    world.configure(no_poster=True)
    for number in range(THREE_REQUESTS):
        world.pair(f"{number}.mp4", title=f"T{number}", created_at=LONG_AGO, updated_at=LONG_AGO)
    return world


def is_for_details(request: Any) -> bool:
    return bool(request.path.startswith(DETAILS))


def pages(library: Any) -> list[int]:
    """The ids after which Stash was asked for the next scenes."""
    asked = [entry for entry in library.stash.journal if "PlexSyncScenePage(" in entry.query]
    return [entry.variables["after"] for entry in asked]


@pytest.mark.parametrize("connections", [1, 2, 3])
def test_as_many_requests_are_in_flight_as_plex_may_get(library: Any, connections: int) -> None:
    library.configure(plex_connections=connections)
    library.plex.clear_journal()
    hanging = library.plex.add_fault("hang", match=is_for_details)

    def release() -> None:
        until(lambda: library.plex.max_in_flight() == connections)
        hanging.remove()

    releases = threading.Thread(target=release)
    releases.start()
    assert found(press(library, "reconcile_all")) == {STALE: THREE_REQUESTS}
    releases.join()
    assert library.plex.max_in_flight() == connections
    assert library.plex.count("GET", DETAILS) == 3


def test_an_item_that_fails_in_a_request_sent_ahead_is_found_alone(library: Any) -> None:
    broken = str(library.plex.find("/plex/120.mp4").key)
    library.plex.add_fault(
        "status",
        match=lambda r: is_for_details(r) and broken in Path(r.path).name.split(","),
        status=500,
    )
    answer = press(library, "reconcile_all")
    assert found(answer) == {STALE: THREE_REQUESTS - 1}
    assert answer["unread"] == 1


def test_the_next_page_is_read_while_the_last_one_is_compared(library: Any) -> None:
    library.configure(reconcile_batch_size=AT_ONCE)
    hanging = library.plex.add_fault("hang", match=is_for_details)

    def release() -> None:
        until(lambda: len(pages(library)) == 2)
        hanging.remove()

    releases = threading.Thread(target=release)
    releases.start()
    assert found(press(library, "reconcile_all")) == {STALE: THREE_REQUESTS}
    releases.join()
    assert len(pages(library)) == len(set(pages(library))) == 3


def test_a_page_that_fails_ahead_of_its_turn_is_asked_for_again(library: Any) -> None:
    library.configure(reconcile_batch_size=AT_ONCE)

    def is_second(request: Any) -> bool:
        return "PlexSyncScenePage(" in request.query and request.variables["after"] > 0

    library.stash.add_fault("status", match=is_second, times=1, status=503)
    assert found(press(library, "reconcile_all")) == {STALE: THREE_REQUESTS}
    assert len(pages(library)) == 4


@pytest.mark.parametrize(
    ("seconds", "size", "again"),
    [(FRESH - 1, 100, False), (FRESH + 1, 100, True), (-1, 100, True), (1, 50, True)],
    ids=["at once", "later", "clock set back", "another size"],
)
def test_a_page_that_does_not_fit_its_turn_is_asked_for_again(
    library: Any, seconds: float, size: int, again: bool
) -> None:
    with ThreadPoolExecutor(1) as pool:
        ahead = PagesAhead(library.client(), pool)
        first = ahead.page(0, 100, BASIC, 1000.0)
        second = ahead.page(first.last, size, BASIC, 1000.0 + seconds)
    assert second.left == THREE_REQUESTS - 100 - size
    assert pages(library)[:3].count(first.last) == 1 + again


class Sick:
    """A server that fails the first request once the second one, which takes its time, is there."""

    def __init__(self) -> None:
        self.second, self.goes_on = threading.Event(), threading.Event()
        self.answered = 0

    def items(self, keys: list[int]) -> dict[int, PlexItem]:
        if keys == [1]:
            self.second.wait(PATIENCE)
            raise PlexServerDown("Plex is down", fault=REQUEST)
        self.second.set()
        self.goes_on.wait(PATIENCE)
        self.answered += 1
        return {}


def test_after_a_failure_no_request_is_left_in_flight() -> None:
    sick: Any = Sick()
    batches = [[Target("server", "1", key)] for key in (1, 2, 3)]
    answers = threading.Timer(0.2, sick.goes_on.set)
    with ThreadPoolExecutor(2) as pool:
        ahead = ReadAhead(ItemReader(sick, sick), pool, connections=2)
        answers.start()
        with pytest.raises(PlexServerDown):
            next(ahead.each(batches))
        assert sick.answered >= 1
