"""`python3 dev.py install`: copies the package's files into a Stash's plugins folder."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from plexsync import __version__
from release.package import FOLDERS, ID, ROOT, SINGLE, files


class NotInstalled(Exception):
    """It cannot be installed there; the message says why and what to do."""


def plugins_folder(stash: Path) -> Path:
    """The plugins folder of the Stash whose config.yml is in `stash`. Raises NotInstalled."""
    config = stash / "config.yml"
    try:
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotInstalled(
            f"{config} does not exist: name the folder in which Stash keeps its config.yml with "
            "--stash (Settings > System shows it)."
        ) from None
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise NotInstalled(f"{config} cannot be read: {problem}") from None
    named = settings.get("plugins_path") if isinstance(settings, dict) else None
    return stash / (named or "plugins")


def install(plugins: Path) -> Path:
    """Copy the plugin, over an older one; returns its folder. Files that Stash and PlexSync keep
    there are not touched. Raises NotInstalled, or OSError if the disk refuses.
    """
    target = plugins / ID
    for other in plugins.rglob(f"{ID}.yml"):
        if other.parent != target:
            raise NotInstalled(
                f"{other.parent} holds a plugin with the id {ID}, and Stash loads only one of the "
                "two: uninstall that one first."
            )
    wanted = dict(files(ROOT))
    for name, data in wanted.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(data)
        os.replace(beside, path)
    for folder in FOLDERS:
        for path in (target / folder).rglob("*"):
            if path.is_file() and path.relative_to(target).as_posix() not in wanted:
                path.unlink()
    return target


def uninstall(plugins: Path) -> Path:
    """Remove what `install` copied; returns the plugin's folder. Raises NotInstalled and OSError."""
    target = plugins / ID
    if not (target / f"{ID}.yml").is_file():
        raise NotInstalled(f"{target} holds no PlexSync.")
    for name in SINGLE:
        (target / name).unlink(missing_ok=True)
    for folder in FOLDERS:
        shutil.rmtree(target / folder, ignore_errors=True)
    if not any(target.iterdir()):
        target.rmdir()
    return target


def main(argv: Sequence[str]) -> int:
    """Run the command; returns 1 if nothing was installed or removed."""
    parser = argparse.ArgumentParser(prog="dev.py install", description=__doc__)
    parser.add_argument("--stash", default="~/.stash", help="where its config.yml is: ~/.stash")
    parser.add_argument("--uninstall", action="store_true", help="remove it")
    words = parser.parse_args(argv)
    try:
        plugins = plugins_folder(Path(words.stash).expanduser())
        target = uninstall(plugins) if words.uninstall else install(plugins)
    except (NotInstalled, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    if words.uninstall:
        print(f"PlexSync is no longer in {target}.")
        if target.exists():
            print("Its data is still there; remove that folder if you do not want it any more.")
    else:
        print(f"PlexSync {__version__} is in {target}.")
    print("In Stash press Settings > Plugins > Reload plugins.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
