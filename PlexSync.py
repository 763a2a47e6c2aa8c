"""What Stash runs, once per hook and per task; the worker that they leave behind runs it too."""

import os
import sys

sys.dont_write_bytecode = False  # else each hook compiles us anew, which takes as long as Python
HOME = os.path.dirname(os.path.abspath(__file__))
TOO_OLD = '{"error": "PlexSync needs Python 3.10 or newer; Stash runs it with %d.%d"}'


def _answer(order: bytes) -> bytes:
    if sys.version_info < (3, 10):  # noqa: UP036
        return (TOO_OLD % sys.version_info[:2]).encode()
    if b'"hookContext"' in order:
        from plexsync.hook import main as run
    else:
        from plexsync.entry import run_task as run
    return run(HOME, order)


if sys.argv[1:] == ["worker"]:
    from plexsync.entry import run_worker

    run_worker(HOME)
elif __name__ == "__main__":
    out, stdin = os.dup(1), sys.stdin
    os.dup2(2, 1)  # what a library prints is no part of the answer
    os.write(out, _answer(b"" if not stdin or stdin.isatty() else stdin.buffer.read()))
    os._exit(0)
