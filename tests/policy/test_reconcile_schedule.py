from __future__ import annotations

import json
from dataclasses import replace

import pytest

from plexsync.policy.gaps import EMPTY, MISSING, Gap, GapCount
from plexsync.policy.reconcile_schedule import (
    ALL,
    DAMAGE,
    INTERVAL,
    MANUAL,
    OUTAGE,
    RECENT,
    SINCE,
    STARTUP,
    WEEK,
    Order,
    Run,
    Schedule,
    after_outage,
    since,
)
from plexsync.policy.reconcile_state import parse, to_json

NOW = 1_800_000_000.0
HOUR, DAY = 3600.0, 86400.0


def done(schedule: Schedule, order: Order, at: float) -> Schedule:
    """The schedule after a run of this order that began then."""
    return schedule.kept(Run(order=order, started=at, seen=at + 60, done=True))


def due(schedule: Schedule, interval: str, now: float, *, starting: bool = False) -> str:
    order = schedule.due(interval, RECENT, now, starting=starting)
    return order.trigger if order else ""


def test_a_run_that_was_stopped_after_more_than_its_interval_does_not_begin_again() -> None:
    long = Run(order=Order(trigger=INTERVAL, scope=ALL), started=NOW - 2 * HOUR, seen=NOW)
    stopped = Schedule().kept(long).stopped(NOW)
    assert (stopped.runs, due(stopped, "hourly", NOW + 60)) == ({}, "")
    assert due(stopped, "hourly", NOW + HOUR) == INTERVAL


def test_a_run_at_the_start_that_was_stopped_is_not_due_at_the_next_start() -> None:
    at_start = Run(order=Order(trigger=STARTUP, scope=RECENT, since=1.0), started=NOW, seen=NOW)
    known = Schedule(stamps={INTERVAL: NOW})
    assert due(known, "daily", NOW + 60, starting=True) == STARTUP
    assert due(known.kept(at_start).stopped(NOW), "daily", NOW + 60, starting=True) == ""


def daily(at: float) -> Schedule:
    return done(Schedule(), Order(trigger=INTERVAL, scope=RECENT, since=at - DAY), at)


def test_never_means_never_but_after_an_outage() -> None:
    for now in (NOW, NOW + 30 * DAY):
        assert due(Schedule(), "never", now, starting=True) == ""
    assert due(Schedule().want(OUTAGE, NOW - HOUR), "never", NOW) == OUTAGE


@pytest.mark.parametrize(
    ("interval", "seconds"), [("hourly", HOUR), ("daily", DAY), ("weekly", 7 * DAY)]
)
def test_an_interval_fires_first_at_once_and_then_when_it_has_passed(
    interval: str, seconds: float
) -> None:
    assert due(Schedule(), interval, NOW) == INTERVAL
    schedule = daily(NOW)
    assert due(schedule, interval, NOW + seconds - 1) == ""
    assert due(schedule, interval, NOW + seconds) == INTERVAL


def test_weekly_really_fires_however_often_something_starts_meanwhile() -> None:
    schedule, fired, now = daily(NOW), [], NOW
    while now < NOW + 15 * DAY:
        now += 2 * HOUR
        order = schedule.due("weekly", ALL, now, starting=True)
        if order:
            fired.append(order.trigger)
            schedule = done(schedule, order, now)
    assert fired.count(INTERVAL) == 2
    assert fired.count(STARTUP) > 100


def test_the_start_counts_only_after_an_hour_without_a_check_of_recent_scenes() -> None:
    schedule = daily(NOW)
    assert due(schedule, "weekly", NOW + HOUR - 1, starting=True) == ""
    assert due(schedule, "weekly", NOW + HOUR, starting=True) == STARTUP
    assert due(schedule, "weekly", NOW + HOUR) == ""
    looked = done(schedule, Order(trigger=MANUAL, scope=ALL), NOW + HOUR)
    assert due(looked, "weekly", NOW + HOUR + 1, starting=True) == ""


def test_a_run_that_left_something_out_does_not_count_as_a_check() -> None:
    for order in (
        Order(trigger=MANUAL, scope=ALL, kinds=(EMPTY,)),
        Order(trigger=MANUAL, scope=ALL, library="Films"),
        Order(trigger=MANUAL, scope=ALL, fields=("title",)),
        Order(trigger=MANUAL, scope=RECENT, by="created"),
        Order(trigger=OUTAGE, scope=SINCE, since=5.0),
    ):
        schedule = done(daily(NOW), order, NOW + 2 * HOUR)
        assert due(schedule, "weekly", NOW + 2 * HOUR + 60, starting=True) == STARTUP


def test_a_run_that_failed_is_due_again() -> None:
    schedule = daily(NOW)
    order = schedule.due("daily", RECENT, NOW + DAY, starting=False)
    assert order is not None
    begun = schedule.kept(schedule.resumed(order, NOW + DAY))
    assert begun.stamps == schedule.stamps
    assert due(begun, "daily", NOW + DAY + 60) == INTERVAL


def test_a_clock_that_was_set_back_is_due_and_one_set_forward_is_due_once() -> None:
    schedule = daily(NOW)
    assert due(schedule, "daily", NOW - 10 * DAY) == INTERVAL
    forward = NOW + 30 * DAY
    assert due(schedule, "hourly", forward) == INTERVAL
    assert (
        due(done(schedule, Order(trigger=INTERVAL, scope=RECENT), forward), "hourly", forward + 5)
        == ""
    )


