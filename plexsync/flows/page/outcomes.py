"""How commands and tasks ended; light like operations.py."""

from __future__ import annotations

from plexsync.edges.page import owner, results
from plexsync.flows.page.request import Operation
from plexsync.model.arguments import Rule, text, word
from plexsync.model.command import is_accepted_id, without_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.flows.page.request import Answer, Request


TASK_AT_WORK = (
    "A PlexSync task is running, see Stash's task queue. This command waits, and starts as soon as "
    "that task can be interrupted, at the latest when it has ended."
)
"""What a command waits for. Most tasks can be interrupted between two requests; one that reads
Plex's libraries cannot, nor can one that takes only seconds."""


def _result(request: Request) -> Answer:
    accepted = request.args["id"]
    if not is_accepted_id(accepted):
        raise ValueError("result: id must be one that an operation answered as accepted.")
    found = without_secret(results.result(request.folder, accepted) or {"state": "unknown"})
    shown = ("state", "command", "args", "at", "ended_at", "output", "error")
    why = TASK_AT_WORK if found["state"] == "waiting" and owner.task_works(request.folder) else None
    return {"id": accepted, **{name: found.get(name) for name in shown}, "why": why}


def _report(request: Request) -> Answer:
    task = request.args["task"]
    found = results.report(request.folder, task) or {"state": "unknown"}
    shown = ("state", "began_at", "ended_at", "lines", "output", "error")
    return {"task": task, **{name: found.get(name) for name in shown}}


READS = {
    "result": Operation(_result, {"id": Rule(text(60))}),
    "report": Operation(_report, {"task": Rule(word)}),
}
