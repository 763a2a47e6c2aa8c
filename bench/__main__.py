"""`python3 dev.py bench`: one table of figures. Exits 1 only if something was lost or wrong.

`--quick` counts work instead, and exits 1 if any count is larger than bench/expected.json says.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench import (
    against,
    backfill,
    counted,
    drain,
    hooks,
    inbox,
    library,
    operations,
    outage,
    queue,
    recipes,
    reconcile,
    save,
    start,
    waiting,
)
from bench.report import Row, markdown, plain


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything to measure; figures of the small size mean nothing."""

    runs: int
    crowd: int
    row: int
    scenes: int
    items: int
    saves: int
    few: tuple[int, ...]
    gaps: int
    waiting: int
    jobs: int
    events: int
    held_up: int
    many: int


FULL = Size(
    runs=40,
    crowd=50,
    row=5000,
    scenes=1000,
    items=100_000,
    saves=5,
    few=(100, 1000),
    gaps=10_000,
    waiting=500,
    jobs=200_000,
    events=50_000,
    held_up=100,
    many=1_000_000,
)
TINY = Size(
    runs=1,
    crowd=8,
    row=20,
    scenes=12,
    items=300,
    saves=1,
    few=(100,),
    gaps=100,
    waiting=8,
    jobs=1000,
    events=200,
    held_up=8,
    many=300,
)


def _hooks(size: Size) -> Iterator[Row]:
    yield from hooks.cost(size.runs)
    yield hooks.crowd(size.crowd)


PARTS: dict[str, Callable[[Size], Iterable[Row]]] = {
    "hook": _hooks,
    "start": lambda size: start.start(size.runs // 4 + 1),
    "operation": lambda size: operations.cost(size.runs, size.jobs),
    "inbox": lambda size: inbox.inbox(size.events),
    "queue": lambda size: queue.queue(size.jobs),
    "backfill": lambda size: backfill.backfill(size.gaps),
    "drain": lambda size: drain.drain(size.scenes),
    "many": lambda size: drain.many(10 * size.scenes),
    "posters": lambda size: drain.posters(size.scenes // 4),
    "index": lambda size: library.index(size.items),
    "outage": lambda size: outage.outage(size.waiting),
    "waiting": lambda size: waiting.waiting(size.held_up),
    "save": lambda size: save.save(size.saves),
    "written": lambda size: reconcile.written(size.scenes),
    "small": lambda size: reconcile.small(size.few),
    "reconcile": lambda size: reconcile.reconcile(size.gaps),
    "growth": lambda size: reconcile.growth(size.gaps),
    "recipes": lambda size: recipes.recipes(size.gaps),
    "row": lambda size: hooks.row(size.row),
}
LONG = ("row", "many")
INSIDE = ("reconcile",)
"""Parts that another one includes: growth starts with the smaller library."""


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="count work, in half a minute")
    parser.add_argument("--accept", action="store_true", help="expect the present counts")
    parser.add_argument("--tiny", action="store_true", help="only check that it runs")
    parser.add_argument(
        "--long", action="store_true", help="also 5,000 hooks in a row and a drain of 10,000 scenes"
    )
    parser.add_argument("--only", choices=PARTS, help="only this part")
    parser.add_argument("--against", metavar="REV", help="only: beside another revision, as ratios")
    parser.add_argument("--unchanged", action="store_true", help="of that all but the forced sync")
    parser.add_argument("--million", action="store_true", help="only: a million scenes and items")
    parser.add_argument("--scenes", type=int, help="another number of them for these two")
    parser.add_argument("--markdown", action="store_true", help="as for docs/performance.md")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Measure and print the table; returns 1 if something was lost, wrong or more than expected."""
    args = _arguments(words)
    if args.accept:
        counted.accept(counted.count())
        return 0
    if args.quick:
        return counted.gate()
    size, parts = TINY if args.tiny else FULL, dict(PARTS)
    if args.against:
        rev, filled = args.against, args.unchanged
        parts = {"against": lambda s: against.against(rev, args.scenes or s.items, filled=filled)}
    elif args.million:
        parts = {"million": lambda size: reconcile.large(args.scenes or size.many)}
    wanted = (
        [args.only]
        if args.only
        else [name for name in parts if name not in INSIDE and (args.long or name not in LONG)]
    )
    rows: list[Row] = []
    for name in wanted:
        started = time.monotonic()
        print(f"{name} ...", file=sys.stderr, end=" ", flush=True)
        rows += parts[name](size)
        print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    print(markdown(rows) if args.markdown else plain(rows))
    return 0 if all(row.right for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
