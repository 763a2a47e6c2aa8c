"""docs/api.md: what is public in the package, as its sources and docstrings say."""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from docgen.markdown import generated, plain

HEAD = """# API

Every module of the package with what is public in it. What is meant for other programs is described
in [operations](operations.md); everything here may change with any version. The layers are explained
in [architecture](architecture.md).
"""

Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def document(root: Path) -> str:
    """The whole text; the same under every version of Python, since sources are quoted."""
    files = sorted((root / "plexsync").rglob("*.py"), key=lambda file: _order(root, file))
    modules = {file.relative_to(root).as_posix(): _module(file) for file in files}
    told = {name: lines for name, lines in modules.items() if lines}
    return "\n".join(
        [
            generated("the docstrings in plexsync"),
            HEAD,
            *_contents(list(told)),
            *(line for name, lines in told.items() for line in (f"## `{name}`", "", *lines)),
        ]
    )


def _contents(names: list[str]) -> Iterator[str]:
    """Links to the modules, a line for each folder."""
    for folder in dict.fromkeys(name.rpartition("/")[0] for name in names):
        inside = [name for name in names if name.rpartition("/")[0] == folder]
        links = (f"[{name.rpartition('/')[2]}](#{re.sub('[/.]', '', name)})" for name in inside)
        yield f"- `{folder}/`: {', '.join(links)}"
    yield ""


def _module(file: Path) -> list[str]:
    """A module's text; nothing for one that has no docstring."""
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    if not ast.get_docstring(tree):
        return []
    return [*_doc(tree), "", *_members(tree.body, text.splitlines(keepends=True))]


def _order(root: Path, file: Path) -> tuple[int, str]:
    path = file.relative_to(root).as_posix()
    return path.count("/"), path


def _members(body: Sequence[ast.stmt], source: list[str]) -> Iterator[str]:
    """The public names of a module, one heading or entry each."""
    for place, node in enumerate(body):
        if isinstance(node, ast.ClassDef) and _public(node):
            yield from (f"### `{_signature(node, source)}`", "", *_doc(node), "")
            yield from _inside(node, source)
        elif isinstance(node, ast.FunctionDef) and _public(node):
            yield from (f"### `{_signature(node, source)}`", "", *_doc(node), "")
        elif (name := _constant(node)) and (said := _said(body, place)):
            yield from (f"### `{name}`", "", *said, "")


def _inside(node: ast.ClassDef, source: list[str]) -> Iterator[str]:
    """Fields and methods of a class, as one list."""
    found = []
    for place, each in enumerate(node.body):
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            made = _signature(each, source).replace("__init__(self, ", f"{node.name}(")
            found += _entry(made.removesuffix(" -> None"), _doc(each))
        elif isinstance(each, ast.FunctionDef) and _public(each):
            found += _entry(_reached(each, _signature(each, source)), _doc(each))
        elif isinstance(each, ast.AnnAssign) and not (name := ast.unparse(each.target)).startswith(
            "_"
        ):
            kind = _source(each.annotation, source)
            found += _entry(f"{name}: {kind}", _said(node.body, place))
    if found:
        yield from (*found, "")


def _reached(node: ast.FunctionDef, signature: str) -> str:
    """A method as it is written where it is used: a property looks like a field."""
    if "property" in (ast.unparse(mark) for mark in node.decorator_list):
        return signature.replace("(self) ->", ":")
    return re.sub(r"\((?:self|cls)(?:, )?", "(", signature)


def _entry(title: str, text: Sequence[str]) -> list[str]:
    first, *rest = text or [""]
    return [
        f"- `{title}`: {first}" if first else f"- `{title}`",
        *(f"  {line}".rstrip() for line in rest),
    ]


def _public(node: Defined) -> bool:
    return not node.name.startswith("_")


def _doc(node: ast.Module | Defined) -> list[str]:
    return plain(ast.get_docstring(node) or "").splitlines()


def _said(body: Sequence[ast.stmt], place: int) -> list[str]:
    """The text right behind an assignment."""
    after = body[place + 1] if place + 1 < len(body) else None
    value = after.value if isinstance(after, ast.Expr) else None
    text = value.value if isinstance(value, ast.Constant) else None
    return plain(inspect.cleandoc(text)).splitlines() if isinstance(text, str) else []


def _constant(node: ast.stmt) -> str:
    """The public name that a statement assigns to; "" when it assigns to none."""
    target: ast.expr | None = None
    if isinstance(node, ast.AnnAssign):
        target = node.target
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    name = target.id if isinstance(target, ast.Name) else "_"
    return "" if name.startswith("_") else name


def _source(node: ast.expr, source: list[str]) -> str:
    text = ast.get_source_segment("".join(source), node) or ""
    return re.sub(r"\s+", " ", text)


def _signature(node: ast.FunctionDef | ast.ClassDef, source: list[str]) -> str:
    """What stands between the keyword (`def` left out) and the colon, on one line."""
    words: list[str] = []
    depth, last = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO("".join(source[node.lineno - 1 :])).readline):
        if token.type in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT):
            continue
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.string, 0)
        if token.string == ":" and depth == 0:
            break
        words += [" " if token.start != last else "", token.string]
        last = token.end
    text = re.sub(r",? ([)\]])", r"\1", re.sub(r"([(\[]) ", r"\1", "".join(words))).strip()
    return text.removeprefix("def ")
