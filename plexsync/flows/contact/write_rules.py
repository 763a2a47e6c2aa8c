"""What PlexSync relies on when it writes to a Plex server; each rule edits the item of a `Trial`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime

from plexsync.flows.contact.trial import MARK, Trial
from plexsync.flows.contact.verdicts import demand, expect

OTHER = "PlexSync second check"
COMMA = "PlexSync, with a comma"
SLACK = 120
"""Seconds by which Plex's times may differ from those of its own answers."""

POSTER = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR42mNQcEgAIgYUCgAt1QSBzwlF5QAAAABJ"
    "RU5ErkJggg=="
)
"""Always the same bytes, since Plex keeps each uploaded poster for ever."""


def _text(trial: Trial, name: str, value: str, path: str = "") -> None:
    """Set a text and read it back."""
    expect("the status", trial.put((f"{name}.value", value), path=path), 200)
    expect(f"the {name}", trial.shown(name), value)


def library_endpoint(trial: Trial) -> None:
    """an edit by the library's endpoint is answered 200 with an empty body, and is done"""
    reply = trial.plex.put(trial.by_library, [("tagline.value", MARK)])
    expect("the status", reply.status, 200)
    expect("the bytes of the answer", len(reply.body), 0)
    expect("the tagline", trial.shown("tagline"), MARK)


def item_endpoint(trial: Trial) -> None:
    """an edit by the item's own endpoint is done, too"""
    _text(trial, "tagline", OTHER, trial.by_item)


def text_removed(trial: Trial) -> None:
    """an empty text removes a tagline"""
    _text(trial, "tagline", "")


def newline(trial: Trial) -> None:
    """a summary keeps its line breaks"""
    _text(trial, "summary", f"{MARK}\n\nsecond paragraph")


def blanks(trial: Trial) -> None:
    """a summary keeps blanks in a row"""
    _text(trial, "summary", f"{MARK}  two blanks")


def characters(trial: Trial) -> None:
    """a summary keeps emoji, accents and reserved characters"""
    _text(trial, "summary", f"{MARK} \U0001f600 \u00e9\u4e2d & + % # ; = ?")


def rating(trial: Trial) -> None:
    """a rating of 8.3 is kept as it is"""
    expect("the status", trial.put(("userRating.value", "8.3")), 200)
    expect("the rating", trial.shown("rating"), "8.3")


def date(trial: Trial) -> None:
    """a date is kept, the year follows it, and an empty one removes it"""
    expect("the status", trial.put(("originallyAvailableAt.value", "2001-02-03")), 200)
    expect("the date", trial.shown("date"), "2001-02-03")
    expect("the year", trial.item().year, "2001")
    expect("the status", trial.put(("originallyAvailableAt.value", "")), 200)
    expect("the date", trial.shown("date"), "")


def lock(trial: Trial) -> None:
    """a lock alone changes the lock, and nothing else"""
    title = trial.shown("title")
    for locked in ("1", "0"):
        expect("the status", trial.put(("title.locked", locked)), 200)
        expect("the lock", "title" in trial.item().locks, locked == "1")
    expect("the title", trial.shown("title"), title)


def tags(trial: Trial) -> None:
    """names are added to those that are there"""
    for name in (MARK, OTHER):
        expect("the status", trial.put(("genre[0].tag.tag", name)), 200)
    lacking = {MARK, OTHER} - set(trial.shown("tags"))
    demand(not lacking, "a name that was added later replaced the one before")


def removal(trial: Trial) -> None:
    """names are removed as PlexSync does it, also one with a comma"""
    there = trial.shown("tags")
    assert not isinstance(there, str)
    trial.names("tags", [*there, MARK, COMMA])
    demand(COMMA in trial.shown("tags"), "a name with a comma was not added as one name")
    trial.names("tags", there, [MARK, COMMA])
    demand(not {MARK, COMMA} & set(trial.shown("tags")), "a name was not removed")


def roles(trial: Trial) -> None:
    """an actor keeps the part played when another one is added"""
    first = [("actor[0].tag.tag", MARK), ("actor[0].tagging.text", "part")]
    expect("the status", trial.put(*first), 200)
    expect("the part played", trial.snapshot().roles.get(MARK), "part")
    there = trial.shown("performers")
    assert not isinstance(there, str)
    trial.names("performers", [*there, OTHER])
    now = trial.snapshot().roles
    demand(OTHER in now, "the second actor was not added")
    expect("the part played", now.get(MARK), "part")


def unknown_field(trial: Trial) -> None:
    """an unknown field is refused with 400"""
    expect("the status", trial.put(("plexsyncNoSuchField.value", MARK)), 400)


def equal_edit(trial: Trial) -> None:
    """an edit that changes nothing still moves updatedAt, so that PlexSync must not send any"""
    expect("the status", trial.put(("tagline.value", MARK)), 200)
    before = trial.item().updated_at
    trial.pause(2.0)
    expect("the status", trial.put(("tagline.value", MARK)), 200)
    demand(trial.item().updated_at > before, "updatedAt stays the same")


def time_of_change(trial: Trial) -> None:
    """updatedAt is the time of the change, in whole seconds of universal time"""
    reply = trial.plex.put(trial.by_item, [("tagline.value", OTHER)])
    expect("the status", reply.status, 200)
    said = reply.headers.get("Date", "")
    now = parsedate_to_datetime(said).timestamp() if said else trial.plex.clock.now()
    off = round(trial.item().updated_at - now)
    demand(abs(off) <= SLACK, f"updatedAt is {off} s from the time of the edit")


def collection(trial: Trial) -> None:
    """a collection is made by its name, can be described, and is gone with its last item"""
    there = trial.shown("collections")
    assert not isinstance(there, str)
    trial.names("collections", [*there, MARK])
    try:
        found = [c for c in trial.plex.client.collections(trial.target.section) if c.title == MARK]
        demand(len(found) == 1, f"{len(found)} collections have that name")
        key = found[0].rating_key
        demand(
            trial.key in (trial.plex.client.members(key) or ()), "the item is not in the collection"
        )
        path = f"/library/metadata/{key}?"
        expect("the status of its summary", trial.put(("summary.value", OTHER), path=path), 200)
    finally:
        trial.names("collections", there, [MARK])
    left = [c for c in trial.plex.client.collections(trial.target.section) if c.title == MARK]
    demand(not left, "the empty collection is still there")


def poster(trial: Trial) -> None:
    """an uploaded poster is selected and locked, and the one before can be selected again"""
    before = trial.before.poster
    expect("the status", trial.put(("thumb.locked", "0")), 200)
    refusal = trial.plex.client.upload_image(trial.target, "poster", POSTER)
    demand(not refusal, "the poster is refused")
    demand(
        trial.plex.client.selected_image(trial.target, "poster") not in ("", before),
        "the uploaded poster is not selected",
    )
    demand("thumb" in trial.item().locks, "the poster is not locked")
    if before:
        trial.plex.client.select_image(trial.target, "poster", before)
        again = trial.plex.client.selected_image(trial.target, "poster")
        demand(again == before, "the earlier poster is not selected again")


WRITES: Sequence[Callable[[Trial], None]] = (
    library_endpoint,
    item_endpoint,
    text_removed,
    newline,
    blanks,
    characters,
    rating,
    date,
    lock,
    tags,
    removal,
    roles,
    unknown_field,
    equal_edit,
    time_of_change,
    collection,
    poster,
)
