"""Which edits an item needs, and what stays unchanged."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from plexsync.model.plex import (
    FIELDS,
    LIST,
    Edit,
    PlexItem,
    ReadBack,
    Refusal,
    Target,
    Value,
    Written,
)
from plexsync.model.values import value_hash
from plexsync.policy.notes import notes
from plexsync.policy.outcome import (
    already_equal,
    applied,
    image_is_ours,
    read_back,
    value_to_record,
    with_unconfirmed,
)
from plexsync.policy.plan import plan


def item(locks: str = "", thumb: str = "", **values: Value) -> PlexItem:
    bare: dict[str, Value] = {n: () if f.kind == LIST else "" for n, f in FIELDS.items()}
    return PlexItem(
        target=Target("server", "1", 7),
        values={**bare, **values},
        locks=frozenset(locks.split()),
        thumb=thumb,
    )


def ours(**values: Value) -> dict[str, Written]:
    return {name: Written(value, value_hash(value)) for name, value in values.items()}


def planned(
    desired: Mapping[str, Value],
    current: PlexItem,
    written: Mapping[str, Written] | None = None,
    preserve: bool = False,
) -> dict[str, Edit]:
    """The edits by field, those only for locks left out."""
    edits = plan(desired, current, written or {}, preserve)
    return {edit.field: edit for edit in edits if not edit.lock_only}


def test_a_difference_is_set_with_a_reason() -> None:
    assert plan({"title": "New"}, item(title="Old"), {}, False) == (
        Edit(
            field="title",
            value="New",
            before="Old",
            reason="differs",
            desired_hash=value_hash("New"),
        ),
    )


@pytest.mark.parametrize(
    ("want", "have", "last", "reason"),
    [
        ("a", "", None, "empty in Plex"),
        ("a", "b", None, "differs"),
        ("a", "b", "b", "changed in Stash"),
        ("a", "b", "a", "changed in Plex"),
        ("a", "b", "c", "differs"),
        ("", "b", "b", "empty in Stash"),
    ],
)
def test_the_reason_says_who_changed_what(
    want: str, have: str, last: str | None, reason: str
) -> None:
    written = ours(studio=last) if last is not None else {}
    assert planned({"studio": want}, item(studio=have), written)["studio"].reason == reason


def test_what_is_equal_needs_no_edit() -> None:
    desired: dict[str, Value] = {
        "title": "Café",
        "summary": "a\nb",
        "date": "2024-05-01",
        "rating": "8.5",
        "studio": "",
        "tags": ("Drama", "x"),
        "collections": ("Acme",),
        "poster": "sha",
    }
    current = item(
        title="Cafe\u0301",
        summary="a\r\nb ",
        date="2024-05-01",
        rating="8.50",
        tags=("X", "drama"),
        collections=("Mine", "ACME"),
    )
    assert plan(desired, current, ours(poster="sha"), False) == ()


def test_only_wanted_fields_are_looked_at() -> None:
    assert plan({"title": "a"}, item(title="a", summary="theirs"), ours(summary="x"), False) == ()


@pytest.mark.parametrize("preserve", [False, True])
def test_empty_in_stash_clears_only_what_we_wrote(preserve: bool) -> None:
    desired: dict[str, Value] = {"summary": "", "studio": "", "date": ""}
    current = item(summary="ours", studio="theirs", date="2024-05-01")
    written = ours(summary="ours", studio="ours once")
    assert set(planned(desired, current, written, preserve)) == {"summary"}


@pytest.mark.parametrize("preserve", [False, True])
def test_a_title_is_never_cleared(preserve: bool) -> None:
    assert plan({"title": ""}, item(title="ours"), ours(title="ours"), preserve) == ()


def test_a_list_becomes_the_wanted_one_with_removals_in_plex_spelling() -> None:
    edit = planned({"tags": ("New", "DRAMA")}, item(tags=("Drama", "Old", "olDer")))["tags"]
    assert (edit.value, edit.remove) == (("New", "DRAMA"), ("Old", "olDer"))


@pytest.mark.parametrize("preserve", [False, True])
def test_an_empty_list_removes_only_what_we_wrote(preserve: bool) -> None:
    current, written = item(tags=("Ours", "Theirs")), ours(tags=("ours", "gone"))
    edit = planned({"tags": ()}, current, written, preserve)["tags"]
    assert (edit.value, edit.remove) == (("Theirs",), ("Ours",))
    assert planned({"tags": ()}, item(tags=("Theirs",)), {}, preserve) == {}


@pytest.mark.parametrize("preserve", [False, True])
def test_collections_of_the_user_stay_and_travel_along(preserve: bool) -> None:
    current = item(collections=("Mine", "Old Studio"))
    written = ours(collections=("Old Studio",))
    edit = planned({"collections": ("New Studio",)}, current, written, preserve)["collections"]
    assert (edit.value, edit.remove) == (("New Studio", "Mine"), ("Old Studio",))


def test_a_collection_that_plex_had_before_us_does_not_become_ours() -> None:
    desired: dict[str, Value] = {"collections": ("Acme", "Saga"), "tags": ("x", "y")}
    current = item(collections=("Acme", "Mine"), tags=("x", "z"))
    edits = planned(desired, current)
    assert value_to_record(edits["collections"], desired, {}) == ("Saga",)
    assert value_to_record(edits["tags"], desired, {}) == ("x", "y")
    again = ours(collections=("Acme",))
    assert value_to_record(edits["collections"], desired, again) == ("Acme", "Saga")


def test_without_preserve_what_a_person_changed_is_changed_back() -> None:
    current = item(locks="title genre", title="Theirs", tags=("b", "c"))
    edits = planned({"title": "Ours", "tags": ("a", "b")}, current, ours(title="Ours", tags=("a",)))
    assert edits["title"].reason == "changed in Plex"
    assert (edits["tags"].value, edits["tags"].remove) == (("a", "b"), ("c",))


@pytest.mark.parametrize(
    ("have", "last", "locked", "kept"),
    [
        ("theirs", "old", True, True),  # the user changed what we wrote
        ("theirs", "old", False, True),
        ("", "old", True, True),  # the user emptied it
        ("old", "old", True, False),  # only Stash changed
        ("theirs", None, True, True),  # locked before our first write: the user's
        ("agents", None, False, False),  # not locked: the agent's
        ("", None, False, False),
    ],
)
def test_with_preserve_only_what_a_person_changed_is_kept(
    have: str, last: str | None, locked: bool, kept: bool
) -> None:
    written = ours(title=last) if last is not None else {}
    current = item(locks="title" if locked else "", title=have)
    assert (plan({"title": "new"}, current, written, True) == ()) is kept


def test_with_preserve_names_a_person_removed_stay_away_and_added_ones_stay() -> None:
    desired: dict[str, Value] = {"performers": ("Kept", "Removed", "New")}
    current = item(locks="actor", performers=("Kept", "Added", "Dropped"))
    written = ours(performers=("Kept", "Removed", "Dropped"))
    edit = planned(desired, current, written, True)["performers"]
    assert (edit.value, edit.remove) == (("Kept", "New", "Added"), ("Dropped",))


def test_with_preserve_a_list_locked_before_us_is_a_persons() -> None:
    desired: dict[str, Value] = {"tags": ("a",)}
    assert plan(desired, item(locks="genre", tags=("b",)), {}, True) == ()
    edit = planned(desired, item(tags=("b",)), {}, True)["tags"]
    assert (edit.value, edit.remove) == (("a", "b"), ())


def test_a_shortened_text_counts_as_in_step_until_either_side_changes() -> None:
    long, short = "word " * 4_000, "word " * 100
    written = {"summary": Written(short, value_hash(long))}
    current = item(summary=short.strip())
    assert plan({"summary": long}, current, written, False) == ()
    assert plan({"summary": long}, current, written, True) == ()
    assert planned({"summary": long + "!"}, current, written)["summary"].value == long + "!"
    assert planned({"summary": long}, item(summary="theirs"), written)["summary"].value == long


def test_an_image_goes_up_only_when_its_hash_is_another() -> None:
    desired: dict[str, Value] = {"poster": "new", "background": "same"}
    edits = plan(desired, item(thumb="/thumb/1"), ours(poster="old", background="same"), False)
    assert [(e.field, e.value, e.before, e.reason) for e in edits] == [
        ("poster", "new", "/thumb/1", "image changed")
    ]
    assert set(planned(desired, item())) == {"poster", "background"}


def test_with_preserve_an_image_locked_before_us_stays() -> None:
    assert plan({"poster": "new"}, item(locks="thumb"), {}, True) == ()
    assert set(planned({"poster": "new"}, item(), {}, True)) == {"poster"}
    assert set(planned({"poster": "new"}, item(locks="thumb"), {}, False)) == {"poster"}
    changed = planned({"poster": "new"}, item(locks="thumb"), ours(poster="old"), True)
    assert set(changed) == {"poster"}


def test_the_selected_image_tells_whose_it_is() -> None:
    last = Written("abc", "")
    assert image_is_ours("upload://posters/abc", last) and image_is_ours("", last)
    assert not image_is_ours("upload://posters/def", last)
    assert not image_is_ours("metadata://posters/x", last)


def test_locks_travel_with_real_edits_only() -> None:
    desired: dict[str, Value] = {
        "title": "new",
        "summary": "same",
        "studio": "locked",
        "date": "",
        "tags": ("x",),
        "directors": (),
        "poster": "sha",
    }
    current = item(locks="studio", title="old", summary="same", studio="locked", tags=("X", "y"))
    current = current._replace(values={**current.values, "tags": ("X",)})
    edits = plan(desired, current, ours(poster="sha"), False)
    assert [(e.field, e.lock_only) for e in edits] == [
        ("title", False),
        ("summary", True),
        ("tags", True),
    ]
    assert [(e.value, e.before, e.reason) for e in edits[1:]] == [
        ("same", "same", "lock"),
        (("X",), ("X",), "lock"),
    ]
    assert plan({**desired, "title": "old"}, current, ours(poster="sha"), False) == ()


def test_an_image_alone_makes_no_request_for_locks() -> None:
    edits = plan({"title": "same", "poster": "new"}, item(title="same"), {}, False)
    assert [edit.field for edit in edits] == ["poster"]


def test_what_a_person_changed_is_not_locked_either() -> None:
    desired: dict[str, Value] = {"title": "new", "studio": "ours", "tags": ("a", "b")}
    current = item(title="old", studio="theirs", tags=("a",))
    edits = plan(desired, current, ours(studio="ours", tags=("a", "b")), True)
    assert [edit.field for edit in edits] == ["title"]


def test_edits_come_as_scalars_then_lists_then_images() -> None:
    desired: dict[str, Value] = {"poster": "p", "collections": ("c",), "tags": ("t",), "title": "x"}
    assert list(planned(desired, item())) == ["title", "tags", "collections", "poster"]


@pytest.mark.parametrize(
    ("desired", "back", "seen"),
    [
        ({"title": "Café"}, {"title": "Cafe\u0301 "}, True),
        ({"title": "a"}, {"title": "b"}, False),
        ({"rating": "8.5"}, {"rating": "8.50"}, True),
        ({"tags": ("New",)}, {"tags": ("NEW", "other")}, True),
        ({"tags": ("New",)}, {"tags": ("New", "Old")}, False),
        ({"tags": ("New",)}, {"tags": ()}, False),
        ({"poster": "sha"}, {}, True),
    ],
)
def test_reading_back_shows_whether_an_edit_was_applied(
    desired: dict[str, Value], back: dict[str, Value], seen: bool
) -> None:
    (edit,) = plan(desired, item(tags=("Old",) if "tags" in desired else ()), {}, False)
    assert applied(edit, item(**back)) is seen


def test_a_cleared_field_is_applied_when_it_is_gone() -> None:
    (edit,) = plan({"studio": ""}, item(studio="a"), ours(studio="a"), False)
    assert edit.value == "" and applied(edit, item()) and not applied(edit, item(studio="a"))


def test_what_plex_shows_for_the_last_desired_value_is_in_step_and_anything_else_is_not() -> None:
    desired: dict[str, Value] = {"rating": "8.3", "tags": ("a", "b c"), "summary": "one\n\ntwo"}
    written = {
        "rating": Written("8.3", value_hash("8.3"), 1.0, "8"),
        "tags": Written(("a", "b c"), value_hash(("a", "b c")), 1.0, ("a", "b-c")),
        "summary": Written("one\n\ntwo", value_hash("one\n\ntwo"), 1.0),
    }
    shown = item(rating="8.0", tags=("A", "b-c"), summary="one two")
    for preserve in (False, True):
        assert plan(desired, shown, written, preserve) == ()
        more = {**desired, "rating": "8.4", "summary": "one\ntwo", "tags": ("a", "b c", "d")}
        assert set(planned(more, shown, written, preserve)) == {"rating", "summary", "tags"}
    drifted = item(rating="5", tags=("A",), summary="three")
    assert set(planned(desired, drifted, written)) == {"rating", "tags", "summary"}
    assert planned(desired, drifted, written)["rating"].reason == "changed in Plex"
    assert set(planned(desired, drifted, written, preserve=True)) == set()
    assert planned({"rating": ""}, shown, written)["rating"].reason == "empty in Stash"


def test_line_breaks_that_stash_changed_are_sent_although_plex_folds_them() -> None:
    written = ours(summary="one two")
    assert planned({"summary": "one\ntwo"}, item(summary="one two"), written)
    assert planned({"summary": "one\ntwo"}, item(summary="one two"), ours(summary="one\ntwo")) == {}


@pytest.mark.parametrize("name", ["summary", "tags", "poster"])
def test_what_plex_refused_waits_for_another_desired_value(name: str) -> None:
    values: dict[str, tuple[Value, Value]] = {
        "summary": ("bad", "good"),
        "tags": (("bad",), ("good",)),
        "poster": ("sha1", "sha2"),
    }
    bad, good = values[name]
    refused = {name: Refusal(value_hash(bad), "400")}
    assert plan({name: bad}, item(), {}, False, refused) == ()
    assert [e.field for e in plan({name: bad, "title": "T"}, item(), {}, False, refused)] == [
        "title"
    ]
    assert len(plan({name: good}, item(), {}, False, refused)) == 1
    assert len(plan({name: bad}, item(), {}, False)) == 1


def an_edit(field: str, value: Value, before: Value = "") -> Edit:
    return Edit(
        field=field, value=value, before=before, reason="differs", desired_hash=value_hash(value)
    )


@pytest.mark.parametrize(
    ("field", "sent", "before", "shown", "alone", "says_something"),
    [
        ("title", "T", "old", "old", True, False),  # nothing happened at all
        ("title", "T", "old", "old", False, True),  # but to the other fields of the request
        ("title", "T", "old", "t.", True, True),
        ("rating", "8.3", "8", "8", True, True),  # rounded to what it was
        ("rating", "8.3", "5", "5", True, False),
        ("date", "2024-01-02", "2024-01-01", "2024-01-01", True, True),
        ("tags", ("a", "b"), ("c",), ("c",), True, False),
        ("tags", ("a", "b"), ("c",), ("a",), True, True),
    ],
)
def test_an_edit_that_reads_back_different_is_believed_the_second_time(
    field: str, sent: Value, before: Value, shown: Value, alone: bool, says_something: bool
) -> None:
    back, edit = item(**{field: shown}), an_edit(field, sent, before)
    pair, known = read_back(edit, back, None, None, alone=alone)
    assert not known
    assert (pair == ReadBack(sent, shown)) is says_something
    earlier = ReadBack(sent, shown)
    assert read_back(edit, back, None, earlier, alone=True) == (earlier, True)
    other = item(**{field: ("z",) if isinstance(shown, tuple) else "z"})
    assert not read_back(edit, other, None, earlier, alone=False)[1]
    assert not read_back(an_edit(field, "x"), back, None, earlier, alone=False)[1]


def test_a_field_that_plex_once_showed_differently_may_do_so_again() -> None:
    last = Written("8.3", "h", 1.0, "8")
    pair, known = read_back(an_edit("title", "new", "8"), item(title="8"), last, None, alone=True)
    assert (pair, known) == (ReadBack("new", "8"), False)


def test_what_was_sent_and_shown_differently_is_ours_although_nobody_recorded_it() -> None:
    found = with_unconfirmed(
        item(rating="8"), {}, {"rating": "8.3", "title": "T"}, {"rating": ReadBack("8.3", "8")}
    )
    assert found == {"rating": Written("8.3", "", shown="8")}


def test_notes_say_what_plex_shows_takes_in_part_and_refuses() -> None:
    long = "word " * 1000
    desired: dict[str, Value] = {
        "title": "T",
        "summary": long,
        "rating": "8.3",
        "tags": ("a", "b", "c"),
        "collections": ("Plex's", "ours"),
        "poster": "sha",
    }
    written = {
        **ours(title="T"),
        "summary": Written(long[:2140], value_hash(long)),
        "rating": Written("8.3", value_hash("8.3"), 1.0, "8"),
        "tags": Written(("a", "b"), value_hash(("a", "b", "c")), 1.0, ("a", "b")),
        "collections": Written(("ours",), value_hash(("Plex's", "ours"))),
    }
    assert list(notes(desired, written, {"poster": Refusal("h", "Plex answered 406")})) == [
        "Plex has only the first 2 140 of 5 000 characters of the summary",
        "Plex shows 8 for 8.3 (rating)",
        "Plex has only the first 2 of 3 names of the tags",
        "Plex refuses the poster: Plex answered 406",
    ]
    assert list(notes({**desired, "rating": "9"}, ours(title="T"), {})) == []


def test_damaged_records_of_what_was_written_do_no_harm() -> None:
    written = {"tags": Written("text", "x"), "title": Written(("a",), "x")}
    edits = planned({"tags": ("a",), "title": "t"}, item(tags=("b",), title="u"), written)
    assert (edits["tags"].value, edits["title"].value) == (("a",), "t")


def test_a_text_on_which_both_agree_is_adopted_only_when_we_ever_sent_it() -> None:
    desired: dict[str, Value] = {
        "title": "a",
        "studio": "b",
        "summary": "c",
        "date": "",
        "tags": (),
    }
    current = item(title="a", studio="b", summary="theirs")
    written = ours(title="old", summary="c", date="2024-01-01", tags=("x",))
    assert already_equal(desired, current, written, ()) == {"title": "a", "date": ""}
    assert already_equal(desired, current, written, ("studio",))["studio"] == "b"
    assert already_equal({"title": "a"}, current, ours(title="a"), ("title",)) == {}
