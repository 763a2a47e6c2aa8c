"""Which scenes the filters leave out, with the reason."""

from __future__ import annotations

import pytest

from plexsync.model.hierarchy import FLAT, Hierarchy, Node, Tree
from plexsync.model.scene import Entity, Performer, Scene, VideoFile
from plexsync.policy.filters import Filters, SceneFilter

TAGS = Tree(
    [
        Node(1, "Genre", ("Kind",)),
        Node(2, "Drama", (), (1,)),
        Node(3, "Noir", ("Dark",), (2,)),
        Node(4, "Private"),
        Node(5, "drama; or [not]"),
    ]
)
STUDIOS = Tree(
    [Node(10, "Acme", ("ACM",)), Node(11, "Acme East", (), (10,)), Node(12, "Solo", (), (12,))]
)
STASH = Hierarchy(TAGS, STUDIOS)
SCENE = Scene(
    id=7,
    rating100=80,
    studio=Entity(11, "Acme East"),
    performers=(Performer(20, "Ann", aliases=("Anna",)),),
    tags=(Entity(3, "Noir"),),
    files=(VideoFile("/data/films/a.mp4"), VideoFile("C:\\Films\\a.mp4")),
)


def why(only: str = "", never: str = "", scene: Scene = SCENE, stash: Hierarchy = STASH) -> str:
    return SceneFilter(Filters.of(only, never), stash).why_left_out(scene)


def test_without_filters_every_scene_is_in() -> None:
    assert why() == ""


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("organized", SCENE._replace(organized=True)),
        ("stash_id", SCENE._replace(stash_ids=("x",))),
        ("url", SCENE._replace(urls=("https://example.org",))),
    ],
)
def test_a_word_alone_holds_or_not(condition: str, holds: Scene) -> None:
    assert why(only=condition, scene=holds) == why(never=condition) == ""
    assert why(only=condition) and why(never=condition, scene=holds)


def test_the_reasons_are_words_for_people() -> None:
    assert why(only="organized") == "not organized"
    assert why(only="stash_id") == "no Stash ID"
    assert why(never="url", scene=SCENE._replace(urls=("u",))) == "has a URL"
    assert why(only="rating>=9") == "not rating>=9"
    assert why(never="tag:Noir") == "tag:Noir"
    assert len(why(only=f"tag:{'x' * 900}")) < 210


@pytest.mark.parametrize(
    "condition",
    [
        *("rating>=8", "rating<=8", "rating>7.9", "rating<8.1", "stars>=4", "stars<4.1"),
        *("tag:Noir", "tag:noir", "tag:Dark", "tag:3", "tag:X, Noir", "tag:Drama/*", "tag:Kind/*"),
        *("tag:Noir/*", "studio:Acme East", "studio:Acme/*", "studio:ACM/*", "studio:11"),
        *("performer:ann", "performer:Anna", "performer:20", "performer:X, Ann"),
        *("path:/data", "path:/data/films/", "path:/DATA/films/a.mp4", "path:/", "path:c:/films"),
    ],
)
def test_what_holds(condition: str) -> None:
    assert why(only=condition) == ""
    assert why(never=condition) != ""


@pytest.mark.parametrize(
    "condition",
    [
        *("rating>8", "rating<8", "stars>=4.5", "tag:Drama", "tag:Genre", "tag:Private/*", "tag:4"),
        *("studio:Acme", "studio:Solo/*", "performer:An", "performer:2", "path:/dat"),
        *("path:/data/film", "path:/data/films/a.mp4/x", "path:D:/Films"),
    ],
)
def test_what_does_not_hold(condition: str) -> None:
    assert why(only=condition) == f"not {condition}"
    assert why(never=condition) == ""


def test_a_scene_without_rating_studio_or_file_meets_no_such_condition() -> None:
    bare = Scene(id=1)
    for condition in ("rating>=0", "rating<9", "stars<=5", "tag:Noir", "studio:Acme", "path:/"):
        assert why(only=condition, scene=bare) and not why(never=condition, scene=bare)


def test_all_of_the_one_and_none_of_the_other() -> None:
    assert why(only="rating>=5; tag:Drama/*", never="organized; tag:Private") == ""
    assert why(only="rating>=5; organized") == "not organized"
    assert why(only="rating>=5", never="organized; studio:Acme/*") == "studio:Acme/*"


def test_a_tag_that_is_newer_than_what_is_known_of_them_is_met_by_its_name() -> None:
    scene = SCENE._replace(tags=(Entity(99, "Fresh"),))
    assert why(only="tag:fresh", scene=scene) == ""
    assert why(only="tag:Genre/*", scene=scene) != ""


def test_names_with_every_special_character() -> None:
    scene = SCENE._replace(tags=(Entity(5, "drama; or [not]"),))
    assert why(only='tag:"drama; or [not]"', scene=scene) == ""


def test_a_studio_that_is_its_own_parent_does_no_harm() -> None:
    scene = SCENE._replace(studio=Entity(12, "Solo"))
    assert why(only="studio:Solo/*", scene=scene) == ""
    assert Filters.of("studio:Solo/*", "").entities(scene, STASH) == {("studio", 12)}


def test_what_is_asked_of_stash_is_no_more_than_the_conditions_need() -> None:
    assert not Filters.of("rating>=3; path:/data; tag:X", "studio:Y").parts.details
    for condition in ("organized", "stash_id", "url", "performer:X"):
        assert Filters.of("", condition).parts.details
    assert Filters.of("tag:X", "").uses_hierarchy and Filters.of("", "studio:X").uses_hierarchy
    assert not Filters.of("organized; rating>=3", "path:/a; performer:X").uses_hierarchy


def test_fields_of_an_event_matter_that_a_condition_looks_at() -> None:
    assert Filters.of("organized", "").event_fields == {"organized"}
    assert Filters.of("stash_id", "url").event_fields == {"stash_ids", "url", "urls"}
    assert Filters.of("rating>=3", "tag:X").event_fields == set()


def test_names_that_stash_does_not_have_are_told() -> None:
    filters = Filters.of("tag:Noir, Nior; studio:Acme/*", "studio:Acne; performer:Nobody")
    assert filters.unknown(STASH) == ["tag Nior", "studio Acne"]


def test_whatever_is_above_a_scenes_tags_and_studio_concerns_it() -> None:
    found = Filters.of("tag:X; studio:Y", "performer:Z").entities(SCENE, STASH)
    assert found == {
        *(("tag", 3), ("tag", 2), ("tag", 1)),
        *(("studio", 11), ("studio", 10), ("performer", 20)),
    }
    assert Filters.of("organized", "").entities(SCENE, FLAT) == frozenset()


def test_thousands_of_tags_are_no_matter() -> None:
    scene = SCENE._replace(tags=tuple(Entity(n, f"T{n}") for n in range(100, 5_100)))
    names = ", ".join(f"T{n}" for n in range(4_000, 5_000))
    assert why(only=f"tag:{names}", scene=scene) == ""
