"""The lists behind the numbers of `status`; light like operations.py."""

from __future__ import annotations

from plexsync.edges.ledger.summary_queries import ORPHAN_ORDERS
from plexsync.edges.page import read_state, scene_lists
from plexsync.flows.page.request import MOST_ROWS, PAGE, Operation
from plexsync.flows.page.scene_state import scene_states
from plexsync.model.arguments import Rule, one_of, scene_ids, text, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from plexsync.flows.page.request import Answer

_AFTER = Rule(whole(0, 2**63 - 1), 0)

IN_STATE = {
    "state": Rule(one_of(*scene_lists.LISTS)),
    **PAGE,
    "scenes": Rule(scene_ids(MOST_ROWS), None),
    "after": _AFTER,
    "sort": Rule(one_of(*scene_lists.ORDERS), "scene"),
}
ONLY_IN_PLEX = {
    **PAGE,
    "search": Rule(text(200, empty=True), ""),
    "after": _AFTER,
    "sort": Rule(one_of(*ORPHAN_ORDERS), "file"),
}


def scenes_in_state(folder: str, args: Mapping[str, Any]) -> Answer:
    """A page of the scenes in one list, each as `scene_state` answers it; raises Unreadable.

    Raises ValueError for an `after` in another order than that of the ids.
    """
    after, order = args["after"], args["sort"]
    if after and order != "scene":
        raise ValueError("scenes_in_state: after needs the order scene.")
    page = scene_lists.Page(
        args["scenes"], after=after, offset=args["offset"], limit=args["limit"], order=order
    )
    with read_state.KeptOpen(folder):
        total, found = scene_lists.members(folder, args["state"], page)
        states = scene_states(folder, found)
    return {
        "state": args["state"],
        "total": None if after else total,
        "offset": page.offset,
        "limit": page.limit,
        **states,
    }


def only_in_plex(folder: str, args: Mapping[str, Any]) -> Answer:
    """A page of the Plex items whose files no scene has; raises Unreadable."""
    after, search, order = args["after"], args["search"], args["sort"]
    if after and order != "item":
        raise ValueError("only_in_plex: after needs the order item.")
    ledger = read_state.ledger(folder)
    found = ledger.orphans(args["limit"], args["offset"], search, after, order)
    return {
        "total": None if after else ledger.orphan_count(search),
        "offset": args["offset"],
        "limit": args["limit"],
        "found_at": ledger.orphans_at(),
        "server": ledger.server or None,
        "items": [
            {"rating_key": key, "section": section, "file": file} for key, section, file in found
        ],
    }


def known_scenes(folder: str) -> Answer:
    """The ids of all scenes in any list, as ranges; raises Unreadable."""
    return {"ranges": [list(each) for each in scene_lists.known(folder)]}


READS = {
    "scenes_in_state": Operation(
        lambda request: scenes_in_state(request.folder, request.args), IN_STATE
    ),
    "only_in_plex": Operation(
        lambda request: only_in_plex(request.folder, request.args), ONLY_IN_PLEX
    ),
    "known_scenes": Operation(lambda request: known_scenes(request.folder), {}),
}
