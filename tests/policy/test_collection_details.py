"""What a collection stands for, what it shows, and when it is tried again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plexsync.model.collection import FOREIGN, NOTHING, Collection, ListedCollection, Source
from plexsync.model.hierarchy import FLAT, Hierarchy, Node, Tree
from plexsync.model.plex import PlexItem, Target, Written
from plexsync.model.scene import Entity, Group, Performer, Scene
from plexsync.policy.collection_details import (
    desired_details,
    find,
    foreign,
    is_untouched,
    later,
    noted,
    source_by_recipe,
    sources,
)

NOW = 1_700_000_000.0
SCENE = Scene(
    id=1,
    studio=Entity(1, "Acme"),
    groups=(Group(2, "Box"), Group(3, "acme")),
    performers=(Performer(4, "Ann"),),
    tags=(Entity(5, "Box"), Entity(6, "Drama")),
)


def box(source: Source = NOTHING) -> Collection:
    return Collection.new("s", "1", "Acme", source, NOW)


def test_a_collection_stands_for_the_first_of_its_name() -> None:
    assert sources(SCENE, ["ACME", "Box", "Ann", "drama", "Else"], strip_emoji=False) == {
        "ACME": Source("studio", 1),
        "Box": Source("group", 2),
        "Ann": Source("performer", 4),
        "drama": Source("tag", 6),
        "Else": NOTHING,
    }


def made(scene: Scene) -> list[str]:
    """As the recipe `Series: {group}; {performer} at {studio}; {tag} films; Rated` makes them."""
    return [
        *(f"Series: {group.name}" for group in scene.groups),
        *(f"{one.name} at {scene.studio.name}" for one in scene.performers if scene.studio),
        *(f"{tag.name} films" for tag in scene.tags),
        *(["All " + ", ".join(tag.name for tag in scene.tags)] if scene.tags else []),
        "Rated",
    ]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("Series: Box", Source("group", 2)),
        ("Ann at Acme", Source("performer", 4)),
        ("DRAMA films", Source("tag", 6)),
        ("All Box, Drama", NOTHING),
        ("Rated", NOTHING),
        ("Owner", Source("studio", 9)),
        ("Style", Source("tag", 8)),
    ],
)
def test_a_name_of_several_things_stands_for_what_is_repeated_in_it(
    name: str, source: Source
) -> None:
    studios = Tree([Node(1, "Acme", parents=(9,)), Node(9, "Owner")])
    tagged = SCENE._replace(performers=(Performer(4, "Ann", tags=(Entity(8, "Style"),)),))
    tree = Hierarchy(Tree(), studios)
    assert source_by_recipe(tagged, name, tree, made, strip_emoji=False) == source


def test_a_scene_of_thousands_of_tags_is_not_taken_apart() -> None:
    many = SCENE._replace(tags=tuple(Entity(n, f"Tag {n}") for n in range(5_000)))
    found = source_by_recipe(many, "Tag 7 films", FLAT, made, strip_emoji=False)
    assert found == NOTHING
    assert sources(many, ["Tag 7"], strip_emoji=False) == {"Tag 7": Source("tag", 7)}


def test_what_it_shows() -> None:
    assert desired_details(box(), " All.\x00 ", "sha", "!{name}", strip_emoji=False) == {
        "summary": "All.",
        "sort_title": "!Acme",
        "poster": "sha",
    }
    assert desired_details(box(), None, "", "", strip_emoji=False) == {}
    sorted_before = box().plex._replace(written={"sort_title": Written("!Acme", "h")})
    once = replace(box(), plex=sorted_before)
    assert desired_details(once, None, "", "", strip_emoji=False) == {"sort_title": "Acme"}
    smile = replace(box(), name="A \U0001f600")
    assert desired_details(smile, "", "", "{name}", strip_emoji=True) == {
        "summary": "",
        "sort_title": "A",
    }
    long = desired_details(box(), "x" * 50_000, "", "!{name}" * 90, strip_emoji=False)
    assert (len(long["summary"]), len(long["sort_title"])) == (10_000, 255)


def test_a_smart_collection_is_never_meant() -> None:
    listed = [ListedCollection(1, "Acme", smart=True), ListedCollection(2, "ACME")]
    assert find("Acme", listed) == listed[1]
    assert find("Acme", listed[:1]) is None


def test_only_what_nobody_edited_can_be_taken_for_ours() -> None:
    item = PlexItem(target=Target("s", "1", 7, collection=True))
    assert is_untouched(item)
    assert is_untouched(item._replace(locks=frozenset({"title"})))
    assert not is_untouched(item._replace(locks=frozenset({"thumb"})))
    assert not is_untouched(item._replace(values={"summary": "Mine."}))


def test_a_note_is_news_or_nothing() -> None:
    new = box(Source("tag", 6))
    assert noted(None, new, added=False) == new
    quiet = replace(box(Source("studio", 1)), due_at=None)
    assert noted(quiet, new, added=False) is None
    again = noted(quiet, new, added=True)
    assert again == replace(quiet, due_at=NOW, quick=True)
    better = noted(replace(new, due_at=None), box(Source("studio", 1)), added=False)
    assert better == replace(new, source=Source("studio", 1), due_at=NOW)
    waiting = noted(box(Source("studio", 1)), new, added=True)
    assert waiting is not None and not waiting.quick


def test_failures_come_less_and_less_often_and_a_foreign_one_never() -> None:
    each, pauses = box(), []
    for _ in range(8):
        each = later(each, "why", NOW)
        pauses.append((each.due_at or 0) - NOW)
    assert pauses[:3] == [60.0, 240.0, 960.0] and pauses[-1] == 86400.0
    assert foreign(each, "x") == replace(each, owner=FOREIGN, due_at=None, attempts=0, detail="x")
