"""The operations that show how things are; light like operations.py."""

from __future__ import annotations

from plexsync.edges.page import read_state
from plexsync.flows.page.request import Operation
from plexsync.flows.status.outages import read_history, shown_outage
from plexsync.flows.status.status import status
from plexsync.model.arguments import Rule, one_of, whole
from plexsync.model.places import PAUSED
from plexsync.model.stats import SLICE, Stats
from plexsync.policy.headline import EMPTY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.flows.page.request import Answer, Request


def _status(request: Request) -> Answer:
    settings, in_stash = request.args["settings"], request.args["in_stash"]
    return {**status(request.folder, request.now, settings or "", in_stash)}


def _outages(request: Request) -> Answer:
    history = read_history(request.folder)
    return {
        "outages": [shown_outage(outage) for outage in history.outages[::-1]],
        "ongoing": history.ongoing() is not None,
        "mttr": history.mttr(),
        "mtbf": history.mtbf(),
        "availability": history.availability(request.now),
        "observed_since": history.observed_since,
    }


def _throughput(request: Request) -> Answer:
    stats = read_state.document(request.folder, "stats.json", Stats.parse, Stats(0.0))
    slices = [
        {"at": at * SLICE, "done": done, "failed": bad, "written": written}
        for at, done, bad, written in stats.slices
    ]
    return {"now": request.now, "seconds": SLICE, "slices": slices}


READS = {
    "status": Operation(
        _status,
        {
            "settings": Rule(one_of(EMPTY, PAUSED), None),
            "in_stash": Rule(whole(0, 10**9), None),
        },
    ),
    "outages": Operation(_outages, {}),
    "throughput": Operation(_throughput, {}),
}
