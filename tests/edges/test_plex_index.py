"""The library index and the simulated server: requests, results and robustness."""

from __future__ import annotations

import contextlib
import os
import random
import re
import sqlite3
import unicodedata
from zlib import crc32

import pytest

from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.index_schema import SCHEMA
from plexsync.edges.plex.library_index import PAGE, REREAD_PAUSE, PlexIndex
from plexsync.edges.plex.pages import pages
from plexsync.edges.plex.refresh import Depth
from plexsync.model.errors import PlexServerDown, PlexTemporaryError, SyncError
from plexsync.model.paths import index_keys
from plexsync.model.plex import Target
from simulator.plex import PlexSim
from tests.platforms import is_private

NOW = 1_800_000_000.0
DAY = 86_400.0
CLASHING = ("/plex/movies/9.mp4", "/plex/movies/3547520.mp4")


@pytest.fixture
def plex():
    with PlexSim() as server:
        server.clock = lambda: NOW
        server.add_section("Movies", ["/plex/movies"])
        yield server


@pytest.fixture
def client(plex):
    with contextlib.closing(PlexClient(plex.url, plex.token, "client-uuid")) as made:
        yield made


@pytest.fixture
def open_index(client, tmp_path):
    with contextlib.ExitStack() as stack:

        def opened(path="plex_index.db", client=client, warn=lambda text: None):
            index = PlexIndex(str(tmp_path / path), client, warn, index_keys)
            stack.callback(index.close)
            return index

        yield opened


@pytest.fixture
def index(open_index):
    return open_index()


def fill(plex, count, section=1, folder="/plex/movies"):
    return [
        plex.add_item(section, file=f"{folder}/{n}/film {n}.mp4", size=1000 + n, added_at=1000 + n)
        for n in range(count)
    ]


def keys_of(parts):
    return [part.target.rating_key for part in parts]


def everything(index, count, folder="/plex/movies"):
    """Which of the files of `fill` are found under their whole path."""
    paths = [f"{folder}/{n}/film {n}.mp4" for n in range(count)]
    return [n for n, path in enumerate(paths) if path in [p.file for p in index.find([path])]]


# --- the first reading -----------------------------------------------------------------------


def test_an_index_that_was_never_read_knows_that(plex, index, open_index):
    fill(plex, 3)
    assert not index.complete("")
    assert index.find(["/plex/movies/1/film 1.mp4"]) == []
    assert index.stats(NOW).age is None
    index.refresh("", NOW)
    assert index.complete("")
    assert open_index().complete("")
    assert not index.complete("Movies")
    index.refresh(" movies , Nope", NOW)
    assert index.complete(" movies , Nope")


def test_the_first_reading_takes_pages_of_1000_and_finds_every_file(plex, index):
    keys = fill(plex, 2500)
    result = index.refresh("", NOW)
    assert (result.added, result.removed, result.whole) == (2500, 0, True)
    assert plex.count(path_prefix="/library/sections/1/all") == 3
    assert result.requests == 5
    found = index.find(["/plex/movies/1234/film 1234.mp4"])
    assert [(p.target, p.file, p.size, p.first) for p in found] == [
        (Target(plex.machine, "1", keys[1234]), "/plex/movies/1234/film 1234.mp4", 2234, True)
    ]
    stats = index.stats(NOW + 60)
    assert (stats.items, stats.parts, stats.age) == (2500, 2500, 60.0)


@pytest.mark.parametrize("cap", [1, 7, 50])
def test_pages_smaller_than_asked_for_lose_nothing(plex, index, cap):
    fill(plex, 60)
    plex.max_container_size = cap
    index.refresh("", NOW)
    assert len(everything(index, 60)) == 60


def test_an_unchanged_library_costs_four_requests_and_reads_no_item_again(plex, client, index):
    fill(plex, 300)
    index.refresh("", NOW)
    received, plex_clock = client.received, NOW + 100
    plex.clear_journal()
    result = index.refresh("", plex_clock)
    assert (result.requests, result.added, result.removed, result.whole) == (4, 0, 0, False)
    assert len(plex.journal) == 4
    assert client.received - received < 5000


def test_items_without_files_do_not_cause_readings_for_ever(plex, client, index):
    plex.add_item(1, file="/plex/movies/a.mp4")
    bare = plex.add_item(1, file="/plex/movies/b.mp4")
    plex.item(bare).files.clear()
    index.refresh("", NOW)
    assert not index.refresh("", NOW + 30).whole
    assert index.stats(NOW).items == 2
    assert index.stats(NOW).parts == 1


def test_a_total_that_never_adds_up_is_believed_after_two_readings(plex, index):
    fill(plex, 3)
    plex.add_fault("html", body=PHANTOM, content_type="text/xml", match=_is_list, times=None)
    first = index.refresh("", NOW)
    assert (first.added, first.whole) == (1, True)
    plex.clear_journal()
    assert not index.refresh("", NOW + 30).whole


