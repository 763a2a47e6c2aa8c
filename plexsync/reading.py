"""Runs a task that only shows what is stored, without any package: see flows/status/readings.py."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from plexsync import inbox, system
from plexsync.edges.log.log import Log
from plexsync.edges.log.redact import load_words
from plexsync.edges.log.stash_sink import StashSink
from plexsync.edges.page.reports import Report
from plexsync.edges.stash.light import NoSettings, read_settings
from plexsync.flows.status.readings import READINGS
from plexsync.model.arguments import read_arguments
from plexsync.model.readiness import Readiness, is_on, readiness, typed_secrets


def run(folder: str, mode: str, args: Mapping[str, object], block: object) -> dict[str, object]:
    """Carry out the task and return its answer; raises ValueError with a sentence for the user."""
    read_arguments(mode, {}, {name: value for name, value in args.items() if name != "mode"})
    system.private_folder(folder)
    report = Report(folder, mode, time.time)
    log = Log(StashSink(sys.stderr), report)
    with suppress(OSError, ValueError):
        inbox.hand_over(folder, json.dumps(block).encode())
    settings = _settings(log, folder, block)
    try:
        output = log.clean(READINGS[mode](log, folder, time.time(), settings))
    except Exception as problem:  # noqa: BLE001 - any failure is shown to the user
        said = log.safe(system.in_words(problem))
        report.failed(said)
        raise ValueError(said) from None
    log.progress(1.0)
    report.done(output)
    return output


def _settings(log: Log, folder: str, block: object) -> Readiness:
    """Let the log hide what it must, and return what the settings allow."""
    try:
        found = read_settings(block)
    except NoSettings as problem:
        _hide_paths(log, folder, os.path.exists(os.path.join(folder, "log_salt.json")))
        log.warning(f"The settings are unknown: {problem}.")
        return Readiness("", "")
    log.set_secrets([_session(block), *typed_secrets(found, os.environ)])
    _hide_paths(log, folder, is_on(found, "obfuscate_paths"))
    return readiness(found, os.environ)


def _hide_paths(log: Log, folder: str, wanted: bool) -> None:
    words = load_words(folder, log.warning) if wanted else None
    log.configure(debug=False, words=words)


def _session(block: object) -> str:
    session = block.get("SessionCookie") if isinstance(block, dict) else None
    return str(session.get("Value") or "") if isinstance(session, dict) else ""
