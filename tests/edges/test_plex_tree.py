"""Parsing Plex's XML as it arrives: what is kept, what is rejected, and the limits."""

from __future__ import annotations

import gc
import random
import tracemalloc
import weakref
from xml.etree.ElementTree import Element

import pytest

from plexsync.edges.plex import tree as plex_tree
from plexsync.edges.plex import xml as plex_xml
from plexsync.edges.plex.answers import LONG
from plexsync.edges.plex.tree import BrokenXml, TreeReader
from torture import sick_answers

LARGE = b" " * plex_tree.LATER
"""Before an answer, it makes it too large to be parsed at once."""


def read(body: bytes, chunk: int = 65536) -> Element:
    reader = TreeReader()
    for start in range(0, len(body), chunk):
        if not reader.feed(body[start : start + chunk]):
            break
    return reader.close()


def lean_item(number: int, title: str = "") -> str:
    """An item of a list without what PlexSync asks Plex to leave out, and one file of it."""
    return (
        f'<Video ratingKey="{number}" key="/library/metadata/{number}" type="movie" year="2021"'
        f' title="{title}" addedAt="1700000000" updatedAt="1700000001" duration="5400000" index="1"'
        ' originallyAvailableAt="2021-05-01" viewCount="1" lastViewedAt="1700000002" rating="7.0">'
        f'<Media id="{number}" duration="5400000" bitrate="8000" width="1920" height="1080"'
        ' aspectRatio="1.78" audioChannels="2" audioCodec="aac" videoCodec="h264" container="mp4"'
        ' videoResolution="1080" videoFrameRate="24p" videoProfile="high" audioProfile="lc">'
        f'<Part id="{number}" key="/library/parts/{number}/1/file.mp4" duration="5400000" size="5000"'
        f' file="/data/movies/Some Studio/2021/A scene with a long name {number}.mp4"'
        ' container="mp4" videoProfile="high" audioProfile="lc"/></Media></Video>'
    )


def page(items: int) -> bytes:
    body = "".join(lean_item(number) for number in range(1, items + 1))
    return f'<MediaContainer size="{items}" totalSize="{items}">{body}</MediaContainer>'.encode()


def test_ten_pages_of_a_thousand_items_fit_into_one_answer() -> None:
    body = page(10_000)
    assert len(body) < LONG
    assert len(plex_xml.listed(read(body))) == 10_000


@pytest.mark.parametrize("before", [b"", "\ufeff".encode(), "\ufeff \n".encode(), LARGE])
@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_the_tree_is_the_same_however_it_arrives(chunk: int, before: bytes) -> None:
    said = (
        '<MediaContainer a="é😀"><Video ratingKey="1" title="&lt;b&gt; &#233;"/></MediaContainer>'
    )
    if before is LARGE:
        chunk *= 16384
    root = read(before + f"<?xml version='1.0'?>{said}".encode(), chunk)
    assert root.get("a") == "é😀"
    assert root[0].attrib == {"ratingKey": "1", "title": "<b> é"}


def test_of_a_large_answer_what_is_never_read_is_not_kept() -> None:
    body = (
        b'<MediaContainer><Video ratingKey="1"><Media><Part file="/a"><Stream><x/></Stream></Part>'
        b'</Media><Country tag="c"/><Genre tag="g"/></Video></MediaContainer>'
    )
    root = read(LARGE + body)
    assert [element.tag for element in root.iter()] == [
        *("MediaContainer", "Video", "Media", "Part", "Genre")
    ]


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ((b'<V t="' + "😀".encode() + b"x" * 150_000 + b'"/>') * 100, "48 MB of elements"),
        (b"<Stream/>" * 400_001, "more than 400000 elements"),
        (b"<a>" * 70, "deep"),
        (b'<V t="' + b"x" * 600_000 + b'"/>', "a tag of more than"),
        ("".join(f"<a n{n}=''/>" for n in range(5000)).encode(), "distinct names"),
        (b'<V t="' + b"x" * 100_000 + b'"/>', ""),
        (b"<a></b>", "mismatched"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_nothing_is_too_much(inside: bytes, reason: str) -> None:
    body = b"<MediaContainer>" + inside + b"</MediaContainer>"
    if not reason:
        assert len(read(LARGE + body)) == 1
        return
    with pytest.raises(BrokenXml, match=reason):
        read(LARGE + body)


@pytest.mark.parametrize("before", [b"", LARGE])
def test_a_document_type_is_refused_before_its_entities_are_read(before: bytes) -> None:
    with pytest.raises(BrokenXml, match="document type"):
        read(before + b'<!DOCTYPE m [<!ENTITY a "b">]><MediaContainer>&a;</MediaContainer>')


@pytest.mark.parametrize(
    "inside",
    [
        b"<a b='' c=''/>" * (plex_tree.USUAL_TAGS - 2),
        b"<a " + b" ".join(b"n%d=''" % n for n in range(plex_tree.USUAL_ATTRIBUTES)) + b"/>",
        b'<V t="' + "😀".encode() + b"x" * 2_000_000 + b'"/>',
    ],
    ids=["elements", "names", "wide characters"],
)
def test_what_is_parsed_at_once_takes_bounded_memory(inside: bytes) -> None:
    body = b"<MediaContainer>" + inside + b"</MediaContainer>"
    assert len(body) < plex_tree.LATER
    tracemalloc.start()
    try:
        assert len(read(body))
        assert tracemalloc.get_traced_memory()[1] < plex_tree.MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_of_an_answer_with_more_elements_than_usual_each_is_examined() -> None:
    body = b"<MediaContainer>" + b"<Stream/>" * plex_tree.USUAL_TAGS + b"</MediaContainer>"
    assert len(body) < plex_tree.LATER
    assert len(read(body)) == 0


def test_a_reader_that_refused_takes_no_more() -> None:
    reader = TreeReader()
    assert not reader.feed(b"<html>" + b" " * plex_tree.LATER)
    assert not reader.feed(b"<MediaContainer/>")
    with pytest.raises(BrokenXml, match="does not begin with MediaContainer"):
        reader.close()


def test_no_circle_keeps_a_tree_alive() -> None:
    gc.disable()
    try:
        reader = TreeReader()
        reader.feed(b"<MediaContainer/>")
        reader.close()
        gone = weakref.ref(reader)
        del reader
        assert gone() is None
    finally:
        gc.enable()


def test_random_damage_comes_out_as_a_tree_or_as_broken() -> None:
    dice, body = random.Random(5), page(3)
    for _ in range(500):
        damaged = bytearray(body)
        for _ in range(dice.randrange(1, 4)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        try:
            plex_xml.listed(read(bytes(damaged), dice.randrange(1, 2000)))
        except BrokenXml:
            pass


def test_limits_leave_ten_times_what_a_page_takes() -> None:
    reader = TreeReader()
    reader.feed(LARGE + page(1000))
    reader.close()
    assert reader._elements * 10 <= plex_tree.MOST_ELEMENTS
    assert reader._memory * 10 <= plex_tree.MOST_MEMORY


@pytest.mark.long
def test_sick_answers_cost_bounded_time_and_memory() -> None:
    assert len(sick_answers.KINDS) >= 60
    assert list(sick_answers.harm(["line feeds", "9 MB of nested tags"], ["list"])) == []
