from __future__ import annotations

import random
import unicodedata

import pytest

from plexsync.model.ledger import Pin
from plexsync.model.paths import PathMap
from plexsync.model.plex import IndexedPart, Target
from plexsync.model.scene import VideoFile
from plexsync.policy.matching import HIGH, LOW, NONE, Match, describe, match, pinned

SAME_PATHS = PathMap()


def part(
    file: str, size: int | None = None, key: int = 1, section: str = "1", first: bool = True
) -> IndexedPart:
    return IndexedPart(Target("server", section, key), file, size, first)


def found(
    files: list[VideoFile] | VideoFile, *parts: IndexedPart, path_map: PathMap = SAME_PATHS
) -> Match:
    return match([files] if isinstance(files, VideoFile) else files, parts, path_map)


def keys(result: Match) -> list[int]:
    return [target.rating_key for target in result.targets]


def test_the_same_path_is_the_item() -> None:
    result = found(VideoFile("/data/a.mp4", 1), part("/data/a.mp4", 1, key=7), part("/b/a.mp4", 1))
    assert (result.confidence, result.rule, keys(result)) == (HIGH, "path", [7])
    assert result.matched == {Target("server", "1", 7): "/data/a.mp4"}


def test_the_path_decides_even_when_the_size_changed() -> None:
    result = found(VideoFile("/data/a.mp4", 1), part("/data/a.mp4", 2))
    assert (result.confidence, result.rule) == (HIGH, "path")


def test_the_map_leads_to_the_item() -> None:
    path_map, _ = PathMap.parse("/plex=>/stash")
    wrong = part("/stash/a.mp4", 1, key=2)
    result = found(VideoFile("/stash/a.mp4", 1), part("/plex/a.mp4", 1), wrong, path_map=path_map)
    assert (result.rule, keys(result)) == ("path", [1])


def test_every_item_that_holds_a_file_of_the_scene_is_a_target() -> None:
    files = [VideoFile("/data/a.mp4"), VideoFile("/data/b.mp4")]
    parts = [
        part("/data/b.mp4", key=10, section="10"),
        part("/data/a.mp4", key=30, section="2"),
        part("/data/a.mp4", key=4, section="10"),
        part("/data/b.mp4", key=30, section="2"),
    ]
    result = found(files, *parts)
    assert result.confidence == HIGH
    assert [(t.section, t.rating_key) for t in result.targets] == [("2", 30), ("10", 4), ("10", 10)]
    assert len(result.candidates) == 3
    assert result.matched[Target("server", "2", 30)] == "/data/a.mp4"


def test_a_later_part_of_an_item_counts_too() -> None:
    result = found(VideoFile("/d/cd2.mp4"), part("/d/cd1.mp4"), part("/d/cd2.mp4", first=False))
    assert result.matched == {Target("server", "1", 1): "/d/cd2.mp4"}


@pytest.mark.parametrize(
    ("in_stash", "in_plex"),
    [
        (r"D:\Media\a.mp4", "d:/media/A.mp4"),
        ("/m/Caf\u00e9.mp4", "/m/Cafe\u0301.mp4"),
        ("/m//x/a.mp4", "/m/x/a.mp4"),
        (r"\\NAS\x\a.mp4", "//nas/x/a.mp4"),
    ],
)
def test_another_spelling_of_a_path_needs_equal_sizes(in_stash: str, in_plex: str) -> None:
    result = found(VideoFile(in_stash, 1), part(in_plex, 1))
    assert (result.confidence, result.rule) == (HIGH, "spelling")
    assert list(result.matched.values()) == [in_plex]
    assert result.loose == {in_plex}
    for mine, theirs in ((1, 2), (1, None), (None, 1), (None, None), (0, 0)):
        unsure = found(VideoFile(in_stash, mine), part(in_plex, theirs))
        assert (unsure.confidence, unsure.rule) == (LOW, "spelling"), (mine, theirs)
        assert unsure.doubt


@pytest.mark.parametrize(
    ("in_stash", "in_plex"),
    [
        ("/d/Stra\u00dfe.mp4", "/d/Strasse.mp4"),
        ("/d/\ufb01lm.mp4", "/d/film.mp4"),
        ("/d/\uff21.mp4", "/d/A.mp4"),
        ("/d/K\u0131z.mp4", "/d/Kiz.mp4"),
    ],
)
def test_names_that_no_disk_takes_for_one_are_two(in_stash: str, in_plex: str) -> None:
    assert found(VideoFile(in_stash, 1), part(in_plex, 1)) == Match()


def test_a_backslash_in_a_name_is_not_a_folder() -> None:
    assert found(VideoFile("/d/a\\b.mp4", 1), part("/d/a/b.mp4", 2)).confidence == LOW
    assert found(VideoFile("/d/a\\b.mp4", 1), part("/d/a\\b.mp4", 2)).rule == "path"


