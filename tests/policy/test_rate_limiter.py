from __future__ import annotations

import math
import random

import pytest

from plexsync.policy.rate_limiter import (
    CAPACITY,
    LONGEST_WAIT,
    SLOW_FOR,
    WINDOW,
    Ramp,
    RecoveryRateLimiter,
)
from plexsync.policy.recovery_scheduler import (
    AGGRESSIVE,
    CONSERVATIVE,
    DEFAULT,
    NORMAL,
    STRATEGIES,
    ramp_for,
    recovered_classes,
)

T0 = 1_700_000_000.0
UP = 5000.0
"""The monotonic clock at the time of the recovery."""
DAY = 86400.0


def limiter(ramp: Ramp | None = None) -> RecoveryRateLimiter:
    return RecoveryRateLimiter.resume(ramp or Ramp(), T0, T0, UP)


def drain(bucket: RecoveryRateLimiter, begin: float, seconds: float) -> list[float]:
    """The times of requests if all waiting ones are sent as fast as allowed."""
    sent, now = [], begin
    while now < begin + seconds:
        bucket, wait = bucket.take(now)
        assert 0 <= wait <= LONGEST_WAIT
        if wait:
            now += wait
            continue
        sent.append(now)
        if bucket.rate(now) is None:
            break
    return sent


def results(
    bucket: RecoveryRateLimiter, now: float, good: int, bad: int
) -> tuple[RecoveryRateLimiter, list[str]]:
    said = []
    for ok in [True] * good + [False] * bad:
        bucket, text = bucket.result(ok, now)
        said += [text] if text else []
    return bucket, said


@pytest.mark.parametrize(
    ("elapsed", "rate"),
    [(-9, 5), (0, 5), (75, 7.5), (150, 10), (225, 15), (299.97, 19.998), (300, None), (DAY, None)],
)
def test_the_rate_rises_from_five_over_ten_to_twenty_and_then_is_free(
    elapsed: float, rate: float | None
) -> None:
    found = Ramp().rate(elapsed)
    assert found is None if rate is None else found == pytest.approx(rate, abs=0.001)


@pytest.mark.parametrize(
    ("ramp", "first", "half", "last"),
    [
        (Ramp(10, 4, 100), 4, 20, 100),
        (Ramp(5, 10, 20), 10, math.sqrt(200), 20),
        (Ramp(5, 50, 20), 50, 50, 50),  # an end below the start never slows down
        (Ramp(5, 0.01, 1), 1, 1, 1),
    ],
)
def test_other_settings_bend_the_ramp(ramp: Ramp, first: float, half: float, last: float) -> None:
    end = ramp.minutes * 60
    assert ramp.rate(0) == pytest.approx(first)
    assert ramp.rate(end / 2) == pytest.approx(half)
    assert ramp.rate(end - 1e-6) == pytest.approx(last, rel=1e-3)
    assert ramp.rate(end) is None


def test_it_costs_nothing_when_switched_off_over_or_never_begun() -> None:
    off = limiter(Ramp(minutes=0))
    never = RecoveryRateLimiter.resume(Ramp(), 0.0, T0, UP)
    for bucket, now in ((off, UP), (never, UP), (limiter(), UP + 300)):
        assert bucket.rate(now) is None
        taken, wait = bucket.take(now)
        noted, said = bucket.result(False, now)
        assert (wait, said) == (0.0, "")
        assert taken is bucket
        assert noted is bucket


def test_no_second_of_the_ramp_sees_more_than_its_rate_and_one() -> None:
    sent = drain(limiter(), UP, 300)
    assert sum(1 for at in sent if at < UP + 1) <= 5
    assert len(sent) == pytest.approx(150 * 7.5 + 150 * 15, rel=0.02)
    for first in range(0, 299):
        busy = sum(1 for at in sent if UP + first <= at < UP + first + 1)
        top = Ramp().rate(first + 1.0) or 20.0
        assert top - 2 <= busy <= top + 1


def test_a_pause_saves_up_one_request_and_no_more() -> None:
    bucket, wait = limiter().take(UP + 100)
    assert wait == 0
    bucket, wait = bucket.take(UP + 100)
    assert wait > 0


def test_it_waits_exactly_as_long_as_it_said() -> None:
    bucket, wait = limiter().take(UP)
    assert wait == pytest.approx(0.2)
    assert bucket.take(UP + wait / 2)[1] == pytest.approx(wait / 2, rel=0.01)
    assert bucket.take(UP + wait)[1] == 0


def test_a_restart_goes_on_where_the_recovery_is_and_brings_no_burst() -> None:
    resumed = RecoveryRateLimiter.resume(Ramp(), T0, T0 + 150, 3.0)
    assert resumed.rate(3.0) == pytest.approx(10)
    assert resumed.rate(3.0 + 150) is None
    assert resumed.take(3.0)[1] == pytest.approx(0.1)


def test_a_recovery_that_is_stored_in_the_future_begins_now() -> None:
    assert RecoveryRateLimiter.resume(Ramp(), T0 + DAY, T0, UP).rate(UP) == 5