PHANTOM = (
    b'<MediaContainer size="2" totalSize="2"><Video ratingKey="7"/><Video ratingKey="7"><Media>'
    b'<Part file="/plex/x.mp4"/></Media></Video></MediaContainer>'
)


def _is_list(request):
    return request.path == "/library/sections/1/all"


# --- what was added or changed ---------------------------------------------------------------


def test_added_items_are_found_without_reading_all(plex, index):
    fill(plex, 50)
    index.refresh("", NOW)
    plex.clock = lambda: NOW + 10
    new = plex.add_item(1, file="/plex/movies/new.mp4")
    result = index.refresh("", NOW + 20)
    assert (result.added, result.removed, result.whole) == (1, 0, False)
    assert keys_of(index.find(["/plex/movies/new.mp4"])) == [new]


def test_a_moved_file_is_found_at_its_new_place_only(plex, index):
    key = fill(plex, 20)[5]
    index.refresh("", NOW)
    item = plex.item(key)
    item.files[0] = ("/plex/movies/other/moved.mp4", 1)
    item.updated_at = int(NOW) + 10
    result = index.refresh("", NOW + 20)
    assert (result.added, result.removed, result.whole) == (1, 1, False)
    assert keys_of(index.find(["/plex/movies/other/moved.mp4"])) == [key]
    assert index.find(["/plex/movies/5/film 5.mp4"]) == []


def test_an_item_that_loses_a_version_loses_that_file(plex, index):
    key = plex.add_item(1, files=[("/plex/a.mp4", 1), ("/plex/b.mp4", 2)])
    index.refresh("", NOW)
    assert [p.first for p in index.find(["/plex/b.mp4"])] == [False]
    item = plex.item(key)
    item.files.pop(0)
    item.updated_at = int(NOW) + 1
    index.refresh("", NOW + 30)
    assert index.find(["/plex/a.mp4"]) == []
    assert [p.first for p in index.find(["/plex/b.mp4"])] == [True]


def test_removed_items_are_noticed_by_the_count(plex, index):
    keys = fill(plex, 30)
    index.refresh("", NOW)
    plex.remove_item(keys[3])
    result = index.refresh("", NOW + 30)
    assert (result.added, result.removed, result.whole) == (0, 1, True)
    assert index.find(["/plex/movies/3/film 3.mp4"]) == []
    assert not index.refresh("", NOW + 60).whole


def test_an_item_removed_while_another_is_added_is_noticed_too(plex, index):
    keys = fill(plex, 10)
    index.refresh("", NOW)
    plex.remove_item(keys[0])
    plex.add_item(1, file="/plex/movies/new.mp4")
    result = index.refresh("", NOW + 60)
    assert (result.added, result.removed, result.whole) == (1, 1, True)
    assert index.find(["/plex/movies/0/film 0.mp4"]) == []


def test_dates_in_the_future_hide_nothing(plex, index):
    plex.add_item(1, file="/plex/movies/future.mp4", added_at=int(NOW) + 10**8)
    index.refresh("", NOW)
    plex.clock = lambda: NOW + 50
    plex.add_item(1, file="/plex/movies/new.mp4")
    result = index.refresh("", NOW + 60)
    assert (result.added, result.whole) == (1, False)


def test_edits_of_ours_change_nothing_in_the_index(plex, index):
    keys = fill(plex, 40)
    index.refresh("", NOW)
    for key in keys:
        plex.item(key).title = "new"
        plex.item(key).updated_at = int(NOW) + 5
    result = index.refresh("", NOW + 30)
    assert (result.added, result.removed, result.whole) == (0, 0, False)


@pytest.mark.parametrize("later", [DAY, 10 * DAY, -1.0])
def test_a_list_older_than_a_day_or_from_the_future_is_read_whole(plex, index, later):
    fill(plex, 5)
    index.refresh("", NOW)
    assert index.refresh("", NOW + later).whole
    assert not index.refresh("", NOW + later + 30).whole


def test_it_is_read_whole_on_demand(plex, index):
    fill(plex, 5)
    index.refresh("", NOW)
    result = index.refresh("", NOW + 30, force=True)
    assert (result.whole, result.added, result.removed) == (True, 0, 0)


# --- libraries -------------------------------------------------------------------------------


def test_only_wanted_libraries_are_read_and_unknown_names_are_told(plex, index):
    plex.add_section("Clips", ["/plex/clips"])
    fill(plex, 3)
    fill(plex, 3, section=2, folder="/plex/clips")
    result = index.refresh("clips, Nope", NOW)
    assert (result.added, result.missing) == (3, ("Nope",))
    assert everything(index, 3) == []
    assert everything(index, 3, "/plex/clips") == [0, 1, 2]


