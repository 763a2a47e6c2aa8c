"""Items and containers as XML, built from strings, since a page of a thousand must be fast."""

from __future__ import annotations

import re
from collections.abc import Collection as AnyOf
from collections.abc import Iterable
from urllib.parse import quote

from simulator.plex_items import TAG_KINDS, Collection, Section, SimItem, TagBook

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile(r'[&<>"\r\n\t]')
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
    | {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)
LISTED = {"genre": 2, "director": 2, "writer": 2, "country": 2, "collection": 2, "actor": 3}
LIBRARY = (
    'identifier="com.plexapp.plugins.library" mediaTagPrefix="/system/bundle/media/flags/"'
    ' mediaTagVersion="1734619890"'
)
NOTHING: frozenset[str] = frozenset()


def esc(text: str) -> str:
    """Text for an attribute. Control characters are sent unchanged: Plex does not clean them."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def container(attributes: str, children: Iterable[str] = ()) -> bytes:
    """A whole answer."""
    inside = "\n".join(children)
    body = f"{HEAD}<MediaContainer {attributes}>\n{inside}\n</MediaContainer>\n"
    return body.encode("utf-8", "replace")


def page(size: int, total: int | None, offset: int) -> str:
    """The attributes of a page; `total` is None for a request without paging."""
    if total is None:
        return f'size="{size}"'
    return f'size="{size}" totalSize="{total}" offset="{offset}"'


def in_section(section: Section) -> str:
    """The attributes that say which section a container is of."""
    return (
        f'librarySectionID="{section.key}" librarySectionTitle="{esc(section.title)}"'
        f' librarySectionUUID="{section.uuid}"'
    )


def listing(section: Section, paging: str, title: str, children: Iterable[str]) -> bytes:
    """The answer to `/library/sections/{id}/all`."""
    return container(
        f'{paging} allowSync="1" art="/:/resources/movie-fanart.jpg" {LIBRARY} '
        f'{in_section(section)} thumb="/:/resources/movie.png" title1="{esc(section.title)}" '
        f'title2="{title}" viewGroup="{section.type}" viewMode="65592"',
        children,
    )


def list_item(
    item: SimItem,
    no_elements: AnyOf[str] = NOTHING,
    no_fields: AnyOf[str] = NOTHING,
    *,
    with_locks: bool = False,
) -> str:
    """An item in a list: all attributes, media with file names, tags cut short, no locks."""
    out = [_attributes(item, "", no_fields)]
    if "Media" not in no_elements:
        out.append(_media(item, "", ""))
    for kind, most in LISTED.items():
        names = item.tags.get(kind)
        if names and TAG_KINDS[kind] not in no_elements:
            out += [f'<{TAG_KINDS[kind]} tag="{esc(name)}"/>' for name in names[:most]]
    if with_locks:
        out += _locks(item)
    out.append("</Video>")
    return "".join(out)


def full_item(
    item: SimItem,
    section: Section,
    tags: TagBook,
    check_files: bool = False,
    no_elements: AnyOf[str] = NOTHING,
    no_fields: AnyOf[str] = NOTHING,
) -> str:
    """An item fetched by its key: everything."""
    where = (
        f' librarySectionTitle="{esc(section.title)}" librarySectionID="{section.key}"'
        f' librarySectionKey="/library/sections/{section.key}"'
    )
    out = [_attributes(item, where, no_fields)]
    if "Media" not in no_elements:
        there = "0" if item.deleted_at else "1"
        checked = f' accessible="{there}" exists="{there}"' if check_files else ""
        out.append(_media(item, checked, "" if "Stream" in no_elements else _STREAM))
    for kind, element in TAG_KINDS.items():
        if element not in no_elements:
            out += [_full_tag(item, kind, name, tags) for name in item.tags.get(kind, ())]
    out += _locks(item)
    out.append("</Video>")
    return "".join(out)


def _locks(item: SimItem) -> list[str]:
    return [f'<Field locked="1" name="{name}"/>' for name in sorted(item.locks)]


_STREAM = '<Stream id="1" streamType="1" default="1" codec="h264" index="0" bitrate="4000"/>'


def _full_tag(item: SimItem, kind: str, name: str, tags: TagBook) -> str:
    tag = tags.tag(kind, name)
    extra = ""
    if kind == "actor":
        text = item.roles.get(name)
        extra += f' role="{esc(text)}"' if text else ""
        extra += f' thumb="{esc(tag.thumb)}"' if tag.thumb else ""
    return f'<{TAG_KINDS[kind]} id="{tag.id}" filter="{kind}={tag.id}" tag="{esc(name)}"{extra}/>'


_TEXTS = ["titleSort", "originalTitle", "contentRating", "tagline", "editionTitle"]
_NUMBERS = ["rating", "audienceRating", "userRating"]


def _attributes(item: SimItem, where: str, without: AnyOf[str]) -> str:
    key = item.key
    out = [f'<Video ratingKey="{key}" key="/library/metadata/{key}" guid="{esc(item.guid)}"']
    if item.studio:
        out.append(f' studio="{esc(item.studio)}"')
    out.append(f' type="movie" title="{esc(item.title)}"{where}')
    for name in _TEXTS:
        text = getattr(item, name)
        if text and name not in without:
            out.append(f' {name}="{esc(text)}"')
    if "summary" not in without:
        out.append(f' summary="{esc(item.summary)}"')
    for name in _NUMBERS:
        number = getattr(item, name)
        if number is not None:
            out.append(f' {name}="{float(number)}"')
    out.append(_dates_and_pictures(item))
    return "".join(out)


def _dates_and_pictures(item: SimItem) -> str:
    out = []
    if item.year.isdecimal():
        out.append(f' year="{int(item.year)}"')
    if date := item.originallyAvailableAt:
        out.append(f' originallyAvailableAt="{esc(date)}"')
    if item.thumb:
        out.append(f' thumb="{esc(item.thumb)}"')
    if item.art:
        out.append(f' art="{esc(item.art)}"')
    out.append(f' duration="{item.duration}" addedAt="{item.added_at}"')
    out.append(f' updatedAt="{item.updated_at}"')
    if item.last_rated_at is not None:
        out.append(f' lastRatedAt="{item.last_rated_at}"')
    if item.deleted_at is not None:
        out.append(f' deletedAt="{item.deleted_at}"')
    out.append(">")
    return "".join(out)


_FORMAT = (
    'bitrate="4000" width="1920" height="1080" aspectRatio="1.78" audioChannels="2"'
    ' audioCodec="aac" videoCodec="h264" videoResolution="1080" videoFrameRate="24p"'
    ' videoProfile="high"'
)


def _media(item: SimItem, checked: str, stream: str) -> str:
    out = []
    for at, (file, size) in enumerate(item.files):
        number = item.key * 100 + at
        suffix = esc(file.rpartition(".")[2][:8]) if "." in file else "mkv"
        length = f' size="{size}"' if size else ""
        if not (item.stacked and at):
            out.append(
                f'<Media id="{number}" duration="{item.duration}" {_FORMAT} container="{suffix}">'
            )
        out.append(
            f'<Part id="{number}" key="/library/parts/{number}/{item.added_at}/file.{suffix}"'
            f' duration="{item.duration}" file="{esc(file)}"{length} container="{suffix}"'
            f' videoProfile="high"{checked}{f">{stream}</Part>" if stream else "/>"}'
        )
        if not item.stacked or at == len(item.files) - 1:
            out.append("</Media>")
    return "".join(out)


def collection(entry: Collection, *, whole: bool = False) -> str:
    """A collection in a list (type 18) or, `whole`, fetched by its key: then with its locks."""
    years = sorted(m.originallyAvailableAt[:4] for m in entry.members if m.originallyAvailableAt)
    span = f' minYear="{esc(years[0])}" maxYear="{esc(years[-1])}"' if years else ""
    thumb = entry.thumb or f"/library/collections/{entry.key}/composite/{entry.updated_at}"
    more = ' smart="1"' if entry.smart else ""
    for name in ("titleSort", "contentRating", "art"):
        text = getattr(entry, name)
        more += f' {name}="{esc(text)}"' if text else ""
    locks = "".join(f'<Field locked="1" name="{name}"/>' for name in sorted(entry.locks))
    return (
        f'<Directory ratingKey="{entry.key}" key="/library/collections/{entry.key}/children"'
        f' guid="collection://{entry.key:036x}" type="collection" title="{esc(entry.title)}"'
        f' subtype="movie" summary="{esc(entry.summary)}" index="{entry.tag}"'
        f' ratingCount="{len(entry.members)}" thumb="{esc(thumb)}"{more}'
        f' addedAt="{entry.added_at}" updatedAt="{entry.updated_at}"'
        f' childCount="{len(entry.members)}"{span} librarySectionID="{entry.section}">'
        f"{locks if whole else ''}</Directory>"
    )


def section(entry: Section) -> str:
    """One library in the list of libraries."""
    places = "".join(
        f'<Location id="{entry.key * 10 + at}" path="{esc(path)}"/>'
        for at, path in enumerate(entry.locations)
    )
    return (
        f'<Directory allowSync="1" art="/:/resources/movie-fanart.jpg"'
        f' composite="/library/sections/{entry.key}/composite/{entry.scanned_at}" filters="1"'
        f' refreshing="{int(entry.refreshing > 0)}" thumb="/:/resources/movie.png"'
        f' key="{entry.key}" type="{entry.type}" title="{esc(entry.title)}"'
        f' agent="{esc(entry.agent)}" scanner="{esc(entry.scanner)}"'
        f' language="{"xn" if entry.own_videos else "en-US"}" uuid="{entry.uuid}"'
        f' updatedAt="{entry.created_at}" createdAt="{entry.created_at}"'
        f' scannedAt="{entry.scanned_at}" content="1" directory="1"'
        f' contentChangedAt="{entry.revision}" hidden="0">{places}</Directory>'
    )


def preferences(entry: Section) -> bytes:
    """The advanced settings of a library, as far as they are needed here."""
    choices = "0:Disabled|1:Hide items which are in collections|2:Show collections and their items"
    return container(
        'size="2" identifier="com.plexapp.plugins.library"',
        [
            '<Setting id="enableBIFGeneration" label="Enable video preview thumbnails" summary=""'
            ' type="bool" default="true" value="true" hidden="0" advanced="0" group=""/>',
            '<Setting id="collectionMode" label="Collections" summary="How to display collections."'
            f' type="int" default="2" value="{entry.collection_mode}" hidden="0" advanced="0"'
            f' group="" enumValues="{choices}"/>',
        ],
    )


def picture(item: SimItem | Collection, rating_key: str, selected: bool) -> str:
    """One poster or background in the list of them."""
    key = f"/library/metadata/{item.key}/file?url={quote(rating_key, safe='')}"
    chosen = ' selected="1"' if selected else ""
    return f'<Photo key="{key}" ratingKey="{esc(rating_key)}"{chosen} thumb="{key}"/>'
