"""Runs every regular expression of PlexSync on 1 MB of its worst input.

The worst input is chosen by time, on 2 KB each, among repeated pieces of what the pattern itself
matches; a pattern that is worse than linear takes hours on 1 MB. `python -m torture.patterns`
prints each pattern before it runs, so that one that hangs can be identified.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import plexsync

if sys.version_info >= (3, 11):
    from re import _constants, _parser  # type: ignore[attr-defined]
else:
    import sre_constants as _constants
    import sre_parse as _parser

ROOT = Path(plexsync.__file__).parent
METHODS = ("match", "search", "fullmatch", "sub", "findall", "finditer", "split")
FILLS = ("\n", " ", "a", "1", "?", "<", '"', "'", "/", "=", ":", ",", "-", ".", "é", "🔥")
SMALL, LARGE = 2048, 1_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """A pattern, and the method by which the code applies it."""

    where: str
    pattern: re.Pattern[Any]
    method: str

    def run(self, text: str) -> None:
        """Apply it once."""
        subject: Any = text
        if isinstance(self.pattern.pattern, bytes):
            subject = text.encode("latin-1", "replace")
        if self.method == "sub":
            self.pattern.sub(subject[:0], subject)
            return
        found = getattr(self.pattern, self.method)(subject)
        if self.method == "finditer":
            list(found)

    def worst(self) -> str:
        """The piece of text with which it takes longest."""
        made = max(_texts(self.pattern), key=lambda made: _seconds(partial(self.run, made(SMALL))))
        return made(LARGE)


def uses() -> Iterator[Use]:
    """All uses of patterns in the package, including those within functions. A pattern that is used
    under another name, as in a loop, is yielded with `search` and `sub`.
    """
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "import re\n" not in source:
            continue
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        tree, known = ast.parse(source), compiled(name)
        direct: set[str] = set()
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner, method = ast.unparse(node.func.value), node.func.attr
            where = f"{name}:{node.lineno}"
            if owner in known and method in METHODS:
                direct.add(owner)
                yield Use(where, known[owner], method)
            elif owner == "re" and method in METHODS:
                flags = [
                    ast.unparse(flag) for flag in (*node.args, *(k.value for k in node.keywords))
                ]
                pattern = ast.literal_eval(node.args[0])
                ignore = re.IGNORECASE if "re.IGNORECASE" in flags else re.RegexFlag(0)
                yield Use(where, re.compile(pattern, ignore), method)
        for owner in known.keys() - direct:
            yield from (
                Use(f"{name} {owner}", known[owner], method) for method in ("search", "sub")
            )


def compiled(name: str) -> dict[str, re.Pattern[Any]]:
    """The module's compiled patterns by name."""
    module = importlib.import_module(name)
    found = {key: value for key, value in vars(module).items() if isinstance(value, re.Pattern)}
    if name == "plexsync.edges.log.redact":
        found["self._known"] = module.Redactor(["secret-one", "secret-two/%", "s" * 40])._known
    return found


def _texts(pattern: re.Pattern[Any]) -> Iterator[Callable[[int], str]]:
    text = pattern.pattern
    sample = _sample(_parser.parse(text.decode("latin-1") if isinstance(text, bytes) else text))
    heads = sorted({sample[:end] for end in range(1, len(sample) + 1)})[
        :: max(1, len(sample) // 12)
    ]
    for piece in {*heads, sample, *FILLS}:
        yield lambda size, piece=piece: piece * (size // len(piece))
    for head in heads:
        for fill in FILLS:
            yield lambda size, head=head, fill=fill: head + fill * size
            yield lambda size, both=head + fill: both * (size // len(both))


def _sample(parsed: Any) -> str:
    """A text similar to what the pattern matches."""
    return "".join(_piece(kind, value) for kind, value in parsed)


def _piece(kind: Any, value: Any) -> str:
    if kind is _constants.LITERAL:
        return chr(value)
    if kind is _constants.IN:
        return _one_of(value)
    if kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        low, _, inner = value
        return _sample(inner) * max(low, 1)
    if kind is _constants.SUBPATTERN:
        return _sample(value[-1])
    if kind is _constants.BRANCH:
        return "".join(_sample(branch) for branch in value[1])
    return "x" if kind in (_constants.ANY, _constants.NOT_LITERAL) else ""


def _one_of(choices: Any) -> str:
    kind, value = choices[0]
    if kind is _constants.LITERAL:
        return chr(value)
    if kind is _constants.RANGE:
        return chr(value[0])
    if kind is _constants.CATEGORY:
        return {"DIGIT": "1", "SPACE": " "}.get(str(value).rpartition("_")[2], "w")
    return "x"


def _seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def main() -> None:
    """Run all patterns."""
    for use in uses():
        print(f"{use.where} {use.method} {use.pattern.pattern!r:.60}", flush=True)
        print(f"  {_seconds(partial(use.run, use.worst())) * 1000:.0f} ms", flush=True)


if __name__ == "__main__":
    sys.exit(main())
