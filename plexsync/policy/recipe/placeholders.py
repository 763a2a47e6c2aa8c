"""The placeholders of patterns and their values: one table for parsing, printing and the
documentation."""

from __future__ import annotations

import ntpath
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from plexsync.model.hierarchy import Hierarchy, Tree
from plexsync.model.metadata import NAME_LENGTH
from plexsync.model.scene import Entity, Scene
from plexsync.model.text import clean
from plexsync.model.values import name_key

E = TypeVar("E", bound=Entity)

NOTHING, NAMES, TREE, PEOPLE, BARE = "nothing", "names", "tree", "people", "bare"
"""What may follow a placeholder's colon: nothing, names, names with "/*", names and genders, or
"bare"."""

_MOST_TAKEN = 50
"""Maximum number of names removed from the start of a title."""

_RESOLUTIONS = (
    (6144, "8K+"),
    (3840, "8K"),
    (3584, "7K"),
    (3000, "6K"),
    (2560, "5K"),
    (1920, "4K"),
    (1440, "1440p"),
    (1080, "1080p"),
    (720, "720p"),
    (540, "540p"),
    (480, "480p"),
    (360, "360p"),
    (240, "240p"),
    (144, "144p"),
)
"""Minimum pixels of the shorter side, and Stash's name of the resolution."""


class Pick(Protocol):
    """Selects the entities of a choice."""

    def __call__(self, entities: Sequence[E], tree: Tree) -> Sequence[E]:
        """The selected entities; `tree` is the hierarchy of their kind."""


def everything(entities: Sequence[E], tree: Tree) -> Sequence[E]:
    """The choice without names: all entities."""
    return entities


@dataclass(frozen=True, slots=True)
class Facts:
    """A scene with everything that placeholders need; tags in `ignored` count as absent."""

    scene: Scene
    hierarchy: Hierarchy
    ignored: frozenset[int] = frozenset()

    def known(self, tags: Sequence[Entity]) -> Sequence[Entity]:
        """These tags without ignored ones."""
        return [tag for tag in tags if tag.id not in self.ignored] if self.ignored else tags


