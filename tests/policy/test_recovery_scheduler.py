from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from plexsync.policy.circuit_breaker import CLOSED, HALF_OPEN, OPEN, CircuitBreaker
from plexsync.policy.recovery_scheduler import (
    FLAPPING,
    RecoveryState,
    checked,
    clear_recovery_period,
    due,
    probed,
    recovered,
    recovery_words,
)
from plexsync.policy.recovery_state import next_check

T0 = 1_700_000_000.0
DAY = 86400.0


def open_breaker() -> CircuitBreaker:
    breaker = CircuitBreaker()
    for n in range(5):
        breaker, _ = breaker.failure(0, T0 + n, "refused")
    return breaker


def half_open_breaker() -> CircuitBreaker:
    return open_breaker().allow(T0 + 100)[0]


def gaps(state: RecoveryState, now: float, probes: int) -> list[float]:
    """The seconds between failed probes that follow the schedule."""
    found = []
    for _ in range(probes):
        at = next_check(state, now)
        assert due(state, at)
        assert not due(state, at - 0.01) or at == now
        found.append(at - now)
        state, now = checked(state, False, at), at
    return found


def test_probes_slow_down_from_five_seconds_to_a_minute() -> None:
    state = checked(RecoveryState(), True, T0)
    assert gaps(state, T0, 7) == [5, 10, 20, 40, 60, 60, 60]


def test_the_first_probe_ever_is_due_at_once() -> None:
    assert due(RecoveryState(), T0)
    assert next_check(RecoveryState(), T0) == T0


def test_the_schedule_goes_on_after_a_restart() -> None:
    state = RecoveryState()
    for n in range(3):
        state = checked(state, False, T0 + n)
    again = RecoveryState.parse(json.loads(json.dumps(state.to_json())))
    assert again == state
    assert next_check(again, T0 + 2) == T0 + 42


def test_successes_and_failures_are_counted_in_a_row() -> None:
    state = RecoveryState()
    for healthy in (False, False, True, True, True):
        state = checked(state, healthy, T0)
    assert (state.consecutive_successes, state.consecutive_failures) == (3, 0)
    state = checked(state, False, T0 + 9)
    assert (state.consecutive_successes, state.consecutive_failures) == (0, 1)
    assert state.last_check == T0 + 9


@pytest.mark.parametrize(
    ("breaker", "before"), [(open_breaker(), OPEN), (half_open_breaker(), HALF_OPEN)]
)
def test_a_healthy_probe_closes_the_breaker_and_begins_the_ramp(
    breaker: CircuitBreaker, before: str
) -> None:
    words = recovery_words(RecoveryState(recovery_count=3), 303.0, 200)
    state = RecoveryState(recovery_count=3, consecutive_failures=9)
    state, closed, transition = probed(state, breaker, True, T0 + 303, words)
    assert closed.state == CLOSED
    assert transition
    assert transition.text == (
        f"Circuit breaker {before} -> CLOSED: Plex is healthy again after 5 min 3 s (recovery 4); "
        "200 jobs wait and are sent from now on."
    )
    assert state == RecoveryState(
        last_check=T0 + 303,
        consecutive_successes=1,
        recovery_count=4,
        recovery_started_at=T0 + 303,
        last_recovery_at=T0 + 303,
    )


def test_an_unhealthy_probe_changes_no_breaker() -> None:
    breaker = open_breaker()
    state, same, transition = probed(RecoveryState(), breaker, False, T0 + 60, "")
    assert (same, transition) == (breaker, None)
    assert (state.consecutive_failures, state.recovery_count) == (1, 0)


def test_a_healthy_probe_of_a_closed_breaker_is_no_recovery() -> None:
    state, breaker, transition = probed(RecoveryState(), CircuitBreaker(), True, T0, "")
    assert (breaker, transition) == (CircuitBreaker(), None)
    assert (state.recovery_count, state.recovery_started_at) == (0, 0.0)


def test_the_ramp_is_cleared_and_the_rest_stays() -> None:
    state = recovered(RecoveryState(), T0)
    cleared = clear_recovery_period(state)
    assert cleared.recovery_started_at == 0.0
    assert cleared._replace(recovery_started_at=T0) == state


def test_one_job_that_waits_is_told_in_the_singular() -> None:
    assert "1 job waits and is sent" in recovery_words(RecoveryState(), 5.0, 1)


def test_a_plex_that_flaps_is_probed_less_and_less_until_it_stays() -> None:
    state, now, first = RecoveryState(), T0, []
    for _ in range(6):
        state = recovered(checked(state, True, now), now)
        first.append(next_check(state, now) - now)
        now += 40
    assert first == [5, 10, 20, 40, 60, 60]
    assert next_check(state._replace(last_check=now + DAY), now + DAY) == now + DAY + 5
    assert recovered(state, now + FLAPPING).relapses == 0


def test_a_clock_set_back_a_day_never_delays_a_probe() -> None:
    state = checked(RecoveryState(), False, T0)
    assert due(state, T0 - DAY)
    assert gaps(checked(state, False, T0 - DAY), T0 - DAY, 2) == [20, 40]


def test_a_clock_set_forward_a_day_makes_one_probe_due() -> None:
    state = checked(RecoveryState(), False, T0)
    assert due(state, T0 + DAY)
    assert not due(checked(state, False, T0 + DAY), T0 + DAY + 1)


GOOD: dict[str, Any] = json.loads(json.dumps(recovered(RecoveryState(), T0).to_json()))


@pytest.mark.parametrize("value", [None, -1, -0.5, math.nan, math.inf, 1e308, "1", True, [], {}])
@pytest.mark.parametrize("key", sorted(GOOD))
def test_a_state_in_doubt_is_refused(key: str, value: object) -> None:
    if isinstance(GOOD[key], str) and isinstance(value, str):
        return
    with pytest.raises(ValueError, match=key):
        RecoveryState.parse({**GOOD, key: value})


@pytest.mark.parametrize("raw", [None, [], {}, "x", 7, {**GOOD, "version": 2}, {"version": 1}])
def test_what_is_no_state_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="."):
        RecoveryState.parse(raw)


@pytest.mark.parametrize("seed", range(30))
def test_random_probes_keep_every_promise(seed: int) -> None:
    rng = random.Random(seed)
    state, breaker, now = RecoveryState(), CircuitBreaker(), T0
    for _ in range(300):
        now += rng.choice([0.0, 1.0, 20.0, 61.0, -2.0, -DAY, DAY])
        assert 0 <= next_check(state, now) - now <= 60
        assert due(state, now) == (next_check(state, now) <= now)
        before, was = state, breaker.state
        if rng.random() < 0.5:
            breaker, _ = breaker.failure(breaker.generation, now, "x")
        else:
            healthy = rng.random() < 0.3
            state, breaker, transition = probed(state, breaker, healthy, now, "well")
            assert (transition is not None) == (healthy and was != CLOSED)
            assert state.recovery_count - before.recovery_count == (transition is not None)
            assert not (healthy and breaker.state != CLOSED)
        assert min(state.consecutive_successes, state.consecutive_failures) == 0
        assert RecoveryState.parse(state.to_json()) == state
