"""The recipe: the patterns of all fields, compiled once for the settings."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Protocol

from plexsync.model.hierarchy import Hierarchy
from plexsync.model.metadata import NAME_LENGTH, SUMMARY_LENGTH
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import FIELDS, IMAGE, LIST
from plexsync.model.scene import Scene, SceneParts
from plexsync.policy.recipe.choices import Ignored
from plexsync.policy.recipe.parser import PatternError, parse_list, parse_names, parse_text
from plexsync.policy.recipe.pattern import Choice, Entry, Item, placeholders
from plexsync.policy.recipe.placeholders import PEOPLE, SPECS, TREE
from plexsync.policy.recipe.printing import Text, is_seen, names_of, text_of
from plexsync.policy.recipe.scene_values import Facts, any_title, everything

__all__ = ["RECIPES", "Recipe", "recipe_of"]


class RecipeField(NamedTuple):
    """A setting that contains a pattern: its field, its default pattern ("": the field is not
    written), and the switch that turns it off.
    """

    field: str
    default: str
    switch: str = ""


RECIPES: Mapping[str, RecipeField] = {
    "title": RecipeField("title", "{title}"),
    "sort_title": RecipeField("sort_title", ""),
    "original_title": RecipeField("original_title", "{code}", "sync_code"),
    "summary": RecipeField("summary", "{details}", "sync_summary"),
    "tagline": RecipeField("tagline", "", "sync_tagline"),
    "studio": RecipeField("studio", "{studio}", "sync_studio"),
    "content_rating": RecipeField("content_rating", ""),
    "genres": RecipeField("tags", "{tag}", "sync_tags"),
    "collections": RecipeField("collections", "{studio}", "sync_collection"),
    "labels": RecipeField("labels", ""),
    "actors": RecipeField("performers", "{performer}", "sync_performers"),
    "directors": RecipeField("directors", "{director}", "sync_director"),
    "writers": RecipeField("writers", ""),
}
"""Key in Stash -> its field. The attribute of the settings is `recipe_` plus the key."""

_PLAIN: Mapping[str, Callable[[Facts], object]] = {
    "date": lambda facts: facts.scene.date,
    "rating": lambda facts: "" if (r := facts.scene.rating100) is None else r / 10,
}
"""Fields that have no pattern."""


class RecipeSettings(Protocol):
    """The settings used here. Patterns and switches are read by their names."""

    @property
    def strip_emoji(self) -> bool: ...


class Recipe(NamedTuple):
    """Computes the values of all fields of a scene.

    `fields` are those that are written, in the order of FIELDS; `makes` has a function for each of
    them except images, and always one for the title. `event_fields` are fields of a scene update
    that only patterns depend on. `parts` is what has to be read of scenes. `problems` has a line
    for each pattern that cannot be parsed.
    """

    fields: tuple[str, ...]
    makes: Mapping[str, Callable[[Facts], object]]
    parts: SceneParts
    event_fields: frozenset[str]
    kinds: frozenset[str]
    above: frozenset[str]
    ignored: Ignored
    problems: tuple[str, ...]

    @property
    def needs_hierarchy(self) -> bool:
        """Whether anything depends on the hierarchy of tags or studios, or on their aliases."""
        return bool(self.above)

    def values(self, scene: Scene, hierarchy: Hierarchy) -> dict[str, object]:
        """Field -> its value, not cleaned yet; only the title is never empty."""
        ignored = self.ignored(hierarchy.tags) if self.ignored.items else frozenset()
        facts = Facts(scene, hierarchy, ignored)
        return {name: make(facts) for name, make in self.makes.items()}

    def entities(self, scene: Scene, hierarchy: Hierarchy) -> frozenset[tuple[str, int]]:
        """The (kind, id) pairs on which the values depend."""
        kinds = self.kinds
        found: list[tuple[str, int]] = []
        if "performer" in kinds:
            found += [("performer", one.id) for one in scene.performers]
        if "performer_tag" in kinds:
            found += [("tag", tag.id) for one in scene.performers for tag in one.tags]
        if "tag" in kinds:
            found += [("tag", tag.id) for tag in scene.tags]
        if "studio" in kinds and scene.studio is not None:
            found.append(("studio", scene.studio.id))
        if "group" in kinds:
            found += [("group", group.id) for group in scene.groups]
        return frozenset([*found, *self._above(found, hierarchy)] if self.above else found)

    def _above(
        self, found: Sequence[tuple[str, int]], hierarchy: Hierarchy
    ) -> Iterator[tuple[str, int]]:
        trees = {"tag": hierarchy.tags, "studio": hierarchy.studios}
        for kind, number in found:
            if kind in self.above and (above := trees[kind].ancestors(number)):
                yield from ((kind, each) for each in above)


_SWITCHES = tuple(dict.fromkeys(field.setting for field in FIELDS.values() if field.setting))
_NAMES = (
    *(f"recipe_{key}" for key in RECIPES),
    *_SWITCHES,
    *("sync_master", "sync_groups", "ignore_tags", "strip_emoji"),
)
_chosen = attrgetter(*_NAMES)


def recipe_of(config: RecipeSettings) -> Recipe:
    """The recipe of these settings; compiled once."""
    return _compiled(_chosen(config))


@lru_cache(16)
def _compiled(chosen: tuple[object, ...]) -> Recipe:
    settings = dict(zip(_NAMES, chosen, strict=True))
    problems: list[str] = []
    entries = _entries(settings, problems)
    ignored = Ignored(_ignored(str(settings["ignore_tags"]), problems))
    used = [entry for some in entries.values() for entry in some if settings["sync_master"]]
    choices = [choice for entry in used for each in placeholders(entry) for choice in each.choices]
    kinds = frozenset[str]().union(*map(_kinds, choices))
    above = {kind for choice in choices if (kind := _looks_up_in(choice))}
    if ignored.items and kinds & {"tag", "performer_tag"}:
        above.add("tag")
    strip_emoji = bool(settings["strip_emoji"])
    makes = {RECIPES[key].field: _make(key, some, strip_emoji) for key, some in entries.items()}
    makes |= {name: make for name, make in _PLAIN.items() if settings[FIELDS[name].setting]}
    fields = tuple(name for name in FIELDS if _is_written(name, makes, settings))
    return Recipe(
        fields=fields,
        makes={name: make for name, make in makes.items() if name in fields or name == "title"},
        parts=SceneParts(
            details=any(map(_needs_details, choices)),
            performer_tags=any(SPECS[choice.name].performer_tags for choice in choices),
        ),
        event_fields=frozenset(f for choice in choices for f in SPECS[choice.name].event_fields),
        kinds=kinds,
        above=frozenset(above),
        ignored=ignored,
        problems=tuple(problems),
    )


def _is_written(name: str, makes: Container[str], settings: Mapping[str, object]) -> bool:
    if not settings["sync_master"]:
        return False
    return bool(settings[FIELDS[name].setting]) if FIELDS[name].kind == IMAGE else name in makes


def _entries(settings: Mapping[str, object], problems: list[str]) -> dict[str, tuple[Entry, ...]]:
    """The patterns in use, without fields that are switched off or have none.

    A switch takes precedence over a pattern, except **Sync studio codes too**, which is off by
    default: entering a pattern switches it on.
    """
    entries = {}
    for key, each in RECIPES.items():
        typed = str(settings[f"recipe_{key}"])
        wanted = not each.switch or settings[each.switch] or (typed and key == "original_title")
        if wanted and (read := _read(key, typed, problems)):
            entries[key] = read
    if settings["sync_groups"]:
        entries["collections"] = (*entries.get("collections", ()), *parse_list("{group}"))
    return entries


def _read(key: str, typed: str, problems: list[str]) -> tuple[Entry, ...]:
    """The entries of a pattern, or of the default if it is empty or cannot be parsed."""
    is_list = FIELDS[RECIPES[key].field].kind == LIST
    for text in (typed, RECIPES[key].default):
        try:
            if text:
                return parse_list(text) if is_list else (parse_text(text),)
        except PatternError as problem:
            problems.append(f"{key}: is invalid at {problem}; the default is used instead")
    return ()


def _ignored(text: str, problems: list[str]) -> tuple[Item, ...]:
    try:
        return parse_names(text) if text else ()
    except PatternError as problem:
        problems.append(f"ignore_tags: is invalid at {problem}; no tag is ignored")
        return ()


def _kinds(choice: Choice) -> frozenset[str]:
    """The kinds of entities on which a choice depends; a bare title depends on the performers'
    names.
    """
    bare = choice.name == "title" and choice.items
    return frozenset({"performer"}) if bare else SPECS[choice.name].entities


def _looks_up_in(choice: Choice) -> str:
    """The kind of entity whose hierarchy a choice needs; "" for none."""
    spec = SPECS[choice.name]
    if spec.hierarchy or (spec.choices == TREE and choice.items):
        return "studio" if "studio" in choice.name else "tag"
    return ""


def _needs_details(choice: Choice) -> bool:
    spec = SPECS[choice.name]
    return spec.details or (spec.choices == PEOPLE and bool(choice.items))


def _make(key: str, entries: tuple[Entry, ...], strip_emoji: bool) -> Callable[[Facts], object]:
    if FIELDS[RECIPES[key].field].kind == LIST:
        return names_of(entries, 2 * NAME_LENGTH, strip_emoji)
    length = SUMMARY_LENGTH if key == "summary" else NAME_LENGTH
    text = text_of(entries[0], 2 * length, strip_emoji)
    return _title(text) if key == "title" else text


def _title(text: Text) -> Text:
    """Falls back to the default title if the pattern prints nothing."""

    def title(facts: Facts) -> str:
        found = text(facts)
        return found if is_seen(found, strip_emoji=False) else any_title(facts, everything)[0]

    return title
