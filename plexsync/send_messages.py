"""The process that sends a message with Apprise, and ends.

It reads an order from stdin and answers on stdout, each one JSON object (edges/messenger.py). What
Apprise logs is only searched for a status: its lines may hold parts of URLs, as may its exceptions.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import sys
import threading
import time
from typing import Any

from plexsync import __version__
from plexsync.dependencies import MESSAGES, Dependencies, Unavailable
from plexsync.model.messages import FAILED, REFUSED, SENT, Delivery
from plexsync.model.notify_urls import scheme_of

SECONDS = 20.0
"""Seconds that all URLs together may take."""

AGAIN = frozenset({408, 425, 429})
"""Statuses below 500 after which another attempt may help."""

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = "https://github.com/plexsync/plexsync"


def main() -> None:
    """Carry out the order on stdin."""
    order = json.load(sys.stdin)
    try:
        _equip(order["folder"])
        answer: dict[str, object] = {"deliveries": send(order["urls"], order)}
    except Unavailable as problem:
        answer = {"problem": str(problem)}
    except Exception as problem:  # noqa: BLE001 - its text may hold a URL
        answer = {"problem": f"Apprise cannot be used ({type(problem).__name__})"}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # not when the last thread has got its answer


def _equip(folder: str) -> None:
    """Make Apprise importable, and what it needs; raises Unavailable."""
    packages = Dependencies(HOME, folder)
    if not packages.use():
        raise Unavailable(packages.missing())
    apprise = Dependencies(HOME, folder, MESSAGES)
    if not apprise.use():
        apprise.install(lambda text: None)


def send(urls: list[str], message: dict[str, Any]) -> list[Delivery]:
    """Send a message to all URLs at once; what became of it at each of them."""
    logging.getLogger("apprise").propagate = False
    jobs = [_Job(url, message) for url in urls]
    for job in jobs:
        job.start()
    end = time.monotonic() + SECONDS
    for job in jobs:
        job.join(max(0.0, end - time.monotonic()))
    return [job.delivery for job in jobs]


class _Job(threading.Thread):
    """Sends to one URL."""

    def __init__(self, url: str, message: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._message = message
        self.delivery = self._is(FAILED, f"no answer within {SECONDS:.0f} s")

    def _is(self, state: str, words: str) -> Delivery:
        return Delivery(scheme_of(self._url), state, words)

    def run(self) -> None:
        """Send, whatever goes wrong."""
        try:
            self.delivery = self._is(*self._sent())
        except Exception as problem:  # noqa: BLE001 - other people's code; its text may hold a URL
            self.delivery = self._is(FAILED, f"failed ({type(problem).__name__})")

    def _sent(self) -> tuple[str, str]:
        apprise: Any = importlib.import_module("apprise")
        asset = apprise.AppriseAsset(
            app_id="PlexSync", app_desc=f"PlexSync {__version__}", app_url=PAGE, async_mode=False
        )
        service = apprise.Apprise.instantiate(self._url, asset=asset)
        if service is None:
            return REFUSED, "not a URL that Apprise can use here"
        to = apprise.Apprise(asset=asset)
        to.add(service)
        message = self._message
        result = to.notify(
            message["body"],
            message["title"],
            message["tone"],
            body_format=apprise.NotifyFormat.TEXT,
        )
        return (SENT, SENT) if result else _verdict(result)


def _verdict(result: Any) -> tuple[str, str]:
    """What became of a message that was not taken, by the status in a line that Apprise logged, such
    as "Failed to send Discord notification: Unauthorized, error=401."."""
    lines = (entry.message for service in result.results for entry in service.logs())
    found = [re.search(r"\berror=([1-5]\d\d)\b", line) for line in lines]
    status = next((int(each[1]) for each in reversed(found) if each), None)
    if status is None:
        return FAILED, "not delivered: the service cannot be reached, or refuses it"
    if 400 <= status < 500 and status not in AGAIN:
        return REFUSED, f"refused ({status})"
    return FAILED, f"failed ({status})"


if __name__ == "__main__":
    main()
