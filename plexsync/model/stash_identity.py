"""How a Stash is recognised: by the path of its database, and when some of its scenes were created.

Address, version and folders change when Stash is updated or moved; the creation times in its
database do not.
"""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import DOCUMENTS, LATEST, count, moment, versioned, words

FILE = "stash_identity.json"
SAMPLE = 25
"""How many of the oldest scenes, and of the newest, are stored."""

_VERSION = DOCUMENTS[FILE]


class Identity(NamedTuple):
    """A Stash as it was last seen.

    `scenes` are some of its scenes and when each was created, UTC seconds; `last` is the highest id
    that it had.
    """

    database: str
    scenes: Mapping[int, float]
    last: int


class IdentityAnswer(NamedTuple):
    """What a Stash returns now: its identity, and when the scenes `asked` for were created there.

    Scenes that it does not have are left out of `asked`.
    """

    itself: Identity
    asked: Mapping[int, float]


class Owner(NamedTuple):
    """The Stash to which a data folder belongs (None: not known yet), and which was refused last."""

    identity: Identity | None = None
    refused: str = ""
    refused_at: float = 0.0


def to_json(owner: Owner) -> object:
    """The state as JSON values."""
    known = owner.identity or Identity("", {}, 0)
    return {
        "version": _VERSION,
        "database": known.database,
        "scenes": {str(scene): at for scene, at in known.scenes.items()},
        "last": known.last,
        "refused": owner.refused,
        "refused_at": owner.refused_at,
    }


def parse(raw: object) -> Owner:
    """The inverse of `to_json`; raises ValueError if anything is wrong with the state."""
    fields = versioned(raw, _VERSION)
    listed = fields.get("scenes")
    if not isinstance(listed, dict) or not all(map(_is_scene, listed.items())):
        raise ValueError("it does not say which scenes")
    scenes = {int(scene): float(at) for scene, at in listed.items()}
    identity = Identity(words(fields, "database"), scenes, count(fields, "last"))
    return Owner(identity, words(fields, "refused"), moment(fields, "refused_at"))


def _is_scene(pair: tuple[object, object]) -> bool:
    scene, at = pair
    named = isinstance(scene, str) and scene.isascii() and scene.isdecimal() and len(scene) < 20
    return named and isinstance(at, (int, float)) and abs(at) <= LATEST


def is_same(known: Identity, met: IdentityAnswer) -> bool:
    """Whether both are the same Stash, judged by the scenes that both should have; an update, a
    move or a restored backup keeps them.

    If all of them are gone, Stash may have been emptied. Stash never reuses an id, so an unknown
    scene with an id up to the highest known one means another database.
    """
    here = {scene: at for scene, at in met.asked.items() if scene in known.scenes}
    alike = sum(abs(at - known.scenes[scene]) < 1.0 for scene, at in here.items())
    if here:
        return alike * 2 >= len(here)
    if not known.scenes:
        return True
    strangers = any(scene <= known.last for scene in met.itself.scenes)
    return not strangers and met.itself.database == known.database
