"""Recipes: what the patterns produce for a scene reaches Plex and stays in step."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync.flows.tasks.check_setup import check_setup
from plexsync.flows.tasks.preview import preview
from plexsync.flows.tasks.reconcile import reconcile_all
from plexsync.flows.tasks.undo import undo_scene
from plexsync.flows.worker.settings_changes import used_fields
from plexsync.model.config import PlexSyncConfig
from plexsync.model.scene import WHOLE
from simulator.demo_data import fill_stash
from tests.flows.test_odd_scenes import spoil
from tests.policy.test_recipe_properties import is_written_as_before
from tests.task_running import run_task
from tests.world import World


@pytest.fixture
def films(world: World) -> World:
    world.configure(no_poster=True)
    return world


def rich(world: World, name: str = "a.mp4", **scene: Any) -> tuple[int, Any]:
    """A scene with everything that a recipe can use."""
    stash = world.stash
    ann, bob = stash.add_performer("Ann Lee"), stash.add_performer("Bob")
    stash.data.entity("performer", ann).more["gender"] = "FEMALE"
    stash.data.entity("performer", bob).more["gender"] = "MALE"
    given = {
        "title": "Ann Lee - Beach Day",
        "date": "2024-05-31",
        "rating100": 85,
        "studio": stash.add_studio("Label"),
        "performers": [ann, bob],
        "tags": [stash.add_tag("Favourite"), stash.add_tag("Kids")],
        "groups": [stash.add_group("Saga")],
        "organized": True,
    }
    return world.pair(name, **{**given, **scene})


def synced(world: World, scene: int) -> None:
    world.event(scene)
    world.run()


def asked(world: World) -> int:
    """The number of times that items were read from Plex or written."""
    return world.plex.count("PUT") + world.plex.count("GET", "/library/metadata")


@pytest.mark.parametrize(
    ("key", "pattern", "field", "expected"),
    [
        ("title", "[{studio}: ]{title}[ ({year})]", "title", "Label: Ann Lee - Beach Day (2024)"),
        ("title", "{performers:female} - {title:bare}", "title", "Ann Lee - Beach Day"),
        ("sort_title", "{studio} {date}", "titleSort", "Label 2024-05-31"),
        ("content_rating", "XXX", "contentRating", "XXX"),
        ("tagline", "{studio}, {resolution}", "tagline", "Label, 1080p"),
        ("original_title", "{file}", "originalTitle", "a"),
        ("summary", "{date}", "summary", "2024-05-31"),
        ("studio", "{studio} films", "studio", "Label films"),
        ("labels", "{tag:Kids,Adults}", "label", ["Kids"]),
        ("genres", "{tag:-Kids}", "genre", ["Favourite"]),
        ("actors", "{performer:-male}", "actor", ["Ann Lee"]),
        ("directors", "{performer:male}", "director", ["Bob"]),
        ("writers", "{studio}", "writer", ["Label"]),
        (
            "collections",
            "{studio}; Series: {group}; {tag:Favourite}; Organized{?organized}; Rating: {stars}",
            "collection",
            ["Favourite", "Label", "Organized", "Rating: 4", "Series: Saga"],
        ),
    ],
)
def test_each_pattern_fills_its_field(
    films: World, key: str, pattern: str, field: str, expected: object
) -> None:
    films.configure(**{key: pattern})
    scene, item = rich(films)
    synced(films, scene)
    have = getattr(item, field)
    assert (sorted(have) if isinstance(have, list) else have) == expected
    assert not films.waiting() and films.dead_letter(scene) is None
    films.plex.clear_journal()
    synced(films, scene)
    assert asked(films) == 0  # in step


def test_names_that_look_like_the_language_arrive_as_they_are(films: World) -> None:
    names = ["a;b", "{x}", "[y]", "AC/DC", "*", "🎬 Film", "עברית"]
    films.configure(labels="{tag}; Tag: {tag}")
    scene, item = films.pair("a.mp4", title="T", tags=[films.stash.add_tag(n) for n in names])
    synced(films, scene)
    assert sorted(item.label) == sorted([*names, *(f"Tag: {name}" for name in names)])


def test_undo_restores_what_the_new_fields_had(films: World) -> None:
    films.configure(
        sort_title="{code}", content_rating="XXX", labels="{tag}", writers="{director}", tagline="x"
    )
    scene, item = films.pair(
        "a.mp4",
        plex={
            "title": "a",
            "sort_title": "before",
            "content_rating": "PG",
            "labels": ["Mine"],
            "writers": ["Agent's"],
        },
        title="T",
        code="AC-1",
        director="Di",
        tags=[films.stash.add_tag("Kids")],
    )
    synced(films, scene)
    assert (item.titleSort, item.contentRating, item.tagline) == ("AC-1", "XXX", "x")
    assert (sorted(item.label), item.writer) == (["Kids", "Mine"], ["Di"])
    run_task(films, undo_scene, owns=True, scene=str(scene))
    assert (item.titleSort, item.contentRating, item.tagline) == ("before", "PG", "")
    assert (item.label, item.writer) == (["Mine"], ["Agent's"])
    assert not item.locks


def test_a_persons_label_stays_while_ours_come_and_go(films: World) -> None:
    films.configure(labels="{tag}")
    tag = films.stash.add_tag("Kids")
    scene, item = films.pair("a.mp4", plex={"labels": ["Mine"]}, title="T", tags=[tag])
    synced(films, scene)
    assert sorted(item.label) == ["Kids", "Mine"]
    films.edit(scene, tag_ids=[])
    films.run()
    assert item.label == ["Mine"]


def test_preview_and_reconciliation_know_the_new_fields(films: World) -> None:
    films.configure(sort_title="{studio}", labels="{tag:Kids}")
    scene, item = rich(films)
    output = run_task(films, preview, scene=str(scene))
    fields = {f["field"]: f["then"] for f in output["scenes"][0]["items"][0]["fields"]}
    assert (fields["sort_title"], fields["labels"]) == ("Label", ("Kids",))
    synced(films, scene)
    item.contentRating = "PG"  # without effect
    item.titleSort = "by hand"
    films.clock.passed += 60
    item.updated_at = int(films.clock.now()) - 30
    answer = run_task(films, reconcile_all, owns=True)
    assert sum(answer["gaps"].values()) == 1
    films.run()
    assert (item.titleSort, item.contentRating) == ("Label", "PG")


def test_a_pattern_that_cannot_be_read_is_told_once_and_the_default_serves(films: World) -> None:
    films.configure(title="[{studio}: {title}", labels="{tag:Kids}")
    scene, item = rich(films)
    synced(films, scene)
    assert (item.title, item.label) == ("Ann Lee - Beach Day", ["Kids"])
    assert films.said().count('title: is invalid at character 19, at its end: expected "]"') == 1
    assert "character 19" in str(run_task(films, check_setup))


def test_a_changed_recipe_writes_the_scenes_that_come_out_differently_and_asks_for_no_other(
    films: World,
) -> None:
    kids, other = films.stash.add_tag("Kids"), films.stash.add_tag("Other")
    pairs = [
        films.pair(f"{n}.mp4", title=f"T{n}", tags=[kids if n < 2 else other]) for n in range(6)
    ]
    for scene, _ in pairs:
        films.event(scene)
    films.run()
    films.plex.clear_journal()
    films.configure(genres="{tag:-Kids}; Family{?tag:Kids}")
    films.run()
    assert [item.genre for _, item in pairs] == [["Family"]] * 2 + [["Other"]] * 4
    assert films.plex.count("PUT") == 2
    read = [entry.path for entry in films.plex.journal if "/library/metadata/" in entry.path]
    assert read and not any(str(item.key) in path for _, item in pairs[2:] for path in read)


def test_a_scene_that_comes_out_alike_is_watched_for_what_the_new_recipe_looks_at(
    films: World,
) -> None:
    scene, item = rich(films, groups=[films.stash.add_group("Other")])
    synced(films, scene)
    films.configure(title="[{group:Saga}: ]{title}")
    films.run()
    assert item.title == "Ann Lee - Beach Day"
    (group,) = [number for number, _ in films.stash.scene(scene).groups]
    films.stash.rename_group(group, "Saga")
    films.event(group, "Group.Update.Post", inputFields=["name", "id"])
    films.run()
    assert item.title == "Saga: Ann Lee - Beach Day"


def test_a_field_that_only_the_recipe_looks_at_counts_as_an_edit(films: World) -> None:
    films.configure(content_rating="XXX{?organized}")
    scene, item = films.pair("a.mp4", title="T")
    synced(films, scene)
    assert item.contentRating == ""
    films.edit(scene, organized=True)
    films.run()
    assert item.contentRating == "XXX"
    assert used_fields(PlexSyncConfig(recipe_title="{?organized}{url}")) == {
        "organized",
        "url",
        "urls",
    }
    assert used_fields(PlexSyncConfig(recipe_title="{title}")) == set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"organized": None}, "organized is null, not true or false"),
        ({"stash_ids": {}}, "stash_ids is an object, not a list"),
        ({"performers": [{"id": "1", "name": "P", "disambiguation": ""}]}, "gender is missing"),
    ],
)
def test_an_odd_detail_is_one_dead_letter_and_the_batch_goes_on(
    films: World, change: dict[str, Any], words: str
) -> None:
    films.configure(tagline="{stash_id}{?organized}{?favorite}")
    pairs = [films.pair(f"{n}.mp4", title=f"T{n}") for n in range(3)]
    fault = spoil(films, pairs[1][0], lambda scene: scene.update(change))
    for scene, _ in pairs:
        films.event(scene)
    films.run()
    assert [item.title for _, item in pairs] == ["T0", "1", "T2"]
    assert words in films.dead_letter(pairs[1][0]).message
    fault.remove()
    films.edit(pairs[1][0], title="Well")
    films.run()
    assert pairs[1][1].title == "Well"


def test_the_demo_library_is_written_as_before_there_were_recipes(films: World) -> None:
    fill_stash(films.stash)
    rich(films)
    client = films.client()
    scenes = client.scene_page(0, 1000, WHOLE).scenes
    assert len(scenes) > 10 and all(one.files for one in scenes)
    for config in (PlexSyncConfig(), PlexSyncConfig(sync_groups=True, sync_code=True)):
        for scene in scenes:
            is_written_as_before(scene, config)


class TestHierarchy:
    """The parents of tags and studios."""

    @pytest.fixture
    def tags(self, films: World) -> tuple[int, int, int]:
        """Genre, Drama below it, and Noir below that."""
        films.configure(genres="{tag:Genre/*}", labels="{root_studio}")
        genre = films.stash.add_tag("Genre")
        drama = films.stash.add_tag("Drama", parents=[genre])
        return genre, drama, films.stash.add_tag("Noir", parents=[drama])

    def told(self, world: World, kind: str, number: int, **fields: Any) -> None:
        """The user saves a tag or a studio; the form sends all fields."""
        world.clock.passed += 60
        world.stash.edit_entity(kind, number, **fields)
        world.event(number, f"{kind.capitalize()}.Update.Post", inputFields=[*fields, "id"])
        world.run()

    def test_only_what_is_below_is_written(self, films: World, tags: tuple[int, int, int]) -> None:
        genre, drama, noir = tags
        scene, item = films.pair(
            "a.mp4", title="T", tags=[noir, drama, genre, films.stash.add_tag("4K")]
        )
        synced(films, scene)
        assert sorted(item.genre) == ["Drama", "Noir"]

    def test_a_tag_that_is_placed_elsewhere_reaches_its_scenes(
        self, films: World, tags: tuple[int, int, int]
    ) -> None:
        genre, drama, noir = tags
        scene, item = films.pair("a.mp4", title="T", tags=[noir])
        other, _ = films.pair("b.mp4", title="Other", tags=[films.stash.add_tag("4K")])
        for each in (scene, other):
            films.event(each)
        films.run()
        assert item.genre == ["Noir"]
        self.told(films, "tag", drama, parent_ids=[])
        assert item.genre == []
        films.plex.clear_journal()
        self.told(films, "tag", genre, child_ids=[drama])
        assert item.genre == ["Noir"]
        assert films.plex.count("PUT") == 1
        self.told(films, "tag", genre, child_ids=[])
        assert item.genre == []

    def test_a_renamed_root_reaches_the_scenes_below(
        self, films: World, tags: tuple[int, int, int]
    ) -> None:
        scene, item = films.pair("a.mp4", title="T", tags=[tags[2]])
        synced(films, scene)
        self.told(films, "tag", tags[0], name="Kind")
        assert item.genre == []
        self.told(films, "tag", tags[0], aliases=["genre"])
        assert item.genre == ["Noir"]

    def test_a_tag_that_was_created_since_is_known_when_it_is_met(
        self, films: World, tags: tuple[int, int, int]
    ) -> None:
        scene, item = films.pair("a.mp4", title="T", tags=[tags[1]])
        synced(films, scene)

        def once() -> None:
            films.clock.on_wait = lambda: None
            new = films.stash.add_tag("Thriller", parents=[tags[0]])
            films.edit(scene, tag_ids=[new])

        films.clock.on_wait = once
        films.run()
        assert item.genre == ["Thriller"]

    def test_a_studio_with_another_parent_reaches_its_scenes(
        self, films: World, tags: tuple[int, int, int]
    ) -> None:
        holding, network = films.stash.add_studio("Holding"), films.stash.add_studio("Network")
        studio = films.stash.add_studio("Label", parent=network)
        scene, item = films.pair("a.mp4", title="T", studio=studio)
        synced(films, scene)
        assert item.label == ["Network"]
        self.told(films, "studio", network, parent_id=holding)
        assert item.label == ["Holding"]
        self.told(films, "studio", holding, name="Concern")
        assert item.label == ["Concern"]

    def test_circles_in_a_damaged_answer_do_no_harm(
        self, films: World, tags: tuple[int, int, int]
    ) -> None:
        genre, drama, noir = tags
        films.stash.data.entity("tag", genre).parents = [noir]
        studio = films.stash.add_studio("Own parent")
        films.stash.data.entity("studio", studio).parents = [studio]
        scene, item = films.pair("a.mp4", title="T", tags=[noir], studio=studio)
        synced(films, scene)
        assert (item.genre, item.label) == (["Noir"], ["Own parent"])
        assert not films.waiting() and "Unexpected" not in films.said()

    def test_it_is_read_once_for_many_scenes_and_not_at_all_without_need(
        self, films: World, tags: tuple[int, int, int]
    ) -> None:
        pairs = [films.pair(f"{n}.mp4", title=f"T{n}", tags=[tags[2]]) for n in range(60)]
        for scene, _ in pairs:
            films.event(scene)
        films.run()
        assert all(item.genre == ["Noir"] for _, item in pairs)
        names = [entry.operation for entry in films.stash.journal]
        assert sum(name.startswith("query PlexSyncTags(") for name in names) == 1

    def test_it_is_not_read_without_need(self, films: World) -> None:
        scene, _ = rich(films)
        synced(films, scene)
        names = [entry.operation for entry in films.stash.journal]
        assert not any(name.startswith("query PlexSyncTags(") for name in names)
