"""A CPython for Windows under Wine, with the packages of the tests.

Run by `python3 dev.py test-windows`; what it makes lies in `.wine`, outside git, one folder per
version. The interpreter is fetched by `tests/interpreters.py`; the packages are the Windows wheels of
the project's pins.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.interpreters import PRESETS, Missing, unpack_artifact

ROOT = Path(__file__).resolve().parents[2]
MADE = ROOT / ".wine"
NEWEST = "3.12"
"""The default: the newest one that Wine 8 runs."""
COMPILER = "x86_64-w64-mingw32-gcc"
PROGRAMS = ("wine", COMPILER, "mvn")
DEBIAN = "Debian: apt install wine wine64 gcc-mingw-w64-x86-64 maven"
NOT_ON_WINDOWS = re.compile(r"^(mypy|ruff|types-|slipcover|yamllint)")
"""Development packages that the tests do not need there."""
RANDOM = """\
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE d, SIZE_T n) { return SystemFunction036(d, n); }
BOOL WINAPI DllMain(HINSTANCE i, DWORD r, LPVOID v) { return TRUE; }
"""
"""`bcryptprimitives.dll`, which pydantic_core needs and Wine 8 lacks."""


PATIENCE = "900"
"""Seconds for `simulator/patience.py`: Wine starts a worker ten times as slowly as Linux does."""
LAST_WORDS = 5.0
"""Seconds in which the output of a program that has ended is read."""
SHIMS = Path(__file__).with_name("shims.py")


class Windows:
    """One version of Windows' Python: what was made for it, and how it is run."""

    def __init__(self, version: str, made: Path = MADE) -> None:
        self.version = version
        self.folder = made / version
        self.prefix = self.folder / "prefix"
        self.home = self.prefix / "drive_c" / "Python"
        self.packages = self.home / "lib" / "site-packages"
        self.stamp = self.folder / "made"

    def environment(self) -> dict[str, str]:
        """The environment of every program in Wine."""
        kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "PYTHONPATH")}
        return {
            **kept,
            "WINEPREFIX": str(self.prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "PYTHONIOENCODING": "utf-8",
            "PLEXSYNC_PATIENCE": PATIENCE,
            "PYTHONPATH": "Z:" + str(ROOT).replace("/", "\\"),
        }

    def make(self) -> None:
        """Get interpreter and packages, unless that was done before. Raises Missing."""
        lacking = [name for name in PROGRAMS if not shutil.which(name)]
        if lacking:
            raise Missing(f"{', '.join(lacking)} not found ({DEBIAN})")
        wanted = self._fingerprint()
        if self.stamp.exists() and self.stamp.read_text(encoding="utf-8") == wanted:
            return
        print(f"Setting up Windows' Python {self.version} in .wine ...", flush=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.prefix.mkdir(parents=True)
        self.start()
        self._quietly(["wine", "winecfg", "-v", "win10"], "Wine could not be started")
        self._get_python()
        self._get_packages()
        self.stamp.write_text(wanted, encoding="utf-8")

    def start(self) -> None:
        """Start Wine's services, which would keep the pipes of the first program open."""
        self._server("-p")
        self._quietly(["wine", "cmd", "/c", "exit"], "Wine could not be started")

    def run(self, *words: str) -> int:
        """Run Python with these arguments, and print what it prints; returns its exit status."""
        command = ["wine", "C:\\Python\\python.exe", *words]
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # under Wine 8, Python cannot write to a file as its stdout
            stderr=subprocess.STDOUT,
        )
        reader = threading.Thread(target=_pass_on, args=(child.stdout,), daemon=True)
        reader.start()
        child.wait()
        reader.join(LAST_WORDS)  # what it started may live on, and have the pipe open
        return child.returncode

    def stop(self) -> None:
        """End Wine's services."""
        self._server("-k")

    def _fingerprint(self) -> str:
        files = [ROOT / "requirements.txt", ROOT / "requirements-dev.txt", SHIMS, Path(__file__)]
        return PRESETS[self.version] + "".join(path.read_text(encoding="utf-8") for path in files)

    def _server(self, word: str) -> None:
        for program in ("/usr/lib/wine/wineserver64", "wineserver"):
            if shutil.which(program):
                subprocess.run(
                    [program, word],
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
                return

    def _get_python(self) -> None:
        unpack_artifact(self.version, "windows-x86_64", self.home)
        (self.home / "lib" / "_wmi.pyd").unlink(missing_ok=True)
        shutil.copy(SHIMS, self.home / "lib" / "wine_shims.py")
        with open(self.home / "lib" / "encodings" / "__init__.py", "a", encoding="utf-8") as always:
            always.write("\nimport wine_shims\n")
        source = self.folder / "random.c"
        source.write_text(RANDOM, encoding="utf-8")
        library = self.prefix / "drive_c" / "windows" / "system32" / "bcryptprimitives.dll"
        self._quietly(
            [COMPILER, "-O2", "-s", "-shared", "-o", str(library), str(source), "-ladvapi32"],
            "bcryptprimitives.dll could not be built",
        )

    def _get_packages(self) -> None:
        lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
        needed = [line for line in lines if not NOT_ON_WINDOWS.match(line)]
        development = self.folder / "requirements-dev.txt"
        development.write_text("\n".join([*needed, "colorama"]), encoding="utf-8")
        short = self.version.replace(".", "")
        target = ["--target", str(self.packages), "--platform", "win_amd64"]
        python = ["--python-version", self.version, "--implementation", "cp"]
        abis = ["--abi", f"cp{short}", "--abi", "abi3", "--abi", "none"]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for requirements in (ROOT / "requirements.txt", development):
            self._quietly(
                [*pip, "--only-binary=:all:", "--no-compile", "--upgrade", *target, *python, *abis]
                + ["-r", str(requirements)],
                "the packages could not be fetched",
            )

    def _quietly(self, command: Sequence[str], problem: str) -> None:
        log = self.folder / "log"
        with open(log, "wb") as output:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={**self.environment(), **_without_python(os.environ)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if done.returncode:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise Missing(f"{problem}: {' '.join(last) or done.returncode}")


def _pass_on(lines: Iterable[bytes]) -> None:
    for line in lines:
        sys.stdout.write(line.decode("utf-8", "replace").replace("\r\n", "\n"))
        sys.stdout.flush()


def _without_python(environment: Mapping[str, str]) -> dict[str, str]:
    """PYTHONPATH as Windows reads it is of no use to a program of this system."""
    return {"PYTHONPATH": environment.get("PYTHONPATH", "")}
