"""One run of pip: what it is told, how long it may take, and its many lines in a few words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from importlib import machinery

from plexsync import system

MOST_SECONDS = 600.0
"""Seconds after which pip is ended."""

_LONGEST = 300
_OTHER = re.compile(r"DO NOT MATCH THE HASHES[^=]{0,500}?\n[ \t]{1,40}([^\s=]{1,200}==\S{1,200})")
_NO_INDEX = re.compile(
    r"connection broken by|failed to connect|connection error|name resolution|read timed out", re.I
)
_FOR_PIP = re.compile(
    r"path|home|user|lang|lc_\w+|tz|(https?|all|no)_proxy|ssl_cert_(file|dir)"
    r"|pip_((extra_)?index_url|proxy|cert|client_cert|trusted_host|(default_)?timeout|retries)"
    r"|(requests|curl)_ca_bundle|python\w*|xdg_\w+|(dy)?ld_\w+"
    r"|system(root|drive)|windir|comspec|pathext|userprofile|(local)?appdata|programdata",
    re.IGNORECASE,
)
"""The variables that pip gets to see: how to reach an index, but not where else to take packages
from. A token in Stash's environment is not among them."""


class Failed(Exception):
    """Pip did not do it; the text says why."""


def run(command: list[str], folder: str, scratch: str, environ: Mapping[str, str]) -> None:
    """Run this command of pip's within `folder`; what it unpacks stays in `scratch`.

    Raises Failed with the reason in a few words.
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
        raise Failed(_reason(done.stdout.decode(errors="replace"), done.returncode))


def _environment(environ: Mapping[str, str], scratch: str) -> dict[str, str]:
    """What pip is told of our environment; what it unpacks stays in `scratch`."""
    kept = {name: value for name, value in environ.items() if _FOR_PIP.fullmatch(name)}
    ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_USER": "0", "PIP_NO_INPUT": "1"}  # it reads no file
    ours |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1"}
    ours["PIP_NO_COMPILE"] = "0"  # pip's way to say yes to this one; most modules are never loaded
    ours |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)
    return {"PIP_RETRIES": "2", **kept, **ours}


def _reason(said: str, code: int) -> str:
    """Pip's many lines in a few words."""
    if "No module named pip" in said:
        return (
            f"{sys.executable} has no pip; install it (Debian and Ubuntu: apt install python3-pip, "
            "Alpine: apk add py3-pip)"
        )
    if _NO_INDEX.search(said):
        return "pip cannot reach its package index (is there a network, or a proxy to name?)"
    system_here = f"Python {sysconfig.get_python_version()} on {sysconfig.get_platform()}"
    other = _OTHER.search(said)
    if other:
        return (
            f"the {other[1]} that pip found is not the one that PlexSync was tested with (its hash "
            f"differs): another one lies in pip's index, or none was tested for {system_here}"
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
