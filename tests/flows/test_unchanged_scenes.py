"""A scene of which nothing has changed is recognised without being parsed, and only such a scene."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.reconcile.unchanged import Unchanged
from plexsync.flows.sync.selection import Selection
from plexsync.model.ledger import LEFT_OUT, UNDONE, Pin
from plexsync.model.paths import PathMap
from plexsync.model.pictures import Kept, PictureSource
from plexsync.policy.unchanged import digests
from tests.flows.test_reconciliation_story import later, press

RECIPE = {"genres": "{tag:Above/*}"}
Change = Callable[[Any, int, Any], object]
"""Changes something about a scene and its item."""


@pytest.fixture
def known(world: Any) -> Any:
    """Scenes that were compared and are in step, each with entities of its own."""
    world.configure(no_poster=True)
    world.pairs = []
    return world


def described(world: Any, count: int, **more: Any) -> list[tuple[int, Any]]:
    """Add scenes that are in Plex, each with entities of its own."""
    data = world.stash
    world.above = data.add_tag("Above")
    return [
        world.pair(
            f"{n}.mp4",
            title=f"T{n}",
            details=f"About {n}",
            studio=data.add_studio(f"Studio {n}"),
            performers=[data.add_performer(f"Person {n}")],
            tags=[data.add_tag(f"Tag {n}", [world.above])],
            groups=[data.add_group(f"Group {n}")],
            **more,
        )
        for n in range(count)
    ]


def add(world: Any, count: int) -> list[tuple[int, Any]]:
    """Add scenes, write them, and compare them."""
    pairs = described(world, count)
    for scene, _ in pairs:
        world.event(scene)
    world.run(minutes=0.5)
    later(world)
    press(world, "reconcile_all")
    assert recognised(world) == {scene for scene, _ in pairs}
    later(world)
    return pairs


def recognised(world: Any) -> set[int]:
    """The scenes that a comparison would leave out now."""
    app = world.stores()
    try:
        config, ledger = app.config(), app.stores.ledger
        index = app.index(config)
        index.refresh(config.plex_library, world.clock.now())
        selection, (path_map, _) = Selection(config, app.stash), PathMap.parse(config.path_map)
        selection.begin(())
        page = app.stash.raw_page(0, 1000, selection.parts)
        found = Unchanged(config, selection, path_map, index, ledger).basis(page, 0, ledger.pins())
        return set(found.same)
    finally:
        app.close()


def state(**fields: Any) -> Change:
    """Change the scene's state in the ledger."""

    def change(world: Any, scene: int, item: Any) -> None:
        with closing(world.ledger()) as ledger:
            (stored,) = ledger.scenes([scene]).values()
            ledger.save([stored._replace(**fields)])

    return change


def ledger(act: Callable[[Any, int, Any], object]) -> Change:
    def change(world: Any, scene: int, item: Any) -> None:
        with closing(world.ledger()) as opened:
            act(opened, scene, item)

    return change


def sql(statement: str) -> Change:
    def change(world: Any, scene: int, item: Any) -> None:
        with closing(sqlite3.connect(Path(world.folder) / "ledger.db")) as ledger, ledger:
            ledger.execute(statement, (scene,))

    return change


def stored(name: str, value: object) -> Change:
    """Change the scene in Stash without any trace of when."""
    return lambda world, scene, item: setattr(world.stash.scene(scene), name, value)


def renamed(kind: str, entities: str) -> Change:
    def change(world: Any, scene: int, item: Any) -> None:
        found = getattr(world.stash.scene(scene), entities)
        first = found[0] if isinstance(found, list) else found
        entity = first[0] if isinstance(first, tuple) else first
        world.stash.data.entity(kind, entity).name += " (new)"

    return change


def files(*some: tuple[str, int]) -> Change:
    """Change the item's files; `*` stands for the name of the first."""

    def change(world: Any, scene: int, item: Any) -> None:
        path = item.files[0][0]
        world.plex.change_files(item.key, [(name.replace("*", path), size) for name, size in some])

    return change


def another(name: str, size: int = 1000) -> Change:
    """Add an item with such a file."""
    return lambda world, scene, item: world.film(
        name.replace("*", item.files[0][0].removeprefix("/plex/").removesuffix(".mp4")), size
    )


def replaced(world: Any, scene: int, item: Any) -> None:
    path, _ = item.files[0]
    world.plex.remove_item(item.key)
    world.film(path.removeprefix("/plex/"))


def in_another_library(world: Any, scene: int, item: Any) -> None:
    section = world.plex.add_section("More", locations=["/plex"])
    world.plex.add_item(section, file=item.files[0][0], size=1000)


