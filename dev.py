#!/usr/bin/env python3
"""All commands for developers: `python3 dev.py demo | test | test-ui | lint | bench | ...`.

Needs only Python 3.10 or later: the first command creates `.venv` from the pinned requirements,
later ones use it. Arguments after the command are passed on, for example `python3 dev.py test -k
hook`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parent
VENV = ROOT / os.environ.get("PLEXSYNC_VENV", ".venv")
REQUIREMENTS = ("requirements.txt", "requirements-notify.txt", "requirements-dev.txt")
DRIVER = ROOT / ".ui" / "packages"
"""The browser's driver, beside the environment: only the browser tests need it."""
UI_REQUIREMENTS = "requirements-ui.txt"
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts")
"""Apprise works without what its --no-deps leaves out, and pip need not warn of it."""
OLDEST = (3, 10)
COVERAGE = ROOT / ".coverage.json"
MINIMUM = 80
"""Percent of lines and branches that the suite has to run."""
LEAST_COVERED = 10
"""Files that are listed after a run."""
PROCESSES = str(2 * (os.cpu_count() or 1))
"""That run tests: for half of their time they wait."""
IN_PARALLEL = ("-n", PROCESSES, "--dist", "worksteal")
"""How pytest runs many tests: the long ones come first."""
MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Free bytes of memory needed for the tests' files; a run of the suite uses a tenth."""


def venv_python() -> Path:
    """The interpreter of `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(requirements: Sequence[str]) -> str:
    """Identifies an environment: a hash of its requirements and the Python version."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in requirements)
    return hashlib.sha256(f"{sys.version}\n{text}".encode()).hexdigest()


def set_up() -> None:
    """Create `.venv` with exactly the pinned packages, unless it exists."""
    stamp = VENV / "plexsync-requirements"
    wanted = fingerprint(REQUIREMENTS)
    if venv_python().exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Setting up {VENV.name} from {' and '.join(REQUIREMENTS)} ...", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    pip = [str(venv_python()), *PIP]
    try:
        venv.create(VENV, with_pip=True, symlinks=os.name != "nt")
        for name in REQUIREMENTS:  # one by one: pip requires all hashes or none
            whole = ["--no-deps"] if "--hash" in (ROOT / name).read_text(encoding="utf-8") else []
            subprocess.run([*pip, *whole, "-r", str(ROOT / name)], check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.exit(
            f"Could not set up {VENV.name}: {problem}\n"
            "It needs the venv module (Debian: apt install python3-venv) and a network "
            "connection to install packages; then run the same command again."
        )
    stamp.write_text(wanted)


def set_up_driver() -> None:
    """Fetch exactly the pinned driver, unless it is there."""
    stamp = DRIVER / "plexsync-requirements"
    wanted = fingerprint((UI_REQUIREMENTS,))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Fetching the browser's driver of {UI_REQUIREMENTS} ...", flush=True)
    shutil.rmtree(DRIVER, ignore_errors=True)
    if run(*PIP, "--no-deps", "--target", str(DRIVER), "-r", UI_REQUIREMENTS):
        sys.exit("Could not fetch it; with a network connection run the same command again.")
    stamp.write_text(wanted)


def run(*command: str, more: Mapping[str, str] = MappingProxyType({})) -> int:
    """Run a command with the project's Python in the project's folder, with `more` in its
    environment.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    with subprocess.Popen([str(venv_python()), *command], cwd=ROOT, env=environment) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the child receives it too, and cleans up


def demo(words: Sequence[str]) -> int:
    """Run a demonstration against the simulated servers; exits non-zero if anything differs."""
    return run("-m", "simulator.demo", *words)


def test(words: Sequence[str]) -> int:
    """Run all tests but those of `torture`; arguments go to pytest, and choose what is run."""
    chosen = words or (*IN_PARALLEL, "-m", "not torture")
    return run("-m", "pytest", *chosen, more=scratch())


def coverage(words: Sequence[str]) -> int:
    """Run the whole suite and measure how much of the plugin it runs; fails if that is too little."""
    COVERAGE.unlink(missing_ok=True)
    measure = ("-m", "slipcover", "--json", "--out", str(COVERAGE))
    suite = ("-m", "pytest", *IN_PARALLEL, *words)
    return run(*measure, *suite, more=scratch()) or coverage_gate()


def coverage_gate() -> int:
    """Print how much of the plugin the tests ran, the least covered files first; 1 if too little."""
    report = json.loads(COVERAGE.read_text(encoding="utf-8"))
    total = report["summary"]["percent_covered"]
    files = sorted(
        (each["summary"]["percent_covered"], name) for name, each in report["files"].items()
    )
    for percent, name in files[:LEAST_COVERED]:
        print(f"{percent:5.1f} % {name}")
    print(
        f"{total:5.1f} % of the lines and branches of plexsync, at least {MINIMUM} % are required"
    )
    return int(total < MINIMUM)


def test_python(words: Sequence[str]) -> int:
    """Run the suite with other Pythons: `test-python 3.10 3.14 musl [-- arguments for pytest]`."""
    from tests.interpreters import run_suite

    cut = words.index("--") if "--" in words else len(words)
    results = {version: run_suite(version, words[cut + 1 :]) for version in words[:cut]}
    for version, result in results.items():
        print(f"Python {version}: {result}")
    words_of = {result.partition(":")[0] for result in results.values()}
    return 0 if "passed" in words_of and "FAILED" not in words_of else 1


def test_windows(words: Sequence[str]) -> int:
    """Run demo and tests by Windows' Python under Wine: `test-windows 3.12 [-- for pytest]`."""
    return run("-m", "tests.wine.run", *words, more=scratch())


def scratch() -> dict[str, str]:
    """The environment that puts the tests' files into memory, on Linux with enough of it.

    Every story creates databases and journals that are synced to the disk, which would take the
    suite longer than its computation. An empty PYTHONDONTWRITEBYTECODE lets the hundreds of
    interpreters that tests start share compiled modules, even where the machine disables that.
    """
    environment = {"PYTHONDONTWRITEBYTECODE": ""}
    if MEMORY.is_dir() and "TMPDIR" not in os.environ:
        disk = os.statvfs(MEMORY)
        if disk.f_bavail * disk.f_frsize > ROOM and not disk.f_flag & os.ST_NOEXEC:
            environment["TMPDIR"] = str(MEMORY)
    return environment


def test_ui(words: Sequence[str]) -> int:
    """Test the page in a real browser (status 77: none); --prepare only fetches it, --screenshots updates docs/images."""
    set_up_driver()
    named = any((ROOT / word.partition("::")[0]).exists() for word in words)
    tests = words if named else ("tests/ui", "-n", PROCESSES, *words)
    with_driver = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, DRIVER)))}
    prepared = run("tests/ui/prepare.py")
    if prepared or "--prepare" in words:
        return prepared
    return run("-m", "pytest", *tests, more={**scratch(), **with_driver})


