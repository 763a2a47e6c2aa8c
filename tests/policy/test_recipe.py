"""What recipes make of a scene."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync.model.config import PlexSyncConfig
from plexsync.model.hierarchy import Hierarchy, Node, Tree
from plexsync.model.scene import BASIC, Entity, Group, Performer, Scene, SceneParts, VideoFile
from plexsync.policy.desired import Desired, desired
from plexsync.policy.recipe.recipe import RECIPES, recipe_of

TAGS = Tree(
    [
        Node(1, "Genre"),
        Node(2, "Drama", ("Play",), (1,)),
        Node(3, "Noir", (), (2,)),
        Node(4, "Technical"),
        Node(5, "4K", (), (4,)),
        Node(6, "Kids"),
        Node(7, "Favourite"),
        Node(8, "Cute; {odd} [x]"),
    ]
)
STUDIOS = Tree([Node(1, "Label", (), (2,)), Node(2, "Network", (), (3,)), Node(3, "Holding")])
HIERARCHY = Hierarchy(TAGS, STUDIOS)


def tag(number: int) -> Entity:
    return Entity(number, TAGS.nodes[number].name)


SCENE = Scene(
    id=42,
    title="Ann Lee, Bob - Beach Day",
    details="One.\n\nTwo.",
    date="2024-05-31",
    rating100=85,
    code="AC-1",
    director="Di, Dee",
    studio=Entity(1, "Label"),
    performers=(
        Performer(2, "Ann Lee", gender="female", favorite=True, aliases=("Annie",), tags=(tag(6),)),
        Performer(3, "Bob", gender="male", tags=(tag(6), tag(5))),
    ),
    tags=tuple(map(tag, (2, 3, 5, 7, 8))),
    groups=(Group(5, "Saga", number=3), Group(6, "Trilogy")),
    files=(VideoFile("/data/Holidays 2024/film.1080p.mp4", 10, "", 3840, 2160),),
    organized=True,
    urls=("https://example.org/1", "https://example.org/2"),
    stash_ids=("a-b", "c-d"),
)
BARE = Scene(id=9)


def made(scene: Scene = SCENE, **settings: Any) -> Desired:
    own = {key if key not in RECIPES else f"recipe_{key}": v for key, v in settings.items()}
    config = PlexSyncConfig(**own)
    assert recipe_of(config).problems == ()
    found, error = desired(scene, config, {}, HIERARCHY)
    assert found is not None and error is None
    return found


def title(pattern: str, scene: Scene = SCENE) -> object:
    return made(scene, title=pattern).values["title"]


def names(pattern: str, scene: Scene = SCENE) -> object:
    return made(scene, labels=pattern).values["labels"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{title}", "Ann Lee, Bob - Beach Day"),
        ("{title:bare}", "Beach Day"),
        ("{performers} - {title:bare}", "Ann Lee, Bob - Beach Day"),
        ("[{studio}: ]{title:bare}[ ({year})]", "Label: Beach Day (2024)"),
        ("{file}", "film.1080p"),
        ("{folder}", "Holidays 2024"),
        ("{studio}/{parent_studio}/{root_studio}", "Label/Network/Holding"),
        ("{date} {year} {code}", "2024-05-31 2024 AC-1"),
        ("{director}", "Di, Dee"),
        ("{details}", "One. Two."),
        ("{performer:female}", "Ann Lee"),
        ("{performers:-male}", "Ann Lee"),
        ("{performers:annie}", "Ann Lee"),
        ("{performers:3}", "Bob"),
        ("{performers:favorite}", "Ann Lee"),
        ("{performers:-Ann Lee}", "Bob"),
        ("{tag}", "Drama, Noir, 4K, Favourite, Cute; {odd} [x]"),
        ("{tag:Genre/*}", "Drama, Noir"),
        ("{tag:play}", "Drama"),
        ("{tag:-Technical/*,-Genre/*,-8}", "Favourite"),
        ('{tag:"Cute; {odd} [x]"}', "Cute; {odd} [x]"),
        ("{performer_tag}", "Kids, 4K"),
        ("{performer_tag:-Technical/*}", "Kids"),
        ("{group} {group_number}", "Saga, Trilogy 3"),
        ("{group:Saga}", "Saga"),
        ("{stars} {rating}", "4 8.5"),
        ("{resolution}", "4K"),
        ("{url}", "https://example.org/1"),
        ("{stash_id}", "a-b"),
        ("{{{code}}} [[x]]", "{AC-1} [x]"),
        ("{?organized}yes", "yes"),
        ("{?favorite}{?stash_id}{?url}{?tag:Play}yes", "yes"),
        ("[{?tag:Kids}kids]{code}", "AC-1"),
        ("{studio:Network/*|code}", "Label"),
        ("{studio:Network|code}", "AC-1"),
        ("{tag:Nothing|performer:Nobody|code}", "AC-1"),
    ],
)
def test_a_text_holds_what_its_placeholders_stand_for(pattern: str, expected: str) -> None:
    assert title(pattern) == expected


def test_what_is_empty_vanishes_with_its_brackets() -> None:
    scene = BARE._replace(title="Alone")
    assert title("[{studio}: ]{title}[ ({year})]", scene) == "Alone"
    assert title("{performers}{studio}{title}", scene) == "Alone"
    assert title("{code|title|file}", BARE) == "Scene 9"
    assert title("{title|code}", BARE._replace(code="AC-2")) == "AC-2"


@pytest.mark.parametrize("pattern", ["{studio}", "[{studio}]", "{?organized}x", "\u200b"])
def test_a_title_is_never_empty(pattern: str) -> None:
    assert title(pattern, BARE._replace(title="Own")) == "Own"
    assert title(pattern, BARE) == "Scene 9"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Ann Lee and Bob: Beach", "Beach"),
        ("ANN LEE & bob - Beach", "Beach"),
        ("Bob", "Bob"),
        ("Ann Lee's day", "Ann Lee's day"),
        ("Bobby goes home", "Bobby goes home"),
        ("Beach with Bob", "Beach with Bob"),
        ("- Beach", "- Beach"),
        ("Bob, and so on", "and so on"),
    ],
)
def test_a_bare_title_loses_the_names_at_its_start(text: str, bare: str) -> None:
    assert title("{title:bare}", SCENE._replace(title=text)) == bare


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (
            "{studio}; Series: {group}; {tag:Favourite}; Organized{?organized}; Rating: {stars}",
            ("Label", "Series: Saga", "Series: Trilogy", "Favourite", "Organized", "Rating: 4"),
        ),
        ("{tag:Kids,Adults}", ()),
        ("{tag:Kids,Favourite}", ("Favourite",)),
        ("{group} #{group_number}", ("Saga #3",)),
        ("{group}[ #{group_number}]", ("Saga #3", "Trilogy")),
        ("{group:Saga} #{group_number}", ("Saga #3",)),
        ("{studio}[ - {performer:Nobody}]", ("Label",)),
        ("{performer}: {performers}", ("Ann Lee: Ann Lee, Bob", "Bob: Ann Lee, Bob")),
        ("{director}", ("Di", "Dee")),
        ("{tag:Nothing|studio}", ("Label",)),
        ("{code}; {code}; ac-1", ("AC-1",)),
        ("a;;b; {?tag:Kids}c", ("a;b",)),
        ("{year}", ("2024",)),
    ],
)
def test_an_entry_comes_once_for_every_value(pattern: str, expected: tuple[str, ...]) -> None:
    assert names(pattern) == expected


def test_nothing_to_say_is_an_empty_list() -> None:
    for pattern in ("{studio}; Series: {group}; Rating: {stars}; {tag}", "Organized{?organized}"):
        assert names(pattern, BARE) == ()


def test_names_that_only_look_like_nothing_are_nothing() -> None:
    invisible = BARE._replace(groups=(Group(1, "\u200b"), Group(2, "Saga")))
    assert names("Series: {group}", invisible) == ("Series: Saga",)
    emoji = BARE._replace(groups=(Group(1, "🎬"),))
    assert made(emoji, labels="Series: {group}", strip_emoji=True).values["labels"] == ()
    assert names("Series: {group}", emoji) == ("Series: 🎬",)


def test_fields_of_their_own_are_written_once_they_have_a_pattern() -> None:
    settings = {
        "sort_title": "{studio} {date}",
        "content_rating": "XXX",
        "tagline": "{studio}, {year}",
        "writers": "{director}",
        "original_title": "{code} ({file})",
    }
    values = made(**settings).values
    assert values["sort_title"] == "Label 2024-05-31"
    assert values["content_rating"] == "XXX"
    assert values["tagline"] == "Label, 2024"
    assert values["writers"] == ("Di", "Dee")
    assert values["original_title"] == "AC-1 (film.1080p)"
    assert not set(settings) & set(made().values)


def test_old_switches_go_on_working_and_win() -> None:
    patterns = {"studio": "{root_studio}", "tagline": "{code}", "collections": "Rating: {stars}"}
    off = made(**patterns, sync_studio=False, sync_tagline=False, sync_collection=False)
    assert not set(patterns) & set(off.values)
    groups = made(**patterns, sync_collection=False, sync_groups=True)
    assert groups.values["collections"] == ("Saga", "Trilogy")
    both = made(collections="Rating: {stars}; {group:Saga}", sync_groups=True)
    assert both.values["collections"] == ("Rating: 4", "Saga", "Trilogy")
    assert made(sync_code=True).values["original_title"] == "AC-1"


def test_ignored_tags_are_absent_everywhere() -> None:
    settings = {"labels": "{performer_tag}", "content_rating": "{?tag:4K}yes"}
    values = made(ignore_tags="Technical/*, play", **settings).values
    assert values["tags"] == ("Noir", "Favourite", "Cute; {odd} [x]")
    assert values["labels"] == ("Kids",)
    assert values["content_rating"] == ""
    assert made(ignore_tags="Genre").values["tags"] == made().values["tags"]


def test_a_pattern_that_cannot_be_read_is_told_once_and_the_default_serves() -> None:
    config = PlexSyncConfig(
        recipe_title="{titel}", recipe_labels="{tag", recipe_genres="]", ignore_tags="a,,b"
    )
    problems = recipe_of(config).problems
    assert [problem.partition(":")[0] for problem in problems] == [
        "title",
        "genres",
        "labels",
        "ignore_tags",
    ]
    assert problems[0] == (
        'title: is invalid at character 2, at "titel}": expected "title"; the default is used '
        "instead"
    )
    found, _ = desired(SCENE, config, {}, HIERARCHY)
    usual, _ = desired(SCENE, PlexSyncConfig(), {}, HIERARCHY)
    assert found is not None and usual is not None and found.values == usual.values


def test_two_tags_that_differ_in_case_are_told_apart_by_their_exact_spelling() -> None:
    tags = Tree([Node(1, "Kids"), Node(2, "kids")])
    scene = BARE._replace(tags=(Entity(1, "Kids"), Entity(2, "kids")))
    for pattern, expected in (("{tag:kids}", ("kids",)), ("{tag:KIDS}", ("Kids",))):
        config = PlexSyncConfig(recipe_labels=pattern)
        found, _ = desired(scene, config, {}, Hierarchy(tags, Tree()))
        assert found is not None and found.values["labels"] == expected  # Plex keeps one spelling


def test_a_crowd_of_tags_is_cut_with_one_line_for_the_field() -> None:
    crowd = BARE._replace(tags=tuple(Entity(n, f"Tag {n} 🎬 עברית") for n in range(5000)))
    found = made(crowd, labels="T: {tag}[ {code}]", content_rating="{tag}")
    assert len(found.values["labels"]) == len(found.values["tags"]) == 100
    assert sorted(found.cut) == [
        "content_rating (254 of 88888 characters)",
        "labels (100 of 5000)",
        "tags (100 of 5000)",
    ]


def test_what_a_recipe_looks_at_is_watched() -> None:
    usual = {("performer", 2), ("performer", 3), ("studio", 1)}
    tags = {("tag", number) for number in (2, 3, 5, 7, 8)}
    assert made().entities == usual | tags
    off = {"sync_tags": False, "sync_performers": False, "sync_collection": False}
    assert made(sync_studio=False, **off).entities == frozenset()
    assert made(**off, labels="{tag:Kids}").entities == tags | {("studio", 1)} | {
        ("tag", 1),
        ("tag", 4),
    }
    assert made(**off, title="{root_studio}").entities == {("studio", n) for n in (1, 2, 3)}
    assert made(**off, labels="{group}").entities == {("studio", 1), ("group", 5), ("group", 6)}
    assert made(**off, labels="{performer_tag}").entities == usual | {("tag", 5), ("tag", 6)}
    assert made(**off, title="{title:bare}").entities == usual
    assert made(**off, labels="x{?favorite}").entities == usual


@pytest.mark.parametrize(
    ("pattern", "parts", "hierarchy"),
    [
        ("", BASIC, False),
        ("{studio}{title:bare}", BASIC, False),
        ("{resolution}", SceneParts(True, False), False),
        ("{performers:female}", SceneParts(True, False), False),
        ("{?organized}x", SceneParts(True, False), False),
        ("{performer_tag}", SceneParts(False, True), False),
        ("{tag:Kids}", BASIC, True),
        ("{parent_studio}", BASIC, True),
    ],
)
def test_stash_is_asked_for_no_more_than_the_recipe_needs(
    pattern: str, parts: SceneParts, hierarchy: bool
) -> None:
    recipe = recipe_of(PlexSyncConfig(recipe_title=pattern))
    assert (recipe.parts, recipe.needs_hierarchy) == (parts, hierarchy)


def test_a_recipe_is_compiled_once() -> None:
    assert recipe_of(PlexSyncConfig(recipe_title="{code}")) is recipe_of(
        PlexSyncConfig(recipe_title="{code}", max_tags=50)
    )
