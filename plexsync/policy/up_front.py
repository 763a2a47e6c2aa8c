"""How long the sync of many scenes takes, before it begins, from a measured sample."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple

READS_PER_WRITE = 2.0
"""Until writes were measured, one is assumed to take Plex as long as so many reads of one item."""


class Work(NamedTuple):
    """What is to be done: scenes to compare, items to write, pictures to upload."""

    scenes: int
    writes: int
    pictures: int


class Sample(NamedTuple):
    """Measured seconds: to compare a `scene`, to read an `item` among others and one `alone`, and a
    `picture` from Stash; `written` per scene that was written, None if too few were.

    `connections` is how many requests Plex gets at a time.
    """

    scene: float
    item: float
    alone: float
    picture: float
    connections: int
    written: float | None = None


class Estimate(NamedTuple):
    """Seconds of work. `assumed`: no write was measured, so that its time is READS_PER_WRITE."""

    seconds: float
    assumed: bool


def up_front(work: Work, sample: Sample) -> Estimate:
    """How long it takes to compare all scenes, and to write those that differ.

    Each item that is written is then read and compared once more; writes and pictures run side by
    side.
    """
    if sample.written is not None:
        unchanged = max(0, work.scenes - work.writes)
        return Estimate(unchanged * sample.scene + work.writes * sample.written, False)
    write = sample.alone * READS_PER_WRITE
    requests = work.writes * write + work.pictures * (write + sample.picture)
    reading = work.scenes * sample.scene + work.writes * (sample.scene + sample.item)
    return Estimate(reading + requests / max(1, sample.connections), True)
