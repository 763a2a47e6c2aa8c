from __future__ import annotations

import json
import math
import random

import pytest

from plexsync.policy.outage_history import (
    KEPT,
    Outage,
    OutageHistory,
    format_duration,
    format_elapsed_since,
)

T0 = 1_700_000_000.0
HOUR, DAY = 3600.0, 86400.0


def history(*spans: tuple[float, float | None], since: float = T0) -> OutageHistory:
    """A history that lived through these outages, in seconds after T0."""
    found = OutageHistory().observe(since)
    for start, end in spans:
        found = found.begin(T0 + start, "refused")
        found = found if end is None else found.end(T0 + end)
    return found


def test_an_outage_is_one_record_from_the_first_failure_to_the_recovery() -> None:
    lasting = history((100, None)).counted(3, 0)
    again = lasting.begin(T0 + 160, "failed trial").begin(T0 + 221, "failed trial")
    assert again == lasting
    ended = again.end(T0 + 300)
    assert ended.outages == (Outage(T0 + 100, T0 + 300, "refused", jobs_affected=3),)
    assert ended.end(T0 + 999) == ended
    assert ended.ongoing() is None


def test_an_outage_that_lasts_is_shown_as_ongoing() -> None:
    lasting = history((0, None))
    outage = lasting.ongoing()
    assert outage is not None
    assert outage is lasting.last()
    assert outage.ongoing
    assert outage.length(T0 + 50) == 50


def test_without_outages_nothing_is_known_and_plex_was_there_all_the_time() -> None:
    empty = OutageHistory()
    assert (empty.last(), empty.ongoing(), empty.mttr(), empty.mtbf()) == (None, None, None, None)
    assert empty.availability(T0) == 1.0
    assert empty.end(T0) == empty
    assert empty.counted(5, 5) == empty


def test_the_jobs_that_an_outage_hit_are_counted_once_each() -> None:
    lasting = history((0, None))
    for jobs in (1, 40, 12, 200, 200, -3):
        lasting = lasting.counted(jobs, 0)
    restarted = OutageHistory.parse(json.loads(json.dumps(lasting.to_json()))).counted(150, 0)
    assert restarted.end(T0 + 60).outages[0].jobs_affected == 200


def test_no_more_jobs_recover_than_were_affected() -> None:
    ended = history((0, None)).counted(10, 0).end(T0 + 9)
    for jobs, total in ((4, 4), (0, 4), (-2, 4), (9, 9), (14, 10)):
        ended = ended.counted(10, jobs)
        assert ended.outages[0].jobs_recovered == total


def test_what_a_dead_process_left_open_is_closed_by_the_next_success() -> None:
    orphan = OutageHistory.parse(history((0, 10), (100, None)).to_json())
    closed = orphan.end(T0 + 500)
    assert closed.outages[-1].length(T0 + DAY) == 400
    assert closed.end(T0 + 900) == closed


def test_mean_times_count_what_ended_and_the_time_between() -> None:
    found = history((100, 160), (1160, 1180), (3180, None))
    assert found.mttr() == 40
    assert found.mtbf() == 1500
    one = history((100, 160))
    assert (one.mttr(), one.mtbf()) == (60, None)
    assert history((100, None)).mttr() is None


@pytest.mark.parametrize(
    ("spans", "at", "share"),
    [
        ([], 1000, 1.0),
        ([(0, 250)], 1000, 0.75),
        ([(0, 100), (500, None)], 1000, 0.4),
        ([(0, None)], 1000, 0.0),
        ([(100, 200)], 0, 1.0),
        ([(100, 200)], -DAY, 1.0),
    ],
)
def test_availability_is_the_part_of_the_observed_time_without_outage(
    spans: list[tuple[float, float | None]], at: float, share: float
) -> None:
    assert history(*spans).availability(T0 + at) == pytest.approx(share)


def test_observed_time_begins_once_and_a_beginning_in_the_future_becomes_now() -> None:
    found = OutageHistory().observe(T0)
    assert found.observe(T0 + 99) == found
    assert found.observe(T0 - DAY).observed_since == T0 - DAY
    assert history((5, 9), since=T0).observed_since == T0
    assert OutageHistory().begin(T0 + 3, "x").observed_since == T0 + 3


def test_thirty_outages_are_listed_and_older_ones_still_count_as_downtime() -> None:
    flapping = history(*((n * 40, n * 40 + 20) for n in range(90)))
    assert len(flapping.outages) == KEPT
    assert flapping.outages[0].start == T0 + 60 * 40
    assert flapping.earlier_downtime == 60 * 20
    assert flapping.availability(T0 + 3600) == pytest.approx(0.5)
    assert (flapping.mttr(), flapping.mtbf()) == (20, 20)