def test_scopes_go_back_in_time() -> None:
    assert since(ALL, NOW) == 0.0
    assert since(RECENT, NOW) == NOW - DAY
    assert since(WEEK, NOW) == NOW - 7 * DAY
    assert since(WEEK, 60.0) > 0, "a clock at its first minute is no wish for everything"


def test_a_damaged_queue_is_repaired_before_all_else_and_whatever_the_interval() -> None:
    schedule = Schedule().want(OUTAGE, NOW).want(DAMAGE, 0.0)
    order = schedule.due("never", RECENT, NOW, starting=False)
    assert order == Order(trigger=DAMAGE, scope=ALL)
    assert order.known
    after = done(schedule, order, NOW)
    assert due(after, "never", NOW) == OUTAGE


def test_only_a_long_outage_makes_a_check_of_the_same_span_due() -> None:
    assert after_outage(NOW, NOW + HOUR) is None
    wide = after_outage(NOW, NOW + HOUR + 1)
    assert wide is not None and wide < NOW
    order = Schedule().want(OUTAGE, wide).want(OUTAGE, NOW).due("daily", ALL, NOW, starting=False)
    assert order == Order(trigger=OUTAGE, scope=SINCE, since=wide)


def test_a_new_damage_makes_the_repair_begin_anew() -> None:
    order = Order(trigger=DAMAGE, scope=ALL)
    half = Schedule().want(DAMAGE, 0.0).kept(Run(order=order, started=NOW, seen=NOW, cursor=500))
    assert half.under_way("never", NOW) is not None
    again = half.want(DAMAGE, 0.0)
    assert again.under_way("never", NOW) is None
    assert again.resumed(order, NOW).cursor == 0


def test_an_interrupted_run_goes_on_if_the_same_is_asked_for_soon_enough() -> None:
    order = Order(trigger=MANUAL, scope=RECENT, since=NOW - DAY)
    run = Run(order=order, started=NOW, seen=NOW + 60, cursor=7, checked=3500)
    schedule = Schedule().kept(run)
    asked = replace(order, since=NOW - DAY + 600)
    assert schedule.resumed(asked, NOW + 600) == run
    assert schedule.resumed(asked, NOW + 2 * DAY).cursor == 0
    assert schedule.resumed(asked, NOW - DAY).cursor == 0
    for other in (
        replace(order, scope=ALL, since=0.0),
        replace(order, kinds=(EMPTY,)),
        replace(order, library="Films"),
        replace(order, by="created"),
    ):
        assert schedule.resumed(other, NOW + 600).cursor == 0


def test_nobody_goes_on_with_a_button_or_with_what_the_settings_no_longer_want() -> None:
    manual = Run(order=Order(trigger=MANUAL, scope=ALL), started=NOW, seen=NOW)
    by_itself = replace(manual, order=Order(trigger=INTERVAL, scope=ALL))
    schedule = Schedule().kept(manual).kept(by_itself)
    assert schedule.under_way("daily", NOW) == by_itself
    assert schedule.under_way("never", NOW) is None


def test_what_follows_an_outage_goes_on_whatever_the_interval() -> None:
    after = Run(order=Order(trigger=OUTAGE, scope=SINCE, since=NOW - HOUR), started=NOW, seen=NOW)
    schedule = Schedule().want(OUTAGE, NOW - HOUR).kept(after)
    assert schedule.under_way("never", NOW + 60) == after


def full() -> Schedule:
    tally = GapCount().add("scene 1", (Gap(EMPTY, "title"), Gap(MISSING)), queued=True, unsure=True)
    run = Run(
        order=Order(trigger=MANUAL, scope=ALL, kinds=(EMPTY,), fields=("title",), library="F"),
        started=NOW,
        seen=NOW,
        cursor=7,
        held=(5, 6),
        checked=7,
        total=9,
        seconds=1.5,
        tally=tally,
    )
    return done(daily(NOW), Order(trigger=STARTUP, scope=RECENT), NOW).want(OUTAGE, 5.0).kept(run)


def test_everything_survives_the_file() -> None:
    assert parse(json.loads(json.dumps(to_json(full())))) == full()
    assert parse(json.loads(json.dumps(to_json(Schedule())))) == Schedule()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), []),
        (("version",), 2),
        (("stamps",), None),
        (("stamps", "sometimes"), 1.0),
        (("stamps", "interval"), -1),
        (("covered", "24h"), "now"),
        (("runs", "manual"), []),
        (("runs", "manual", "cursor"), -1),
        (("runs", "manual", "cursor"), 2**31),
        (("runs", "manual", "held"), [True]),
        (("runs", "manual", "held"), [2**70]),
        (("runs", "manual", "order", "kinds"), ["worse"]),
        (("runs", "manual", "order", "fields"), "title"),
        (("runs", "manual", "order", "scope"), "30d"),
        (("runs", "manual", "order", "by"), "size"),
        (("runs", "manual", "tally", "found"), {"empty": 1.5}),
        (("runs", "manual", "tally", "fields"), {"empty": {"colour": 1}}),
        (("runs", "manual", "tally", "examples"), {"empty": [1]}),
        (("last", "started"), float("1e300")),
    ],
)
def test_a_damaged_file_is_refused(path: tuple[str, ...], value: object) -> None:
    raw = json.loads(json.dumps(to_json(full())))
    if not path:
        raw = value
    else:
        inner = raw
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
    with pytest.raises(ValueError):
        parse(raw)
