"""What this machine tells for a report: versions, settings, and the state of the data folder."""

from __future__ import annotations

import os
import re
import sqlite3
import ssl
import sys
from collections import Counter
from typing import Any, Literal, get_args, get_origin

from plexsync import __version__, system
from plexsync.dependencies import Dependencies
from plexsync.edges import surroundings
from plexsync.edges.page import owner, read_state
from plexsync.flows.contact.veil import Counts, Word, version, word
from plexsync.flows.status.outages import read_history
from plexsync.flows.status.plex_standing import read_breaker, read_recovery
from plexsync.flows.status.status import status
from plexsync.model.config import DECLARED, PlexSyncConfig
from plexsync.model.error_types import CAUSES
from plexsync.model.ledger import STATES
from plexsync.model.plex import FIELDS
from plexsync.model.plex_state import KINDS
from plexsync.model.reasons import CLASSES, REASONS
from plexsync.model.secret import SecretStr
from plexsync.model.stored import DATABASES, DOCUMENTS

LINES = 2000
"""Lines of the log that are counted."""

_LEVEL = re.compile(r"\S+ (debug|info|warning|error)\s")
_DISKS = frozenset(
    [
        "apfs",
        "btrfs",
        "cifs",
        "exfat",
        "ext3",
        "ext4",
        "f2fs",
        "fuse.mergerfs",
        "fuse.sshfs",
        "fuseblk",
        "nfs",
        "nfs4",
        "ntfs",
        "overlay",
        "smb3",
        "tmpfs",
        "vfat",
        "xfs",
        "zfs",
        "9p",
        "virtiofs",
    ]
)
_OUTAGE_CAUSES = (*CAUSES, *KINDS)


def versions(plugin_dir: str, folder: str) -> dict[str, object]:
    """What runs here."""
    about = system.about_machine()
    found: dict[str, object] = {
        "plexsync": Word(__version__),
        "python": Word(".".join(map(str, sys.version_info[:3]))),
        "implementation": Word(sys.implementation.name),
        "system": word(about["system"], ("Linux", "Darwin", "Windows", "FreeBSD")),
        "release": version(about["release"].partition("-")[0]),
        "machine": word(
            about["machine"], ("x86_64", "AMD64", "aarch64", "arm64", "armv7l", "i686")
        ),
        "libc": word(about["libc"], ("glibc", "musl", "")),
        "sqlite": Word(sqlite3.sqlite_version),
        "openssl": Word(" ".join(ssl.OPENSSL_VERSION.split()[:2])),
    }
    needs = Dependencies(plugin_dir, folder)
    other = {name: (wanted, has) for name, wanted, has in needs.wrong()}
    found["packages"] = {name: Word(wanted) for name, wanted in needs.pins if name not in other}
    found["other packages"] = {name: version(has) for name, (_, has) in other.items()}
    found["packages of its own"] = needs.folder in sys.path
    return found


def settings(config: PlexSyncConfig) -> dict[str, object]:
    """Settings that differ from their defaults, and whether each secret is set."""
    found: dict[str, object] = {}
    for name, about in DECLARED.items():
        value: Any = getattr(config, name)
        if isinstance(value, SecretStr):
            found[name] = bool(value.get_secret_value())
        elif value != about.default:
            choices = get_args(about.type) if get_origin(about.type) is Literal else ()
            found[name] = word(value, choices) if isinstance(value, str) else value
    return found


def data_folder(folder: str) -> dict[str, object]:
    """The data folder: its disk, and the sizes of our own files."""
    sizes = {name: _size(folder, name) for name in (*DATABASES, *DOCUMENTS, read_state.LOG)}
    return {
        "disk": word(surroundings.filesystem(folder), _DISKS),
        "free MB": surroundings.free_bytes(folder) >> 20,
        "private": system.is_private(folder) and not system.is_shown(folder),
        "bytes": {name: size for name, size in sizes.items() if size is not None},
        "damaged": _entries(folder, "damaged"),
        "inbox": read_state.records_waiting(folder),
        "newer": len(read_state.newer_files(folder)),
        "worker": owner.owned(folder),
    }


