"""Send a Test Message: shows whether messages arrive, for each URL by its scheme."""

from __future__ import annotations

from collections.abc import Sequence

from plexsync import system
from plexsync.edges.messenger import Unsent
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.progress import Progress
from plexsync.model.messages import INFO, SENT, Delivery, Message
from plexsync.model.places import STASHS_FORM

POLL_EVERY = 0.1
"""Seconds between two looks whether it was sent."""

TITLE = "PlexSync: a test message"
BODY = (
    "Messages arrive. PlexSync sends one when it needs you: when Plex refuses the token or is away "
    "for long, when scenes were given up, or when it can no longer sync after an update."
)


def send_test_message(context: TaskContext) -> dict[str, object]:
    """Send a message to every URL now, and log what became of it; raises TaskFailed if none took it."""
    urls = context.config.message_urls
    if not urls:
        raise TaskFailed(f"There is no URL to send to: enter Notify URLs in {STASHS_FORM}.")
    context.log.info("Sending a message; before the first one, Apprise is installed for a minute.")
    with Progress(context.log, lambda: 0.5):
        deliveries = _send(context, urls)
    for delivery in deliveries:
        tell = context.log.info if delivery.state == SENT else context.log.warning
        tell(delivery.text)
    if all(delivery.state != SENT for delivery in deliveries):
        listed = "; ".join(delivery.text for delivery in deliveries)
        raise TaskFailed(f"No message was taken: {listed}. Correct Notify URLs in {STASHS_FORM}.")
    return {"deliveries": [delivery._asdict() for delivery in deliveries]}


def _send(context: TaskContext, urls: Sequence[str]) -> Sequence[Delivery]:
    now = context.clock.now()
    try:
        sending = context.messages().start(urls, Message("test", INFO, TITLE, BODY, now))
        while (deliveries := sending.deliveries()) is None:
            context.clock.wait(POLL_EVERY, lambda: False)
    except (Unsent, OSError) as problem:
        raise TaskFailed(f"No message can be sent: {system.text_of(problem)}") from None
    return deliveries
