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
    from plexsync.flows.page.request import Answer, Request


def _dead_letters(request: Request) -> Answer:
    args, folder = request.args, request.folder
    wanted, start, limit = (args["class"], args["scenes"]), args["offset"], args["limit"]
    dead_letters = read_state.dead_letters(folder)
    return {
        "total": dead_letters.count(*wanted),
        "offset": start,
        "limit": limit,
        "classes": choices(dead_letters.counts()),
        "dead_letters": [
            dead_letter_in_words(dead_letter)
            for dead_letter in dead_letters.page(limit, start, *wanted, args["sort"])
        ],
    }


READS = {
    "dead_letters": Operation(
        _dead_letters, {**PAGE, **WANTED, "sort": Rule(one_of(*ORDERS), "newest")}
    ),
}