def test_the_same_file_in_two_libraries_is_two_items(plex, index):
    plex.add_section("Clips", ["/plex/clips"])
    plex.add_item(1, file="/plex/a.mp4")
    plex.add_item(2, file="/plex/a.mp4")
    index.refresh("", NOW)
    assert [p.target.section for p in index.find(["/plex/a.mp4"])] == ["1", "2"]


def test_a_library_that_vanished_is_dropped(plex, index):
    plex.add_section("Clips", ["/plex/clips"])
    fill(plex, 3)
    fill(plex, 4, section=2, folder="/plex/clips")
    index.refresh("", NOW)
    del plex.sections[2]
    result = index.refresh("", NOW + 30)
    assert (result.added, result.removed, result.whole) == (0, 4, False)
    assert everything(index, 3) == [0, 1, 2]
    assert everything(index, 4, "/plex/clips") == []


def test_a_library_made_anew_under_the_same_key_is_read_whole(plex, index):
    fill(plex, 3)
    index.refresh("", NOW)
    plex.sections[1].uuid = "another"
    assert index.refresh("", NOW + 30).whole


# --- odd answers -----------------------------------------------------------------------------

EMPTY = b'<MediaContainer size="0" totalSize="0"/>'


def test_one_answer_without_items_does_not_empty_the_index(plex, index):
    fill(plex, 5)
    index.refresh("", NOW)
    plex.add_fault("html", times=1, body=EMPTY, content_type="text/xml", match=_is_list)
    index.refresh("", NOW + DAY)
    assert len(everything(index, 5)) == 5


def test_a_library_that_stays_empty_is_believed(plex, index):
    keys = fill(plex, 5)
    index.refresh("", NOW)
    for key in keys:
        plex.remove_item(key)
    result = index.refresh("", NOW + 30)
    assert (result.removed, result.whole) == (5, True)
    assert everything(index, 5) == []


def test_one_answer_without_libraries_drops_none(plex, index):
    fill(plex, 5)
    index.refresh("", NOW)
    plex.add_fault(
        "html", times=1, body=EMPTY, content_type="text/xml", match=lambda r: r.path.endswith("ons")
    )
    result = index.refresh("", NOW + 30)
    assert (result.removed, result.whole) == (0, False)


def test_a_list_that_ends_early_is_an_error_and_the_old_one_stays(plex, index):
    fill(plex, 5)
    index.refresh("", NOW)
    short = b'<MediaContainer size="0" totalSize="9"/>'
    plex.add_fault("html", body=short, content_type="text/xml", match=_is_list)
    with pytest.raises(PlexTemporaryError, match="ends at 0 of 9"):
        index.refresh("", NOW + DAY)
    assert len(everything(index, 5)) == 5


@pytest.mark.long
@pytest.mark.parametrize("failing", range(1, 9))
def test_a_failure_at_any_request_leaves_the_old_index_valid(plex, index, failing):
    keys = fill(plex, 2500)
    index.refresh("", NOW)
    plex.remove_item(keys[7])
    plex.add_item(1, file="/plex/movies/new.mp4", added_at=int(NOW))
    count = [0]

    def nth(request):
        count[0] += 1
        return count[0] == failing

    plex.add_fault("reset", match=nth)
    try:
        index.refresh("", NOW + DAY, force=failing % 2 == 0)
    except SyncError as problem:
        assert isinstance(problem, PlexServerDown)
        assert keys_of(index.find(["/plex/movies/7/film 7.mp4"])) == [keys[7]]
    plex.clear_faults()
    index.refresh("", NOW + DAY + 1, force=True)
    assert index.find(["/plex/movies/7/film 7.mp4"]) == []
    assert len(index.find(["/plex/movies/new.mp4"])) == 1
    assert index.stats(NOW).items == 2500


def test_an_interrupted_first_reading_is_not_taken_for_complete(plex, index, open_index):
    fill(plex, 2500)
    pages = [0]

    def third(request):
        pages[0] += _is_list(request)
        return pages[0] == 3

    plex.add_fault("reset", match=third)
    with pytest.raises(PlexServerDown):
        index.refresh("", NOW)
    for some in (index, open_index()):
        assert not some.complete("")
        assert everything(some, 10) == []
    plex.clear_faults()
    assert index.refresh("", NOW).added == 2500
    assert index.complete("")


@pytest.mark.long
def test_a_library_that_changes_while_it_is_read_is_right_in_the_end(plex, index):
    keys = fill(plex, 2500)
    gone = [False]

    def second_page(request):
        if _is_list(request) and request.option("X-Plex-Container-Start") == "1000" and not gone[0]:
            gone[0] = True
            plex.remove_item(keys[10])
        return False

    plex.add_fault("reset", match=second_page)
    index.refresh("", NOW)
    assert gone == [True]
    assert len(everything(index, 2500)) == 2499


