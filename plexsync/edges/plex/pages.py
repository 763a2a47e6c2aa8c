"""Reads a library's list page by page, skipping items that Plex itself cannot deliver."""

from __future__ import annotations

from collections.abc import Iterator

from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.lists import Page
from plexsync.model.errors import PlexTemporaryError, SyncError

PAGE = 1000

MOST_UNREADABLE = 200
"""Maximum items skipped in one read; finding each costs a dozen requests."""


def pages(
    client: PlexClient,
    section: str,
    since: tuple[str, int] | None = None,
    most: int = MOST_UNREADABLE,
) -> Iterator[Page]:
    """Yield every page, all from one server, however many items Plex puts into one.

    An item that fails its page is found by bisection, and yielded as a page with only its position.
    Raises the errors of PlexClient, also for more than `most` such items, or if none of several
    items in a library could be delivered: then no single item is at fault.
    """
    start, total, passed_over, delivered = 0, 1, 0, 0
    spoiled = 0  # an item before this position fails its page
    while start < total:
        searching = spoiled > start
        size = max(1, (spoiled - start) // 2) if searching else PAGE
        try:
            page = client.list_page(section, start, size, since)
        except SyncError as problem:
            if not _one_item_may_do_that(problem) or passed_over >= most:
                raise
            if size == 1 or not searching:
                total = client.count(section, since)  # raises if Plex is at fault, not the item
            spoiled = min(start + size, total)
            if size > 1:
                continue
            if since is None and start + 1 >= total > 1 and not delivered:
                raise
            page = Page((), total, unreadable=start + 1)
        client.verify_server()
        if not page.items and not page.unreadable and start < page.total:
            raise PlexTemporaryError(
                f"library {section}: Plex's list ends at {start} of {page.total}", cause="body"
            )
        passed_over += bool(page.unreadable)
        delivered += len(page.items)
        start, total = start + max(1, len(page.items)), page.total
        yield page


def _one_item_may_do_that(problem: SyncError) -> bool:
    """Whether a single item may cause this. If the whole server fails, the small read that follows
    fails too.
    """
    return problem.status == 500 or problem.cause == "body"
