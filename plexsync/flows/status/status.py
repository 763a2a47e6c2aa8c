"""The whole status, read beside a working owner; flows/status/status_text.py formats it.

Operations call this, so nothing heavy may be imported here, such as dataclasses.
"""

from __future__ import annotations

from plexsync import __version__
from plexsync.edges.ledger.summary_queries import SummaryQueries
from plexsync.edges.local_time import local_offset
from plexsync.edges.page import owner, read_state, scene_lists
from plexsync.edges.page.read_state import Unreadable
from plexsync.edges.queue.queue_queries import LONGEST_WAIT
from plexsync.flows.status.alerts import read_notices, shown_alerts
from plexsync.flows.status.backfills import PAUSED, QUIET, shown_backfills
from plexsync.flows.status.outages import read_history, shown_outages
from plexsync.flows.status.plex_standing import (
    read_breaker,
    read_recovery,
    shown_breaker,
    shown_checks,
    shown_recovery,
    shown_trouble,
)
from plexsync.model.formatting import quoted
from plexsync.model.plex_state import FILE, NEVER, parse_health_check
from plexsync.model.set_up import FILE as SET_UP
from plexsync.model.set_up import FRESH, SetUp, lost_words
from plexsync.model.stats import REQUEUED, Stats
from plexsync.model.stored import one_line
from plexsync.policy.badge import badge
from plexsync.policy.circuit_breaker import CircuitBreaker
from plexsync.policy.headline import headline
from plexsync.policy.notices import Notices
from plexsync.policy.outage_history import OutageHistory
from plexsync.policy.recovery_state import RecoveryState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from plexsync.model.status import (
        DeadLetterCounts,
        Facts,
        HealthCheck,
        Index,
        LeftOut,
        OnlyInPlex,
        Queue,
        Refused,
        Status,
        Totals,
        Waiting,
    )

    T = TypeVar("T")

FIRST = 10
"""Waiting jobs, reasons and log lines that are shown."""

IDENTITY = "stash_identity.json"
REFUSED = 3600.0
"""Seconds for which an attempt of another Stash to use the data folder is shown."""

UPDATED = "PlexSync was updated: its worker opens the data at the next edit or when Stash is opened"


def status(
    folder: str,
    now: float,
    settings: str = "",
    in_stash: int | None = None,
    offset: Callable[[float], float] = local_offset,
) -> Status:
    """The status of a data folder at wall-clock time `now`; never raises.

    What only Stash knows, `settings` and `in_stash`, is for the headline, see policy/headline.py.
    `offset` is that of local time, see Clock.
    """
    with read_state.KeptOpen(folder):
        found = _facts(folder, now, offset)
    return {**found, "headline": headline(found, settings, in_stash)}


def _facts(folder: str, now: float, offset: Callable[[float], float]) -> Facts:
    newer = read_state.newer_files(folder)
    owned, inbox = owner.owned(folder), read_state.records_waiting(folder)
    problems = [*newer, *([UPDATED] if not owned and read_state.is_outdated(folder) else [])]
    reader = _Reader(folder, problems)
    stats = reader.document("stats.json", Stats.parse, Stats(0.0))
    breaker = reader.at(lambda: read_breaker(folder)) or CircuitBreaker()
    recovery = reader.at(lambda: read_recovery(folder)) or RecoveryState()
    stage = reader.document(SET_UP, SetUp.parse, FRESH)
    problems += [lost_words(stage.lost)] if stage.lost else []
    problems += _other_stash(reader.document(IDENTITY, _object, None), now)
    trouble = shown_trouble(breaker, recovery)
    ledger = SummaryQueries(read_state.asking(folder, read_state.LEDGER))
    backfills = (
        reader.at(lambda: shown_backfills(folder, now, offset, plex_away=trouble is not None)) or []
    )
    held = sorted({each["backfill"] for each in backfills if each["waits"] in (PAUSED, QUIET)})
    queue = reader.at(lambda: _queue(folder, stats, now, held))
    lists, by_state = _scene_counts(folder, ledger, reader)
    dead_letters = reader.at(lambda: _dead_letters(read_state.dead_letters(folder).counts()))
    return {
        "version": __version__,
        "folder": folder,
        "now": now,
        "worker": owned,
        "queue": queue,
        "inbox": inbox,
        "badge": badge(
            queue["pending"] if queue else 0,
            queue["by_error"] if queue else {},
            inbox,
            dead_letters["total"] if dead_letters else 0,
        ),
        "first_sync": stage.choice,
        "backfills": backfills,
        "dead_letters": dead_letters,
        "scenes": by_state,
        "states": lists,
        "only_in_plex": reader.at(lambda: _only_in_plex(ledger)),
        "left_out": reader.at(lambda: _left_out(ledger.left_out())),
        "refused": reader.at(lambda: _refused(ledger.refusals())) or [],
        "breaker": shown_breaker(breaker, now),
        "recovery": shown_recovery(recovery, now),
        "checks": shown_checks(breaker, recovery, _health_check(folder), now),
        "trouble": trouble,
        "alerts": shown_alerts(
            folder,
            reader.at(lambda: read_notices(folder)) or Notices(),
            troubled=trouble is not None,
            dead=dead_letters["total"] if dead_letters else 0,
            newer=newer,
        ),
        "outages": shown_outages(reader.at(lambda: read_history(folder)) or OutageHistory()),
        "reconcile": reader.document("reconcile_state.json", _object, None),
        "statistics": _totals(stats, now),
        "index": reader.at(lambda: _index(read_state.index_sections(folder), now)),
        "problems": list(dict.fromkeys(problems)),
        "log": read_state.log_tail(folder, FIRST),
    }


