"""The compiled modules of one of the page's operations in one file.

Python looks up, checks, opens and reads each module for itself, which takes longer than to run them all.
The file is kept beside Python's own cache, is trusted as that is, and is valid as long as each source
file has the time and size that it had.
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

import plexsync
from plexsync import fast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    Stored = tuple[str, tuple[int, int], bool, CodeType]
    """Source file, its time and size, whether it is a package's, and the code."""


class _Loader(SourceFileLoader):
    """Runs code that the cache has read, in place of the module's file."""

    def __init__(self, name: str, file: str, code: CodeType) -> None:
        super().__init__(name, file)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        """The code."""
        return self._code


class CodeCache:
    """Finds the stored modules of an operation, within its `with` block."""

    def __init__(self, operation: str) -> None:
        cached = plexsync.__spec__.cached or ""
        self._path = cached.replace("__init__", f"page-{operation}")
        self._made_for = MAGIC_NUMBER, plexsync.__path__[0]
        self._stored = self._read()

    def _read(self) -> dict[str, Stored]:
        try:
            with open(self._path, "rb", buffering=0) as file:
                made_for, stored = marshal.loads(file.read())  # noqa: S302 - as Python does
            valid = made_for == self._made_for and all(map(_is_current, stored.values()))
        except (OSError, EOFError, ValueError, TypeError):
            return {}
        return stored if valid else {}

    def __enter__(self) -> CodeCache:
        self._earlier = frozenset(sys.modules)
        sys.meta_path.insert(0, self)
        return self

    def __exit__(self, *problem: object) -> None:
        sys.meta_path.remove(self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """How Python finds a module; None if it has to look elsewhere."""
        if name not in self._stored:
            return None
        file, _, is_package, code = self._stored[name]
        spec = ModuleSpec(name, _Loader(name, file, code), origin=file, is_package=is_package)
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(os.path.dirname(file))
        return spec

    def keep(self) -> None:
        """Store the modules that were imported in this block but not found here, too."""
        found = [module.__spec__ for name, module in sys.modules.items() if self._is_new(name)]
        if not (found and self._path):
            return
        try:
            stored = {**self._stored, **{spec.name: _stored(spec) for spec in found if spec}}
            _replace(self._path, marshal.dumps((self._made_for, stored)))
        except OSError:
            pass  # Python's own cache remains

    def _is_new(self, name: str) -> bool:
        new = name not in self._earlier and name not in self._stored
        return new and name.startswith("plexsync.")


def _is_current(stored: Stored) -> bool:
    return _stamp(stored[0]) == stored[1]


def _stamp(file: str) -> tuple[int, int]:
    found = os.stat(file)
    return found.st_mtime_ns, found.st_size


def _stored(spec: Any) -> Stored:
    stamp = _stamp(spec.origin)  # before the code: if that is newer, it is read again
    is_package = spec.submodule_search_locations is not None
    return spec.origin, stamp, is_package, spec.loader.get_code(spec.name)


def _replace(path: str, data: bytes) -> None:
    temp = f"{path}.{os.getpid()}"
    fd = fast.create(temp)
    try:
        try:
            fast.write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        fast.replace(temp, path)
    except OSError:
        os.unlink(temp)
        raise
