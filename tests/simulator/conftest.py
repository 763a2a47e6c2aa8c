"""A plugin for tests of the simulated Stash: records its input, and answers as configured."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.stash import StashSim

TRIGGERS = [
    *(f"Scene.{action}.Post" for action in ("Create", "Update", "Destroy")),
    *(f"{kind}.{a}.Post" for kind in ("Performer", "Studio", "Tag") for a in ("Update", "Destroy")),
    *(f"Group.{action}.Post" for action in ("Update", "Destroy")),
    "Tag.Merge.Post",
]


class Recorder:
    """A plugin folder; its script stores each stdin as a numbered file and then runs `body`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "plugins" / "PlexSync"
        self.heard = folder / "heard"
        self.folder.mkdir(parents=True)
        self.heard.mkdir()
        self.write(TRIGGERS)

    def write(self, triggers: list[str], body: str = 'print(\'{"output": "ok"}\')') -> str:
        """Write manifest and script; gives the plugin's folder."""
        (self.folder / "PlexSync.yml").write_text(
            "name: Recorder\n"
            'exec: [python3, "{pluginDir}/record.py"]\n'
            f"hooks:\n  - name: all\n    triggeredBy: {json.dumps(triggers)}\n"
            "tasks:\n  - name: Work\n    defaultArgs: {mode: work, count: 5}\n"
        )
        script = f"""\
            import json, os, sys, time, uuid
            raw = sys.stdin.buffer.read()
            path = os.path.join({str(self.heard)!r}, f"{{time.time_ns():020}}-{{uuid.uuid4()}}")
            with open(path + ".tmp", "wb") as file:
                file.write(raw)
            os.rename(path + ".tmp", path)
            call = json.loads(raw)
            """
        (self.folder / "record.py").write_text(textwrap.dedent(script) + textwrap.dedent(body))
        return str(self.folder)

    def calls(self) -> list[bytes]:
        """Every stdin so far, oldest first."""
        names = sorted(p for p in self.heard.iterdir() if p.suffix != ".tmp")
        return [name.read_bytes() for name in names]

    def contexts(self) -> list[dict[str, Any]]:
        """The hook contexts so far."""
        return [json.loads(call)["args"]["hookContext"] for call in self.calls()]

    def forget(self) -> None:
        """Start counting afresh."""
        for path in self.heard.iterdir():
            path.unlink()


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


@pytest.fixture
def stash(recorder: Recorder) -> Iterator[StashSim]:
    """A Stash with the recording plugin, nothing in it."""
    with StashSim(str(recorder.folder), host="0.0.0.0") as sim:
        yield sim


Ask = Callable[..., Any]


@pytest.fixture
def ask() -> Ask:
    """`ask(sim, query, variables, **headers)`: the `data` of a GraphQL answer."""

    def run(sim: StashSim, query: str, variables: Any = None, **headers: str) -> Any:
        body = {"query": query, "variables": variables}
        answer = requests.post(f"{sim.url}/graphql", json=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert "errors" not in found, found["errors"]
        return found["data"]

    return run
