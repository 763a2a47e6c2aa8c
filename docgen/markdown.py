"""Pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, a line each."""
    lines = [head, ["---"] * len(head), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]


def plain(text: str) -> str:
    """Text in which only what stands in backticks is more than text."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece.startswith("`") else _escaped(piece) for piece in pieces)


def _escaped(text: str) -> str:
    return re.sub(r"([*<])", r"\\\1", text)


def generated(source: str) -> str:
    """The comment that tells an editor where to look instead."""
    return f"<!-- Generated from {source} by `python3 dev.py docs`: change it there. -->"