IN_STASH: dict[str, Change] = {
    "its title": stored("title", "News"),
    "its details": stored("details", "News"),
    "its date": stored("date", "2020-02-03"),
    "its rating": stored("rating100", 80),
    "its director": stored("director", "D"),
    "its studio": stored("studio", None),
    "its performers": stored("performers", []),
    "its tags": stored("tags", []),
    "its groups": stored("groups", []),
    "when it was updated": lambda world, scene, item: world.stash.auto_tag(scene),
    "the name of its studio": renamed("studio", "studio"),
    "the name of a performer": renamed("performer", "performers"),
    "the name of a tag": renamed("tag", "tags"),
    "the name of a group": renamed("group", "groups"),
    "the path of its file": lambda world, scene, item: world.stash.move_file(
        scene, f"/data/new {scene}.mp4"
    ),
    "the spelling of its path": lambda world, scene, item: world.stash.move_file(
        scene, world.stash.scene(scene).files[0].path.upper().replace("DATA", "data")
    ),
    "the size of its file": lambda world, scene, item: world.stash.scan_changed(scene, 2000),
    "a second file": lambda world, scene, item: world.stash.add_file(scene, "/data/more.mp4", 5),
}
IN_PLEX: dict[str, Change] = {
    "an edit": lambda world, scene, item: world.plex.user_edit(item.key, title="By hand"),
    "a lock": lambda world, scene, item: world.plex.user_edit(item.key, locked=["title"]),
    "a change that leads nowhere": lambda world, scene, item: world.plex.touch(item),
    "its item is gone": lambda world, scene, item: world.plex.remove_item(item.key),
    "another item in its place": replaced,
    "a second item with its file": another("*.mp4"),
    "an item with another spelling of its file": another("*.MP4", 7),
    "an item in another library": in_another_library,
    "its file moved": files(("*.moved", 1000)),
    "the size of its item's file": files(("*", 99)),
    "a file before its file": files(("*.before", 9), ("*", 1000)),
}
IN_THE_LEDGER: dict[str, Change] = {
    "undone": state(state=UNDONE),
    "left out": state(state=LEFT_OUT),
    "written again": state(since=5.0),
    "destroyed": ledger(lambda ledger, scene, item: ledger.destroy([scene], 5.0)),
    "set aside": ledger(lambda ledger, scene, item: ledger.set_aside(scene, 5.0)),
    "another file had its id": state(oshash="f" * 16, path="/data/old.mp4"),
    "another cover": state(cover_sha1="c" * 40),
    "another picture": state(pictures={PictureSource("group", 1): Kept("e", "s")}),
    "pinned": ledger(
        lambda ledger, scene, item: ledger.pin(scene, Pin(item.files[0][0], item.key))
    ),
    "not observed": sql("DELETE FROM observations WHERE scene = ?"),
    "another item observed": sql(
        "UPDATE observations SET rating_key = rating_key + 900 WHERE scene = ?"
    ),
    "to be observed again": sql("UPDATE observations SET plex_updated = -1 WHERE scene = ?"),
}


def test_a_change_of_anything_that_matters_is_noticed_and_of_this_scene_alone(known: Any) -> None:
    changes = {**IN_STASH, **IN_PLEX, **IN_THE_LEDGER}
    pairs = add(known, len(changes) + 5)
    for (scene, item), change in zip(pairs, changes.values(), strict=False):
        change(known, scene, item)
    later(known)
    whole(known)
    left = recognised(known)
    unnoticed = [what for (scene, _), what in zip(pairs, changes, strict=False) if scene in left]
    assert unnoticed == []
    assert left == {scene for scene, _ in pairs[len(changes) :]}


def whole(world: Any) -> None:
    """Read the libraries whole: Plex's times do not show that files have changed."""
    app = world.stores()
    config = app.config()
    app.index(config).refresh(config.plex_library, world.clock.now(), force=True)
    app.close()


SETTINGS: list[dict[str, Any]] = [
    {"sync_only": "organized"},
    {"sync_never": "tag: Tag 1"},
    {"no_tags": True},
    {"sync_rating": True},
    {"max_tags": 10},
    {"preserve_plex_edits": True},
    {"accept_ambiguous": True},
    {"strict_mode": True},
    {"strip_emoji": True},
    {"plex_library": "Films"},
    {"path_map": "/plex/=>/data/"},
    {"title": "{title} ({year})"},
    {"ignore_tags": "Tag 1"},
    {"no_poster": False},
    {"sync_background": True},
    {"poster_from": "group, cover"},
    {"skip_missing": True},
    RECIPE,
]


def test_a_setting_that_matters_is_noticed(known: Any) -> None:
    scenes = {scene for scene, _ in add(known, 2)}
    before, config = dict(known.settings), _config(known)
    for settings in SETTINGS:
        known.settings = dict(before)
        known.configure(**settings)
        assert _config(known) != config, f"there is no setting {settings}"
        assert recognised(known) == set(), settings
    known.settings = dict(before)
    known.configure()
    assert recognised(known) == scenes


def _config(world: Any) -> Any:
    app = world.stores()
    try:
        return app.config()
    finally:
        app.close()