def test_a_jump_of_a_day_gives_one_request_at_most() -> None:
    long = limiter(Ramp(minutes=60 * 48))
    assert len(drain(long, UP + DAY, 0.01)) == 1
    bucket, wait = limiter().take(UP - DAY)
    assert 0 < wait <= LONGEST_WAIT
    assert bucket.take(UP - DAY + wait)[1] == 0


def test_new_settings_count_at_once() -> None:
    bucket = limiter()
    assert bucket.configured(Ramp()) is bucket
    assert bucket.configured(Ramp(5, 10, 20)).rate(UP) == 10
    assert bucket.configured(Ramp(minutes=0)).rate(UP) is None


@pytest.mark.parametrize(
    ("good", "bad", "slow"), [(6, 3, False), (7, 3, False), (6, 4, True), (0, 9, False)]
)
def test_more_than_thirty_percent_of_ten_results_halve_the_rate(
    good: int, bad: int, slow: bool
) -> None:
    bucket, said = results(limiter(), UP, good, bad)
    assert bucket.rate(UP) == (2.5 if slow else 5)
    assert len(said) == slow


def test_the_line_names_the_numbers() -> None:
    _, said = results(limiter(), UP, 6, 4)
    assert said == [
        "4 of 10 requests to Plex failed in the last minute: the rate is halved for at least 60 s, "
        "until few fail."
    ]


def test_the_rate_is_restored_after_a_minute_with_few_errors() -> None:
    bucket, _ = results(limiter(), UP, 6, 4)
    bucket, said = results(bucket, UP + SLOW_FOR - 1, 200, 0)
    assert said == []
    bucket, said = results(bucket, UP + SLOW_FOR, 1, 0)
    assert said == ["0 of 201 requests to Plex failed in the last minute: the rate is restored."]
    assert bucket.rate(UP + SLOW_FOR) == pytest.approx(7)


def test_the_rate_stays_halved_until_less_than_a_tenth_fails() -> None:
    bucket, _ = results(limiter(), UP, 6, 4)
    bucket, _ = results(bucket, UP + 30, 8, 1)
    bucket, _ = results(bucket, UP + 65, 1, 0)
    assert bucket.rate(UP + 65) == pytest.approx((5 + 65 / 30) / 2)
    bucket, said = results(bucket, UP + 66, 1, 0)
    assert len(said) == 1
    assert bucket.rate(UP + 66) == pytest.approx(5 + 66 / 30)


def test_old_results_leave_the_window() -> None:
    bucket, _ = results(limiter(), UP, 0, 9)
    bucket, said = results(bucket, UP + WINDOW, 1, 0)
    assert said == []
    assert sum(second.results for second in bucket.seconds) == 1


@pytest.mark.parametrize("seed", range(40))
def test_random_events_keep_every_promise(seed: int) -> None:
    rng = random.Random(seed)
    ramp = Ramp(rng.choice([1, 5, 60]), rng.uniform(1, 100), rng.uniform(1, 100))
    bucket, now = limiter(ramp), UP
    for _ in range(500):
        now += rng.choice([0.0, 1e-9, 0.01, 0.2, 3.0, 61.0, -0.5, -DAY, DAY])
        if rng.random() < 0.5:
            bucket, wait = bucket.take(now)
            assert 0 <= wait <= LONGEST_WAIT
        else:
            bucket, said = bucket.result(rng.random() < 0.7, now)
            assert "\n" not in said
        assert 0 <= bucket.tokens <= CAPACITY
        assert len(bucket.seconds) <= WINDOW
        rate = bucket.rate(now)
        assert rate is None or 0.5 <= rate <= 100
        if rng.random() < 0.01:
            elapsed = rng.choice([-DAY, 0.0, 30.0, DAY])
            bucket = RecoveryRateLimiter.resume(ramp, T0, T0 + elapsed, now)


def test_a_drain_always_comes_to_its_end() -> None:
    for begin in (0.0, UP, 1e9):
        bucket = RecoveryRateLimiter.resume(Ramp(1, 100, 100), T0, T0, begin)
        assert len(drain(bucket, begin, 61)) == pytest.approx(6000, rel=0.01)


def test_strategies_take_back_more_and_more_classes_and_the_default_is_the_safe_one() -> None:
    assert DEFAULT == CONSERVATIVE
    assert recovered_classes(CONSERVATIVE) == {"PlexServerDown"}
    assert recovered_classes(NORMAL) == {"PlexServerDown", "PlexTemporaryError"}
    assert recovered_classes(AGGRESSIVE) == recovered_classes(NORMAL) | {"PlexNotFound"}
    with pytest.raises(ValueError, match="conservative, normal, aggressive"):
        recovered_classes("reckless")


def test_only_an_aggressive_recovery_starts_faster() -> None:
    starts = {name: ramp_for(name, 5, 5, 20).start_rate for name in STRATEGIES}
    assert starts == {CONSERVATIVE: 5, NORMAL: 5, AGGRESSIVE: 10}
    assert ramp_for(AGGRESSIVE, 5, 30, 40) == Ramp(5, 30, 40)
