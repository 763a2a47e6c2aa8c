"""The compiled modules of one of the page's operations in one file.

Python looks up, checks, opens and reads each module for itself, which takes longer than to run them all.
The file is kept beside Python's own cache, is trusted as that is, and is valid as long as each source
file has the time and size that it had.

All that is imported later comes from the file, so this imports only what Python has in itself.
"""

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, PathFinder, SourceFileLoader

import plexsync
from plexsync import fast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import Any

    Stored = tuple[str, tuple[int, int], bool, Any, bool]
    """Source file, its time and size, whether it is a package's, the code, and whether the request
    that stored the first modules loaded it."""

_READER = "plexsync.edges.storage.read_only"


def operation_of(stdin: bytes) -> str:
    """The operation for which Stash's input may ask, before it is parsed; "" if in doubt."""
    _, named, rest = stdin.partition(b'"mode":')
    blank, *name = rest.split(b'"', 2)
    if not named or len(name) < 2 or blank.strip() or b'"mode"' in name[1]:
        return ""
    return name[0].decode() if name[0].replace(b"_", b"").isalnum() else ""


def load_sqlite_alone() -> None:
    """Load SQLite without functools and what that loads, which take longer than SQLite itself.

    CPython's `_sqlite3` (3.10 to 3.13) takes only `lru_cache` from it, for its cache of statements; an
    operation runs each once. If another version takes more, SQLite is loaded as usual afterwards.
    """
    if "functools" in sys.modules:
        return
    stand_in = type(sys)("functools")
    stand_in.lru_cache = lambda *size: lambda compile_statement: compile_statement  # type: ignore[attr-defined]
    sys.modules["functools"] = stand_in
    try:
        import _sqlite3  # noqa: F401
    except (ImportError, AttributeError, TypeError):
        pass
    finally:
        del sys.modules["functools"]


class CodeCache:
    """Loads and finds the stored modules of an operation, from `start` to `stop`."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        cached = plexsync.__spec__.cached or ""
        self._path = cached.replace("__init__", f"page-{operation}")
        self._made_for = MAGIC_NUMBER, plexsync.__path__[0]
        self._stored = self._read()
        self._new: dict[str, _Noting] = {}

    def _read(self) -> "dict[str, Stored]":
        try:
            with open(self._path, "rb", buffering=0) as file:
                made_for, stored = marshal.loads(file.read())  # noqa: S302 - as Python does
            valid = made_for == self._made_for and all(map(_is_current, stored.values()))
        except (OSError, EOFError, ValueError, TypeError, MemoryError):
            return {}
        return stored if valid else {}

    def start(self) -> None:
        """Find modules, and load at once what the first request loaded, each after those that it needs:
        Python takes longer to find a module, although it is told where, than to run it.

        After a failure no more are loaded at once: whoever imports that module gets the error.
        """
        sys.meta_path.insert(0, self)
        if _READER in self._stored:
            load_sqlite_alone()
        for name, (*_, at_first) in self._stored.items():
            if at_first and name not in sys.modules:
                try:
                    self._load(name)
                except Exception:  # noqa: BLE001 - a module may raise anything
                    return

    def stop(self) -> None:
        """Find no more."""
        sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: object = None
    ) -> "ModuleSpec | None":
        """How Python finds a module; None if it has to look elsewhere."""
        if name in self._stored:
            return self._spec(name)
        if not name.startswith("plexsync.") and name != "__future__":
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.origin:
            spec.loader = _Noting(name, spec.origin, self._new)
        return spec

    def _spec(self, name: str) -> ModuleSpec:
        file, _, is_package, *_ = self._stored[name]
        spec = ModuleSpec(name, self, origin=file, is_package=is_package)  # type: ignore[arg-type]
        if is_package:
            spec.submodule_search_locations = [file[: -len("/__init__.py")]]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python do it."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run a stored module."""
        exec(self._stored[module.__name__][3], module.__dict__)  # noqa: S102 - as Python does

    def _load(self, name: str) -> None:
        spec, module = self._spec(name), type(sys)(name)
        module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, spec.parent
        if spec.submodule_search_locations is not None:
            module.__path__ = spec.submodule_search_locations
        sys.modules[name] = module
        try:
            self.exec_module(module)
        except Exception:
            del sys.modules[name]
            raise
        package, _, own = name.rpartition(".")
        if package:
            setattr(sys.modules[package], own, module)

    def keep(self, operation: str) -> None:
        """Store the modules that were imported but not found here, too, if it was this operation."""
        if not (self._new and self._path and operation == self._operation):
            return
        at_first = not self._stored
        try:
            more = {name: (*_stored(loader), at_first) for name, loader in self._new.items()}
            _replace(self._path, marshal.dumps((self._made_for, {**self._stored, **more})))
        except OSError:
            pass  # Python's own cache remains


class _Noting(SourceFileLoader):
    """Loads a module as Python does, and notes it when it has run."""

    def __init__(self, name: str, file: str, noted: "dict[str, _Noting]") -> None:
        super().__init__(name, file)
        self._noted = noted

    def exec_module(self, module: "ModuleType") -> None:
        """Run it."""
        super().exec_module(module)
        self._noted[self.name] = self


def _is_current(stored: "Stored") -> bool:
    return _stamp(stored[0]) == stored[1]


def _stamp(file: str) -> tuple[int, int]:
    found = os.stat(file)
    return found.st_mtime_ns, found.st_size


def _stored(loader: _Noting) -> "tuple[str, tuple[int, int], bool, Any]":
    stamp = _stamp(loader.path)  # before the code: if that is newer, it is read again
    return loader.path, stamp, loader.is_package(loader.name), loader.get_code(loader.name)


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
