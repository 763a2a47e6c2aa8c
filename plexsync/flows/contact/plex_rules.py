"""What PlexSync relies on in a Plex server, as far as reading shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

from plexsync.edges.http import transport as http
from plexsync.edges.plex import xml as plex_xml
from plexsync.edges.plex.pages import PAGE
from plexsync.flows.contact.plex_contact import NOBODY, SAMPLE, PlexContact
from plexsync.flows.contact.verdicts import SkippedError, demand, expect, short

WRONG = "not-a-secret-of-this-server"
REFUSED = {401, 403, 404, 406}
"""How versions of Plex answer who has no token."""
LISTED = {"Genre": 2, "Role": 3}
"""So many of these a list shows."""
LONG_LINE = 6000
"""Bytes of a request line that Plex should accept."""


def identity(plex: PlexContact) -> None:
    """/identity needs no token and names the machine"""
    reply = plex.ask("/identity", token="")
    expect("the status without a token", reply.status, 200)
    root = ElementTree.fromstring(reply.body)
    demand(root.get("machineIdentifier"), "there is no machineIdentifier")
    expect(
        "the machineIdentifier with a token", plex.client.server_id(), root.get("machineIdentifier")
    )


def wrong_token(plex: PlexContact) -> None:
    """a wrong token is 401, and none is 401, 403, 404 or 406"""
    root = ElementTree.fromstring(plex.ask("/identity", token="").body)
    if root.get("claimed") == "0":
        raise SkippedError("nobody has claimed this server, so that its networks need no token")
    for what, token, wanted in (("a wrong token", WRONG, {401}), ("no token", "", REFUSED)):
        status = plex.ask("/library/sections", token=token).status
        hint = "" if status != 200 else " (is this address among the allowed networks?)"
        demand(status in wanted, f"the status with {what} is {status}{hint}")


def keep_alive(plex: PlexContact) -> None:
    """idle connections live longer than PlexSync uses them"""
    said = re.search(
        r"timeout=(\d+)", plex.ask("/identity", token="").headers.get("Keep-Alive", "")
    )
    if not said:
        raise SkippedError("the server does not say how long")
    demand(int(said[1]) > http.IDLE, f"they live {said[1]} s, and PlexSync uses them {http.IDLE} s")


def headers(plex: PlexContact) -> None:
    """answers are XML and carry Plex's own header"""
    for path, token in (("/identity", ""), ("/library/sections", None)):
        reply = plex.ask(path, token=token)
        said = reply.headers.get("Content-Type", "").partition(";")[0]
        demand(said in ("text/xml", "application/xml"), f"the content type is {short(said)}")
        expect("X-Plex-Protocol", reply.headers.get("X-Plex-Protocol"), "1.0", public=True)


def long_line(plex: PlexContact) -> None:
    """a request line of 6 000 bytes is accepted"""
    status = plex.long_line(LONG_LINE).status
    expect("the status", status, 200)


def whole_page(plex: PlexContact) -> None:
    """a page holds as many items as were asked for, if the library has them"""
    page = plex.client.list_page(plex.section, 0, PAGE)
    expect("the number of items", len(page.items), min(page.total, PAGE))


def no_locks_in_lists(plex: PlexContact) -> None:
    """lists show no locks, so that each item must be fetched for them"""
    found = [element for element in plex.listed if element.find("Field") is not None]
    demand(not found, f"{len(found)} of {len(plex.listed)} items of a list show a lock")


def libraries(plex: PlexContact) -> None:
    """libraries have key, type, title, uuid and folders"""
    found = list(plex.xml("/library/sections").iter("Directory"))
    for directory in found:
        lacking = {"key", "type", "title", "uuid"} - set(directory.keys())
        demand(not lacking, f"a library has no {', '.join(sorted(lacking))}")
        demand(directory.get("key", "").isdecimal(), "the key of a library is not a number")
        demand(all(p.get("path") for p in directory.iter("Location")), "a folder has no path")
        lacking = {"agent", "scanner", "scannedAt", "contentChangedAt"} - set(directory.keys())
        demand(not lacking, f"a library does not tell its {', '.join(sorted(lacking))}")
    demand(plex_xml.movie_sections(plex.xml("/library/sections")), "there is no movie library")


def paging(plex: PlexContact) -> None:
    """a page holds at most what was asked for and tells size, offset and totalSize"""
    page = plex.page(1, 2)
    demand(len(page) <= 2, f"2 items asked for, {len(page)} given")
    expect("size", page.get("size"), str(len(page)))
    expect("offset", page.get("offset"), "1")
    expect("totalSize", plex_xml.number(page, "totalSize"), plex.client.count(plex.section))


def count_only(plex: PlexContact) -> None:
    """a page of size 0 tells the total and holds nothing"""
    page = plex.page(0, 0)
    expect("the number of items", len(page), 0)
    demand(plex_xml.number(page, "totalSize"), "totalSize is missing")


