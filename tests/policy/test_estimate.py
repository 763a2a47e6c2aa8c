"""The estimate before the first sync: reads as measured, writes as measured or assumed. The estimate
of a backfill: right soon, and honest until then."""

from __future__ import annotations

import random

import pytest

from plexsync.model.stats import Pace
from plexsync.policy.estimate import (
    LATELY,
    in_words,
    measured,
    scenes_per_second,
    seconds_left,
    seconds_per_scene,
    together,
)
from plexsync.policy.up_front import READS_PER_WRITE, Estimate, Sample, Work, up_front

SAMPLE = Sample(scene=0.01, item=0.002, alone=0.05, picture=0.03, connections=2)
MINUTE = 60.0


def work(pace: Pace, cost: float, minutes: float, *, new: bool = True, pause: float = 0.0) -> Pace:
    """The pace after so many minutes of batches whose scenes take `cost` seconds each."""
    now, left = (pace.at or 1000.0) + pause, minutes * 60
    while left > 0:
        seconds = cost * 50
        now, left = now + seconds, left - seconds
        counts = (0, 50) if new else (50, 0)
        pace = measured(pace, *counts, seconds, now)
    return pace


def test_nothing_is_known_before_anything_is_measured() -> None:
    assert seconds_per_scene(Pace(), 0, 100) is None
    assert scenes_per_second(Pace()) is None
    little = measured(Pace(), 0, 50, 3.0, 1000.0)
    assert seconds_per_scene(little, 0, 100) is None
    assert in_words(None) == "not known yet"


@pytest.mark.parametrize("cost", [0.002, 0.05, 0.5, 1.0])
def test_a_steady_backfill_is_right_within_a_minute(cost: float) -> None:
    pace = work(Pace(), cost, 1)
    assert seconds_per_scene(pace, 0, 1000) == pytest.approx(cost)
    assert scenes_per_second(pace) == pytest.approx(1 / cost)


def test_the_first_batch_may_take_long() -> None:
    """It reads the index of Plex's library: forty seconds of that minute."""
    pace = measured(Pace(), 0, 50, 42.0, 1000.0)
    pace = work(pace, 0.05, 20 / 60)
    assert seconds_per_scene(pace, 0, 1000) == pytest.approx(0.05, rel=0.5)


def test_scenes_that_are_in_step_say_nothing_of_those_that_are_not() -> None:
    pace = work(Pace(), 0.002, 1, new=False)
    assert seconds_per_scene(pace, 1000, 5) == pytest.approx(0.002)
    assert seconds_per_scene(pace, 1000, 5000) is None, "honest: nobody wrote any yet"
    pace = work(pace, 0.2, 1)
    assert seconds_per_scene(pace, 0, 5000) == pytest.approx(0.2, rel=0.1)
    assert seconds_per_scene(pace, 5000, 5000) == pytest.approx(0.101, rel=0.1)


def test_a_mixture_is_measured_as_it_comes() -> None:
    rng, pace, now = random.Random(4), Pace(), 1000.0
    for _ in range(30):
        new = rng.randrange(15, 35)
        seconds = new * 0.1 + (50 - new) * 0.004
        now += seconds
        pace = measured(pace, 50 - new, new, seconds, now)
    assert seconds_per_scene(pace, 500, 500) == pytest.approx(0.052, rel=0.2)


def test_the_last_minutes_count_most() -> None:
    pace = work(work(Pace(), 0.05, 10), 0.4, 4)
    assert seconds_per_scene(pace, 0, 1000) == pytest.approx(0.4, rel=1 / 3)


def test_what_was_measured_long_ago_is_a_first_guess() -> None:
    old = work(Pace(), 0.05, 10)
    assert seconds_per_scene(old, 0, 1000) == pytest.approx(0.05)
    now = work(old, 0.5, 1, pause=LATELY)
    assert seconds_per_scene(now, 0, 1000) == pytest.approx(0.5, rel=1 / 3)


@pytest.mark.parametrize(("known", "new", "seconds"), [(0, 0, 5.0), (3, 4, 0.0), (3, 4, -1.0)])
def test_a_clock_that_was_set_measures_nothing(known: int, new: int, seconds: float) -> None:
    pace = work(Pace(), 0.1, 1)
    assert measured(pace, known, new, seconds, pace.at) == pace


def test_what_is_known_of_all_backfills_together() -> None:
    assert together([]) == Pace()
    found = together([work(Pace(), 0.01, 1, new=False), work(Pace(), 0.5, 1)])
    assert seconds_per_scene(found, 100, 0) == pytest.approx(0.01)
    assert seconds_per_scene(found, 0, 100) == pytest.approx(0.5)


def test_backfills_that_work_in_turns() -> None:
    assert seconds_left([(100, 0.5)]) == [50.0]
    assert seconds_left([(100, 0.5), (10, 1.0)]) == [60.0, 15.0]
    assert seconds_left([(100, 0.5), (10, None)]) == [55.0, None]
    assert seconds_left([]) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "less than a minute"),
        (46, "about 1 min"),
        (12.3 * MINUTE, "about 12 min"),
        (59.4 * MINUTE, "about 59 min"),
        (61 * MINUTE, "about 1 h"),
        (97 * MINUTE, "about 1 h 40 min"),
        (14.6 * 60 * MINUTE, "about 15 h"),
        (70 * 60 * MINUTE, "about 3 days"),
    ],
)
def test_no_finer_than_an_estimate_can_be(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_nothing_to_do_takes_no_time() -> None:
    assert up_front(Work(scenes=0, writes=0, pictures=0), SAMPLE) == Estimate(0.0, True)


def test_without_differences_only_the_comparison_takes_time() -> None:
    assert up_front(Work(scenes=1000, writes=0, pictures=0), SAMPLE).seconds == 10.0


def test_an_assumed_write_takes_as_long_as_some_reads_and_is_read_back() -> None:
    found = up_front(Work(scenes=1000, writes=400, pictures=0), SAMPLE)
    assert found.assumed
    assert round(found.seconds, 6) == 10 + 400 * (0.01 + 0.002) + 400 * 0.05 * READS_PER_WRITE / 2


def test_pictures_are_read_from_stash_and_sent() -> None:
    work = Work(scenes=100, writes=100, pictures=100)
    without = up_front(work._replace(pictures=0), SAMPLE).seconds
    picture = (0.05 * READS_PER_WRITE + 0.03) / 2
    assert round(up_front(work, SAMPLE).seconds - without, 6) == round(100 * picture, 6)


def test_measured_writes_replace_the_assumption() -> None:
    found = up_front(Work(scenes=1000, writes=400, pictures=400), SAMPLE._replace(written=0.2))
    assert (found.assumed, round(found.seconds, 6)) == (False, 600 * 0.01 + 400 * 0.2)


def test_more_connections_never_take_longer() -> None:
    work = Work(scenes=100, writes=100, pictures=100)
    times = [up_front(work, SAMPLE._replace(connections=n)).seconds for n in (0, 1, 2, 4)]
    assert times == sorted(times, reverse=True)
