"""Properties of plans for random desired states, items and histories (seeded)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from plexsync.model.plex import FIELDS, IMAGE, LIST, SCALAR, Edit, PlexItem, Target, Value, Written
from plexsync.model.values import name_key, name_keys, names, same, value_hash
from plexsync.policy.outcome import already_equal, applied, value_to_record
from plexsync.policy.plan import plan

NAMES = ("Ann", "ann", "Bob", "Straße", "STRASSE", "Zoë", "Zoe\u0308", "Acme", "a,b")
TEXTS = {"rating": ("", "8.5", "9", "8.50"), "date": ("", "2024-05-01", "2023-01-01")}
ROUNDS = 400
"""Whatever 1,500 of them find, the first hundred do."""


@dataclass
class World:
    """A desired state, a model of a Plex item, and what was written according to the ledger."""

    dice: random.Random
    desired: dict[str, Value]
    item: PlexItem
    written: dict[str, Written]
    preserve: bool
    replaces: bool
    """Whether Plex takes indexed tags for the whole list or adds them."""

    def sync(self) -> tuple[Edit, ...]:
        edits = plan(self.desired, self.item, self.written, self.preserve)
        for edit in edits:
            self.item = apply(edit, self.item, self.replaces)
        for edit in edits:
            assert applied(edit, self.item)
            value = value_to_record(edit, self.desired, self.written)
            self.written[edit.field] = Written(value, edit.desired_hash)
        return edits


def apply(edit: Edit, item: PlexItem, replaces: bool) -> PlexItem:
    field = FIELDS[edit.field]
    if field.kind == IMAGE:
        return item._replace(locks=item.locks | {field.edit})
    value: Value = edit.value
    if field.kind == LIST:
        present = () if replaces else names(item.values[edit.field])
        value = without(unique((*present, *names(edit.value))), edit.remove)
    return item._replace(values={**item.values, edit.field: value}, locks=item.locks | {field.edit})


def unique(given: Iterable[str]) -> tuple[str, ...]:
    return tuple({name_key(name): name for name in reversed(tuple(given))}.values())


def without(given: Iterable[str], gone: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in given if name_key(name) not in name_keys(tuple(gone)))


def some_value(dice: random.Random, field: str) -> Value:
    kind = FIELDS[field].kind
    if kind == LIST:
        return unique(dice.sample(NAMES, dice.randrange(4)))
    if kind == IMAGE:
        return dice.choice(("sha1", "sha2"))
    return dice.choice(TEXTS.get(field, ("", "a", "b", "Café", "Cafe\u0301", "c\r\nd", "c\nd")))


def worlds(seed: int) -> Iterable[World]:
    dice = random.Random(seed)
    shown = [name for name, field in FIELDS.items() if field.kind != IMAGE]
    for _ in range(ROUNDS):
        history = {name: some_value(dice, name) for name in FIELDS if dice.random() < 0.5}
        current = {
            name: history[name]
            if name in history and dice.random() < 0.5
            else some_value(dice, name)
            for name in shown
        }
        locks = frozenset(field.edit for field in FIELDS.values() if dice.random() < 0.3)
        yield World(
            dice=dice,
            desired=some_wish(dice),
            item=PlexItem(target=Target("s", "1", 1), values=current, locks=locks),
            written={name: Written(value, value_hash(value)) for name, value in history.items()},
            preserve=dice.random() < 0.5,
            replaces=dice.random() < 0.5,
        )


def some_wish(dice: random.Random) -> dict[str, Value]:
    desired = {name: some_value(dice, name) for name in FIELDS if dice.random() < 0.8}
    return {**desired, "title": dice.choice(("a", "b", "Café"))}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_was_written_needs_no_second_write(seed: int) -> None:
    for world in worlds(seed):
        world.sync()
        assert world.sync() == ()


def test_without_preserve_plex_equals_the_desired_state_afterwards() -> None:
    for world in worlds(4):
        world.preserve = False
        world.sync()
        for name, want in world.desired.items():
            if not want or FIELDS[name].kind == IMAGE:
                continue
            have, plain = world.item.values[name], {name: want}
            assert plan(plain, world.item, {}, False) == ()
            if FIELDS[name].shared:
                assert name_keys(want) <= name_keys(have)
            elif FIELDS[name].kind == LIST:
                assert name_keys(want) == name_keys(have)


@pytest.mark.long
@pytest.mark.parametrize("name", ["collections", "labels"])
def test_collections_and_labels_that_we_did_not_write_are_never_removed(name: str) -> None:
    for world in worlds(5):
        last = world.written.get(name)
        theirs = name_keys(world.item.values[name]) - name_keys(last.value if last else ())
        for _ in range(4):
            world.sync()
            world.desired = some_wish(world.dice)
            assert theirs <= name_keys(world.item.values[name])


def test_a_title_is_never_cleared() -> None:
    for world in worlds(6):
        world.desired["title"] = world.dice.choice(("", "a"))
        before = world.item.values["title"]
        world.sync()
        assert world.item.values["title"] or not before


def test_nothing_is_emptied_that_we_did_not_write() -> None:
    for world in worlds(7):
        before, written = world.item.values, dict(world.written)
        world.sync()
        emptied = [name for name, value in world.item.values.items() if before[name] and not value]
        for name in emptied:
            if FIELDS[name].kind == LIST:  # still desired, but removed by the user
                assert name_keys(world.desired[name]) <= name_keys(written[name].value)
                assert name_keys(before[name]) <= name_keys(written[name].value)
            else:
                assert not world.desired[name]
                assert same(name, before[name], written[name].value)


def test_with_preserve_a_name_we_did_not_write_is_never_removed() -> None:
    for world in worlds(8):
        world.preserve = True
        before, written = world.item.values, dict(world.written)
        world.sync()
        for name, field in FIELDS.items():
            if field.kind == LIST:
                lost = name_keys(before[name]) - name_keys(world.item.values[name])
                assert lost <= name_keys(written[name].value if name in written else ())


@pytest.mark.long
def test_with_preserve_what_a_person_changes_after_us_stays_for_ever() -> None:
    for world in worlds(9):
        world.preserve = True
        world.sync()
        touched = [n for n in world.written if FIELDS[n].kind == SCALAR and n in world.desired]
        persons = {name: f"typed by hand {name}" for name in touched}
        world.item = world.item._replace(values={**world.item.values, **persons})
        for _ in range(3):
            world.desired = some_wish(world.dice)
            world.sync()
            assert {name: world.item.values[name] for name in persons} == persons


def test_locks_never_make_a_request_and_never_change_a_value() -> None:
    for world in worlds(10):
        edits = plan(world.desired, world.item, world.written, world.preserve)
        locks = [edit for edit in edits if edit.lock_only]
        real = [e for e in edits if not e.lock_only and FIELDS[e.field].kind != IMAGE]
        assert real or not locks
        for edit in locks:
            assert edit.value == world.item.values[edit.field] and not edit.remove
            assert FIELDS[edit.field].edit not in world.item.locks
        assert len({edit.field for edit in edits}) == len(edits)
        assert {edit.field for edit in edits} <= set(world.desired)


def test_a_worker_that_died_before_it_wrote_down_does_not_freeze_texts() -> None:
    for world in worlds(11):
        world.preserve = True
        sent = {edit.field for edit in plan(world.desired, world.item, world.written, True)}
        before = dict(world.written)
        world.sync()
        world.written = before  # as if the worker had died after the request
        agreed = already_equal(world.desired, world.item, world.written, sent)
        for name, value in agreed.items():
            world.written[name] = Written(value, value_hash(value))
        texts = {name for name in sent if FIELDS[name].kind == SCALAR}
        world.desired = {name: f"new {name}" for name in texts}
        world.sync()
        assert {name: world.item.values[name] for name in texts} == world.desired
