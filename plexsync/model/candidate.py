"""One of several Plex items that may match a scene; pages read them too."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple


class Candidate(NamedTuple):
    """The item's file as Plex sees it, the file's size in bytes, and the item's library.

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
