"""Parses Plex's XML into a tree, with limits on memory and CPU time.

A well-formed answer of usual size is parsed at once, by ElementTree alone. Any other is parsed with
each element examined, while it arrives if it is large, and either read leniently or rejected with
the reason. Measured with 70 kinds of malformed answers: the worst costs 52 MB and 0.5 s of CPU;
with ElementTree.fromstring on any body it cost 1.66 GB and 42 s. A list page of 1,000 items takes
less than a tenth of each limit.
"""

from __future__ import annotations

import codecs
from sys import getsizeof
from xml.etree.ElementTree import Element, ParseError, XMLParser
from xml.parsers import expat

MOST_ELEMENTS = 400_000
DEEPEST = 64
MOST_NAMES = 4_000
"""Maximum distinct names of elements and attributes; Plex has a few hundred."""
MOST_MEMORY = 48 << 20
"""Maximum bytes for elements and their attributes, roughly."""
LONGEST_TAG = 512 << 10
"""Maximum bytes of a tag with its attributes, or of a comment."""

LATER = 2 << 20
"""Bytes of an answer that are kept until `close`, so that a short one is parsed at once, when its
connection already carries the next request.
"""
USUAL_TAGS, USUAL_ATTRIBUTES = 50_000, 120_000
"""Maximum tags and attributes that are parsed unseen: together they take less than `MOST_MEMORY`."""

_ELEMENT = 150
"""Bytes of an element besides its attributes, including its slot in the parent."""
_CONTROLS = bytes(code for code in range(32) if chr(code) not in "\t\n\r")
UNREAD = (
    *("Stream", "Chapter", "Marker", "Image", "UltraBlurColors", "Guid", "Rating"),
    *("Producer", "Country", "Similar"),
)
"""Elements that PlexSync never reads; an item has dozens. Plex is asked to leave them out, and where it
does not, they are skipped with their content.
"""


class BrokenXml(Exception):
    """The answer is not Plex's XML, or exceeds a limit; the message says why."""


class TreeReader:
    """Builds the root element of one answer from its chunks.

    Control characters, which XML forbids but Plex's titles may contain, are dropped, and bytes that
    are not UTF-8 are replaced.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._parser: expat.XMLParserType | None = None
        self._fed = self._elements = self._memory = self._depth = 0
        self._skipped_from = 0
        self._open: list[Element] = []
        self._root: Element | None = None
        self._problem: BrokenXml | None = None
        self._kept: list[bytes] = []
        self._room = LATER

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes; False if no more are needed, since `close` will raise anyway."""
        self._kept.append(chunk)
        self._room -= len(chunk)
        if self._room < 0:
            self._parse_kept()
        return self._problem is None

    def close(self) -> Element:
        """The root element of what was fed; raises BrokenXml."""
        if self._room >= 0 and (root := _usual(b"".join(self._kept))) is not None:
            return root
        self._parse_kept()
        if self._problem is None:
            self._parse(self._decoder.decode(b"", True), final=True)
        self._parser = None  # it refers to this reader: the cycle would keep the tree alive
        if self._problem is not None or self._root is None:
            raise self._problem or BrokenXml("it is empty")
        return self._root

    def _parse_kept(self) -> None:
        kept, self._kept = self._kept, []
        for chunk in kept:
            if self._problem is None:
                self._parse(self._decoder.decode(chunk.translate(None, _CONTROLS)))

    def _parse(self, text: str, final: bool = False) -> None:
        if not self._fed:
            text = text.lstrip()
        data = _allowed(text).encode("utf-8")
        self._fed += len(data)
        if not self._fed:
            return
        parser = self._parser = self._parser or self._new_parser()
        try:
            parser.Parse(data, final)
            # Expat parses an unfinished tag again with each chunk, and buffers all of it.
            if self._fed - parser.CurrentByteIndex > LONGEST_TAG:
                raise BrokenXml(f"a tag of more than {LONGEST_TAG} bytes")
            if len(parser.intern) > MOST_NAMES:
                raise BrokenXml(f"more than {MOST_NAMES} distinct names")
        except (BrokenXml, expat.ExpatError) as problem:
            self._problem = BrokenXml(str(problem))
            self._parser = self._root = None
            self._open.clear()

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8")
        if defer := getattr(parser, "SetReparseDeferralEnabled", None):
            defer(False)  # expat 2.6 would hold back whole tags, which then count as one long tag
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        return parser

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._root is None and name != "MediaContainer":
            raise BrokenXml("it does not begin with MediaContainer")
        self._elements += 1
        self._depth += 1
        if self._elements > MOST_ELEMENTS:
            raise BrokenXml(f"more than {MOST_ELEMENTS} elements")
        if self._depth > DEEPEST:
            raise BrokenXml(f"elements nested more than {DEEPEST} deep")
        if self._skipped_from or name in UNREAD:
            self._skipped_from = self._skipped_from or self._depth
            return
        self._memory += _ELEMENT + getsizeof(attributes) + sum(map(getsizeof, attributes.values()))
        if self._memory > MOST_MEMORY:
            raise BrokenXml(f"more than {MOST_MEMORY >> 20} MB of elements")
        element = Element(name, attributes)
        if self._open:
            self._open[-1].append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        if not self._skipped_from:
            self._open.pop()
        elif self._skipped_from == self._depth:
            self._skipped_from = 0
        self._depth -= 1

    def _doctype(self, *declared: object) -> None:
        """Reject it: entities can expand without bound, and Plex declares none."""
        raise BrokenXml("it declares a document type")


def _usual(body: bytes) -> Element | None:
    """The root of a whole answer, None if it is not well-formed or could exceed a limit."""
    if body.count(b"<") > USUAL_TAGS or body.count(b"=") > USUAL_ATTRIBUTES or b"<!D" in body:
        return None
    parser = XMLParser(encoding="utf-8")
    try:
        parser.feed(body)
        root = parser.close()
    except ParseError:
        return None
    return root if root.tag == "MediaContainer" else None


def _allowed(text: str) -> str:
    """The text without the two noncharacters that XML forbids."""
    if "\ufffe" in text or "\uffff" in text:
        return text.replace("\ufffe", "").replace("\uffff", "")
    return text
