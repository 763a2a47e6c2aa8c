"""What undo restores, and what it leaves unchanged."""

from __future__ import annotations

import random
from typing import Any

import pytest

from plexsync.model.plex import FIELDS, Base, Edit, PlexItem, Target, Value, Written
from plexsync.model.values import name_key, name_keys, names, same
from plexsync.policy.outcome import value_to_record
from plexsync.policy.plan import plan
from plexsync.policy.undo import CHANGED, UNKNOWN, Restore, UndoPlan, plan_undo

ITEM = Target("s", "1", 7)
OURS, THEIRS = "upload://posters/abc123", "media://1/still.jpg"


def undo(
    have: dict[str, Value],
    written: dict[str, Value],
    base: dict[str, Base],
    *,
    locks: set[str] | None = None,
    unconfirmed: dict[str, Value] | None = None,
    selected: dict[str, str] | None = None,
) -> UndoPlan:
    locked = {FIELDS[name].edit for name in written} if locks is None else locks
    item = PlexItem(target=ITEM, values=have, locks=frozenset(locked))
    ours = {name: Written(value, "h", 1.0) for name, value in written.items()}
    return plan_undo(item, ours, unconfirmed or {}, base, selected or {})


def only(found: UndoPlan) -> Edit:
    (edit,) = found.edits
    return edit


def test_a_text_gets_its_old_value_and_lock() -> None:
    found = undo({"title": "New"}, {"title": "New"}, {"title": Base("old", False)})
    assert (only(found).value, only(found).locked, found.left) == ("old", False, {})
    found = undo({"title": "New"}, {"title": "New"}, {"title": Base("old", True)})
    assert only(found).locked


def test_a_text_that_plex_did_not_have_is_emptied() -> None:
    found = undo({"summary": "New"}, {"summary": "New"}, {"summary": Base("", False)})
    assert (only(found).value, only(found).lock_only) == ("", False)


def test_a_text_that_plexsync_emptied_comes_back() -> None:
    found = undo({"summary": ""}, {"summary": ""}, {"summary": Base("before", False)})
    assert only(found).value == "before"


def test_what_was_changed_in_plex_since_is_left_and_named() -> None:
    found = undo({"title": "Mine"}, {"title": "New"}, {"title": Base("old", False)})
    assert (found.edits, found.left, found.done) == ((), {"title": CHANGED}, frozenset())
    found = undo({"tags": ("x", "mine")}, {"tags": ("x",)}, {"tags": Base((), False)})
    assert found.left == {"tags": CHANGED}
    found = undo({"tags": ()}, {"tags": ("x",)}, {"tags": Base(("y",), False)})
    assert found.left == {"tags": CHANGED}


def test_a_field_that_was_only_locked_is_only_unlocked() -> None:
    found = undo({"title": "Same"}, {"title": "Same"}, {"title": Base("Same", False)})
    assert (only(found).lock_only, only(found).locked) == (True, False)
    found = undo({"tags": ("a", "b")}, {"tags": ("B", "A")}, {"tags": Base(("a", "b"), False)})
    assert (only(found).lock_only, only(found).locked) == (True, False)


def test_a_field_that_is_as_before_already_costs_nothing() -> None:
    found = undo({"title": "old"}, {"title": "New"}, {"title": Base("old", False)}, locks=set())
    assert (found.edits, found.left, found.done) == ((), {}, frozenset({"title"}))
    found = undo({"tags": ("y",)}, {"tags": ("x",)}, {"tags": Base(("y",), False)}, locks=set())
    assert (found.edits, found.left) == ((), {})


def test_names_that_were_taken_out_come_back_and_ours_go() -> None:
    found = undo({"tags": ("x", "z")}, {"tags": ("x", "z")}, {"tags": Base(("y", "Z"), False)})
    assert (only(found).value, only(found).remove) == (("y", "Z"), ("x",))


def test_names_that_stayed_beside_ours_stay() -> None:
    found = undo({"tags": ("x", "y")}, {"tags": ("x",)}, {"tags": Base(("y",), False)})
    assert (only(found).value, only(found).remove) == (("y",), ("x",))


def test_only_our_collections_are_taken_out() -> None:
    base = {"collections": Base(("Favourites",), False)}
    found = undo({"collections": ("Favourites", "Acme")}, {"collections": ("Acme",)}, base)
    assert (only(found).value, only(found).remove) == (("Favourites",), ("Acme",))
    assert not only(found).locked
    found = undo({"collections": ("Later", "Acme")}, {"collections": ("Acme",)}, base)
    assert (only(found).value, only(found).remove) == (("Later",), ("Acme",))
    assert only(found).locked, "somebody changed the rest, so its lock stays"
    assert undo({"collections": ("Later",)}, {"collections": ("Acme",)}, base).edits == ()