def order_by_id(plex: PlexContact) -> None:
    """sort=id orders by rating key, so that pages join without gap or overlap"""
    expect("the order", plex.keys, sorted(set(plex.keys)))
    joined = [int(e.get("ratingKey", "0")) for start in (0, 2) for e in plex.page(start, 2)]
    expect("two pages of two", joined, plex.keys[:4])


def lean_list(plex: PlexContact) -> None:
    """the index's shortened list still has times, and parts with file and size"""
    page = plex.client.list_page(plex.section, 0, SAMPLE)
    expect("the items", [item.rating_key for item in page.items], plex.keys)
    for item in page.items:
        demand(
            item.added_at and item.updated_at, f"item {item.rating_key} has no addedAt/updatedAt"
        )
        demand(item.parts, f"item {item.rating_key} has no part with a file")
        demand(all(part.size for part in item.parts), f"a part of {item.rating_key} has no size")


def since(plex: PlexContact) -> None:
    """addedAt>>= and updatedAt>>= keep what is newer, and only that"""
    items = plex.client.list_page(plex.section, 0, SAMPLE).items
    for name, times in (
        ("addedAt", {item.rating_key: item.added_at for item in items}),
        ("updatedAt", {item.rating_key: item.updated_at for item in items}),
    ):
        newest, when = max(times.items(), key=lambda pair: pair[1])
        found = plex.client.list_page(plex.section, 0, 1000, (name, when - 1))
        demand(
            found.total > len(found.items) or newest in {item.rating_key for item in found.items},
            f"an item with {name} {when} is not among those since {when - 1}",
        )
        seen = [
            getattr(item, "added_at" if name == "addedAt" else "updated_at") for item in found.items
        ]
        demand(
            min(seen, default=when) >= when - 1, f"{name}>>={when - 1} gives {min(seen or [0])} too"
        )
        tomorrow = int(plex.clock.now()) + 86400
        later = plex.client.list_page(plex.section, 0, 1, (name, tomorrow)).total
        expect(f"how many have {name} tomorrow", later, 0)


def several_keys(plex: PlexContact) -> None:
    """several items come in one answer, in the order asked for, unknown ones left out"""
    wanted = plex.keys[:3][::-1]
    root = plex.xml("/library/metadata/" + ",".join(map(str, [*wanted, NOBODY])))
    expect("the order", [int(e.get("ratingKey", "0")) for e in root], wanted)
    demand(
        root.get("librarySectionID") or all(e.get("librarySectionID") for e in root),
        "nothing says which library the items are of",
    )


def unknown_item(plex: PlexContact) -> None:
    """an item that does not exist, and a library that does not, are 404"""
    for path in (f"/library/metadata/{NOBODY}", f"/library/sections/{NOBODY}/all?type=1"):
        expect(f"the status of {path.partition('?')[0]}", plex.ask(path).status, 404)


def cut_tags(plex: PlexContact) -> None:
    """lists show only some of an item's tags, a fetch shows all"""
    cut = 0
    for element in plex.listed:
        full = plex.whole[int(element.get("ratingKey", "0"))]
        for kind, most in LISTED.items():
            some, every = ({tag.get("tag") for tag in e.findall(kind)} for e in (element, full))
            demand(some <= every, f"a list shows a {kind} that the item itself has not")
            demand(
                len(some) <= most, f"a list shows {len(some)} {kind} elements, not {most} at most"
            )
            cut += len(some) < len(every)
    if not cut:
        raise SkippedError("no item has that many tags")


def locks(plex: PlexContact) -> None:
    """locked fields stand in an item as <Field name= locked=\"1\">"""
    fields = [field for element in plex.whole.values() for field in element.iter("Field")]
    if not fields:
        raise SkippedError("no item has a locked field")
    for field in fields:
        demand(field.get("name"), "a Field has no name")
        demand(field.get("locked") in ("0", "1"), f"locked is {short(field.get('locked'))}")


def posters(plex: PlexContact) -> None:
    """an item's posters have a ratingKey each, and one is selected"""
    seen = 0
    for key in plex.keys[:5]:
        photos = list(plex.xml(f"/library/metadata/{key}/posters"))
        demand(all(photo.get("ratingKey") for photo in photos), "a poster has no ratingKey")
        chosen = [photo for photo in photos if photo.get("selected") in ("1", "true")]
        demand(len(chosen) <= 1, f"{len(chosen)} posters are selected")
        seen += len(chosen)
    if not seen:
        raise SkippedError("the first five items have no poster")


PLEX: Sequence[Callable[[PlexContact], None]] = (
    identity,
    wrong_token,
    headers,
    keep_alive,
    long_line,
    libraries,
    paging,
    whole_page,
    count_only,
    order_by_id,
    lean_list,
    since,
    several_keys,
    unknown_item,
    cut_tags,
    no_locks_in_lists,
    locks,
    posters,
)