def test_a_tag_moved_below_another_is_noticed_by_a_recipe_that_needs_the_hierarchy(
    known: Any,
) -> None:
    known.configure(**RECIPE)
    (scene, _), _ = add(known, 2)
    known.stash.data.entity("tag", known.stash.scene(scene).tags[0]).parents = []
    assert recognised(known) == set()


def test_a_digest_is_of_everything_that_it_is_made_of() -> None:
    before = digests("a", "b")({"id": 1}, (2,), [(3,)])
    assert before == digests("a", "b")({"id": 1}, (2,), [(3,)])
    assert len(before) == 32
    for other in (
        digests("ab", "")({"id": 1}, (2,), [(3,)]),
        digests("a", "b")({"id": 2}, (2,), [(3,)]),
        digests("a", "b")({"id": 1}, None, [(3,)]),
        digests("a", "b")({"id": 1}, (2,), []),
    ):
        assert other != before


def test_what_is_not_in_step_is_compared_each_time(known: Any) -> None:
    known.configure(preserve_plex_edits=True)
    pairs = add(known, 4)
    known.plex.user_edit(pairs[0][1].key, title="By hand")
    known.stash.auto_tag(pairs[1][0], details="News")
    known.pair("bare.mp4")
    known.stash.add_scene(title="T", files=[("/data/none.mp4", 1)])
    later(known)
    known.plex.touch(pairs[2][1])
    for _ in range(2):  # an item that has just been changed may change again in the same second
        press(known, "reconcile_all")
        assert recognised(known) == {pairs[3][0]}
    later(known)
    press(known, "reconcile_all")
    assert recognised(known) == {pairs[2][0], pairs[3][0]}


@pytest.mark.parametrize("seed", range(3))
def test_the_same_gaps_are_found_with_and_without_recognising_scenes(world: Any, seed: int) -> None:
    """Random changes of both sides; each comparison is made both ways."""
    rng = random.Random(seed)
    world.configure(no_poster=True, reconcile_batch_size=10)
    tags = [world.stash.add_tag(f"Tag {n}") for n in range(4)]
    people = [world.stash.add_performer(f"Person {n}") for n in range(4)]
    scenes: list[tuple[int, Any]] = []

    def more() -> None:
        n = len(scenes)
        some = {"tags": rng.sample(tags, 2), "performers": rng.sample(people, 1)}
        title = rng.choice(["", f"T{n}"])
        scenes.append(world.pair(f"{n}.mp4", title=title, details=f"About {n}", **some))

    def free() -> str:
        return f"{rng.randrange(18)}.mp4"

    def news() -> str:
        return f"News {rng.random()}"

    for _ in range(15):
        more()
        world.event(scenes[-1][0])
    world.run(minutes=0.5)
    later(world)
    press(world, "reconcile_all")
    stash, plex = world.stash, world.plex
    changes: list[Callable[[int, Any], object]] = [
        lambda s, i: plex.user_edit(i.key, summary=rng.choice(["", "By hand"])),
        lambda s, i: stash.auto_tag(s, details=news()),
        lambda s, i: setattr(stash.scene(s), "title", news()),
        lambda s, i: stash.move_file(s, f"/data/{free()}"),
        lambda s, i: plex.change_files(i.key, [(f"/plex/{free()}", 1000)]),
        lambda s, i: plex.touch(i),
        lambda s, i: world.film(free()),
        lambda s, i: stash.rename_tag(rng.choice(tags), news()),
        lambda s, i: stash.rename_performer(rng.choice(people), news()),
        lambda s, i: world.configure(max_tags=rng.choice([10, 20])),
        lambda s, i: world.configure(preserve_plex_edits=rng.choice([True, False])),
        lambda s, i: more(),
    ]
    recognised_once: set[int] = set()
    for _ in range(4):
        for _ in range(rng.randrange(4)):
            rng.choice(changes)(*rng.choice(scenes))
        later(world)
        recognised_once |= recognised(world)
        short = press(world, "reconcile_all", dry_run="true")
        full = without_recognising(world)
        assert {**short, "seconds": 0} == {**full, "seconds": 0}
        press(world, "reconcile_all")
    assert len(recognised_once) > 5


def without_recognising(world: Any) -> dict[str, Any]:
    """The same comparison of every scene; what is known stays known."""
    path = Path(world.folder) / "ledger.db"
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute("CREATE TABLE kept AS SELECT scene, rating_key, basis FROM observations")
        ledger.execute("UPDATE observations SET basis = ''")
    try:
        return press(world, "reconcile_all", dry_run="true")
    finally:
        with closing(sqlite3.connect(path)) as ledger, ledger:
            ledger.execute(
                "UPDATE observations SET basis = (SELECT kept.basis FROM kept WHERE kept.scene ="
                " observations.scene AND kept.rating_key = observations.rating_key)"
            )
            ledger.execute("DROP TABLE kept")
