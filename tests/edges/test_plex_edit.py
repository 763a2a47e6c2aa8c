"""Edits as query strings: what a server decodes, and the length of the request lines."""

from __future__ import annotations

import random
from urllib.parse import parse_qsl, unquote

import pytest

from plexsync.edges.plex.edits import Cut, fit, is_torn, queries
from plexsync.model.plex import Edit

ROOM = 5900


def edit(field, value, remove=(), **more):
    return Edit(field=field, value=value, before="", reason="test", remove=tuple(remove), **more)


def encode(edits, room=ROOM):
    sent, _ = fit(edits, room)
    return queries(sent, room)


def decode(query):
    """The query as a server decodes it: name -> value, each name once."""
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def names_in(parameters, tag):
    return [value for name, value in parameters.items() if name.startswith(f"{tag}[")]


# --- one request -----------------------------------------------------------------------------


def test_everything_of_an_ordinary_item_goes_in_one_request():
    edits = [
        edit("title", "A title"),
        edit("summary", "Some text. " * 40),
        edit("studio", "Studio"),
        edit("date", "2024-01-31"),
        edit("performers", [f"Performer {n}" for n in range(5)]),
        edit("tags", [f"Tag {n}" for n in range(20)], remove=["Old"]),
        edit("collections", ["Studio"]),
    ]
    (query,) = encode(edits)
    sent = decode(query)
    assert sent["title.value"] == "A title"
    assert sent["originallyAvailableAt.value"] == "2024-01-31"
    assert sent["actor[4].tag.tag"] == "Performer 4"
    assert sent["genre[19].tag.tag"] == "Tag 19"
    assert sent["genre[].tag.tag-"] == "Old"
    locks = {name for name in sent if name.endswith(".locked")}
    assert locks == {
        f"{name}.locked"
        for name in [
            "title",
            "summary",
            "studio",
            "originallyAvailableAt",
            "actor",
            "genre",
            "collection",
        ]
    }
    assert all(sent[name] == "1" for name in locks)


def test_an_edit_of_the_lock_alone_sends_no_value():
    assert encode([edit("title", "x", lock_only=True), edit("tags", ["a"], lock_only=True)]) == [
        "title.locked=1&genre.locked=1"
    ]
    assert encode([edit("poster", "", lock_only=True)]) == ["thumb.locked=1"]


def test_an_empty_text_unsets_and_an_empty_list_only_removes_what_is_named():
    assert decode(encode([edit("studio", "")])[0]) == {"studio.value": "", "studio.locked": "1"}
    sent = decode(encode([edit("tags", [], remove=["a", "b"])])[0])
    assert sent == {"genre.locked": "1", "genre[].tag.tag-": "a,b"}


def test_nothing_to_edit_is_no_request():
    assert encode([]) == []
    assert encode([edit("poster", "sha1")]) == []


def test_the_whole_list_of_a_kind_is_never_cleared():
    for query in encode([edit("tags", [], remove=["a"]), edit("performers", [])]):
        assert not any(name.endswith("[].tag") for name in decode(query))


# --- hostile text ----------------------------------------------------------------------------

