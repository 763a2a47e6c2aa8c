"""Edits in the simulated Plex: fields, locks, tags, and what is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from urllib.parse import quote

import pytest
import requests

from simulator.plex import PlexSim


@pytest.fixture
def plex():
    with PlexSim() as sim:
        sim.add_section("Movies", ["/plex"])
        yield sim


@pytest.fixture
def ask(plex):
    with requests.Session() as session:
        session.trust_env = False
        session.headers["X-Plex-Token"] = plex.token

        def send(method: str, path: str, **kwargs) -> requests.Response:
            return session.request(method, plex.url + path, timeout=10, **kwargs)

        yield send


@pytest.fixture
def edit(plex, ask):
    """Edit item 1 with raw parameters; gives the status."""
    plex.add_item(1, "/plex/a.mp4", title="Old", genres=["Drama", "Comedy"], summary="words")

    def put(query: str) -> int:
        return ask("PUT", f"/library/sections/1/all?type=1&id=1&{query}").status_code

    return put


def test_a_value_and_its_lock_are_set_and_the_answer_is_empty(plex, ask, edit):
    answer = ask("PUT", "/library/sections/1/all?type=1&id=1&title.value=New&title.locked=1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert plex.item(1).title == "New"
    assert plex.item(1).locks == {"title"}
    assert edit("title.locked=0") == 200
    assert (plex.item(1).title, plex.item(1).locks) == ("New", set())


def test_a_value_without_a_lock_leaves_the_lock_as_it_is(plex, edit):
    edit("studio.value=S&studio.locked=1")
    edit("studio.value=T")
    assert (plex.item(1).studio, plex.item(1).locks) == ("T", {"studio"})


def test_an_edit_bumps_the_time_in_whole_seconds(plex, edit):
    plex.clock = lambda: 4_000_000_000.9
    edit("tagline.value=T")
    assert plex.item(1).updated_at == 4_000_000_000


def test_without_an_id_the_whole_section_is_edited(plex, ask, edit):
    plex.add_item(1, "/plex/b.mp4")
    elsewhere = plex.add_item(plex.add_section("Other", ["/o"]), "/o/c.mp4")
    for query in ("type=1&thumb.locked=1", "type=1&id=&art.locked=1"):
        assert ask("PUT", f"/library/sections/1/all?{query}").status_code == 200
    assert plex.item(1).locks == plex.item(2).locks == {"thumb", "art"}
    assert plex.item(elsewhere).locks == set()


def test_several_items_get_the_same_values_either_way(plex, ask):
    for n in range(3):
        plex.add_item(1, f"/plex/{n}.mp4")
    ask("PUT", "/library/sections/1/all?type=1&id=1,3&studio.value=A")
    ask("PUT", "/library/metadata/2,3?tagline.value=B")
    assert [item.studio for item in plex.items()] == ["A", "", "A"]
    assert [item.tagline for item in plex.items()] == ["", "B", "B"]
    assert ask("PUT", "/library/metadata/99?title.value=x").status_code == 404


def test_an_unknown_id_matches_nothing_or_is_404_by_switch(plex, ask):
    path = "/library/sections/1/all?type=1&id=99&title.value=x"
    assert ask("PUT", path).status_code == 200
    plex.unknown_id = "404"
    assert ask("PUT", path).status_code == 404


def test_an_empty_string_unsets_but_a_summary_stays_empty(plex, ask, edit):
    edit("studio.value=S&originalTitle.value=O&originallyAvailableAt.value=2020-01-02")
    edit("studio.value=&originalTitle.value=&originallyAvailableAt.value=&summary.value=")
    text = ask("GET", "/library/metadata/1").text
    assert 'summary=""' in text
    for gone in ("studio=", "originalTitle=", "originallyAvailableAt="):
        assert gone not in text
    assert 'year="2020"' in text, "it came with the date, and does not go with it"
    edit("year.value=")
    assert "year=" not in ask("GET", "/library/metadata/1").text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("sortTitle.value=x", 400),
        ("nonsense.locked=1", 400),
        ("genre.value=x", 400),
        ("role[0].tag.tag=x", 400),
        ("originallyAvailableAt.value=2020", 500),
        ("originallyAvailableAt.value=2020-02-30", 500),
        ("userRating.value=good", 500),
        ("addedAt.value=today", 500),
        ("title.locked=yes", 500),
    ],
)
def test_what_is_wrong_takes_the_whole_edit_down(plex, edit, query, status):
    assert edit(f"title.value=New&{query}") == status
    assert plex.item(1).title == "Old"


def test_unknown_names_can_be_ignored_by_switch(plex, edit):
    plex.unknown_field = "ignore"
    assert edit("sortTitle.value=x&role[0].tag.tag=y&title.value=New") == 200
    assert (plex.item(1).title, plex.item(1).actor) == ("New", [])


def test_an_edition_title_needs_a_plex_pass(plex, edit):
    assert edit("editionTitle.value=x") == 200
    plex.plex_pass = False
    assert edit("editionTitle.value=y&title.value=z") == 400
    assert plex.item(1).title == "Old"


def test_a_rating_is_shown_with_a_decimal(plex, ask, edit):
    edit("userRating.value=8")
    assert 'userRating="8.0"' in ask("GET", "/library/metadata/1").text
    edit("userRating.value=")
    assert plex.item(1).userRating is None


def test_the_rate_endpoint_is_the_same_rating(plex, ask, edit):
    rate = "/:/rate?identifier=com.plexapp.plugins.library&key=1&rating="
    assert ask("PUT", f"{rate}7").status_code == 200
    assert plex.item(1).userRating == 7.0
    assert plex.item(1).last_rated_at
    assert plex.item(1).locks == set()
    for wrong in ("11", "x", ""):
        assert ask("PUT", rate + wrong).status_code == 400
    ask("PUT", f"{rate}-1")
    assert plex.item(1).userRating is None


def test_indexed_tags_are_added_and_known_ones_do_no_harm(plex, edit):
    edit("genre[0].tag.tag=drama&genre[1].tag.tag=New&genre.locked=1")
    assert plex.item(1).genre == ["Drama", "Comedy", "New"]
    assert plex.item(1).locks == {"genre"}


def test_indexed_tags_replace_by_switch(plex, edit):
    plex.tag_mode = "replace"
    edit("genre[0].tag.tag=New")
    assert plex.item(1).genre == ["New"]
    edit("genre.locked=1")
    assert plex.item(1).genre == ["New"]


def test_tags_are_removed_by_names_that_are_encoded_twice(plex, edit):
    plex.item(1).genre = ["Rock, Roll", "A&B", "Été", "keep"]
    names = ",".join(quote(name, safe="") for name in ("Rock, Roll", "a&b", "Été"))
    edit(f"genre[].tag.tag-={quote(names, safe='')}")
    assert plex.item(1).genre == ["keep"]


def test_a_comma_that_is_encoded_once_parts_two_names(plex, edit):
    plex.item(1).genre = ["Rock, Roll", "Rock"]
    edit(f"genre[].tag.tag-={quote('Rock, Roll', safe='')}")
    assert plex.item(1).genre == ["Rock, Roll"]


def test_a_whole_kind_is_emptied_and_a_lock_alone_empties_nothing(plex, edit):
    edit("genre.locked=1")
    assert plex.item(1).genre == ["Drama", "Comedy"]
    edit("genre[].tag=")
    assert plex.item(1).genre == []


def test_brackets_may_come_encoded(plex, edit):
    edit("genre%5B0%5D.tag.tag=New&genre%5B%5D.tag.tag-=Drama")
    assert plex.item(1).genre == ["Comedy", "New"]


def test_actors_have_a_part_and_a_photo_that_belongs_to_the_person(plex, ask, edit):
    plex.add_item(1, "/plex/b.mp4", roles=["ann"])
    edit(
        "actor[0].tag.tag=Ann&actor[0].tagging.text=Herself&actor.locked=1"
        "&actor[0].tag.thumb=http%3A%2F%2Fx%2Fa.jpg"
    )
    assert plex.item(1).actor == ["ann"]  # one spelling, the first
    one, other = (ask("GET", f"/library/metadata/{key}").text for key in (1, 2))
    assert 'role="Herself"' in one
    assert 'thumb="http://x/a.jpg"' in one
    assert 'thumb="http://x/a.jpg"' in other
    assert '<Field locked="1" name="actor"/>' in one


def test_an_unknown_tag_prefix_ends_up_in_director(plex, edit):
    assert edit("studio[0].tag.tag=Oops") == 200
    assert plex.item(1).director == ["Oops"]


def test_a_collection_lives_as_long_as_it_has_members(plex, ask, edit):
    edit("collection[0].tag.tag=Box")
    path = "/library/sections/1/all?type=18"
    text = ask("GET", path).text
    assert 'type="collection" title="Box"' in text
    assert 'childCount="1"' in text
    key = text.split('ratingKey="')[1].split('"')[0]
    assert 'title="Old"' in ask("GET", f"/library/collections/{key}/children").text
    assert ask("GET", f"/library/metadata/{key}").status_code == 200
    edit("collection[].tag.tag-=box")
    assert 'size="0"' in ask("GET", path).text
    assert ask("GET", f"/library/metadata/{key}").status_code == 404


def test_text_of_every_kind_survives_the_way_there_and_back(plex, ask, edit):
    text = "a&b <c> \"d\" 'e'\n\npara\ttab\r\n+ % 👩‍👩‍👧 日本"
    edit(f"summary.value={quote(text, safe='')}")
    assert plex.item(1).summary == text
    (video,) = ET.fromstring(ask("GET", "/library/metadata/1").content)
    assert video.attrib["summary"] == text


def test_a_person_sets_and_locks_and_the_agent_respects_locks(plex, edit):
    plex.user_edit(1, title="Mine", genres=["X"], poster=b"picture")
    assert plex.item(1).locks == {"title", "genre", "thumb"}
    plex.agent_refresh(1, title="Agent", genres=["Y"], studio="Agent", roles=["Z"])
    item = plex.item(1)
    assert (item.title, item.genre, item.studio, item.actor) == ("Mine", ["X"], "Agent", ["Z"])
    with pytest.raises(TypeError):
        plex.user_edit(1, nonsense=1)


# -- how servers differ ----------------------------------------------------------------------


def test_edits_by_the_library_can_be_404_while_the_items_path_works(plex, ask, edit):
    plex.section_edits = False
    assert edit("title.value=New") == 404
    assert ask("PUT", "/library/metadata/1?title.value=New&title.locked=1").status_code == 200
    assert (plex.item(1).title, plex.item(1).locks) == ("New", {"title"})


def test_a_refused_field_takes_down_its_whole_edit_but_not_its_lock(plex, edit):
    plex.refused_fields = frozenset({"summary", "genre"})
    assert edit("title.value=New&summary.value=x") == 400
    assert edit("title.value=New&genre[0].tag.tag=x") == 400
    assert edit("title.value=New&summary.locked=1") == 200
    assert (plex.item(1).title, plex.item(1).summary) == ("New", "words")


def test_ratings_can_lose_their_fraction_and_texts_their_line_breaks(plex, edit):
    plex.whole_ratings = plex.folds_blanks = True
    assert edit("userRating.value=8.7&summary.value=a%0A%0A%20b") == 200
    assert (plex.item(1).userRating, plex.item(1).summary) == (8.0, "a b")


def test_no_picture_may_be_acceptable(plex, ask, edit):
    plex.picture_status = 406
    assert ask("POST", "/library/metadata/1/posters", data=b"x").status_code == 406
    assert plex.item(1).posters == []


@pytest.mark.parametrize("status", [431, 414, 400])
def test_a_line_that_is_too_long_is_refused_as_one_likes(plex, edit, status):
    plex.max_header_bytes, plex.too_long_status = 6144, status
    assert edit(f"summary.value={'x' * 6144}") == status
    assert edit("summary.value=x") == 200


def test_a_line_that_is_too_long_can_end_the_connection(plex, edit):
    plex.max_header_bytes, plex.too_long_status = 6144, None
    with pytest.raises(requests.ConnectionError):
        edit(f"summary.value={'x' * 6144}")
    assert plex.item(1).summary == "words"
