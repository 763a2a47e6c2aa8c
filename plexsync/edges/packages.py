"""Runs pip for PlexSync's private set of packages, and verifies what it unpacked.

Compared with a plain `pip install`: pip runs for 10 minutes at most, without configuration files
and with only the environment variables that it needs (no token of Stash's environment); a failure
is one sentence with a remedy instead of dozens of lines; and no file is imported that differs from
its wheel.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from importlib import machinery
from typing import NamedTuple

from plexsync import system

MOST_SECONDS = 600.0
"""Seconds after which pip is stopped."""

_LONGEST = 300
_READ = 1 << 16
"""Bytes of what pip said, from the end."""
_OTHER = re.compile(r"DO NOT MATCH THE HASHES[^=]{0,500}?\n[ \t]{1,40}([^\s=]{1,200}==\S{1,200})")
_METADATA = re.compile(r"([^-]+)-([^-]+)(?:-py[0-9.]+)?\.(?:dist|egg)-info")
_KEPT = ("METADATA", "PKG-INFO")
_JOINTS = re.compile(r"[-_.]+")
_NO_INDEX = re.compile(
    r"connection broken by|failed to connect|connection error|name resolution|read timed out", re.I
)
_PASSED_ON = re.compile(
    r"path|home|user|lang|lc_\w+|tz|(https?|all|no)_proxy|ssl_cert_(file|dir)"
    r"|pip_((extra_)?index_url|proxy|cert|client_cert|trusted_host|(default_)?timeout|retries)"
    r"|(requests|curl)_ca_bundle|python\w*|xdg_\w+|(dy)?ld_\w+"
    r"|system(root|drive)|windir|comspec|pathext|userprofile|(local)?appdata|programdata",
    re.IGNORECASE,
)
"""The environment variables passed to pip: how to reach an index, but not where else to find
packages. Tokens in Stash's environment are not passed."""


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What a process that runs other people's code gets of our environment."""
    return {name: value for name, value in environ.items() if _PASSED_ON.fullmatch(name)}


UNFINISHED = ".tmp"
"""The ending of a folder that is no set yet, or no longer one."""


class Failed(Exception):
    """pip failed; the message says why."""


class Stamp(NamedTuple):
    """Why and when (seconds) its set was not installed, or under which fingerprint it was verified."""

    folder: str = ""
    at: float = 0.0
    why: str = ""
    verified: str = ""


def parse_stamp(value: object) -> Stamp:
    """Parse a stored state; raises ValueError or another error if it is damaged."""
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    said = (str(value.get(name, "")) for name in ("why", "verified"))
    return Stamp(str(value["folder"]), float(value["at"]), *said)


def run_pip(command: list[str], folder: str, scratch: str, environ: Mapping[str, str]) -> None:
    """Run a pip command in `folder`; its temporary files go to `scratch`.

    Raises Failed with the reason in one sentence.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_environment(environ, scratch),
            timeout=MOST_SECONDS,
            creationflags=system.WITHOUT_WINDOW,
            umask=system.PRIVATE_UMASK,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"pip did not end within {MOST_SECONDS / 60:.0f} minutes") from None
    if done.returncode < 0:
        raise Failed(f"pip was killed (signal {-done.returncode})")
    if done.returncode:
        raise Failed(_reason(done.stdout[-_READ:].decode(errors="replace"), done.returncode))


def _environment(environ: Mapping[str, str], scratch: str) -> dict[str, str]:
    """pip's environment; its temporary files go to `scratch`."""
    kept = passed_on(environ)
    ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_USER": "0", "PIP_NO_INPUT": "1"}  # it reads no file
    ours |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1"}
    ours["PIP_NO_COMPILE"] = "0"  # "0" switches compiling off; most modules are never loaded
    ours |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)
    return {"PIP_RETRIES": "2", **kept, **ours}


