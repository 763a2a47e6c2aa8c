"""Entry points of the worker and of tasks.

Nothing heavy is imported before the worker owns its lock: most workers find another one alive and
exit.
"""

from __future__ import annotations

import os
import sys
import time

from plexsync import __version__, system
from plexsync.model.json_text import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.code_cache import CodeCache
    from plexsync.edges.clock import Clock
    from plexsync.edges.log.log import Log
    from plexsync.edges.ownership import Ownership

INSTALLS = "check_setup"
"""The only task that installs missing packages; the worker does so too."""

OPENINGS = {
    "queue_status": "The whole status is on PlexSync's page.",
    "outage_summary": "A timeline of the outages is on PlexSync's page.",
}
"""The tasks that only show what is stored, and how they begin."""


def run_task(plugin_dir: str, stdin: bytes, cache: CodeCache | None = None) -> bytes:
    """Answer a task or an operation: one JSON object. An unknown mode is an error.

    `cache` was started; operations use it.
    """
    plugin_dir = os.path.abspath(plugin_dir)
    system.stop_collecting()
    if not stdin.strip():
        return _answer(
            error="PlexSync is a plugin for Stash, which runs it with JSON on stdin: install it in "
            "Stash's plugins folder and press Reload plugins"
        )
    try:
        order = loads(stdin)
        args, block = order.get("args") or {}, order.get("server_connection")
        mode = args.get("mode")
    except (ValueError, AttributeError, RecursionError):
        return _answer(error="PlexSync was called with input that is not Stash's JSON object.")
    if isinstance(mode, str) and mode.isidentifier() and mode not in OPENINGS:
        from plexsync.flows.page import operations

        if operations.is_operation(mode):
            return _operate(plugin_dir, mode, args, block, cache)
    if cache is not None:
        cache.stop()
    if isinstance(mode, str) and mode in OPENINGS:
        return _read(plugin_dir, mode, args, block)
    error = _prepare(plugin_dir, block, installs=mode == INSTALLS)
    try:
        if not error:
            from plexsync.task_runner import run_mode
    except ImportError as problem:
        error = system.why_unloadable(problem)
    except (MemoryError, OSError) as problem:
        error = system.in_words(problem)
    if error:
        _keep_report(plugin_dir, mode, error)
        return _answer(error=error)
    try:
        return dumps({"output": run_mode(plugin_dir, mode, args, block)}).encode()
    except Exception as problem:
        return _answer(error=system.in_words(problem))


def _keep_report(plugin_dir: str, mode: object, error: str) -> None:
    """Store the error as the task's report, so that the page can show it."""
    from plexsync.edges.page.reports import Report

    if isinstance(mode, str) and mode.isidentifier():
        folder = system.data_folder(plugin_dir, os.environ)
        try:
            system.private_folder(folder)
            Report(folder, mode, time.time).failed(error)
        except OSError:
            pass


def _read(plugin_dir: str, mode: str, args: dict[str, object], block: object) -> bytes:
    """Answer a task that only shows what is stored; its first line comes before anything is loaded
    and read.
    """
    from plexsync.edges.log.stash_sink import StashSink

    StashSink(sys.stderr).write("info", f"PlexSync {__version__}. {OPENINGS[mode]}")
    from plexsync import reading

    folder = system.data_folder(plugin_dir, os.environ)
    try:
        return dumps({"output": reading.run(folder, mode, args, block)}).encode()
    except Exception as problem:
        return _answer(error=system.in_words(problem))


def _operate(
    plugin_dir: str, mode: str, args: dict[str, object], block: object, cache: CodeCache | None
) -> bytes:
    """Answer an operation of the page at once, with the standard library alone."""
    from plexsync.code_cache import load_sqlite_alone
    from plexsync.flows.page import operations

    if mode in operations.READS:
        load_sqlite_alone()
    folder = system.data_folder(plugin_dir, os.environ)
    connection = dumps(block).encode() if block else b""
    try:
        request = operations.Request(plugin_dir, folder, args, connection, time.time())
        answer = dumps({"output": operations.perform(mode, request)}).encode()
        if cache is not None:
            cache.keep(mode)
        return answer
    except Exception as problem:
        from plexsync.edges.log.redact import Redactor

        return _answer(error=Redactor().secrets_out(system.in_words(problem)))


