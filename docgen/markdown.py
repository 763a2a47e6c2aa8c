"""Generates Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, as lines."""
    lines = [head, ["---"] * len(head), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]


def plain(text: str) -> str:
    """Escape text, except for what is in backticks."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece.startswith("`") else _escaped(piece) for piece in pieces)


def _escaped(text: str) -> str:
    return re.sub(r"([*<])", r"\\\1", text)


def generated(source: str) -> str:
    """The comment that tells readers which file to edit instead."""
    return f"<!-- Generated from {source} by `python3 dev.py docs`: change it there. -->"
