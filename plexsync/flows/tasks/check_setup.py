"""Check Setup: checks all that PlexSync depends on, a line per point with its remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

from plexsync import system
from plexsync.edges.log.log import Log
from plexsync.edges.page.read_state import Unreadable, anything_waits
from plexsync.flows.tasks import (
    setup_edit,
    setup_files,
    setup_libraries,
    setup_plex,
    setup_points,
)
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.index_refresh import index_view
from plexsync.flows.tasks.progress import Progress
from plexsync.flows.tasks.setup_points import BAD, OK, WARN, Point
from plexsync.model.errors import SyncError
from plexsync.model.formatting import counted

READY = 0.3
"""Progress (0 to 1) when only the files remain to be checked."""


class _Report:
    """Logs and collects the points; one that cannot be checked is a point too."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.points: list[Point] = []

    def add(self, name: str, check: Callable[[], Iterable[Point]]) -> None:
        """Run one check; if it fails, the others still run."""
        try:
            for point in check():
                self._tell(point)
        except SyncError as error:
            self._tell(Point(name, BAD, f"could not be checked: {error.message}"))
        except Exception as problem:  # noqa: BLE001 - it runs where things are broken
            self._tell(Point(name, WARN, f"could not be checked: {system.text_of(problem)}"))

    def _tell(self, point: Point) -> None:
        self.points.append(point)
        line = f"[{point.state}] {point.point}: {point.text}."
        tell = self._log.info if point.state == OK else self._log.warning
        tell(f"{line} {point.remedy}".strip())

    def counts(self) -> dict[str, int]:
        """The number of points in each state."""
        found = Counter(point.state for point in self.points)
        return {state: found[state] for state in (OK, WARN, BAD)}


def check_setup(context: TaskContext) -> dict[str, object]:
    """Check everything that PlexSync depends on; log what is wrong and what to do."""
    report = _Report(context.log)
    found: dict[str, object] = {}
    done = [0.0]
    with Progress(context.log, lambda: done[0]):
        report.add("Settings", lambda: setup_points.settings(context))
        healthy = _plex(context, report) if not context.config.missing() else False
        report.add("Stash", lambda: setup_points.stash(context))
        report.add("Filters", lambda: setup_points.filters(context))
        report.add("Older plugin", lambda: setup_points.older_plugin(context))
        report.add("Data folder", lambda: setup_points.data_folder(context))
        report.add("Owner", lambda: setup_points.whose_folder(context))
        report.add("Dependencies", lambda: setup_points.dependencies(context))
        report.add("Worker", lambda: setup_points.worker(context))
        report.add("Processes", setup_points.processes)
        report.add("Worker's log", lambda: setup_points.log_lines(context))
        done[0] = READY
        if healthy:
            report.add("Plex's files", lambda: _files(context, report, found, done))
    with suppress(Unreadable):  # reported as a point; the next event starts a worker
        if anything_waits(context.folder):
            context.wake()
    counts = report.counts()
    context.log.info(
        f"{counted(len(report.points), 'point')} checked: {counts[OK]} ok, {counts[WARN]} "
        f"with a warning, {counts[BAD]} wrong."
        + (
            ""
            if healthy
            else " How scenes are found in Plex was not checked: Plex must be healthy."
        )
    )
    return {"points": [p._asdict() for p in report.points], "counts": counts, "path_map": found}


def _plex(context: TaskContext, report: _Report) -> bool:
    health = context.plex.check("Check Setup")
    platform = context.plex.platform() if health.healthy else ""
    report.add("Plex", lambda: setup_plex.reachability(health, platform))
    report.add("Plex token", lambda: setup_plex.token_form(context, health))
    report.add("Plex version", lambda: setup_plex.version(context, health.version))
    if health.state != "healthy":
        return False
    report.add("Token's owner", lambda: setup_plex.owner(context))
    report.add("Libraries", lambda: setup_libraries.libraries(context))
    report.add("Libraries", lambda: setup_libraries.details(context))
    report.add("List pages", lambda: setup_libraries.list_pages(context))
    report.add("Clock", lambda: setup_plex.clock(context))
    report.add("Editing", lambda: setup_edit.editing(context))
    return True


def _files(
    context: TaskContext, report: _Report, found: dict[str, object], done: list[float]
) -> Iterable[Point]:
    def progress(share: float) -> None:
        done[0] = READY + (0.99 - READY) * share

    def comparison() -> Iterable[Point]:
        files = setup_files.stash_files(context, progress)
        point, answer = setup_files.path_map(context, view, files)
        found.update(answer)
        yield point
        yield from setup_files.misses(context, view, files)
        yield from setup_files.visible(files)

    with index_view(context) as view:
        report.add("Plex's files", lambda: setup_files.index(context, view))
        report.add("Unreadable items", lambda: setup_libraries.unreadable(context, view))
        report.add("Sample scenes", lambda: setup_files.sample(context, view))
        report.add("Path map", comparison)
    return ()
