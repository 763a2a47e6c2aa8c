"""The pages of the simulated Stash: the web app at every free path, and what plugins add to it."""

from __future__ import annotations

import hashlib
import html
import mimetypes
import os
import posixpath
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote

from simulator.faults import Reply
from simulator.plugin_manifest import Manifest
from simulator.stash_core import StashCore

TEXT, PAGE = "text/plain; charset=utf-8", "text/html"
HOME = b"<html><title>Stash</title><body>Stash</body></html>"
_BASE = '<base href="/"'


def missing() -> Reply:
    """The answer of Go's routers to an unknown path."""
    return Reply(404, b"404 page not found\n", TEXT)


class WebUi:
    """Serves the web app of a folder (`""`: only a bare home page) and the files of the plugin."""

    def __init__(self, core: StashCore, folder: str) -> None:
        self._core = core
        self._folder = folder

    def answer(self, path: str, prefix: str, known: str) -> Reply:
        """The reply to a GET; `prefix` is the path under which a proxy serves Stash, `known` the
        If-None-Match.
        """
        if path == "/plugin" or path.startswith("/plugin/"):
            reply = self._plugin_file(path.split("/")[2:])
        else:
            reply = self._page(path, prefix)
        tag = dict(reply.headers).get("ETag")
        if tag and tag in known:
            reply = Reply(304, b"", "", reply.headers)
        reply.headers.append(("X-Content-Type-Options", "nosniff"))
        return reply

    # --- the web app

    def _page(self, path: str, prefix: str) -> Reply:
        kind = posixpath.splitext(path)[1]
        if kind == "" or path == "/index.html":
            return self._index(path, prefix)
        data = self._file(self._folder, path) if self._folder else None
        if data is None:
            return missing()
        lasting = "public, max-age=31536000, immutable"
        cache = lasting if path.startswith("/assets/") else "no-cache"
        return Reply(200, data, _media_type(path), [("Cache-Control", cache)])

    def _index(self, path: str, prefix: str) -> Reply:
        if not self._folder:
            return Reply(200, HOME, PAGE) if path in ("/", "/index.html") else missing()
        with open(os.path.join(self._folder, "index.html"), encoding="utf-8") as file:
            text = file.read().replace(_BASE, f'<base href="{html.escape(prefix)}/"', 1)
        reply = _static(text.encode(), PAGE)
        reply.headers += [
            ("Referrer-Policy", "same-origin"),
            ("Content-Security-Policy", self._csp()),
        ]
        return reply

    def _csp(self) -> str:
        """What the page may load; enabled plugins extend it for the whole app."""
        plugin = self._core.plugin
        ui = plugin.manifest.ui if plugin and self._core.plugin_enabled else None
        connect = ["data:", "'self'", "ws:", "wss:", *(ui.connect_src if ui else ())]
        script = ["'self'", "http://www.gstatic.com", "https://www.gstatic.com"]
        script += ["'unsafe-inline'", "'unsafe-eval'"]
        style = ["'self'", "'unsafe-inline'"]
        if ui:
            script += [*_addresses(ui.javascript), *ui.script_src]
            style += [*_addresses(ui.css), *ui.style_src]
        return (
            "default-src data: 'self' 'unsafe-inline'; "
            f"connect-src {' '.join(connect)}; img-src data: *; script-src {' '.join(script)}; "
            f"style-src {' '.join(style)}; media-src blob: 'self'; "
            "worker-src blob:; child-src 'none'; object-src 'none'; form-action 'self';"
        )

    # --- plugins

    def _plugin_file(self, parts: Sequence[str]) -> Reply:
        plugin = self._core.plugin
        if not plugin or not parts or unquote(parts[0]) != plugin.manifest.id:
            return Reply(404, b"Not Found\n", TEXT)
        what, rest = (parts[1] if len(parts) > 1 else ""), parts[2:]
        if what not in ("javascript", "css", "assets") or (rest and what != "assets"):
            return missing()
        if not self._core.plugin_enabled:
            return Reply(400, b"plugin disabled\n", TEXT)
        manifest = plugin.manifest
        if what == "assets":
            return self._asset(manifest, "/" + "/".join(rest))
        names = manifest.ui.javascript if what == "javascript" else manifest.ui.css
        texts = [self._file(manifest.folder, name) or b"" for name in _local(names)]
        return _static(b"".join(text + b"\n" for text in texts), f"text/{what}")

    def _asset(self, manifest: Manifest, path: str) -> Reply:
        for prefix, folder in manifest.ui.assets.items():
            if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
                root = os.path.normpath(os.path.join(manifest.folder, folder))
                if not _within(root, os.path.normpath(manifest.folder)):
                    return missing()
                return self._served(root, path.removeprefix(prefix.rstrip("/")))
        return missing()

    def _served(self, root: str, path: str) -> Reply:
        """A file, or the listing of a folder, as Go's file server returns them."""
        target = os.path.normpath(root + "/" + unquote(path))
        if os.path.isdir(target) and _within(target, root):
            names = (n + "/" * os.path.isdir(os.path.join(target, n)) for n in os.listdir(target))
            links = (f'<a href="{quote(n)}">{html.escape(n)}</a>\n' for n in sorted(names))
            return Reply(
                200, f"<pre>\n{''.join(links)}</pre>\n".encode(), "text/html; charset=utf-8"
            )
        data = self._file(root, path)
        return missing() if data is None else Reply(200, data, _media_type(path))

    def _file(self, root: str, path: str) -> bytes | None:
        target = os.path.normpath(root + "/" + unquote(path))
        if not _within(target, os.path.normpath(root)) or not os.path.isfile(target):
            return None
        with open(target, "rb") as file:
            return file.read()


def plugin_paths(manifest: Manifest, base: str) -> dict[str, list[str] | None]:
    """`Plugin.paths`: where a page finds the scripts and the style sheets of a plugin."""

    def paths(names: Sequence[str], what: str) -> list[str] | None:
        own = [f"{base}/plugin/{manifest.id}/{what}"] if any(_local(names)) else []
        return own + _addresses(names) or None

    ui = manifest.ui
    return {"javascript": paths(ui.javascript, "javascript"), "css": paths(ui.css, "css")}


def _static(data: bytes, media: str) -> Reply:
    tag = f'"{hashlib.md5(data).hexdigest()}"'
    return Reply(200, data, media, [("Cache-Control", "no-cache"), ("ETag", tag)])


def _media_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(root + os.sep)


def _is_address(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _addresses(names: Iterable[str]) -> list[str]:
    return [name for name in names if _is_address(name)]


def _local(names: Iterable[str]) -> list[str]:
    return [name for name in names if not _is_address(name)]
