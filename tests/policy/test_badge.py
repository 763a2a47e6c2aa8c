"""The badges count what will be tried or needs the user, and nothing that resolves itself."""

from __future__ import annotations

import pytest

from plexsync.policy.badge import badge


@pytest.mark.parametrize(
    ("jobs", "resting", "waiting", "later"),
    [
        (0, {}, 0, 0),
        (5, {}, 5, 0),
        (5, {"PlexNotFound": 5}, 0, 5),
        (5, {"PlexTemporaryError": 1, "PlexPermanentError": 1}, 3, 2),
        (5, {"": 2}, 5, 0),
        (5, {"PlexServerDown": 5}, 5, 0),
        (5, {"PlexServerDown": 1, "PlexNotFound": 3, "": 1}, 2, 3),
    ],
    ids=["idle", "due", "not in Plex", "tried again", "after an event", "outage", "all kinds"],
)
def test_what_waits(jobs: int, resting: dict[str, int], waiting: int, later: int) -> None:
    assert badge(jobs, resting, 0, 0) == {"waiting": waiting, "later": later, "failed": 0}


def test_events_will_be_tried_and_every_dead_letter_needs_a_person() -> None:
    assert badge(1, {"PlexNotFound": 1}, 4, 3) == {"waiting": 4, "later": 1, "failed": 3}


def test_jobs_that_ended_between_two_looks_make_nothing_negative() -> None:
    assert badge(1, {"PlexNotFound": 2}, 0, 0)["waiting"] == 0
