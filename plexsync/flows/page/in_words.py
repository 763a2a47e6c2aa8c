"""Jobs and dead letters with what users need to read of them; light like operations.py."""

from __future__ import annotations

from plexsync.model.reasons import (
    REMEDIES,
    can_pin,
    class_tone,
    class_words,
    dead_state,
    reason_words,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.flows.page.request import Answer
    from plexsync.model.dead_letter import DeadLetter


def job_in_words(job: Answer) -> Answer:
    """A job with its reason and the class of its last error in words."""
    return {
        **job,
        **_class(str(job["last_error"] or "")),
        "reason_words": reason_words(str(job["reason"] or "")),
    }


def dead_letter_in_words(dead_letter: DeadLetter) -> Answer:
    """A dead letter with its class and its remedy in words, and whether a pin would help."""
    error, shown = dead_letter.error, dead_letter.to_json()
    del shown["job"]  # the last job, which the page does not need
    pin = can_pin(dead_state(error))
    return {**shown, **_class(error), "can_pin": pin, "remedy": REMEDIES.get(error, "")}


def _class(error: str) -> Answer:
    return {"class_words": class_words(error), "class_tone": class_tone(error)}
