"""The backfills as View Queue Status and the page show them; light like status.py."""

from __future__ import annotations

from plexsync.edges.page import read_state
from plexsync.model.formatting import grouped
from plexsync.model.ledger import QUIET_HOURS, BackfillRun
from plexsync.model.reasons import RECONCILE, backfill_words
from plexsync.model.stats import FILE, Pace, Stats
from plexsync.policy.estimate import (
    in_words,
    scenes_per_second,
    seconds_left,
    seconds_per_scene,
    together,
)
from plexsync.policy.quiet_hours import quiet_until, spans_of, wall_clock, with_quiet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from plexsync.model.status import BackfillShown

    Held = tuple[str, float | None]

PAUSED, QUIET, PLEX = "paused", "quiet hours", "plex"
"""What a backfill waits for; "" while it works."""

_AUTOMATIC = ("damage", "outage", "interval", "startup")
"""Triggers of reconciliations that the worker runs by itself; others are tasks."""


class _Found:
    """One backfill, as far as it is stored: `ahead` scenes are not in the queue yet, `untried` are;
    `known` of both are as they were written. `guess` is its pace, as far as that of all tells.
    """

    __slots__ = ("run", "ahead", "untried", "known", "pace", "guess")

    def __init__(
        self, run: BackfillRun, ahead: int, untried: int, known: int, pace: Pace, guess: Pace
    ) -> None:
        self.run = run
        self.guess = guess
        self.ahead = ahead
        self.untried = untried
        self.known = known
        self.pace = pace

    @property
    def left(self) -> int:
        """Scenes that did not have their turn."""
        return self.ahead + self.untried

    @property
    def cost(self) -> float | None:
        """Seconds for each of them."""
        return seconds_per_scene(self.pace, self.known, self.left - self.known)

    @property
    def beside(self) -> tuple[int, float | None]:
        """What another backfill needs to know of it: scenes left, and seconds for each."""
        guessed = seconds_per_scene(self.guess, self.known, self.left - self.known)
        return self.left, guessed if self.cost is None else self.cost


def shown_backfills(
    folder: str, now: float, offset: Callable[[float], float], *, plex_away: bool = False
) -> list[BackfillShown]:
    """Each backfill that is under way, the oldest first; raises Unreadable.

    `offset` is that of local time, see Clock.
    """
    spans = spans_of(read_state.backfills(folder).get_meta(QUIET_HOURS))
    quiet = quiet_until(spans, now, offset)

    def held(run: BackfillRun) -> Held:
        paused = run.paused(now)
        if paused is not None and paused >= (quiet or 0.0):
            return PAUSED, None if run.parked else paused
        if quiet is not None:
            return QUIET, quiet
        return (PLEX, None) if plex_away else ("", None)

    found = sorted(
        _backfills(folder, now, quiet=quiet is not None), key=lambda each: each.run.began
    )
    shown = [*_passes(folder, held)]
    for one in found:
        waits, until = held(one.run)
        others = [each for each in found if each is not one and held(each.run)[0] == waits == ""]
        beside = [each.beside for each in others]
        [seconds, *_] = seconds_left([(one.left, one.cost), *beside])
        if seconds is not None and not waits:
            seconds = with_quiet(seconds, spans, now, offset)
        speed, done = scenes_per_second(one.pace), max(0, one.run.queued - one.untried)
        shown.append(
            {
                "backfill": one.run.reason,
                "words": backfill_words(one.run.reason),
                "began": one.run.began,
                "done": done,
                "total": done + one.left,
                "rate": None if speed is None else 60 * speed / (1 + len(others)),
                "left": seconds,
                "left_words": in_words(seconds),
                "waits": waits,
                "until": until,
                "sentence": "",
            }
        )
    for each in shown:
        each["sentence"] = _sentence(each, now, offset)
    return shown


def _sentence(backfill: BackfillShown, now: float, offset: Callable[[float], float]) -> str:
    total = "" if backfill["total"] is None else f" of {grouped(backfill['total'])}"
    rate = "" if backfill["rate"] is None else f", {grouped(round(backfill['rate']))} a minute"
    left = backfill["left_words"]
    return (
        f"{backfill['words']}: {grouped(backfill['done'])}{total} scenes done{rate}; "
        f"{_wait(backfill, now, offset)}time left {left}."
    )


def _wait(backfill: BackfillShown, now: float, offset: Callable[[float], float]) -> str:
    until = backfill["until"]
    clock = "" if until is None else f"until {wall_clock(until, now, offset)}"
    return {
        PAUSED: f"paused {clock or 'until it is resumed on the page'}, ",
        QUIET: f"waits {clock} (quiet hours), ",
        PLEX: "waits for Plex, ",
    }.get(backfill["waits"], "")


def _backfills(folder: str, now: float, *, quiet: bool) -> Iterator[_Found]:
    """Those stored as backfills, and in quiet hours also the few scenes that were queued at once."""
    ledger = read_state.backfills(folder)
    runs, ahead, untried = (
        ledger.backfill_runs(),
        ledger.ahead_by_reason(),
        read_state.queue(folder).untried(),
    )
    reasons = {*ahead, *(untried if quiet else runs.keys() & untried.keys())}
    stats = read_state.document(folder, FILE, Stats.parse, Stats(0.0)) if reasons else Stats(0.0)
    paces = stats.paces
    for reason in reasons:
        more, known = ahead.get(reason, (0, 0))
        waiting = untried.get(reason, [])
        known += len(ledger.in_step(waiting))
        run = runs.get(reason) or BackfillRun(reason, now)
        if more or waiting:
            pace = paces.get(reason, Pace())
            yield _Found(run, more, len(waiting), known, pace, together(paces.values()))


def _passes(folder: str, held: Callable[[BackfillRun], Held]) -> Iterator[BackfillShown]:
    """The automatic reconciliation that is under way; one that was started by hand is a task."""
    none: dict[str, Any] = {}
    stored = read_state.document(folder, "reconcile_state.json", _fields, none)
    for trigger, raw in _fields(stored.get("runs") or {}).items():
        if trigger not in _AUTOMATIC:
            continue
        run = read_state.backfills(folder).backfill_runs().get(RECONCILE)
        done, total, seconds, began = (
            _number(raw.get(name)) for name in ("checked", "total", "seconds", "started")
        )
        waits, until = held(run or BackfillRun(RECONCILE, began))
        speed = done / seconds if done and seconds else None
        left = (total - done) / speed if speed and total > done else None
        yield {
            "backfill": RECONCILE,
            "words": "Comparing Stash and Plex",
            "began": began,
            "done": int(done),
            "total": int(total) or None,
            "rate": None if speed is None else 60 * speed,
            "left": left,
            "left_words": in_words(left),
            "waits": waits,
            "until": until,
            "sentence": "",
        }


def _fields(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("it is not an object")
    return raw


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and value >= 0 else 0.0
