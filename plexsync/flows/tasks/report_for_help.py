"""Report for Help: one JSON file that can be shown to anybody, about how PlexSync fares here."""

from __future__ import annotations

import os

from plexsync import system
from plexsync.edges.http.certificates import Trust
from plexsync.edges.plex.client import load_client_id
from plexsync.edges.storage import files
from plexsync.flows.contact.plex_contact import PlexContact
from plexsync.flows.contact.report import hidden, holds, make_report
from plexsync.flows.contact.stash_contact import StashContact
from plexsync.flows.contact.subject import Subject
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.progress import Progress

FILE = "report-for-help.json"

PATIENCE = 10.0
"""Seconds that each request may take."""


def report_for_help(context: TaskContext) -> dict[str, object]:
    """Make the report, say what it holds, and save it in the data folder. It changes nothing else."""
    done = [0.0]
    plex, stash = _contacts(context)
    subject = Subject(
        context.plugin_dir,
        context.folder,
        context.config,
        context.plex,
        context.stash,
        plex,
        stash,
        context.clock,
    )
    try:
        with Progress(context.log, lambda: done[0]):
            report = make_report(subject, lambda share: done.__setitem__(0, share))
    finally:
        plex.close()
        stash.close()
    lines = holds(report)
    for line in lines:
        context.log.info(line)
    context.log.info(
        "It holds no token, address, path, title or name: texts of that kind are there only as "
        "hashes with a key that is now forgotten, and lengths."
    )
    return {
        "holds": lines,
        "hidden": hidden(report),
        "report": report,
        "path": _saved(context, report),
    }


def _saved(context: TaskContext, report: dict[str, object]) -> str:
    """The path of the saved report; "" if it cannot be saved, which the page does not need."""
    path = context.path(FILE)
    try:
        files.replace_json(path, report)
    except OSError as problem:
        context.log.warning(
            f"It could not be saved: {system.text_of(problem)}. The page offers it all the same."
        )
        return ""
    context.log.info(f"Saved as {path}. Read it, then attach it where you ask for help.")
    return path


def _contacts(context: TaskContext) -> tuple[PlexContact, StashContact]:
    config = context.config
    plex = PlexContact(
        config.plex_url,
        config.plex_token.get_secret_value(),
        context.plex,
        load_client_id(context.path("device_id.json")),
        Trust(config.plex_certificate, os.environ),
        context.clock,
        PATIENCE,
    )
    return plex, StashContact(context.stash.address, context.stash.signature(), PATIENCE)
