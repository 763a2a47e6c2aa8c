"""`python -m simulator.demo`: runs the real plugin, and prints a table of the results.

Stash and Plex are simulated; the plugin, its hooks and its worker are the real ones.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
from collections.abc import Sequence

from simulator.demo_backfill import play_backfill
from simulator.demo_first_sync import first_sync
from simulator.demo_stage import Stage, Trouble
from simulator.demo_story import Story
from simulator.demo_table import Row, table
from simulator.patience import PATIENCE
from simulator.plugin_runner import PluginRun

LOG_LINES = 20
OLDER = 300


def main(argv: Sequence[str] | None = None) -> int:
    """Play the story; returns 0 if Plex shows everything as Stash has it, 130 after Ctrl-C."""
    args = _arguments(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with Stage() as stage:
            if args.scenes:
                return play_backfill(stage, args.scenes, lambda text: print(text, flush=True))
            return _play(stage, args.older, spoil=args.broken)
    except KeyboardInterrupt:
        print("\nStopped; the worker is gone and the folder is removed.", flush=True)
        return 130
    except Trouble as trouble:
        print(f"\nThe demo failed: {trouble}.", flush=True)
        return 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 dev.py demo", description=__doc__)
    parser.add_argument(
        "--scenes",
        type=int,
        default=0,
        metavar="N",
        help="sync N scenes at once instead (2000), and compare the estimate with the truth",
    )
    # For the demo's own test: one step only, then a defect that must be detected.
    parser.add_argument(
        "--older", type=int, default=OLDER, help="scenes of the first sync at the end (%(default)s)"
    )
    parser.add_argument("--break", dest="broken", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _play(stage: Stage, older: int, *, spoil: bool) -> int:
    began = time.monotonic()
    story = Story(stage, lambda text: print(text, flush=True))
    story.prepare()
    _introduce(story)
    steps = [
        story.single_edits,
        story.bulk_edit,
        story.rename,
        story.emptied,
        story.new_file,
        story.outage,
        story.killed_worker,
    ]
    try:
        for step in steps[:1] if spoil else steps:
            step()
    except Trouble:
        _print_table(story.watch.rows)
        _print_log(stage)
        raise
    if spoil:
        story.spoil()
    return _judge(story, older, time.monotonic() - began)


def _introduce(story: Story) -> None:
    plex, stash = story.plex, story.stash
    items, scenes = len(plex.items()), len(stash.data.scenes)
    print("PlexSync's demo: the real plugin between a simulated Stash and a simulated Plex.")
    print(f"  Plex    {plex.url}  libraries Films and Shorts, {items} items in /media/films")
    print(f"  Stash   {stash.url}  {scenes} scenes in /data, behind a login")
    print(f"  Plugin  {story.stage.plugin}", flush=True)


def _print_table(rows: Sequence[Row]) -> None:
    lines = table(rows) if rows else []
    wrong = [f"DIFFERS  {row.name}" for row in rows if row.differs]
    print("\n".join(["", *lines, "", *wrong, *([""] if wrong else [])]), flush=True)


def _print_log(stage: Stage) -> None:
    lines = stage.log()
    print(f"The last lines of plexsync.log (of {len(lines)}):")
    for line in lines[-LOG_LINES:] or ["(the worker never wrote any)"]:
        print(f"  {line}")
    for run in _failed(stage.stash.runs)[:3]:
        said = run.log[-1].text if run.log else run.stdout.decode("utf-8", "replace")
        print(f"  {run.trigger}: {run.error}: {said}", flush=True)


def _failed(runs: Sequence[PluginRun]) -> list[PluginRun]:
    return [run for run in runs if run.error is not None or run.exit_code or run.output != "ok"]


def _judge(story: Story, older: int, seconds: float) -> int:
    """Print everything; returns 1 if a row, a field at the end, or a hook is wrong. Otherwise the
    first sync of `older` scenes follows.
    """
    rows, final = story.watch.rows, story.watch.compare("At the end")
    wrong = [row for row in final if row.differs]
    _print_table([*rows, *wrong])
    _summary(story, seconds)
    _final_state(story, final)
    good = not wrong and not any(row.differs for row in rows) and not _failed(story.stash.runs)
    if good and older:
        print(f"\nA new installation: {older} older scenes are compared, then brought in step.")
        for line in first_sync(older, PATIENCE + older / 2).lines:
            print(line, flush=True)
    if good:
        print("\nPlex shows everything as Stash has it.", flush=True)
    else:
        print("\nNOT everything in Plex is as Stash has it.")
        _print_log(story.stage)
    return 0 if good else 1


def _final_state(story: Story, final: Sequence[Row]) -> None:
    differ = sum(row.differs for row in [*story.watch.rows, *final])
    others = [pair.name for pair in story.watch.pairs if not pair.touched]
    changed = {row.scene for row in final if row.differs and row.scene in others}
    print(f"Rows     {len(story.watch.rows)}, and {len(final)} fields compared again at the end")
    print(f"Others   {len(others)} items whose scene nobody saved, {len(changed)} of them changed")
    print(f"Differ   {differ}", flush=True)


def _summary(story: Story, seconds: float) -> None:
    plex, runs = story.plex, story.stash.runs
    waits = [run.seconds * 1000 for run in runs]
    print(
        f"Hooks    {len(runs)} fired, {len(_failed(runs))} failed; a save waited "
        f"{statistics.median(waits):.0f} ms for its hook (median), {max(waits):.0f} ms at most"
    )
    print(
        f"Plex     {plex.reads()} reads, {plex.count('PUT')} PUTs, {plex.count('POST')} uploads, "
        f"at most {plex.max_in_flight()} at once"
    )
    print(f"Time     {seconds:.1f} s")


if __name__ == "__main__":
    raise SystemExit(main())
