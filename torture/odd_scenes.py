"""Changes one field of one scene in Stash's answers to null, nothing or a wrong type: the other
scenes must be synced, and that one must be synced or become a dead letter that says why.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.flows.test_odd_scenes import spoil
from tests.world import TOKEN, World

MISSING = object()
ODD: dict[str, object] = {
    "null": None,
    "missing": MISSING,
    "number": 7,
    "fraction": 0.5,
    "huge number": 10**40,
    "negative": -1,
    "text": "odd",
    "empty text": "",
    "true": True,
    "list": [],
    "list of null": [None],
    "object": {},
}
RECIPES = {
    "labels": "{group} {group_number}; {performer:female}; {performer_tag}",
    "tagline": "{url} {stash_id} {resolution}[{?organized} organized]",
}
"""Patterns that use everything that is read from Stash."""
PLACES: tuple[tuple[str | int, ...], ...] = (
    *((name,) for name in ("id", "title", "details", "date", "rating100", "code", "director")),
    *((name,) for name in ("created_at", "updated_at", "studio", "performers", "tags", "groups")),
    *(("studio", name) for name in ("id", "name")),
    *(("performers", 0, name) for name in ("id", "name", "disambiguation")),
    *(("tags", 0, name) for name in ("id", "name")),
    ("groups", 0, "group"),
    ("groups", 0, "group", "name"),
    ("files",),
    *(("files", 0, name) for name in ("path", "size", "fingerprints")),
    *(("files", 0, "fingerprints", 0, name) for name in ("type", "value")),
    *((name,) for name in ("organized", "urls", "stash_ids", "galleries")),
    ("stash_ids", 0, "stash_id"),
    *(("performers", 0, name) for name in ("gender", "favorite", "alias_list", "tags")),
    ("groups", 0, "scene_index"),
    *(("files", 0, name) for name in ("width", "height")),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One field of one scene, and its replacement."""

    place: tuple[str | int, ...]
    kind: str

    def run(self, root: Path) -> Iterator[str]:
        """Run the trial; yields violations."""
        with (
            tempfile.TemporaryDirectory(dir=root) as folder,
            PlexSim(token=TOKEN) as plex,
            StashSim() as stash,
        ):
            world = World(Path(folder), plex, stash)
            for text in self._live(world):
                yield f"{'.'.join(map(str, self.place))} {self.kind}: {text}"
            world.close()

    def _live(self, world: World) -> Iterator[str]:
        world.configure(no_poster=True, sync_groups=True, **RECIPES)
        stash = world.stash
        rich = {
            "studio": stash.add_studio("S"),
            "performers": [stash.add_performer("P", "p")],
            "tags": [stash.add_tag("T")],
            "groups": [stash.add_group("G")],
            "urls": ["https://example.org"],
            "stash_ids": [{"stash_id": "a-b", "endpoint": "https://example.org"}],
        }
        pairs = [world.pair(f"{n}.mp4", title=f"T{n}", **rich) for n in range(3)]
        odd, item = pairs[1]
        fault = spoil(world, odd, self.change)
        for scene, _ in pairs:
            world.event(scene)
        world.run()
        if [pairs[0][1].title, pairs[2][1].title] != ["T0", "T2"]:
            yield "another scene was not synced"
        dead_letter = world.dead_letter(odd)
        if dead_letter is None and any(
            job.last_error != "PlexNotFound" for job in world.waiting().values()
        ):
            yield f"it waits: {world.waiting()[odd].last_message}"
        if dead_letter is not None and dead_letter.error not in (
            "SceneUnusable",
            "PlexPermanentError",
        ):
            yield f"it became a {dead_letter.error}: {dead_letter.message}"
        if "Unexpected" in world.said():
            yield "it raised a bug"
        fault.remove()
        world.edit(odd, title="Well")
        world.run()
        if item.title != "Well":
            yield "it was not synced once it was valid again"

    def change(self, scene: dict[str, Any]) -> None:
        """Replace the field."""
        inside: Any = scene
        for step in self.place[:-1]:
            inside = inside[step]
        if ODD[self.kind] is MISSING:
            inside.pop(self.place[-1], None)
        else:
            inside[self.place[-1]] = ODD[self.kind]


def trials(seed: int, count: int) -> list[Trial]:
    """A random choice of `count` trials."""
    every = [Trial(place, kind) for place in PLACES for kind in ODD]
    return random.Random(seed).sample(every, min(count, len(every)))
