"""What a user of a released version has, as `make.py` stored it: the plugin, its data folder, and what
Stash and Plex had."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.plex import PlexSim
from simulator.plex_items import Pictures
from simulator.stash import StashSim
from simulator.stash_data import Entity, SimFile, SimScene

ARCHIVES = {path.name.removesuffix(".tar.xz"): path for path in Path(__file__).parent.glob("*.xz")}
"""The archive of each version."""


def formats(plugin: Path) -> dict[str, int]:
    """The versions of the databases that this plugin writes."""
    texts = (path.read_text(encoding="utf-8") for path in (plugin / "plexsync/model").glob("*.py"))
    (found,) = re.findall(r"^DATABASES = (\{.*?\})", "\n".join(texts), re.MULTILINE | re.DOTALL)
    return dict(ast.literal_eval(found))


@dataclass(frozen=True, slots=True)
class Released:
    """An unpacked archive; `at` is when it was made, `parts` the scenes by the part that they play."""

    plugin: Path
    at: float
    parts: dict[str, Any]
    settings: dict[str, Any]
    servers: dict[str, Any]


def unpack(version: str, folder: Path) -> Released:
    """Unpack the archive of a version; the data folder is private, as PlexSync makes it."""
    with tarfile.open(ARCHIVES[version]) as archive:
        for member in archive:
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            content = archive.extractfile(member)
            assert content is not None, member.name
            path.write_bytes(content.read())
            path.chmod(0o600)
    for name in ("data", "data/inbox/tmp"):
        (folder / "plugin" / name).mkdir(exist_ok=True, mode=0o700)
    servers = json.loads((folder / "servers.json").read_text(encoding="utf-8"))
    return Released(
        folder / "plugin", servers["at"], servers["parts"], servers["settings"], servers
    )


def restore(servers: dict[str, Any], plex: PlexSim, stash: StashSim) -> None:
    """Give empty servers what they had when the archive was made, under the same ids and keys."""
    for saved in servers["items"]:
        _restore_item(plex, saved)
    for text in servers["images"]:
        data = base64.b64decode(text)
        plex.images[hashlib.sha1(data).hexdigest()] = data
    for saved in servers["scenes"]:
        files = [SimFile(**file) for file in saved["files"]]
        cover = base64.b64decode(saved["cover"]) if saved["cover"] else None
        scene = SimScene(**{**saved, "files": files, "cover": cover})
        stash.data.scenes[scene.id] = scene
    for kind, entities in servers["entities"].items():
        for saved in entities:
            stash.data.entities[kind][saved["id"]] = Entity(**saved)


def _restore_item(plex: PlexSim, saved: dict[str, Any]) -> None:
    files = [(path, size) for path, size in saved["files"]]
    last = max((item.key for item in plex.items()), default=0)
    for _ in range(last + 1, saved["key"]):  # keys of collections, which come into being by tags
        plex.next_key()
    item = plex.item(plex.add_item(saved["section"], files=files))
    assert item.key == saved["key"]
    plex.assign(item, saved.pop("tags"))
    saved["locks"] = set(saved["locks"])
    saved["pictures"] = {name: Pictures(**each) for name, each in saved["pictures"].items()}
    for name, value in {**saved, "files": files}.items():
        setattr(item, name, value)