def _reason(said: str, code: int) -> str:
    """The reason of a failure, taken from pip's output."""
    if "No module named pip" in said:
        return (
            f"{sys.executable} has no pip; install it (Debian and Ubuntu: apt install python3-pip, "
            "Alpine: apk add py3-pip)"
        )
    if _NO_INDEX.search(said):
        return (
            "pip cannot reach its package index (is there a network connection, or a proxy to "
            "configure?)"
        )
    system_here = f"Python {sysconfig.get_python_version()} on {sysconfig.get_platform()}"
    other = _OTHER.search(said)
    if other:
        return (
            f"the {other[1]} that pip found is not the one that PlexSync was tested with (its hash "
            f"differs): pip's index has another file, or none was tested for {system_here}"
        )
    absent = re.search(r"No matching distribution found for (\S+)", said)
    if absent:
        return (
            f"there is no ready-made package {absent[1]} for {system_here} "
            f"({machinery.EXTENSION_SUFFIXES[0].strip('.')}) where pip looks"
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = (errors or lines or [f"exit status {code}"])[-1]
    return f"pip said: {last.removeprefix('ERROR:').strip().rstrip('.')[:_LONGEST]}"


_LARGEST = 64 << 20
_DIGESTS = ("sha256", "sha384", "sha512")
_CACHE = "__pycache__"


def flaw(folder: str) -> str:
    """The first difference from the packages' records in this folder; "" if none. Deletes bytecode.

    Raises OSError if the folder cannot be read.
    """
    _discard_bytecode(folder)
    known: set[str] = set()
    for record in _records(folder):
        for path, digest in _rows(folder, record):
            if path.startswith("..") or path.endswith(".pyc"):
                continue  # a script outside the packages, or bytecode, which Python writes itself
            known.add(path)
            if path != record and not _is_as_packed(os.path.join(folder, path), digest):
                return f"{path} differs from its package"
    extra = next((path for path in _importable(folder) if path not in known), "")
    return f"{extra} belongs to no package" if extra else ""


def fingerprint(folder: str) -> str:
    """A hash that changes whenever pip installs something in the folder. Raises OSError."""
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
    """The relative paths of all files that an import could run."""
    endings = tuple(machinery.all_suffixes())
    for place, folders, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
        for name in folders:
            if os.path.islink(os.path.join(place, name)):
                yield os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")


def _discard_bytecode(folder: str) -> None:
    """Delete cached bytecode, which Python would run without checking its content."""
    for place, folders, _ in os.walk(folder):
        if _CACHE in folders:
            folders.remove(_CACHE)
            shutil.rmtree(os.path.join(place, _CACHE))


def is_closed(place: str) -> bool:
    """Whether others can be kept from writing to this folder."""
    try:
        system.private_folder(place)  # a manual installation may have left it open
    except OSError:
        return False
    return system.is_private(place)


def versions(names: Iterable[str], places: Iterable[str]) -> dict[str, str]:
    """The version of each of these packages that an import would find in these folders; missing ones,
    and those without metadata, are left out.

    It is taken from the name of the metadata's folder, `name-version.dist-info`: each start of a
    worker or a task asks, and importlib.metadata, which reads the metadata, takes ten times as long.
    """
    wanted, found = {_normal(name): name for name in names}, dict[str, str]()
    for place in places:
        for entry in _entries(place):
            meta = _METADATA.fullmatch(entry)
            name = wanted.get(_normal(meta[1])) if meta else None
            if meta and name and name not in found:
                kept = any(os.path.isfile(os.path.join(place, entry, file)) for file in _KEPT)
                found[name] = meta[2] if kept else ""
    return {name: version for name, version in found.items() if version}


def _entries(place: str) -> list[str]:
    try:
        return os.listdir(place or os.curdir)
    except OSError:
        return []  # the path may name folders that do not exist, and archives


def _normal(name: str) -> str:
    """The name as packages are compared: case, and which of "-", "_" and "." it has, do not count."""
    return _JOINTS.sub("-", name).lower()


def discard(path: str) -> None:
    """Delete a folder; it is renamed first, so that what is left of it is never taken for a set."""
    doomed = path
    try:
        if not path.endswith(UNFINISHED):
            doomed = f"{path}.{os.urandom(4).hex()}{UNFINISHED}"
            os.rename(path, doomed)
    except OSError:
        return  # it is missing, or (on Windows) another process has a file in it open
    shutil.rmtree(doomed, ignore_errors=True)
