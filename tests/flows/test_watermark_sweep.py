"""The sweep of a large library: every scene updated since the watermark is found, once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.stash.client import StashClient
from plexsync.flows.updated import PAGE
from plexsync.flows.worker.sweep import Sweep
from plexsync.model.connection import read_connection
from plexsync.policy.timing import SWEEP_EVERY

NOW = 1_800_000_000.0
HOUR, DAY = 3600.0, 86400.0
LIBRARY = 50_000


class ManyScenes:
    """A Stash that knows when each scene was updated, as text, and lists them as Stash does."""

    def __init__(self) -> None:
        self.zone = 60
        self.port = 0
        self.rows: dict[int, str] = {}
        self.asked = 0
        self._sorted: list[tuple[str, int]] = []

    def touch(self, scene: int, at: float) -> None:
        """Updated at that time, written with the server's offset of the moment (in minutes)."""
        zone = timezone(timedelta(minutes=self.zone))
        self.rows[scene] = datetime.fromtimestamp(int(at), zone).isoformat()
        self._sorted = []

    def page(self, number: int, size: int) -> list[dict[str, str]]:
        """A page of the list, newest text first."""
        self.asked += 1
        if not self._sorted:
            self._sorted = sorted(((text, n) for n, text in self.rows.items()), reverse=True)
        some = self._sorted[(number - 1) * size : number * size]
        return [{"id": str(scene), "updated_at": text} for text, scene in some]


@pytest.fixture
def stash() -> Iterator[ManyScenes]:
    many = ManyScenes()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["variables"]
            found = {"scenes": many.page(asked["page"], asked["size"])}
            body = json.dumps({"data": {"findScenes": found}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    many.port = server.server_address[1]
    for scene in range(1, LIBRARY + 1):
        many.rows[scene] = "2020-01-01T00:00:00+01:00"
    yield many
    server.shutdown()
    server.server_close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(str(tmp_path / "ledger.db"), print)
    ledger.set_meta("installed_at", repr(NOW))
    yield ledger
    ledger.close()


@pytest.fixture
def dead_letters(tmp_path: Path) -> Iterator[DeadLetters]:
    dead_letters = DeadLetters(str(tmp_path / "dlq.db"), print)
    yield dead_letters
    dead_letters.close()


@pytest.fixture
def sweep(
    stash: ManyScenes, ledger: Ledger, dead_letters: DeadLetters
) -> Iterator[Callable[[float], set[int]]]:
    """A sweep of a new worker at that time: the scenes it queued."""
    block = {"Scheme": "http", "Host": "127.0.0.1", "Port": stash.port}
    client = StashClient(read_connection(block))

    def once(now: float) -> set[int]:
        before = {bulk.id for bulk in ledger.backfills()}
        Sweep(client, ledger, dead_letters, Log()).sweep(now)
        return {s for b in ledger.backfills() if b.id not in before for s in ledger.backfill_ids(b)}

    yield once
    client.close()


def test_a_quiet_library_of_fifty_thousand_costs_one_page(
    stash: ManyScenes, sweep: Callable[[float], set[int]]
) -> None:
    stash.touch(7, NOW + 10)
    assert sweep(NOW + 60) == {7}
    assert stash.asked == 1


def test_a_week_off_is_made_good_whatever_was_updated_meanwhile(
    stash: ManyScenes, sweep: Callable[[float], set[int]]
) -> None:
    assert sweep(NOW) == set()
    changed = set(range(1, 20_001, 4))
    for scene in changed:
        stash.touch(scene, NOW + 7 * DAY * scene / 20_001)
    stash.asked = 0
    assert sweep(NOW + 7 * DAY) == changed
    assert stash.asked <= len(changed) / PAGE + 2
    assert sweep(NOW + 7 * DAY + SWEEP_EVERY) == set(), (
        "the next worker knows what this one has seen"
    )


@pytest.mark.long
def test_all_fifty_thousand_at_once(stash: ManyScenes, sweep: Callable[[float], set[int]]) -> None:
    for scene in stash.rows:
        stash.touch(scene, NOW + scene % 100)
    assert sweep(NOW + HOUR) == set(stash.rows)
    assert stash.asked == LIBRARY / PAGE + 1


def test_nothing_older_than_the_installation_is_ever_queued(
    stash: ManyScenes, sweep: Callable[[float], set[int]]
) -> None:
    stash.touch(1, NOW - 1)
    stash.touch(2, NOW)
    assert sweep(NOW + 60) == {2}


@pytest.mark.parametrize("zones", [(600, -600), (-600, 600), (60, 120), (120, 60), (0, 345)])
def test_a_change_of_the_time_zone_hides_nothing(
    stash: ManyScenes, sweep: Callable[[float], set[int]], zones: tuple[int, int]
) -> None:
    """With the old offset thousands of texts are sorted before or among the new ones."""
    assert sweep(NOW) == set()
    stash.zone = zones[0]
    for scene in range(1, 3001):
        stash.touch(scene, NOW + scene)
    assert sweep(NOW + HOUR) == set(range(1, 3001))
    stash.zone = zones[1]
    late = set(range(40_000, 40_100))
    for scene in late:
        stash.touch(scene, NOW + 12 * HOUR + scene - 40_000)
    assert sweep(NOW + 13 * HOUR) >= late


def test_a_clock_that_goes_back_less_than_three_hours_hides_nothing(
    stash: ManyScenes, sweep: Callable[[float], set[int]]
) -> None:
    stash.touch(3, NOW + DAY - 60)
    assert sweep(NOW + DAY) == {3}
    stash.touch(1, NOW + DAY - 2.9 * HOUR)
    stash.touch(2, NOW + DAY - 3.1 * HOUR)
    assert sweep(NOW + DAY + SWEEP_EVERY) == {1}, "and what lies further back costs no look"


@pytest.mark.parametrize("jump", [-DAY, DAY, -300 * DAY, 300 * DAY])
def test_the_clock_of_both_is_set(
    stash: ManyScenes, sweep: Callable[[float], set[int]], jump: float
) -> None:
    """Stash and PlexSync share one clock: what is updated after the jump is found."""
    stash.touch(1, NOW + 10)
    assert sweep(NOW + 60) == {1}
    now = NOW + 60 + jump
    sweep(now)
    for scene in range(10, 20):
        stash.touch(scene, now + scene)
    assert sweep(now + HOUR) >= set(range(10, 20))
    later = now + 10 * DAY
    stash.touch(30, later - 5 * DAY)
    assert 30 in sweep(later), "and a time that was kept from before the jump hides nothing"


def test_a_clock_that_was_wrong_for_one_update_hides_nothing_later(
    stash: ManyScenes, sweep: Callable[[float], set[int]]
) -> None:
    stash.touch(1, NOW + 900 * DAY)
    assert sweep(NOW + 60) == {1}
    stash.touch(2, NOW + 2 * DAY)
    assert 2 in sweep(NOW + 7 * DAY)


def test_an_installation_on_a_wrong_clock_is_set_right(
    stash: ManyScenes, ledger: Ledger, sweep: Callable[[float], set[int]]
) -> None:
    ledger.set_meta("installed_at", repr(NOW + 3000 * DAY))
    assert sweep(NOW) == set()
    stash.touch(5, NOW + 60)
    assert sweep(NOW + HOUR) == {5}