def test_a_clock_set_back_during_an_outage_gives_no_negative_length() -> None:
    found = history((0, None))
    assert found.outages[0].length(T0 - DAY) == 0
    ended = found.end(T0 - DAY)
    assert ended.outages[0].length(T0) == 0
    again = ended.begin(T0 - DAY + 5, "x").end(T0 - DAY + 10)
    assert again.mtbf() == 0
    assert again.mttr() == 2.5
    assert 0 <= again.availability(T0) <= 1


def test_a_cause_is_one_short_line() -> None:
    found = OutageHistory().begin(T0, "refused\n" + "x" * 9000)
    assert found.outages[0].cause.startswith("refused x")
    assert len(found.outages[0].cause) <= 400


OUTAGE = {"start": T0, "end": T0 + 5, "cause": "x", "jobs_affected": 2, "jobs_recovered": 1}
STORED = {"version": 1, "outages": [OUTAGE], "observed_since": T0, "earlier_downtime": 0.0}


def test_the_history_survives_a_restart() -> None:
    found = history((0, 10), (100, None)).counted(7, 2)
    assert OutageHistory.parse(json.loads(json.dumps(found.to_json()))) == found
    assert OutageHistory.parse(OutageHistory().to_json()) == OutageHistory()
    assert OutageHistory.parse({**STORED, "later": 1}).outages == (Outage(T0, T0 + 5, "x", 2, 1),)


@pytest.mark.parametrize(
    "change",
    [
        {"start": None},
        {"start": 0},
        {"start": -1.0},
        {"start": math.nan},
        {"start": "yesterday"},
        {"start": True},
        {"start": T0 + 6},
        {"end": -1},
        {"end": 0},
        {"end": math.inf},
        {"end": 1e308},
        {"cause": None},
        {"jobs_affected": -1},
        {"jobs_affected": 2.0},
        {"jobs_affected": 10**400},
        {"jobs_recovered": 3},
    ],
)
def test_an_outage_in_doubt_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="."):
        OutageHistory.parse({**STORED, "outages": [{**OUTAGE, **change}]})


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"outages": None},
        {"outages": {}},
        {"outages": [None]},
        {"outages": [OUTAGE] * (KEPT + 1)},
        {"outages": [{**OUTAGE, "end": None}, OUTAGE]},
        {"observed_since": -1},
        {"observed_since": "x"},
        {"earlier_downtime": -1},
        {"earlier_downtime": math.nan},
        {"earlier_downtime": None},
    ],
)
def test_a_history_in_doubt_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="."):
        OutageHistory.parse({**STORED, **change})


@pytest.mark.parametrize("raw", [None, [], {}, "x", 1.5])
def test_what_is_no_history_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="."):
        OutageHistory.parse(raw)


@pytest.mark.parametrize("seed", range(40))
def test_random_outages_keep_every_promise(seed: int) -> None:
    rng = random.Random(seed)
    found, now = OutageHistory(), T0
    for _ in range(300):
        now += rng.choice([0.0, 0.5, 20.0, HOUR, -5.0, -DAY, DAY])
        before = found
        event = rng.choice(["begin", "end", "counted", "observe"])
        if event == "begin":
            found = found.begin(now, "x")
            assert found.ongoing()
        elif event == "counted":
            found = found.counted(rng.randrange(-2, 500), rng.randrange(-2, 500))
        else:
            found = getattr(found, event)(now)
        assert len(found.outages) <= KEPT
        assert not any(outage.ongoing for outage in found.outages[:-1])
        assert all(outage.length(now) >= 0 for outage in found.outages)
        assert all(o.jobs_recovered <= o.jobs_affected for o in found.outages)
        assert found.earlier_downtime >= before.earlier_downtime
        assert 0 <= found.availability(now) <= 1
        assert (found.mttr() or 0) >= 0
        assert (found.mtbf() or 0) >= 0
        assert (found.mtbf() is None) == (len(found.outages) < 2)
        assert OutageHistory.parse(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.4, "0 s"),
        (1, "1 s"),
        (59.4, "59 s"),
        (59.7, "1 min"),
        (61, "1 min 1 s"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
        (7199, "1 h 59 min"),
        (86400, "1 d"),
        (86400 + 300, "1 d"),
        (2 * 86400 + 14 * 3600 + 59, "2 d 14 h"),
        (400 * 86400, "400 d"),
        (math.nan, "0 s"),
    ],
)
def test_a_duration_shows_its_two_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_even_an_endless_duration_has_a_text() -> None:
    assert format_duration(math.inf).endswith(" h")


@pytest.mark.parametrize(
    ("then", "text"),
    [
        (T0 - 303, "5 min 3 s ago"),
        (T0 - 0.5, "just now"),
        (T0, "just now"),
        (T0 + DAY, "just now"),
        (0.0, "never"),
        (None, "never"),
    ],
)
def test_elapsed_time_is_told_from_now(then: float | None, text: str) -> None:
    assert format_elapsed_since(then, T0) == text
