"""Check Setup, except for the files: settings, both servers, the data folder, the worker."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime

from plexsync import __version__, system
from plexsync.dependencies import PRIVATE_PLACE, Dependencies
from plexsync.edges import surroundings
from plexsync.edges.http import certificates
from plexsync.edges.page import owner, read_state
from plexsync.edges.storage.read_only import peek_json
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.worker.folder_owner import judge
from plexsync.model.config_reader import masked
from plexsync.model.formatting import counted, quoted
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.paths import PathMap
from plexsync.model.places import OUR_FORM, STASHS_FORM
from plexsync.model.set_up import FILE as SET_UP
from plexsync.model.set_up import FRESH, SetUp, lost_words
from plexsync.model.settings import IGNORE, sends_openly
from plexsync.model.stash_identity import FILE, Owner, parse
from plexsync.policy.filters import Filters
from plexsync.policy.recipe.recipe import recipe_of

OK, WARN, BAD = "ok", "warn", "bad"

WHERE = STASHS_FORM
OLDER = ("plexHost", "plexPort", "plexToken")
"""Settings of an older community plugin with the same id."""

TIGHT, FULL = 200 << 20, 20 << 20
"""Free bytes below which the data folder gets a warning, and an error."""

TAIL = 400
SHOWN = 3
DAY = 86400.0

_AFAR = {"9p", "afs", "ceph", "cifs", "davfs", "drvfs", "glusterfs", "nfs", "nfs4", "smb3", "smbfs"}
_AFAR |= {"vboxsf", "vmhgfs"}
_FLEETING = {"overlay", "ramfs", "tmpfs"}
_NOT_READY = re.compile(r"Nothing can be synced yet|The filter .* Nothing is synced until")
"""Warnings about settings that need nobody once the settings are right."""

_LINE = re.compile(r"(\S+) (warning|error)\s+(.*)")


class Point(NamedTuple):
    """The result of one check: OK, WARN or BAD, a text, and what to do about it."""

    point: str
    state: str
    text: str
    remedy: str = ""


def settings(context: TaskContext) -> Iterator[Point]:
    """Plex's address, the token, and the syntax of the path map."""
    url, token = context.config.plex_url, context.config.plex_token.get_secret_value()
    if not url:
        yield Point("Plex URL", BAD, "it is not set", f'Enter "Plex URL" in {WHERE}.')
    elif sends_openly(url):
        remedy = "Use https:// or an address in your own network."
        yield Point(
            "Plex URL",
            WARN,
            f"{url} is on the internet, and the connection is not encrypted",
            remedy,
        )
    else:
        yield Point("Plex URL", OK, f"{url} ({_privacy(context)})")
    if token:
        yield Point("Plex token", OK, masked(token))
    else:
        yield Point("Plex token", BAD, "it is not set", f'Enter "Plex token" in {WHERE}.')
    state = peek_json(context.path(SET_UP), SetUp.parse, FRESH)
    if state.lost:
        yield Point("Saved settings", WARN, lost_words(state.lost).rstrip("."))
    yield from _certificate(context.config.plex_certificate)
    for problem in PathMap.parse(context.config.path_map)[1]:
        text = problem.removeprefix("path_map: ")
        yield Point("Path map", BAD, text, f'Correct "Path map" in {WHERE}.')
    for problem in recipe_of(context.config).problems:
        name, _, text = problem.partition(": ")
        yield Point(f"Recipe {name}", BAD, text, f"Correct it in {OUR_FORM}.")
    if context.config.paused:
        remedy = f'Switch off "Pause syncing" and "Do not write anything" in {OUR_FORM}.'
        yield Point("Syncing", WARN, "it is paused in the settings; events are kept", remedy)


def _privacy(context: TaskContext) -> str:
    if not context.config.plex_url.startswith("https:"):
        return "not encrypted, within your own network"
    ignored = context.config.plex_certificate == IGNORE
    return "encrypted" + ("" if ignored else ", and the certificate is checked")


