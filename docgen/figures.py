"""`python3 dev.py docs --figures [REVISION ...]`: measures size, depth and coupling of the code."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from docgen.markdown import table

PAGE = "docs/architecture.md"
REVISIONS = ("60de551", "e9b5c9b", "HEAD")
"""Version 0.1.0, the last revision before the rooms, and today."""
LAYERS = ("flows", "edges")
BEGIN, END = "<!-- figures: python3 dev.py docs --figures -->", "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, and its number of lines from `def` to its end."""

    name: str
    lines: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one revision's package; `rooms` lists the number of files per layer and room."""

    revision: str
    files: int
    lines: int
    functions: Sequence[Function]
    same_room: int
    imports: int
    rooms: Mapping[str, str]
    hops: int
    shapes: int

    @property
    def lengths(self) -> list[int]:
        """All function lengths, ascending."""
        return sorted(function.lines for function in self.functions)

    @property
    def longest(self) -> Function:
        """The longest function."""
        return max(self.functions, key=lambda function: function.lines)

    @property
    def inside(self) -> str:
        """The share of imports in the thick layers that stay in one room, if there are rooms."""
        if not self.imports:
            return "no rooms"
        return f"{self.same_room} of {self.imports} ({100 * self.same_room // self.imports} %)"


def measure(revision: str, root: Path) -> Figures:
    """Measure a checkout of the revision."""
    files = sorted((root / "plexsync").rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    imports = list(_imports(root, texts))
    hops, shapes = _trail(root)
    return Figures(
        revision=revision,
        files=len(files),
        lines=sum(text.count("\n") for text in texts.values()),
        functions=[each for path in files for each in _functions(path, texts[path])],
        same_room=sum(here == there for here, there in imports),
        imports=len(imports),
        rooms={layer: _rooms(root / "plexsync" / layer) for layer in LAYERS},
        hops=hops,
        shapes=shapes,
    )


def _rooms(layer: Path) -> str:
    """For example "4 in page, 11 in sync, 6 beside"."""
    rooms = sorted(path for path in layer.iterdir() if path.is_dir() and any(path.glob("*.py")))
    inside = [f"{len(list(room.glob('*.py')))} in {room.name}" for room in rooms]
    beside = len(list(layer.glob("*.py")))
    return ", ".join([*inside, f"{beside} beside"]) if inside else f"{beside} side by side"


def _functions(path: Path, text: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
            yield Function(f"{path.stem}.{node.name}", node.end_lineno - node.lineno + 1)


def _imports(root: Path, texts: dict[Path, str]) -> Iterator[tuple[Path, Path]]:
    """The rooms at both ends of each import between rooms of one layer."""
    for path, text in texts.items():
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for target in {root / f"{name.replace('.', os.sep)}.py" for name in names} & set(texts):
                here, there = _room(root, path), _room(root, target)
                if here and there and here.parent == there.parent:
                    yield here, there


def _room(root: Path, path: Path) -> Path | None:
    parts = path.relative_to(root / "plexsync").parts
    return Path(*parts[:2]) if len(parts) == 3 and parts[0] in LAYERS else None


def _trail(root: Path) -> tuple[int, int]:
    """The number of functions and value types from the hook to the PUT, see hops.py."""
    script = Path(__file__).with_name("hops.py")
    run = subprocess.run(
        [sys.executable, str(script)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(run.stdout)
    return len(found["functions"]), len(found["shapes"])


def _in_layer(layer: str, figures: Figures) -> str:
    return figures.rooms[layer]


ROWS: Mapping[str, Callable[[Figures], str]] = {
    "files": lambda each: f"{each.files}",
    "lines": lambda each: f"{each.lines:,}",
    "lines per file": lambda each: f"{each.lines // each.files}",
    "functions and methods": lambda each: f"{len(each.functions):,}",
    "function length, median": lambda each: f"{statistics.median(each.lengths):g}",
    "function length, 90th percentile": lambda each: f"{each.lengths[len(each.lengths) * 9 // 10]}",
    "longest function": lambda each: f"{each.longest.lines} (`{each.longest.name}`)",
    **{f"files in {layer}": partial(_in_layer, layer) for layer in LAYERS},
    "imports within flows and edges that stay in one room": lambda each: each.inside,
    "functions from the hook to the PUT": lambda each: f"{each.hops}",
    "kinds of value that they hold": lambda each: f"{each.shapes}",
}


def document(figures: Sequence[Figures]) -> str:
    """The table, one column per revision."""
    rows = [[name, *map(cell, figures)] for name, cell in ROWS.items()]
    return "\n".join(table(["", *(each.revision for each in figures)], rows))


def write(root: Path, revisions: Sequence[str]) -> None:
    """Measure the revisions and write the table into the page."""
    measured = [_measured(root, revision) for revision in revisions or REVISIONS]
    page = root / PAGE
    text = page.read_text(encoding="utf-8")
    new = f"{BEGIN}\n{document(measured)}\n{END}"
    text = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: new, text, flags=re.S)
    page.write_text(text, encoding="utf-8", newline="\n")


def _measured(root: Path, revision: str) -> Figures:
    name = _git(root, "rev-parse", "--short", revision).decode().strip()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", revision))) as archive:
            archive.extractall(folder)  # noqa: S202 - it is our own history
        return measure(name, Path(folder))


def _git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=True).stdout
