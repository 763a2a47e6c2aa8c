"""Files of both servers: which library holds which, and which folders are missing."""

from __future__ import annotations

from plexsync.model.paths import PathMap
from plexsync.policy.path_suggestion import twins
from plexsync.policy.survey import by_folder, examples, held


def folders(files: list[str], missing: list[str]) -> list[tuple[str, int, int, str]]:
    found = by_folder([(path, 1) for path in files], [(path, 1) for path in missing])
    return [(each.folder, each.missing, each.files, each.example[0]) for each in found]


def test_a_file_is_held_by_path_or_by_name_and_size() -> None:
    stash = [("/data/a.mp4", 1), ("/data/b.mp4", 2), ("/data/c.mp4", 3)]
    plex = [("/plex/a.mp4", 9), ("/other/b.mp4", 2), ("/twice/a.mp4", 8)]
    found = held(
        stash,
        [("1", "/plex/a.mp4"), ("2", "/other/b.mp4"), ("2", "/plex/a.mp4")],
        twins(stash, plex),
        PathMap.parse("/plex=>/data")[0].to_plex,
    )
    assert found.by_library == {"1": 1, "2": 2}
    assert found.missing == [("/data/c.mp4", 3)]


def test_a_folder_that_is_missing_as_a_whole_stands_for_those_below_it() -> None:
    files = ["/data/old/x/1.mp4", "/data/old/y/2.mp4", "/data/new/3.mp4", "/data/new/4.mp4"]
    assert folders(files, [*files[:2], files[3]]) == [
        ("/data/old", 2, 2, "/data/old/x/1.mp4"),
        ("/data/new", 1, 2, "/data/new/4.mp4"),
    ]


def test_where_everything_is_missing_one_row_says_so() -> None:
    files = [f"/media/films/{n % 3}/{n}.mp4" for n in range(9)]
    assert folders(files, files) == [("/media/films", 9, 9, "/media/films/0/0.mp4")]


def test_a_folder_counts_only_its_own_files_where_the_ones_below_are_there() -> None:
    files = ["/data/1.mp4", "/data/2.mp4", "/data/deep/3.mp4"]
    assert folders(files, ["/data/1.mp4"]) == [("/data", 1, 2, "/data/1.mp4")]


def test_windows_paths_and_bare_names_have_folders_too() -> None:
    files = ["D:\\films\\a.mp4", "D:\\films\\b.mp4", "bare.mp4"]
    assert folders(files, ["D:\\films\\b.mp4", "bare.mp4"]) == [
        ("", 1, 1, "bare.mp4"),
        ("D:\\films", 1, 2, "D:\\films\\b.mp4"),
    ]


def test_nothing_missing_is_no_folder() -> None:
    assert folders(["/data/a.mp4"], []) == []
    assert folders([], []) == []


def test_examples_show_each_way_in_which_paths_differ_the_unexplained_first() -> None:
    stash = [(f"/data/{n}.mp4", n) for n in range(1, 5)] + [("/more/9.mp4", 9)]
    plex = [(f"/plex/{n}.mp4", n) for n in range(1, 5)] + [("/elsewhere/9.mp4", 9)]
    found = examples(twins(stash, plex), PathMap.parse("/plex=>/data")[0].to_plex)
    assert [(each.stash, each.plex, each.becomes, each.fits) for each in found] == [
        ("/more/9.mp4", "/elsewhere/9.mp4", "/more/9.mp4", False),
        ("/data/1.mp4", "/plex/1.mp4", "/plex/1.mp4", True),
    ]
