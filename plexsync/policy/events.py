"""Turns events into jobs and other actions. An event is a hint: it names scenes that may now differ
from Plex.
"""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.model.event import Event
from plexsync.model.job import Job
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.reasons import CREATE, FORCED, OVERWRITE, RECONCILE, SCAN, UPDATE

IGNORED_FIELDS = frozenset(
    {
        "clientMutationId",
        "id",
        "ids",
        "organized",
        "o_counter",
        "play_count",
        "play_duration",
        "resume_time",
        "stash_ids",
        "url",
        "urls",
    }
)
"""Fields of a scene update that never affect Plex unless a setting depends on them; all others,
unknown ones included, may."""

DETAIL_FIELDS = frozenset({"details", "description", "synopsis", "image", "front_image"})
"""Fields of a performer, studio, tag or group that appear in the collection that represents it."""

KINDS = {"Performer": "performer", "Studio": "studio", "Tag": "tag", "Group": "group"}

WRITTEN_FIELDS = {
    "performer": frozenset(
        {"name", "disambiguation", "gender", "favorite", "alias_list", "tag_ids"}
    ),
    "studio": frozenset({"name", "aliases", "parent_id"}),
    "tag": frozenset({"name", "aliases", "parent_ids", "child_ids"}),
    "group": frozenset({"name"}),
}
"""Fields of a performer, studio, tag or group that may affect the scenes written with it."""


class Expand(NamedTuple):
    """Sync every scene that was written with one of these entities.

    `kind` is "performer", "studio", "tag" or "group"; `ids` None means every scene ever written.
    """

    kind: str
    ids: frozenset[int] | None


class DetailsChanged(NamedTuple):
    """The text or the picture of a performer, studio, tag or group may have changed."""

    kind: str
    id: int


@dataclass(frozen=True, slots=True)
class ProbePlex:
    """Another process found Plex healthy: probe now instead of when the next probe is due."""


class RunCommand(NamedTuple):
    """Run a command from the page; `sent` is not parsed yet."""

    sent: object


Action = Job | Expand | DetailsChanged | ProbePlex | RunCommand


_RANK = (CREATE, OVERWRITE, FORCED, RECONCILE, UPDATE, "", SCAN)
"""Reasons, strongest first; "" represents all others, those of backfills. SCAN is the weakest,
because only it skips scenes that are older than the installation."""


def stronger_reason(first: str, second: str) -> str:
    """The reason that a job keeps when two are merged: the stronger one."""
    return min((first, second), key=lambda r: _RANK.index(r if r in _RANK else ""))


def actions_of(event: Event, used: frozenset[str] = frozenset()) -> tuple[Action, ...]:
    """The actions for one event, in order; none if it changes nothing that matters.

    A job is also made for a destroyed scene: only Stash knows whether it is really gone.
    `used` are those of IGNORED_FIELDS on which a setting depends.
    """
    if event.subject == "Scene":
        return _of_scene(event, IGNORED_FIELDS - used)
    if event.subject == "PlexSync":
        if event.action == "Command":
            return (RunCommand(event.input),)
        return (ProbePlex(),) if event.action == "Wake" else ()
    kind = KINDS.get(event.subject)
    if kind is None:
        return ()
    if event.action == "Update":
        expand = (Expand(kind, frozenset({event.id})),) if _is_written(kind, event) else ()
        return (*expand, DetailsChanged(kind, event.id)) if _shows(event) else expand
    if event.action == "Destroy":
        return (Expand(kind, frozenset({event.id})),)
    if event.subject == "Tag" and event.action == "Merge":
        return (Expand(kind, _merged(event.input)),)
    return ()


def _of_scene(event: Event, ignored: frozenset[str]) -> tuple[Action, ...]:
    if event.action == "Create":
        return (_sync_of(event, CREATE),)
    if event.action not in ("Update", "Destroy"):
        return ()
    if event.fields is None or event.action == "Destroy":
        return (_sync_of(event, SCAN),)
    return () if event.fields <= ignored else (_sync_of(event, UPDATE),)


def _sync_of(event: Event, reason: str) -> Job:
    return Job(scene=event.id, reason=reason, born=event.at)


def _is_written(kind: str, event: Event) -> bool:
    return event.fields is None or bool(event.fields & WRITTEN_FIELDS[kind])


def _shows(event: Event) -> bool:
    return event.fields is None or not event.fields.isdisjoint(DETAIL_FIELDS)


def _merged(sent: object) -> frozenset[int] | None:
    """Sources and destination of a merge; None if the input does not name all of them."""
    if not isinstance(sent, dict) or not isinstance(sent.get("source"), list):
        return None
    ids = [_id(value) for value in (*sent["source"], sent.get("destination"))]
    known = [number for number in ids if number is not None]
    return frozenset(known) if len(known) == len(ids) > 1 else None


def _id(value: object) -> int | None:
    """An id, which Stash sends as a string within an input; None unless it is a positive number."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    return value if type(value) is int and 0 < value < 2**63 else None
