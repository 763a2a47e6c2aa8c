"""The state of scenes, from queue, dead letters and ledger; light like operations.py."""

from __future__ import annotations

from plexsync.edges.page import read_state
from plexsync.flows.page.in_words import dead_letter_in_words, job_in_words
from plexsync.flows.page.request import Operation
from plexsync.flows.status.plex_standing import read_breaker, read_recovery, shown_trouble
from plexsync.model.arguments import Rule, scene_ids
from plexsync.model.ledger import EDITS_IN_PLEX
from plexsync.model.reasons import can_pin, dead_state, state_tone, state_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from plexsync.flows.page.request import Answer, Request
    from plexsync.model.dead_letter import DeadLetter
    from plexsync.model.ledger import Observation, Pin, SceneState

MOST_STATES = 200
"""Maximum scenes of one `scene_state` request."""


def _scene_state(request: Request) -> Answer:
    return scene_states(request.folder, request.args["scenes"])


def scene_states(folder: str, ids: Sequence[int]) -> Answer:
    """The state of these scenes, and whether Plex is away; raises Unreadable."""
    ledger = read_state.ledger(folder)
    stored, observed, pins = ledger.scenes(ids), ledger.observations(ids), ledger.pins()
    found = read_state.dead_letters(folder).page(len(ids), scenes=ids)
    buried = {dead_letter.scene: dead_letter for dead_letter in found}
    jobs = read_state.queue(folder).page(len(ids), scenes=ids)
    waiting = {job["scene"]: job for job in jobs}
    scenes = []
    for scene in ids:
        known = _known(stored[scene]) if scene in stored else dict(_UNKNOWN)
        edited = _edited(stored.get(scene), observed.get(scene, ()))
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
                "pin": _pin(pins[scene]) if scene in pins else None,
            }
        )
    away = shown_trouble(read_breaker(folder), read_recovery(folder)) is not None
    return {"server": ledger.server or None, "away": away, "scenes": scenes}


_UNKNOWN: Answer = {"state": "unknown", "detail": "", "since": None, "path": "", "targets": []}


def _known(state: SceneState) -> Answer:
    """What the ledger has about a scene, including destroyed ones."""
    return {
        "state": state.state,
        "detail": state.detail,
        "since": state.since,
        "path": state.path,
        "targets": [
            {
                "section": each.target.section,
                "rating_key": each.target.rating_key,
                "part": each.part,
                "written": sorted(each.written),
                "dirty": sorted(each.dirty),
                "refused": {name: refusal.words for name, refusal in each.refused.items()},
                "synced_at": each.synced_at,
            }
            for each in state.targets
        ],
    }


def _edited(state: SceneState | None, observed: Sequence[Observation]) -> list[str]:
    """Fields that a reconciliation found changed in Plex and that were not written since."""
    targets = state.targets if state is not None else ()
    synced = {each.target.rating_key: each.synced_at for each in targets}
    return sorted(
        {
            field
            for each in observed
            if synced.get(each.rating_key, 0.0) <= max(each.updated, each.queued_at)
            for kind, field in each.gaps
            if kind in EDITS_IN_PLEX
        }
    )


def _pin(pin: Pin) -> Answer:
    return {"part": pin.part, "rating_key": pin.rating_key or None}


def _stands(
    known: Answer, job: Answer | None, dead_letter: DeadLetter | None, edited: list[str]
) -> Answer:
    """The state of a scene: a job takes precedence over a dead letter, and that over the ledger."""
    if job is not None:
        return {"state": "waiting", "detail": job["last_message"] or "queued", "since": job["born"]}
    if dead_letter is not None:
        state = dead_state(dead_letter.error)
        return {"state": state, "detail": dead_letter.message, "since": dead_letter.buried_at}
    if edited and known["state"] == "synced":
        return {"state": "edited in Plex", "detail": ", ".join(edited)}
    return {}


READS = {"scene_state": Operation(_scene_state, {"scenes": Rule(scene_ids(MOST_STATES))})}
