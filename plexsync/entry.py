"""Where a worker and a task begin.

Nothing heavy is imported before the worker owns its lock: most workers that start find another one
alive and leave again.
"""

from __future__ import annotations

import json
import os
import sys
import time

from plexsync import system
from plexsync.edges.ownership import Ownership

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.edges.clock import Clock
    from plexsync.edges.log import Log


def run_task(plugin_dir: str, stdin: bytes) -> bytes:
    """Answer a task or an operation: one JSON object. An unknown mode is an error."""
    if not stdin.strip():
        return _answer(
            error="PlexSync is a plugin for Stash, which runs it with JSON on stdin: install it in "
            "Stash's plugins folder and press Reload plugins"
        )
    try:
        order = json.loads(stdin)
        args, block = order.get("args") or {}, order.get("server_connection")
        mode = args.get("mode")
    except (ValueError, AttributeError, RecursionError):
        return _answer(error="PlexSync was called with input that is not Stash's JSON object.")
    from plexsync.flows import operations

    if isinstance(mode, str) and mode in operations.OPERATIONS:
        return _operate(plugin_dir, mode, args, block)
    try:
        from plexsync.app import perform
    except ImportError as missing:
        return _answer(error=_cannot_run(missing, plugin_dir))
    try:
        return json.dumps({"output": perform(plugin_dir, mode, args, block)}).encode()
    except Exception as problem:
        return _answer(error=str(problem) or type(problem).__name__)


def _operate(plugin_dir: str, mode: str, args: dict[str, object], block: object) -> bytes:
    """Answer a page: at once, by the standard library alone."""
    from plexsync.flows import operations

    folder = system.data_folder(plugin_dir, os.environ)
    connection = json.dumps(block).encode() if block else b""
    request = operations.Request(plugin_dir, folder, args, connection, time.time())
    try:
        return json.dumps({"output": operations.perform(mode, request)}).encode()
    except Exception as problem:
        return _answer(error=str(problem) or type(problem).__name__)


def _cannot_run(missing: ImportError, plugin_dir: str) -> str:
    return (
        f"PlexSync cannot run: {missing}. Install what it needs for the Python that Stash uses: "
        f"{sys.executable} -m pip install -r {os.path.join(plugin_dir, 'requirements.txt')}"
    )


def _answer(*, error: str) -> bytes:
    return json.dumps({"error": error}).encode()


def run_worker(plugin_dir: str, clock: Clock | None = None) -> None:
    """The background worker's whole life; returns when it is idle, or at once if one is alive."""
    block = sys.stdin.buffer.read(65536)
    folder = system.data_folder(plugin_dir, os.environ)
    system.private_folder(folder)
    system.detach()
    ownership = Ownership(folder)
    try:
        if not ownership.claim() and not (ownership.wanted() and ownership.stand_by()):
            return
    except OSError as problem:
        _open_log(folder).error(
            f"The worker cannot take its lock ({problem}). Mend the data folder's disk or rights; "
            "the next event starts another worker and nothing is lost."
        )
        return
    log = _open_log(folder)
    if ownership.lock_elsewhere:
        log.warning(
            f"The data folder's file system knows no locks, so {ownership.lock_elsewhere} is locked "
            "instead. Let only one Stash use this folder, or let STASH_PLUGIN_DATA name one on a "
            "local disk."
        )
    try:
        from plexsync.app import live
    except ImportError as missing:
        log.error(_cannot_run(missing, plugin_dir))
        return
    try:
        live(plugin_dir, folder, block, ownership, log, clock)
    except Exception as problem:
        import traceback

        log.error(f"The worker stops: {problem}", trace=traceback.format_exc(limit=-6))


def _open_log(folder: str) -> Log:
    """The worker's log, for libraries too."""
    from plexsync.edges.log import FileSink, Log, capture

    log = Log(FileSink(os.path.join(folder, "plexsync.log")))
    capture(log)
    return log
