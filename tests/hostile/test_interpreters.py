"""Any Python that Stash runs: a hook loads no site-packages, tasks and the worker do.

Stash replaces the first word of the manifest's `exec` and passes the others on, `-S` among them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.hostile.hook_plugin import held
from tests.hostile.test_dependencies import dependencies_point
from tests.world import TOKEN, until

PACKAGES = sysconfig.get_path("purelib")
CHATTY = "import sys; print('a .pth file that chatters'); open({mark!r}, 'w').close()\n"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the scripts are for a shell")

Python = tuple[str, dict[str, str]]
"""An interpreter, and additional environment variables of Stash."""


def _venv(folder: Path) -> tuple[str, Path]:
    """A fresh environment: its interpreter and its site-packages."""
    venv.create(folder, symlinks=os.name != "nt", with_pip=False)
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python3"))
    return python, Path(_ask(python, "sysconfig", "get_path('purelib')"))


def _ask(python: str, module: str, what: str, **env: str) -> str:
    words = [python, "-c", f"import {module}; print({module}.{what})"]
    return subprocess.check_output(words, env={**os.environ, **env}, text=True).strip()


def with_chatty_pth_files(folder: Path) -> Python:
    python, site_packages = _venv(folder / "venv")
    (site_packages / "a.pth").write_text(CHATTY.format(mark=str(folder / "mark")))
    (site_packages / "theirs.pth").write_text(f"{PACKAGES}\n")
    return python, {}


def with_pythonpath(folder: Path) -> Python:
    return _venv(folder / "venv")[0], {"PYTHONPATH": PACKAGES}


def with_packages_of_the_user(folder: Path) -> Python:
    python = getattr(sys, "_base_executable", sys.executable)
    extra = {"PYTHONUSERBASE": str(folder / "user"), "PYTHONNOUSERSITE": ""}
    user = Path(_ask(python, "site", "getusersitepackages()", **extra))
    user.mkdir(parents=True)
    (user / "theirs.pth").write_text(f"{PACKAGES}\n")
    return python, extra


def behind_a_shim(folder: Path) -> Python:
    """A wrapper such as pyenv's shims or Windows' `py`: it passes its arguments on."""
    python, site_packages = _venv(folder / "venv")
    (site_packages / "theirs.pth").write_text(f"{PACKAGES}\n")
    shim = folder / "python3"
    shim.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
    shim.chmod(0o755)
    return str(shim), {}


def _home(plugin: Path, plex: PlexSim, python: Python) -> StashSim:
    program, extra = python
    stash = StashSim(plugin_dir=str(plugin), python=program, env=extra)
    stash.set_plugin_settings({"plex_url": plex.url, "plex_token": TOKEN, "no_poster": True})
    return stash


@pytest.mark.long
@pytest.mark.parametrize(
    "interpreter",
    [
        with_chatty_pth_files,
        with_pythonpath,
        with_packages_of_the_user,
        pytest.param(behind_a_shim, marks=posix_only),
    ],
)
def test_a_save_and_a_button_work_with_any_python(
    tmp_path: Path, plugin: Path, interpreter: Callable[[Path], Python]
) -> None:
    with PlexSim(token=TOKEN) as plex:
        section = plex.add_section("Films", locations=["/data"])
        item = plex.item(plex.add_item(section, file="/data/1.mp4", size=1))
        with _home(plugin, plex, interpreter(tmp_path)) as stash:
            scene = stash.add_scene(files=[("/data/1.mp4", 1)])
            point = dependencies_point(stash.run_task("Check Setup"))
            assert (point["state"], "those of" in point["text"]) == ("ok", True)
            (run,) = stash.edit(scene, title="new")
            assert (run.error, run.output, run.log) == (None, "ok", [])
            until(lambda: item.title == "new")


@pytest.mark.long
def test_a_hook_and_a_page_read_no_pth_file_but_a_button_does(tmp_path: Path, plugin: Path) -> None:
    python = with_chatty_pth_files(tmp_path)
    mark = tmp_path / "mark"
    with PlexSim(token=TOKEN) as plex, _home(plugin, plex, python) as stash:
        (plugin / "data").mkdir(mode=0o700)
        with held(plugin / "data" / "takeover.lock"):  # so that no worker is started
            (run,) = stash.edit(stash.add_scene(files=[("/data/1.mp4", 1)]), title="new")
            assert run.stdout == b'{"output": "ok"}'
            stash.run_operation({"mode": "status"})
            assert not mark.exists()
            assert stash.run_task("Check Setup").error is None
            assert mark.exists()
