"""`python3 dev.py torture`: the long versions of the crash and property tests, as one table.

Without arguments, `dev.py` runs the tests marked `torture` before it; with --tests, only those.
Prints its seed first; the same seed gives the same run wherever time plays no part. Exits 1 if
anything was lost, wrong or left behind.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torture import (
    damage,
    disk,
    handing_over,
    hook_crowds,
    hook_fuzz,
    hook_kills,
    model,
    odd_scenes,
    properties,
    sick_answers,
    steps,
    worker_kills,
)
from torture.report import Figures, markdown, plain
from torture.stage import Verdict

LIVES = 200
"""Worker kills per stage."""
IN_FULL = 20
"""One in so many random days lasts all the hours between its attempts, which takes five times as long."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything to run."""

    mutations: int
    hook_kills: int
    hooks: int
    worker_kills: int
    every: int
    """Test only every n-th step."""
    damages: int
    rows: int
    """Number of (column, value) pairs to test; there are some 300."""
    kinds: int
    oddities: int
    levels: int
    sequences: int
    cases: int


FULL = Size(500_000, 5000, 1500, 2000, 1, 12, 10**6, 70, 120, 24, 400, 29_600)
QUICK = Size(2000, 10, 20, 10, 40, 1, 20, 2, 5, 2, 3, 300)


def _mutations(root: Path, seed: int, size: Size) -> Figures:
    found = list(hook_fuzz.disagreements(seed, size.mutations))
    return Figures("hook input mutated", f"{size.mutations:,} times", bad=found)


def _hooks(root: Path, seed: int, size: Size) -> Figures:
    said, lost = hook_kills.kill_hooks(root, seed, size.hook_kills)
    trials = f"{size.hook_kills:,} kills"
    return Figures("hooks killed", trials, len(lost), besides=f"{said:,} acknowledged", bad=lost)


