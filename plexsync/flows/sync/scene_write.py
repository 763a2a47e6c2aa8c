"""A scene during a batch: a value that each step extends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from plexsync.flows.results import Result
from plexsync.flows.sync.picture_reader import ScenePictures
from plexsync.model.errors import SyncError
from plexsync.model.job import Job
from plexsync.model.ledger import SceneState, TargetState
from plexsync.model.plex import (
    EDITABLE,
    FIELDS,
    IMAGE,
    Base,
    Edit,
    PlexItem,
    ReadBack,
    Refusal,
    Value,
    Written,
)
from plexsync.model.scene import Scene
from plexsync.policy.desired import Desired
from plexsync.policy.matching import Match
from plexsync.policy.notes import NO_COVER, notes

Found = tuple[PlexItem, str]
"""A live item, and its file that matched."""

_UNKNOWN, _NO_MATCH = Desired(0, {}, frozenset()), Match()


@dataclass(slots=True)
class ItemWrite:
    """One Plex item of a scene.

    1. Planned (planning.py): everything up to `edits`.
    2. Images inspected (image_writer.py): `base`, `kept`, `unseen`.
    3. Sent (write_items.py): `sent`, `torn`, `words`; `done` for images.
    4. Compared with the item read back (write_record.py): `done`, `shown`, `read_back`.
    5. Concluded (write_record.py): `written`, `refused`, `dirty` are as the ledger stores them.
    """

    item: PlexItem
    part: str
    """The file that matched the scene."""
    before: TargetState
    """What the ledger had."""
    written: dict[str, Written]
    """What PlexSync has written to the item."""
    base: dict[str, Base]
    """What Plex had before PlexSync wrote anything."""
    dirty: frozenset[str]
    read_back: dict[str, ReadBack]
    refused: dict[str, Refusal]
    edits: tuple[Edit, ...]
    kept: set[str] = field(default_factory=set)
    """Images that are kept because the user selected them in Plex."""
    unseen: SyncError | None = None
    """Why it is unknown which images Plex shows; then none is uploaded."""
    sent: tuple[Edit, ...] = ()
    torn: frozenset[str] = frozenset()
    """Lists that were sent in several requests."""
    words: dict[str, str] = field(default_factory=dict)
    """Field -> Plex's message when it refused it."""
    done: set[str] = field(default_factory=set)
    shown: dict[str, Value] = field(default_factory=dict)
    """Field that is done -> what Plex shows, if that differs from what was sent."""

    @property
    def images(self) -> tuple[Edit, ...]:
        """The edits that are uploads."""
        return tuple(edit for edit in self.edits if EDITABLE[edit.field].kind == IMAGE)

    @property
    def text(self) -> tuple[Edit, ...]:
        """The other edits."""
        return tuple(edit for edit in self.edits if EDITABLE[edit.field].kind != IMAGE)


@dataclass(slots=True)
class SceneWrite:
    """One scene of a batch.

    1. Read from Stash and from the ledger (scene_reader.py): `job`, `scene`, `state`, `basis`.
    2. Given a desired state (scene_reader.py): `pictures`, `desired`, `hash`.
    3. Matched with Plex (matcher.py): `proposed` by the index; `confidence`, `matched`, `rivals`.
    4. Planned (planning.py): `items`, which their own steps extend.
    5. Sent, read back and concluded (write_items.py, write_record.py): `error`, `postponed`.
    """

    job: Job
    scene: Scene
    state: SceneState | None
    """What the ledger had."""
    desired: Desired = _UNKNOWN
    hash: str = ""
    basis: str = ""
    """The digest of all that its desired state depends on; "" if that is more than can be known."""
    pictures: ScenePictures = field(default_factory=ScenePictures)
    """Read only by `SceneReader.read_late_pictures` if the scene cannot be in step anyway."""
    proposed: Match = _NO_MATCH
    """By the index alone."""
    confidence: str = ""
    """Confidence of its match with Plex."""
    matched: Sequence[Found] = ()
    """The items that belong to the scene."""
    rivals: frozenset[int] = frozenset()
    """Scenes that have the others of its items."""
    items: list[ItemWrite] = field(default_factory=list)
    error: SyncError | None = None
    """The first error."""
    postponed: bool = False

    @property
    def values(self) -> Mapping[str, Value]:
        """What Plex should show."""
        return self.desired.values

    @property
    def changing(self) -> bool:
        """Whether anything has to be sent to Plex."""
        return any(write.edits for write in self.items)

    @property
    def touched(self) -> bool:
        """Whether sending has begun."""
        return not self.postponed or any(write.sent or write.done for write in self.items)

    @property
    def notes(self) -> str:
        """What Plex shows differently although the scene is in step; "" for nothing."""
        found = [n for w in self.items for n in notes(self.values, w.written, w.refused)]
        if self.pictures.no_cover:
            found.append(NO_COVER)
        return "; ".join(dict.fromkeys(found))

    @property
    def changed(self) -> tuple[str, ...]:
        """The fields that Plex accepted."""
        fields = {
            e.field
            for w in self.items
            for e in w.edits
            if not e.lock_only and e.field not in w.words
        }
        return tuple(name for name in FIELDS if name in fields)


def divided(
    outcomes: Iterable[SceneWrite | Result],
) -> tuple[list[SceneWrite], list[Result]]:
    """The scenes that go on to the next step, and the results of the others."""
    scenes: list[SceneWrite] = []
    ended: list[Result] = []
    for each in outcomes:
        if isinstance(each, SceneWrite):
            scenes.append(each)
        else:
            ended.append(each)
    return scenes, ended