# --- items that Plex cannot deliver ----------------------------------------------------------


def test_a_broken_item_among_3000_is_passed_over_and_named(plex, index):
    keys = fill(plex, 3000)
    plex.item(keys[1742]).broken = True
    result = index.refresh("", NOW)
    assert (result.added, index.stats(NOW).items) == (2999, 2999)
    assert index.unreadable() == {"1": [(1743, "/plex/movies/1741/film 1741.mp4")]}
    assert len(plex.journal) <= 22
    assert everything(index, 3000) == [n for n in range(3000) if n != 1742]
    plex.clear_journal()
    result = index.refresh("", NOW + 30)
    assert (result.requests, result.whole) == (4, False)


@pytest.mark.parametrize("broken", [{0}, {9}, {0, 1, 2}, {3, 5, 9}, set(range(9))])
def test_broken_items_at_any_place_hide_no_other(plex, index, broken):
    for n, key in enumerate(fill(plex, 10)):
        plex.item(key).broken = n in broken
    index.refresh("", NOW)
    assert everything(index, 10) == [n for n in range(10) if n not in broken]
    assert [at for at, _ in index.unreadable()["1"]] == [n + 1 for n in sorted(broken)]
    assert index.complete("")
    plex.clear_journal()
    assert not index.refresh("", NOW + 30).whole


def test_a_library_of_which_nothing_can_be_listed_is_no_items_fault(plex, index):
    for key in fill(plex, 10):
        plex.item(key).broken = True
    with pytest.raises(PlexTemporaryError, match="500"):
        index.refresh("", NOW)
    assert not index.complete("")


def test_a_broken_item_that_is_new_is_counted_once_and_then_let_be(plex, index):
    fill(plex, 5)
    index.refresh("", NOW)
    plex.clock = lambda: NOW + 10
    plex.item(plex.add_item(1, file="/plex/bad.mp4")).broken = True
    plex.add_item(1, file="/plex/good.mp4")
    assert index.refresh("", NOW + 20).added == 1
    assert index.unreadable() == {"1": [(6, "/plex/movies/4/film 4.mp4")]}
    assert not index.refresh("", NOW + 50).whole
    assert len(index.find(["/plex/good.mp4"])) == 1


def test_a_broken_item_that_was_mended_is_read(plex, index):
    key = fill(plex, 5)[2]
    plex.item(key).broken = True
    index.refresh("", NOW)
    plex.clock = lambda: NOW + 10
    plex.item(key).broken = False
    plex.touch(plex.item(key))
    index.refresh("", NOW + 20)
    assert everything(index, 5) == [0, 1, 2, 3, 4]
    assert index.unreadable() == {}


def test_a_server_that_answers_500_to_every_list_has_no_broken_item(plex, index):
    fill(plex, 50)
    index.refresh("", NOW)
    plex.add_fault("status", match=_is_list, status=500)
    plex.clear_journal()
    with pytest.raises(SyncError):
        index.refresh("", NOW + DAY)
    assert len(plex.journal) <= 5
    assert len(everything(index, 50)) == 50


def test_a_library_full_of_broken_items_ends_the_reading(plex, client):
    for key in fill(plex, 10):
        plex.item(key).broken = True
    found = pages(client, "1", most=3)
    assert [next(found).unreadable for _ in range(3)] == [1, 2, 3]
    with pytest.raises(SyncError):
        next(found)


def test_an_answer_too_broken_to_read_is_halved_too(plex, index):
    fill(plex, 40)
    plex.add_fault("cut", times=1, match=_is_list, honest=True)
    result = index.refresh("", NOW)
    assert (result.added, index.unreadable()) == (40, {})


# --- files that change behind the items' times -----------------------------------------------


def test_a_renamed_file_is_found_by_reading_what_moved(plex, index):
    key = fill(plex, 2500)[7]
    index.refresh("", NOW)
    plex.change_files(key, [("/plex/movies/renamed.mp4", 1)])
    index.refresh("", NOW + 30)
    assert index.find(["/plex/movies/renamed.mp4"]) == []
    assert index.worth_reading(NOW + 30, Depth.MISSED)
    result = index.refresh("", NOW + 30, depth=Depth.MISSED)
    assert (result.added, result.removed, result.requests) == (1, 1, 4)
    assert keys_of(index.find(["/plex/movies/renamed.mp4"])) == [key]
    assert not index.worth_reading(NOW + 31, Depth.MISSED)


def test_for_the_sake_of_misses_a_library_is_read_whole_once_in_ten_minutes(plex, index):
    key = fill(plex, 20)[7]
    index.refresh("", NOW)
    now, whole = NOW, 0
    for n in range(60):
        now += 30
        plex.change_files(key, [(f"/plex/movies/name {n}.mp4", 1)])
        whole += index.refresh("", now, depth=Depth.MISSED).whole
    assert whole == 60 * 30 // REREAD_PAUSE


