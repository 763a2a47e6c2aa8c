"""The numbers of a dry pass over all scenes: what the first sync would do with each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from plexsync.model.set_up import DRY_RUN
from plexsync.model.stored import DOCUMENTS, count, moment, versioned, words
from plexsync.policy.gaps import ORPHANED
from plexsync.policy.reconcile_schedule import ALL, MANUAL, RESUME_WITHIN, Order, Run
from plexsync.policy.reconcile_state import parse_run
from plexsync.policy.up_front import Estimate, Work

DIFFERS, EQUAL, MISSING, LEFT_OUT = "differs", "equal", "missing", "left_out"
TOO_LITTLE, SHARED, UNSURE, UNREAD = "too_little", "shared", "unsure", "unread"
VERDICTS = (DIFFERS, EQUAL, MISSING, LEFT_OUT, TOO_LITTLE, SHARED, UNSURE, UNREAD)
"""In Plex with other values, or with the same; not in Plex; left out by the filters; with too little
metadata; its item belongs to another scene; its match is uncertain; it could not be read.
"""

EXAMPLES = 20
"""Scenes that differ, kept so that they can be shown first."""

_VERSION = DOCUMENTS[DRY_RUN]


@dataclass(frozen=True, slots=True)
class Judged:
    """One scene: its verdict, the items that would be written, and its pictures not seen yet."""

    scene: int
    verdict: str
    writes: int = 0
    pictures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DryPass:
    """A pass and its counts so far. `basis` is a hash of what it depends on: with other settings or
    another server it starts over.
    """

    run: Run
    basis: str
    counts: Mapping[str, int] = field(default_factory=dict)
    writes: int = 0
    pictures: int = 0
    examples: tuple[int, ...] = ()
    estimate: Estimate | None = None

    @property
    def work(self) -> Work:
        """What the first sync would have to do."""
        return Work(scenes=self.run.checked, writes=self.writes, pictures=self.pictures)

    def after(self, run: Run, judged: Sequence[Judged]) -> DryPass:
        """With one more page."""
        counts = Counter(self.counts)
        counts.update(each.verdict for each in judged)
        counts[UNREAD] = run.tally.unread
        differing = [each.scene for each in judged if each.verdict == DIFFERS]
        return replace(
            self,
            run=run,
            counts={name: counts[name] for name in VERDICTS if counts[name]},
            writes=self.writes + sum(each.writes for each in judged),
            pictures=self.pictures + sum(each.pictures for each in judged),
            examples=(*self.examples, *differing)[:EXAMPLES],
        )

    def shown(self) -> dict[str, object]:
        """What the page shows."""
        return {
            "done": self.run.done,
            "checked": self.run.checked,
            "total": self.run.total,
            "at": self.run.seen,
            "counts": dict(self.counts),
            "orphaned": self.run.tally.found.get(ORPHANED, 0),
            "examples": list(self.examples),
            "estimate": _as_json(self.estimate),
        }


def begun(kept: DryPass | None, basis: str, now: float) -> DryPass:
    """The pass to continue, or a new one."""
    unfinished = kept is not None and kept.estimate is None and kept.basis == basis
    if kept is not None and unfinished and 0 <= now - kept.run.seen < RESUME_WITHIN:
        return kept
    order = Order(trigger=MANUAL, scope=ALL)
    return DryPass(run=Run(order=order, started=now, seen=now), basis=basis)


def to_json(found: DryPass) -> object:
    """As JSON values; `shown` is what the page's request hands on."""
    shown = found.shown()
    return {"version": _VERSION, **asdict(found), "estimate": shown["estimate"], "shown": shown}


def parse(raw: object) -> DryPass:
    """Parse a stored pass; raises ValueError if anything is wrong with it."""
    fields = versioned(raw, _VERSION)
    counts, examples = fields.get("counts"), fields.get("examples")
    if not isinstance(counts, dict) or not counts.keys() <= set(VERDICTS):
        raise ValueError("it counts something unknown")
    if not isinstance(examples, list) or not all(type(each) is int for each in examples):
        raise ValueError("examples is not a list of ids")
    return DryPass(
        run=parse_run(fields.get("run")),
        basis=words(fields, "basis"),
        counts={name: count(counts, name) for name in counts},
        writes=count(fields, "writes"),
        pictures=count(fields, "pictures"),
        examples=tuple(examples[:EXAMPLES]),
        estimate=_estimate(fields.get("estimate")),
    )


def _as_json(estimate: Estimate | None) -> object:
    return None if estimate is None else estimate._asdict()


def _estimate(raw: object) -> Estimate | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise ValueError("estimate is not an object")
    return Estimate(moment(raw, "seconds"), raw.get("assumed") is True)
