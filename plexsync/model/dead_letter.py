"""Scenes that PlexSync gave up on; pages read them too, so this imports little."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from plexsync.model.candidate import Candidate


class DeadLetter(NamedTuple):
    """A scene that PlexSync gave up on; one per scene. Times are wall-clock seconds.

    `error` is the error class, `cause` a short word for it ("refused", "dns", "timeout", ...),
    `status` the HTTP status if there was an answer, `attempts` the failures by class, `candidates`
    the Plex items of an ambiguous match, `job` the last job as JSON values, `paths` the files in
    Stash that Plex did not have.
    """

    scene: int
    error: str
    message: str
    buried_at: float
    first_failure: float
    last_failure: float
    status: int | None = None
    cause: str = ""
    attempts: Mapping[str, int] = {}
    candidates: tuple[Candidate, ...] = ()
    job: Mapping[str, object] = {}
    paths: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The dead letter as JSON values."""
        candidates = [candidate._asdict() for candidate in self.candidates]
        return {**self._asdict(), "candidates": candidates}
