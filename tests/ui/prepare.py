"""Prepares the browser tests: a browser, and a page with Stash's libraries.

Run by `python3 dev.py test-ui`, which ends with UNAVAILABLE where neither can be had; what it makes lies in `.ui`, outside git.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
MADE = HERE.parents[1] / ".ui"
SITE = MADE / "site"
"""The host page, for StashSim's `ui_dir`."""
SHOTS = MADE / "shots"
UNAVAILABLE = 77
"""The exit status where the tests cannot be run because something of the machine is missing."""
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first one has no window to draw, and takes two thirds of the others' work."""
NO_BROWSER = """\
The browser tests need Chromium. Install it (Debian: apt install chromium), or name another one:
CHROMIUM=/path/to/chrome python3 dev.py test-ui"""
NO_NODE = """\
The browser tests need Node.js 18 or later with npm, to fetch React and the other libraries of
Stash's web app. Install it (Debian: apt install nodejs npm) and run the same command again."""


def chromium() -> str:
    """Path of the browser, "" without one."""
    named = os.environ.get("CHROMIUM", "")
    if named and not shutil.which(named):
        sys.exit(f"CHROMIUM names {named}, which cannot be run.")
    return named or next(filter(None, map(shutil.which, BROWSERS)), "")


def _install_chromium() -> None:
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        _unavailable(NO_BROWSER)
    print("Installing Debian's chromium ...", flush=True)
    install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends"]
    _run(["apt-get", "-qq", "update"], NO_BROWSER)
    if subprocess.run([*install, BROWSERS[0]]).returncode:
        _run([*install, BROWSERS[1]], NO_BROWSER)


def _run(command: Sequence[str], remedy: str) -> None:
    try:
        subprocess.run(command, check=True, cwd=MADE)
    except (OSError, subprocess.CalledProcessError) as problem:
        _unavailable(f"{problem}\n{remedy}")


def _unavailable(remedy: str) -> NoReturn:
    print(remedy, file=sys.stderr)
    sys.exit(UNAVAILABLE)


def _libraries() -> None:
    """`npm ci` into `.ui`, unless exactly that was done before."""
    names = ("package.json", "package-lock.json")
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in names)).hexdigest()
    stamp = MADE / "node_modules" / "plexsync-lock"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Fetching the libraries of Stash's web app ...", flush=True)
    for name in names:
        shutil.copy(HERE / name, MADE)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run([shutil.which("npm") or "npm", "ci", *quiet], NO_NODE)
    stamp.write_text(wanted)


def main() -> None:
    """Install what is missing, and build the host page."""
    MADE.mkdir(exist_ok=True)
    if not chromium():
        _install_chromium()
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        _unavailable(NO_NODE)
    _libraries()
    subprocess.run([node, str(HERE / "host" / "build.cjs"), str(MADE), str(SITE)], check=True)


if __name__ == "__main__":
    main()
