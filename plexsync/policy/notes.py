"""Notes on a scene that is in step although Plex does not show exactly the desired values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plexsync.model.formatting import grouped, label
from plexsync.model.plex import EDITABLE, IMAGE, LIST, Refusal, Value, Written
from plexsync.model.values import is_desired, name_keys

NO_COVER = "no cover in Stash yet"
"""The note of a scene whose poster will be uploaded once Stash has a cover for it."""

_LONGEST = 40


def notes(
    desired: Mapping[str, Value], written: Mapping[str, Written], refused: Mapping[str, Refusal]
) -> Iterator[str]:
    """Yield a sentence without its full stop for each field that Plex refuses, shows differently or
    has only in part.
    """
    for name in EDITABLE:
        if name in refused:
            yield f"Plex refuses the {label(name)}: {refused[name].words}"
        elif name in written and name in desired and EDITABLE[name].kind != IMAGE:
            yield from _different(name, desired[name], written[name])


def how_much(name: str, kept: int, of: int) -> str:
    """For example "the first 2 140 of 5 300 characters"."""
    what = "names" if EDITABLE[name].kind == LIST else "characters"
    return f"the first {grouped(kept)} of {grouped(of)} {what}"


def _different(name: str, want: Value, last: Written) -> Iterator[str]:
    if not is_desired(last, want):
        return
    if _is_part(want, last):
        yield f"Plex has only {how_much(name, len(last.value), len(want))} of the {label(name)}"
    elif last.shown is not None:
        shown, sent = _short(name, last.shown), _short(name, last.value)
        yield f"Plex shows {shown} for {sent} ({label(name)})"


def _is_part(want: Value, last: Written) -> bool:
    if isinstance(want, str) or isinstance(last.value, str):
        return want != last.value and str(want).startswith(str(last.value))
    shown = name_keys(last.shown or ())
    return len(last.value) < len(want) and name_keys(last.value) <= shown


def _short(name: str, value: Value) -> str:
    text = value if isinstance(value, str) else ", ".join(value)
    text = text.removesuffix(".0") if name == "rating" else text
    text = " ".join(text.split()) or "nothing"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
