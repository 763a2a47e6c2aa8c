"""What each of the page's operations is made of; light like operations.py."""

from __future__ import annotations

from plexsync.model.arguments import Rule, scene_ids, whole, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Answer = dict[str, object]


class Request:
    """One request: the folders, the arguments, Stash's connection block, and when."""

    __slots__ = ("plugin_dir", "folder", "args", "connection", "now")

    def __init__(
        self, plugin_dir: str, folder: str, args: Mapping[str, Any], connection: bytes, now: float
    ) -> None:
        self.plugin_dir = plugin_dir
        self.folder = folder
        self.args = args
        self.connection = connection
        self.now = now


class Operation:
    """How a request is answered, and the arguments it takes."""

    __slots__ = ("answer", "rules")

    def __init__(self, answer: Callable[[Request], Answer], rules: Mapping[str, Rule]) -> None:
        self.answer = answer
        self.rules = rules


MOST_ROWS = 500
"""Maximum rows of one page."""

PAGE = {"offset": Rule(whole(0, 10**9), 0), "limit": Rule(whole(1, MOST_ROWS), 50)}

WANTED = {
    "class": Rule(word, None),
    "scenes": Rule(scene_ids(MOST_ROWS), None),
}