def test_a_library_that_stood_still_is_not_read_for_a_miss_unless_it_is_doubted(plex, index):
    fill(plex, 20)
    index.refresh("", NOW)
    assert not index.worth_reading(NOW + 30, Depth.MISSED)
    assert not index.refresh("", NOW + 30, depth=Depth.MISSED).whole
    assert index.worth_reading(NOW + 30, Depth.DOUBTED)
    assert index.refresh("", NOW + 30, depth=Depth.DOUBTED).whole
    assert not index.worth_reading(NOW + 60, Depth.DOUBTED)


def test_only_the_library_that_moved_is_read_whole(plex, index):
    plex.add_section("Clips", ["/plex/clips"])
    fill(plex, 3)
    key = fill(plex, 3, section=2, folder="/plex/clips")[0]
    index.refresh("", NOW)
    plex.change_files(key, [("/plex/clips/new.mp4", 1)])
    plex.clear_journal()
    index.refresh("", NOW + 30, depth=Depth.MISSED)
    assert plex.count(path_prefix="/library/sections/1/all") == 3
    assert plex.count(path_prefix="/library/sections/2/all") == 1


def test_clocks_that_stand_still_cost_one_request(plex, index):
    fill(plex, 5)
    index.refresh("", NOW)
    plex.clear_journal()
    result = index.refresh("", NOW + 10, depth=Depth.MOVED)
    assert (result.requests, len(plex.journal), result.whole) == (1, 1, False)


def test_a_clock_that_moved_brings_what_is_new_and_else_what_changed(plex, index):
    keys = fill(plex, 5)
    index.refresh("", NOW)
    plex.clock = lambda: NOW + 5
    plex.add_item(1, file="/plex/movies/new.mp4")
    new = index.refresh("", NOW + 10, depth=Depth.MOVED)
    assert (new.added, new.requests, new.whole) == (1, 4, False)
    plex.change_files(keys[1], [("/plex/movies/renamed.mp4", 1)])
    changed = index.refresh("", NOW + 20, depth=Depth.MOVED)
    assert (changed.added, changed.whole) == (1, True)
    plex.change_files(keys[2], [("/plex/movies/later.mp4", 1)])
    assert index.refresh("", NOW + 30, depth=Depth.MOVED).added == 0
    assert index.refresh("", NOW + 40, depth=Depth.MOVED).requests == 1
    assert index.refresh("", NOW + 20 + REREAD_PAUSE, depth=Depth.MOVED).added == 1


def test_an_item_that_contradicts_the_index_is_corrected_and_its_library_doubted(
    plex, client, index
):
    first, second, *_ = fill(plex, 6)
    index.refresh("", NOW)
    home = plex.sections[1]
    scanned, revision = home.scanned_at, home.revision
    order = [1, 0, 2, 3, 4, 5]
    plex.rebuild(1, [f"/plex/movies/{n}/film {n}.mp4" for n in order])
    home.scanned_at, home.revision = scanned, revision  # a library rebuilt with its clocks
    index.refresh("", NOW + 30)
    (part,) = index.find(["/plex/movies/0/film 0.mp4"])
    assert part.target.rating_key == first
    index.correct(part.target, client.items([first])[first])
    assert index.find(["/plex/movies/0/film 0.mp4"]) == []
    assert index.worth_reading(NOW + 30, Depth.MISSED)
    index.refresh("", NOW + 30, depth=Depth.MISSED)
    assert keys_of(index.find(["/plex/movies/0/film 0.mp4"])) == [second]


def test_an_index_of_an_older_version_is_emptied_and_read_whole_once(
    plex, index, open_index, tmp_path
):
    fill(plex, 5)
    index.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as db, db:
        db.executescript(";".join(SCHEMA[:4]) + "; PRAGMA user_version = 4")
        db.execute(
            "INSERT INTO sections (server, key, uuid, list, surplus, read_at, added, updated)"
            " VALUES (?, '1', 'of the library', 1, 0, ?, 0, 0)",
            (plex.machine, NOW),
        )
        db.execute("INSERT INTO parts VALUES (1, 1, 0, '/a.mp4', 1, 1, '/a.mp4', 'a.mp4', 'a.mp4')")
    os.replace(tmp_path / "old.db", tmp_path / "plex_index.db")
    again = open_index()
    assert again.find(["/a.mp4"]) == []
    assert again.refresh("", NOW + 30).whole
    assert len(everything(again, 5)) == 5


