"""The entry point: Stash runs it for each hook and task, and they start the worker with it."""

import sys

sys.dont_write_bytecode = False  # or each hook would compile us again
HOME = __file__[: -len("/PlexSync.py")]
TOO_OLD = '{"error": "PlexSync needs Python 3.10 or newer; Stash runs it with %d.%d"}'

if sys.version_info < (3, 10):  # noqa: UP036
    sys.stdout.write(TOO_OLD % sys.version_info[:2])
elif sys.argv[1:] == ["worker"]:
    from plexsync.entry import run_worker

    run_worker(HOME)
elif __name__ == "__main__":
    from plexsync.hook import run

    run(HOME)
