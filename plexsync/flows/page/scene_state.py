"""The state of scenes, from queue, dead letters and ledger; light like operations.py."""

from __future__ import annotations

from plexsync.edges.page import pages, queue_view
from plexsync.flows.status.plex_standing import read_breaker, read_recovery, shown_trouble
from plexsync.model.reasons import (
    can_pin,
    class_tone,
    class_words,
    dead_state,
    reason_words,
    state_tone,
    state_words,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Answer = dict[str, object]


def scene_states(folder: str, ids: Sequence[int]) -> Answer:
    """The state of these scenes, and whether Plex is away; raises Unreadable."""
    ledger, drifted = pages.scenes(folder, ids), pages.drifted(folder, ids)
    pins = pages.pins(folder, ids)
    buried = pages.dead_letters_of(folder, ids)
    waiting = {job["scene"]: job for job in queue_view.page(folder, 0, len(ids), (None, ids))}
    scenes = []
    for scene in ids:
        known = {**_UNKNOWN, **ledger.get(scene, {})}
        edited = _edited(known["targets"], drifted.get(scene, {}))
        job, dead_letter = waiting.get(scene), buried.get(scene)
        known |= _stands(known, job, dead_letter, edited)
        state = str(known["state"])
        scenes.append(
            {
                "scene": scene,
                **known,
                "tone": state_tone(state),
                "words": state_words(state),
                "can_pin": can_pin(state),
                "edited": edited,
                "job": job and job_in_words(job),
                "dead_letter": dead_letter and dead_letter_in_words(dead_letter),
                "pin": pins.get(scene),
            }
        )
    away = shown_trouble(read_breaker(folder), read_recovery(folder)) is not None
    return {"server": pages.server(folder), "away": away, "scenes": scenes}


_UNKNOWN: Answer = {"state": "unknown", "detail": "", "since": None, "path": "", "targets": []}


def _edited(targets: Any, drifted: Mapping[int, tuple[float, set[str]]]) -> list[str]:
    """Fields that a reconciliation found changed in Plex and that were not written since."""
    synced = {target["rating_key"]: target["synced_at"] for target in targets}
    return sorted(
        {
            name
            for key, (seen, fields) in drifted.items()
            if synced.get(key, 0.0) <= seen
            for name in fields
        }
    )


def _stands(
    known: Answer, job: Answer | None, dead_letter: Answer | None, edited: list[str]
) -> Answer:
    """The state of a scene: a job takes precedence over a dead letter, and that over the ledger."""
    if job is not None:
        return {"state": "waiting", "detail": job["last_message"] or "queued", "since": job["born"]}
    if dead_letter is not None:
        state = dead_state(str(dead_letter["error"]))
        return {"state": state, "detail": dead_letter["message"], "since": dead_letter["buried_at"]}
    if edited and known["state"] == "synced":
        return {"state": "edited in Plex", "detail": ", ".join(edited)}
    return {}


def job_in_words(job: Answer) -> Answer:
    """A job with its reason and the class of its last error in words."""
    return {
        **job,
        **_class(str(job["last_error"] or "")),
        "reason_words": reason_words(str(job["reason"] or "")),
    }


def dead_letter_in_words(dead_letter: Answer) -> Answer:
    """A dead letter with its class in words, and whether a pin would help."""
    error = str(dead_letter["error"])
    return {**dead_letter, **_class(error), "can_pin": can_pin(dead_state(error))}


def _class(error: str) -> Answer:
    return {"class_words": class_words(error), "class_tone": class_tone(error)}