def lint(words: Sequence[str]) -> int:
    """Check style, formatting and types."""
    steps = (
        ("-m", "ruff", "check", *words, "."),
        ("-m", "ruff", "format", "--check", "."),
        ("-m", "mypy"),
    )
    return max(run(*step) for step in steps)


def check(words: Sequence[str]) -> int:
    """Do what CI does before the tests: lint, and beside it the counted work (bench --quick)."""
    with ThreadPoolExecutor(2) as both:
        parts = [both.submit(lint, words), both.submit(bench, ("--quick",))]
    return max(part.result() for part in parts)


def bench(words: Sequence[str]) -> int:
    """Run the benchmarks; prints one table of figures."""
    return run("-m", "bench", *words)


def torture(words: Sequence[str]) -> int:
    """Run the tests that `test` leaves out (--tests: only these), then the long crash tests."""
    only_tests = list(words) == ["--tests"]
    wrong = 0
    if only_tests or not words:
        wrong = run("-m", "pytest", *IN_PARALLEL, "-m", "torture", more=scratch())
    return wrong if only_tests else run("-m", "torture", *words) or wrong


def docs(words: Sequence[str]) -> int:
    """Write the generated documents; --check only lists stale ones."""
    return run("-m", "docgen", *words)


def live(words: Sequence[str]) -> int:
    """Check that real servers behave as expected: --stash URL --plex URL [--write SCENE]."""
    return run("-m", "plexsync.flows.contact.command", *words)


def contract(words: Sequence[str]) -> int:
    """Play the whole chain on an empty Plex and an empty Stash, then `live --write`; see --help."""
    return run("-m", "tests.contract.real_servers", *words)


def package(words: Sequence[str]) -> int:
    """Build the package for users: PlexSync.zip and index.yml in dist (--out DIR: elsewhere)."""
    return run("-m", "release.package", *words)


def install(words: Sequence[str]) -> int:
    """Copy the plugin into a Stash: --stash DIR (~/.stash), --uninstall."""
    return run("-m", "release.install", *words)


def lock(words: Sequence[str]) -> int:
    """Update the lists of packages for users with the hash of each wheel of their versions."""
    return run("-m", "release.lock", *words)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo,
    "test": test,
    "coverage": coverage,
    "test-ui": test_ui,
    "test-python": test_python,
    "test-windows": test_windows,
    "lint": lint,
    "check": check,
    "bench": bench,
    "torture": torture,
    "docs": docs,
    "live": live,
    "contract": contract,
    "package": package,
    "install": install,
    "lock": lock,
}


def main(argv: Sequence[str]) -> int:
    """Set up, then run the command named by the first argument."""
    if sys.version_info < OLDEST:
        sys.exit(f"PlexSync needs Python 3.10 or later; this is {sys.version.split()[0]}.")
    command = COMMANDS.get(argv[0]) if argv else None
    if command is None:
        print(__doc__)
        for name, action in COMMANDS.items():
            print(f"  {name:14}{(action.__doc__ or '').strip()}")
        return 2
    if command is not test_python:
        set_up()
    return command(argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
