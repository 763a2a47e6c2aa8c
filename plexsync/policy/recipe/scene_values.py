"""What of a scene the placeholders of patterns stand for."""

from __future__ import annotations

import ntpath
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from plexsync.model.hierarchy import Hierarchy, Tree
from plexsync.model.metadata import NAME_LENGTH
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.scene import Entity, Scene
from plexsync.model.text import clean
from plexsync.model.values import name_key

E = TypeVar("E", bound=Entity)

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


class Facts(NamedTuple):
    """A scene with everything that placeholders need; tags in `ignored` count as absent."""

    scene: Scene
    hierarchy: Hierarchy
    ignored: frozenset[int] = frozenset()

    def known(self, tags: Sequence[Entity]) -> Sequence[Entity]:
        """These tags without ignored ones."""
        return [tag for tag in tags if tag.id not in self.ignored] if self.ignored else tags


Values = Callable[[Facts, Pick], Sequence[str]]


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


def file(facts: Facts, pick: Pick) -> Sequence[str]:
    """The first file's name."""
    return one(file_title(facts.scene))


def folder(facts: Facts, pick: Pick) -> Sequence[str]:
    """The name of the first file's folder."""
    files = facts.scene.files
    return one(_split(_split(files[0].path)[0])[1]) if files else ()


def studio(facts: Facts, pick: Pick) -> Sequence[str]:
    """The studio, if it is selected."""
    studio = facts.scene.studio
    if studio is None:
        return ()
    return [each.name for each in pick([studio], facts.hierarchy.studios)]


def parent_studio(facts: Facts, pick: Pick) -> Sequence[str]:
    """The studio above it."""
    return _studios(facts)[1:2]


def root_studio(facts: Facts, pick: Pick) -> Sequence[str]:
    """The topmost studio."""
    return _studios(facts)[-1:]


def _studios(facts: Facts) -> Sequence[str]:
    """The names of the studio, its parent, and so on."""
    studio = facts.scene.studio
    if studio is None:
        return ()
    above = facts.hierarchy.studio_chain(studio.id)[1:]
    return [studio.name, *(node.name for node in above)]


def year(facts: Facts, pick: Pick) -> Sequence[str]:
    """The year of the date."""
    year = facts.scene.date[:4]
    return [year] if len(year) == 4 and year.isascii() and year.isdecimal() else ()


def directors(facts: Facts, pick: Pick) -> Sequence[str]:
    """Each director."""
    return [name for each in facts.scene.director.split(",") if (name := each.strip())]


def performers(facts: Facts, pick: Pick) -> Sequence[str]:
    """The names, with the disambiguation if two performers of the scene share a name."""
    every = facts.scene.performers
    meant = pick(every, facts.hierarchy.tags)
    keys = [name_key(one.name) for one in every]
    if len({*keys}) == len(keys):
        return [one.name for one in meant]
    times = Counter(keys)
    return [
        f"{one.name} ({one.disambiguation})"
        if times[name_key(one.name)] > 1 and one.disambiguation.strip()
        else one.name
        for one in meant
    ]


def joined_performers(facts: Facts, pick: Pick) -> Sequence[str]:
    """The selected performers in one text."""
    return one(", ".join(performers(facts, pick)))


def tags(facts: Facts, pick: Pick) -> Sequence[str]:
    """The selected tags."""
    return [tag.name for tag in pick(facts.known(facts.scene.tags), facts.hierarchy.tags)]


def performer_tags(facts: Facts, pick: Pick) -> Sequence[str]:
    """The selected ones of the performers' tags."""
    unique = {tag.id: tag for one in facts.scene.performers for tag in one.tags}
    found = pick(facts.known(list(unique.values())), facts.hierarchy.tags)
    return [tag.name for tag in found]


def groups(facts: Facts, pick: Pick) -> Sequence[str]:
    """The selected groups."""
    return [group.name for group in pick(facts.scene.groups, facts.hierarchy.tags)]


def group_numbers(facts: Facts, pick: Pick) -> Sequence[str]:
    """A number for each group, "" where the scene has none."""
    groups = pick(facts.scene.groups, facts.hierarchy.tags)
    return ["" if group.number is None else str(group.number) for group in groups]


def stars(facts: Facts, pick: Pick) -> Sequence[str]:
    """The rating as 1 to 5 stars."""
    rating = facts.scene.rating100
    return () if rating is None else [str(max(1, min(5, (rating + 10) // 20)))]


def rating(facts: Facts, pick: Pick) -> Sequence[str]:
    """The rating from 0 to 10."""
    rating = facts.scene.rating100
    return () if rating is None else [f"{rating / 10:g}"]


def resolution(facts: Facts, pick: Pick) -> Sequence[str]:
    """Stash's name of the first file's resolution."""
    files = facts.scene.files
    shorter = min(files[0].width, files[0].height) if files else 0
    return [name for pixels, name in _RESOLUTIONS if shorter >= pixels][:1]


def favorites(facts: Facts, pick: Pick) -> Sequence[str]:
    """The favorites among the performers."""
    return [one.name for one in facts.scene.performers if one.favorite]


def one(text: str) -> Sequence[str]:
    """This text as the only value, unless it is empty."""
    return [text] if text else ()


def attribute(name: str) -> Values:
    """A placeholder for this text of the scene."""
    return lambda facts, pick: one(getattr(facts.scene, name))


def first(name: str) -> Values:
    """A placeholder for the first of these texts of the scene."""
    return lambda facts, pick: getattr(facts.scene, name)[:1]
