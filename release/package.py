"""`python3 dev.py package`: builds PlexSync.zip and index.yml, as served by a plugin source for
Stash.

Builds are reproducible on every system: the archive is uncompressed (compressors differ), sorted,
with fixed times and modes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from plexsync import __version__

ROOT = Path(__file__).resolve().parent.parent
ID = "PlexSync"
ZIP, INDEX = f"{ID}.zip", "index.yml"

SINGLE = ("LICENSE", "PlexSync.py", "PlexSync.yml", "requirements.txt", "requirements-notify.txt")
FOLDERS = {
    "plexsync": (".py",),
    "web": (".css", ".html", ".js", ".json", ".png", ".svg", ".woff2"),
}
"""What the package contains: these files, and files with these endings in these folders."""

TEXTS = (".css", ".html", ".js", ".json", ".py", ".svg", ".txt", ".yml", "")
NEVER = "1980-01-01 00:00:00"
"""The date of unreleased builds, so that any release counts as an update."""

_HEADING = re.compile(
    r"^## \[?([^\]\s]+)\]?(?: - (\d{4}-\d\d-\d\d(?: \d\d:\d\d)?))?\s*$", re.MULTILINE
)


class NotReady(Exception):
    """It cannot be packaged or released; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Release:
    """The package's entry in the index; `date` is YYYY-MM-DD HH:MM:SS, NEVER if unreleased."""

    name: str
    version: str
    description: str
    date: str

    @property
    def released(self) -> bool:
        """Whether CHANGELOG.md has this version on top, with a date."""
        return self.date != NEVER


def read_release(root: Path) -> Release:
    """Name and description from the manifest, the version from the code, the date from CHANGELOG.

    Raises NotReady if manifest and code have different versions, or the date is invalid.
    """
    manifest = yaml.safe_load((root / "PlexSync.yml").read_text(encoding="utf-8"))
    if manifest["version"] != __version__:
        raise NotReady(
            f"PlexSync.yml has version {manifest['version']}, plexsync/__init__.py has "
            f"{__version__}: run python3 dev.py docs."
        )
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    day = release_date(changes, __version__)
    return Release(manifest["name"], __version__, " ".join(manifest["description"].split()), day)


def release_date(changelog: str, version: str) -> str:
    """The release date of this version; NEVER if there are unreleased changes above its entry.

    Raises NotReady unless it is later than that of every other release, and the version is new: Stash
    finds updates by the date, and its page tells those of one day apart by the version.
    """
    parts = _HEADING.split(changelog)[1:]
    entries = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    for number, (name, day, text) in enumerate(entries):
        if name == version and day:
            when = _moment(name, day)
            for older, its_day, _ in entries[number + 1 :]:
                if older == version:
                    raise NotReady(
                        f"CHANGELOG.md: {version} was released before. Raise the version."
                    )
                if its_day and _moment(older, its_day) >= when:
                    raise NotReady(
                        f"CHANGELOG.md: {version} is not later than {older}, so Stash would not offer "
                        f"it as an update. Add a time of day: ## {version} - {day[:10]} 15:30"
                    )
            return when.isoformat(" ")
        if name != "Unreleased" or text.strip():
            break
    return NEVER


def _moment(version: str, day: str) -> datetime:
    try:
        return datetime.fromisoformat(day)
    except ValueError:
        raise NotReady(f"CHANGELOG.md: {day} of {version} is not a date.") from None


def files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Name in the archive and content of each file of the package, sorted by name."""
    found = [root / name for name in SINGLE]
    for folder, kinds in FOLDERS.items():
        found += [
            path
            for path in (root / folder).rglob("*")
            if path.suffix in kinds and path.is_file() and not _hidden(path.relative_to(root))
        ]
    for path in sorted(found, key=lambda path: path.relative_to(root).as_posix()):
        data = path.read_bytes()
        if path.suffix in TEXTS:
            data = data.replace(b"\r\n", b"\n")  # a checkout on Windows may have CRLF line ends
        yield path.relative_to(root).as_posix(), data


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "__pycache__")) for part in path.parts)


def archive(root: Path) -> bytes:
    """The zip file's bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as target:
        for name, data in files(root):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = 0o100644 << 16
            target.writestr(entry, data)
    return whole.getvalue()


def index(release: Release, package: bytes) -> str:
    """The index of a plugin source with this one package; its `path` is relative to the index."""
    fields = {
        "name": release.name,
        "version": release.version,
        "date": release.date,
        "path": ZIP,
        "sha256": hashlib.sha256(package).hexdigest(),
    }
    lines = [f"  {key}: {_quoted(value)}" for key, value in fields.items()]
    about = ["  metadata:", f"    description: {_quoted(release.description)}"]
    return "\n".join([f"- id: {ID}", *lines, *about, ""])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def build(root: Path, out: Path) -> Release:
    """Write both files into `out`; returns what was packaged."""
    release = read_release(root)
    package = archive(root)
    out.mkdir(parents=True, exist_ok=True)
    (out / ZIP).write_bytes(package)
    (out / INDEX).write_bytes(index(release, package).encode())
    return release


def main(argv: Sequence[str]) -> int:
    """Run the command; returns 1 if it cannot be packaged or released."""
    parser = argparse.ArgumentParser(prog="dev.py package", description=__doc__)
    parser.add_argument("--out", default=os.fspath(ROOT / "dist"), help="default: dist")
    parser.add_argument("--tag", help="fail unless this tag (v1.2.3) is the version to release")
    words = parser.parse_args(argv)
    out = Path(words.out)
    try:
        if words.tag:
            _check_tag(words.tag, read_release(ROOT))
        release = build(ROOT, out)
    except (NotReady, OSError) as problem:
        print(f"Not packaged: {problem}", file=sys.stderr)
        return 1
    size = (out / ZIP).stat().st_size
    print(f"{out / ZIP}: {ID} {release.version}, {size / 1024:.0f} KiB")
    print(f"{out / INDEX}: dated {release.date}")
    if not release.released:
        print(
            f"CHANGELOG.md has no dated entry for {release.version} on top, so this is not a release: "
            f"the date {NEVER} lets Stash offer every release as an update of it."
        )
    return 0


def _check_tag(tag: str, release: Release) -> None:
    if tag != f"v{release.version}":
        raise NotReady(f"the tag {tag} is not v{release.version}, the version of the code.")
    if not release.released:
        raise NotReady(
            f"CHANGELOG.md needs the heading `## {release.version} - YYYY-MM-DD` on top, with "
            "nothing unreleased above it."
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
