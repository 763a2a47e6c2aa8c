"""The lines that Preview Sync logs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from plexsync.flows.sync.dry_run import FieldPlan, ItemPlan
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.index_refresh import IndexView
from plexsync.model.formatting import counted, quoted
from plexsync.model.plex import FIELDS, IMAGE, Value
from plexsync.model.reasons import state_words
from plexsync.policy.outage_history import format_duration

TOLD = 100
"""Scenes that are logged by field; further ones are only counted."""

CHANGES, IN_STEP, LEFT, GONE = "changes", "in step", "left alone", "gone"
"""Outcomes of a scene besides the ledger's states."""

_LONGEST = 80


@dataclass(slots=True)
class ScenePlan:
    """The plan for a scene: an outcome, and its items if there is something to plan."""

    scene: int
    outcome: str
    detail: str = ""
    items: tuple[ItemPlan, ...] = ()


@dataclass(slots=True)
class PreviewCount:
    """The scenes so far: the first ones in full, and counts of all."""

    scenes: list[ScenePlan] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)

    done: int = 0

    def add(self, scene: ScenePlan) -> bool:
        """Count a scene; returns True if it is one of those to be logged."""
        self.done += 1
        self.outcomes[scene.outcome] += 1
        self.fields.update({f.field for i in scene.items for f in i.fields if f.changes})
        room = len(self.scenes) < TOLD
        if room:
            self.scenes.append(scene)
        return room


def tell_index(context: TaskContext, view: IndexView) -> None:
    """Log what is missing or old in the index, before the scenes."""
    for name in view.missing:
        context.log.warning(
            f"Plex has no movie library named {quoted(name)}; check the setting Plex libraries."
        )
    if view.refreshed:
        return
    if not view.index.complete(context.config.plex_library):
        context.log.warning(
            "The background worker is running and has not read the Plex libraries yet, so scenes "
            "may be missing here. Press Preview Sync again when it is done."
        )
    else:
        age = "never" if view.age is None else f"{format_duration(view.age)} ago"
        context.log.info(
            "The background worker is running, so the index of Plex is used unrefreshed; it was "
            f"last read whole {age}."
        )


def tell_scene(context: TaskContext, scene: ScenePlan) -> None:
    """Log one line for the scene and one for each field; nothing if all is in step."""
    if scene.outcome == IN_STEP and not scene.items:
        return
    words = state_words(scene.outcome)
    detail = f": {scene.detail}" if scene.detail else ""
    files = f" ({', '.join(quoted(item.part) for item in scene.items)})" if scene.items else ""
    context.log.info(f"Scene {scene.scene} {words}{detail}{files}.")
    for item in scene.items:
        for each in item.fields:
            context.log.info(f"Scene {scene.scene}, {each.field}: {_line(context, each)}")


def _line(context: TaskContext, each: FieldPlan) -> str:
    if FIELDS[each.field].kind == IMAGE:
        return f"changes ({each.why})" if each.changes else each.why
    now = _shown(context, each.now)
    if not each.changes:
        return f"{now} in Plex: {each.why}"
    return f"{now} in Plex, would be {_shown(context, each.then)} ({each.why})"


def _shown(context: TaskContext, value: Value) -> str:
    if not value:
        return "empty"
    if context.config.obfuscate_paths:
        return "some text" if isinstance(value, str) else counted(len(value), "name")
    text = value if isinstance(value, str) else ", ".join(value)
    text = " ".join(text.split())
    return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST]}..."'


def summarise(context: TaskContext, tally: PreviewCount) -> None:
    """Log the counts at the end."""
    if tally.done > len(tally.scenes):
        context.log.info(f"... and {tally.done - len(tally.scenes)} more scenes, counted below.")
    outcomes = ", ".join(
        f"{count} {state_words(name)}" for name, count in tally.outcomes.most_common()
    )
    context.log.info(f"Checked {counted(tally.done, 'scene')}: {outcomes or 'none'}.")
    if tally.fields:
        fields = ", ".join(
            f"{name} {tally.fields[name]}" for name in FIELDS if name in tally.fields
        )
        context.log.info(f"Fields that would change: {fields}.")
    if context.config.paused:
        context.log.info(
            "PlexSync is paused in its settings: nothing is written until that changes."
        )
    context.log.info("This was a preview; nothing was written.")
