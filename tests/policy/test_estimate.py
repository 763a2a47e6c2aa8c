"""The estimate before the first sync: reads as measured, writes as measured or assumed."""

from __future__ import annotations

from dataclasses import replace

from plexsync.policy.estimate import READS_PER_WRITE, Estimate, Sample, Work, up_front

SAMPLE = Sample(scene=0.01, item=0.002, alone=0.05, picture=0.03, connections=2)


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
    without = up_front(replace(work, pictures=0), SAMPLE).seconds
    picture = (0.05 * READS_PER_WRITE + 0.03) / 2
    assert round(up_front(work, SAMPLE).seconds - without, 6) == round(100 * picture, 6)


def test_measured_writes_replace_the_assumption() -> None:
    found = up_front(Work(scenes=1000, writes=400, pictures=400), replace(SAMPLE, written=0.2))
    assert (found.assumed, round(found.seconds, 6)) == (False, 600 * 0.01 + 400 * 0.2)


def test_more_connections_never_take_longer() -> None:
    work = Work(scenes=100, writes=100, pictures=100)
    times = [up_front(work, replace(SAMPLE, connections=n)).seconds for n in (0, 1, 2, 4)]
    assert times == sorted(times, reverse=True)