def test_two_paths_with_the_same_checksum_are_told_apart(plex, open_index):
    """The index stores checksums of 31 bits; these two paths have the same."""
    one, other = CLASHING
    assert crc32(one.encode()) >> 1 == crc32(other.encode()) >> 1
    keys = [plex.add_item(1, file=path) for path in CLASHING]
    index = open_index()
    index.refresh("", NOW)
    for key, path in zip(keys, CLASHING, strict=True):
        assert [part.target.rating_key for part in index.find([path])] == [key]
    found = index.at_paths(CLASHING)
    assert {path: [held[1] for held in some] for path, some in found.items()} == dict(
        zip(CLASHING, ([key] for key in keys), strict=True)
    )


# --- another server --------------------------------------------------------------------------


def test_another_server_starts_empty_and_takes_nothing_away(plex, open_index):
    fill(plex, 5)
    index = open_index()
    index.refresh("", NOW)
    with PlexSim(machine="b" * 40) as other:
        other.add_section("Movies", ["/plex/movies"])
        mine = other.add_item(1, file="/plex/movies/0/film 0.mp4")
        with contextlib.closing(PlexClient(other.url, other.token, "c")) as client:
            second = open_index(client=client)
            assert not second.complete("")
            assert everything(second, 5) == []
            second.refresh("", NOW)
            found = second.find(["/plex/movies/0/film 0.mp4"])
            assert [p.target for p in found] == [Target("b" * 40, "1", mine)]
    assert len(everything(index, 5)) == 5
    assert {p.target.server for p in index.find(["/plex/movies/0/film 0.mp4"])} == {plex.machine}


def test_a_server_swapped_behind_the_url_is_noticed_and_then_adopted(plex, index):
    fill(plex, 5)
    index.refresh("", NOW)
    plex.stop()
    plex.machine = "c" * 40
    plex.start()
    for _ in range(2):
        with contextlib.suppress(PlexTemporaryError):
            index.refresh("", NOW + 30)
    assert index.complete("")
    assert {p.target.server for p in index.find(["/plex/movies/0/film 0.mp4"])} == {"c" * 40}


# --- looking up ------------------------------------------------------------------------------


def test_a_whole_path_is_found_in_any_spelling(plex, index):
    path = "/plex/Café/Ünï — film.mp4"
    key = plex.add_item(1, file=unicodedata.normalize("NFD", path))
    windows = plex.add_item(1, file="D:\\Media\\Some Film\\a.mp4")
    index.refresh("", NOW)
    for spelling in (path, path.upper(), unicodedata.normalize("NFD", path), path.lower()):
        assert keys_of(index.find([spelling])) == [key]
    for spelling in ("D:/Media/Some Film/a.mp4", "d:\\media\\some film\\A.MP4"):
        assert keys_of(index.find([spelling])) == [windows]


def test_a_whole_path_that_fits_hides_weaker_candidates(plex, index):
    exact = plex.add_item(1, file="/plex/a/film.mp4")
    plex.add_item(1, file="/plex/b/film.mp4")
    index.refresh("", NOW)
    assert keys_of(index.find(["/elsewhere/x/film.mp4", "/plex/a/film.mp4"])) == [exact]


def test_without_a_whole_path_folder_and_name_come_before_the_name(plex, index):
    name = plex.add_item(1, file="/plex/b/film.mp4")
    tail = plex.add_item(1, file="/plex/a/film.mp4")
    plex.add_item(1, file="/plex/a/other.mp4")
    index.refresh("", NOW)
    assert keys_of(index.find(["/data/a/film.mp4"])) == [tail, name]
    assert keys_of(index.find(["film.mp4"])) == [name, tail]
    assert index.find(["/data/a/nothing.mp4"]) == []
    assert index.find([]) == []


def test_a_name_that_everybody_has_gives_a_bounded_answer(plex, index):
    for n in range(450):
        plex.add_item(1, file=f"/plex/{n}/video.mp4")
    index.refresh("", NOW)
    assert len(index.find(["/data/none/video.mp4"])) == 200


@pytest.mark.parametrize(
    "path",
    ["", "/", "\ud800/x\udfff.mp4", "a\x00b", "x" * 5000, "%_'\";--", "\U0001f469\u200d\U0001f680"]
    + ["../../etc/passwd", "-rf", "\\\\server\\share\\x", "line\nbreak"],
)
def test_hostile_paths_are_only_compared(plex, index, path):
    fill(plex, 3)
    index.refresh("", NOW)
    assert index.find([path]) == []


def test_hostile_paths_in_plex_are_kept_as_they_are(plex, index):
    names = ["/plex/'; DROP TABLE parts;--.mp4", '/plex/a&b <c> "d" ]]>.mp4', "/plex/%s_%.mp4"]
    keys = [plex.add_item(1, file=name) for name in names]
    index.refresh("", NOW)
    for name, key in zip(names, keys, strict=True):
        (part,) = index.find([name])
        assert (part.file, part.target.rating_key) == (name, key)


