"""How many scenes make a batch."""

from __future__ import annotations

import pytest

from plexsync.policy.batch_size import FEWEST, MOST, SECONDS, at_pace, at_rate


@pytest.mark.parametrize(
    ("pace", "scenes"),
    [(0.0, FEWEST), (1.3, FEWEST), (25.0, FEWEST), (40.0, 80), (52.0, MOST), (1e9, MOST)],
)
def test_a_batch_lasts_two_seconds_unless_plex_is_slow(pace: float, scenes: int) -> None:
    assert at_pace(pace) == scenes


@pytest.mark.parametrize(("rate", "scenes"), [(0.1, 1), (5.0, 10), (20.0, 40), (1000.0, FEWEST)])
def test_while_plex_is_spared_a_batch_lasts_no_longer_than_that(rate: float, scenes: int) -> None:
    assert at_rate(rate) == scenes
    assert scenes <= max(1, rate * SECONDS)
