"""Scenes that PlexSync gave up on, and the Plex items between which it could not choose; pages read them
too, so this imports little.
"""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Candidate(NamedTuple):
    """One of several Plex items that may match a scene: its file as Plex sees it, the file's size in
    bytes, and its library.

    `rating_key` is 0 and `section` "" if only a line of text was stored.
    """

    part: str
    size: int | None = None
    section: str = ""
    rating_key: int = 0

    def words(self) -> str:
        """The candidate in one line, for the user."""
        size = f"{self.size} bytes" if self.size else "size unknown"
        return f"{self.part} ({size}), section {self.section}, item {self.rating_key}"


def candidates(raw: object) -> tuple[Candidate, ...]:
    """Candidates from a stored list. Plain text becomes a candidate without a key."""
    listed = raw if isinstance(raw, (list, tuple)) else ()
    return tuple(found for each in listed if (found := _candidate(each)) is not None)


def _candidate(raw: object) -> Candidate | None:
    if isinstance(raw, str):
        return Candidate(raw)
    if not isinstance(raw, dict) or not isinstance(raw.get("part"), str):
        return None
    size, section, key = raw.get("size"), raw.get("section"), raw.get("rating_key")
    return Candidate(
        raw["part"],
        size if type(size) is int else None,
        section if isinstance(section, str) else "",
        key if type(key) is int and key > 0 else 0,
    )


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