def test_a_size_that_plex_does_not_know_is_none(plex, index):
    plex.add_item(1, file="/plex/a.mp4", size=0)
    index.refresh("", NOW)
    assert index.find(["/plex/a.mp4"])[0].size in (None, 0)


def test_a_forgotten_item_is_found_no_more(plex, index):
    key, other = plex.add_item(1, file="/plex/a.mp4"), plex.add_item(1, file="/plex/b.mp4")
    index.refresh("", NOW)
    index.forget(Target(plex.machine, "1", key))
    index.forget(Target("other", "1", other))
    assert index.find(["/plex/a.mp4"]) == []
    assert keys_of(index.find(["/plex/b.mp4"])) == [other]


# --- the file --------------------------------------------------------------------------------


def test_the_index_survives_its_process_and_is_private(plex, index, open_index, tmp_path):
    fill(plex, 5)
    index.refresh("", NOW)
    index.close()
    again = open_index()
    assert len(everything(again, 5)) == 5
    assert not again.refresh("", NOW + 30).whole
    for name in os.listdir(tmp_path):
        assert is_private(tmp_path / name)


def test_a_limit_of_request_lines_is_kept_for_30_days_and_for_one_server(plex, index, open_index):
    assert index.line_limit(NOW) is None
    index.keep_line_limit(6000, NOW)
    index.keep_line_limit(5000, NOW)
    assert open_index().line_limit(NOW + 30 * DAY - 1) == 5000
    assert index.line_limit(NOW + 30 * DAY) is None
    plex.machine = "another"
    other = PlexClient(plex.url, plex.token, "client-uuid")
    with contextlib.closing(other):
        assert open_index(client=other).line_limit(NOW) is None


def test_the_index_of_the_last_version_is_read_anew_for_its_keys_of_paths(
    plex, index, open_index, tmp_path
):
    old = str(tmp_path / "old.db")
    with contextlib.closing(sqlite3.connect(old)) as made:
        made.executescript(f"{SCHEMA[0]}; {SCHEMA[1]}; PRAGMA user_version = 2")
        made.execute("INSERT INTO coverage VALUES (?, '')", (plex.machine,))
        made.commit()
    taken_over = open_index("old.db")
    assert not taken_over.complete("")
    taken_over.keep_line_limit(6000, NOW)
    assert taken_over.line_limit(NOW) == 6000


@pytest.mark.parametrize("at", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("damage", ["cut", "zeroed"])
def test_a_damaged_file_is_set_aside_and_read_anew(plex, open_index, tmp_path, at, damage):
    warnings, path = [], tmp_path / "plex_index.db"
    fill(plex, 300)
    index = open_index()
    index.refresh("", NOW)
    index.close()
    data = path.read_bytes()
    start = int(len(data) * at) // 4096 * 4096
    end = len(data) if damage == "cut" else start + 16384
    path.write_bytes(data[:start] + bytes(end - start if damage == "zeroed" else 0) + data[end:])
    again = open_index(warn=warnings.append)
    assert len(warnings) == 1
    assert not again.complete("")
    again.refresh("", NOW + 30)
    assert len(everything(again, 300)) == 300


def test_bytes_that_went_wrong_unnoticed_only_fail_to_match(plex, index, tmp_path):
    fill(plex, 5)
    index.refresh("", NOW)
    with contextlib.closing(sqlite3.connect(tmp_path / "plex_index.db")) as db, db:
        db.execute("UPDATE parts SET file = CAST(x'2fff00fe' AS TEXT)")
    assert index.find(["/plex/movies/1/film 1.mp4"]) == []
    index.refresh("", NOW + DAY)
    assert len(everything(index, 5)) == 5


def rewrite(plex, path, *pairs):
    def change(body):
        for pattern, new in pairs:
            body = re.sub(pattern, new, body)
        return body

    return plex.add_fault("rewrite", match=path, change=change)


def test_times_of_no_calendar_and_a_total_too_small_spoil_no_row(plex, open_index):
    fill(plex, 3)
    rewrite(plex, "/library/sections/1/all", (rb'totalSize="3"', b'totalSize="2"'),
            (rb'updatedAt="\d+"', b'updatedAt="999999999999999999"'))  # fmt: skip
    index = open_index()
    index.refresh("", NOW)
    assert everything(index, 3) == [0, 1, 2]
    index.close()
    warnings = []
    again = open_index(warn=warnings.append)
    assert (warnings, again.complete("")) == ([], True)
    assert not again.refresh("", NOW + 30).whole


@pytest.mark.parametrize("path", ["/library/sections/1/all", "/library/collections/7/children"])
def test_a_list_that_repeats_itself_is_not_read_for_ever(plex, client, path):
    inside = b'<Directory ratingKey="7" title="A" type="collection"/>'
    body = b'<MediaContainer size="1" totalSize="99999">' + inside + b"</MediaContainer>"
    plex.add_fault("status", match=path, status=200, body=body, content_type="text/xml")
    plex.clear_journal()
    found = client.members(7) if "children" in path else client.collections("1")
    assert len(found) == 1
    assert plex.count(path_prefix=path) == 2


def test_what_is_no_key_of_a_library_hides_no_other_library(plex, open_index):
    fill(plex, 3)
    plex.add_section("Odd", ["/plex/odd"])
    rewrite(plex, "/library/sections", (rb'key="2"', b'key="' + b"9" * 5000 + b'"'))
    index = open_index()
    index.refresh("", NOW)
    assert everything(index, 3) == [0, 1, 2]


def test_a_number_from_which_nobody_can_count_on_costs_one_reading(plex, open_index, tmp_path):
    fill(plex, 3)
    index = open_index()
    index.refresh("", NOW)
    index.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "plex_index.db")) as db, db:
        db.execute(f"UPDATE sections SET list = {2**63 - 1}")
    warnings = []
    again = open_index(warn=warnings.append)
    assert len(warnings) == 1
    again.refresh("", NOW + DAY)
    assert everything(again, 3) == [0, 1, 2]


