"""Restore Removed: restores from a copy what Clear Queue, Clear or Purge Dead Letters removed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from plexsync import system
from plexsync.flows.tasks.confirmation import FOLDER, copies, read_copy
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.model.dead_letter import DeadLetter, candidates
from plexsync.model.formatting import counted, quoted
from plexsync.model.job import Job
from plexsync.model.stored import moment


def restore_removed(context: TaskContext) -> dict[str, object]:
    """Restore the newest copy, or the one named by the argument `copy`.

    Existing entries are kept, so a second press changes nothing.
    """
    names = copies(context.folder)
    wanted = os.path.basename(context.args["copy"])
    if not names:
        raise TaskFailed(f"There is no copy in {context.path(FOLDER)}; copies are kept for 7 days.")
    if wanted and wanted not in names:
        raise TaskFailed(f"There is no copy {quoted(wanted[:60])}. There are: {', '.join(names)}.")
    name = wanted or names[0]
    try:
        restored = _restore(context, read_copy(context.folder, name))
    except (ValueError, TypeError, LookupError, OSError) as problem:
        raise TaskFailed(f"The copy {name} cannot be read ({system.text_of(problem)}).") from None
    parts = [counted(number, what.replace("_", " ")) for what, number in restored.items() if number]
    context.log.info(f"From {name}: {', '.join(parts) or 'everything in it exists already'}.")
    others = [each for each in names if each != name]
    if others:
        context.log.info(f"The argument copy restores another one: {', '.join(others)}.")
    return {"copy": os.path.join(FOLDER, name), **{f"{k}s": n for k, n in restored.items()}}


def _restore(context: TaskContext, document: object) -> dict[str, int]:
    """Restore the content of a copy; raises ValueError before any change if it is not one of ours."""
    if isinstance(document, list):
        return {"dead_letter": _dead_letters(context, [_dead_letter(raw) for raw in document])}
    if not isinstance(document, dict):
        raise ValueError("it holds neither jobs nor dead letters")
    jobs = [Job.from_dict(raw) for raw in document["jobs"]]
    backfills = [_Backfill(raw) for raw in _backfills(document)]
    stores = context.owner().stores
    new = [job for job in jobs if job.scene not in stores.queue.jobs]
    stores.queue.put_all(new)
    return {"job": len(new), "backfill": sum(backfill.restore(context) for backfill in backfills)}


def _backfills(document: Mapping[str, Any]) -> Any:
    """The backfills of a copy; version 0.1.0 stored them as `walks`."""
    return document["backfills"] if "backfills" in document else document["walks"]


def _dead_letters(context: TaskContext, dead_letters: list[DeadLetter]) -> int:
    """Restore dead letters of scenes that have neither a job nor a dead letter; returns how many."""
    stores = context.owner().stores
    new = [
        dead_letter
        for dead_letter in dead_letters
        if dead_letter.scene not in stores.queue.jobs
        and stores.dead_letters.get(dead_letter.scene) is None
    ]
    for dead_letter in new:
        stores.dead_letters.add(dead_letter)
    return len(new)


def _dead_letter(raw: Mapping[str, object]) -> DeadLetter:
    given = {name: value for name, value in raw.items() if name in DeadLetter._fields}
    given["candidates"] = candidates(_list(given.get("candidates", ())))
    given["paths"] = tuple(map(str, _list(given.get("paths", ()))))
    dead_letter = DeadLetter(**given)  # type: ignore[arg-type]
    _check(dead_letter)
    return dead_letter


def _check(found: DeadLetter) -> None:
    """Raise ValueError unless the values can be stored: the copy may have been edited."""
    if type(found.scene) is not int or not 0 < found.scene < 2**63:
        raise ValueError("a dead letter has no scene id")
    if not all(isinstance(text, str) for text in (found.error, found.message, found.cause)):
        raise ValueError("a reason of a dead letter is not text")
    if type(found.status or 0) is not int or not 0 <= (found.status or 0) < 1000:
        raise ValueError("the status of a dead letter is not an HTTP status")
    if not isinstance(found.attempts, dict) or not isinstance(found.job, dict):
        raise ValueError("attempts or job of a dead letter are not an object")
    for name in ("buried_at", "first_failure", "last_failure"):
        moment(found._asdict(), name)


class _Backfill:
    def __init__(self, raw: Mapping[str, object]) -> None:
        ids, after = raw["ids"], raw["after"]
        self._what = str(raw["reason"]), str(raw["kind"])
        self._ids = None if ids is None else [_number(each) for each in _list(ids)]
        self._after = _number(after)

    def restore(self, context: TaskContext) -> bool:
        """Store the backfill, to continue where it was; False if an equal one exists."""
        ledger, now = context.owner().stores.ledger, context.clock.now()
        before = {backfill.id for backfill in ledger.backfills()}
        backfill = ledger.add_backfill(*self._what, self._ids, now)
        if backfill in before:
            return False
        if self._after and self._what[1] != "scene":
            ledger.advance(backfill, self._after)
        return True


def _list(value: object) -> list[object]:
    if not isinstance(value, (list, tuple)):
        raise ValueError("something in it is not a list")
    return list(value)


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("something in it is not a whole number")
    return value
