"""The background worker's lifecycle: drain, step aside for tasks, make way for a new version, exit."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial

from plexsync import __version__, inbox, system
from plexsync.app import owning
from plexsync.edges.clock import Clock, SystemClock
from plexsync.edges.in_flight import InFlight
from plexsync.edges.in_flight_note import write_note
from plexsync.edges.log.log import Log
from plexsync.edges.ownership import Ownership
from plexsync.edges.page import read_state
from plexsync.edges.plugin_files import PluginFiles
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.handover import Handover
from plexsync.edges.storage.files import NewerSchema, is_damage, is_machine_trouble
from plexsync.flows.worker.notifier import tell_refusal
from plexsync.model.connection import parse_connection
from plexsync.model.errors import AnotherStash, SyncError
from plexsync.services import Services

LOST = "its data folder was removed"

TURN = 0.0005
"""Seconds for which a thread that plans may hold up one that has an answer of Plex's and sends the
next request; Python's own 0.005 are a seventh of what a write takes.
"""

DISK_PAUSE = 60.0
"""Seconds between attempts while the machine lacks disk or memory."""

AGAIN = "PlexSync tries again every minute and loses nothing"


def run_worker(
    plugin_dir: str,
    folder: str,
    block: bytes,
    ownership: Ownership,
    log: Log,
    clock: Clock | None = None,
) -> None:
    """Drain, step aside for tasks and come back, until nothing is left to do."""
    system.collect_again()
    sys.setswitchinterval(TURN)
    clock = clock or SystemClock()
    try:
        connection = parse_connection(block)
    except ValueError as problem:
        log.error(f"Stash's connection block is unusable: {problem}. The next event tries again.")
        return
    log.set_secrets([connection.cookie_value.get_secret_value()])
    log.info("worker starts", version=__version__, pid=os.getpid())
    in_flight = InFlight(partial(write_note, folder))
    with closing(Handover(folder, block)) as handover:
        stash = StashClient(connection, in_flight=in_flight, handover=handover)
        _live(plugin_dir, folder, handover, stash, ownership, log, clock)


def _live(
    plugin_dir: str,
    folder: str,
    handover: Handover,
    stash: StashClient,
    ownership: Ownership,
    log: Log,
    clock: Clock,
) -> None:
    package = PluginFiles(plugin_dir)

    def leave() -> str:
        handover.waiting()  # reads the pipe: one that is full takes nothing more
        with suppress(OSError):  # a failing disk is waited out, see run_as_owner
            if ownership.wanted():
                return "a task takes over"
        return LOST if ownership.lost() else package.stop_reason()

    while True:
        try:
            with stash.in_flight.noting(lambda: bool(leave())):
                reason = leave() or run_as_owner(folder, stash, clock, log, leave)
        except NewerSchema as refusal:
            log.error(f"The worker stops: {refusal}. Events are kept meanwhile.")
            services = Services(folder, stash, clock, log, os.environ)
            troubles = OSError, NewerSchema, AnotherStash, SyncError, system.Unloadable
            with closing(services), suppress(*troubles):
                tell_refusal(folder, services, clock, log)
            return
        log.info(f"worker stops: {reason}")
        if reason == LOST:
            if inbox.collect(folder, limit=1):
                inbox.wake(plugin_dir, folder, _renewed(handover.block, stash.cookie))
            return
        if ownership.wanted():
            if ownership.stand_by():
                continue
            return
        ownership.release()
        if package.stop_reason():
            if _work_left(folder) and package.wait_until_stable(clock):
                inbox.wake(plugin_dir, folder, _renewed(handover.block, stash.cookie))
            return
        # Without this check an event whose hook found the lock still held would be stranded.
        if reason != "nothing to do" or not inbox.collect(folder, limit=1):
            return
        if not ownership.claim():
            return


def _work_left(folder: str) -> bool:
    """Whether anything waits that no later event would trigger."""
    try:
        return read_state.anything_waits(folder)
    except read_state.Unreadable:
        return True


def _renewed(block: bytes, cookie: str) -> bytes:
    """The connection block with the current session cookie."""
    raw = json.loads(block)
    if cookie and raw.get("SessionCookie"):
        raw["SessionCookie"]["Value"] = cookie
    return json.dumps(raw).encode()


def run_as_owner(
    folder: str, stash: StashClient, clock: Clock, log: Log, leave: Callable[[], str]
) -> str:
    """Run as owner, from opening the stores to closing them; waits while the machine lacks what it
    needs.
    """
    damaged = False
    while True:
        try:
            with owning(folder, stash, clock, log, os.environ) as app:
                worker = app.worker(leave)
                worker.start()
                return worker.drain()
        except Exception as problem:
            waits = isinstance(problem, (sqlite3.Error, OSError)) or is_machine_trouble(problem)
            if not waits:
                raise
            said = system.text_of(problem) or type(problem).__name__
            if is_damage(problem) and not damaged:
                damaged = True
                log.warning(f"A database is damaged ({said}); PlexSync opens all of them again.")
                continue
            log.error(_complaint(problem, said))
        # outside the handler, which keeps the batch that failed in memory
        clock.wait(DISK_PAUSE, lambda: bool(leave()))
        if leave():
            return leave()


def _complaint(problem: Exception, said: str) -> str:
    if isinstance(problem, system.Unloadable):
        return f"{said} {AGAIN}."
    if system.lacks_memory(problem):
        return f"Memory is short ({said}): {system.MEMORY}. {AGAIN}."
    return f"The data folder cannot be used ({said}). {_advice(problem)}; {AGAIN}."


def _advice(problem: Exception) -> str:
    if getattr(problem, "errno", None) in (errno.EMFILE, errno.ENFILE) or (
        is_machine_trouble(problem) and system.allows_few_files()
    ):
        return system.FILES[:1].upper() + system.FILES[1:]
    if is_machine_trouble(problem):
        return "Free some space or correct its permissions"
    return (
        "Move away the file that it names" if isinstance(problem, OSError) else "Please report it"
    )