def test_the_earlier_image_is_shown_again() -> None:
    base = {"poster": Base(THEIRS, False), "background": Base("", True)}
    shown = {"poster": OURS, "background": "upload://arts/abc123"}
    written: dict[str, Value] = {"poster": "abc123", "background": "abc123"}
    found = undo({}, written, base, selected=shown)
    assert found.images == (Restore("poster", THEIRS, False), Restore("background", "", True))


def test_an_image_somebody_chose_since_stays() -> None:
    base = {"poster": Base(THEIRS, False)}
    found = undo({}, {"poster": "abc123"}, base, selected={"poster": "upload://posters/other"})
    assert (found.images, found.left) == ((), {"poster": CHANGED})


def test_an_image_shown_again_but_not_unlocked_yet_is_unlocked() -> None:
    base = {"poster": Base(THEIRS, False)}
    found = undo({}, {"poster": "abc123"}, base, selected={"poster": THEIRS})
    assert (only(found).field, only(found).lock_only, only(found).locked) == ("poster", True, False)
    found = undo({}, {"poster": "abc123"}, base, selected={"poster": THEIRS}, locks=set())
    assert (found.edits, found.images, found.left) == ((), (), {})


def test_an_upload_that_was_never_recorded_is_ours_too() -> None:
    base = {"poster": Base(THEIRS, False)}
    found = undo({}, {}, base, unconfirmed={"poster": "abc123"}, selected={"poster": OURS})
    assert found.images == (Restore("poster", THEIRS, False),)


def test_what_is_not_known_from_before_is_never_guessed() -> None:
    found = undo({"title": "New"}, {"title": "New"}, {})
    assert (found.edits, found.left) == ((), {"title": UNKNOWN})
    found = undo({}, {"poster": "abc123"}, {"poster": Base(OURS, True)}, selected={"poster": OURS})
    assert found.left == {"poster": UNKNOWN}, "our own upload is not what Plex had"


def test_fields_that_plexsync_never_wrote_are_not_touched() -> None:
    found = undo({"title": "x", "tagline": "y"}, {}, {"title": Base("z", False)})
    assert (found.edits, found.images, found.left, found.done) == ((), (), {}, frozenset())


def apply(item: dict[str, Value], locks: set[str], edit: Edit) -> None:
    if not edit.lock_only:
        if isinstance(edit.value, tuple):
            gone = name_keys(edit.remove)
            kept = names(item.get(edit.field, ()))
            every = {name_key(n): n for n in (*kept, *edit.value)}
            item[edit.field] = tuple(n for k, n in every.items() if k not in gone)
        else:
            item[edit.field] = edit.value
    (locks.add if edit.locked else locks.discard)(FIELDS[edit.field].edit)


POOL = ["a", "B", "c", "Dé", "e f"]


def some_value(rng: random.Random, name: str) -> Value:
    if FIELDS[name].kind == "list":
        return tuple(rng.sample(POOL, rng.randrange(4)))
    return rng.choice(["", "one", "two"]) if name != "title" else rng.choice(["one", "two"])


@pytest.mark.parametrize("seed", range(150))
def test_whatever_was_written_undo_leads_back_to_the_beginning(seed: int) -> None:
    rng = random.Random(seed)
    kinds = [
        name for name in FIELDS if FIELDS[name].kind != "image" and name not in ("date", "rating")
    ]
    item: dict[str, Any] = {name: some_value(rng, name) for name in kinds}
    locks = {FIELDS[name].edit for name in kinds if rng.random() < 0.3}
    first, first_locks = dict(item), set(locks)
    written: dict[str, Written] = {}
    base: dict[str, Base] = {}
    for _ in range(rng.randrange(1, 4)):
        desired = {
            name: some_value(rng, name) for name in rng.sample(kinds, rng.randrange(1, len(kinds)))
        }
        now = PlexItem(target=ITEM, values=dict(item), locks=frozenset(locks))
        for edit in plan(desired, now, written, False):
            base.setdefault(edit.field, Base(edit.before, FIELDS[edit.field].edit in locks))
            value = value_to_record(edit, desired, written)
            apply(item, locks, edit)
            written[edit.field] = Written(value, edit.desired_hash, 1.0)
    now = PlexItem(target=ITEM, values=dict(item), locks=frozenset(locks))
    found = plan_undo(now, written, {}, base, {})
    assert found.left == {}
    for edit in found.edits:
        apply(item, locks, edit)
    assert all(same(name, item[name], first[name]) for name in kinds), (item, first)
    assert locks == first_locks
