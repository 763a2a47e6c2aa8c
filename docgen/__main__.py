"""`python3 dev.py docs`: writes the generated documents; `--check` only lists stale ones.

`--figures` measures the code for docs/architecture.md, in half a minute, and writes no other
document.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from docgen import catalog, chart, figures, manifest, recipes, settings, tasks

ROOT = Path(__file__).resolve().parent.parent

DOCUMENTS: Mapping[str, Callable[[Path], str]] = {
    "docs/settings.md": settings.document,
    "docs/recipes.md": recipes.document,
    "docs/tasks.md": tasks.document,
    "docs/images/cost.svg": chart.document,
    "web/catalog.js": catalog.document,
    "PlexSync.yml": manifest.document,
}
"""Path of each document -> the function that generates its text."""


def stale(root: Path = ROOT) -> list[str]:
    """The documents that differ from their sources."""
    return [name for name, make in DOCUMENTS.items() if _read(root / name) != make(root)]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(argv: Sequence[str]) -> int:
    """Write stale documents; with `--check` write nothing, and return 1 if any is stale."""
    words = argparse.ArgumentParser(prog="python3 dev.py docs", description=__doc__)
    words.add_argument("--check", action="store_true", help="only list stale documents")
    words.add_argument("--figures", nargs="*", metavar="REVISION", help="measure these revisions")
    said = words.parse_args(argv)
    if said.figures is not None:
        figures.write(ROOT, said.figures)
        return 0
    check = said.check
    names = stale()
    for name in names:
        print(f"{name} is stale: run python3 dev.py docs" if check else f"wrote {name}")
        if not check:
            (ROOT / name).write_text(DOCUMENTS[name](ROOT), encoding="utf-8", newline="\n")
    if not names:
        print(f"{', '.join(DOCUMENTS)} are up to date.")
    return 1 if check and names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
