"""The page's operations: one table, each answered within milliseconds.

An operation only reads, or it stores a command for the worker and answers with an id, for which
`result` returns the outcome. Each request is a process, so it loads its own file alone, and nothing
heavy is imported there.
"""

from __future__ import annotations

from plexsync.flows.page.request import Request as Request
from plexsync.model.arguments import read_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from plexsync.flows.page.request import Answer, Operation

READS = (
    *("status", "outages", "throughput", "set_up", "dead_letters", "queue", "scene_state"),
    *("scenes_in_state", "only_in_plex", "known_scenes", "result", "report", "tick"),
)
"""The operations that only read."""


def is_operation(mode: str) -> bool:
    """Whether this is an operation; any other mode is a task's."""
    return mode in READS or mode in _commands()


def perform(mode: str, request: Request) -> Answer:
    """Answer a request whose `args` are still as Stash sent them.

    Raises ValueError with a sentence for the user if the arguments are wrong, Unreadable or
    OSError if the data folder cannot be read.
    """
    args = {name: value for name, value in request.args.items() if name != "mode"}
    if mode not in READS:
        from plexsync.flows.page import orders

        return orders.accept(mode, args, request)
    operation = reads(mode)
    request.args = read_arguments(mode, operation.rules, args)
    return operation.answer(request)


def reads(mode: str) -> Operation:
    """One of READS."""
    if mode == "tick":
        from plexsync.flows.page import tick

        return tick.READS[mode]
    if mode in ("result", "report"):
        from plexsync.flows.page import outcomes

        return outcomes.READS[mode]
    if mode == "scene_state":
        from plexsync.flows.page import scene_state

        return scene_state.READS[mode]
    if mode == "dead_letters":
        from plexsync.flows.page import dead_letters

        return dead_letters.READS[mode]
    if mode == "set_up":
        from plexsync.flows.page import set_up

        return set_up.READS[mode]
    if mode == "queue":
        from plexsync.flows.page import queue

        return queue.READS[mode]
    if mode in ("scenes_in_state", "only_in_plex", "known_scenes"):
        from plexsync.flows.page import lists

        return lists.READS[mode]
    from plexsync.flows.page import overview

    return overview.READS[mode]


def _commands() -> Mapping[str, object]:
    from plexsync.model.command import COMMANDS

    return COMMANDS
