"""The dead letters; light like operations.py."""

from __future__ import annotations

from plexsync.edges.page import read_state
from plexsync.edges.queue.dead_letter_queries import ORDERS
from plexsync.flows.page.in_words import dead_letter_in_words
from plexsync.flows.page.request import PAGE, WANTED, Operation
from plexsync.model.arguments import Rule, one_of
from plexsync.model.reasons import choices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from plexsync.edges.queue.dead_letter_queries import DeadLetterQueries
    from plexsync.flows.page.request import Answer, Request


def _dead_letters(request: Request) -> Answer:
    args, folder = request.args, request.folder
    wanted, start, limit = (args["class"], args["scenes"]), args["offset"], args["limit"]
    dead_letters = read_state.dead_letters(folder)
    counts = dead_letters.counts()
    return {
        "total": _total(dead_letters, wanted, counts),
        "offset": start,
        "limit": limit,
        "classes": choices(counts),
        "dead_letters": [
            dead_letter_in_words(dead_letter)
            for dead_letter in dead_letters.page(limit, start, *wanted, args["sort"])
        ],
    }


def _total(dead_letters: DeadLetterQueries, wanted: Any, counts: Mapping[str, int]) -> int:
    error, scenes = wanted
    if scenes is not None:
        return dead_letters.count(error, scenes)
    return sum(counts.values()) if error is None else counts.get(error, 0)


READS = {
    "dead_letters": Operation(
        _dead_letters, {**PAGE, **WANTED, "sort": Rule(one_of(*ORDERS), "newest")}
    ),
}