def test_what_another_scene_has_exactly_is_not_taken() -> None:
    clip = part("/d/clip.mp4", 1)
    result = match([VideoFile("/d/Clip.mp4", 1)], [clip], SAME_PATHS, {"/d/clip.mp4"})
    assert (result.confidence, result.rule) == (LOW, "spelling")
    assert result.doubt == "another scene's file has exactly its path"
    moved = match([VideoFile("/e/clip.mp4", 1)], [clip], SAME_PATHS, {"/d/clip.mp4"})
    assert (moved.confidence, moved.rule) == (LOW, "name+size")


def test_a_map_that_only_sounds_alike_is_not_exact() -> None:
    path_map, _ = PathMap.parse("/plex=>/data")
    item = part("/plex/a.mp4", 2)
    assert found(VideoFile("/DATA/a.mp4", 1), item, path_map=path_map).confidence == LOW
    assert found(VideoFile("/DATA/a.mp4", 2), item, path_map=path_map).rule == "spelling"
    assert found(VideoFile("/data/a.mp4", 1), item, path_map=path_map).rule == "path"


def test_a_common_end_in_another_spelling_needs_equal_sizes() -> None:
    for sizes, sure in (((5, 5), HIGH), ((5, None), LOW), ((None, None), LOW), ((5, 6), LOW)):
        result = found(VideoFile("/stash/X/a.mp4", sizes[0]), part("/plex/x/a.mp4", sizes[1]))
        assert (result.confidence, result.rule) == (sure, "suffix"), sizes


def test_names_that_differ_in_case_alone_may_be_two_files() -> None:
    upper, lower = part("/d/A.mp4", 1, key=1), part("/d/a.mp4", 1, key=2)
    assert keys(found(VideoFile("/d/a.mp4", 1), upper, lower)) == [2]
    assert keys(found(VideoFile("/d/A.mp4", 1), upper, lower)) == [1]


def test_unicode_twins_on_one_disk_keep_their_own_items() -> None:
    composed = part(unicodedata.normalize("NFC", "/d/é.mp4"), 1, key=1)
    decomposed = part(unicodedata.normalize("NFD", "/d/é.mp4"), 1, key=2)
    assert keys(found(VideoFile(decomposed.file, 1), composed, decomposed)) == [2]


def test_the_longest_common_end_finds_another_mount() -> None:
    result = found(
        VideoFile("/stash/lib/Site/2020/a.mp4", 5),
        part("/plex/Site/2020/a.mp4", 5, key=1),
        part("/plex/Other/2020/a.mp4", 6, key=2),
    )
    assert (result.confidence, result.rule, keys(result)) == (HIGH, "suffix", [1])


def test_a_mount_within_the_same_named_folder_is_found() -> None:
    result = found(VideoFile("/data/x/a.mp4"), part("/data/library/x/a.mp4"))
    assert (result.confidence, result.rule) == (HIGH, "suffix")


def test_a_common_end_with_another_size_is_uncertain() -> None:
    result = found(VideoFile("/stash/x/a.mp4", 5), part("/plex/x/a.mp4", 6))
    assert (result.confidence, result.rule, keys(result)) == (LOW, "suffix", [1])


def test_a_common_end_that_two_items_share_is_uncertain() -> None:
    parts = [part("/p2/x/a.mp4", key=9), part("/p1/x/a.mp4", key=3)]
    result = found(VideoFile("/stash/x/a.mp4", 5), *parts)
    assert (result.confidence, result.rule, keys(result)) == (LOW, "suffix", [3, 9])
    assert [c.file for c in result.candidates] == ["/p1/x/a.mp4", "/p2/x/a.mp4"]


def test_the_size_decides_what_the_folder_leaves_open() -> None:
    parts = [part("/p1/x/a.mp4", 5, key=1), part("/p2/x/a.mp4", 6, key=2)]
    result = found(VideoFile("/stash/x/a.mp4", 6), *parts)
    assert (result.confidence, result.rule, keys(result)) == (HIGH, "name+size", [2])


def test_two_files_that_point_to_two_items_are_uncertain() -> None:
    files = [VideoFile("/stash/deep/x/a.mp4"), VideoFile("/stash/y/b.mp4")]
    parts = [part("/plex/deep/x/a.mp4", key=1), part("/plex/y/b.mp4", key=2)]
    result = found(files, *parts)
    assert (result.confidence, keys(result)) == (LOW, [1, 2])


def test_many_parts_of_one_item_are_one_candidate() -> None:
    parts = [part("/plex/x/a.mp4", 6), part("/old/x/a.mp4", 5, first=False)]
    result = found(VideoFile("/stash/x/a.mp4", 5), *parts)
    assert (result.confidence, keys(result)) == (HIGH, [1])
    assert list(result.matched.values()) == ["/old/x/a.mp4"]


def test_name_and_size_find_a_moved_file() -> None:
    result = found(
        VideoFile("/data/new/a.mp4", 5),
        part("/data/old/a.mp4", 5, key=1),
        part("/data/other/a.mp4", 6, key=2),
    )
    assert (result.confidence, result.rule, keys(result)) == (HIGH, "name+size", [1])


def test_name_and_size_of_two_items_are_uncertain() -> None:
    parts = [part("/p/x/a.mp4", 5, key=2), part("/p/y/a.mp4", 5, key=1)]
    result = found(VideoFile("/s/z/a.mp4", 5), *parts)
    assert (result.confidence, result.rule, keys(result)) == (LOW, "name+size", [1, 2])


