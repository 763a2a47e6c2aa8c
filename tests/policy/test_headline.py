"""The one sentence about how things are: for every state, and for what comes together."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync.model.places import INVALID, MISSING, PAUSED
from plexsync.policy.headline import EMPTY, headline, scene_counts

NOW = 1_000_000.0


def facts(**more: Any) -> Any:
    """A status in which nothing waits; `queue` adds to that part alone."""
    queue = {"due": 0, "running": 0, "estimate": 0.0, "by_error": {}, "next_due": None}
    queue |= {"edits": 0, "retried_edits": 0}
    return {
        "now": NOW,
        "worker": False,
        "inbox": 0,
        "badge": {"waiting": 0, "later": 0, "failed": 0},
        "backfills": [],
        "dead_letters": {"total": 0, "by_class": {}},
        "scenes": {"synced": 3},
        "states": {"in_step": 3},
        "trouble": None,
        "first_sync": "",
        "index": {"items": 3, "libraries": 1, "age": 1.0},
        **more,
        "queue": None if more.get("queue", 0) is None else {**queue, **(more.get("queue") or {})},
    }


WAITING = {"waiting": 12, "later": 0, "failed": 0}
ONE_LATER = {"waiting": 0, "later": 1, "failed": 0}
NOT_IN_PLEX = {"by_error": {"PlexNotFound": 1, "": 2}, "next_due": NOW + 300}
TWO_DEAD = {"total": 2, "by_class": {"AmbiguousMatch": 1, "PlexPermanentError": 1}}
AWAY = {
    "kind": "down", "title": "Away", "headline": "Plex is away", "settings": False,
    "words": "nothing listens there", "remedy": "Check that it runs.", "since": NOW - 720,
}  # fmt: skip

STATES = {
    "nothing to do": (facts(), "", "ok", "Nothing to do: every edit is in Plex.", ""),
    "unreadable": (facts(queue=None), "", "bad", "PlexSync cannot read its queue.", "The cause"),
    "not set up": (
        facts(scenes={}, index=None), EMPTY, "bad",
        "PlexSync is not set up: Plex's address or a token is missing.", "The set-up on PlexSync's page",
    ),
    "a wrong setting": (
        facts(), INVALID, "bad", "Nothing is synced: a filter in the settings is invalid.",
        "Correct the filter in the view Settings of PlexSync's page. Nothing is lost.",
    ),
    "paused": (
        facts(badge=WAITING), PAUSED, "warn", "Syncing is paused in the settings.",
        "12 scenes wait; nothing is lost.",
    ),
    "held": (
        facts(trouble=AWAY, badge={**WAITING, "waiting": 1}), "", "bad", "Plex is away.",
        "Nothing listens there. Check that it runs. 1 scene waits; nothing is lost.",
    ),
    "working": (
        facts(worker=True, badge=WAITING, queue={"estimate": 40.0, "due": 12}), "", "none",
        "Working: 12 scenes to go, about 40 s.", "",
    ),
    "asleep": (
        facts(badge=WAITING, queue={"due": 12}), "", "warn",
        "12 scenes could be synced, but no worker is running.", "Press Process Queue.",
    ),
    "needs you": (
        facts(dead_letters=TWO_DEAD, badge={**ONE_LATER, "failed": 2}, queue=NOT_IN_PLEX), "",
        "warn", "2 scenes need you: Ambiguous 1, Refused by Plex 1.",
        "1 scene is tried again in 5 min: Not in Plex 1.",
    ),
    "later": (
        facts(badge=ONE_LATER, queue=NOT_IN_PLEX), "", "none",
        "1 scene is tried again in 5 min: Not in Plex 1.", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_sentence(state: str) -> None:
    at, settings, tone, text, more = STATES[state]
    found = headline(at, settings, None)
    assert (found["state"], found["tone"], found["text"]) == (state, tone, text)
    assert found["more"].startswith(more)
    assert bool(found["more"]) == bool(more)
    assert found["since"] == (NOW - 720 if state == "held" else None)


def test_what_needs_you_is_told_while_it_works() -> None:
    at = facts(worker=True, badge=WAITING, dead_letters=TWO_DEAD, queue={"due": 1})
    found = headline(at, "", None)
    assert found["state"] == "working"
    assert found["more"] == "2 scenes need you: Ambiguous 1, Refused by Plex 1."


def test_a_save_that_waits_for_the_next_is_work_though_no_worker_may_run_yet() -> None:
    at = facts(badge={**WAITING, "waiting": 1}, queue={"by_error": {"": 1}, "next_due": NOW + 2})
    assert headline(at, "", None)["text"] == "Working: 1 scene to go."


def test_a_backfill_is_work_before_it_has_queued_anything() -> None:
    at = facts(worker=True, backfills=[{"waits": "", "sentence": "Sync All Scenes: begun."}])
    assert headline(at, "", None)["text"] == "Working, a backfill adds more."


def test_a_backfill_that_waits_holds_up_nothing_else() -> None:
    at = facts(backfills=[{"waits": "paused", "sentence": "Sync All Scenes: paused."}])
    found = headline(at, "", None)
    assert found["text"] == "Every edit is in Plex; a backfill waits."
    assert found["more"] == "Sync All Scenes: paused."


PAUSED_SYNC_ALL = [{"waits": "paused", "sentence": "Sync All Scenes: paused."}]


def test_a_backfill_that_waits_is_no_work_while_an_edit_waits_for_its_file() -> None:
    badge = {"waiting": 500, "later": 1, "failed": 0}
    queue = {**NOT_IN_PLEX, "edits": 1, "retried_edits": 1, "due": 500}
    found = headline(facts(backfills=PAUSED_SYNC_ALL, badge=badge, queue=queue), "", None)
    assert (found["state"], found["text"]) == ("waits", "A backfill waits.")
    assert found["more"] == "Sync All Scenes: paused. 1 scene is tried again later."


def test_not_every_edit_is_in_plex_if_one_needs_you() -> None:
    found = headline(facts(backfills=PAUSED_SYNC_ALL, dead_letters=TWO_DEAD), "", None)
    assert found["text"] == "A backfill waits."
    assert found["more"].endswith("2 scenes need you: Ambiguous 1, Refused by Plex 1.")


def test_scenes_of_a_backfill_that_waits_are_not_to_go() -> None:
    queue = {"edits": 2, "due": 502, "estimate": 300.0}
    at = facts(
        worker=True, backfills=PAUSED_SYNC_ALL, badge={**WAITING, "waiting": 502}, queue=queue
    )
    found = headline(at, "", None)
    assert found["text"] == "Working: 2 scenes to go."
    assert found["more"] == "Sync All Scenes: paused."


def test_plex_being_away_is_said_before_a_pause_and_missing_settings_before_both() -> None:
    at = facts(trouble=AWAY, badge=WAITING)
    assert headline(at, PAUSED, None)["state"] == "held"
    assert headline(at, MISSING, None)["state"] == "not set up"


def test_an_empty_form_is_no_trouble_where_the_environment_has_what_is_needed() -> None:
    assert headline(facts(), EMPTY, None)["state"] == "nothing to do"


def test_scenes_never_edited_are_named_with_what_brings_them_in_step() -> None:
    found = headline(facts(), "", 5)
    assert (found["state"], found["tone"], found["text"]) == (
        "nothing to do", "none", "Nothing waits.",
    )  # fmt: skip
    assert found["more"].startswith("2 scenes were not saved since PlexSync was installed;")


def test_sync_all_is_offered_until_the_user_has_decided_on_the_first_sync() -> None:
    assert headline(facts(), "", 5)["older"] == 2
    assert headline(facts(first_sync="later"), "", 5)["older"] == 0
    assert headline(facts(first_sync="later"), "", 5)["text"].startswith("Nothing to do")
    assert headline(facts(trouble=AWAY), "", 5)["older"] == 0


@pytest.mark.parametrize("in_stash", [None, 0, 9, 72, 80])
def test_the_others_always_add_up(in_stash: int | None) -> None:
    known = {"in_step": 65, "too_little_metadata": 4, "left_out": 2, "needs_you": 1}
    found = scene_counts(known, in_stash, 3)
    assert found["in_step"] == 65
    assert found["in_step"] + sum(each["scenes"] for each in found["others"]) == found["all"]
    assert found["all"] == max(72, in_stash or 0)


def test_new_scenes_that_wait_are_not_called_unknown() -> None:
    at = facts(inbox=1, badge={**WAITING, "waiting": 1})
    found = headline(at, "", 5)
    assert found["counts"].endswith("not looked at yet 1, waiting 1.")
    assert found["older"] == 1


def test_the_numbers_explain_every_scene_that_is_not_in_step() -> None:
    known = {"in_step": 65, "too_little_metadata": 4, "left_out": 2, "shared": 0}
    at = facts(states=known)
    assert headline(at, "", 72)["counts"] == (
        "In step: 65 of 72 scenes; the others: too little metadata 4, left out 2, "
        "not looked at yet 1."
    )
    assert headline(facts(), "", 3)["counts"] == "In step: 3 of 3 scenes."
    assert headline(facts(states=None), "", None)["counts"] == "No scene was synced yet."
