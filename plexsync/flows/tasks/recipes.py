"""The results of unsaved settings: shown for a few scenes, counted over all scenes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from plexsync.edges.stash.client import StashClient
from plexsync.flows.sync.selection import Selection
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.progress import Progress
from plexsync.flows.tasks.save_settings import problems_of
from plexsync.flows.updated import last_updated
from plexsync.model.command import MOST_SAMPLES
from plexsync.model.config import PlexSyncConfig
from plexsync.model.config_reader import read_config
from plexsync.model.formatting import counted, quoted
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import FIELDS, Value
from plexsync.model.scene import Scene, SceneParts
from plexsync.model.settings_table import SECRETS, SETTINGS
from plexsync.policy.desired import desired

PAGE = 500
"""Scenes per page read from Stash."""


class Made(NamedTuple):
    """The result of settings for a scene: a value per field, or the reason why there is none."""

    values: Mapping[str, Value]
    left_out: str = ""
    problem: str = ""


class Maker:
    """Applies settings to scenes, without pictures."""

    def __init__(self, config: PlexSyncConfig, stash: StashClient) -> None:
        self._config = config
        self._selection = Selection(config, stash)

    @property
    def parts(self) -> SceneParts:
        """What has to be read of each scene."""
        return self._selection.parts

    def make(self, scenes: Sequence[Scene]) -> list[Made]:
        """The result for each scene. Raises StashDown or StashAuthError."""
        self._selection.begin(scenes)
        return [self._made(scene) for scene in scenes]

    def _made(self, scene: Scene) -> Made:
        left_out = self._selection.why_left_out(scene)
        if left_out:
            return Made({}, left_out)
        found, problem = desired(scene, self._config, {}, self._selection.hierarchy)
        return Made(found.values if found else {}, problem=problem or "")


def try_recipes(context: TaskContext) -> dict[str, object]:
    """The results of the drafted settings for a few scenes: the given ones, or those updated last.

    `problems` has the error of each invalid setting; its default is used instead.
    """
    _, config, problems = _drafted(context)
    maker = Maker(config, context.stash)
    wanted = context.args["scenes"] or last_updated(context.stash, MOST_SAMPLES)
    found = {scene.id: scene for scene in context.stash.readable_scenes(wanted, maker.parts)}
    scenes = [found[scene] for scene in wanted if scene in found]
    made = zip(scenes, maker.make(scenes), strict=True)
    return {
        "problems": problems,
        "scenes": [
            {
                "scene": scene.id,
                "left_out": each.left_out,
                "problem": each.problem,
                "values": dict(each.values),
            }
            for scene, each in made
        ],
    }


def count_changes(context: TaskContext) -> dict[str, object]:
    """How many scenes the drafted settings would change, and how many they would leave out.

    Compares with the results of the saved settings, not with Plex, and without pictures. Fails if a
    drafted setting is invalid.
    """
    saved, config, problems = _drafted(context)
    if problems:
        raise TaskFailed(f"Nothing was counted: {'; '.join(problems.values())}.")
    before, after = Maker(saved, context.stash), Maker(config, context.stash)
    parts = SceneParts(*map(max, before.parts, after.parts))
    count, fields = Counter[str](), Counter[str]()
    last, left = 0, 1
    with Progress(context.log, lambda: count["scenes"] / max(1, count["scenes"] + left)):
        while left > 0:
            page = context.stash.scene_page(last, PAGE, parts)
            for old, new in zip(before.make(page.scenes), after.make(page.scenes), strict=True):
                _compare(old, new, count, fields)
            count["scenes"] += len(page.scenes)
            last, left = page.last, page.left
    _log(context, count)
    return {
        "scenes": count["scenes"],
        "changed": count["changed"],
        "left_out": count["left_out"],
        "newly_left_out": count["newly_left_out"],
        "fields": {name: fields[name] for name in FIELDS if name in fields},
    }


def _compare(old: Made, new: Made, count: Counter[str], fields: Counter[str]) -> None:
    if new.left_out:
        count["left_out"] += 1
        count["newly_left_out"] += not old.left_out
        return
    names = old.values.keys() | new.values.keys()
    different = [name for name in names if old.values.get(name) != new.values.get(name)]
    count["changed"] += bool(different)
    fields.update(different)


def _log(context: TaskContext, count: Mapping[str, int]) -> None:
    scenes = counted(count["scenes"], "scene")
    context.log.info(f"These settings change {count['changed']} of {scenes}.")
    if count["left_out"]:
        context.log.info(
            f"{counted(count['left_out'], 'scene')} would be left out, {count['newly_left_out']} of "
            "them for the first time; what Plex has of those stays."
        )


def _drafted(context: TaskContext) -> tuple[PlexSyncConfig, PlexSyncConfig, dict[str, str]]:
    """The settings as saved and with the draft, and the error of each invalid setting of the draft."""
    draft = context.args["settings"]
    unknown = [key for key in draft if key not in SETTINGS or key in SECRETS]
    if unknown:
        raise TaskFailed(f"PlexSync has no setting {quoted(unknown[0])} that can be tried.")
    saved = dict(context.stash.settings().plugin)
    merged = {**saved, **draft}
    problems = {key: text for key, text in problems_of(merged).items() if key in draft}
    readable = {key: value for key, value in merged.items() if key not in problems}
    return read_config(saved, {})[0], read_config(readable, {})[0], problems