def _certificate(entered: str) -> Iterator[Point]:
    """The certificate setting, if it is set."""
    if entered == IGNORE:
        text = "no certificate is checked: anyone on the network could impersonate Plex"
        remedy = f'Let "Plex certificate" in {OUR_FORM} name a file with the certificate of Plex.'
        yield Point("Plex certificate", WARN, text, remedy)
    elif entered:
        try:
            count = len(certificates.read(entered))
        except certificates.CertificateFileError as problem:
            yield Point("Plex certificate", BAD, str(problem), f"Correct {certificates.SETTING}.")
        else:
            yield Point("Plex certificate", OK, f"{counted(count, 'certificate')} in {entered}")


def filters(context: TaskContext) -> Iterator[Point]:
    """Whether the filters are valid, and whether Stash has what they name."""
    config = context.config
    if problem := config.filter_problem():
        remedy = f"Nothing is synced until it is corrected in {OUR_FORM}."
        yield Point("Filters", BAD, problem, remedy)
        return
    found = Filters.of(config.sync_only, config.sync_never)
    unknown = found.unknown(context.stash.hierarchy()) if found.uses_hierarchy else ()
    if unknown:
        remedy = (
            f'Correct "Sync only" or "Sync never" in {OUR_FORM}, unless you are going to add it.'
        )
        yield Point("Filters", WARN, f"Stash has no {', no '.join(unknown)}", remedy)
    elif found.only or found.never:
        yield Point("Filters", OK, f"{counted(len(found.only + found.never), 'condition')}")


def stash(context: TaskContext) -> Iterator[Point]:
    """Access to Stash, and whether it lasts."""
    found = context.stash.settings()
    version = f"Stash {found.version} answers".replace("  ", " ")
    if found.api_key:
        yield Point("Stash", OK, f"{version}; it has an API key")
    elif not found.login or context.stash.next_keep_alive(context.clock.now()) is None:
        yield Point("Stash", OK, f"{version}; it requires no login")
    else:
        remedy = "Create an API key in Stash's Settings > Security; PlexSync finds it by itself."
        text = f"{version}; it has no API key, so PlexSync depends on a session that may end"
        yield Point("Stash", WARN, text, remedy)


def older_plugin(context: TaskContext) -> Iterator[Point]:
    """The community plugin of the same name, which would write to Plex as well."""
    beside = surroundings.manifests_beside(context.plugin_dir, "PlexSync.yml")
    for path in beside:
        text = f"another plugin with the id PlexSync is installed: {quoted(path)}"
        yield Point("Older plugin", BAD, text, "Remove that folder, then press Reload plugins.")
    left = [name for name in OLDER if context.stash.settings().plugin.get(name)]
    if left:
        text = f"settings of the older PlexSync plugin exist ({', '.join(left)})"
        remedy = f"Make sure that it is uninstalled; enter the address and token again in {WHERE}."
        yield Point("Older plugin", WARN, text, remedy)
    elif not beside:
        yield Point("Older plugin", OK, "no other PlexSync plugin is installed")


def whose_folder(context: TaskContext) -> Iterator[Point]:
    """Whether the data folder belongs to this Stash, and whether another one tried to use it."""
    owner = peek_json(context.path(FILE), parse, Owner())
    problem, _ = judge(owner, context.stash)
    refused = context.clock.now() - owner.refused_at
    if problem:
        yield Point(
            "Owner",
            BAD,
            problem.rstrip("."),
            "Use a separate folder or adopt this Stash, as described above.",
        )
    elif 0 <= refused < DAY:
        other = quoted(owner.refused)
        text = f"another Stash (database {other}) tried to use it within the last 24 hours"
        remedy = "It was refused; let STASH_PLUGIN_DATA name a separate folder there."
        yield Point("Owner", WARN, text, remedy)
    else:
        yield Point("Owner", OK, "the data folder belongs to this Stash")