HOSTILE = [
    "x&title.value=forged",
    "a=b&id=1,2,3",
    "50% off; drop",
    "%26%3D%25",
    "\"quotes\" and 'quotes'",
    "<b>]]></b>",
    "#fragment?query=1",
    "plus + and space",
    "new\nline and \\ back/slash",
    "日本語 \U0001f469\u200d\U0001f680 é",
    "../../etc/passwd",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_arrives_literally_and_touches_no_other_field(text):
    sent = decode(encode([edit("title", text), edit("tags", [text, "b"], remove=[text + ","])])[0])
    assert sent.pop("title.value") == text
    assert sent.pop("genre[0].tag.tag") == text
    assert unquote(sent.pop("genre[].tag.tag-")) == text + ","
    assert sent == {"title.locked": "1", "genre.locked": "1", "genre[1].tag.tag": "b"}


def test_names_with_commas_are_removed_as_one_name():
    sent = decode(encode([edit("tags", [], remove=["Doe, John", "plain", "100%"])])[0])
    parts = sent["genre[].tag.tag-"].split(",")
    assert [unquote(part) for part in parts] == ["Doe, John", "plain", "100%"]


def test_lone_surrogates_are_left_out_and_the_edit_says_so():
    (kept, tags), short = fit(
        [edit("title", "a\ud800b"), edit("tags", ["x\udfff", "\udc00"])], ROOM
    )
    assert (kept.value, tags.value, short) == ("ab", ("x",), {})
    assert queries([kept, tags], ROOM)


# --- splitting -------------------------------------------------------------------------------


def many_edits(rng):
    return [
        edit("title", "T" * rng.randrange(255)),
        edit("summary", "字" * rng.randrange(2000)),
        edit("performers", [f"名前 {n} é" for n in range(rng.randrange(60))]),
        edit("tags", [f"tag {n} {'x' * rng.randrange(200)}" for n in range(rng.randrange(120))]),
        edit("directors", ["Somebody"], remove=[f"old, {n}" for n in range(rng.randrange(80))]),
    ]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("room", [5900, 2900, 700])
def test_however_it_is_split_every_request_is_short_and_nothing_is_lost(seed, room):
    edits = many_edits(random.Random(seed))
    sent, _ = fit(edits, room)
    seen = {"actor": [], "genre": [], "director": []}
    removed, values, locks = [], {}, set()
    for query in queries(sent, room):
        assert len(query) <= room
        parameters = decode(query)
        for tag in seen:
            removed += map(
                unquote, filter(None, parameters.pop(f"{tag}[].tag.tag-", "").split(","))
            )
            seen[tag] += names_in(parameters, tag)
        locks |= {name for name in parameters if name.endswith(".locked")}
        values |= {name: value for name, value in parameters.items() if name.endswith(".value")}
    by_field = {edit.field: edit for edit in sent}
    assert seen["actor"] == list(by_field["performers"].value)
    assert seen["genre"] == list(by_field["tags"].value)
    assert sorted(removed) == sorted(by_field["directors"].remove)
    assert values == {"title.value": sent[0].value, "summary.value": sent[1].value}
    assert len(locks) == 5


def test_a_split_sends_scalar_fields_first_then_names_and_removals_last():
    edits = [
        edit("tags", [f"tag {n} {'x' * 60}" for n in range(100)], remove=["gone"]),
        edit("performers", ["Somebody"]),
        edit("title", "T"),
    ]
    split = [decode(query) for query in encode(edits)]
    assert len(split) > 1
    assert "title.value" in split[0]
    assert [query for query in split if "genre[].tag.tag-" in query] == [split[-1]]


def test_a_long_summary_goes_in_a_request_of_its_own():
    edits = [edit("title", "T"), edit("summary", "x" * 5000), edit("tags", ["t" * 200] * 10)]
    split = [decode(query) for query in encode(edits)]
    alone = next(query for query in split if "summary.value" in query)
    assert set(alone) == {"summary.value", "summary.locked"}
    assert len(alone["summary.value"]) == 5000


def test_a_list_is_torn_only_where_no_request_can_hold_it():
    tags = edit("tags", [f"tag {n} {'x' * 30}" for n in range(60)])
    people = edit("performers", [f"somebody {n}" for n in range(60)])
    assert not is_torn(tags, ROOM)
    whole = [decode(query) for query in encode([tags, people, edit("summary", "x" * 2500)])]
    assert len(whole) == 3
    assert sorted(len(names_in(q, "genre")) for q in whole) == [0, 0, 60]
    assert sorted(len(names_in(q, "actor")) for q in whole) == [0, 0, 60]
    assert is_torn(tags, 2000)
    assert not is_torn(tags, None)


def test_where_plex_replaces_a_list_keeps_what_one_request_holds():
    (kept,), short = fit(
        [edit("tags", [f"tag {n}" for n in range(200)], remove=["old"])], 1000, whole_lists=True
    )
    assert kept.value == tuple(f"tag {n}" for n in range(len(kept.value)))
    assert short == {"tags": Cut(len(kept.value), 200)}
    assert kept.remove == ("old",)
    assert not is_torn(kept, 1000)
    added = [query for query in queries([kept], 1000) if names_in(decode(query), "genre")[:-1]]
    assert len(added) == 1


def test_without_a_limit_everything_goes_in_one_request():
    (query,) = encode([edit("summary", "字" * 10_000), edit("tags", ["x" * 255] * 100)], None)
    assert len(query) > 100_000


def test_indexes_begin_at_0_in_every_request():
    for query in encode([edit("tags", [f"tag {n} {'x' * 60}" for n in range(100)])]):
        sent = decode(query)
        count = len(names_in(sent, "genre"))
        assert all(f"genre[{n}].tag.tag" in sent for n in range(count))


# --- cutting ---------------------------------------------------------------------------------


def test_a_text_that_no_request_holds_is_cut_by_its_encoded_length():
    (kept,), short = fit([edit("summary", "字" * 10_000, desired_hash="hash")], ROOM)
    assert short == {"summary": Cut(len(kept.value), 10_000)}
    assert kept.value == "字" * len(kept.value)
    assert kept.desired_hash == "hash"
    (query,) = queries([kept], ROOM)
    assert ROOM - 9 < len(query) <= ROOM


def test_a_text_of_the_same_length_in_ascii_is_cut_less():
    (kept,), short = fit([edit("summary", "x" * 10_000)], ROOM)
    assert short == {"summary": Cut(len(kept.value), 10_000)}
    assert len(kept.value) > 5800


def test_a_name_that_no_request_holds_is_left_out_and_named():
    (kept,), short = fit([edit("tags", ["字" * 255, "short"], remove=["字" * 255])], 700)
    assert (kept.value, kept.remove, short) == (("short",), (), {"tags": Cut(1, 2)})


def test_the_longest_names_plex_takes_fit_ordinary_requests():
    name = "\U0001f600" * 255
    (kept,), short = fit([edit("tags", [name], remove=[name + "x"])], ROOM)
    assert (kept.value, kept.remove, short) == ((name,), (name + "x",), {})
    assert all(len(query) <= ROOM for query in queries([kept], ROOM))


def test_what_is_not_text_is_not_cut():
    edits = [edit("poster", "x" * 9000), edit("title", "x" * 9000, lock_only=True)]
    kept, short = fit(edits, ROOM)
    assert short == {}
    assert [e.field for e in kept] == ["title"]
