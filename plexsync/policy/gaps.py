"""Gaps between Stash and Plex, by field, and their counts in a reconciliation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from plexsync.model.ledger import DRIFTED as DRIFTED
from plexsync.model.plex import Edit, Written
from plexsync.model.values import hash_written

EMPTY, STALE, MISSING = "empty", "stale", "missing"
ORPHANED = "orphaned"

KINDS: Mapping[str, str] = {
    EMPTY: "Plex has nothing where Stash has something",
    STALE: "Stash has changed since the last sync, or PlexSync never wrote it",
    DRIFTED: "what PlexSync wrote was changed in Plex",
    MISSING: "no Plex item holds the scene's file",
    ORPHANED: "no scene in Stash has the Plex item's file; PlexSync leaves it alone",
}
"""All kinds in the order of the report, with their meaning."""

EXAMPLES = 5
"""Maximum examples kept per kind."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap in one field of a scene; `field` is "" for the kinds missing and orphaned."""

    kind: str
    field: str = ""


def find_gaps(edits: Iterable[Edit], written: Mapping[str, Written]) -> tuple[Gap, ...]:
    """The gaps that a plan's edits would close; lock-only edits close none.

    Values that the plan keeps because the user set them in Plex are not gaps. `written` is what
    PlexSync wrote to the item. A field without a value in Plex counts as empty even if it was
    emptied there; one that changed on both sides counts as stale.
    """
    return tuple(_gap(edit, written.get(edit.field)) for edit in edits if not edit.lock_only)


def _gap(edit: Edit, last: Written | None) -> Gap:
    if not edit.before:
        return Gap(EMPTY, edit.field)
    changed = last is None or hash_written(last) != edit.desired_hash
    return Gap(STALE if changed else DRIFTED, edit.field)


def chosen(gaps: Iterable[Gap], kinds: Collection[str], fields: Collection[str]) -> tuple[Gap, ...]:
    """The gaps of these kinds and fields; empty means all."""
    return tuple(
        gap
        for gap in gaps
        if (not kinds or gap.kind in kinds) and (not fields or not gap.field or gap.field in fields)
    )


@dataclass(frozen=True, slots=True)
class GapCount:
    """Counted gaps: `found` and `queued` scenes by kind, `fields` by kind and field.

    A scene counts once per kind. `unsure` counts scenes with a LOW match, which are only reported.
    `examples` are texts for the report.
    """

    found: Mapping[str, int] = field(default_factory=dict)
    queued: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsure: int = 0
    unread: int = 0

    def add(
        self, what: str, gaps: Collection[Gap], *, queued: bool, unsure: bool = False
    ) -> GapCount:
        """The counts with one more scene or item, named by `what`."""
        kinds = list(dict.fromkeys(gap.kind for gap in gaps))
        return replace(
            self,
            found=_plus(self.found, kinds),
            queued=_plus(self.queued, kinds if queued else ()),
            fields=_by_field(self.fields, gaps),
            examples=self._with_examples(what, gaps, kinds, unsure),
            unsure=self.unsure + unsure,
        )

    def _with_examples(
        self, what: str, gaps: Iterable[Gap], kinds: Iterable[str], unsure: bool
    ) -> dict[str, tuple[str, ...]]:
        examples = dict(self.examples)
        for kind in kinds:
            known = examples.get(kind, ())
            names = [gap.field for gap in gaps if gap.kind == kind and gap.field]
            notes = [", ".join(names)] * bool(names) + ["uncertain match"] * unsure
            if len(known) < EXAMPLES:
                examples[kind] = (*known, f"{what} ({'; '.join(notes)})" if notes else what)
        return examples


def _plus(counts: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    more = dict(counts)
    for name in names:
        more[name] = more.get(name, 0) + 1
    return more


def _by_field(
    counts: Mapping[str, Mapping[str, int]], gaps: Iterable[Gap]
) -> dict[str, Mapping[str, int]]:
    more = dict(counts)
    for gap in gaps:
        if gap.field:
            more[gap.kind] = _plus(more.get(gap.kind, {}), [gap.field])
    return more
