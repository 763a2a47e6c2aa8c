"""Properties of random patterns and scenes; torture runs more of them."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from plexsync.model.config import PlexSyncConfig
from plexsync.model.hierarchy import Hierarchy, Node, Tree
from plexsync.model.metadata import MOST_NAMES, Limits, validate_metadata
from plexsync.model.plex import FIELDS, LIST
from plexsync.model.scene import Entity, Group, Performer, Scene, VideoFile
from plexsync.model.text import clean
from plexsync.model.values import name_key
from plexsync.policy.desired import desired
from plexsync.policy.recipe.parser import PatternError, parse_list, parse_text
from plexsync.policy.recipe.pattern import show_list, show_text
from plexsync.policy.recipe.placeholders import SPECS
from plexsync.policy.recipe.recipe import RECIPES, recipe_of
from plexsync.policy.recipe.scene_values import file_title

NAMES = (
    *("Kids", "kids", "Genre", "Drama", "Technical", "A; B", "{x}", "[y]", "AC/DC", "*", "2024"),
    *(
        "🎬",
        "🎬 Film",
        "عربي",
        "עברית",
        "Straße",
        "a|b",
        'say "hi"',
        "-minus",
        "/*",
        "  ",
        "\u200b",
    ),
    *("Ann", "Ann Lee", "Zoë", "x" * 300, "e\u0301clair", "bad\ud800half", "two\nlines"),
)
PIECES = (
    *(f"{{{name}}}" for name in SPECS),
    *(
        "{?organized}",
        "{?favorite}",
        "{?tag:Kids}",
        "{title:bare}",
        "{tag:Genre/*}",
        "{group|studio}",
    ),
    *(
        "{tag:-Technical/*}",
        "{performer:-male}",
        "[{studio}: ]",
        "[ ({year})]",
        "{{",
        "}}",
        "[[",
        "]]",
    ),
    *('{tag:"A; B",Kids}', "{performers:female|studio}", "[{group} #{group_number}]", "; ", ";;"),
    *(
        " - ",
        "Series: ",
        "🎬",
        "é",
        "]",
        "}",
        "{",
        "[",
        "|",
        ":",
        ",",
        '"',
        "/*",
        "?",
        "\n",
        "عربي",
    ),
)


def some_pattern(dice: random.Random) -> str:
    """Something like a pattern, more or less damaged."""
    text = "".join(dice.choice(PIECES) for _ in range(dice.randrange(1, 9)))
    for _ in range(dice.choice((0, 0, 0, 1, 3))):
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice(("", "{", "}", "[", "]", ";", "x", '"')) + text[at + 1 :]
    return text


def some_hierarchy(dice: random.Random) -> Hierarchy:
    """Tags and studios with parents, circles included."""

    def tree() -> Tree:
        return Tree(
            Node(n, dice.choice(NAMES), (dice.choice(NAMES),), tuple(dice.choices(range(9), k=2)))
            for n in range(1, 9)
        )

    return Hierarchy(tree(), tree())


def some_scene(dice: random.Random) -> Scene:
    """A random scene, some of whose tags have unknown parents."""

    def entity(kind: type[Entity] = Entity) -> Entity:
        return kind(dice.randrange(1, 12), dice.choice(NAMES), dice.choice(("", "", " ", "2015")))

    def several(kind: type[Entity] = Entity) -> tuple[Entity, ...]:
        found = [entity(kind) for _ in range(dice.choice((0, 1, 2, 3)))]
        return tuple({each.id: each for each in found}.values())

    text = lambda: dice.choice(("", "", *NAMES))  # noqa: E731
    return Scene(
        id=dice.randrange(1, 99),
        title=dice.choice(("", text(), "Ann, Ann Lee - Beach Day", "Ann and Zoë & x", "y" * 700)),
        details=dice.choice(("", "One.\n\nTwo.", "z" * 11_000, text())),
        date=dice.choice(("", "2024", "2024-05", "2024-05-31", "odd", "20")),
        rating100=dice.choice((None, 0, 1, 55, 100)),
        code=text(),
        director=dice.choice(("", "Di, Dee", " , ", text())),
        studio=dice.choice((None, entity())),
        performers=several(Performer),
        tags=several(),
        groups=several(Group),
        files=dice.choice(
            ((), (VideoFile("/data/a b/film.mp4", 5, "", 1920, 1080), VideoFile("C:\\x\\y.z z")))
        ),
        organized=dice.random() < 0.5,
        urls=dice.choice(((), ("https://a.example/1",))),
        stash_ids=dice.choice(((), ("a-b",))),
    )


def holds(seed: int) -> None:
    """A pattern is rejected with a position and a reason, or its source parses to the same, and its
    output is bounded."""
    dice = random.Random(seed)
    text = some_pattern(dice)
    for parse, show in ((parse_text, show_text), (parse_list, show_list)):
        try:
            read = parse(text)
        except PatternError as problem:
            assert 0 <= problem.at <= len(text) and problem.expected, text
            continue
        written = show(read)
        assert parse(written) == read, text
        assert show(parse(written)) == written, text
    config = PlexSyncConfig(
        sync_groups=dice.random() < 0.5,
        strip_emoji=dice.random() < 0.5,
        ignore_tags=dice.choice(("", "Kids", "Genre/*", "{")),
        **{f"recipe_{key}": some_pattern(dice) for key in dice.sample(list(RECIPES), 2)},
    )
    scene, hierarchy = some_scene(dice), some_hierarchy(dice)
    recipe = recipe_of(config)
    for name, value in recipe.values(scene, hierarchy).items():
        assert isinstance(value, str) == (FIELDS[name].kind != LIST), (text, name)
        assert len(value) <= (40_000 if isinstance(value, str) else MOST_NAMES)
    wanted, error = desired(scene, config, {}, hierarchy)
    assert wanted is not None and error is None, (text, error)
    assert wanted.values["title"]


@pytest.mark.long
def test_no_pattern_does_any_harm() -> None:
    for seed in range(1500):
        holds(seed)


def as_before(scene: Scene, config: PlexSyncConfig) -> dict[str, object]:
    """The values before there were recipes, computed as then."""
    title = f"Scene {scene.id}"
    for each in (file_title(scene), scene.title):
        title = each if clean(each, multiline=False, strip_emoji=False) else title
    times = Counter(name_key(performer.name) for performer in scene.performers)
    studio = [scene.studio] if scene.studio and config.sync_collection else []
    collections = [*studio, *(scene.groups if config.sync_groups else ())]
    made = {
        "title": (title, True),
        "summary": (scene.details, config.sync_summary),
        "studio": (scene.studio.name if scene.studio else "", config.sync_studio),
        "original_title": (scene.code, config.sync_code),
        "performers": (
            [
                f"{each.name} ({each.disambiguation})"
                if times[name_key(each.name)] > 1 and each.disambiguation.strip()
                else each.name
                for each in scene.performers
            ],
            config.sync_performers,
        ),
        "tags": ([each.name for each in scene.tags], config.sync_tags),
        "directors": (scene.director.split(","), config.sync_director),
        "collections": (
            [each.name for each in collections],
            config.sync_collection or config.sync_groups,
        ),
    }
    return {name: value for name, (value, enabled) in made.items() if enabled}


def entities_as_before(scene: Scene, config: PlexSyncConfig) -> set[tuple[str, int]]:
    """The entities of which a change led to the scene."""
    found = {("performer", each.id) for each in scene.performers if config.sync_performers}
    found |= {("tag", each.id) for each in scene.tags if config.sync_tags}
    if scene.studio and (config.sync_studio or config.sync_collection):
        found.add(("studio", scene.studio.id))
    return found | {("group", each.id) for each in scene.groups if config.sync_groups}


SWITCHES = ("summary", "studio", "code", "performers", "tags", "director", "collection", "groups")


def is_written_as_before(scene: Scene, config: PlexSyncConfig) -> None:
    """The defaults produce the same values as before there were recipes."""
    before = as_before(scene, config)
    expected, _ = validate_metadata(before, Limits())
    wanted, _ = desired(scene, config, {})
    assert wanted is not None and expected is not None
    assert set(wanted.values) == {*before, "date"}
    assert all(wanted.values[name] == getattr(expected, name) for name in before), scene
    assert wanted.entities == entities_as_before(scene, config)


@pytest.mark.long
def test_the_defaults_write_what_was_written_before_there_were_recipes() -> None:
    for seed in range(500):
        dice = random.Random(seed)
        scene = some_scene(dice)
        config = PlexSyncConfig(**{f"sync_{name}": dice.random() < 0.7 for name in SWITCHES})
        is_written_as_before(scene, config)