def _size(folder: str, name: str) -> int | None:
    try:
        return os.path.getsize(os.path.join(folder, *name.split("/")))
    except OSError:
        return None


def _entries(folder: str, name: str) -> int:
    try:
        return len(os.listdir(os.path.join(folder, name)))
    except OSError:
        return 0


def queue(folder: str, now: float) -> dict[str, object]:
    """Waiting jobs."""
    jobs = read_state.queue(folder)
    found = status(folder, now)["queue"]
    counts = {"by class": Counts(jobs.classes(), ("", *CLASSES)), "jobs": jobs.live_jobs()}
    if found is None:
        return counts
    more = {name: found[name] for name in ("running", "due", "waiting", "edits", "backfill")}
    backfills = [
        {"reason": word(each.reason, REASONS), "kind": word(each.kind, _KINDS), "after": each.after}
        for each in read_state.ledger(folder).backfills()
    ]
    return {**counts, **more, "backfills": backfills}


_KINDS = ("", "scene", "performer", "studio", "tag", "group", "gallery")


def dead_letters(folder: str) -> dict[str, object]:
    """Dead letters by class and cause."""
    every = read_state.dead_letters(folder).all()
    return {
        "total": len(every),
        "by class": Counts(Counter(each.error for each in every), CLASSES),
        "by cause": Counts(Counter(each.cause for each in every), ("", *CAUSES)),
        "attempts": max((sum(each.attempts.values()) for each in every), default=0),
    }


def ledger(folder: str) -> dict[str, object]:
    """Scenes by state."""
    found = read_state.ledger(folder)
    refused = Counter({field: scenes for field, scenes, _ in found.refusals()})
    return {
        "scenes": Counts(found.counts(), STATES),
        "refused fields": Counts(refused, FIELDS),
        "pins": len(found.pins()),
        "left out": [
            {"why": why, "scenes": scenes, "written": written}
            for why, scenes, written in found.left_out()
        ],
    }


def breaker(folder: str, now: float) -> dict[str, object]:
    """The circuit breaker."""
    found = read_breaker(folder)
    since = found.failing_since
    return {
        "state": word(found.state, ("CLOSED", "OPEN", "HALF_OPEN")),
        "failures": found.failures,
        "cause": word(found.cause, _OUTAGE_CAUSES),
        "reason": found.reason,
        "failing for s": None if since is None else round(now - since),
    }


def recovery(folder: str, now: float) -> dict[str, object]:
    """Probes and the ramp."""
    found = read_recovery(folder)
    return {
        "trouble": word(found.trouble, ("", *_OUTAGE_CAUSES)),
        "words": found.trouble_words,
        "failed probes in a row": found.consecutive_failures,
        "recoveries": found.recovery_count,
        "relapses": found.relapses,
        "last probe s ago": round(now - found.last_check) if found.last_check else None,
    }


def outages(folder: str, now: float) -> dict[str, object]:
    """The outages on record."""
    found = read_history(folder).outages
    return {
        "number": len(found),
        "last": [
            {
                "cause": word(each.cause, _OUTAGE_CAUSES),
                "seconds": round(each.length(now)),
                "ongoing": each.ongoing,
                "affected": each.jobs_affected,
                "recovered": each.jobs_recovered,
            }
            for each in found[-10:]
        ],
    }


def statistics(folder: str, now: float) -> dict[str, object]:
    """Totals of the background worker."""
    totals = status(folder, now)["statistics"]
    return {name: value for name, value in totals.items() if isinstance(value, (int, float))}


def index(folder: str, now: float) -> list[dict[str, object]]:
    """Items per indexed library."""
    return [
        {"items": items, "read s ago": round(now - at)}
        for items, at in read_state.index_sections(folder)
    ]


def log(folder: str) -> Counts:
    """Lines of the log by level."""
    lines = read_state.log_tail(folder, LINES)
    levels = Counter(found[1] for line in lines if (found := _LEVEL.match(line)))
    return Counts(levels, ("debug", "info", "warning", "error"))
