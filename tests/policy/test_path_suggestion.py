"""Which path map two libraries suggest."""

from __future__ import annotations

import random

import pytest

from plexsync.model.paths import PathMap, path_key
from plexsync.policy.path_suggestion import Suggestion, explained, suggest, twins

Pairs = list[tuple[str, str]]


def library(pairs: Pairs, count: int = 60, seed: int = 1) -> Suggestion:
    """What files spread over these (Plex, Stash) folders suggest."""
    rng = random.Random(seed)
    stash, plex = [], []
    for number in range(count):
        theirs, ours = pairs[number % len(pairs)]
        rest = ["", f"y{rng.randrange(3)}", f"name {rng.randrange(20)}", f"v{number}.mp4"]
        windows = "\\" in theirs
        plex.append((theirs + ("\\" if windows else "/").join(rest), number + 1))
        stash.append((ours + "/".join(rest), number + 1))
    rng.shuffle(plex)
    return suggest(twins(stash, plex))


@pytest.mark.parametrize(
    "pairs",
    [
        [("/movies", "/data/movies")],
        [("/movies", "/data/movies"), ("/clips", "/data/clips")],
        [("/mnt/a/films", "/data/films"), ("/mnt/b/clips", "/data/clips")],
        [("D:\\Media", "/data")],
        [("\\\\nas\\share\\Films", "/mnt/films")],
        [("/plex", "C:/Users/x/Videos")],
        [("/media", "/data/media"), ("/other", "/data")],
        [("/Filme;Serien", "/data")],
    ],
)
def test_the_suggested_map_leads_every_file_to_its_place(pairs: Pairs) -> None:
    found = library(pairs)
    if any(";" in plex for plex, _ in pairs):
        assert (found.pairs, found.explained) == ((), 0), "the setting cannot hold it"
        return
    assert (found.explained, found.files) == (60, 60)
    assert len(found.pairs) <= len(pairs)
    path_map, problems = PathMap.parse(found.text)
    assert problems == []
    for theirs, ours in pairs:
        mark = "\\" if "\\" in theirs else "/"
        wanted = mark.join([theirs, "y1", "new.mp4"])
        assert path_key(path_map.to_plex(f"{ours}/y1/new.mp4")) == path_key(wanted)


def test_the_same_paths_need_no_map() -> None:
    found = library([("/data", "/data")])
    assert (found.text, found.explained, found.alike) == ("", 60, 60)


def test_a_map_for_a_part_leaves_the_rest_as_it_is() -> None:
    found = library([("/data/films", "/data/films"), ("/plex/clips", "/data/clips")])
    assert (found.explained, found.alike) == (60, 30)
    assert found.text == "/plex/clips=>/data/clips"


def test_one_folder_in_stash_over_two_disks_of_plex_gets_what_few_pairs_can_do() -> None:
    stash, plex = [], []
    for number in range(400):
        folder = f"p{number % 4}"
        disk = "disk2" if folder == "p3" else "disk1"
        stash.append((f"/data/{folder}/v{number}.mp4", number + 1))
        plex.append((f"/{disk}/{folder}/v{number}.mp4", number + 1))
    found = suggest(twins(stash, plex))
    assert found.explained == 400
    assert found.pairs == (("/disk1", "/data"), ("/disk2/p3", "/data/p3"))


def test_a_few_moved_files_make_no_pair_of_their_own() -> None:
    stash = [(f"/data/v{n}.mp4", n + 1) for n in range(1000)]
    plex = [(f"/plex/v{n}.mp4", n + 1) for n in range(990)]
    plex += [(f"/attic/{n}/x/v{n}.mp4", n + 1) for n in range(990, 1000)]
    found = suggest(twins(stash, plex))
    assert found.pairs == (("/plex", "/data"),)
    assert (found.explained, found.files) == (990, 1000)


def test_only_files_that_are_surely_the_same_count() -> None:
    stash = [("/data/a.mp4", 1), ("/data/b.mp4", 2), ("/data/x/c.mp4", 3), ("/data/y/c.mp4", 3)]
    plex = [("/plex/a.mp4", 1), ("/plex/b.mp4", 99), ("/plex/x/c.mp4", 3)]
    assert [twin.plex for twin in twins(stash, plex)] == ["/plex/a.mp4"]
    assert len(twins([("/data/a.mp4", None)], [("/plex/A.mp4", 5)])) == 1
    assert twins([("/data/a\\b.mp4", 1)], [("/plex/a\\b.mp4", 1)]) == []
    assert len(twins([("/data/a.mp4", 1)], [("D:\\plex\\a.mp4", 1)])) == 1


def test_files_of_one_name_are_told_apart_by_size() -> None:
    stash = [(f"/data/{n}/clip.mp4", n + 1) for n in range(50)]
    plex = [(f"/plex/{n}/clip.mp4", n + 1) for n in range(50)]
    assert suggest(twins(stash, plex)) == Suggestion((("/plex", "/data"),), 50, 50, 0)


def test_nothing_in_common_suggests_nothing() -> None:
    assert suggest([]) == Suggestion((), 0, 0, 0)
    assert suggest(twins([("/a.mp4", 1)], [("/b.mp4", 1)])).pairs == ()
    odd = [("a.mp4", 1), ("", 2), ("/", 3), ("C:\\", 4), ("//", 5), ("/a", 6), ("//x/y", 7)]
    assert suggest(twins(odd, [(f"/q{path}", size) for path, size in odd])).explained >= 0


def test_what_the_present_map_explains() -> None:
    both = twins([("/data/a.mp4", 1), ("/data/b.mp4", 2)], [("/p/a.mp4", 1), ("/p/b.mp4", 2)])
    assert explained(both, PathMap.parse("/p=>/data")[0].to_plex) == 2
    assert explained(both, PathMap.parse("/q=>/data")[0].to_plex) == 0


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_the_files_does_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    folders = [("/m/a", "/data/a"), ("/n/b", "/data/b"), ("/data/c", "/data/c"), ("/o", "/data")]
    stash, plex = [], []
    for number in range(200):
        theirs, ours = rng.choice(folders)
        rest = f"/{rng.choice('xyz')}/{number}.mp4"
        stash.append((ours + rest, number + 1))
        plex.append((theirs + rest, number + 1))
    first = suggest(twins(stash, plex))
    rng.shuffle(stash)
    rng.shuffle(plex)
    assert suggest(twins(stash, plex)) == first
    assert first.explained == len(twins(stash, plex))


@pytest.mark.long
def test_a_hundred_thousand_files_in_thousands_of_folders() -> None:
    rng = random.Random(5)
    stash, plex = [], []
    for number in range(100_000):
        theirs, ours = rng.choice([("/movies", "/data/movies"), ("/mnt/b", "/data/clips")])
        rest = f"/p{rng.randrange(9000)}/v{number}.mp4"
        stash.append((ours + rest, number + 1))
        plex.append((theirs + rest, number + 1))
    found = suggest(twins(stash, plex))
    assert (found.explained, len(found.pairs)) == (100_000, 2)
