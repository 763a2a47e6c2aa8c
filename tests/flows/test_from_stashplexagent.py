"""What docs/from-stashplexagent.md promises: each of the agent's preferences by the settings named there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.world import World

GUIDE = Path(__file__).parents[2] / "docs" / "from-stashplexagent.md"

PREFERENCES = """
    Hostname Port UseHTTPS APIKey UseFullMediaPath UseFormattedTitle RemovePerformerFromTitle
    TitleFormat IncludeGalleryImages SortGalleryImages AppendPerformerTags IgnoreTags
    CreateTagCollectionTags AddOrganizedCollectionTag OrganizedCollectionTagName
    CreateAllTagCollectionTags CreateSiteCollectionTags CustomSiteCollectionPrefix
    PrefixSiteCollectionTags CreateStudioCollectionTags UseSiteForStudioCollectionTags
    CustomStudioCollectionPrefix PrefixStudioCollectionTags CreateMovieCollectionTags
    PrefixMovieCollectionTags CreatePerformerCollectionTags PrefixPerformerCollectionTags
    CreateRatingTags SaveUserRatings RequireOrganized RequireURL RequireStashID AddPlexURL debug
"""
"""All preferences of the agent's last version."""


@pytest.fixture
def library(world: World) -> Any:
    """A scene with every kind of metadata, and the resulting Plex item."""
    stash = world.stash
    parent = stash.add_studio("Big")
    jane = stash.add_performer("Jane Doe")
    stash.data.entity("performer", jane).more["tag_ids"] = [stash.add_tag("Redhead")]
    scene, item = world.pair(
        "2021 - the file.mp4",
        title="Jane Doe - A Film",
        details="One line.",
        date="2021-05-04",
        rating100=80,
        organized=True,
        studio=stash.add_studio("Little", parent=parent),
        performers=[jane],
        tags=[stash.add_tag("Favourite"), stash.add_tag("Cut", [stash.add_tag("Technical")])],
        groups=[(stash.add_group("Saga"), 2)],
    )
    world.configure(no_poster=True)
    return world, scene, item


CASES: list[tuple[dict[str, Any], str, Any]] = [
    ({"title": "{performers} - {title:bare}"}, "title", "Jane Doe - A Film"),
    ({"title": "{file}"}, "title", "2021 - the file"),
    ({"title": "{studio}: {date} {title:bare}"}, "title", "Little: 2021-05-04 A Film"),
    ({"title": "{title:bare}"}, "title", "A Film"),
    ({"genres": "{tag}; {performer_tag}"}, "genre", ["Cut", "Favourite", "Redhead"]),
    ({"ignore_tags": "Technical/*"}, "genre", ["Favourite"]),
    ({"collections": "{tag:Favourite,VR}"}, "collection", ["Favourite"]),
    ({"collections": "{tag}"}, "collection", ["Cut", "Favourite"]),
    ({"collections": "{tag:-Favourite,-VR}"}, "collection", ["Cut"]),
    ({"collections": "Organized{?organized}"}, "collection", ["Organized"]),
    ({"collections": "Site: {studio}"}, "collection", ["Site: Little"]),
    ({"collections": "Studio: {parent_studio}"}, "collection", ["Studio: Big"]),
    ({"collections": "Studio: {parent_studio|studio}"}, "collection", ["Studio: Big"]),
    ({"collections": "Movie: {group}"}, "collection", ["Movie: Saga"]),
    ({"collections": "Actor: {performer}"}, "collection", ["Actor: Jane Doe"]),
    ({"collections": "Rating: {stars} Stars"}, "collection", ["Rating: 4 Stars"]),
    ({"collections": "Rating: {rating}"}, "collection", ["Rating: 8"]),
    ({"content_rating": "XXX"}, "contentRating", "XXX"),
]


@pytest.mark.parametrize(("settings", "shown", "value"), CASES, ids=lambda each: str(each)[:60])
def test_a_preference_is_what_the_guide_says(
    library: Any, settings: dict[str, Any], shown: str, value: Any
) -> None:
    world, scene, item = library
    world.configure(**settings)
    world.event(scene)
    world.run()
    found = getattr(item, shown)
    assert (sorted(found) if isinstance(value, list) else found) == value


@pytest.mark.parametrize("condition", ["organized", "url", "stash_id"])
def test_what_was_required_is_required(library: Any, condition: str) -> None:
    world, scene, item = library
    world.configure(sync_only=condition)
    world.event(scene)
    world.run()
    assert (item.title == "Jane Doe - A Film") is (condition == "organized")


def test_ratings_are_saved_as_the_owners(library: Any) -> None:
    world, scene, item = library
    world.configure(sync_rating=True)
    world.event(scene)
    world.run()
    assert float(item.userRating) == 8


def test_the_guide_names_every_preference_and_every_pattern_tried_here() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!---|preference)([^|]+?) \|", text, re.M)
    assert {name for row in rows for name in row.split(", ")} == set(PREFERENCES.split())
    said = text.replace("\\|", "|")
    for settings, _, _ in CASES:
        for pattern in settings.values():
            own = pattern in ("{file}", "{studio}: {date} {title:bare}")
            assert own or f"`{pattern}`" in said, pattern
