"""How things are, in one sentence: the page's headline and the last line of View Queue Status.

Light, since each of the page's requests is a process.
"""

from __future__ import annotations

from plexsync.model.formatting import capital, grouped, label, listed
from plexsync.model.places import INVALID, MISSING, OUR_FORM, PAUSED, STASHS_FORM
from plexsync.model.reasons import BAD, NONE, OK, WARN, classes_in_words
from plexsync.policy.outage_history import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from plexsync.model.status import Facts, Headline, SceneCounts

UNREADABLE = "unreadable"
WRONG = "a wrong setting"
NOT_SET_UP = "not set up"
HELD = "held"
WORKING = "working"
WAITS = "waits"
ASLEEP = "asleep"
NEEDS_YOU = "needs you"
LATER = "later"
NOTHING = "nothing to do"
"""The states, the most urgent first."""

EMPTY = "empty"
"""Stash's form lacks Plex's address or token, but the environment may have them."""

_IN_STEP, _WAITING, _UNMET = "in_step", "waiting", "not_seen"
_WORDS = {
    "shared": "item of another scene",
    "cleared": "no longer tried",
    "not_seen": "not looked at yet",
    "not_in_plex": "not in Plex",
    "edited_in_plex": "edited in Plex",
}
"""Lists of scenes whose names are not their words."""


def headline(facts: Facts, settings: str, in_stash: int | None) -> Headline:
    """The state, its tone, and what to say of it.

    `settings` is a state of model/places.py, or EMPTY; `in_stash` the number of scenes in Stash,
    if known.
    """
    scenes = scene_counts(facts["states"], in_stash, facts["inbox"])
    state, tone, text, more = _state(facts, settings, scenes)
    trouble = facts["trouble"]
    return {
        "state": state,
        "tone": tone,
        "text": text,
        "since": trouble["since"] if state == HELD and trouble else None,
        "more": more,
        "older": _older(facts, scenes) if tone in (OK, WARN, NONE) else 0,
        "scenes": scenes,
        "counts": counts_in_words(scenes),
    }


def _state(facts: Facts, settings: str, scenes: SceneCounts) -> tuple[str, str, str, str]:
    queue, trouble, badge = facts["queue"], facts["trouble"], facts["badge"]
    if queue is None:
        return UNREADABLE, BAD, "PlexSync cannot read its queue.", "The cause is shown below."
    if settings == MISSING or (settings == EMPTY and not _has_met_plex(facts)):
        more = f"The set-up on PlexSync's page asks for them; or enter both in {STASHS_FORM}."
        return (
            NOT_SET_UP,
            BAD,
            "PlexSync is not set up: Plex's address or a token is missing.",
            more,
        )
    if trouble is not None:
        more = f"{capital(trouble['words'])}. {trouble['remedy']} {_kept(badge['waiting'])}"
        return HELD, BAD, f"{trouble['headline']}.", more
    if settings == INVALID:
        more = f"Correct the filter in {OUR_FORM}. {_kept(badge['waiting'])}"
        return WRONG, BAD, "Nothing is synced: a filter in the settings is invalid.", more
    if settings == PAUSED:
        return PAUSED, WARN, "Syncing is paused in the settings.", _kept(badge["waiting"])
    if _all_held(facts) and not _edits_now(facts):
        return _only_backfills_wait(facts)
    if badge["waiting"] or facts["backfills"]:
        return _at_work(facts)
    failed, later, older = _failed(facts), _later(facts), _older(facts, scenes)
    never = _never_saved(older) if older else ""
    if failed:
        return NEEDS_YOU, WARN, failed, f"{later} {never}".strip()
    if later:
        return LATER, NONE, later, never
    if never:
        return NOTHING, NONE, "Nothing waits.", never
    return NOTHING, OK, "Nothing to do: every edit is in Plex.", ""


def _older(facts: Facts, scenes: SceneCounts) -> int:
    """The scenes that Sync All Scenes would bring in step, unless the user has decided on them."""
    return 0 if facts["backfills"] or facts["first_sync"] else scenes["unmet"]


def _never_saved(older: int) -> str:
    was = "was" if older == 1 else "were"
    return (
        f"{_scenes(older)} {was} not saved since PlexSync was installed; "
        "Sync All Scenes brings them in step too."
    )


def _all_held(facts: Facts) -> bool:
    """Whether there are backfills, and all of them are paused or wait for the end of quiet hours."""
    return bool(facts["backfills"]) and all(each["waits"] for each in facts["backfills"])


def _edits_now(facts: Facts) -> int:
    """The edits whose turn it is or will be in a moment."""
    queue = facts["queue"]
    return facts["inbox"] + (queue["edits"] - queue["retried_edits"] if queue else 0)