def _prepare(plugin_dir: str, block: object, *, installs: bool) -> str:
    """Make the packages importable that a task needs; returns "" or why that is not possible now."""
    _load_site()
    from plexsync import inbox
    from plexsync.dependencies import Dependencies, Unavailable
    from plexsync.edges.log.log import Log
    from plexsync.edges.log.stash_sink import StashSink

    folder = system.data_folder(plugin_dir, os.environ)
    try:
        system.private_folder(folder)
        needs = Dependencies(plugin_dir, folder)
        if needs.use():
            return ""
        if not installs:
            return needs.missing()
        needs.install(Log(StashSink(sys.stderr)).info)
        if inbox.collect(folder, limit=1):  # events stored meanwhile
            inbox.wake(plugin_dir, folder, dumps(block).encode())
    except (Unavailable, OSError, ValueError) as problem:
        return system.in_words(problem)
    return ""


def _load_site() -> None:
    """Load site-packages, which an interpreter started with `-S` (for the hook's sake) lacks."""
    if sys.flags.no_site:
        import site

        site.main()


def _answer(*, error: str) -> bytes:
    return dumps({"error": error}).encode()


def run_worker(plugin_dir: str, clock: Clock | None = None) -> None:
    """Run the background worker; returns when it is idle, or at once if one is alive."""
    from plexsync.edges.ownership import Ownership

    system.keep_own_umask()
    plugin_dir = os.path.abspath(plugin_dir)
    block = sys.stdin.buffer.read(65536)
    folder = system.data_folder(plugin_dir, os.environ)
    system.private_folder(folder)
    ownership = Ownership(folder)
    try:
        owner = _claim(ownership)
        system.detach(keep=ownership.fileno())  # not before: `started.lock` ends with it
        if not owner and not ownership.stand_by():
            return
    except OSError as problem:
        _open_log(folder).error(
            f"The worker cannot take its lock ({system.text_of(problem)}). Check the data folder's "
            "disk and permissions; the next event starts another worker and nothing is lost."
        )
        return
    system.stop_collecting()
    log = _open_log(folder)
    if ownership.lock_elsewhere:
        log.warning(
            f"The data folder's file system does not support locks, so {ownership.lock_elsewhere} "
            "is locked instead. Let only one Stash use this folder, or let STASH_PLUGIN_DATA name "
            "one on a local disk."
        )
    if not _equip(plugin_dir, folder, log):
        return
    try:
        from plexsync import lifecycle
    except ImportError as problem:
        log.error(system.why_unloadable(problem))
        return
    try:
        lifecycle.run_worker(plugin_dir, folder, block, ownership, log, clock)
    except Exception as problem:
        import traceback

        log.error(
            f"The worker stops: {system.in_words(problem)}", trace=traceback.format_exc(limit=-6)
        )


def _claim(ownership: Ownership) -> bool:
    """Become the owner, unless another process is; disk errors are retried for two seconds."""
    for _ in range(8):
        try:
            return ownership.claim()
        except OSError:
            time.sleep(0.25)
    return ownership.claim()


def _equip(plugin_dir: str, folder: str, log: Log) -> bool:
    """Make the packages importable that the worker needs; installs them if they are missing.

    For a while after a failed attempt it gives up silently, since each event starts a worker.
    """
    from plexsync.dependencies import Dependencies, Unavailable

    try:
        needs = Dependencies(plugin_dir, folder)
        if not needs.use():
            if needs.failed(time.time()):
                return False
            needs.install(log.info)
        needs.tidy()
    except Unavailable as problem:
        log.error(str(problem))
        return False
    return True


def _open_log(folder: str) -> Log:
    """Open the worker's log, also for messages of libraries."""
    from plexsync.edges.log.log import FileSink, Log, capture

    log = Log(FileSink(os.path.join(folder, "plexsync.log")))
    capture(log)
    return log
