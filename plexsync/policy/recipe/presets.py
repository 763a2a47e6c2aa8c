"""Ready-made recipes, named after what they show in Plex."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.named_tuple import NamedTuple
from plexsync.policy.recipe.recipe import RECIPES


class Preset(NamedTuple):
    """A recipe for every field: `settings` has a pattern for each setting, "" for the default."""

    key: str
    name: str
    means: str
    settings: Mapping[str, str]


def _preset(key: str, name: str, means: str, **patterns: str) -> Preset:
    return Preset(key, name, means, {each: patterns.get(each, "") for each in RECIPES})


PRESETS: tuple[Preset, ...] = (
    _preset("plain", "Plain", "Each field as Stash has it; the studio is also a collection."),
    _preset(
        "stashplexagent",
        "As StashPlexAgent did",
        "Collections for the site and the studio above it, and the content rating XXX.",
        collections="Site: {studio}; Studio: {parent_studio}",
        content_rating="XXX",
    ),
    _preset(
        "studio_first",
        "Studio first",
        "The studio leads the title and sorts the library; collections for it and for the topmost one.",
        title="[{studio}: ]{title}[ ({year})]",
        sort_title="[{root_studio} ][{date} ]{title}",
        collections="{root_studio}; {studio}",
    ),
    _preset(
        "series",
        "Series",
        "Scenes of a group stand together, in its order, in a collection of its own.",
        sort_title="[{group} ][{group_number} ]{title}",
        collections="Series: {group}; {studio}",
    ),
)
"""In the order of the page; the first is equal to the default settings."""