def _only_backfills_wait(facts: Facts) -> tuple[str, str, str, str]:
    queue, failed = facts["queue"], _failed(facts)
    retried = queue["retried_edits"] if queue else 0
    verb = "is" if retried == 1 else "are"
    later = f"{_scenes(retried)} {verb} tried again later." if retried else ""
    text = "A backfill waits." if failed or later else "Every edit is in Plex; a backfill waits."
    held = [each["sentence"] for each in facts["backfills"]]
    return WAITS, NONE, text, " ".join(filter(None, (*held, later, failed)))


def _at_work(facts: Facts) -> tuple[str, str, str, str]:
    """Something is to be written now, and a worker writes it or should."""
    queue, held = facts["queue"], _all_held(facts)
    assert queue is not None
    waiting = _edits_now(facts) if held else facts["badge"]["waiting"]
    waits = [each["sentence"] for each in facts["backfills"] if each["waits"]]
    more = " ".join(filter(None, (*waits, _failed(facts), _later(facts))))
    backfill = "a backfill adds more" if facts["backfills"] and not held else ""
    if facts["worker"] is False and (queue["due"] or facts["inbox"] or backfill):
        text = f"{_scenes(waiting)} could be synced, but no worker is running."
        return ASLEEP, WARN, text, f"Press Process Queue. {more}".strip()
    estimate = 0.0 if held else queue["estimate"]
    work = f"about {format_duration(estimate)}" if estimate >= 1 else ""
    parts = [f"Working: {_scenes(waiting)} to go" if waiting else "Working", work, backfill]
    return WORKING, NONE, f"{', '.join(filter(None, parts))}.", more


def _failed(facts: Facts) -> str:
    dead_letters = facts["dead_letters"]
    if not dead_letters or not dead_letters["total"]:
        return ""
    count = dead_letters["total"]
    verb = "needs" if count == 1 else "need"
    return f"{_scenes(count)} {verb} you: {listed(classes_in_words(dead_letters['by_class']))}."


def _later(facts: Facts) -> str:
    queue, count = facts["queue"], facts["badge"]["later"]
    if not queue or not count:
        return ""
    why = listed(classes_in_words({name: n for name, n in queue["by_error"].items() if name}))
    left = (queue["next_due"] or facts["now"]) - facts["now"]
    when = f"in {format_duration(left)}" if left >= 1 else "in a moment"
    return f"{_scenes(count)} {'is' if count == 1 else 'are'} tried again {when}: {why}."


def _has_met_plex(facts: Facts) -> bool:
    return bool(facts["scenes"] or (facts["index"] and facts["index"]["items"]))


def _kept(waiting: int) -> str:
    if not waiting:
        return "Nothing is lost."
    return f"{_scenes(waiting)} {'waits' if waiting == 1 else 'wait'}; nothing is lost."


def scene_counts(
    lists: Mapping[str, int] | None, in_stash: int | None, events: int = 0
) -> SceneCounts:
    """How many of all scenes are in step, and in which lists the others are, the longest first.

    `lists` has every scene that PlexSync has dealt with once. Of Stash's others, as many as there are
    `events` wait to be taken in; the rest are `unmet`.
    """
    known = lists or {}
    more = max(0, (in_stash or 0) - sum(known.values()))
    waiting = min(more, events)
    unmet = more - waiting
    others = {name: n for name, n in known.items() if name != _IN_STEP}
    others[_WAITING] = others.get(_WAITING, 0) + waiting
    others[_UNMET] = unmet
    ordered = sorted(others.items(), key=lambda each: (-each[1], each[0]))
    return {
        "in_step": known.get(_IN_STEP, 0),
        "all": sum(known.values()) + more,
        "unmet": unmet,
        "others": [
            {"state": name, "words": _WORDS.get(name, label(name)), "scenes": n}
            for name, n in ordered
            if n
        ],
    }


def counts_in_words(scenes: SceneCounts) -> str:
    """For example "In step: 65 of 72 scenes; the others: too little metadata 4, left out 3."."""
    if not scenes["all"]:
        return "No scene was synced yet."
    others = ", ".join(f"{each['words']} {grouped(each['scenes'])}" for each in scenes["others"])
    left = scenes["all"] - scenes["in_step"]
    rest = f"; the other{'s' if left > 1 else ''}: {others}" if others else ""
    return f"In step: {grouped(scenes['in_step'])} of {_scenes(scenes['all'])}{rest}."


def _scenes(number: int) -> str:
    return f"{grouped(number)} {'scene' if number == 1 else 'scenes'}"
