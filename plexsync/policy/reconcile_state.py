"""Reads and writes the state of reconciliations, stored in reconcile_state.json."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from typing import TypeVar

from plexsync.model.plex import FIELDS
from plexsync.model.stored import count, moment, one_line, versioned, words
from plexsync.policy.gaps import EXAMPLES, KINDS, GapCount
from plexsync.policy.reconcile_schedule import (
    ALL,
    AUTOMATIC,
    MANUAL,
    SINCE,
    WIDTHS,
    Order,
    Run,
    Schedule,
)

T = TypeVar("T")

_VERSION = 1
_HIGHEST = 2**31 - 1
"""Stash is asked for the scenes above an id, and takes no larger number for one."""

_TRIGGERS = (*AUTOMATIC, MANUAL)
_SCOPES = (ALL, SINCE, *WIDTHS)


def to_json(schedule: Schedule) -> object:
    """The schedule as JSON values."""
    return {"version": _VERSION, **asdict(schedule)}


def parse(raw: object) -> Schedule:
    """Parse a stored schedule; raises ValueError if anything is wrong with it."""
    fields = versioned(raw, _VERSION)
    last = fields.get("last")
    return Schedule(
        stamps=_each(fields, "stamps", _TRIGGERS, moment),
        covered=_each(fields, "covered", _SCOPES, moment),
        wanted=_each(fields, "wanted", AUTOMATIC, moment),
        runs=_each(fields, "runs", _TRIGGERS, lambda found, key: parse_run(found[key])),
        last=None if last is None else parse_run(last),
    )


def parse_run(raw: object) -> Run:
    """Parse one stored run; raises ValueError if anything is wrong with it."""
    fields = _object(raw, "a run")
    if count(fields, "cursor") > _HIGHEST:
        raise ValueError("cursor is no scene's id")
    return Run(
        order=_order(fields.get("order")),
        started=moment(fields, "started"),
        seen=moment(fields, "seen"),
        cursor=count(fields, "cursor"),
        held=_ids(fields, "held"),
        checked=count(fields, "checked"),
        total=count(fields, "total"),
        seconds=moment(fields, "seconds"),
        done=fields.get("done") is True,
        tally=_tally(fields.get("tally")),
    )


def _order(raw: object) -> Order:
    fields = _object(raw, "an order")
    return Order(
        trigger=_one_of(fields, "trigger", _TRIGGERS),
        scope=_one_of(fields, "scope", _SCOPES),
        since=moment(fields, "since"),
        by=_one_of(fields, "by", ("updated", "created")),
        kinds=_texts(fields, "kinds", KINDS),
        fields=_texts(fields, "fields", FIELDS),
        library=words(fields, "library"),
    )


def _tally(raw: object) -> GapCount:
    fields = _object(raw, "a tally")

    def by_field(found: dict[str, object], kind: str) -> dict[str, int]:
        return _each(found, kind, FIELDS, count)

    def examples(found: dict[str, object], kind: str) -> tuple[str, ...]:
        return tuple(map(one_line, _texts(found, kind)[:EXAMPLES]))

    return GapCount(
        found=_each(fields, "found", KINDS, count),
        queued=_each(fields, "queued", KINDS, count),
        fields=_each(fields, "fields", KINDS, by_field),
        examples=_each(fields, "examples", KINDS, examples),
        unsure=count(fields, "unsure"),
        unread=count(fields, "unread") if "unread" in fields else 0,
    )


def _each(
    fields: Mapping[str, object],
    key: str,
    names: Collection[str],
    read: Callable[[dict[str, object], str], T],
) -> dict[str, T]:
    """Parse an object whose keys are among `names`, each value with `read`."""
    found = _object(fields.get(key), key)
    if not found.keys() <= set(names):
        raise ValueError(f"{key} names something unknown")
    return {name: read(found, name) for name in found}


def _object(raw: object, what: str) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise ValueError(f"{what} is not an object")
    return raw


def _one_of(fields: dict[str, object], key: str, names: Collection[str]) -> str:
    value = words(fields, key)
    if value not in names:
        raise ValueError(f"{key} is unknown")
    return value


def _ids(fields: dict[str, object], key: str) -> tuple[int, ...]:
    values = fields.get(key)
    if not isinstance(values, list) or not all(type(n) is int and 0 < n < 2**63 for n in values):
        raise ValueError(f"{key} is not a list of ids")
    return tuple(values)


def _texts(
    fields: dict[str, object], key: str, names: Collection[str] | None = None
) -> tuple[str, ...]:
    values = fields.get(key)
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ValueError(f"{key} is not a list of texts")
    if names is not None and not set(values) <= set(names):
        raise ValueError(f"{key} names something unknown")
    return tuple(values)
