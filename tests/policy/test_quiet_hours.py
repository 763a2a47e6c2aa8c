"""Quiet hours: how they are entered, and when they are, by the wall clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from plexsync.model.quiet_hours import read_quiet_hours
from plexsync.policy.quiet_hours import next_quiet, quiet_until, tomorrow

BERLIN = ZoneInfo("Europe/Berlin")
EVENING = read_quiet_hours("20:00-23:30")


def offset(zone: ZoneInfo = BERLIN) -> Callable[[float], float]:
    def ahead(at: float) -> float:
        delta = datetime.fromtimestamp(at, timezone.utc).astimezone(zone).utcoffset()
        assert delta is not None
        return delta.total_seconds()

    return ahead


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        (" , ", []),
        ("20:00-23:30", [(1200, 1410)]),
        (" 7:05 - 8:00,23:00\u20131:30 ", [(425, 480), (1380, 1530)]),
        ("18:00-24:00, 0:00-6:00", [(1080, 1440), (0, 360)]),
        ("22:00-00:00", [(1320, 1440)]),
    ],
)
def test_how_they_are_entered(text: str, spans: list[tuple[int, int]]) -> None:
    assert read_quiet_hours(text) == spans


@pytest.mark.parametrize(
    "text",
    [
        *("20-23", "20:00", "20:00-", "25:00-26:00", "20:60-21:00", "20:00-20:00", "24:00-1:00"),
        *("8 pm-9 pm", "20:00-21:00; 22:00-23:00", "\u0662\u0660:00-21:00", "-1:00-2:00"),
        *("20:00-24:01", "never", "20:00-21:00-22:00"),
    ],
)
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="times like 20:00-23:30"):
        read_quiet_hours(text)


@pytest.mark.parametrize("text", ["0:00-24:00", "6:00-18:00, 17:00-6:00"])
def test_some_of_the_day_must_be_left(text: str) -> None:
    with pytest.raises(ValueError, match="no time of the day"):
        read_quiet_hours(text)


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        ("20:00-23:30", "2026-01-10 19:59:59", None),
        ("20:00-23:30", "2026-01-10 20:00:00", "2026-01-10 23:30"),
        ("20:00-23:30", "2026-01-10 23:29:59", "2026-01-10 23:30"),
        ("20:00-23:30", "2026-01-10 23:30:00", None),
        ("22:00-6:30", "2026-01-10 23:00", "2026-01-11 06:30"),
        ("22:00-6:30", "2026-01-11 00:00", "2026-01-11 06:30"),
        ("22:00-6:30", "2026-01-11 06:30", None),
        ("20:00-22:00, 21:00-23:00, 23:00-1:00", "2026-01-10 20:30", "2026-01-11 01:00"),
        ("22:00-24:00, 0:00-2:00", "2026-01-10 22:30", "2026-01-11 02:00"),
    ],
)
def test_when_they_end(text: str, now: str, until: str | None) -> None:
    found = quiet_until(read_quiet_hours(text), at(now), offset())
    assert found == (None if until is None else at(until))


def test_when_the_next_begin() -> None:
    assert next_quiet([], at("2026-01-10 12:00"), offset()) is None
    assert next_quiet(EVENING, at("2026-01-10 12:00:30"), offset()) == at("2026-01-10 20:00")
    assert next_quiet(EVENING, at("2026-01-10 23:45"), offset()) == at("2026-01-11 20:00")


def test_the_night_on_which_the_clock_skips_an_hour() -> None:
    night = read_quiet_hours("22:00-2:30")  # 2:30 is no time on that night: it ends as 3:00 begins
    until = quiet_until(night, at("2026-03-29 01:00"), offset())
    assert until == at("2026-03-29 03:00")
    assert quiet_until(night, until, offset()) is None
    assert quiet_until(EVENING, at("2026-03-29 21:00"), offset()) == at("2026-03-29 23:30")
    over = quiet_until(read_quiet_hours("23:00-7:00"), at("2026-03-28 23:00"), offset())
    assert over == at("2026-03-29 07:00") == at("2026-03-28 23:00") + 7 * 3600


def test_the_night_on_which_the_clock_shows_an_hour_twice() -> None:
    night = read_quiet_hours("22:00-2:30")
    first = quiet_until(night, at("2026-10-25 01:00"), offset())
    assert first == at("2026-10-25 02:30", fold=0)
    again = at("2026-10-25 02:00", fold=1)
    assert quiet_until(night, again, offset()) == at("2026-10-25 02:30", fold=1)
    over = quiet_until(read_quiet_hours("23:00-7:00"), at("2026-10-24 23:00"), offset())
    assert over == at("2026-10-25 07:00") == at("2026-10-24 23:00") + 9 * 3600


def test_an_end_is_never_in_the_past() -> None:
    """Whatever the clock does that night, whoever waits for the end gets there."""
    for zone in (BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/New_York")):
        for begin in ("2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-31"):
            now, waits = at(f"{begin} 12:00", zone), 0
            while (until := quiet_until(read_quiet_hours("1:10-2:20"), now, offset(zone))) or waits:
                assert until is None or until > now
                now, waits = until or now, waits + 1
                if until is None:
                    break
            assert waits <= 2
            assert tomorrow(now, offset(zone)) > now


def test_tomorrow_is_at_six() -> None:
    assert tomorrow(at("2026-01-10 00:10"), offset()) == at("2026-01-11 06:00")
    assert tomorrow(at("2026-01-10 23:50"), offset()) == at("2026-01-11 06:00")
    assert tomorrow(at("2026-03-28 23:50"), offset()) == at("2026-03-29 06:00")
    assert tomorrow(at("2026-10-24 23:50"), offset()) == at("2026-10-25 06:00")
