"""The desired state of a scene, and when it has too little metadata."""

from __future__ import annotations

import pytest

from plexsync.model.config import DECLARED
from plexsync.model.config import PlexSyncConfig as Settings
from plexsync.model.scene import Entity, Scene, VideoFile
from plexsync.policy.desired import (
    Desired,
    desired,
    has_enough_metadata,
    hash_desired,
)
from plexsync.policy.recipe.scene_values import file_title

DEFAULTS = Settings()
SCENE = Scene(
    id=42,
    title="A title",
    details="One.\r\n\r\nTwo.",
    date="2024-05",
    rating100=85,
    code="AC-1",
    director="Di, Dee",
    studio=Entity(1, "Acme"),
    performers=(Entity(2, "Zoe"), Entity(3, "Ann")),
    tags=(Entity(4, "Drama"),),
    groups=(Entity(5, "Saga"),),
    files=(VideoFile("/data/a/film.mp4", 10), VideoFile("/data/b/film.mkv", 20)),
)
IMAGES = {"poster": "a" * 40, "background": "b" * 40}


def desired_for(scene: Scene = SCENE, settings: Settings = DEFAULTS, **images: str) -> Desired:
    result, error = desired(scene, settings, images)
    assert error is None and result is not None
    return result


def test_a_scene_in_plex_terms() -> None:
    assert desired_for(SCENE, DEFAULTS, **IMAGES).values == {
        "title": "A title",
        "summary": "One.\n\nTwo.",
        "studio": "Acme",
        "date": "2024-05-01",
        "performers": ("Zoe", "Ann"),
        "tags": ("Drama",),
        "directors": ("Di", "Dee"),
        "collections": ("Acme",),
        "poster": "a" * 40,
    }


def test_two_performers_of_one_name_are_told_apart_where_they_meet() -> None:
    janes = (
        Entity(1, "Jane Doe", "2015"),
        Entity(2, "JANE  DOE", "actress"),
        Entity(3, "Ann", "x"),
    )
    assert desired_for(SCENE._replace(performers=janes)).values["performers"] == (
        "Jane Doe (2015)",
        "JANE DOE (actress)",
        "Ann",
    )
    alone = (Entity(1, "Jane Doe", "2015"), Entity(3, "Ann"))
    assert desired_for(SCENE._replace(performers=alone)).values["performers"] == ("Jane Doe", "Ann")
    unknown = (Entity(1, "Jane Doe", "2015"), Entity(2, "Jane Doe", " "))
    assert desired_for(SCENE._replace(performers=unknown)).values["performers"] == (
        "Jane Doe (2015)",
        "Jane Doe",
    )


def test_two_hundred_performers_fit_and_what_does_not_is_said() -> None:
    crowd = tuple(Entity(n, f"P{n}") for n in range(1, 261))
    full = desired_for(SCENE._replace(performers=crowd))
    assert len(full.values["performers"]) == 200
    assert full.cut == ("performers (200 of 260)",)
    assert (
        len(
            desired_for(SCENE._replace(performers=crowd), Settings(max_performers=260)).values[
                "performers"
            ]
        )
        == 260
    )
    assert desired_for().cut == ()


def test_what_is_off_by_default_can_be_switched_on() -> None:
    settings = Settings(sync_background=True, sync_groups=True, sync_rating=True, sync_code=True)
    values = desired_for(SCENE, settings, **IMAGES).values
    assert values["background"] == "b" * 40
    assert values["collections"] == ("Acme", "Saga")
    assert (values["rating"], values["original_title"]) == ("8.5", "AC-1")


def test_what_is_switched_off_is_not_desired() -> None:
    fields = DECLARED.items()
    off = {n: False for n, f in fields if n.startswith("sync_") and isinstance(f.default, bool)}
    settings = Settings(**{**off, "sync_master": True})
    assert desired_for(SCENE, settings, **IMAGES).values == {"title": "A title"}
    assert desired_for(SCENE, settings).entities == frozenset()


def test_with_the_master_switch_off_nothing_is_wanted() -> None:
    nothing = desired_for(SCENE, Settings(sync_master=False, sync_groups=True), **IMAGES)
    assert (nothing.values, nothing.entities) == ({}, frozenset())


def test_groups_are_collections_even_when_the_studio_is_not() -> None:
    result = desired_for(
        SCENE, Settings(sync_collection=False, sync_studio=False, sync_groups=True)
    )
    assert result.values["collections"] == ("Saga",)
    assert ("group", 5) in result.entities and ("studio", 1) not in result.entities


def test_an_empty_scene_wants_its_fields_empty_and_its_file_name_as_title() -> None:
    values = desired_for(Scene(id=1, files=SCENE.files)).values
    assert values.pop("title") == "film"
    assert values == {
        "summary": "",
        "studio": "",
        "date": "",
        "performers": (),
        "tags": (),
        "directors": (),
        "collections": (),
    }


def test_a_tagline_is_never_written_since_stash_has_none() -> None:
    assert "tagline" not in desired_for(SCENE, Settings(sync_tagline=True)).values


def test_an_image_that_does_not_exist_yet_is_not_desired() -> None:
    assert "poster" not in desired_for(SCENE, DEFAULTS, poster="").values


