#!/usr/bin/env python3
"""Everything a developer runs: `python3 dev.py demo | test | lint | bench | torture | live`.

Needs Python 3.10 or later and nothing else: the first command makes `.venv` from the pinned
requirements, later ones use it. Words after the command are passed on, for example
`python3 dev.py test -k hook`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
OLDEST = (3, 10)


def venv_python() -> Path:
    """The interpreter of `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint() -> str:
    """What `.venv` was made from: the requirements and the Python version."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in REQUIREMENTS)
    return hashlib.sha256(f"{sys.version}\n{text}".encode()).hexdigest()


def set_up() -> None:
    """Make `.venv` with exactly the pinned packages, unless it is there already."""
    stamp = VENV / "plexsync-requirements"
    wanted = fingerprint()
    if venv_python().exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print("Setting up .venv from requirements.txt and requirements-dev.txt ...", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True)
        pip = [str(venv_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(ROOT / REQUIREMENTS[1])], check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.exit(
            f"Could not set up .venv: {problem}\n"
            "It needs the venv module (Debian: apt install python3-venv) and a network "
            "connection to install packages; then run the same command again."
        )
    stamp.write_text(wanted)


def run(*command: str) -> int:
    """Run one command with the project's Python in the project's folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([str(venv_python()), *command], cwd=ROOT, env=environment) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the child got it too, and cleans up behind itself


def demo(words: Sequence[str]) -> int:
    """The main job for real, against the simulated servers; exits non-zero if anything differs."""
    return run("-m", "simulator.demo", *words)


def test(words: Sequence[str]) -> int:
    """The whole test suite with its coverage gate; words go to pytest (and then no gate)."""
    if words:
        return run("-m", "pytest", *words)
    return run("-m", "pytest", "-n", "auto", "--cov", "--cov-report=term:skip-covered")


def lint(words: Sequence[str]) -> int:
    """Style, formatting and types."""
    steps = (
        ("-m", "ruff", "check", *words, "."),
        ("-m", "ruff", "format", "--check", "."),
        ("-m", "mypy"),
    )
    return max(run(*step) for step in steps)


def bench(words: Sequence[str]) -> int:
    """One table of figures."""
    return run("-m", "bench", *words)


def torture(words: Sequence[str]) -> int:
    """The long crash tests: kills, full disks, every n-th system call; prints seed and figures."""
    return run("-m", "torture", *words)


def live(words: Sequence[str]) -> int:
    """Read-only contract checks against real servers: --stash URL --plex URL [--write SCENE]."""
    return run("tests/live/contract.py", *words)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo,
    "test": test,
    "lint": lint,
    "bench": bench,
    "torture": torture,
    "live": live,
}


def main(argv: Sequence[str]) -> int:
    """Set up, then do what the first word says."""
    if sys.version_info < OLDEST:
        sys.exit(f"PlexSync needs Python 3.10 or later; this is {sys.version.split()[0]}.")
    command = COMMANDS.get(argv[0]) if argv else None
    if command is None:
        print(__doc__)
        for name, action in COMMANDS.items():
            print(f"  {name:8}{(action.__doc__ or '').strip()}")
        return 2
    set_up()
    return command(argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
