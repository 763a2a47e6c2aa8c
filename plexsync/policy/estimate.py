"""How long the sync of many scenes takes, while it works, from its own pace; up_front.py says it before.

Only seconds of work are measured: what passes while nothing may be written (an outage, a
pause, quiet hours) or while the ramp after an outage slows it down is not handed to these functions.
Scenes of which the ledger already has what to write (`known`) are measured apart from the others
(`new`): the former mostly cost a comparison, the latter a write, and a backfill often has all of one
kind before the other.

Light on purpose: each request of the page is a process.
"""

from __future__ import annotations

from plexsync.model.stats import Pace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HALF_LIFE = 60.0
"""Seconds of work after which a measurement counts half as much."""

LATELY = 600.0
"""Seconds after which earlier measurements are only a first guess."""

FIRST_GUESS = 5.0
"""Seconds of work for which a first guess counts. The first batch is one, too: it may have had to read
a library's index."""

ENOUGH = 5.0
"""Seconds of measured work from which on there is an estimate."""

NEGLIGIBLE = 0.1
"""Part of the scenes left whose pace may be unknown; they are taken for like the others."""


def measured(pace: Pace, known: int, new: int, seconds: float, now: float) -> Pace:
    """The pace after another batch with so many scenes of each kind took so long."""
    scenes = known + new
    if not scenes or seconds <= 0:
        return pace
    lately = pace.seconds > 0 and 0 <= now - pace.at < LATELY
    before = pace if lately else _at_most(pace, FIRST_GUESS)
    each, fade = seconds / scenes, 0.5 ** (seconds / HALF_LIFE)
    after = Pace(
        before.known * fade + known,
        before.known_seconds * fade + each * known,
        before.new * fade + new,
        before.new_seconds * fade + each * new,
        now,
    )
    return after if lately else _at_most(after, 2 * FIRST_GUESS)


def _at_most(pace: Pace, seconds: float) -> Pace:
    """The same pace, as if no more than so much work had been measured."""
    factor = min(1.0, seconds / pace.seconds) if pace.seconds else 1.0
    known, known_seconds, new, new_seconds = (value * factor for value in pace[:4])
    return Pace(known, known_seconds, new, new_seconds, pace.at)


def together(paces: Iterable[Pace]) -> Pace:
    """What was measured of all backfills, for one of which too little was."""
    known, known_seconds, new, new_seconds, at = zip(*(Pace(), *paces), strict=True)
    return Pace(sum(known), sum(known_seconds), sum(new), sum(new_seconds), max(at))


def scenes_per_second(pace: Pace) -> float | None:
    """How many scenes have their turn in a second of work; None if too little was measured."""
    return pace.scenes / pace.seconds if pace.seconds >= ENOUGH else None


def seconds_per_scene(pace: Pace, known: int, new: int) -> float | None:
    """How long each of the scenes left will take on average; None if not known yet."""
    if pace.seconds < ENOUGH or known + new <= 0:
        return None
    of_known = pace.known_seconds / pace.known if pace.known >= 1 else None
    of_new = pace.new_seconds / pace.new if pace.new >= 1 else None
    if of_known is None and known <= NEGLIGIBLE * (known + new):
        of_known = of_new
    if of_new is None and new <= NEGLIGIBLE * (known + new):
        of_new = of_known
    if of_known is None or of_new is None:
        return None
    return (of_known * known + of_new * new) / (known + new)


def seconds_left(backfills: Sequence[tuple[int, float | None]]) -> list[float | None]:
    """How long each of these backfills takes that work in turns, scene by scene: (scenes left,
    seconds per scene) of each.

    The pace of a neighbour that is not known yet is taken for like the own.
    """
    return [
        None
        if own is None
        else sum(min(left, scenes) * (own if cost is None else cost) for scenes, cost in backfills)
        for left, own in backfills
    ]


def in_words(seconds: float | None) -> str:
    """For example "about 12 min", no finer than an estimate can be."""
    if seconds is None:
        return "not known yet"
    if seconds < 45:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {max(1, minutes)} min"
    if minutes < 12 * 60:
        hours, rest = divmod(round(minutes / 10) * 10, 60)
        return f"about {hours} h {rest} min" if rest else f"about {hours} h"
    hours = round(minutes / 60)
    if hours < 48:
        return f"about {hours} h"
    return f"about {round(hours / 24)} days"
