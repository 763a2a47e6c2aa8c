"""Quiet hours as the user enters them: "20:00-23:30, 01:00-02:00".

Light on purpose: each request of the page is a process.
"""

from __future__ import annotations

DAY = 24 * 60
"""Minutes of a day."""


def read_quiet_hours(text: str) -> list[tuple[int, int]]:
    """The times as (begin, end) in minutes of the day, an end above DAY lies on the next day.

    Raises ValueError that says what they must look like.
    """
    spans = [_span(part.strip()) for part in text.split(",") if part.strip()]
    if len(minutes_of(spans)) == DAY:
        raise ValueError("leaves no time of the day for anything but edits")
    return spans


def minutes_of(spans: list[tuple[int, int]]) -> set[int]:
    """The minutes of the day that are quiet."""
    return {minute % DAY for begin, end in spans for minute in range(begin, end)}


def _span(text: str) -> tuple[int, int]:
    begin, dash, end = text.replace("\u2013", "-").partition("-")
    found = _minute(begin.strip()), _minute(end.strip())
    if not dash or found[0] is None or found[1] is None or found[0] == DAY or found[0] == found[1]:
        raise ValueError("is not a list of times like 20:00-23:30, separated by commas")
    return found[0], found[1] if found[1] > found[0] else found[1] + DAY


def _minute(text: str) -> int | None:
    hours, colon, minutes = text.partition(":")
    digits = (hours + minutes).isascii() and (hours + minutes).isdigit()
    if not (digits and colon and len(hours) in (1, 2) and len(minutes) == 2):
        return None
    found = int(hours) * 60 + int(minutes)
    return found if int(minutes) < 60 and found <= DAY else None
