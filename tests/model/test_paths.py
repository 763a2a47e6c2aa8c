from __future__ import annotations

import random
import unicodedata

import pytest

from plexsync.model.paths import (
    PathMap,
    derive,
    exact_key,
    folder_of,
    name_key,
    path_key,
    tail_key,
)

NFC, NFD = (unicodedata.normalize(form, "/m/Café/Ångström.mp4") for form in ("NFC", "NFD"))


def mapped(text: str) -> PathMap:
    path_map, warnings = PathMap.parse(text)
    assert warnings == []
    return path_map


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/data/Movies/A.mp4", "/data/movies/a.MP4"),
        (r"D:\Media\a.mp4", "d:/media/a.mp4"),
        ("/data//movies///a.mp4", "/data/movies/a.mp4"),
        (r"\\NAS\share\a.mp4", "//nas/share/a.mp4"),
        (NFC, NFD),
        ("/m/ΟΔΥΣΣΕΥΣ.mp4", "/m/Οδυσσευς.mp4"),
        ("/data/movies/", "/data/movies"),
    ],
)
def test_spellings_of_one_path_have_one_key(one: str, other: str) -> None:
    assert path_key(one) == path_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/data/a.mp4", "data/a.mp4"),
        (r"\\nas\share\a.mp4", "/nas/share/a.mp4"),
        ("C:/a.mp4", "D:/a.mp4"),
        ("/data/a.mp4", "/data/a .mp4"),
        ("/data/./a.mp4", "/data/../a.mp4"),
        ("/m/strasse.mp4", "/m/straße.mp4"),
        ("/m/\ufb01lm.mp4", "/m/film.mp4"),
        ("/m/\u0131.mp4", "/m/i.mp4"),
        ("/m/\uff41.mp4", "/m/a.mp4"),
    ],
)
def test_different_paths_have_different_keys(one: str, other: str) -> None:
    assert path_key(one) != path_key(other)


def test_the_exact_key_keeps_case_and_folds_the_rest() -> None:
    assert exact_key(r"D:\Media\\A.mp4") == "D:/Media/A.mp4"
    assert exact_key("/d/A.mp4") != exact_key("/d/a.mp4")
    assert exact_key(NFC) == exact_key(NFD)


@pytest.mark.parametrize(
    ("path", "name", "tail"),
    [
        ("/data/Movies/A.mp4", "a.mp4", "movies/a.mp4"),
        (r"D:\Media\A.mp4", "a.mp4", "media/a.mp4"),
        ("/A.mp4", "a.mp4", ""),
        (r"C:\A.mp4", "a.mp4", ""),
        ("A.mp4", "a.mp4", ""),
        ("", "", ""),
        ("/", "", ""),
    ],
)
def test_name_and_tail_are_cut_from_the_key(path: str, name: str, tail: str) -> None:
    assert name_key(path) == name
    assert tail_key(path) == tail


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/Data/x/a.mp4", "/Data/x"),
        ("/data//a.mp4", "/data"),
        ("/a.mp4", "/"),
        (r"D:\Media\x\a.mp4", r"D:\Media\x"),
        (r"D:\a.mp4", "D:\\"),
        (r"\\nas\share\a.mp4", r"\\nas\share"),
        ("/data/odd\\name.mp4", "/data"),
        ("a.mp4", ""),
        ("", ""),
    ],
)
def test_the_folder_is_spelled_as_in_the_path(path: str, folder: str) -> None:
    assert folder_of(path) == folder


def test_an_empty_map_changes_nothing() -> None:
    path_map = mapped("")
    assert path_map.to_plex("/data/A.mp4") == "/data/A.mp4"
    assert path_map.to_stash(r"D:\a.mp4") == r"D:\a.mp4"


def test_a_pair_maps_both_ways_and_keeps_the_case_of_the_rest() -> None:
    path_map = mapped("/movies=>/data/stash/")
    assert path_map.to_plex("/data/stash/Sub/A.mp4") == "/movies/Sub/A.mp4"
    assert path_map.to_stash("/movies/Sub/A.mp4") == "/data/stash/Sub/A.mp4"
    assert path_map.to_plex("/elsewhere/A.mp4") == "/elsewhere/A.mp4"


def test_only_whole_folder_names_count() -> None:
    path_map = mapped("/movies=>/data/st")
    assert path_map.to_plex("/data/stash/a.mp4") == "/data/stash/a.mp4"
    assert path_map.to_plex("/data/st") == "/movies"


def test_the_longest_prefix_wins_whatever_the_order() -> None:
    for text in (
        "/all=>/data; /clips=>/data/clips; /deep=>/data/clips/deep",
        "/deep=>/data/clips/deep; /clips=>/data/clips; /all=>/data",
    ):
        path_map = mapped(text)
        assert path_map.to_plex("/data/clips/deep/a.mp4") == "/deep/a.mp4"
        assert path_map.to_plex("/data/clips/b.mp4") == "/clips/b.mp4"
        assert path_map.to_plex("/data/c.mp4") == "/all/c.mp4"


def test_case_separators_and_unicode_of_a_prefix_do_not_matter() -> None:
    path_map = mapped(unicodedata.normalize("NFD", "/plex=>d:/Média"))
    assert path_map.to_plex("D:\\MÉDIA\\Sub\\A.mp4") == "/plex/Sub/A.mp4"


