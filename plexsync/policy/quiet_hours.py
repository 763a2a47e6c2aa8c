"""Quiet hours, decided by the wall clock of the machine on which Stash runs.

Every function receives the zone as `offset`: the seconds by which its wall clock is ahead of UTC at
a given time. So days on which that changes need no rules of their own.
"""

from __future__ import annotations

from plexsync.model.quiet_hours import DAY, minutes_of, read_quiet_hours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Offset = Callable[[float], float]
    Spans = list[tuple[int, int]]

MORNING = 6 * 3600
"""Seconds of the day at which a pause until tomorrow ends."""

_DAY = 86400
_MOST_DAYS = 60


def spans_of(text: str) -> Spans:
    """The quiet hours in the settings, which have been checked; another version's are none."""
    try:
        return read_quiet_hours(text)
    except ValueError:
        return []


def quiet_until(spans: Spans, now: float, offset: Offset) -> float | None:
    """When the quiet hours end that `now` lies in; None outside of them."""
    wall, quiet = _minute(now, offset), minutes_of(spans)
    if wall % DAY not in quiet:
        return None
    end = next(wall + ahead for ahead in range(1, DAY + 1) if (wall + ahead) % DAY not in quiet)
    return _moment(end * 60, now, offset)


def next_quiet(spans: Spans, now: float, offset: Offset) -> float | None:
    """When the next quiet hours begin, from outside of them; None if there are none."""
    wall, quiet = _minute(now, offset), minutes_of(spans)
    if not quiet:
        return None
    begin = next(wall + ahead for ahead in range(1, DAY + 1) if (wall + ahead) % DAY in quiet)
    return _moment(begin * 60, now, offset)


def with_quiet(seconds: float, spans: Spans, now: float, offset: Offset) -> float:
    """How long so many seconds of work take if none is done in quiet hours."""
    at, left = quiet_until(spans, now, offset) or now, seconds
    for _ in range(_MOST_DAYS):
        begin = next_quiet(spans, at, offset)
        if begin is None or at + left <= begin:
            break
        left -= begin - at
        at = quiet_until(spans, begin, offset) or begin
    return at + left - now


def tomorrow(now: float, offset: Offset) -> float:
    """6:00 of the next day."""
    day = (now + offset(now)) // _DAY
    return _moment((day + 1) * _DAY + MORNING, now, offset)


def wall_clock(at: float, now: float, offset: Offset) -> str:
    """A time as the wall clock shows it, "23:30", with the day unless that is today."""
    minute, today = _minute(at, offset), _minute(now, offset) // DAY
    time = f"{minute % DAY // 60:02}:{minute % 60:02}"
    day = minute // DAY - today
    return time if day == 0 else f"{time} tomorrow" if day == 1 else f"{time} in {day} days"


def _minute(now: float, offset: Offset) -> int:
    """The minute that the wall clock shows, counted from its 1970."""
    return int((now + offset(now)) // 60)


def _moment(wall: float, now: float, offset: Offset) -> float:
    """The first moment after `now` at which the wall clock shows that time or a later one.

    A time that it skips in spring is the moment at which it skips; one that it shows twice in autumn
    is the first of both.
    """
    guess = wall - offset(now)
    low, high = sorted((guess, wall - offset(guess)))
    low, high = max(now, low), max(now, high)
    if low + offset(low) >= wall:
        return low
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (low, middle) if middle + offset(middle) >= wall else (middle, high)
    return float(round(high))