@pytest.mark.parametrize("rating100", [None, 0])
def test_no_rating_is_an_empty_rating(rating100: int | None) -> None:
    scene = SCENE._replace(rating100=rating100)
    assert desired_for(scene, Settings(sync_rating=True)).values["rating"] == ""


def test_the_entities_of_the_desired_state_are_known_by_kind_and_id() -> None:
    assert desired_for().entities == {("performer", 2), ("performer", 3), ("tag", 4), ("studio", 1)}
    assert ("tag", 4) not in desired_for(SCENE, Settings(sync_tags=False)).entities
    assert ("studio", 1) in desired_for(SCENE, Settings(sync_studio=False)).entities


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/data/film.one.mp4", "film.one"),
        ("C:\\videos\\film.mp4", "film"),
        ("C:/videos\\film.mp4", "film"),
        ("\\\\nas\\videos\\film.mp4", "film"),
        ("/data/back\\slash.mp4", "back\\slash"),
        ("/data/.hidden", ".hidden"),
        ("/data/Mr. Smith goes", "Mr. Smith goes"),
        ("/data/../../etc/passwd", "passwd"),
        ("", ""),
    ],
)
def test_the_title_of_a_file(path: str, title: str) -> None:
    assert file_title(Scene(id=1, files=(VideoFile(path),))) == title


@pytest.mark.parametrize("title", ["", "  ", "\u200b"])
def test_a_blank_title_falls_back_to_the_first_file(title: str) -> None:
    assert desired_for(SCENE._replace(title=title)).values["title"] == "film"


@pytest.mark.parametrize("files", [(), (VideoFile("/data/\u200b.mp4"),), (VideoFile("/data/\n"),)])
def test_the_title_is_never_empty(files: tuple[VideoFile, ...]) -> None:
    assert desired_for(Scene(id=7, files=files)).values["title"] == "Scene 7"


def test_hostile_text_is_cleaned() -> None:
    scene = SCENE._replace(title="\x1b[31m\ud800\x01p\x02", director=",,, ,\x00", details="\r\n")
    values = desired_for(scene).values
    assert (values["title"], values["directors"], values["summary"]) == ("[31m p", (), "")


def test_strict_mode_names_the_field_instead() -> None:
    scene = SCENE._replace(details="a\x00b")
    result, error = desired(scene, Settings(strict_mode=True), {})
    assert result is None and error == "summary: contains control characters"


def test_strict_mode_leaves_alone_what_is_not_synced() -> None:
    scene = SCENE._replace(details="a\x00b", code="c\x00")
    assert (
        desired_for(scene, Settings(strict_mode=True, sync_summary=False)).values["title"]
        == "A title"
    )


@pytest.mark.parametrize(
    "scene",
    [
        Scene(id=1, title="typed"),
        Scene(id=1, details="text"),
        Scene(id=1, date="2024"),
        Scene(id=1, studio=Entity(1, "Acme")),
        Scene(id=1, performers=(Entity(1, "Ann"),)),
        Scene(id=1, tags=(Entity(1, "x"),)),
    ],
)
def test_one_thing_to_say_is_enough(scene: Scene) -> None:
    assert has_enough_metadata(scene)


@pytest.mark.parametrize(
    "scene",
    [
        Scene(id=1),
        Scene(id=1, title=" \u200b", details="\n"),
        Scene(id=1, files=SCENE.files, groups=SCENE.groups),
        Scene(id=1, rating100=100, code="AC-1", director="Di"),
    ],
)
def test_rating_code_director_and_file_name_say_nothing(scene: Scene) -> None:
    assert not has_enough_metadata(scene)


def hashed(scene: Scene = SCENE, fingerprint: str = "x", **images: str) -> str:
    return hash_desired(desired_for(scene, DEFAULTS, **images), scene.files, fingerprint)


@pytest.mark.parametrize(
    "other",
    [
        SCENE._replace(title="Another title"),
        SCENE._replace(details=""),
        SCENE._replace(tags=()),
        SCENE._replace(studio=Entity(9, "Bcme")),
        SCENE._replace(files=SCENE.files[:1]),
        SCENE._replace(files=(VideoFile("/data/a/film.mp4", 11), SCENE.files[1])),
        SCENE._replace(files=(VideoFile("/moved/film.mp4", 10), SCENE.files[1])),
    ],
)
def test_the_hash_changes_with_what_is_wanted(other: Scene) -> None:
    assert hashed(other) != hashed()


def test_the_hash_changes_with_images_and_settings_too() -> None:
    hashes = {hashed(), hashed(fingerprint="y"), hashed(poster="a"), hashed(poster="b")}
    assert len(hashes) == 4
    fewer = desired_for(SCENE, Settings(sync_tags=False))
    assert hash_desired(fewer, SCENE.files, "x") != hashed()


@pytest.mark.parametrize(
    "other",
    [
        SCENE._replace(performers=SCENE.performers[::-1], files=SCENE.files[::-1]),
        SCENE._replace(rating100=1, code="other", groups=(), updated_at=9.0),
        SCENE._replace(details="One.\n\n\n\nTwo. "),
    ],
)
def test_the_hash_stays_when_nothing_that_counts_changes(other: Scene) -> None:
    assert hashed(other) == hashed()


def test_any_path_has_a_hash() -> None:
    for path in ("\ud800\x00\n" * 1_000, "", "/é.mp4"):
        assert hashed(Scene(id=1, files=(VideoFile(path),)))
