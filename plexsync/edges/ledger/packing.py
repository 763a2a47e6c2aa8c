"""Compresses long JSON in the ledger's columns; apart, since to load zlib takes half a millisecond."""

from __future__ import annotations

import zlib

PACKED = "typeof({0}) = 'blob' AND hex(substr({0}, 1, 1)) = '78'"
"""SQL for what `packed` compresses, which begins with this byte."""

_SHORT = 100
"""Characters that are stored as they are."""
_LONGEST = 1 << 24
"""Bytes of JSON that are read; far more than the fields of an item have."""
_USUAL = (
    b'"poster":[""],"background":[""],"rating":["8.5"],"year":["20"],"tagline":[""],'
    b'"sort_title":[""],"content_rating":[""],"labels":[["","'
    b'"]],"writers":[["","' + b'"]],"directors":[[""]],"collections":[["","' + b'"]]}{"at":17'
    b'.,"title":[""],"summary":[""],"studio":[""],"date":["20-01-01"],"performers":[["","'
    b'"]],"tags":[["","' + b'"]],"directors":[[""]],"collections":[[""]]}'
)
"""What most of these texts have in common. Rows are unreadable with another: never change it."""


def packed(text: str) -> str | bytes:
    """JSON as a column has it: compressed if that pays."""
    if len(text) < _SHORT:
        return text
    packer = zlib.compressobj(zdict=_USUAL)
    return packer.compress(text.encode()) + packer.flush()


def unpacked(stored: bytes) -> str:
    """What was compressed; "" if it is damaged."""
    try:
        return zlib.decompressobj(zdict=_USUAL).decompress(stored, _LONGEST).decode()
    except (zlib.error, UnicodeDecodeError):
        return ""
