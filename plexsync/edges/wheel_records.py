"""What pip unpacked, against the RECORD of each package: every file as it was packed, none besides."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
from collections.abc import Iterator
from importlib import machinery

from plexsync import system

_LARGEST = 64 << 20
_DIGESTS = ("sha256", "sha384", "sha512")
_CACHE = "__pycache__"


def flaw(folder: str) -> str:
    """What is not as the packages in this folder say; "" when all is. Bytecode is discarded.

    Raises OSError when the folder cannot be read.
    """
    _discard_bytecode(folder)
    known: set[str] = set()
    for record in _records(folder):
        for path, digest in _rows(folder, record):
            if path.startswith("..") or path.endswith(".pyc"):
                continue  # a script beside the packages; bytecode, which Python writes itself
            known.add(path)
            if path != record and not _is_as_packed(os.path.join(folder, path), digest):
                return f"{path} is not as it was packed"
    extra = next((path for path in _importable(folder) if path not in known), "")
    return f"{extra} belongs to no package" if extra else ""


def fingerprint(folder: str) -> str:
    """Another one whenever pip has installed something else there. Raises OSError."""
    whole = hashlib.sha256()
    for record in _records(folder):
        whole.update(record.encode() + b"\0" + _read(os.path.join(folder, record)))
    return whole.hexdigest()


def _records(folder: str) -> list[str]:
    names = sorted(name for name in os.listdir(folder) if name.endswith(".dist-info"))
    return [f"{name}/RECORD" for name in names]


def _rows(folder: str, record: str) -> Iterator[tuple[str, str]]:
    text = _read(os.path.join(folder, record)).decode("utf-8", "replace")
    for row in csv.reader(text.splitlines()):
        if row:
            yield row[0], row[1] if len(row) > 1 else ""


def _is_as_packed(path: str, digest: str) -> bool:
    kind, _, wanted = digest.partition("=")
    if kind not in _DIGESTS:
        return False
    try:
        found = hashlib.new(kind, _read(path)).digest()
    except OSError:
        return False
    return base64.urlsafe_b64encode(found).decode().rstrip("=") == wanted


def _read(path: str) -> bytes:
    try:
        return system.read_regular(path, _LARGEST)
    except ValueError as problem:
        raise OSError(f"{path}: {problem}") from None


def _importable(folder: str) -> Iterator[str]:
    """Every file that an import could run, by its path within the folder."""
    endings = tuple(machinery.all_suffixes())
    for place, folders, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
        for name in folders:
            if os.path.islink(os.path.join(place, name)):
                yield os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")


def _discard_bytecode(folder: str) -> None:
    """Python takes it for the source's without a look at what is in it."""
    for place, folders, _ in os.walk(folder):
        if _CACHE in folders:
            folders.remove(_CACHE)
            shutil.rmtree(os.path.join(place, _CACHE))
