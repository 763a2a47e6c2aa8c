"""What is known of one scene during a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.model.ledger import KEPT, LEFT_OUT, RIVAL, SHARED, UNDONE, Observation, SceneState
from plexsync.model.scene import Scene
from plexsync.policy import dry_pass
from plexsync.policy.desired import Desired
from plexsync.policy.gaps import Gap
from plexsync.policy.matching import LOW, NONE, Match

NEVER = -1
"""An update time that no item has, so that the item is read again."""


@dataclass(slots=True)
class Comparison:
    """One scene of a page: `before` was observed last time, `observations` now.

    `desired_hash` is "" for a scene that does not concern PlexSync; `desired` is set while its
    items must be read from Plex.
    """

    scene: Scene
    state: SceneState | None
    match: Match
    before: tuple[Observation, ...]
    observations: tuple[Observation, ...]
    desired_hash: str = ""
    desired: Desired | None = None
    left_out: bool = False
    """The filters keep it from being written."""
    unread: bool = False
    """Plex could not deliver an item that is needed for the comparison."""
    absent: bool = False
    """The index proposed items, but Plex no longer has the scene's file."""
    shared: bool = False
    """All its items belong to other scenes."""
    lost: bool = False
    """Some of them do."""
    writes: int | None = None
    """Items that a sync would write; None if they were not read again."""
    pictures: int = 0
    """Pictures that it may show, and that were not read from Stash yet."""
    basis: str = ""
    """The digest of all that it is concluded from; "" if it depends on more than that."""

    @property
    def waits(self) -> bool:
        """Whether the ledger has it that other scenes have items of this one."""
        if self.state is None:
            return False
        return self.state.state == SHARED or RIVAL in {kind for kind, _ in self.state.entities}

    @property
    def tried(self) -> bool:
        """Whether these gaps were found before, and a job for them has ended since."""
        since = self.state.since if self.state is not None else 0.0
        return self.observations == self.before and any(
            0 < observation.queued_at <= since for observation in self.observations
        )

    @property
    def concluded(self) -> tuple[Observation, ...]:
        """The observations as the ledger stores them, with their basis if there is nothing to do."""
        if not self.basis:
            return self.observations
        certain = self.desired_hash and not self.misjudged
        clear = certain and not any(o.gaps or o.updated == NEVER for o in self.observations)
        return tuple(o._replace(basis=self.basis if clear else "") for o in self.observations)

    @property
    def misjudged(self) -> bool:
        """Whether the ledger disagrees with the filters about leaving the scene out, or with the claims
        about having no item: then something changed that no hook reported.
        """
        if self.state is None or self.state.state == UNDONE or self.state.destroyed_at is not None:
            return False
        if self.state.state == SHARED and self.writes is not None and not self.shared:
            return True
        if self.waits and self.writes is not None and not self.lost:
            return True
        return self.left_out is not (self.state.state == LEFT_OUT)

    @property
    def unsure(self) -> bool:
        """Whether the match is uncertain."""
        return any(observation.confidence == LOW for observation in self.observations)

    def judged(self, *, strict: bool) -> dry_pass.Judged:
        """What a sync would do with the scene; `strict`: it does not write uncertain matches."""
        writes = self.writes
        if writes is None:
            writes = sum(bool(each.gaps) for each in self.observations if each.rating_key)
        verdict = self._verdict(bool(writes), strict)
        if verdict not in (dry_pass.DIFFERS, dry_pass.EQUAL):
            return dry_pass.Judged(self.scene.id, verdict)
        return dry_pass.Judged(self.scene.id, verdict, writes, self.pictures)

    def _verdict(self, differs: bool, strict: bool) -> str:
        if self.left_out:
            return dry_pass.LEFT_OUT
        if not self.desired_hash:
            return dry_pass.TOO_LITTLE
        if self.unread:
            return dry_pass.UNREAD
        if self.match.confidence == NONE or self.absent:
            return dry_pass.MISSING
        if self.shared:
            return dry_pass.SHARED
        if strict and self.unsure:
            return dry_pass.UNSURE
        return dry_pass.DIFFERS if differs else dry_pass.EQUAL

    def gaps(self, section: str) -> tuple[Gap, ...]:
        """The gaps in one library or ("") all of them, each kind and field once."""
        keys = {t.rating_key for t in self.match.targets if section in ("", t.section)}
        found = [
            g
            for observation in self.observations
            if observation.rating_key in keys | {0}
            for g in observation.gaps
            if g[0] != KEPT
        ]
        return tuple(Gap(*gap) for gap in dict.fromkeys(found))
