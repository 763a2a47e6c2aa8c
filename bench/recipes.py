"""What patterns cost a reconciliation of a library that is in step with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.against import WRITING, compared, worked
from bench.reconcile import LOOKS, SETTINGS
from bench.report import Row, at_most
from bench.site import Site

RECIPES = {
    "title": "[{studio}: ]{title}[ ({year})]",
    "sort_title": "{studio} {date}",
    "content_rating": "XXX",
    "genres": "{tag:-Technical/*}",
    "collections": "{studio}; Series: {group}; {tag:Favourite}; Organized{?organized}; Rating: {stars}",
    "labels": "{tag:Kids,Adults}",
}
"""A pattern of each sort."""
DEARER = 1.3


def recipes(count: int) -> Iterator[Row]:
    """CPU with a pattern of each sort as a ratio to that without any."""
    plain, made = _work(count, {}), _work(count, RECIPES)
    name = f"reconciliation of {count:,} scenes, nothing changed: CPU with recipes"
    text = f"{made / plain:.2f} times ({made:.1f} s, without {plain:.1f} s)"
    yield at_most(name, made / plain, DEARER, text)


def _work(count: int, patterns: Mapping[str, str]) -> float:
    with Site(0.0, 0.0, {**WRITING, **patterns}) as site:
        site.ask("age", 5000)
        site.ask("fill", count)
        worked(site, "sync_all_forced")  # so that Plex has what the patterns make
        site.ask("configure", {**SETTINGS, **patterns})
        site.ask("age", 3000)
        compared(site)
        return min(compared(site) for _ in range(LOOKS))
