"""Counts the functions and types of values between a save in Stash and the request to Plex.

Run within a checkout of any revision: `PYTHONPATH=. python docgen/hops.py`. One scene is saved, the
hook and then a worker run in this process against the simulated servers, and at each place where
the change crosses a border (record written, record taken over, scene read from Stash, item read
from Plex, PUT sent) all of PlexSync's functions on the call stack are recorded, and all values of
its own types that they hold in their variables, alone or in a list. What such a value is made of is
not counted again, nor is what belongs to the settings instead of the change. Prints both as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import FrameType

from plexsync import hook
from plexsync.system import LockFile
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import TOKEN, World

CROSSINGS = (b"PlexSyncScenes(", b"GET /library/metadata/", b"PUT /")
"""Parts of the three requests that are crossings; the two before them are files of the inbox."""
INSIDE = os.path.dirname(os.path.abspath(hook.__file__)) + os.sep
SETTINGS = {"Connection", "PlexSyncConfig", "SceneParts"}
"""Values that every change finds in place: where Stash is, the settings, and what they need of a scene."""


class Trail:
    """Records the call stack at each crossing, until the PUT is sent."""

    def __init__(self) -> None:
        self.functions: set[str] = set()
        self.shapes: set[str] = set()
        self.ended = False

    def watch(self, event: str, arguments: tuple[object, ...]) -> None:
        """Python's audit hook."""
        if self.ended or not _is_crossing(event, arguments):
            return
        for frame in _frames(sys._getframe(1)):
            code = frame.f_code
            file = code.co_filename.removeprefix(INSIDE)
            self.functions.add(f"{file} {code.co_firstlineno} {code.co_name}")
            for value in frame.f_locals.values():
                self._note(value)
        sent = arguments[1] if event == "http.client.send" else b""
        self.ended = isinstance(sent, bytes) and sent.startswith(CROSSINGS[-1])

    def _note(self, value: object, depth: int = 0) -> None:
        kind = type(value)
        if kind.__module__.startswith("plexsync.") and _is_shape(kind):
            self.shapes.add(f"{kind.__module__}.{kind.__name__}")
        inner = list(value.values()) if isinstance(value, dict) else value
        if depth < 2 and isinstance(inner, (list, tuple)) and inner:
            self._note(inner[0], depth + 1)


def _is_crossing(event: str, arguments: tuple[object, ...]) -> bool:
    if event in ("os.rename", "os.remove"):
        return f"{os.sep}inbox{os.sep}" in os.fsdecode(str(arguments[0]))
    if event != "http.client.send":
        return False
    sent = arguments[1]
    return isinstance(sent, bytes) and (
        CROSSINGS[0] in sent or sent.startswith((CROSSINGS[1], CROSSINGS[2]))
    )


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(INSIDE) and not code.co_name.startswith("<"):
            yield frame
        frame = frame.f_back


def _is_shape(kind: type) -> bool:
    if kind.__name__ in SETTINGS:
        return False
    return is_dataclass(kind) or hasattr(kind, "_fields") or kind.__name__ == "Record"


def main() -> None:
    """Save one scene and follow it."""
    trail = Trail()
    with (
        tempfile.TemporaryDirectory() as folder,
        PlexSim(token=TOKEN) as plex,
        StashSim() as stash,
    ):
        os.environ["STASH_PLUGIN_DATA"] = folder
        world = World(Path(folder), plex, stash)
        scene, _ = world.pair("a.mp4", title="T", details="D")
        event = {"id": scene, "type": "Scene.Update.Post", "input": None, "inputFields": ["title"]}
        order = {"server_connection": {}, "args": {"hookContext": event}}
        alive = LockFile(os.path.join(folder, "worker.lock"))
        alive.acquire()  # looks like a living worker, so that the hook starts none
        sys.addaudithook(trail.watch)
        hook.main(folder, json.dumps(order, separators=(",", ":")).encode())
        alive.release()
        world.run()
        world.close()
    assert trail.ended, "Plex was sent no PUT"
    print(json.dumps({"functions": sorted(trail.functions), "shapes": sorted(trail.shapes)}))


if __name__ == "__main__":
    main()
