"""`python3 dev.py test-windows [VERSION ...] [-- arguments for pytest]`: PlexSync by Windows' Python.

Runs the demo, then the tests that make sense there. Needs Wine; where it, the interpreter or a wheel
cannot be had, one line says so and nothing fails.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.interpreters import PRESETS, Missing
from tests.where_run import outcome, record
from tests.wine.prepare import MADE, NEWEST, Windows

TESTS = (
    "tests/model",
    "tests/policy",
    "tests/edges",
    "tests/hostile/test_hook_process.py",
    "tests/hostile/test_worker_process.py",
    "tests/hostile/test_tasks_process.py",
    "tests/hostile/test_setup_tasks_process.py",
    "tests/hostile/test_queue_tasks_process.py",
    "tests/hostile/test_reconcile_process.py",
)
LIMIT = 3600
"""Seconds after which a test is ended, as in pyproject.toml. Wine needs seconds of CPU time to start
a worker or a task, so that a story of eight tasks takes minutes on a busy machine."""


def main(words: Sequence[str], made: Path = MADE) -> int:
    """Run demo and tests with each version, set up in `made`; non-zero if any of them failed."""
    cut = words.index("--") if "--" in words else len(words)
    versions, tests = words[:cut] or (NEWEST,), words[cut + 1 :] or TESTS
    unknown = sorted(set(versions) - set(PRESETS))
    if unknown:
        print(f"No Windows Python {', '.join(unknown)} here; there are: {', '.join(PRESETS)}.")
        return 2
    results = {version: _with(Windows(version, made), tests) for version in versions}
    for version, result in results.items():
        print(f"Windows' Python {version} under Wine: {result}")
    return int(any("FAILED" in result for result in results.values()))


def _with(windows: Windows, tests: Sequence[str]) -> str:
    version = windows.version
    report = windows.folder / "report.xml"
    try:
        windows.make()
        windows.start()
        demo = windows.run("-m", "simulator.demo")
        report.unlink(missing_ok=True)
        options = ("-n", "2", f"--timeout={LIMIT}", f"--junitxml={report}")
        suite = windows.run("-m", "pytest", *options, *tests)
    except Missing as problem:
        return f"not run: {problem}"
    finally:
        windows.stop()
    counts = outcome(report)
    if tests == TESTS and counts:
        where, exact = f"Windows' Python {version} under Wine", PRESETS[version].partition("-")[0]
        record(where, exact, f"the demo {_word(demo)}; some of the tests: {counts}")
    return f"demo {_word(demo)}, tests {_word(suite)}: {counts or 'none ran'}"


def _word(status: int) -> str:
    return "FAILED" if status else "passed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
