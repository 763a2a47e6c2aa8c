"""How far the set-up on the page has come, as stored in set_up.json.

Light on purpose: each of the page's requests is a process.
"""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import DOCUMENTS, moment, versioned, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = "set_up.json"

DRY_RUN = "first_sync.json"
"""What the dry pass over all scenes has found, see policy/dry_pass.py."""

CONNECT, FIRST_SYNC = "connect", "first-sync"
STEPS = (CONNECT, "libraries", "paths", "written", FIRST_SYNC)
"""The steps of the set-up, in the order in which the page shows them."""

ALL, NOW_ON = "all", "now_on"
CHOICES = (ALL, NOW_ON)
"""How the first sync begins: with every scene, or only with what is saved from now on."""

_VERSION = DOCUMENTS[FILE]


class Saved(NamedTuple):
    """A setting that PlexSync has written in Stash: the fingerprints of its earlier values, the latest
    first, and of the present one, and when (wall-clock seconds)."""

    before: Sequence[str]
    after: str
    at: float


class SetUp(NamedTuple):
    """The steps that the user has finished, and when; the settings that PlexSync has written in
    Stash, by key, and those of them that were lost again. `salt` is that of the fingerprints, `choice`
    the one for the first sync, "" before it.
    """

    finished: Mapping[str, float]
    saved: Mapping[str, Saved] = {}
    lost: Sequence[str] = ()
    salt: str = ""
    choice: str = ""

    def finish(self, step: str, now: float, choice: str = "") -> SetUp:
        """The state once the user has finished a step."""
        finished = {**self.finished, step: now}
        return self._replace(finished=finished, choice=choice or self.choice)

    def to_json(self) -> object:
        """The state as JSON values."""
        return {
            "version": _VERSION,
            "finished": dict(self.finished),
            "saved": {key: saved._asdict() for key, saved in self.saved.items()},
            "lost": list(self.lost),
            "salt": self.salt,
            "choice": self.choice,
        }

    @classmethod
    def parse(cls, raw: object) -> SetUp:
        """Parse a stored state; raises ValueError if anything is wrong with it."""
        fields = versioned(raw, _VERSION)
        finished, saved = _object(fields, "finished"), _object(fields, "saved")
        lost, choice = fields.get("lost"), words(fields, "choice")
        if not isinstance(lost, list) or not all(isinstance(key, str) for key in lost):
            raise ValueError("lost is not a list of keys")
        if choice not in ("", *CHOICES):
            raise ValueError("choice is unknown")
        return cls(
            {step: moment(finished, step) for step in STEPS if step in finished},
            {key: _saved(saved, key) for key in saved},
            tuple(lost),
            words(fields, "salt"),
            choice,
        )


def _object(fields: dict[str, object], key: str) -> dict[str, object]:
    found = fields.get(key)
    if not isinstance(found, dict):
        raise ValueError(f"{key} is not an object")
    return found


def _saved(fields: dict[str, object], key: str) -> Saved:
    found = _object(fields, key)
    before = found.get("before")
    if not isinstance(before, list) or not all(isinstance(each, str) for each in before):
        raise ValueError("before is not a list of fingerprints")
    return Saved(tuple(before), words(found, "after"), moment(found, "at"))


FRESH = SetUp({})
"""Before the first step."""


def lost_words(keys: Sequence[str]) -> str:
    """What happened to settings that were lost, and what to do."""
    return (
        f"Settings that PlexSync had saved have their earlier values again ({', '.join(keys)}): a "
        "settings page of Stash that had been open meanwhile has probably written them back. Reload "
        "that page, then set them again."
    )
