"""Takes over, once, what an earlier PlexSync left: its jobs, dead letters and times of sync."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from plexsync.edges import legacy as legacy
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.legacy import LegacyState
from plexsync.edges.log.log import Log
from plexsync.edges.stores import Stores
from plexsync.flows.worker.sweep import WATERMARK
from plexsync.model.ledger import SYNCED, SceneState
from plexsync.model.reasons import IMPORTED, SYNC
from plexsync.model.words import counted

T = TypeVar("T")

DETAIL = "an earlier PlexSync synced it"
DAY = 86400.0
_PAGE = 1000


def import_legacy(folder: str, stores: Stores, now: float, log: Log) -> None:
    """Read what `older.set_aside` moved away, and keep the files in `imported/` for good.

    Old jobs and dead letters become a walk that brings their scenes in line with Plex. A scene with
    a time of sync is one that PlexSync knows: it is written again only if Stash changed it since.
    What could not be read is made up for by a look at the scenes of the last day. Doing it twice,
    after a kill, changes nothing. Raises OSError or sqlite3.Error when the disk refuses.
    """
    found = legacy.read(folder)
    ledger = stores.ledger
    for states in _pages(_known(found, ledger, now)):
        ledger.save(states)
    wanted = found.jobs | found.dead_letters
    if wanted:
        ledger.add_backfill(SYNC, "scene", wanted, now)
    if found.times:
        ledger.add_backfill(IMPORTED, "scene", found.times, now)
    if found.unread:
        _look_back(ledger, now)
    log.info(_summary(found, legacy.finish(folder)))


def _known(found: LegacyState, ledger: Ledger, now: float) -> Iterator[SceneState]:
    """Scenes that were synced before and that the ledger does not know yet."""
    for page in _pages(sorted(found.times)):
        there = ledger.scenes(page)
        for scene in page:
            if scene not in there:
                since = min(found.times[scene], now)
                yield SceneState(scene=scene, state=SYNCED, detail=DETAIL, since=since)


def _look_back(ledger: Ledger, now: float) -> None:
    """Let the next sweep begin a day ago."""
    for name in ("installed_at", WATERMARK):
        earlier = min(now - DAY, float(ledger.get_meta(name) or now))
        ledger.set_meta(name, repr(earlier))


def _summary(found: LegacyState, kept: str) -> str:
    taken = [
        counted(len(found.jobs), "job"),
        counted(len(found.dead_letters), "dead letter"),
        counted(len(found.times), "time") + " of sync",
    ]
    text = f"Imported from an earlier PlexSync: {', '.join(taken)}."
    if found.unread:
        text += (
            f" Not readable: {', '.join(found.unread)}; the scenes of the last day are looked at"
            " instead."
        )
    return f"{text} Its files are kept in {kept}."


def _pages(items: Iterable[T]) -> Iterator[list[T]]:
    page: list[T] = []
    for item in items:
        page.append(item)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
