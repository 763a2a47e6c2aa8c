"""Check Setup for files: how scenes are matched in Plex, and which path map fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from plexsync.edges.ledger.ledger_view import LedgerView
from plexsync.edges.surroundings import exists
from plexsync.flows.sync.scene_matcher import propose
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.index_refresh import IndexView
from plexsync.flows.tasks.setup_points import BAD, OK, WARN, WHERE, Point
from plexsync.flows.updated import last_updated
from plexsync.model.formatting import counted, grouped, quoted
from plexsync.model.paths import PathMap, folder_of, name_key
from plexsync.model.places import OUR_FORM
from plexsync.model.plex import Section
from plexsync.model.scene import Scene
from plexsync.policy.matching import HIGH, Match
from plexsync.policy.outage_history import format_duration
from plexsync.policy.passed_over import why_passed_over
from plexsync.policy.path_suggestion import File, Suggestion, explained, suggest, twins

SAMPLE = 20
PAGE = 1000
MOST_LOOKED_AT = 200
"""Files whose existence is checked: enough to notice a missing disk, also on a slow share."""

MOST_SCENES = 100_000
"""Scenes that are enough to see how the paths correspond."""

ENOUGH = 0.995
"""A path map that explains this fraction of what the best map would is good enough."""

FEW = 0.5
"""A map that explains a smaller fraction of the files is not suggested."""

_SHOWN = 3
_RULES = {"path": "by path", "suffix": "by the end of the path", "pin": "by a pin"}
_RULES |= {
    "spelling": "by path in another spelling",
    "name+size": "by name and size",
    "name": "by name",
}


def index(context: TaskContext, view: IndexView) -> Iterator[Point]:
    """The size and age of the library index."""
    age = "" if view.age is None else f", read whole {format_duration(view.age)} ago"
    text = f"{counted(view.items, 'item')} with {counted(view.parts, 'file')}{age}"
    if not view.refreshed:
        text += "; the background worker is running, so it was used unrefreshed"
    if view.parts:
        yield Point("Plex's files", OK, text)
    else:
        yield Point("Plex's files", WARN, text, "Let Plex scan its libraries, then check again.")


def sample(context: TaskContext, view: IndexView) -> Iterator[Point]:
    """How the most recently updated scenes are matched in Plex."""
    scenes = context.stash.readable_scenes(last_updated(context.stash, SAMPLE))
    if not scenes:
        yield Point("Sample scenes", WARN, "Stash has no scenes", "Let Stash scan its folders.")
        return
    found = _matches(context, view, scenes)
    sure = Counter(m.rule for m in found.values() if m.confidence == HIGH)
    unsure = [n for n, m in found.items() if m.confidence not in (HIGH, "NONE")]
    absent = [scene for scene in scenes if found[scene.id].confidence == "NONE"]
    text = f"{sure.total()} of {len(scenes)} found in Plex"
    if sure:
        text += f" ({', '.join(f'{n} {_RULES[rule]}' for rule, n in sure.most_common())})"
    if unsure:
        text += f"; uncertain: {', '.join(f'scene {scene}' for scene in unsure)}"
    if absent:
        shown = ", ".join(map(_where, absent[:_SHOWN]))
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        text += f"; not in Plex: {shown}{more}"
    if sure.total() == len(scenes):
        yield Point("Sample scenes", OK, text)
        return
    remedy = "Let Plex scan those folders; where the paths differ a path map helps, see below."
    yield Point("Sample scenes", WARN if sure else BAD, text, remedy)


def _where(scene: Scene) -> str:
    return (
        f"scene {scene.id} ({quoted(scene.files[0].path)})" if scene.files else f"scene {scene.id}"
    )


def _matches(context: TaskContext, view: IndexView, scenes: list[Scene]) -> dict[int, Match]:
    path_map, _ = PathMap.parse(context.config.path_map)
    with closing(LedgerView(context.path("ledger.db"))) as ledger:
        ledger.use_server(context.plex.server_id())
        pins = ledger.pins()
    return {
        scene.id: propose(scene.files, pins.get(scene.id), view.index, path_map) for scene in scenes
    }


def misses(context: TaskContext, view: IndexView, files: Sequence[File]) -> Iterator[Point]:
    """Files of Stash that Plex will never have: because of their names, types and folders, or
    because no library contains them.
    """
    libraries = context.plex.sections(context.config.plex_library).found
    to_plex = PathMap.parse(context.config.path_map)[0].to_plex
    wanted = {name_key(path) for path, _ in files}
    there = {name for path, _ in view.index.parts() if (name := name_key(path)) in wanted}
    absent = [(path, size) for path, size in files if name_key(path) not in there]
    covered: list[File] = []
    outside: list[File] = []
    for path, size in absent:
        inside = any(library.below(to_plex(path)) for library in libraries)
        (covered if inside else outside).append((path, size))
    yield from _passed_over(context, covered, len(absent), libraries)
    if libraries and outside:
        yield _outside(context, [path for path, _ in outside], len(absent))


def _passed_over(
    context: TaskContext, files: Sequence[File], absent: int, libraries: Sequence[Section]
) -> Iterator[Point]:
    to_plex = PathMap.parse(context.config.path_map)[0].to_plex
    reasons = [(path, why_passed_over(to_plex(path), size, libraries)) for path, size in files]
    hopeless = [(path, reason) for path, reason in reasons if reason is not None]
    if not hopeless:
        return
    kinds = Counter(reason.kind for _, reason in hopeless)
    listed = "; ".join(f"{grouped(count)}: {kind}" for kind, count in kinds.most_common())
    example, reason = hopeless[0]
    text = (
        f"{grouped(len(hopeless))} of {grouped(absent)} files that Plex lacks can never "
        f"become its items ({listed}), such as {quoted(example)}: {reason.why}"
    )
    state = OK if context.config.skip_not_found else WARN
    yield Point("Files that Plex passes over", state, text, f"{reason.remedy}.")


def _outside(context: TaskContext, paths: Sequence[str], absent: int) -> Point:
    """Files in folders that belong to no library, with the folders that hold most of them."""
    folders = Counter(folder_of(path) for path in paths)
    shown = ", ".join(
        f"{grouped(n)} in {quoted(folder)}" for folder, n in folders.most_common(_SHOWN)
    )
    more = f" and {len(folders) - _SHOWN} more folders" if len(folders) > _SHOWN else ""
    text = (
        f"{grouped(len(paths))} of {grouped(absent)} files that Plex lacks are in no folder of the "
        f"libraries that PlexSync writes to: {shown}{more}"
    )
    remedy = (
        "Add the folders to a library in Plex, correct the path map, or exclude these scenes with "
        f'"Sync only" or "Sync never" in {OUR_FORM}.'
    )
    state = OK if context.config.skip_not_found else WARN
    return Point("Files outside Plex's libraries", state, text, remedy)


def visible(files: Sequence[File]) -> Iterator[Point]:
    """Whether this machine, where Stash runs, still has the files that Stash lists."""
    step = max(1, len(files) // MOST_LOOKED_AT)
    some = [path for path, _ in files[::step]]
    if not some:
        return
    absent = [path for path in some if not exists(path)]
    looked = f"{grouped(len(some))} files of Stash" if len(some) > 1 else "1 file of Stash"
    if not absent:
        yield Point("Stash's files", OK, f"{looked} looked for, all there")
        return
    text = (
        f"{grouped(len(absent))} of {looked} cannot be found from here, such as {quoted(absent[0])}"
    )
    remedy = (
        "Check that the disk or share is mounted where Stash runs, then let Stash scan or clean."
    )
    yield Point("Stash's files", WARN, text, remedy)


def path_map(
    context: TaskContext, view: IndexView, files: Sequence[File]
) -> tuple[Point, dict[str, object]]:
    """Whether the path map fits, and which one would; the page shows the answer too."""
    both = twins(files, view.index.parts())
    now = explained(both, PathMap.parse(context.config.path_map)[0].to_plex)
    best = suggest(both)
    answer: dict[str, object] = {
        "now": context.config.path_map,
        "explained_now": now,
        "suggested": best.text,
        "explained": best.explained,
        "files": best.files,
    }
    return _judged(context.config.path_map, now, best), answer


def _judged(setting: str, now: int, best: Suggestion) -> Point:
    if not best.files:
        text = (
            "no file in Plex has the name and size of one in Stash, so no path map can be suggested"
        )
        return Point(
            "Path map", WARN, text, "Check that Plex has scanned the folders that Stash has."
        )
    number = f"{best.files:,}".replace(",", " ")
    of_files = f"of {number} {'file' if best.files == 1 else 'files'} that both servers have"
    if best.explained < best.files * FEW:
        text = (
            f"no small set of pairs explains more than {best.explained / best.files:.1%} {of_files}"
        )
        remedy = "Scenes are then found by the end of their path, or by name and size; see above."
        return Point("Path map", WARN, text, remedy)
    if now >= best.explained * ENOUGH:
        what = "the path map explains" if setting else "without a path map the same paths explain"
        return Point("Path map", OK, f"{what} {now / best.files:.1%} {of_files}")
    pairs = f"{len(best.pairs)} pairs explain" if len(best.pairs) > 1 else "1 pair explains"
    text = (
        f"it explains {now / best.files:.1%} {of_files}; {pairs} {best.explained / best.files:.1%}"
    )
    return Point("Path map", WARN, text, f'Enter this as "Path map" in {WHERE}: {best.text}')


def stash_files(context: TaskContext, progress: Callable[[float], None]) -> list[File]:
    """The files of Stash, or of so many scenes that the others hardly matter."""
    found: list[File] = []
    after = seen = 0
    while seen < MOST_SCENES:
        files, left = context.stash.scene_files(after, PAGE)
        if not files:
            break
        found += [(path, size) for _, path, size in files if path]
        after = files[-1][0]
        seen += min(left, PAGE)
        progress(seen / max(1, seen + left - min(left, PAGE)))
    return found
