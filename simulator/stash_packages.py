"""Stash's package manager as a plugin source sees it: an index, zip files, and what it writes."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import yaml

MANIFEST = "manifest"
"""Stash's own file in each package's folder: what it is, and which files were installed."""

DATE = "%Y-%m-%d %H:%M:%S"


class PackageError(ValueError):
    """Stash would refuse this source or this package; the message says why."""


@dataclass(frozen=True, slots=True)
class Package:
    """One entry of an index; updates depend on `date`, `version` is only shown."""

    id: str
    name: str
    version: str
    date: datetime
    url: str
    sha256: str
    requires: tuple[str, ...]
    description: str


def read_index(path: Path) -> dict[str, Package]:
    """The packages of an index file by id; a single bad date makes the whole index invalid."""
    entries = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    if not isinstance(entries, list):
        raise PackageError(f"{path} is not a list of packages")
    return {str(entry.get("id")): _package(entry, path.as_uri()) for entry in entries}


def _package(entry: dict[str, Any], index: str) -> Package:
    try:
        date = datetime.strptime(entry.get("date", ""), DATE)  # noqa: DTZ007 - it is UTC
    except ValueError as problem:
        raise PackageError(f"the index cannot be read: {problem}") from None
    return Package(
        id=str(entry["id"]),
        name=str(entry.get("name", "")),
        version=str(entry.get("version", "")),
        date=date,
        url=urljoin(index, str(entry["path"])),
        sha256=str(entry["sha256"]),
        requires=tuple(entry.get("requires") or ()),
        description=str((entry.get("metadata") or {}).get("description", "")),
    )


class PluginFolder:
    """Stash's folder of plugins, with the packages installed from one source."""

    def __init__(self, root: Path, source: str = "community") -> None:
        self._home = root / source

    def folder(self, package: str) -> Path:
        """The folder of a package, even if it is not installed."""
        return self._home / package

    def installed(self, package: str) -> datetime | None:
        """The date of the installed package; None without Stash's manifest."""
        manifest = self.folder(package) / MANIFEST
        if not manifest.exists():
            return None
        held = yaml.load(manifest.read_text(), Loader=yaml.BaseLoader)  # noqa: S506
        return datetime.strptime(held["date"], DATE)  # noqa: DTZ007

    def update_available(self, package: Package) -> bool:
        """Whether Stash would offer an update."""
        date = self.installed(package.id)
        return date is not None and package.date > date

    def install(self, package: Package) -> Path:
        """Install or upgrade a package; the checksum is verified before anything changes."""
        data = Path(url2pathname(urlsplit(package.url).path)).read_bytes()
        if hashlib.sha256(data).hexdigest() != package.sha256:
            raise PackageError("cannot install package: SHA256 does not match")
        self._remove_files(package.id)
        folder, names = self.folder(package.id), []
        archive = folder.parent / f".{package.id}.zip"
        folder.mkdir(parents=True, exist_ok=True)
        archive.write_bytes(data)
        with zipfile.ZipFile(archive) as members:
            for info in members.infolist():
                if not info.is_dir():
                    self._write(folder, members, info)
                    names.append(info.filename)
        archive.unlink()
        held = {"id": package.id, "date": package.date.strftime(DATE), "files": names}
        (folder / MANIFEST).write_text(yaml.safe_dump(held))
        return folder

    def _write(self, folder: Path, members: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        target = folder / info.filename
        if not target.resolve().is_relative_to(folder.resolve()):
            raise PackageError(f"{info.filename} leads out of the package's folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        with members.open(info) as source, open(target, "wb") as file:
            shutil.copyfileobj(source, file)
        mode = stat.S_IMODE(info.external_attr >> 16)
        target.chmod(mode)

    def uninstall(self, package: str) -> None:
        """Remove the listed files, and the folder if nothing else is in it."""
        self._remove_files(package)
        try:
            os.rmdir(self.folder(package))
        except OSError:
            pass  # silently, as in Stash

    def _remove_files(self, package: str) -> None:
        manifest = self.folder(package) / MANIFEST
        if manifest.exists():
            held = yaml.load(manifest.read_text(), Loader=yaml.BaseLoader)  # noqa: S506
            for name in held["files"]:
                (self.folder(package) / name).unlink(missing_ok=True)
            manifest.unlink()
