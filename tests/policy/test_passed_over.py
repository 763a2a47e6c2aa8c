from __future__ import annotations

import pytest

from plexsync.model.plex import Section
from plexsync.policy.passed_over import SAMPLE_LIMIT, why_missing, why_passed_over

BIG = 2 << 30


def library(*folders: str, scanner: str = "Plex Video Files Scanner", key: str = "1") -> Section:
    return Section(key, "Films", "uuid", folders, "tv.plex.agents.none", scanner)


OWN = library("/plex/scenes")
FILMS = library("/plex/scenes", scanner="Plex Movie", key="2")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/plex/scenes/Extras/a.mp4", '"Extras"'),
        ("/plex/scenes/x/Scenes/a.mp4", '"Scenes"'),
        ("/plex/scenes/x/SHORTS/y/a.mp4", '"Shorts"'),
        ("/plex/scenes/Behind The Scenes/a.mp4", '"Behind The Scenes"'),
        ("/plex/scenes/Deleted Scenes/a.mp4", '"Deleted Scenes"'),
        ("/plex/scenes/Featurettes/a.mp4", '"Featurettes"'),
        ("/plex/scenes/Interviews/a.mp4", '"Interviews"'),
        ("/plex/scenes/Trailers/a.mp4", '"Trailers"'),
        ("/plex/scenes/Other/a.mp4", '"Other"'),
        ("/plex/scenes/a-scene.mp4", '"-scene"'),
        ("/plex/scenes/a-Trailer.mkv", '"-trailer"'),
        ("/plex/scenes/a - b-other.mp4", '"-other"'),
        ("/plex/scenes/a-behindthescenes.mp4", '"-behindthescenes"'),
    ],
)
def test_extras_of_a_film_never_become_items(path: str, word: str) -> None:
    for section in (OWN, FILMS):
        found = why_passed_over(path, BIG, [section])
        assert found is not None and word in found.why and found.remedy.startswith("Rename")


@pytest.mark.parametrize(
    "path",
    [
        "/plex/scenes/a.mp4",  # the library's own folder may be named as it likes
        "/plex/scenes/Scenes of a summer/a.mp4",
        "/plex/scenes/scenes.mp4",
        "/plex/scenes/a scene.mp4",
        "/plex/scenes/a-scene-2.mp4",
        "/plex/scenes/another/a.mp4",
        "/plex/scenes/samples of art.mp4",
        "/plex/scenes/Site - 2023-05-14 - a.mp4",
        "/plex/scenes/Show s01e02.mp4",
        "/elsewhere/Extras/a.mp4",
    ],
)
def test_other_names_do_in_a_library_of_other_videos(path: str) -> None:
    assert why_passed_over(path, BIG, [OWN]) is None


@pytest.mark.parametrize(
    "name",
    ["Site - 2023-05-14 - a.mp4", "Site.2023.05.14.mp4", "a 14.05.2023.mp4", "a 05-14-2023 b.mp4"]
    + ["Show S01E02.mp4", "show.s1.e2.mp4", "Show 1x02.mp4"],
)
def test_the_movie_scanner_takes_dates_and_numbers_for_a_series(name: str) -> None:
    found = why_passed_over(f"/plex/scenes/{name}", BIG, [FILMS])
    assert found is not None
    assert '"Plex Movie"' in found.why
    assert '"Other Videos"' in found.remedy


@pytest.mark.parametrize(
    "name",
    ["Film (2023).mp4", "Film 1920x1080.mp4", "Film 23.05.14.mp4", "s1e.mp4", "12345.05.14.mp4"],
)
def test_years_and_sizes_of_pictures_are_no_dates_and_episodes(name: str) -> None:
    assert why_passed_over(f"/plex/scenes/{name}", BIG, [FILMS]) is None


@pytest.mark.parametrize(
    ("name", "size", "passed"),
    [
        ("a.sample.mp4", 5000, True),
        ("sample.mp4", None, True),
        ("a-sample.mp4", SAMPLE_LIMIT, False),
        ("resampled.mp4", 5000, False),
    ],
)
def test_a_small_sample_is_passed_over(name: str, size: int | None, passed: bool) -> None:
    assert bool(why_passed_over(f"/plex/scenes/{name}", size, [OWN])) == passed


def test_one_library_that_takes_the_file_is_enough() -> None:
    path = "/plex/scenes/Show S01E02.mp4"
    assert why_passed_over(path, BIG, [FILMS, OWN]) is None
    assert why_passed_over("/plex/scenes/Extras/a.mp4", BIG, [FILMS, OWN]) is not None


def test_the_innermost_folder_of_a_library_counts_whatever_its_spelling() -> None:
    nested = library("D:\\Plex", "D:\\Plex\\Scenes")
    assert why_passed_over("d:/plex/scenes/a.mp4", BIG, [nested]) is None
    assert why_passed_over("D:\\Plex\\Other\\a.mp4", BIG, [nested]) is not None


def test_what_is_said_of_a_missing_file() -> None:
    def said(*paths: str, libraries: tuple[Section, ...] = (OWN,)) -> str:
        return why_missing([(path, BIG) for path in paths], libraries)

    assert said("/plex/scenes/a.mp4").endswith("yet; Plex may still have to scan it")
    assert "is in none of the libraries" in said("/data/a.mp4")
    assert "a path map is needed" in said("/data/a.mp4", libraries=())
    assert "Plex will not create one" in said("/plex/scenes/Extras/a.mp4", "/data/a.mp4")
    assert "still have to scan" in said("/plex/scenes/Extras/a.mp4", "/plex/scenes/a.mp4")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/plex/scenes/a.f4v", "type .f4v"),
        ("/plex/scenes/a.gif", "type .gif"),
        ("/plex/scenes/a", "without a type"),
        ("/plex/scenes/.a.mp4", "begins with a dot"),
        ("/plex/scenes/.hidden/a.mp4", '".hidden"'),
        ("/plex/scenes/x/@eaDir/a.mp4", '"@eadir"'),
        ("/plex/scenes/#recycle/a.mp4", '"#recycle"'),
        ("/plex/scenes/lost+found/a.mp4", '"lost+found"'),
        ("/plex/scenes/_UNPACK_x/a.mp4", '"_unpack_x"'),
        ("/plex/scenes/$RECYCLE.BIN/a.mp4", '"$recycle.bin"'),
    ],
)
def test_hidden_files_and_other_types_never_become_items(path: str, word: str) -> None:
    for section in (OWN, FILMS):
        found = why_passed_over(path, BIG, [section])
        assert found is not None and word in found.why and found.remedy


@pytest.mark.parametrize(
    "path",
    ["/plex/scenes/a.WMV", "/plex/scenes/a.m2ts", "/plex/scenes/x/$Recycle.Bin/a.mp4"],
)
def test_types_that_plex_takes(path: str) -> None:
    assert why_passed_over(path, BIG, [OWN]) is None
