"""Which states are alerts, what is said of them, and that each is said once."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest

from plexsync.model.messages import SUCCESS, WARNING, Message
from plexsync.model.plex_state import CLAIM, DOWN, JWT, READ_ONLY, REFUSED, STARTING
from plexsync.policy.notices import Facts, Notices
from plexsync.policy.notifications import (
    AT_MOST_EVERY,
    RETRIES,
    SETTLED,
    attempted,
    delivered,
    forgotten,
    next_due,
    next_message,
    noticed,
    said,
)

NOW = 1_700_000_000.0
HALF_HOUR = 1800.0
READY = Facts(version="1")


def run(
    steps: Sequence[tuple[float, Facts]],
    notices: Notices = Notices(counted=NOW),  # noqa: B008
) -> tuple[Notices, list[str]]:
    """Look at these facts so many seconds after NOW; every message is delivered at once."""
    titles: list[str] = []
    for seconds, facts in steps:
        now = NOW + seconds
        notices = said(noticed(notices, facts, now, HALF_HOUR), facts, now)
        while message := next_message(notices, now):
            titles.append(message.title)
            notices, message = attempted(notices, message, now)
            notices = delivered(notices, message, ("url",), 1)
        notices = Notices.parse(json.loads(json.dumps(notices.to_json())))  # a restart
    return notices, titles


def away(since: float, kind: str = DOWN, **more: float) -> Facts:
    return READY._replace(trouble=kind, since=NOW + since, **more)


@pytest.mark.parametrize("kind", [REFUSED, READ_ONLY, JWT, CLAIM])
def test_a_token_is_said_at_once_and_once(kind: str) -> None:
    _, titles = run([(n * 30, away(0, kind)) for n in range(200)])
    assert len(titles) == 1 and "oken" in titles[0]


def test_plex_away_is_said_after_half_an_hour_and_its_return_with_what_was_written() -> None:
    back = READY._replace(affected=14, ended=NOW + 4000)
    steps = [(n * 60, away(0, waiting=14)) for n in range(66)]
    steps += [(4000, back._replace(written=3, waiting=11)), (4100, back._replace(written=14))]
    for until, expected in ((30, 0), (31, 1), (66, 1), (67, 1), (68, 2)):
        _, titles = run(steps[:until])
        assert len(titles) == expected, until
    assert titles == ["PlexSync: Plex is away", "PlexSync: Plex is back"]


def test_the_last_message_of_an_outage_counts_what_waited_and_was_written() -> None:
    facts = READY._replace(affected=14, written=12, waiting=2, ended=NOW + 4000)
    notices, _ = run([(1900, away(0)), (4000, facts)])
    notices = said(noticed(notices, facts, NOW + 4600, HALF_HOUR), facts, NOW + 4600)
    (message,) = notices.outbox
    assert message.tone == SUCCESS
    assert message.body == (
        "It took 1 h 6 min. 14 scenes waited for it, 12 of them are written now. 2 scenes wait."
    )


def test_an_outage_that_ends_in_time_is_not_mentioned() -> None:
    assert run([(0, away(0)), (1799, away(0)), (1800, READY), (9000, READY)])[1] == []


def test_another_kind_of_the_same_trouble_is_the_same_state() -> None:
    steps = [(1900, away(0)), (1930, away(0, STARTING)), (9000, away(0))]
    assert run(steps)[1] == ["PlexSync: Plex is away"]


def test_a_refused_token_during_an_outage_is_a_state_of_its_own_and_both_end_once() -> None:
    steps = [(1900, away(0)), (2000, away(1990, REFUSED)), (3000, READY), (9000, READY)]
    assert run(steps)[1] == [
        "PlexSync: Plex is away",
        "PlexSync: Plex refuses the token",
        "PlexSync: Plex accepts the token",
    ]


def test_a_token_that_comes_and_goes_says_so_once_an_hour() -> None:
    steps = [(n * 60, away(n * 60, REFUSED) if n % 2 else READY) for n in range(240)]
    _, titles = run(steps)
    assert titles.count("PlexSync: Plex refuses the token") == 4
    assert len(titles) <= 8


def buried(at: float, dead: int, **counts: int) -> Facts:
    return READY._replace(buried=counts, newest=NOW + at, dead=dead)


def test_dead_letters_are_collected_to_one_message_an_hour() -> None:
    steps = [(10, buried(5, 1, PlexNotFound=1)), (40, READY._replace(dead=1))]
    steps += [(n * 60, buried(n * 60, n, PlexNotFound=1)) for n in range(2, 70)]
    notices, titles = run(steps)
    assert titles == ["PlexSync: 1 scene needs you", "PlexSync: 60 scenes need you"]
    alert = notices.alert("dead letters")
    assert alert is not None and sum(alert.counts.values()) == 8
    assert next_due(notices, READY, NOW + 70 * 60, HALF_HOUR) == NOW + 3660 + AT_MOST_EVERY


def test_the_message_names_classes_in_words_and_no_scene() -> None:
    facts = buried(5, 3, PlexNotFound=2, AmbiguousMatch=1)
    notices = said(noticed(Notices(), facts, NOW, HALF_HOUR), facts, NOW)
    (message,) = notices.outbox
    assert message.tone == WARNING
    assert "(Ambiguous: 1, Not in Plex: 2)" in message.body


def test_dead_letters_that_are_gone_need_nobody() -> None:
    notices, titles = run([(10, buried(5, 1, PlexNotFound=1)), (60, READY)])
    assert (notices.alerts, len(titles)) == ((), 1)


def test_settings_that_allow_no_work_are_said_at_once_after_an_update_else_in_time() -> None:
    broken = READY._replace(unready=True)
    assert run([(0, broken), (9000, broken)])[1] == [], "never set up: the page leads through it"
    assert run([(0, READY), (30, broken), (1800, broken)])[1] == [], "somebody is at it"
    assert run([(0, READY), (30, broken), (1900, broken)])[1] == ["PlexSync can no longer sync"]
    updated = broken._replace(version="2")
    ended = [(90, READY._replace(version="2")), (900, READY._replace(version="2"))]
    assert run([(0, READY), (30, updated), (60, updated), *ended])[1] == [
        "PlexSync can no longer sync",
        "PlexSync syncs again",
    ]


def test_a_url_that_is_entered_during_an_outage_gets_what_lasts() -> None:
    facts = away(0)
    notices = forgotten(noticed(Notices(), facts, NOW + 2000, HALF_HOUR))
    assert notices.alerts and not notices.outbox
    assert run([(2100, facts)], notices)[1] == ["PlexSync: Plex is away"]


def failing(notices: Notices, urls: int, taken: tuple[str, ...]) -> list[float]:
    """The seconds at which a message is tried that only `taken` of its URLs take."""
    tried, now = [], NOW
    while notices.outbox:
        now = max(now, next_due(notices, READY, now, HALF_HOUR))
        message = next_message(notices, now)
        assert message
        tried.append(now - NOW)
        notices, message = attempted(notices, message, now)
        notices = delivered(notices, message, () if message.done else taken, urls)
    return tried


def test_a_message_is_tried_again_five_times_at_most_and_at_urls_that_lack_it() -> None:
    message = Message("plex", WARNING, "T", "B", NOW, NOW)
    expected = [sum(RETRIES[:n]) for n in range(5)]
    assert failing(Notices(outbox=(message,)), 1, ()) == expected
    assert failing(Notices(outbox=(message,)), 2, ("one",)) == expected
    assert failing(Notices(outbox=(message,)), 2, ("one", "two")) == [0.0]


def test_an_attempt_counts_before_it_is_made() -> None:
    """Whatever kills the worker while it sends cannot do so for ever."""
    notices = Notices(outbox=(Message("plex", WARNING, "T", "B", NOW, NOW),))
    for _ in RETRIES:
        message = next_message(notices, math.inf)
        assert message
        notices, message = attempted(notices, message, NOW)
    message = next_message(notices, math.inf)
    assert message
    notices, message = attempted(notices, message, NOW)
    assert message.attempts == 5
    assert delivered(notices, message, (), 1).outbox == ()


def test_a_message_at_which_the_worker_dies_each_time_is_dropped() -> None:
    notices = Notices(outbox=(Message("plex", WARNING, "T", "B", NOW, NOW),))
    tries = 0
    for hour in range(10):
        now = NOW + hour * 3600
        notices = said(notices, READY, now)
        if message := next_message(notices, now):
            notices, _ = attempted(notices, message, now)
            tries += 1
    assert (tries, notices.outbox) == (5, ())


def test_of_a_beginning_that_nobody_got_only_the_end_is_said() -> None:
    facts = away(0)
    notices = said(noticed(Notices(), facts, NOW + 2000, HALF_HOUR), facts, NOW + 2000)
    ended = noticed(notices, READY, NOW + 2100, HALF_HOUR)
    assert [m.title for m in said(ended, READY, NOW + 2100).outbox] == ["PlexSync: Plex is back"]


def test_the_next_due_time_is_that_of_what_nothing_else_announces() -> None:
    assert next_due(Notices(), READY, NOW, HALF_HOUR) == math.inf
    assert next_due(Notices(), away(0), NOW, HALF_HOUR) == NOW + HALF_HOUR
    assert next_due(Notices(), away(0), NOW + 1900, HALF_HOUR) == math.inf, "a pause holds it back"
    told, _ = run([(1900, away(0))])
    assert next_due(told, away(0), NOW + 1900, HALF_HOUR) == math.inf
    ended = noticed(told, READY, NOW + 2000, HALF_HOUR)
    assert next_due(ended, READY, NOW + 2000, HALF_HOUR) == NOW + 2000 + SETTLED