def test_paths_come_out_in_the_style_of_their_side() -> None:
    path_map = mapped(r"D:/Plex/Media=>/data; \\nas\share=>/nas; E:\=>/e")
    assert path_map.to_plex("/data/x/a.mp4") == r"D:\Plex\Media\x\a.mp4"
    assert path_map.to_plex("/nas/x/a.mp4") == r"\\nas\share\x\a.mp4"
    assert path_map.to_plex("/e/a.mp4") == r"E:\a.mp4"
    assert path_map.to_plex("/e") == "E:\\"
    assert path_map.to_stash(r"\\NAS\Share\x\a.mp4") == "/nas/x/a.mp4"


def test_a_root_may_be_mapped() -> None:
    assert mapped("/=>/data").to_plex("/data/x/a.mp4") == "/x/a.mp4"
    assert mapped("/plex=>/").to_plex("/x/a.mp4") == "/plex/x/a.mp4"
    assert mapped("/=>/data").to_plex("/data") == "/"


def test_a_backslash_in_a_posix_name_stays_in_the_name() -> None:
    assert mapped("/plex=>/data").to_plex("/data/odd\\name.mp4") == "/plex/odd\\name.mp4"
    path_map = mapped("/plex=>/da\\ta")
    assert path_map.to_plex("/da\\ta/a.mp4") == "/plex/a.mp4"
    assert path_map.to_stash("/plex/a.mp4") == "/da\\ta/a.mp4"


@pytest.mark.parametrize(
    "bad",
    [
        "/plex->/data",
        "/plex",
        "=>/data",
        "/plex=>",
        "/a=>/b=>/c",
        "movies=>/data",
        "/plex=>data",
        "/other=>/good/",
    ],
)
def test_a_bad_pair_is_named_and_the_others_count(bad: str) -> None:
    path_map, warnings = PathMap.parse(f"/fine=>/good; {bad} ;; /too=>/fine")
    assert len(warnings) == 1
    assert bad in warnings[0] and "path_map" in warnings[0]
    assert path_map.to_plex("/good/a.mp4") == "/fine/a.mp4"
    assert path_map.to_plex("/fine/a.mp4") == "/too/a.mp4"


def test_a_warning_stays_one_short_line() -> None:
    _, warnings = PathMap.parse("x" * 5000)
    assert len(warnings) == 1 and len(warnings[0]) < 250 and "\n" not in warnings[0]


def test_one_file_teaches_where_its_siblings_are() -> None:
    learned = derive("/stash/lib/Sub/a.mp4", r"D:\Media\sub\A.mp4")
    assert learned.to_plex("/stash/lib/Other/b.mp4") == r"D:\Media\Other\b.mp4"
    assert learned.to_stash(r"D:\Media\c.mp4") == "/stash/lib/c.mp4"


def test_files_of_other_names_teach_nothing() -> None:
    assert derive("/stash/a.mp4", "/plex/b.mp4") == PathMap()
    assert derive("/data/x/a.mp4", "/DATA/x/a.mp4") == PathMap()
    assert derive("", "") == PathMap()


def test_a_prefix_that_one_side_lacks_is_learned() -> None:
    learned = derive("/data/x/a.mp4", "/data/library/x/a.mp4")
    assert learned.to_plex("/data/y/b.mp4") == "/data/library/y/b.mp4"
    rooted = derive("/x/a.mp4", "/media/x/a.mp4")
    assert rooted.to_plex("/b.mp4") == "/media/b.mp4"


def test_hostile_paths_are_only_compared() -> None:
    rng = random.Random(13)
    alphabet = ["/", "\\", "..", ".", "-", "a", "é", "\0", "\n", ":", "C:", "\ud800", "👩‍👩‍👧", "İ"]
    path_map, _ = PathMap.parse("/plex=>/; C:\\=>/a; /=>\\\\a\\b")
    for _ in range(3000):
        path = "".join(rng.choices(alphabet, k=rng.randrange(12)))
        assert path_key(path_key(path)) == path_key(path)
        assert "\\" not in exact_key(path)
        for call in (name_key, tail_key, folder_of, path_map.to_plex, path_map.to_stash):
            assert isinstance(call(path), str)
        derive(path, path[::-1])
    long = "/" + "x/" * 2500 + "a.mp4"
    assert tail_key(long) == "x/a.mp4"


def test_a_folder_that_only_sounds_like_the_maps_leads_on_but_is_not_exact() -> None:
    path_map = mapped("/plex=>/data; /other=>/Data")
    assert path_map.locate("/data/a.mp4") == ("/plex/a.mp4", True)
    assert path_map.locate("/Data/a.mp4") == ("/other/a.mp4", True)
    assert path_map.locate("/DATA/a.mp4") == ("/plex/a.mp4", False)
    assert path_map.locate("/elsewhere/a.mp4") == ("/elsewhere/a.mp4", True)


def test_windows_folders_are_the_same_in_any_case() -> None:
    path_map = mapped(r"/plex=>D:\Films")
    assert path_map.locate(r"d:\films\a.mp4") == ("/plex/a.mp4", True)
