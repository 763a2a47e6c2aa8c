from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from plexsync.policy.circuit_breaker import (
    CLOSED,
    COOLDOWN,
    FAILURES_TO_OPEN,
    HALF_OPEN,
    LULL,
    OPEN,
    PERMIT,
    CircuitBreaker,
    Permit,
    Transition,
)

T0 = 1_700_000_000.0
DAY = 86400.0


def fail(breaker: CircuitBreaker, times: int, now: float = T0) -> CircuitBreaker:
    for n in range(times):
        breaker, _ = breaker.failure(breaker.generation, now + n, "connection refused")
    return breaker


def half_open(now: float = T0 + 200) -> tuple[CircuitBreaker, Permit]:
    breaker, permit, _ = fail(CircuitBreaker(), 5).allow(now)
    assert permit
    return breaker, permit


def test_five_failures_in_a_row_open_it_and_one_line_says_why_and_what_next() -> None:
    breaker = fail(CircuitBreaker(), 4)
    assert breaker.state == CLOSED
    assert breaker.allow(T0)[1] == Permit(0)
    breaker, transition = breaker.failure(0, T0 + 9, "connection\nrefused")
    assert (breaker.state, breaker.opened_at, breaker.failing_since) == (OPEN, T0 + 9, T0)
    assert transition == Transition(
        CLOSED,
        OPEN,
        "Circuit breaker CLOSED -> OPEN: 5 failures in a row (connection refused). Jobs wait; one "
        "is tried in 60 s, or all when a probe finds Plex healthy.",
    )


@pytest.mark.parametrize("sign", ["success", "answered"])
def test_a_sign_of_life_begins_the_count_anew(sign: str) -> None:
    breaker, transition = getattr(fail(CircuitBreaker(), 4), sign)(0, T0 + 5)
    assert (breaker, transition) == (CircuitBreaker(), None)
    assert fail(breaker, 4).state == CLOSED


def test_a_closed_breaker_without_failures_does_not_change_on_success() -> None:
    breaker = CircuitBreaker(generation=7)
    assert breaker.success(7, T0) == (breaker, None)
    assert breaker.allow(T0) == (breaker, Permit(7), None)


def test_an_open_one_lets_nobody_through_for_a_minute_then_one_at_a_time() -> None:
    breaker = fail(CircuitBreaker(), 5)._replace(opened_at=T0)
    assert breaker.allow(T0 + COOLDOWN - 0.1) == (breaker, None, None)
    assert breaker.retry_in(T0 + 20) == 40
    trial, permit, transition = breaker.allow(T0 + COOLDOWN)
    assert trial.state == HALF_OPEN
    assert permit == Permit(trial.generation, trial=True)
    assert transition
    assert transition.text.startswith("Circuit breaker OPEN -> HALF_OPEN: one job is tried")
    assert trial.allow(T0 + COOLDOWN + 1)[1] is None
    assert trial.retry_in(T0 + COOLDOWN + 1) == PERMIT - 1


@pytest.mark.parametrize("sign", ["success", "answered"])
def test_a_sign_of_life_closes_a_half_open_one(sign: str) -> None:
    breaker, permit = half_open()
    closed, transition = getattr(breaker, sign)(permit.generation, T0 + 201)
    assert closed == CircuitBreaker(generation=breaker.generation + 1)
    assert transition
    assert (transition.before, transition.after) == (HALF_OPEN, CLOSED)


def test_a_failed_trial_opens_it_again_for_a_minute_and_the_outage_keeps_its_start() -> None:
    breaker, permit = half_open()
    opened, transition = breaker.failure(permit.generation, T0 + 230, "503")
    assert (opened.state, opened.opened_at, opened.permit_at) == (OPEN, T0 + 230, None)
    assert (opened.failing_since, opened.reason, opened.failures) == (T0, "503", 6)
    assert opened.retry_in(T0 + 230) == COOLDOWN
    assert transition
    assert "HALF_OPEN -> OPEN: the job that was tried failed too (503)" in transition.text


def test_the_permit_of_a_trial_that_never_reported_lapses_and_its_late_result_counts_not() -> None:
    first, old = half_open(T0 + 200)
    assert first.allow(T0 + 200 + PERMIT - 1)[1] is None
    second, new, transition = first.allow(T0 + 200 + PERMIT)
    assert new
    assert new.generation != old.generation
    assert transition is None
    assert second.failure(old.generation, T0 + 261, "late") == (second, None)
    assert second.success(old.generation, T0 + 261) == (second, None)
    assert second.success(new.generation, T0 + 262)[0].state == CLOSED


def test_results_from_before_a_transition_are_ignored() -> None:
    opened = fail(CircuitBreaker(), 5)
    assert opened.success(0, T0 + 5) == (opened, None)
    assert opened.answered(0, T0 + 5) == (opened, None)
    assert opened.failure(0, T0 + 5, "late") == (opened, None)
    trial, _ = half_open()
    assert trial.success(0, T0 + 201) == (trial, None)
    closed, _ = opened.close(T0 + 10, "well")
    assert closed.failure(0, T0 + 11, "late") == (closed, None)


@pytest.mark.parametrize("breaker", [fail(CircuitBreaker(), 5), half_open()[0]])
def test_the_recovery_scheduler_closes_it_with_its_own_words(breaker: CircuitBreaker) -> None:
    closed, transition = breaker.close(T0 + 300, "Plex is healthy again\nafter 5 min.")
    assert closed == CircuitBreaker(generation=breaker.generation + 1)
    assert transition
    assert transition.text == (
        f"Circuit breaker {breaker.state} -> CLOSED: Plex is healthy again after 5 min."
    )