Values = Callable[[Facts, Pick], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Spec:
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
    entities: frozenset[str] = field(default_factory=frozenset)
    details: bool = False
    performer_tags: bool = False
    hierarchy: bool = False
    event_fields: tuple[str, ...] = ()
    condition: bool = False


def file_title(scene: Scene) -> str:
    """The first file's name without its extension; "" if the scene has no file."""
    if not scene.files:
        return ""
    _, name = _split(scene.files[0].path)
    stem, extension = posixpath.splitext(name)
    return name if " " in extension else stem


def own_title(facts: Facts, pick: Pick) -> Sequence[str]:
    """The scene's title; empty if it has none."""
    return [facts.scene.title] if facts.scene.title else ()


def any_title(facts: Facts, pick: Pick) -> Sequence[str]:
    """The scene's title, its file name, or its id: never empty."""
    for text in (facts.scene.title, file_title(facts.scene)):
        if clean(text, multiline=False, strip_emoji=False):
            return [text]
    return [f"Scene {facts.scene.id}"]


def bare_title(facts: Facts, pick: Pick) -> Sequence[str]:
    """The title without the performers' names at its start, unless nothing would be left."""
    whole = unicodedata.normalize("NFC", any_title(facts, pick)[0][: 4 * NAME_LENGTH])
    names = {unicodedata.normalize("NFC", one.name) for one in facts.scene.performers if one.name}
    left = _without_names(whole, sorted(names, key=len, reverse=True)).strip()
    return [left or whole]


def _without_names(title: str, names: Sequence[str]) -> str:
    rest = title.lstrip()
    for _ in range(_MOST_TAKEN):
        found = next((name for name in names if _begins_with(rest, name)), None)
        if found is None:
            break
        title = rest = rest[len(found) :].lstrip(_BETWEEN)
        rest = rest[4:].lstrip() if rest[:4].lower() == "and " else rest
    return title


_BETWEEN = " \t,;&+/|:.-–—_"  # noqa: RUF001


def _begins_with(text: str, name: str) -> bool:
    following = text[len(name) : len(name) + 1]
    return following in _BETWEEN and text[: len(name)].casefold() == name.casefold()


def _split(path: str) -> tuple[str, str]:
    """Folder and name of a POSIX or Windows path."""
    windows = re.match(r"[A-Za-z]:[\\/]|\\\\", path)
    return ntpath.split(path) if windows else posixpath.split(path)


def _file(facts: Facts, pick: Pick) -> Sequence[str]:
    return _one(file_title(facts.scene))


def _folder(facts: Facts, pick: Pick) -> Sequence[str]:
    files = facts.scene.files
    return _one(_split(_split(files[0].path)[0])[1]) if files else ()


def _studio(facts: Facts, pick: Pick) -> Sequence[str]:
    studio = facts.scene.studio
    if studio is None:
        return ()
    return [each.name for each in pick([studio], facts.hierarchy.studios)]


def _parent_studio(facts: Facts, pick: Pick) -> Sequence[str]:
    return _studios(facts)[1:2]


def _root_studio(facts: Facts, pick: Pick) -> Sequence[str]:
    return _studios(facts)[-1:]


def _studios(facts: Facts) -> Sequence[str]:
    """The names of the studio, its parent, and so on."""
    studio = facts.scene.studio
    if studio is None:
        return ()
    above = facts.hierarchy.studio_chain(studio.id)[1:]
    return [studio.name, *(node.name for node in above)]


def _year(facts: Facts, pick: Pick) -> Sequence[str]:
    year = facts.scene.date[:4]
    return [year] if len(year) == 4 and year.isascii() and year.isdecimal() else ()


def _directors(facts: Facts, pick: Pick) -> Sequence[str]:
    return [name for each in facts.scene.director.split(",") if (name := each.strip())]


def _performers(facts: Facts, pick: Pick) -> Sequence[str]:
    """The names, with the disambiguation if two performers of the scene share a name."""
    every = facts.scene.performers
    meant = pick(every, facts.hierarchy.tags)
    if len(every) == 1:
        return [one.name for one in meant]
    times = Counter(name_key(one.name) for one in every)
    return [
        f"{one.name} ({one.disambiguation})"
        if times[name_key(one.name)] > 1 and one.disambiguation.strip()
        else one.name
        for one in meant
    ]


def _joined_performers(facts: Facts, pick: Pick) -> Sequence[str]:
    return _one(", ".join(_performers(facts, pick)))


def _tags(facts: Facts, pick: Pick) -> Sequence[str]:
    return [tag.name for tag in pick(facts.known(facts.scene.tags), facts.hierarchy.tags)]


def _performer_tags(facts: Facts, pick: Pick) -> Sequence[str]:
    unique = {tag.id: tag for one in facts.scene.performers for tag in one.tags}
    found = pick(facts.known(list(unique.values())), facts.hierarchy.tags)
    return [tag.name for tag in found]


def _groups(facts: Facts, pick: Pick) -> Sequence[str]:
    return [group.name for group in pick(facts.scene.groups, facts.hierarchy.tags)]


def _group_numbers(facts: Facts, pick: Pick) -> Sequence[str]:
    """A number for each group, "" where the scene has none."""
    groups = pick(facts.scene.groups, facts.hierarchy.tags)
    return ["" if group.number is None else str(group.number) for group in groups]


def _stars(facts: Facts, pick: Pick) -> Sequence[str]:
    rating = facts.scene.rating100
    return () if rating is None else [str(max(1, min(5, (rating + 10) // 20)))]


def _rating(facts: Facts, pick: Pick) -> Sequence[str]:
    rating = facts.scene.rating100
    return () if rating is None else [f"{rating / 10:g}"]


def _resolution(facts: Facts, pick: Pick) -> Sequence[str]:
    files = facts.scene.files
    shorter = min(files[0].width, files[0].height) if files else 0
    return [name for pixels, name in _RESOLUTIONS if shorter >= pixels][:1]


def _favorites(facts: Facts, pick: Pick) -> Sequence[str]:
    return [one.name for one in facts.scene.performers if one.favorite]


def _one(text: str) -> Sequence[str]:
    return [text] if text else ()


def _attribute(name: str) -> Values:
    return lambda facts, pick: _one(getattr(facts.scene, name))


def _first(name: str) -> Values:
    return lambda facts, pick: getattr(facts.scene, name)[:1]


def _kinds(*kinds: str) -> frozenset[str]:
    return frozenset(kinds)


SPECS: Mapping[str, Spec] = {
    "title": Spec(
        "the title, or the file's name if there is none; {title:bare} omits the performers' "
        "names at its start",
        any_title,
        BARE,
    ),
    "file": Spec("the name of the first file without its extension", _file),
    "folder": Spec("the name of the first file's folder", _folder),
    "studio": Spec("the studio", _studio, TREE, entities=_kinds("studio")),
    "parent_studio": Spec(
        "the studio above it", _parent_studio, entities=_kinds("studio"), hierarchy=True
    ),
    "root_studio": Spec(
        "the topmost studio, which may be the scene's own",
        _root_studio,
        entities=_kinds("studio"),
        hierarchy=True,
    ),
    "date": Spec("the date, as Stash has it", _attribute("date")),
    "year": Spec("the year of the date", _year),
    "code": Spec("the studio code", _attribute("code")),
    "director": Spec("each director", _directors, axis="director"),
    "details": Spec("the details", _attribute("details")),
    "performers": Spec(
        "all performers, separated by commas",
        _joined_performers,
        PEOPLE,
        entities=_kinds("performer"),
    ),
    "performer": Spec(
        "each performer", _performers, PEOPLE, "performer", entities=_kinds("performer")
    ),
    "tag": Spec("each tag", _tags, TREE, "tag", entities=_kinds("tag")),
    "performer_tag": Spec(
        "each tag of the performers",
        _performer_tags,
        TREE,
        "performer_tag",
        entities=_kinds("performer", "performer_tag"),
        performer_tags=True,
    ),
    "group": Spec("each group", _groups, NAMES, "group", entities=_kinds("group")),
    "group_number": Spec(
        "the scene's number in that group", _group_numbers, axis="group", details=True
    ),
    "stars": Spec("the rating as 1 to 5 whole stars", _stars),
    "rating": Spec("the rating as a number from 0 to 10", _rating),
    "resolution": Spec(
        "the first file's resolution, such as 1080p or 4K", _resolution, details=True
    ),
    "url": Spec(
        "the first web address", _first("urls"), details=True, event_fields=("url", "urls")
    ),
    "stash_id": Spec(
        "the first id in a stash-box",
        _first("stash_ids"),
        details=True,
        event_fields=("stash_ids",),
    ),
    "organized": Spec(
        "whether the scene is organized",
        lambda facts, pick: _one("organized" if facts.scene.organized else ""),
        details=True,
        event_fields=("organized",),
        condition=True,
    ),
    "favorite": Spec(
        "whether one of the performers is a favorite",
        _favorites,
        entities=_kinds("performer"),
        details=True,
        condition=True,
    ),
}
"""The placeholders by name, in the order of the documentation."""