def test_a_name_alone_is_enough_only_without_a_size() -> None:
    file = VideoFile("/stash/lib/a.mp4", 5)
    assert found(file, part("/plex/a.mp4", None)).rule == "name"
    assert found(file, part("/plex/a.mp4", None)).confidence == HIGH
    assert found(file, part("/plex/a.mp4", 6)) == Match()


def test_a_name_that_occurs_twice_is_uncertain() -> None:
    file = VideoFile("/stash/lib/a.mp4", 5)
    twice = found(file, part("/p/a.mp4", None, key=1), part("/q/a.mp4", None, key=2))
    assert (twice.confidence, twice.rule, keys(twice)) == (LOW, "name", [1, 2])
    rival = found(file, part("/p/a.mp4", None, key=1), part("/q/a.mp4", 6, key=2))
    assert (rival.confidence, keys(rival)) == (LOW, [1])


@pytest.mark.parametrize("sizes", [(5, 6), (5, None), (None, None)])
@pytest.mark.parametrize(
    ("in_stash", "in_plex"),
    [
        ("/data/B/clip.mp4", "/data/A/clip.mp4"),
        ("/data/clip.mp4", "/data/A/clip.mp4"),
        ("/data/B/videos/clip.mp4", "/data/A/videos/clip.mp4"),
        (r"D:\B\videos\clip.mp4", r"D:\A\videos\clip.mp4"),
    ],
)
def test_a_namesake_in_another_folder_is_never_taken(
    in_stash: str, in_plex: str, sizes: tuple[int | None, int | None]
) -> None:
    assert found(VideoFile(in_stash, sizes[0]), part(in_plex, sizes[1])).confidence == NONE


def test_namesakes_under_another_mount_each_find_their_own() -> None:
    a, b = part("/plex/A/clip.mp4", 5, key=1), part("/plex/B/clip.mp4", 6, key=2)
    assert keys(found(VideoFile("/stash/A/clip.mp4", 5), a, b)) == [1]
    assert keys(found(VideoFile("/stash/B/clip.mp4", 6), a, b)) == [2]
    assert found(VideoFile("/stash/C/clip.mp4", 7), a, b) == Match()


def test_in_a_random_library_no_scene_gets_another_ones_item() -> None:
    rng = random.Random(9)
    for _ in range(300):
        folders = rng.sample(["A", "B", "C", "A/videos", "B/videos", "C/videos"], 4)
        names = ["clip.mp4", "1.mp4"]
        library = [
            (f"{f}/{n}", size)
            for size, (f, n) in enumerate(((f, n) for f in folders for n in names), start=100)
        ]
        mount = rng.choice(["/data", "/media/plex"])
        shown = rng.sample(library, rng.randrange(len(library) + 1))
        parts = [part(f"{mount}/{path}", size, key=size) for path, size in shown]
        for path, size in library:
            result = found(VideoFile(f"/data/{path}", size), *parts)
            if result.confidence == HIGH:
                assert keys(result) == [size]
            elif mount == "/data":
                assert result.confidence == NONE and (path, size) not in shown


def test_no_file_and_no_part_match_nothing() -> None:
    assert found([], part("/a.mp4")).confidence == NONE
    assert found(VideoFile("/a.mp4", 1)).confidence == NONE
    assert found(VideoFile("", 1), part("", 1)).confidence == NONE


def test_candidates_are_told_in_a_line_each() -> None:
    parts = [part("/p/a.mp4", 5, key=7, section="2"), part("/q/a\n\x1b.mp4")]
    lines = [each.words() for each in describe(parts)]
    assert lines == [
        "/p/a.mp4 (5 bytes), section 2, item 7",
        "/q/a  .mp4 (size unknown), section 1, item 1",
    ]


def test_a_pin_decides_alone_and_by_the_file() -> None:
    parts = [part("/plex/a.mp4", key=1), part("/plex/b.mp4", key=2), part("/plex/B.mp4", key=3)]
    result = pinned(Pin("/plex/b.mp4"), parts)
    assert (result.confidence, result.rule, keys(result)) == ("HIGH", "pin", [2])
    assert result.matched[result.targets[0]] == "/plex/b.mp4"
    assert pinned(Pin("/plex/none.mp4", 1), parts).confidence == "NONE"


def test_the_rating_key_of_a_pin_tells_two_items_of_one_file_apart() -> None:
    parts = [part("/plex/a.mp4", key=1), part("/plex/a.mp4", key=2)]
    assert keys(pinned(Pin("/plex/a.mp4", 2), parts)) == [2]
    assert keys(pinned(Pin("/plex/a.mp4", 99), parts)) == [1]


def test_a_pinned_file_that_is_spelt_differently_counts_in_its_own_item_alone() -> None:
    parts = [part("/plex/A.mp4", key=1), part("/plex/A.mp4", key=2)]
    assert keys(pinned(Pin("/plex/a.mp4", 2), parts)) == [2]
    assert pinned(Pin("/plex/a.mp4", 3), parts).confidence == NONE
