"""The real python-plexapi at work on the simulated Plex."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from plexapi.exceptions import BadRequest, NotFound, Unauthorized
from plexapi.server import PlexServer

from simulator.plex import PlexSim


@pytest.fixture
def plex():
    with PlexSim() as sim:
        sim.add_section("Movies", ["/plex"])
        for n in range(3):
            sim.add_item(1, f"/plex/{n}.mp4", title=f"Film {n}", genres=["a", "b", "c"])
        yield sim


@pytest.fixture
def server(plex):
    server = PlexServer(plex.url, plex.token)
    server._session.trust_env = False
    yield server
    server._session.close()


@pytest.fixture
def movies(server):
    return server.library.section("Movies")


def test_a_server_is_one_request_and_a_section_two_more(plex, server):
    assert server.machineIdentifier == plex.machine
    assert server.friendlyName == "Simulated Plex"
    assert plex.count() == 1
    section = server.library.section("Movies")
    assert section.locations == ["/plex"]
    assert [entry.path for entry in plex.journal] == ["/", "/library", "/library/sections"]
    assert server.identity().machineIdentifier == plex.machine


def test_a_wrong_token_is_unauthorized(plex):
    with pytest.raises(Unauthorized):
        PlexServer(plex.url, "wrong")


def test_a_list_is_read_in_pages_with_locations_and_cut_tags(plex, movies):
    for n in range(3, 250):
        plex.add_item(1, f"/plex/{n}.mp4")
    plex.clear_journal()
    items = movies.all()
    assert len(items) == movies.totalSize == 250
    assert plex.count("GET", "/library/sections/1/all") == 4  # three pages and the count
    assert {path for item in items for path in item.locations} == {
        f"/plex/{n}.mp4" for n in range(250)
    }
    listed = next(item for item in items if item.title == "Film 1")
    assert [tag.tag for tag in listed.genres] == ["a", "b"]


def test_a_page_cap_of_the_server_loses_items_in_silence(plex, movies):
    for n in range(3, 300):
        plex.add_item(1, f"/plex/{n}.mp4")
    plex.max_container_size = 50
    assert len(movies.all(container_size=100)) == 150


def test_a_list_item_reloads_behind_the_scenes_for_what_it_lacks(plex, movies):
    item = movies.all()[0]
    plex.clear_journal()
    assert item.tagline is None
    assert plex.count("GET", f"/library/metadata/{item.ratingKey}") == 1


def test_many_items_are_fetched_in_one_request(plex, server):
    plex.clear_journal()
    items = server.fetchItems([3, 1, 99, 2])
    assert [item.ratingKey for item in items] == [3, 1, 2]
    assert plex.count() == 1
    assert items[0].librarySectionID == 1
    with pytest.raises(NotFound):
        server.fetchItem(99)


def test_edits_set_and_lock_and_need_one_request_each(plex, server, movies):
    item = server.fetchItem(1)
    plex.clear_journal()
    item.editTitle("New").editSummary("words\n\nmore").editOriginallyAvailable("2020-01-02")
    assert plex.count("PUT") == plex.count() == 3
    item.reload()
    assert (item.title, item.summary, item.year) == ("New", "words\n\nmore", 2020)
    assert item.isLocked("title")
    assert item.originallyAvailableAt == datetime(2020, 1, 2)
    item.editTitle("Newer", locked=False).reload()
    assert not item.isLocked("title")


def test_tags_are_added_and_removed_whatever_they_contain(plex, server):
    special = 'Rock, "Roll" & 100% + #1/2 é 👍'
    item = server.fetchItem(1)
    item.addGenre(special).reload()
    assert [tag.tag for tag in item.genres] == ["a", "b", "c", special]
    assert item.isLocked("genre")
    item.removeGenre([special, "B"]).reload()
    assert [tag.tag for tag in item.genres] == ["a", "c"]


def test_a_batch_of_edits_is_one_request(plex, server, movies):
    item = server.fetchItem(1)
    plex.clear_journal()
    item.batchEdits()
    item.editStudio("S").editTagline("T").editUserRating(8).addCollection("C").addDirector("D")
    item.saveEdits()
    assert plex.count("PUT") == 1
    item.reload()
    assert (item.studio, item.tagline, item.userRating) == ("S", "T", 8.0)
    assert [tag.tag for tag in item.collections] == ["C"]
    assert movies.collection("C").childCount == 1
    assert [film.title for film in movies.collection("C").items()] == ["Film 0"]


def test_many_items_are_edited_in_one_request(plex, movies):
    items = movies.all()
    plex.clear_journal()
    movies.batchMultiEdits(items)
    movies.editStudio("Same").addGenre("New")
    movies.saveMultiEdits()
    assert plex.count("PUT") == 1
    assert {item.studio for item in plex.items()} == {"Same"}
    assert all("New" in item.genre for item in plex.items())


def test_actors_are_edited_by_parameters(plex, server):
    item = server.fetchItem(1)
    item.edit(**{"actor[0].tag.tag": "Ann", "actor[0].tagging.text": "X", "actor.locked": 1})
    item.reload()
    assert [(role.tag, role.role) for role in item.roles] == [("Ann", "X")]
    with pytest.raises(BadRequest, match=r"\(400\) bad_request"):
        item.edit(**{"role[0].tag.tag": "Ann"})


def test_posters_are_uploaded_listed_and_chosen(plex, server):
    item = server.fetchItem(1)
    first = item.posters()[0]
    item.uploadPoster(filepath=io.BytesIO(b"picture")).reload()
    assert item.isLocked("thumb")
    chosen = next(poster for poster in item.posters() if poster.selected)
    assert chosen.ratingKey == f"upload://posters/{plex.item(1).posters[0]}"
    first.select()
    assert plex.item(1).selected_poster == first.ratingKey
    item.uploadArt(filepath=io.BytesIO(b"wide"))
    assert len(item.arts()) == 1
    item.unlockPoster().reload()
    assert not item.isLocked("thumb")


def test_filters_orders_and_choices_work(plex, movies):
    plex.item(2).updated_at = 4_000_000_000
    assert [i.ratingKey for i in movies.search(filters={"updatedAt>>": datetime(2050, 1, 1)})] == [
        2
    ]
    assert len(movies.search(filters={"addedAt>>": "1d"})) == 3
    assert [i.ratingKey for i in movies.search(sort="titleSort:desc")] == [3, 2, 1]
    assert len(movies.search(genre="a")) == 3
    assert movies.get("Film 2").ratingKey == 3
    assert movies.search(title="nothing") == []


def test_rating_scanning_and_activities(plex, server, movies):
    item = server.fetchItem(1)
    item.rate(7).reload()
    assert item.userRating == 7.0
    item.refresh()
    plex.disk["/plex/new/x.mp4"] = 9
    plex.scan_delay = 60
    movies.update(path="/plex/new")
    assert [activity.title for activity in server.activities] == ["Scanning Movies"]
    movies.cancelUpdate()
    assert server.activities == []


def test_a_starting_server_is_a_bad_request_to_plexapi(plex, server):
    plex.add_fault("starting", times=1)
    with pytest.raises(BadRequest, match="service_unavailable.*startup maintenance tasks"):
        server.query("/library/sections")


def test_a_login_page_looks_like_an_empty_library(plex, movies):
    plex.add_fault("html", times=1, match="/library/sections/1/all")
    assert movies.all() == []
