"""Plex's XML as a tree, built while it arrives and bounded in everything it could cost.

A list page of 1,000 items takes less than a tenth of each limit.
"""

from __future__ import annotations

import codecs
from sys import getsizeof
from xml.etree.ElementTree import Element
from xml.parsers import expat

MOST_ELEMENTS = 400_000
DEEPEST = 64
MOST_NAMES = 4_000
"""Different names of elements and attributes; Plex has a few hundred."""
MOST_MEMORY = 48 << 20
"""Bytes that the elements and their attributes take, roughly."""
LONGEST_TAG = 512 << 10
"""Bytes of a tag with its attributes, or of a comment."""

_ELEMENT = 150
"""Bytes of an element besides its attributes, with its place among its parent's."""
_HEAD = 2048
_CONTROLS = bytes(code for code in range(32) if chr(code) not in "\t\n\r")
_UNREAD = frozenset(
    {"Stream", "Chapter", "Marker", "Image", "UltraBlurColors", "Guid", "Rating"}
    | {"Writer", "Producer", "Country", "Similar", "Label"}
)
"""Elements that PlexSync never reads, with all that is in them; an item has dozens."""


class NotPlex(Exception):
    """The answer does not begin as Plex's do; `head` is its beginning."""

    def __init__(self, head: str) -> None:
        super().__init__("not Plex's XML")
        self.head = head


class BrokenXml(Exception):
    """The answer begins as Plex's do, and cannot be used; says why."""


class TreeReader:
    """Takes the chunks of one answer and gives its root element in the end.

    Control characters, which XML forbids and Plex's titles may hold, are left out, and bytes that
    are no UTF-8 are replaced.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._head = ""
        self._fed = self._elements = self._memory = self._depth = 0
        self._skipped_from = 0
        self._open: list[Element] = []
        self._root: Element | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; raises NotPlex or BrokenXml as soon as it can be told."""
        self._parse(self._decoder.decode(chunk.translate(None, _CONTROLS)))

    def close(self) -> Element:
        """The root element of what was fed; raises NotPlex or BrokenXml."""
        self._parse(self._decoder.decode(b"", True), final=True)
        if self._root is None:
            raise NotPlex(self._head)
        return self._root

    def _parse(self, text: str, final: bool = False) -> None:
        if not self._fed:
            text = text.lstrip()
        if len(self._head) < _HEAD:
            self._head += text[: _HEAD - len(self._head)]
        data = _allowed(text).encode("utf-8")
        self._fed += len(data)
        if not (data or self._fed):
            return
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as problem:
            raise self._broken(str(problem)) from None
        # Expat looks at an unfinished tag again with each chunk, and keeps all of it.
        if self._fed - self._parser.CurrentByteIndex > LONGEST_TAG:
            raise self._broken(f"a tag of more than {LONGEST_TAG} bytes")
        if len(self._parser.intern) > MOST_NAMES:
            raise self._broken(f"more than {MOST_NAMES} different names")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._root is None and name != "MediaContainer":
            raise NotPlex(self._head)
        self._elements += 1
        self._depth += 1
        if self._elements > MOST_ELEMENTS:
            raise self._broken(f"more than {MOST_ELEMENTS} elements")
        if self._depth > DEEPEST:
            raise self._broken(f"elements nested more than {DEEPEST} deep")
        if self._skipped_from or name in _UNREAD:
            self._skipped_from = self._skipped_from or self._depth
            return
        self._memory += _ELEMENT + getsizeof(attributes) + sum(map(getsizeof, attributes.values()))
        if self._memory > MOST_MEMORY:
            raise self._broken(f"more than {MOST_MEMORY >> 20} MB of elements")
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
        """Entities could make much of little, and Plex declares nothing."""
        raise self._broken("it declares a document type")

    def _broken(self, reason: str) -> NotPlex | BrokenXml:
        return NotPlex(self._head) if self._root is None else BrokenXml(reason)


def _allowed(text: str) -> str:
    """Without the two noncharacters that XML forbids."""
    if "\ufffe" in text or "\uffff" in text:
        return text.replace("\ufffe", "").replace("\uffff", "")
    return text
