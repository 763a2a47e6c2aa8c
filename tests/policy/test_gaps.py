from __future__ import annotations

import pytest

from plexsync.model.plex import PlexItem, Target, Value, Written
from plexsync.model.values import value_hash
from plexsync.policy.gaps import (
    DRIFTED,
    EMPTY,
    EXAMPLES,
    MISSING,
    ORPHANED,
    STALE,
    Gap,
    GapCount,
    chosen,
    find_gaps,
)
from plexsync.policy.plan import plan

TARGET = Target("server", "1", 7)


def item(locks: tuple[str, ...] = (), thumb: str = "", **values: Value) -> PlexItem:
    return PlexItem(target=TARGET, values=values, locks=frozenset(locks), thumb=thumb)


def wrote(**values: Value) -> dict[str, Written]:
    return {name: Written(value, value_hash(value)) for name, value in values.items()}


def gaps(
    want: dict[str, Value],
    have: PlexItem,
    last: dict[str, Written] | None = None,
    preserve: bool = False,
) -> set[tuple[str, str]]:
    edits = plan(want, have, last or {}, preserve)
    return {(gap.kind, gap.field) for gap in find_gaps(edits, last or {})}


def test_what_is_in_step_has_no_gap_even_where_a_lock_is_missing() -> None:
    have = item(title="T", summary="S", tags=("a", "b"))
    assert gaps({"title": "T", "summary": "S", "tags": ("B", "A")}, have) == set()


def test_each_field_has_its_own_kind() -> None:
    have = item(title="By hand", summary="Old", studio="", tags=("a",), performers=())
    want: dict[str, Value] = {
        "title": "T",
        "summary": "New",
        "studio": "S",
        "tags": ("a", "b"),
        "performers": ("P",),
    }
    last = wrote(title="T", summary="Old", tags=("a", "b"))
    assert gaps(want, have, last) == {
        (DRIFTED, "title"),
        (STALE, "summary"),
        (EMPTY, "studio"),
        (DRIFTED, "tags"),
        (EMPTY, "performers"),
    }


def test_what_was_never_written_is_stale() -> None:
    assert gaps({"title": "T"}, item(title="a.file.name")) == {(STALE, "title")}


def test_what_changed_on_both_sides_is_stale() -> None:
    assert gaps({"title": "New"}, item(title="By hand"), wrote(title="Old")) == {(STALE, "title")}


def test_what_stash_emptied_is_stale_while_plex_still_shows_ours() -> None:
    assert gaps({"summary": ""}, item(summary="Ours"), wrote(summary="Ours")) == {
        (STALE, "summary")
    }
    assert gaps({"summary": ""}, item(summary="Theirs")) == set()


def test_what_somebody_emptied_in_plex_is_empty() -> None:
    assert gaps({"summary": "S"}, item(summary=""), wrote(summary="S")) == {(EMPTY, "summary")}


def test_a_cut_text_that_still_stands_is_no_gap() -> None:
    last = {"summary": Written("Long te", value_hash("Long text"))}
    assert gaps({"summary": "Long text"}, item(summary="Long te"), last) == set()


def test_a_poster_is_judged_by_what_was_uploaded() -> None:
    have = item(thumb="/thumb/1")
    assert gaps({"poster": "abc"}, have, wrote(poster="abc")) == set()
    assert gaps({"poster": "abc"}, have, wrote(poster="old")) == {(STALE, "poster")}
    assert gaps({"poster": "abc"}, item()) == {(EMPTY, "poster")}


@pytest.mark.parametrize(
    ("have", "want", "last", "found"),
    [
        ("By hand", "T", "T", set()),
        ("By hand", "New", "T", set()),
        ("T", "New", "T", {(STALE, "title")}),
        ("", "T", "T", set()),
    ],
)
def test_with_preserve_a_persons_edit_is_no_gap_and_stashs_is(
    have: str, want: str, last: str, found: set[tuple[str, str]]
) -> None:
    assert gaps({"title": want}, item(title=have), wrote(title=last), preserve=True) == found


def test_with_preserve_a_lock_tells_whose_value_it_is_before_we_ever_wrote() -> None:
    want: dict[str, Value] = {"title": "T", "tags": ("a",)}
    assert gaps(want, item(title="X", tags=("x",)), preserve=True) == {
        (STALE, "title"),
        (STALE, "tags"),
    }
    locked = item(("title", "genre"), title="X", tags=("x",))
    assert gaps(want, locked, preserve=True) == set()


def test_with_preserve_names_that_a_person_took_away_stay_away() -> None:
    have, last = item(tags=("a", "theirs")), wrote(tags=("a", "b"))
    assert gaps({"tags": ("a", "b")}, have, last, preserve=True) == set()
    assert gaps({"tags": ("a", "b", "c")}, have, last, preserve=True) == {(STALE, "tags")}


def test_some_kinds_and_fields_are_chosen() -> None:
    found = (Gap(EMPTY, "title"), Gap(STALE, "summary"), Gap(MISSING))
    assert chosen(found, (), ()) == found
    assert chosen(found, (EMPTY,), ()) == (found[0],)
    assert chosen(found, (), ("summary",)) == (found[1], found[2])
    assert chosen(found, (EMPTY,), ("summary",)) == ()


def test_a_scene_counts_once_for_each_kind_and_each_field() -> None:
    two = (Gap(EMPTY, "title"), Gap(EMPTY, "studio"), Gap(STALE, "summary"))
    tally = GapCount().add("scene 1", two, queued=True)
    tally = tally.add("scene 2", (Gap(EMPTY, "title"),), queued=False, unsure=True)
    tally = tally.add("/plex/a.mp4", (Gap(ORPHANED),), queued=False)
    assert tally.found == {EMPTY: 2, STALE: 1, ORPHANED: 1}
    assert tally.queued == {EMPTY: 1, STALE: 1}
    assert tally.fields == {EMPTY: {"title": 2, "studio": 1}, STALE: {"summary": 1}}
    assert tally.unsure == 1
    assert tally.examples[EMPTY] == ("scene 1 (title, studio)", "scene 2 (title; uncertain match)")
    assert tally.examples[ORPHANED] == ("/plex/a.mp4",)


def test_only_the_first_examples_are_kept() -> None:
    tally = GapCount()
    for number in range(EXAMPLES + 3):
        tally = tally.add(f"scene {number}", (Gap(MISSING),), queued=True)
    assert tally.examples[MISSING] == tuple(f"scene {n}" for n in range(EXAMPLES))
    assert tally.found[MISSING] == EXAMPLES + 3
