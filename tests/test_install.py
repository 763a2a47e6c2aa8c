"""`python3 dev.py install`, and the plugin that it leaves in a Stash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from release.package import ROOT, files
from simulator.stash import StashSim


@pytest.fixture
def stash(tmp_path: Path) -> Path:
    """A folder as Stash has it."""
    (tmp_path / "config.yml").write_text("plugins_path: extra plugins\n")
    return tmp_path


def install(stash: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "release.install", "--stash", str(stash), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def content(folder: Path) -> dict[str, bytes]:
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: data for name, data in found.items() if "__pycache__" not in name}


def test_what_a_package_holds_is_in_the_plugins_folder_and_a_save_runs_it(stash: Path) -> None:
    done = install(stash)
    target = stash / "extra plugins" / "PlexSync"
    assert (done.returncode, done.stderr) == (0, "")
    assert "Reload plugins" in done.stdout
    assert content(target) == dict(files(ROOT))
    with StashSim(plugin_dir=str(target)) as server:
        scene = server.add_scene(files=[("/data/a.mp4", 1)])
        (run,) = server.edit(scene, title="New")
        assert run.output == "ok"


def test_an_older_one_is_replaced_and_its_data_stays(stash: Path) -> None:
    install(stash)
    target = stash / "extra plugins" / "PlexSync"
    (target / "plexsync" / "gone.py").write_text("")
    (target / "data").mkdir()
    (target / "data" / "ledger.db").write_text("mine")
    (target / "PlexSync.yml").write_text("older")
    assert install(stash).returncode == 0
    assert content(target) == {**dict(files(ROOT)), "data/ledger.db": b"mine"}
    done = install(stash, "--uninstall")
    assert "Its data is still there" in done.stdout
    assert content(target) == {"data/ledger.db": b"mine"}


def test_nothing_is_left_where_there_was_no_data(stash: Path) -> None:
    install(stash)
    assert install(stash, "--uninstall").returncode == 0
    assert not (stash / "extra plugins" / "PlexSync").exists()
    again = install(stash, "--uninstall")
    assert again.returncode == 1
    assert "holds no PlexSync" in again.stderr


def test_beside_another_plugin_of_the_same_id_nothing_is_installed(stash: Path) -> None:
    other = stash / "extra plugins" / "community" / "PlexSync"
    other.mkdir(parents=True)
    (other / "PlexSync.yml").write_text("name: PlexSync\n")
    done = install(stash)
    assert done.returncode == 1
    assert f"{other} holds a plugin with the id PlexSync" in done.stderr
    assert not (stash / "extra plugins" / "PlexSync").exists()


@pytest.mark.parametrize(("text", "said"), [(None, "--stash"), ("a: [", "cannot be read")])
def test_a_folder_that_is_no_stash_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "config.yml").write_text(text)
    done = install(tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
