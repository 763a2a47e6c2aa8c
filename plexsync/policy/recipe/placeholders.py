"""The placeholders of patterns: one table for parsing, printing and the documentation."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.named_tuple import NamedTuple
from plexsync.policy.recipe import scene_values as of
from plexsync.policy.recipe.scene_values import Values

NOTHING, NAMES, TREE, PEOPLE, BARE = "nothing", "names", "tree", "people", "bare"
"""What may follow a placeholder's colon: nothing, names, names with "/*", names and genders, or
"bare"."""


class Spec(NamedTuple):
    """A placeholder and its values; no values if the scene has nothing of the kind.

    `choices` is what may follow its colon, `axis` is not "" if an entry is repeated for each value,
    `entities` are the kinds whose changes may change it. `details` and `performer_tags`: see
    SceneParts; `hierarchy`: it depends on parents. `event_fields` are its names in Stash's update
    events, if no other field covers it. A `condition` is only tested, never printed.
    """

    means: str
    values: Values
    choices: str = NOTHING
    axis: str = ""
    entities: frozenset[str] = frozenset()
    details: bool = False
    performer_tags: bool = False
    hierarchy: bool = False
    event_fields: tuple[str, ...] = ()
    condition: bool = False


def _kinds(*kinds: str) -> frozenset[str]:
    return frozenset(kinds)


SPECS: Mapping[str, Spec] = {
    "title": Spec(
        "the title, or the file's name if there is none; {title:bare} omits the performers' "
        "names at its start",
        of.any_title,
        BARE,
    ),
    "file": Spec("the name of the first file without its extension", of.file),
    "folder": Spec("the name of the first file's folder", of.folder),
    "studio": Spec("the studio", of.studio, TREE, entities=_kinds("studio")),
    "parent_studio": Spec(
        "the studio above it", of.parent_studio, entities=_kinds("studio"), hierarchy=True
    ),
    "root_studio": Spec(
        "the topmost studio, which may be the scene's own",
        of.root_studio,
        entities=_kinds("studio"),
        hierarchy=True,
    ),
    "date": Spec("the date, as Stash has it", of.attribute("date")),
    "year": Spec("the year of the date", of.year),
    "code": Spec("the studio code", of.attribute("code")),
    "director": Spec("each director", of.directors, axis="director"),
    "details": Spec("the details", of.attribute("details")),
    "performers": Spec(
        "all performers, separated by commas",
        of.joined_performers,
        PEOPLE,
        entities=_kinds("performer"),
    ),
    "performer": Spec(
        "each performer", of.performers, PEOPLE, "performer", entities=_kinds("performer")
    ),
    "tag": Spec("each tag", of.tags, TREE, "tag", entities=_kinds("tag")),
    "performer_tag": Spec(
        "each tag of the performers",
        of.performer_tags,
        TREE,
        "performer_tag",
        entities=_kinds("performer", "performer_tag"),
        performer_tags=True,
    ),
    "group": Spec("each group", of.groups, NAMES, "group", entities=_kinds("group")),
    "group_number": Spec(
        "the scene's number in that group", of.group_numbers, axis="group", details=True
    ),
    "stars": Spec("the rating as 1 to 5 whole stars", of.stars),
    "rating": Spec("the rating as a number from 0 to 10", of.rating),
    "resolution": Spec(
        "the first file's resolution, such as 1080p or 4K", of.resolution, details=True
    ),
    "url": Spec(
        "the first web address", of.first("urls"), details=True, event_fields=("url", "urls")
    ),
    "stash_id": Spec(
        "the first id in a stash-box",
        of.first("stash_ids"),
        details=True,
        event_fields=("stash_ids",),
    ),
    "organized": Spec(
        "whether the scene is organized",
        lambda facts, pick: of.one("organized" if facts.scene.organized else ""),
        details=True,
        event_fields=("organized",),
        condition=True,
    ),
    "favorite": Spec(
        "whether one of the performers is a favorite",
        of.favorites,
        entities=_kinds("performer"),
        details=True,
        condition=True,
    ),
}
"""The placeholders by name, in the order of the documentation."""
