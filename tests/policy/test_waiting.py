from __future__ import annotations

import math

import pytest

from plexsync.policy.waiting import CLOCK_PAUSE, until_clocks


@pytest.mark.parametrize(
    ("waits", "blocked", "asked_ago", "seconds"),
    [
        (True, 0.0, CLOCK_PAUSE, 0.0),
        (True, 0.0, 10 * CLOCK_PAUSE, 0.0),
        (True, 0.0, 3.0, CLOCK_PAUSE - 3.0),
        (False, 0.0, CLOCK_PAUSE, math.inf),  # no job waits for a file
        (True, 5.0, CLOCK_PAUSE, 5.0),  # Plex gets no requests
    ],
)
def test_when_the_clocks_of_plexs_libraries_are_asked_for(
    waits: bool, blocked: float, asked_ago: float, seconds: float
) -> None:
    assert until_clocks(1000.0 - asked_ago, waits, blocked, 1000.0) == seconds
