"""`python3 dev.py lock`: updates requirements.txt and requirements-notify.txt with the hash of each
wheel that may be installed.

The versions are those in the files: change them there first, then run this. It uses pip's configured
package index.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
FILES = (ROOT / "requirements.txt", ROOT / "requirements-notify.txt")

PYTHONS = range(10, 16)
"""CPython versions from 3.10 on with existing builds."""

_SYSTEMS = re.compile(
    r"any|win32|win_amd64|win_arm64"
    r"|macosx_\d+_\d+_(x86_64|arm64|universal2)"
    r"|(manylinux(1|2010|2014|_\d+_\d+)_(x86_64|aarch64|armv7l|i686|ppc64le|riscv64)\.?)+"
    r"|(musllinux_1_\d+_(x86_64|aarch64|armv7l)\.?)+"
)
"""The systems listed in docs/install.md."""

_PIN = re.compile(r"^([\w.-]+)==([^\s\\]+)", re.MULTILINE)
_PAGE = re.compile(r"Fetching project page and analyzing links: (\S+)")
_JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


def fits(wheel: str, version: str) -> bool:
    """Whether this file name has that version, and one of our systems and Pythons."""
    parts = wheel.removesuffix(".whl").split("-")
    if len(parts) != 5 or parts[1] != version or not _SYSTEMS.fullmatch(parts[4]):
        return False
    python, abi = parts[2:4]
    if abi == "abi3":
        return int(python.removeprefix("cp3")) <= PYTHONS[0]
    return (python in ("py3", "py2.py3") and abi == "none") or (
        python == abi and python in {f"cp3{minor}" for minor in PYTHONS}
    )


def rendered(text: str, hashes: dict[str, Iterable[str]]) -> str:
    """The file's text with these hashes by package, otherwise unchanged."""
    lines = [line for line in text.splitlines() if not line.startswith(" ")]
    found = (_PIN.match(line) for line in lines)
    blocks = [
        " \\\n".join([pin[0], *(f"    --hash=sha256:{one}" for one in sorted(hashes[pin[1]]))])
        if pin
        else line
        for line, pin in zip(lines, found, strict=True)
    ]
    return "\n".join([*blocks, ""])


def _page(name: str) -> str:
    """The URL of a package in pip's index."""
    command = [sys.executable, "-m", "pip", "index", "versions", name, "-vv"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    found = _PAGE.search(said.stdout + said.stderr)
    if not found:
        sys.exit("pip does not say where it looks: update it (python3 -m pip install -U pip)")
    return found[1]


def main(words: Sequence[str]) -> int:
    """Write the files; returns 1 if a package has no wheel of its version."""
    return max(map(_lock, FILES))


def _lock(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    hashes: dict[str, Iterable[str]] = {}
    for name, version in _PIN.findall(text):
        answer = requests.get(_page(name), headers=_JSON, timeout=60)
        answer.raise_for_status()
        files = [file for file in answer.json()["files"] if fits(file["filename"], version)]
        print(f"{name} {version}: {len(files)} wheels", flush=True)
        hashes[name] = {file["hashes"]["sha256"] for file in files}
    missing = [name for name, found in hashes.items() if not found]
    if missing:
        print(f"Nothing written: no wheel of {', '.join(missing)}.", file=sys.stderr)
        return 1
    path.write_text(rendered(text, hashes), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
