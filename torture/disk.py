"""Runs a worker on a disk that becomes full, and later has space again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.world import until
from torture.stage import Stage, Verdict

SIZE = "2m"


class NoMount(Exception):
    """This machine does not allow mounting a small file system."""


class SmallDisk:
    """A context manager for a file system of 2 MiB. Raises NoMount if mounting is not allowed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def __enter__(self) -> SmallDisk:
        self.folder.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={SIZE},mode=700", "none"]
        try:
            done = subprocess.run(["mount", *options, str(self.folder)], capture_output=True)
        except OSError as problem:
            raise NoMount(str(problem)) from None
        if done.returncode:
            raise NoMount(done.stderr.decode().strip())
        return self

    def __exit__(self, *problem: object) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def fill(self, leave: int = 0) -> None:
        """Fill it, except for `leave` bytes."""
        with open(self._ballast, "ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        if leave:
            os.truncate(self._ballast, max(0, self._ballast.stat().st_size - leave))

    @property
    def is_full(self) -> bool:
        """Whether it was filled and has not been freed since."""
        return self._ballast.exists()

    def free(self) -> None:
        """Free the space again."""
        self._ballast.unlink()


@contextmanager
def small_stage(root: Path, seed: int, refused: float = 0.1) -> Iterator[tuple[Stage, SmallDisk]]:
    """A stage of twenty scenes on a small disk, all in step at first."""
    with SmallDisk(root / "disk") as disk:
        with Stage(
            root, seed, scenes=20, refused=refused, sick=0.1, data=disk.folder / "data"
        ) as stage:
            for scene in stage.films:
                stage.edit(scene)
            stage.drain()
            yield stage, disk


def run_full(stage: Stage, disk: SmallDisk, leave: int, in_the_middle: bool) -> Verdict:
    """Fill the disk before a worker starts or while it writes to Plex; free space later.

    The same worker has to survive this and finish.
    """
    puts = iter(range(10**6))

    def fill_at_the_first_write(request: object) -> bool:
        if getattr(request, "method", "") == "PUT" and next(puts) == 0:
            disk.fill(leave)
        return False

    for scene in stage.films:
        stage.edit(scene)
    if in_the_middle:
        stage.on_request = fill_at_the_first_write
    else:
        disk.fill(leave)
    worker = stage.nursery.start(stage.block())
    until(lambda: disk.is_full)
    until(lambda: stage.nursery.waited_for_room() or not stage.nursery.alive(worker))
    alive = stage.nursery.alive(worker)
    stage.on_request = lambda request: False
    disk.free()
    stage.nursery.wait(worker)
    verdict = stage.judge()
    done_anyway = leave > 100_000
    verdict.complaints += [] if alive or done_anyway else ["the worker did not wait for room"]
    return verdict
