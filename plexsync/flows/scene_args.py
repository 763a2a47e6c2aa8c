"""Which scenes a task was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.flows.call import TaskFailed


def scenes_of(args: Mapping[str, object]) -> list[int]:
    """The ids in `scene` or `scenes`: a number, a list, or a text with commas; [] without any.

    Raises TaskFailed for anything that is no id.
    """
    given = args.get("scene") or args.get("scenes") or ()
    listed = given if isinstance(given, (list, tuple)) else str(given).split(",")
    texts = [str(each).strip() for each in listed]
    for text in texts:
        if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0):
            raise TaskFailed(f"scene must be the number of a scene, not {text[:40]!r}.")
    return list(dict.fromkeys(map(int, texts)))