def _crowd(root: Path, seed: int, size: Size) -> Figures:
    kills, lost = hook_kills.kill_everybody(root, seed, size.hooks)
    crowds = max(1, size.hooks // 150)
    lost += hook_crowds.in_fresh_folders(root / "fresh", crowds)
    lost += hook_crowds.beside_a_worker(root / "beside", crowds)
    trials = (
        f"{size.hooks:,} hooks, {kills} worker kills, {2 * crowds} crowds of {hook_crowds.CROWD}"
    )
    return Figures("hooks and workers killed", trials, len(lost), bad=lost)


def _handing_over(root: Path, seed: int, size: Size) -> Figures:
    cases = handing_over.LARGE if size is FULL else handing_over.SMALL
    states, bad = handing_over.check(cases)
    return Figures("model of the locks", f"{states:,} states", len(bad), bad=bad)


def _workers(root: Path, seed: int, size: Size) -> Figures:
    row = Figures("workers killed", f"{size.worker_kills:,} kills", twice=0, wrong=0)
    innocent = dead = 0
    for number, start in enumerate(range(0, size.worker_kills, LIVES)):
        folder = root / str(number)
        folder.mkdir()
        kills = min(LIVES, size.worker_kills - start)
        verdict = worker_kills.kill_workers(folder, seed + number, kills)
        _add(row, verdict)
        innocent, dead = innocent + verdict.innocent, dead + verdict.dead
    row.besides = f"{dead} dead letters, {innocent} of them for repeated kills"
    return row


def _add(row: Figures, verdict: Verdict, what: str = "") -> None:
    row.lost += len(verdict.lost)
    row.twice = (row.twice or 0) + verdict.twice
    row.wrong = (row.wrong or 0) + len(verdict.wrong)
    row.bad += [f"{what}{text}" for text in verdict.bad]


def _kill_steps(root: Path, seed: int, size: Size) -> Figures:
    if not steps.works():
        return Figures("killed at every step", "none: strace is missing")
    row = Figures("killed at every step", "", twice=0, wrong=0)
    with steps.Steps(root, seed) as worker:
        on_disk = [(step, True) for step in worker.on_disk() if step.changes]
        requests = [(step, done) for step in worker.requests() for done in (True, False)]
        chosen = (on_disk + requests)[:: size.every]
        met = 0
        for step, carried_out in chosen:
            killed, verdict = worker.kill(step, carried_out)
            met += killed
            _add(row, verdict, f"{step}: ")
    row.trials = f"{len(chosen)} steps"
    row.besides = f"{met} reached"
    return row


def _fail_steps(root: Path, seed: int, size: Size) -> Figures:
    if not steps.works():
        return Figures("disk fails at every step", "none: strace is missing")
    row = Figures("disk fails at every step", "", twice=0, wrong=0)
    with steps.Steps(root, seed) as worker:
        found = worker.on_disk()
        full = [(step, "ENOSPC", 0.0) for step in found if step.call in steps.ALLOCATE]
        once = [(step, "EIO", 0.0) for step in found] + full
        chosen = (once + [(step, "EIO", 0.1) for step in found[::4]])[:: size.every]
        for step, error, seconds in chosen:
            verdict = worker.fail(step, error, seconds)
            what = f"{error} {seconds:g} s {step}: "
            _add(row, verdict, what)
            row.bad += [f"{what}an attempt was counted"] if verdict.innocent else []
    row.trials = f"{len(chosen)} errors"
    return row


def _full_disk(root: Path, seed: int, size: Size) -> Figures:
    row = Figures("disk full", f"{2 * size.levels} times", twice=0, wrong=0)
    try:
        with disk.small_stage(root, seed) as (stage, small):
            for level in range(size.levels):
                for in_the_middle in (False, True):
                    verdict = disk.run_full(stage, small, level * 4096, in_the_middle)
                    _add(row, verdict, f"{level * 4} KiB left: ")
    except disk.NoMount:
        row.trials = "none: mounting is not allowed"
    return row


def _damage(root: Path, seed: int, size: Size) -> Figures:
    trials = len(damage.FILES) * len(damage.KINDS) * size.damages
    row = Figures("a file damaged", f"{trials} times")
    with damage.Damage(root) as folder:
        for number in range(size.damages):
            for file in damage.FILES:
                for kind in damage.KINDS:
                    bad = folder.trial(file, kind, seed + number)
                    row.bad += [f"{file} {kind.__name__} {seed + number}: {text}" for text in bad]
    row.lost = sum(" shows " in text for text in row.bad)
    return row


def _rows(root: Path, seed: int, size: Size) -> Figures:
    with damage.Damage(root) as folder:
        harms = [(column, value) for column in folder.columns() for value in column.values]
        chosen = random.Random(seed).sample(harms, min(size.rows, len(harms)))
        row = Figures("a value in a database replaced", f"{len(chosen)} times")
        for column, value in chosen:
            bad = folder.row_trial(column, value)
            row.bad += [f"{column.file} {column.table}.{column.name} {value}: {t}" for t in bad]
    row.lost = sum(" shows " in text for text in row.bad)
    return row


def _shapes(root: Path, seed: int, size: Size) -> Figures:
    with damage.Damage(root) as folder:
        harms = folder.shapes()
        chosen = random.Random(seed).sample(harms, min(size.rows, len(harms)))
        row = Figures("a table of a database replaced", f"{len(chosen)} times")
        for file, sql in chosen:
            row.bad += [f"{file} {sql}: {text}" for text in folder.shape_trial(file, sql)]
    row.lost = sum(" shows " in text for text in row.bad)
    return row


def _plex_answers(root: Path, seed: int, size: Size) -> Figures:
    kinds = random.Random(seed).sample(sorted(sick_answers.KINDS), size.kinds)
    bad = list(sick_answers.harm(kinds))
    return Figures("sick answers of Plex", f"{len(kinds)} kinds", bad=bad)


def _stash_answers(root: Path, seed: int, size: Size) -> Figures:
    trials = odd_scenes.trials(seed, size.oddities)
    bad = [text for trial in trials for text in trial.run(root)]
    return Figures("odd answers of Stash", f"{len(trials)} times", bad=bad)


def _model(root: Path, seed: int, size: Size) -> Figures:
    row = Figures("random days", f"{size.sequences} of {model.STEPS} steps", wrong=0)
    crashes = dead_letters = 0
    for number in range(seed, seed + size.sequences):
        outcome = model.play(root, number, leaps=bool(number % IN_FULL))
        row.lost += outcome.lost
        row.wrong = (row.wrong or 0) + outcome.wrong
        row.bad += [f"seed {number}: {text}" for text in outcome.bad]
        crashes, dead_letters = crashes + outcome.crashes, dead_letters + outcome.dead_letters
    row.besides = f"{crashes} crashes, {dead_letters} dead letters"
    return row


def _properties(root: Path, seed: int, size: Size) -> Figures:
    done, failed = properties.check(seed, size.cases)
    return Figures("properties", f"{done:,} cases", bad=failed)


TESTS: dict[str, Callable[[Path, int, Size], Figures]] = {
    "mutations": _mutations,
    "hooks": _hooks,
    "crowd": _crowd,
    "locks": _handing_over,
    "workers": _workers,
    "steps": _kill_steps,
    "errors": _fail_steps,
    "full": _full_disk,
    "damage": _damage,
    "rows": _rows,
    "shapes": _shapes,
    "plex answers": _plex_answers,
    "stash answers": _stash_answers,
    "model": _model,
    "properties": _properties,
}


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py torture", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat a run; default: random")
    parser.add_argument("--quick", action="store_true", help="tiny: only check that it runs")
    parser.add_argument("--only", choices=TESTS, help="only this test")
    parser.add_argument("--markdown", action="store_true", help="as for docs/reliability.md")
    return parser.parse_args(words)


def _run(name: str, seed: int, size: Size) -> Figures:
    started = time.monotonic()
    print(f"{name} ...", file=sys.stderr, end=" ", flush=True)
    with tempfile.TemporaryDirectory(prefix="plexsync-torture-") as folder:
        row = TESTS[name](Path(folder), seed, size)
    row.seconds = time.monotonic() - started
    print(f"{row.seconds:.0f} s", file=sys.stderr)
    for text in row.bad[:20]:
        print(f"  {text}", file=sys.stderr)
    return row


def main(words: Sequence[str]) -> int:
    """Run and print the table; returns 1 if anything was lost, wrong or left behind."""
    args = _arguments(words)
    size = QUICK if args.quick else FULL
    seed = random.SystemRandom().randrange(10**6) if args.seed is None else args.seed
    print(f"seed {seed}", file=sys.stderr)
    rows = [_run(name, seed, size) for name in ([args.only] if args.only else TESTS)]
    for row in rows:
        for text in row.bad:
            print(f"FAILED {row.test}: {text}", file=sys.stderr)
    print((markdown if args.markdown else plain)(rows, seed))
    return 1 if any(row.bad for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