def data_folder(context: TaskContext) -> Iterator[Point]:
    """Permissions, free space and disk type of the data folder."""
    folder = context.folder
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        remedy = f"{system.ROOM[:1].upper()}{system.ROOM[1:]}."
        yield Point("Data folder", BAD, f"{quoted(folder)} cannot be written", remedy)
    elif not system.is_private(folder):
        text = (
            f"others may write to {quoted(folder)}, and its disk or owner does not allow a change"
        )
        yield Point("Data folder", WARN, text, f"Let {PRIVATE_PLACE}.")
    elif system.is_shown(folder):
        text = f"others may read {quoted(folder)}"
        yield Point("Data folder", WARN, text, f"Run chmod 700 {quoted(folder)}.")
    else:
        yield Point("Data folder", OK, f"{quoted(folder)}, private to its user")
    free = surroundings.free_bytes(folder)
    state = OK if free >= TIGHT else WARN if free >= FULL else BAD
    room = "" if state == OK else "Free some space; PlexSync needs a few hundred MB at most."
    yield Point("Free space", state, f"{free >> 20} MB", room)
    yield _disk(surroundings.filesystem(folder))


def _disk(kind: str) -> Point:
    if kind in _AFAR or (kind.startswith("fuse.") and kind != "fuse.fuseblk"):
        text = f"the data folder is on {kind}, where databases get damaged"
        remedy = "Let STASH_PLUGIN_DATA name a folder on a local disk."
        return Point("Disk", WARN, text, remedy)
    if kind in _FLEETING:
        text = f"the data folder is on {kind} and may be lost with the container or at a restart"
        remedy = "Mount the plugin folder, or let STASH_PLUGIN_DATA name a persistent folder."
        return Point("Disk", WARN, text, remedy)
    return Point("Disk", OK, f"local ({kind})" if kind else "its type is unknown on this system")


def dependencies(context: TaskContext) -> Iterator[Point]:
    """The versions of Python and the packages, compared with those that were tested."""
    needs = Dependencies(context.plugin_dir, context.folder)
    wrong, remedy = needs.wrong(), f"Press Check Setup once more, or {needs.remedy()}"
    missing = [name for name, _, has in wrong if not has]
    other = [f"{name} {has} (tested: {want})" for name, want, has in wrong if has]
    python = f"PlexSync {__version__} on Python {sys.version.split()[0]}"
    if missing:
        text = f"{python}; missing: {', '.join(missing)}"
        yield Point("Dependencies", BAD, text, remedy)
    elif other:
        text = f"{python}; other versions: {', '.join(other)}"
        yield Point("Dependencies", WARN, text, remedy)
    else:
        text = f"{python}; all {len(needs.pins)} packages as tested, {needs.origin()}"
        yield Point("Dependencies", OK, text)


def worker(context: TaskContext) -> Iterator[Point]:
    """Whether a worker is running if there is work."""
    waiting = read_state.queue(context.folder).live_jobs() + read_state.records_waiting(
        context.folder
    )
    if owner.owned(context.folder):
        yield Point("Worker", OK, f"it is running; {counted(waiting, 'job')} in the queue")
    elif waiting:
        jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
        text = f"none is running, although {jobs}"
        yield Point(
            "Worker", WARN, text, "Save any scene, or press Process Queue once Plex is healthy."
        )
    else:
        yield Point("Worker", OK, "none is needed: nothing waits; the next event starts one")


def processes() -> Iterator[Point]:
    """Whether the worker can outlive the hook that starts it."""
    if system.is_first_process():
        text = (
            "each call of PlexSync is the first process of a namespace of its own, so the worker "
            "that it starts ends with it"
        )
        remedy = (
            "Let Stash run plugins in its own namespace (without unshare, bwrap or a sandbox); "
            "until then Process Queue does the work."
        )
        yield Point("Processes", WARN, text, remedy)


def log_lines(context: TaskContext) -> Iterator[Point]:
    """The worker's warnings of the last 24 hours."""
    found = [m for line in read_state.log_tail(context.folder, TAIL) if (m := _LINE.match(line))]
    recent = [m for m in found if context.clock.now() - _stamp(m[1]) < DAY]
    if not context.config.not_ready():
        recent = [m for m in recent if not _NOT_READY.match(m[3])]
    if not recent:
        yield Point("Worker's log", OK, "no warning within the last 24 hours")
        return
    last = "; ".join(m[3].rstrip(".") for m in recent[-SHOWN:])
    text = f"{counted(len(recent), 'warning')} within the last 24 hours, the last one: {last}"
    yield Point(
        "Worker's log", WARN, text, f"The whole log: {quoted(context.path(read_state.LOG))}."
    )


def _stamp(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
