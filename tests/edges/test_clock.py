"""The system's clock: a wait ends after its time, or as soon as there is work."""

from __future__ import annotations

import time

import pytest

from plexsync.edges.clock import SystemClock


def test_it_tells_both_times():
    clock = SystemClock()
    assert abs(clock.now() - time.time()) < 60
    assert clock.monotonic() <= clock.monotonic()


@pytest.mark.parametrize("seconds", [0.0, -5.0, 0.01])
def test_waiting_ends_with_the_time(seconds):
    clock = SystemClock()
    start = clock.monotonic()
    clock.wait(seconds, lambda: False)
    assert clock.monotonic() - start >= seconds


def test_waiting_ends_when_somebody_calls():
    calls = iter([False, True])
    SystemClock().wait(3600.0, lambda: next(calls))
    assert list(calls) == []


def test_whoever_has_called_already_is_not_waited_for():
    SystemClock().wait(float("inf"), lambda: True)