def _other_stash(owner: Any, now: float) -> list[str]:
    """A message if another Stash recently tried to use the folder; the pages of both show it."""
    found = owner if isinstance(owner, dict) else {}
    at, database = found.get("refused_at"), found.get("refused")
    if not isinstance(at, (int, float)) or not 0 <= now - at < REFUSED:
        return []
    own, other = quoted(str(found.get("database"))), quoted(str(database))
    return [
        f"This data folder belongs to one Stash (database {own}), and another one (database "
        f"{other}) tried to use it and was refused: nothing is written for that one. Let "
        "STASH_PLUGIN_DATA name a separate folder for each, or press Adopt This Stash twice in the "
        "one that is to keep it."
    ]


class _Reader:
    """Reads the parts one by one; one that cannot be read becomes None and a problem."""

    def __init__(self, folder: str, problems: list[str]) -> None:
        self._folder = folder
        self._problems = problems

    def at(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Unreadable as problem:
            self._problems.append(str(problem))
            return None

    def document(self, name: str, parse: Callable[[object], T], default: T) -> T:
        found = self.at(lambda: read_state.document(self._folder, name, parse, default))
        return default if found is None else found


def _queue(folder: str, stats: Stats, now: float, held_reasons: list[str]) -> Queue:
    span = now, now + LONGEST_WAIT
    queue = read_state.queue(folder)
    pending, running, backfill = queue.live_jobs(), queue.running(), queue.backfill()
    by_error, first = queue.resting(*span), queue.first_resting(*span, FIRST)
    waiting, held = sum(by_error.values()), queue.held(held_reasons, *span)
    due = max(0, pending - running - waiting - held)
    return {
        "pending": pending,
        "running": running,
        "due": due,
        "held": held,
        "waiting": waiting,
        "edits": pending - backfill,
        "retried_edits": queue.retried_edits(*span),
        "backfill": backfill,
        "next_due": now if due else _time(first[0]) if first else None,
        "by_error": by_error,
        "first_waiting": [_waiting(job) for job in first],
        "estimate": pending * stats.pace(),
    }


def _time(job: dict[str, Any]) -> float:
    at = job.get("not_before")
    return float(at) if isinstance(at, (int, float)) and abs(at) < 1e300 else 0.0


def _waiting(job: dict[str, Any]) -> Waiting:
    attempts = job.get("attempts")
    numbers = attempts.values() if isinstance(attempts, dict) else ()
    return {
        "scene": job["scene"],
        "reason": str(job.get("reason") or ""),
        "error": str(job.get("last_error") or ""),
        "why": one_line(str(job.get("last_message") or "it waits for a moment after an event")),
        "until": _time(job),
        "tries": sum(number for number in numbers if isinstance(number, int)),
    }


def _dead_letters(counts: dict[str, int]) -> DeadLetterCounts:
    return {"total": sum(counts.values()), "by_class": dict(sorted(counts.items()))}


def _left_out(found: list[tuple[str, int, int]]) -> LeftOut:
    return {
        "scenes": sum(scenes for _, scenes, _ in found),
        "written": sum(written for _, _, written in found),
        "why": {one_line(why): scenes for why, scenes, _ in found[:FIRST]},
    }


def _scene_counts(
    folder: str, ledger: SummaryQueries, reader: _Reader
) -> tuple[dict[str, int] | None, dict[str, int] | None]:
    """The number of scenes in each list, and by their state in the ledger; what is wrong with the
    other files is said by other parts.
    """
    try:
        return scene_lists.counts(folder)
    except Unreadable:
        return None, reader.at(ledger.counts)


def _only_in_plex(ledger: SummaryQueries) -> OnlyInPlex:
    return {"items": ledger.orphan_count(), "found_at": ledger.orphans_at()}


def _refused(found: list[tuple[str, int, str]]) -> list[Refused]:
    return [
        {"field": field, "scenes": scenes, "why": one_line(words)} for field, scenes, words in found
    ]


def _object(raw: object) -> dict[str, object] | None:
    if not isinstance(raw, dict):
        raise ValueError("it is not an object")
    return raw


def _health_check(folder: str) -> HealthCheck:
    """The last health check, if it can be read."""
    try:
        return read_state.document(folder, FILE, parse_health_check, NEVER)
    except Unreadable:
        return NEVER


def _totals(stats: Stats, now: float) -> Totals:
    traffic = stats.traffic
    return {
        "since": stats.since or None,
        "last": stats.last or None,
        "done": stats.done,
        "written": stats.written,
        "retried": stats.counts["retried"],
        "requeued": stats.counts[REQUEUED],
        "failed": dict(stats.failed),
        "errors": dict(stats.errors),
        "matches": {name: stats.matches.get(name, 0) for name in ("HIGH", "LOW")},
        "mean": stats.mean(),
        "p95": stats.percentile(0.95),
        "last_hour": stats.recent(3600.0, now),
        "last_day": stats.recent(86400.0, now),
        "requests": traffic["requests"],
        "received": traffic["received"],
        "lookups": traffic["lookups"],
        "hits": traffic["hits"],
        "misses": max(0, traffic["lookups"] - traffic["hits"]),
    }


def _index(sections: list[tuple[int, float]], now: float) -> Index:
    read = [at for _, at in sections]
    return {
        "items": sum(items for items, _ in sections),
        "libraries": len(sections),
        "age": max(0.0, now - min(read)) if read else None,
    }
