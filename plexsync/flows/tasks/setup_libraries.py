"""Check Setup for Plex's libraries: how they are configured, and what that means."""

from __future__ import annotations

from collections.abc import Iterator

from plexsync.edges.plex.pages import PAGE
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.index_refresh import IndexView
from plexsync.flows.tasks.setup_points import BAD, OK, WARN, WHERE, Point
from plexsync.model.errors import PlexServerDown, SyncError
from plexsync.model.formatting import counted, grouped, quoted
from plexsync.model.library_names import called
from plexsync.model.places import OUR_FORM
from plexsync.model.plex import Section

OWN_VIDEOS = ("com.plexapp.agents.none", "tv.plex.agents.none")
"""Agents of libraries of the type "Other Videos"."""

FILM_AGENT = "tv.plex.agents.movie"
LEGACY = "com.plexapp.agents."

MODES = {
    "0": "no collections are shown",
    "1": "collections hide their items",
    "2": "collections and their items are shown",
}
HIDES = "1"

SLOW = 0.5
"""A page that takes more than this fraction of the read timeout is too close to it."""

_SHOWN = 3
_SLOW = f'Raise "Read timeout" in {OUR_FORM}, or see what keeps Plex or its disk busy.'
_CHANGE = 'choose the agent "Personal Media" in its settings in Plex (Edit Library > Advanced)'


def libraries(context: TaskContext) -> Iterator[Point]:
    """The libraries that PlexSync writes to, and configured names that match none."""
    wanted = context.config.plex_library
    found, types = context.plex.sections(wanted), dict(context.plex.libraries())
    change = f'Correct "Plex libraries" in {WHERE}; an empty field means all movie libraries.'
    if types:
        change += f" Plex has: {', '.join(types)}."
    for name in found.missing:
        kind = next((types[title] for title in called(name, list(types))), "")
        text = f"Plex has no library {quoted(name)}"
        if kind:
            text = f"the library {quoted(name)} holds {kind}s; PlexSync writes to movie libraries"
        yield Point("Libraries", BAD, text, change)
    if found.found:
        names = ", ".join(section.title for section in found.found)
        yield Point("Libraries", OK, f"{counted(len(found.found), 'movie library')}: {names}")
    elif not found.missing:
        remedy = 'Create one in Plex, of the type "Movies" or "Other Videos".'
        yield Point("Libraries", BAD, "Plex has no movie library", remedy)


def details(context: TaskContext) -> Iterator[Point]:
    """How each of those libraries is configured, and what may surprise the user."""
    for library in context.plex.sections(context.config.plex_library).found:
        name, mode = f"Library {library.title}", context.plex.collection_mode(library.key)
        shown = f"; {MODES[mode]}" if mode in MODES else ""
        text = f"agent {library.agent or 'unknown'}, scanner {library.scanner or 'unknown'}{shown}"
        yield Point(name, OK, text)
        for text, remedy in cautions(library, mode, collects=context.config.sync_collection):
            yield Point(name, WARN, text, remedy)


def cautions(library: Section, mode: str, *, collects: bool) -> Iterator[tuple[str, str]]:
    """What may surprise the user of a library, and what to do about it; `mode` is its
    collectionMode, `collects`: PlexSync puts items into collections.
    """
    agent = library.agent
    if agent == FILM_AGENT:
        yield (
            'its agent "Plex Movie" sends the names of files to plex.tv, and may take a scene for '
            "a film with a similar name",
            f"To keep the names private, {_CHANGE}; what PlexSync wrote is locked and stays.",
        )
    elif agent.startswith(LEGACY) and agent not in OWN_VIDEOS:
        yield (
            f"its agent {agent} is one of the legacy agents, which Plex drops in 2026",
            f"Before that, {_CHANGE}; what PlexSync wrote is locked and stays.",
        )
    if mode == HIDES and collects:
        yield (
            "it does not show items that are in a collection, and PlexSync puts each item into "
            "the collection of its studio",
            'Set "Collections" in its settings in Plex (Edit Library > Advanced) to "Show '
            'collections and their items", or switch on "Do not sync the studio as a '
            f'collection" in {OUR_FORM}.',
        )


def list_pages(context: TaskContext) -> Iterator[Point]:
    """Whether the largest request, a page of a library's list, is answered in time."""
    limit = context.config.read_timeout
    for library in context.plex.sections(context.config.plex_library).found:
        started = context.clock.monotonic()
        try:
            page = context.plex.list_page(library.key, 0, PAGE)
        except PlexServerDown as error:
            if error.cause != "timeout":
                raise
            text = f"{library.title}: a page of its list did not come within {limit} s"
            yield Point("List pages", BAD, text, _SLOW)
            continue
        except SyncError:
            continue  # an item that Plex cannot deliver is a point of its own
        seconds = context.clock.monotonic() - started
        items = counted(len(page.items), "item")
        text = f"{library.title}: a page of {items} came in {seconds:.1f} s of {limit} s"
        close = seconds > limit * SLOW
        yield Point("List pages", WARN if close else OK, text, _SLOW if close else "")


def unreadable(context: TaskContext, view: IndexView) -> Iterator[Point]:
    """Items that Plex itself cannot deliver; the index skips them."""
    found = view.index.unreadable()
    known: dict[str, Section] = {}
    if found:
        known = {
            each.key: each for each in context.plex.sections(context.config.plex_library).found
        }
    for key, items in found.items():
        name = f"Library {known[key].title}" if key in known else f"Library {key}"
        shown = ", ".join(_place(*item) for item in items[:_SHOWN])
        more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        text = f"{counted(len(items), 'item')} cannot be read by Plex itself: {shown}{more}"
        remedy = (
            "Sort the library by date added to find it, and refresh its metadata in Plex; if that "
            "does not help, remove its file from the library and add it again."
        )
        yield Point(name, WARN, text, remedy)


def _place(place: int, before: str) -> str:
    return f"at position {grouped(place)}" + (
        f", added next after {quoted(before)}" if before else ""
    )
