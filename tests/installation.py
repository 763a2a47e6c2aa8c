"""Installations of the plugin for tests, each in a folder of its own."""

from __future__ import annotations

import compileall
import functools
import marshal
import os
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@functools.lru_cache
def compiled_package() -> Path:
    """The package with its byte code, so that the processes of a copy need not compile it."""
    compileall.compile_dir(ROOT / "plexsync", quiet=1)
    return ROOT / "plexsync"


@functools.lru_cache
def _installed() -> dict[str, list[tuple[str, bytes, int]]]:
    """All that is installed, by folder: name, content, and time of change, which byte code names."""
    single = ("PlexSync.py", "PlexSync.yml", "requirements.txt", "requirements-notify.txt")
    found: dict[str, list[tuple[str, bytes, int]]] = {}
    for path in (
        *(ROOT / name for name in single),
        *compiled_package().rglob("*"),
        *(ROOT / "web").rglob("*"),
    ):
        if path.is_file():
            file = path.name, path.read_bytes(), path.stat().st_mtime_ns
            found.setdefault(str(path.parent.relative_to(ROOT)), []).append(file)
    return found


def copy_plugin(target: Path) -> Path:
    """The plugin as a user has it after its first hook, away from the checkout. It is written from
    memory, in a quarter of the time of a copy.
    """
    for folder, files in _installed().items():
        os.makedirs(target / folder, exist_ok=True)
        for name, content, changed in files:
            path = os.path.join(target, folder, name)
            with open(path, "xb", 0) as file:
                file.write(content)
            os.utime(path, ns=(changed, changed))
    return target


def add_byte_code(plugin: Path) -> None:
    """Give an installed package its byte code, which each of its first processes would take seconds to
    compile.
    """
    for source in (plugin / "plexsync").rglob("*.py"):
        target = Path(cache_from_source(source))
        target.parent.mkdir(exist_ok=True)
        made = target.with_suffix(f".{os.getpid()}")
        made.write_bytes(_byte_code(source.read_bytes()))
        made.replace(target)


@functools.cache
def _byte_code(source: bytes) -> bytes:
    """Byte code that is valid as long as the source has this content (PEP 552)."""
    code = _known().get(source) or marshal.dumps(compile(source, "?", "exec", dont_inherit=True))
    return MAGIC_NUMBER + b"\3\0\0\0" + source_hash(source) + code


@functools.cache
def _known() -> dict[bytes, bytes]:
    """The compiled code of the checkout's modules by their source."""
    modules = compiled_package().rglob("*.py")
    return {path.read_bytes(): Path(cache_from_source(path)).read_bytes()[16:] for path in modules}