def test_closing_a_closed_one_keeps_its_failures() -> None:
    breaker = fail(CircuitBreaker(), 3)
    assert breaker.close(T0, "well") == (breaker, None)


def test_failures_far_apart_are_counted_but_are_not_one_outage() -> None:
    breaker = fail(CircuitBreaker(), 4)
    later = T0 + 3 + LULL + 1
    breaker, transition = breaker.failure(0, later, "refused")
    assert transition
    assert breaker.failing_since == later


def test_a_clock_set_back_a_day_delays_a_trial_by_a_minute_at_most() -> None:
    opened, now = fail(CircuitBreaker(), 5), T0 - DAY
    assert opened.retry_in(now) == COOLDOWN
    opened, permit, _ = opened.allow(now)
    assert permit is None
    assert (opened.opened_at, opened.failing_since) == (now, now)
    trial, permit, _ = opened.allow(now + COOLDOWN)
    assert permit
    back, none, _ = trial.allow(now - DAY)
    assert none is None
    assert back.allow(now - DAY + PERMIT)[1]


def test_a_clock_set_forward_a_day_allows_one_trial_only() -> None:
    trial, permit, _ = fail(CircuitBreaker(), 5).allow(T0 + DAY)
    assert permit
    assert trial.allow(T0 + DAY)[1] is None


@pytest.mark.parametrize(
    "breaker",
    [CircuitBreaker(), fail(CircuitBreaker(), 3), fail(CircuitBreaker(), 5), half_open()[0]],
)
def test_it_survives_a_restart(breaker: CircuitBreaker) -> None:
    stored = json.dumps(breaker.to_json(), allow_nan=False)
    assert CircuitBreaker.parse(json.loads(stored)) == breaker


def test_a_long_reason_is_stored_as_one_short_line() -> None:
    breaker, _ = CircuitBreaker().failure(0, T0, "x\n" * 100_000)
    assert len(breaker.reason) <= 400
    assert "\n" not in breaker.reason
    assert CircuitBreaker.parse(breaker.to_json()) == breaker


OPENED: dict[str, Any] = json.loads(json.dumps(fail(CircuitBreaker(), 5).to_json()))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": 0},
        {"version": "1"},
        {"version": True},
        {"state": "AJAR"},
        {"state": None},
        {"state": CLOSED},
        {"state": HALF_OPEN},
        {"state": [OPEN]},
        {"failures": 4},
        {"failures": -1},
        {"failures": 5.0},
        {"failures": True},
        {"failures": 10**400},
        {"generation": -1},
        {"generation": None},
        {"opened_at": None},
        {"opened_at": 0},
        {"opened_at": -1.0},
        {"opened_at": math.nan},
        {"opened_at": math.inf},
        {"opened_at": 1e308},
        {"opened_at": 10**400},
        {"opened_at": "1700000000"},
        {"opened_at": True},
        {"permit_at": T0},
        {"failing_since": None},
        {"last_failure": {}},
        {"reason": None},
    ],
)
def test_a_state_in_doubt_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="."):
        CircuitBreaker.parse({**OPENED, **change})


@pytest.mark.parametrize("raw", [None, [], {}, "OPEN", 5, math.nan, {"version": 1}])
def test_what_is_no_state_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="."):
        CircuitBreaker.parse(raw)


def test_a_field_added_later_is_no_doubt() -> None:
    assert CircuitBreaker.parse({**OPENED, "note": 1}).state == OPEN


@pytest.mark.parametrize("seed", range(60))
def test_random_events_keep_every_promise(seed: int) -> None:
    """Any order of requests, results (late ones too), restarts and clock jumps."""
    rng = random.Random(seed)
    breaker, now, in_flight, row = CircuitBreaker(), T0, list[Permit](), 0
    for _ in range(400):
        now += rng.choice([0.0, 0.1, 1.0, 7.0, 30.0, 61.0, -3.0, -DAY, DAY])
        before = breaker
        event = rng.choice(["allow", "allow", "success", "answered", "failure", "close", "restart"])
        transition = None
        if event == "allow":
            breaker, permit, transition = breaker.allow(now)
            if permit:
                in_flight.append(permit)
                assert breaker.state != OPEN
                assert permit.trial == (breaker.state == HALF_OPEN)
        elif event == "restart":
            breaker = CircuitBreaker.parse(json.loads(json.dumps(breaker.to_json())))
            assert breaker == before
            in_flight.clear()
        elif event == "close" and rng.random() < 0.1:
            breaker, transition = breaker.close(now, "well")
            assert breaker.state == CLOSED
        elif in_flight and event != "close":
            permit = in_flight.pop(rng.randrange(len(in_flight)))
            current = permit.generation == breaker.generation
            if event == "failure":
                breaker, transition = breaker.failure(permit.generation, now, "x")
                row = row + 1 if current else row
            else:
                breaker, transition = getattr(breaker, event)(permit.generation, now)
                assert breaker.state == CLOSED or not current
            assert current or (breaker, transition) == (before, None)
        row = 0 if breaker.failures == 0 else row
        assert breaker.failures == row
        assert (row >= FAILURES_TO_OPEN) == (breaker.state != CLOSED)
        live = {p for p in in_flight if p.trial and p.generation == breaker.generation}
        assert len(live) <= 1
        assert 0 <= breaker.retry_in(now) <= 60
        assert breaker.generation >= before.generation
        assert (transition is not None) == (breaker.state != before.state)
        if transition:
            assert (transition.before, transition.after) == (before.state, breaker.state)
            assert breaker.generation > before.generation
    breaker = breaker.allow(now)[0]
    for _ in range(3):
        now += 60
        breaker, permit, _ = breaker.allow(now)
        assert permit
        breaker, _ = breaker.success(permit.generation, now)
    assert breaker.state == CLOSED
