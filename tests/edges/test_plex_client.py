"""The Plex client against the simulated server, over real HTTP."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import traceback

import pytest

from plexsync import __version__
from plexsync.edges.plex.client import Cut, PlexClient, Sent, load_client_id
from plexsync.edges.plex.tree import UNREAD
from plexsync.model.errors import (
    ITEM,
    REQUEST,
    WRITE,
    PlexAuthError,
    PlexNotFound,
    PlexPermanentError,
    PlexServerDown,
    PlexTemporaryError,
    SyncError,
)
from plexsync.model.plex import Edit, Part, Target
from simulator.faults import LOGIN_PAGE
from simulator.plex import PlexSim
from tests.world import until

TOKEN = "t0ken-Unmistakable-5f3a"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20


@pytest.fixture
def plex():
    with PlexSim(token=TOKEN) as server:
        server.add_section("Movies", ["/plex/movies"])
        yield server


@pytest.fixture
def make(plex):
    with contextlib.ExitStack() as stack:

        def client(**options):
            token = options.pop("token", TOKEN)
            url = options.pop("url", plex.url)
            made = PlexClient(url, token, "client-uuid", **options)
            stack.callback(made.close)
            return made

        yield client


@pytest.fixture
def client(make):
    return make(connect_timeout=2.0, read_timeout=10.0)


def edit(field, value, remove=(), **more):
    return Edit(field=field, value=value, before="", reason="test", remove=tuple(remove), **more)


def target(plex, key, section="1"):
    return Target(plex.machine, section, key)


def succeeds(ask):
    """Whether Plex answers in time; on a busy machine even a healthy one may not."""
    try:
        ask()
    except PlexServerDown:
        return False
    return True


def puts(plex):
    return [entry for entry in plex.journal if entry.method == "PUT"]


# --- when it connects ------------------------------------------------------------------------


def test_nothing_is_asked_before_it_is_needed(plex, make):
    client = make(url="http://127.0.0.1:1")
    assert (client.requests, plex.journal) == (0, [])


def test_every_request_names_the_same_device_and_keeps_the_token_in_the_header(plex, client):
    key = plex.add_item(1)
    client.check("a test")
    client.write(target(plex, key), [edit("title", "x")])
    client.upload_image(target(plex, key), "poster", PNG)
    client.scan_folder("1", "/plex/movies")
    for entry in plex.journal:
        assert entry.headers["x-plex-client-identifier"] == "client-uuid"
        assert entry.headers["x-plex-product"] == "PlexSync"
        assert entry.headers["x-plex-version"] == __version__
        assert entry.headers["x-plex-device-name"]
        assert entry.headers["x-plex-provides"] == ""
        assert entry.headers["x-plex-token"] == TOKEN
        assert "X-Plex-Token" not in dict(entry.params)


def test_a_plexapi_configuration_cannot_put_the_token_into_the_url(plex, tmp_path):
    """plexapi reads show_secrets at import, so a separate process has to test it."""
    (tmp_path / "config.ini").write_text("[log]\nshow_secrets = true\n[header]\nidentifier = x\n")
    script = (
        "import sys; from plexsync.edges.plex.client import PlexClient\n"
        "PlexClient(sys.argv[1], sys.stdin.read(), 'client-uuid').sections()"
    )
    subprocess.run(
        [sys.executable, "-c", script, plex.url],
        input=TOKEN,
        text=True,
        check=True,
        env={"PLEXAPI_CONFIG_PATH": str(tmp_path / "config.ini"), "PYTHONPATH": "."},
    )
    assert len(plex.journal) == 2
    for entry in plex.journal:
        assert "X-Plex-Token" not in dict(entry.params)
        assert entry.headers["x-plex-client-identifier"] == "client-uuid"


def test_the_device_identity_is_made_once_and_survives_damage(tmp_path):
    path, warnings = str(tmp_path / "device_id.json"), []
    first = load_client_id(path, warnings.append)
    assert load_client_id(path, warnings.append) == first
    for damage in ["", "null", "[]", '{"identifier": 5}', '{"identifier": "x"}', "{"]:
        (tmp_path / "device_id.json").write_text(damage)
        renewed = load_client_id(path)
        assert renewed != first
        assert load_client_id(path) == renewed
    assert warnings == []


# --- which server ----------------------------------------------------------------------------


def test_the_server_is_asked_again_only_after_a_new_connection(plex, client):
    assert client.server_id() == plex.machine
    for _ in range(3):
        client.verify_server()
    assert plex.count(path_prefix="/identity") == 1
    plex.stop()
    plex.start()
    client.sections()
    client.verify_server()
    client.verify_server()
    assert plex.count(path_prefix="/identity") == 2


def test_a_write_that_asks_a_new_connection_who_answers_spares_the_next_write_the_question(
    plex, client
):
    key = plex.add_item(1, title="old")
    wanted = target(plex, key)
    client.write(wanted, [edit("title", "one")])
    client.close()
    for title in ("two", "three"):
        client.write(wanted, [edit("title", title)])
    asked = [(entry.method, entry.path == "/identity") for entry in plex.journal]
    assert asked.count(("GET", True)) == 2
    assert asked[-3:] == [("GET", True), ("PUT", False), ("PUT", False)]


def test_another_server_behind_the_url_is_noticed_before_anything_is_written(plex, client):
    key = plex.add_item(1, title="old")
    wanted = target(plex, key)
    client.server_id()
    plex.stop()
    plex.machine = "f" * 40
    plex.start()
    with pytest.raises(PlexTemporaryError, match="another Plex server"):
        client.write(wanted, [edit("title", "new")])
    assert client.server_id() == "f" * 40
    with pytest.raises(PlexTemporaryError, match="another Plex server"):
        client.write(wanted, [edit("title", "new")])
    with pytest.raises(PlexTemporaryError, match="another Plex server"):
        client.upload_image(wanted, "poster", PNG)
    assert plex.writes() == 0
    assert client.write(target(plex, key), [edit("title", "new")])


def test_a_page_that_is_well_formed_but_not_plex_is_no_server(plex, client):
    plex.add_fault("html", body=b"<MediaContainer size='0'/>", content_type="text/xml")
    with pytest.raises(PlexServerDown, match="not Plex"):
        client.server_id()


# --- libraries and lists ---------------------------------------------------------------------


def test_only_movie_libraries_are_found_and_unknown_names_are_told(plex, client):
    plex.add_section("Shows", ["/plex/shows"], type="show")
    plex.add_section("Clips", ["/plex/clips", "/plex/more"])
    assert [s.title for s in client.sections().found] == ["Movies", "Clips"]
    chosen = client.sections("  cLIPS, Shows, Nope,")
    assert [(s.key, s.locations) for s in chosen.found] == [("3", ("/plex/clips", "/plex/more"))]
    assert chosen.missing == ("Shows", "Nope")
    assert client.sections(" , ").missing == ()


def test_a_list_tells_keys_times_and_files(plex, client):
    one = plex.add_item(1, file="/plex/movies/ü & b.mp4", size=7, added_at=1000)
    two = plex.add_item(1, files=[("/plex/a.mp4", 1), ("/plex/b.mp4", 0)], added_at=2000)
    plex.item(two).deleted_at = 5
    page = client.list_page("1", 0, 10)
    assert page.total == 2
    assert [(i.rating_key, i.added_at, i.deleted) for i in page.items] == [
        (one, 1000, False),
        (two, 2000, True),
    ]
    assert page.items[0].parts == (Part("/plex/movies/ü & b.mp4", 7),)
    assert [part.file for part in page.items[1].parts] == ["/plex/a.mp4", "/plex/b.mp4"]
    assert client.count("1") == 2


def test_a_list_can_be_limited_to_what_is_new(plex, client):
    for added in (1000, 2000, 3000):
        plex.add_item(1, file=f"/plex/{added}.mp4", added_at=added)
    page = client.list_page("1", 0, 10, since=("addedAt", 1999))
    assert [item.added_at for item in page.items] == [2000, 3000]
    assert page.total == 2


def test_a_library_that_is_gone_is_a_temporary_trouble_not_a_missing_item(plex, client):
    for ask in (lambda: client.count("9"), lambda: client.list_page("9", 0, 10)):
        with pytest.raises(PlexTemporaryError) as caught:
            ask()
        assert caught.value.status == 404


# --- items -----------------------------------------------------------------------------------


def test_items_are_whole_with_values_locks_and_files(plex, client):
    key = plex.add_item(
        1,
        files=[("/plex/movies/a.mp4", 5), ("/plex/movies/b.mp4", 6)],
        title="A <title> & more",
        summary="Two\n\nparagraphs",
        studio="S",
        tagline="T",
        date="2024-01-31",
        user_rating=8.0,
        original_title="CODE-1",
        genres=[f"g{n}" for n in range(30)],
        actors=["Ann", "Bob"],
        directors=["Dee"],
        writers=["Wim"],
        labels=["L"],
        content_rating="XXX",
        collections=["C, one"],
        locked=["title", "genre"],
    )
    item = client.items([key])[key]
    assert item.target == target(plex, key)
    assert item.parts == (Part("/plex/movies/a.mp4", 5), Part("/plex/movies/b.mp4", 6))
    assert item.values == {
        "title": "A <title> & more",
        "sort_title": "A <title> & more",  # by which Plex sorts while it has none
        "summary": "Two\n\nparagraphs",
        "studio": "S",
        "tagline": "T",
        "date": "2024-01-31",
        "rating": item.values["rating"],
        "original_title": "CODE-1",
        "performers": ("Ann", "Bob"),
        "tags": tuple(f"g{n}" for n in range(30)),
        "content_rating": "XXX",
        "directors": ("Dee",),
        "writers": ("Wim",),
        "labels": ("L",),
        "collections": ("C, one",),
    }
    assert float(item.values["rating"]) == 8.0
    assert item.locks == {"title", "genre"}
    assert item.thumb.startswith(f"/library/metadata/{key}/thumb/")
    assert (item.art, item.deleted) == ("", False)
    assert item.updated_at > 0


def test_items_are_asked_for_200_at_a_time_and_unknown_ones_are_missing(plex, client):
    keys = [plex.add_item(1, file=f"/plex/{n}.mp4") for n in range(420)]
    client.server_id()
    plex.clear_journal()
    found = client.items([*keys, keys[0], 10_000, -1, 0])
    assert sorted(found) == keys
    assert plex.count("GET", "/library/metadata/") == 3
    assert plex.reads() == 3
    left_out = {dict(entry.params)["excludeElements"] for entry in plex.journal}
    assert left_out == {",".join(UNREAD)}, "what is not read makes most of a real answer"
    plex.clear_journal()
    assert client.items([10_000]) == {}
    assert client.items([]) == {}
    assert plex.reads() == 1


def test_an_item_that_waits_in_the_trash_is_marked(plex, client):
    key = plex.add_item(1)
    plex.item(key).deleted_at = 5
    assert client.items([key])[key].deleted


# --- writing ---------------------------------------------------------------------------------


def test_an_ordinary_item_is_written_with_exactly_one_put(plex, client):
    key = plex.add_item(1, genres=["old", "kept"], collections=["mine"])
    edits = [
        edit("title", "New title"),
        edit("summary", "Words. " * 60),
        edit("studio", "Studio"),
        edit("date", "2024-01-31"),
        edit("rating", "8.0"),
        edit("performers", ("Ann", "Bob")),
        edit("tags", ("kept", *(f"tag {n}" for n in range(20))), remove=["old"]),
        edit("collections", ("mine", "Studio")),
        edit("tagline", "as it is", lock_only=True),
    ]
    assert client.write(target(plex, key), edits) == Sent(tuple(edits))
    assert len(puts(plex)) == 1
    assert puts(plex)[0].line_bytes < 6000
    item = plex.item(key)
    assert (item.title, item.studio, item.userRating) == ("New title", "Studio", 8.0)
    assert item.tags["actor"] == ["Ann", "Bob"]
    assert item.tags["genre"] == ["kept", *(f"tag {n}" for n in range(20))]
    assert item.tags["collection"] == ["mine", "Studio"]
    assert item.tagline == ""
    assert item.locks >= {"title", "summary", "actor", "genre", "collection", "tagline"}


def test_no_other_item_is_touched(plex, client):
    key, other = plex.add_item(1, title="a"), plex.add_item(1, title="b", file="/plex/b.mp4")
    client.write(target(plex, key), [edit("title", "new"), edit("tags", ("x",))])
    assert (plex.item(other).title, plex.item(other).locks) == ("b", set())
    assert puts(plex)[0].get("id") == str(key)


@pytest.mark.parametrize(("key", "section"), [(0, "1"), (-5, "1"), (1, ""), (1, "None"), (1, "1/")])
def test_an_edit_without_an_item_or_library_is_never_sent(plex, client, key, section):
    with pytest.raises(PlexPermanentError):
        client.write(target(plex, key, section), [edit("title", "x")])
    assert plex.writes() == 0


def test_writing_nothing_asks_nothing(plex, client):
    key = plex.add_item(1)
    client.server_id()
    plex.clear_journal()
    assert client.write(target(plex, key), []) == Sent()
    assert client.write(target(plex, key), [edit("poster", "sha1")]) == Sent()
    assert plex.journal == []


HOSTILE = [
    "x&title.value=forged&id=1,2",
    "50% off; a=b #frag ?q=1 +",
    "\"quotes\" 'and' <b>]]></b> &amp; &#0;",
    "日本語 \U0001f469\u200d\U0001f680 é \\ ../../etc/passwd",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_arrives_literally_and_changes_nothing_else(plex, client, text):
    key = plex.add_item(1, title="t", studio="kept", genres=[text + ", old", "other"])
    plex.add_item(1, title="bystander", file="/plex/b.mp4")
    client.write(
        target(plex, key),
        [edit("title", text), edit("tags", (text, "other"), remove=[text + ", old"])],
    )
    item = client.items([key])[key]
    assert item.values["title"] == text
    assert sorted(item.values["tags"]) == sorted([text, "other"])
    assert item.values["studio"] == "kept"
    assert client.items([key + 1])[key + 1].values["title"] == "bystander"


def test_names_with_commas_are_removed_alone(plex, client):
    key = plex.add_item(1, genres=["a", "b", "a, b", "100%, sure"])
    client.write(target(plex, key), [edit("tags", ("a", "b"), remove=["a, b", "100%, sure"])])
    assert plex.item(key).tags["genre"] == ["a", "b"]


def test_lone_surrogates_never_reach_the_wire(plex, client):
    key = plex.add_item(1)
    (sent,) = client.write(target(plex, key), [edit("title", "a\ud800b")]).edits
    assert sent.value == plex.item(key).title == "ab"
    client.scan_folder("1", "/plex/movies/\ud800x")


def test_a_full_list_is_right_also_where_plex_replaces_instead_of_adding(plex, client):
    plex.tag_mode = "replace"
    key = plex.add_item(1, genres=["old", "kept"])
    client.write(target(plex, key), [edit("tags", ("kept", "new"), remove=["old"])])
    assert plex.item(key).tags["genre"] == ["kept", "new"]


def test_a_long_text_goes_whole_where_plex_takes_it(plex, client):
    plex.max_header_bytes = 200_000
    key = plex.add_item(1)
    sent = client.write(target(plex, key), [edit("summary", "字" * 10_000), edit("title", "T")])
    assert plex.item(key).summary == "字" * 10_000
    assert (len(puts(plex)), sent.cut, client.line_limit) == (1, {}, None)


def test_what_was_prepared_is_fitted_to_a_limit_that_was_learned_meanwhile(plex, client):
    plex.max_header_bytes = 6144
    one, two = plex.add_item(1), plex.add_item(1, file="/plex/b.mp4")
    later = [edit("title", "T"), edit("summary", "word " * 2_000)]
    client.prepare(target(plex, two), later)
    assert plex.writes() == 0
    client.write(target(plex, one), [edit("summary", "long " * 2_000)])
    plex.clear_journal()
    sent = client.write(target(plex, two), later)
    assert plex.item(two).summary == {each.field: each for each in sent.edits}["summary"].value
    assert sent.cut["summary"].of == 10_000 > sent.cut["summary"].kept
    assert {entry.status for entry in puts(plex)} == {200}


TOO_LONG = [(size, status) for size in (2500, 6144, 16384) for status in (431, 414, 400, None)]


@pytest.mark.parametrize(("size", "status"), TOO_LONG)
def test_how_long_a_line_may_be_is_learned_once(plex, client, size, status):
    plex.max_header_bytes, plex.too_long_status = size, status
    one, two = plex.add_item(1), plex.add_item(1, file="/plex/b.mp4")
    wanted = [
        edit("title", "T"),
        edit("summary", "字" * 9_000, desired_hash="hash"),
        edit("tags", ("a",)),
    ]
    sent = client.write(target(plex, one), wanted)
    by_field = {each.field: each for each in sent.edits}
    summary = by_field["summary"]
    assert plex.item(one).summary == summary.value == "字" * len(summary.value)
    assert sent.cut == {"summary": Cut(len(summary.value), 9_000)}
    assert summary.desired_hash == "hash"
    assert (plex.item(one).title, plex.item(one).tags["genre"]) == ("T", ["a"])
    limit = client.line_limit
    assert size - 700 < limit < size
    assert len(summary.value) * 9 > limit - 400, "not cut more than it must be"
    assert len(puts(plex)) == 3
    plex.clear_journal()
    client.write(target(plex, two), wanted)
    assert {entry.status for entry in plex.journal} == {200}
    assert len(puts(plex)) == 2
    assert client.line_limit == limit


def test_a_reset_that_is_no_matter_of_length_teaches_nothing(plex, client):
    key = plex.add_item(1)
    plex.max_header_bytes = 100_000
    plex.add_fault("reset", times=1, match="PUT")
    with pytest.raises(PlexServerDown):
        client.write(target(plex, key), [edit("summary", "word " * 1000)])
    assert client.line_limit is None
    client.write(target(plex, key), [edit("summary", "word " * 1000)])
    assert client.line_limit is None


def test_a_server_that_dies_over_a_long_line_teaches_nothing(plex, client):
    key = plex.add_item(1)
    client.server_id()
    plex.add_fault("reset")
    with pytest.raises(PlexServerDown):
        client.write(target(plex, key), [edit("summary", "word " * 1000)])
    assert client.line_limit is None


def test_many_long_names_are_split_over_requests_that_plex_takes(plex, client):
    key = plex.add_item(1, genres=[f"alt {n}, {'ä' * 30}" for n in range(50)])
    wanted = tuple(f"név {n} {'ő' * 40}" for n in range(60))
    old = tuple(plex.item(key).tags["genre"])
    sent = client.write(target(plex, key), [edit("tags", wanted, remove=old), edit("title", "T")])
    assert plex.item(key).tags["genre"] == list(wanted)
    assert sent.torn == {"tags"}
    assert [entry.status for entry in puts(plex)].count(431) == 1


def test_where_plex_replaces_a_list_is_never_torn_once_that_is_known(plex, client):
    plex.tag_mode = "replace"
    key = plex.add_item(1, genres=["old"])
    wanted = tuple(f"név {n} {'ő' * 40}" for n in range(60))
    assert client.write(target(plex, key), [edit("tags", wanted)]).torn
    assert plex.item(key).tags["genre"] != list(wanted)
    client.replaces_lists()
    sent = client.write(target(plex, key), [edit("tags", wanted, remove=["old"])])
    assert not sent.torn
    assert plex.item(key).tags["genre"] == list(sent.edits[0].value) == list(wanted[:27])
    assert sent.cut == {"tags": Cut(27, 60)}


@pytest.mark.parametrize("status", [431, 414])
def test_an_edit_that_is_always_too_long_ends_as_permanent(plex, client, status):
    key = plex.add_item(1)
    plex.add_fault("status", status=status, match="PUT")
    with pytest.raises(PlexPermanentError) as caught:
        client.write(target(plex, key), [edit("summary", "word " * 1000)])
    assert caught.value.status == status
    assert len(puts(plex)) < 7
    assert client.line_limit is None


# --- refusals --------------------------------------------------------------------------------

EVERYTHING = [
    edit("title", "T"),
    edit("summary", "Words."),
    edit("studio", "S"),
    edit("tags", ("a", "b")),
    edit("date", "2024-01-31"),
]


def test_where_the_library_takes_no_edits_the_item_does_and_that_is_remembered(plex, client):
    plex.section_edits = False
    keys = [plex.add_item(1, file=f"/plex/{n}.mp4") for n in range(20)]
    for key in keys:
        assert client.write(target(plex, key), EVERYTHING) == Sent(tuple(EVERYTHING))
    assert {plex.item(key).title for key in keys} == {"T"}
    assert len(puts(plex)) == 21
    assert {entry.path for entry in puts(plex)[1:]} == {f"/library/metadata/{key}" for key in keys}


@pytest.mark.parametrize("words", [1, 500])
def test_a_field_that_is_refused_alone_costs_only_itself(plex, client, words):
    plex.max_header_bytes = 100_000
    plex.refused_fields = frozenset({"studio", "genre"})
    key = plex.add_item(1)
    edits = [edit("summary", "Words. " * words) if e.field == "summary" else e for e in EVERYTHING]
    sent = client.write(target(plex, key), edits)
    assert [each.field for each in sent.edits] == ["title", "summary", "date"]
    assert set(sent.refused) == {"studio", "tags"}
    assert "400" in sent.refused["studio"]
    item = plex.item(key)
    assert (item.title, item.studio, item.genre) == ("T", "", [])
    assert item.originallyAvailableAt == "2024-01-31"
    assert item.summary == ("Words. " * words)


def test_the_only_field_is_refused_when_the_item_takes_an_edit_of_nothing(plex, client):
    plex.refused_fields = frozenset({"summary"})
    key = plex.add_item(1, title="mine", locked=["title"])
    other = plex.add_item(1, title="theirs", file="/plex/b.mp4")
    for each in (key, other):
        sent = client.write(target(plex, each), [edit("summary", "x")])
        assert (sent.edits, set(sent.refused)) == ((), {"summary"})
    assert (plex.item(key).title, plex.item(key).locks) == ("mine", {"title"})
    assert (plex.item(other).title, plex.item(other).locks) == ("theirs", set())


@pytest.mark.parametrize("status", [400, 404, 405, 406, 413])
def test_an_item_that_takes_no_edit_at_all_has_no_field_to_blame(plex, client, status):
    key = plex.add_item(1)
    plex.add_fault("status", status=status, match="PUT")
    with pytest.raises(PlexPermanentError) as caught:
        client.write(target(plex, key), EVERYTHING)
    assert caught.value.status == status
    assert len(puts(plex)) == 4


def test_what_a_sick_server_refuses_is_not_tried_in_pieces(plex, client):
    key = plex.add_item(1)
    client.server_id()
    plex.add_fault("status", status=400)
    with pytest.raises(SyncError):
        client.write(target(plex, key), EVERYTHING)
    assert len(puts(plex)) == 1


# --- images and scans ------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "uploaded"), [("poster", "posters"), ("background", "arts")])
def test_an_uploaded_image_is_selected(plex, client, field, uploaded):
    key = plex.add_item(1)
    before = client.selected_image(target(plex, key), field)
    client.upload_image(target(plex, key), field, PNG)
    after = client.selected_image(target(plex, key), field)
    assert before != after
    (sha1,) = getattr(plex.item(key), uploaded)
    assert after.endswith(sha1)


def test_images_that_plex_would_choke_on_are_not_sent(plex, client):
    key = plex.add_item(1)
    for data in (b"", b"x" * 10_000_001):
        assert f"it has {len(data)} bytes" in client.upload_image(target(plex, key), "poster", data)
    assert plex.writes() == 0


@pytest.mark.parametrize("status", [400, 406, 413, 415, 422])
def test_an_image_that_a_healthy_plex_refuses_is_refused_in_its_words(plex, client, status):
    key = plex.add_item(1)
    assert client.upload_image(target(plex, key), "poster", PNG) == ""
    plex.add_fault("status", status=status, match="POST")
    assert str(status) in client.upload_image(target(plex, key), "poster", PNG)
    plex.add_fault("html")
    with pytest.raises(SyncError):
        client.upload_image(target(plex, key), "poster", PNG)


def test_the_image_of_an_item_that_is_gone(plex, client):
    with pytest.raises(PlexNotFound):
        client.selected_image(target(plex, 99), "poster")
    with pytest.raises(PlexPermanentError) as caught:
        client.upload_image(target(plex, 99), "poster", PNG)
    assert caught.value.status == 404


def test_a_scan_names_the_folder_literally(plex, client):
    client.scan_folder("1", "/plex/movies/a b & c=d%20 é")
    (asked,) = [entry for entry in plex.journal if entry.path.endswith("/refresh")]
    assert asked.params == [("path", "/plex/movies/a b & c=d%20 é")]
    for folder in ("", "  "):
        with pytest.raises(PlexPermanentError):
            client.scan_folder("1", folder)


# --- classification of answers ---------------------------------------------------------------

REFUSED, BUSY = [400, 405, 409, 413, 414, 422, 431], [408, 425, 429, 500, 501, 507, 520, 599]
READS = {
    **dict.fromkeys([401, 403], PlexAuthError),
    **dict.fromkeys([*REFUSED, *BUSY], PlexTemporaryError),
    **dict.fromkeys([302, 502, 503, 504], PlexServerDown),
}
WRITES = {**READS, **dict.fromkeys(REFUSED, PlexPermanentError)}


@pytest.mark.parametrize("status", READS)
def test_a_status_means_something_and_says_whose_fault_it_may_be(plex, client, status):
    key = plex.add_item(1)
    client.server_id()
    plex.add_fault("status", status=status)
    for ask, kinds, fault in (
        (lambda: client.items([key]), READS, ITEM),
        (client.sections, READS, REQUEST),
        (lambda: client.scan_folder("1", "/plex"), WRITES, REQUEST),
        (lambda: client.write(target(plex, key), [edit("title", "x")]), WRITES, WRITE),
    ):
        with pytest.raises(SyncError) as caught:
            ask()
        assert (type(caught.value), caught.value.fault) == (kinds[status], fault)
        assert caught.value.status == status
        assert str(status) in caught.value.message or status == 302


@pytest.mark.parametrize("status", [301, 400, 401, 404, 406, 500, 502, 521, 530])
def test_what_is_not_plexs_own_is_never_about_an_item(plex, client, status):
    key = plex.add_item(1)
    client.server_id()
    answers = client.answers
    plex.add_fault("status", status=status, foreign=True)
    with pytest.raises(SyncError) as caught:
        client.items([key])
    kind = PlexAuthError if status == 401 else PlexServerDown
    assert (type(caught.value), caught.value.fault) == (kind, ITEM)
    with pytest.raises(SyncError) as caught:
        client.write(target(plex, key), [edit("title", "x")])
    assert caught.value.fault == WRITE
    assert client.answers == answers, "no sign of Plex"


def test_a_redirect_says_where_it_points_and_is_not_followed(plex, client):
    client.server_id()
    plex.clear_journal()
    plex.add_fault("redirect", location="https://user:pw@sso.example:444/login?rd=secret#x")
    with pytest.raises(PlexServerDown) as caught:
        client.sections()
    assert caught.value.message == (
        "what answers at Plex URL is not Plex: it redirects to https://sso.example:444/login"
    )
    assert caught.value.cause == "redirect"
    assert len(plex.journal) == 1


def test_404_is_no_item_for_a_read_and_for_a_write_a_reason_to_look_again(plex, client):
    plex.unknown_id = "404"
    client.server_id()
    assert client.items([99]) == {}
    with pytest.raises(PlexTemporaryError, match="no longer in Plex") as caught:
        client.write(target(plex, 99), [edit("title", "x")])
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("sent", "wait"),
    [("7", 7.0), ("7.5", 7.5), ("100000", 600.0), ("-5", 0.0), ("soon", None), ("nan", None)]
    + [("Thu, 01 Jan 1970 00:02:00 GMT", 20.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_kept_within_10_minutes(plex, make, sent, wait):
    client = make(now=lambda: 100.0)
    client.server_id()
    plex.add_fault("status", status=429, retry_after=sent)
    with pytest.raises(PlexTemporaryError) as caught:
        client.sections()
    assert caught.value.retry_after == wait


def test_html_with_status_200_is_never_taken_for_plex(plex, client):
    key = plex.add_item(1)
    client.server_id()
    plex.add_fault("html")
    for ask in (
        client.sections,
        lambda: client.list_page("1", 0, 10),
        lambda: client.items([key]),
        lambda: client.write(target(plex, key), [edit("title", "x")]),
        lambda: client.upload_image(target(plex, key), "poster", PNG),
    ):
        with pytest.raises(PlexServerDown, match="not Plex.*Please sign in") as caught:
            ask()
        assert caught.value.cause == "web page"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"<html/>", "web page"),
        (LOGIN_PAGE, "web page"),
        (b"{}", "foreign"),
        (b"\xff\xfe", "foreign"),
    ]
    + [(b"<Response code='200'/>", "foreign"), (b"<MediaContainer", "foreign")]
    + [(b"<!DOCTYPE x [<!ENTITY a ''>]><MediaContainer>&a;</MediaContainer>", "foreign")],
)
def test_a_body_that_is_not_plexs_xml_is_not_plex(plex, client, body, cause):
    client.server_id()
    plex.add_fault("html", body=body, content_type="text/xml")
    with pytest.raises(PlexServerDown, match="not Plex") as caught:
        client.sections()
    assert caught.value.cause == cause


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_is_a_temporary_trouble(plex, client, body):
    client.server_id()
    plex.add_fault("html", body=body, content_type="text/xml")
    with pytest.raises(PlexTemporaryError) as caught:
        client.sections()
    assert (caught.value.cause, caught.value.fault) == ("body", REQUEST)


@pytest.mark.parametrize("honest", [True, False])
def test_a_cut_body_is_a_temporary_trouble(plex, client, honest):
    plex.add_item(1)
    client.server_id()
    plex.add_fault("cut", honest=honest)
    with pytest.raises(PlexTemporaryError) as caught:
        client.list_page("1", 0, 10)
    assert caught.value.cause == "body"


def test_an_xml_bomb_is_an_error(plex, client):
    entities = '<!ENTITY a0 "lol">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )
    bomb = f"<?xml version='1.0'?><!DOCTYPE x [{entities}]><MediaContainer>&a11;</MediaContainer>"
    client.server_id()
    plex.add_fault("html", body=bomb.encode(), content_type="text/xml")
    with pytest.raises(PlexServerDown):
        client.sections()


def test_a_body_without_end_is_an_error(plex, client):
    client.server_id()
    plex.add_fault("html", body=b"<MediaContainer>" + b" " * 20_000_000, content_type="text/xml")
    with pytest.raises(PlexTemporaryError, match="larger than"):
        client.sections()


def test_control_characters_in_an_answer_do_not_spoil_it(plex, client):
    plex.add_fault(
        "html",
        match="/library/sections",
        body=b'<MediaContainer><Directory key="4" type="movie" title="a\x01b"/></MediaContainer>',
        content_type="text/xml",
    )
    assert [s.title for s in client.sections().found] == ["ab"]


# --- no answer -------------------------------------------------------------------------------


def test_a_stopped_server_is_down_and_a_started_one_is_not(plex, client):
    plex.stop()
    with pytest.raises(PlexServerDown) as caught:
        client.sections()
    assert caught.value.cause == "refused"
    plex.start()
    assert client.sections().found


@pytest.mark.parametrize("kind", ["hang", "drip"])
@pytest.mark.parametrize("match", ["GET", "PUT"])
def test_a_hanging_or_dripping_server_is_cut_by_the_deadline(plex, make, kind, match):
    key = plex.add_item(1)
    client = make(read_timeout=0.8)
    until(lambda: succeeds(client.server_id))
    plex.add_fault(kind, match=match, **({"every": 0.1} if kind == "drip" else {}))
    ask = {
        "GET": lambda: client.items([key]),
        "PUT": lambda: client.write(target(plex, key), [edit("title", "x")]),
    }[match]
    with pytest.raises(PlexServerDown) as caught:
        ask()
    assert caught.value.cause == "timeout"
    plex.clear_faults()
    until(lambda: succeeds(ask))


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_reset_is_down_and_repeating_the_edit_is_right(plex, client, at):
    key = plex.add_item(1)
    client.server_id()
    plex.add_fault("reset", times=1, match="PUT", at=at)
    edits = [edit("title", "x"), edit("tags", ("a", "b"))]
    with pytest.raises(PlexServerDown) as caught:
        client.write(target(plex, key), edits)
    assert caught.value.cause == "reset"
    client.write(target(plex, key), edits)
    assert plex.item(key).tags["genre"] == ["a", "b"]


@pytest.mark.parametrize("token", ["", "wrong", "line\nbreak", "eur\u20ac"])
def test_a_bad_token_is_a_matter_for_a_person(plex, make, token):
    client = make(token=token)
    with pytest.raises(PlexAuthError):
        client.sections()
    assert "token" in client.check("a test").detail


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "ftp://plex", "http://[::1"])
def test_an_address_that_is_none_is_down(make, url):
    with pytest.raises(PlexServerDown):
        make(url=url).sections()


# --- health ----------------------------------------------------------------------------------


def test_health_during_a_restart_is_healthy_only_at_the_end(plex, make):
    client = make()
    states = []
    plex.stop()
    states.append(client.check("a test").state)
    plex.start()
    for kind, options in [
        ("starting", {}),
        ("starting", {"identity": 503}),
        ("status", {"status": 502}),
        ("status", {"status": 500}),
        ("html", {}),
        ("empty", {}),
        ("unauthorized", {"match": "/library"}),
    ]:
        plex.add_fault(kind, **options)
        states.append(client.check("a test").state)
        plex.clear_faults()
    states.append(client.check("a test").state)
    assert states == [
        "down",
        "starting",
        "starting",
        "down",
        "failing",
        "not Plex",
        "failing",
        "unauthorised",
        "healthy",
    ]


def test_health_tells_what_plex_says(plex, client):
    plex.add_fault("starting")
    health = client.check("a test")
    assert "startup maintenance" in health.detail
    assert health.latency >= 0


def test_identity_alone_does_not_make_plex_healthy(plex, make):
    assert make(token="wrong").check("a test").state == "unauthorised"
    plex.add_fault("hang", match=lambda r: r.path.endswith("/all"))
    assert make().check("a test", deadline=0.3).state == "down"


def test_a_plex_without_libraries_is_healthy():
    with PlexSim(token=TOKEN) as empty, contextlib.closing(PlexClient(empty.url, TOKEN, "c")) as c:
        assert c.check("a test").state == "healthy"


@pytest.mark.parametrize(
    "path", ["/identity", "/library/sections", "/library/sections/1/all", "/status/sessions"]
)
def test_each_request_of_a_check_has_the_checks_own_deadline(plex, make, path):
    fault = plex.add_fault("hang", match=lambda request: request.path == path)
    too_late = threading.Timer(10.0, fault.remove)
    too_late.start()
    health = make(read_timeout=60.0).check("a test", to_write=True, deadline=0.3)
    too_late.cancel()
    assert health.state == "down"


# --- several threads -------------------------------------------------------------------------


@pytest.mark.parametrize("connections", [1, 2, 4])
def test_never_more_requests_in_flight_than_allowed(plex, make, connections):
    client = make(connections=connections)
    keys = [plex.add_item(1, file=f"/plex/{n}.mp4") for n in range(24)]
    plex.latency = 0.01
    problems = []

    def work(mine):
        try:
            for key in mine:
                client.items([key])
                client.write(target(plex, key), [edit("title", f"t{key}"), edit("tags", ("a",))])
        except Exception as problem:  # noqa: BLE001
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(keys[n::6],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert plex.max_in_flight() == connections
    assert all(plex.item(key).title == f"t{key}" for key in keys)
    assert len(puts(plex)) == len(keys)


def test_connections_are_kept_and_used_again(plex, client):
    for _ in range(10):
        client.sections()
    assert client.requests == len(plex.journal) == 11
    assert client.received > 0
    assert client._session.opened == 1


# --- secrets ---------------------------------------------------------------------------------


@pytest.mark.long
def test_no_trouble_of_any_kind_tells_the_token_or_a_query(plex, make):
    echo = f"<html>GET /x?X-Plex-Token={TOKEN}&a=b {TOKEN} {'y' * 900}</html>".encode()
    key = plex.add_item(1)
    texts = []
    for kind, options in [
        ("hang", {}),
        ("drip", {}),
        ("reset", {}),
        ("cut", {}),
        ("html", {"body": echo}),
        *(("status", {"status": status, "body": echo}) for status in (400, 401, 404, 500, 503)),
        *(("status", {"status": status, "body": echo}) for status in (302, 431, 429)),
    ]:
        client = make(read_timeout=0.5, url=plex.url.replace("//", f"//user:{TOKEN}@"))
        until(lambda: succeeds(client.server_id))  # noqa: B023 - it is over before the next one
        plex.add_fault(kind, **options)
        for ask in (
            client.sections,
            lambda client=client: client.write(target(plex, key), [edit("title", "secret title")]),
            lambda client=client: client.upload_image(target(plex, key), "poster", PNG),
        ):
            try:
                ask()
            except SyncError as problem:
                texts.append(traceback.format_exc())
                assert "\n" not in problem.message
                assert len(problem.message) < 330
        texts.append(client.check("a test", deadline=0.2).detail)
        plex.clear_faults()
    assert len(texts) > 40
    for text in texts:
        assert TOKEN not in text
        assert "secret title" not in text.replace('secret title")]),', "")
        assert "X-Plex-Token=" not in text