def test_reading_all_again_leaves_nothing_of_the_old_list(plex, index, tmp_path):
    fill(plex, 1200)
    for n in range(3):
        index.refresh("", NOW + n, force=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "plex_index.db")) as db:
        assert db.execute("SELECT count(*), count(DISTINCT list) FROM parts").fetchone() == (
            1200,
            1,
        )


def test_reading_all_again_needs_no_second_place_in_the_file(plex, index, tmp_path):
    fill(plex, 3000)
    index.refresh("", NOW)
    size = os.path.getsize(tmp_path / "plex_index.db")
    index.refresh("", NOW + 1, force=True)
    assert os.path.getsize(tmp_path / "plex_index.db") < 1.1 * size


@pytest.mark.parametrize("others", [0, 60], ids=["the only library", "beside a larger one"])
def test_a_disk_that_is_full_while_a_list_is_replaced_leaves_the_old_one(plex, index, others):
    keys = fill(plex, 40)
    plex.add_section("More", ["/plex/more"])
    fill(plex, others, section=2, folder="/plex/more")
    index.refresh("", NOW)
    plex.remove_item(keys[7])
    fill(plex, 30, folder="/plex/movies/later")
    paths = ["/plex/movies/7/film 7.mp4", "/plex/movies/later/0/film 0.mp4"]
    database = index._store._db
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        index.refresh("", NOW + 1, force=True)
    assert [*index.at_paths(paths)] == paths[:1]
    database.execute("PRAGMA max_page_count = 1000000")
    index.refresh("", NOW + 2, force=True)
    assert [*index.at_paths(paths)] == paths[1:]
    assert len(everything(index, 30, "/plex/movies/later")) == 30
    assert len(everything(index, others, "/plex/more")) == others
    assert index.stats(NOW).items == 69 + others


def test_random_changes_always_end_in_step(plex, index):
    rng = random.Random(7)
    now = NOW
    alive = {key: f"/plex/movies/{n}/film {n}.mp4" for n, key in enumerate(fill(plex, 30))}
    for step in range(25):
        now += 60
        plex.clock = lambda: now  # noqa: B023
        for _ in range(rng.randrange(4)):
            kind = rng.choice(["add", "remove", "move"])
            if kind == "add":
                path = f"/plex/movies/{step}-{rng.random()}.mp4"
                alive[plex.add_item(1, file=path)] = path
            elif alive:
                key = rng.choice(list(alive))
                if kind == "remove":
                    del alive[key]
                    plex.remove_item(key)
                else:
                    alive[key] = f"/plex/movies/moved-{rng.random()}.mp4"
                    plex.item(key).files[0] = (alive[key], 1)
                    plex.item(key).updated_at = int(now)
        index.refresh("", now, force=step % 5 == 4)
        if step % 5 == 4:
            for key, path in alive.items():
                assert keys_of(index.find([path])) == [key]
            assert index.stats(now).parts == len(alive)


def test_the_page_size_is_what_the_request_budget_needs():
    assert 100_000 / PAGE + 5 <= 120


def test_a_page_of_look_ups_costs_a_large_library_no_more_than_a_small_one(plex, index):
    paths = [f"/plex/movies/{n}/film {n}.mp4" for n in range(60)]

    def steps() -> int:
        counted: list[int] = []
        database = index._store._db
        database.set_progress_handler(lambda: counted.append(1), 1)
        assert len(index.at_paths(paths)) == 60
        database.set_progress_handler(None, 0)
        return len(counted)

    fill(plex, 60, folder="/plex/movies")
    index.refresh("", NOW)
    few = steps()
    fill(plex, 1500, folder="/plex/more")
    index.refresh("", NOW + 1)
    assert steps() < 2 * few
