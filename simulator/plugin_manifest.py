"""Reads a plugin's manifest as strictly as Stash."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

LOG_LEVELS = ("trace", "debug", "info", "warning", "error", "none")
INTERFACES = ("raw", "rpc", "js")
SETTING_TYPES = ("STRING", "NUMBER", "BOOLEAN")


class ManifestError(ValueError):
    """Stash would refuse to load this plugin; the message says why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One task, or one entry under `hooks` (then `triggered_by` names its events)."""

    name: str = ""
    description: str = ""
    exec_args: tuple[str, ...] = ()
    default_args: Mapping[str, str] = field(default_factory=dict)
    triggered_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One entry of the settings page."""

    type: str
    display_name: str
    description: str


@dataclass(frozen=True, slots=True)
class Ui:
    """What a plugin adds to Stash's web app: files or addresses, served folders, allowed hosts."""

    javascript: tuple[str, ...] = ()
    css: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    assets: Mapping[str, str] = field(default_factory=dict)
    connect_src: tuple[str, ...] = ()
    script_src: tuple[str, ...] = ()
    style_src: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A loaded plugin. `id` is the file's name without `.yml`."""

    id: str
    path: str
    name: str
    interface: str
    exec: tuple[str, ...]
    err_log: str
    tasks: tuple[Operation, ...]
    hooks: tuple[Operation, ...]
    settings: Mapping[str, Setting]
    ui: Ui
    version: str

    @property
    def folder(self) -> str:
        """The plugin's folder as given, possibly relative."""
        return os.path.dirname(self.path) or "."

    def task(self, name: str) -> Operation:
        """The task with this name; raises KeyError if there is none."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise KeyError(name)

    def hooks_for(self, trigger: str) -> list[Operation]:
        """The entries to run for an event, repeated as often as they list it."""
        return [hook for hook in self.hooks for name in hook.triggered_by if name == trigger]


Decode = Callable[[yaml.Node, str], Any]


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _kind(node: yaml.Node) -> str:
    return str(node.tag).rpartition(":")[2]


def _problem(node: yaml.Node, text: str) -> ManifestError:
    return ManifestError(f"line {node.start_mark.line + 1}: {text}")


def _text(node: yaml.Node, where: str) -> str:
    if _is_null(node):
        return ""
    if not isinstance(node, yaml.ScalarNode):
        raise _problem(node, f"{where} must be a text, not a {_kind(node)}")
    return str(node.value)  # the literal text, so that `1.50` and `yes` stay as they are


def _list_of(decode: Decode) -> Decode:
    def read(node: yaml.Node, where: str) -> tuple[Any, ...]:
        if _is_null(node):
            return ()
        if not isinstance(node, yaml.SequenceNode):
            raise _problem(node, f"{where} must be a list, not a {_kind(node)}")
        return tuple(decode(item, where) for item in node.value)

    return read


def _pairs(node: yaml.Node, where: str) -> dict[str, yaml.Node]:
    if _is_null(node):
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise _problem(node, f"{where} must be a mapping, not a {_kind(node)}")
    pairs: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = _text(key, f"a key of {where}")
        if name in pairs:
            raise _problem(key, f'key "{name}" already set in {where}')
        pairs[name] = value
    return pairs


def _map_of(decode: Decode) -> Decode:
    def read(node: yaml.Node, where: str) -> dict[str, Any]:
        return {key: decode(value, key) for key, value in _pairs(node, where).items()}

    return read


def _struct(fields: Mapping[str, Decode]) -> Decode:
    def read(node: yaml.Node, where: str) -> dict[str, Any]:
        pairs = _pairs(node, where)
        for name, value in pairs.items():
            if name not in fields:
                raise _problem(value, f"field {name} not found in {where}")
        return {name: fields[name](value, name) for name, value in pairs.items()}

    return read


_TEXTS = _list_of(_text)
_OPERATION: dict[str, Decode] = {
    "name": _text,
    "description": _text,
    "execArgs": _TEXTS,
    "defaultArgs": _map_of(_text),
}
_CSP = _struct({"script-src": _TEXTS, "style-src": _TEXTS, "connect-src": _TEXTS})
_MANIFEST = _struct(
    {
        "name": _text,
        "description": _text,
        "url": _text,
        "version": _text,
        "interface": _text,
        "exec": _TEXTS,
        "errLog": _text,
        "tasks": _list_of(_struct(_OPERATION)),
        "hooks": _list_of(_struct({**_OPERATION, "triggeredBy": _TEXTS})),
        "ui": _struct(
            {
                "javascript": _TEXTS,
                "css": _TEXTS,
                "requires": _TEXTS,
                "assets": _map_of(_text),
                "csp": _CSP,
            }
        ),
        "settings": _map_of(_struct({"type": _text, "displayName": _text, "description": _text})),
    }
)


def _operation(raw: Mapping[str, Any]) -> Operation:
    return Operation(
        name=raw.get("name", ""),
        description=raw.get("description", ""),
        exec_args=raw.get("execArgs", ()),
        default_args=raw.get("defaultArgs", {}),
        triggered_by=raw.get("triggeredBy", ()),
    )


def _setting(name: str, raw: Mapping[str, str]) -> Setting:
    kind = raw.get("type") or "STRING"
    if kind not in SETTING_TYPES:
        raise ManifestError(f"setting {name}: {kind} is not a valid type")
    return Setting(kind, raw.get("displayName") or name, raw.get("description", ""))


def _ui(raw: Mapping[str, Any]) -> Ui:
    csp = raw.get("csp", {})
    return Ui(
        javascript=raw.get("javascript", ()),
        css=raw.get("css", ()),
        requires=raw.get("requires", ()),
        assets=raw.get("assets", {}),
        connect_src=csp.get("connect-src", ()),
        script_src=csp.get("script-src", ()),
        style_src=csp.get("style-src", ()),
    )


def load_manifest(path: str) -> Manifest:
    """Load a manifest; raises ManifestError for anything that Stash's strict parser refuses.

    That is: unknown keys, duplicate keys, a list where a text belongs and the like. The names in
    `triggeredBy` are not checked, as in Stash: a typo is silently never called.
    """
    with open(path, encoding="utf-8") as file:
        try:
            node = yaml.compose(file, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as problem:
            raise ManifestError(f"{path}: {problem}") from None
    raw = _MANIFEST(node, "the manifest") if node is not None else {}
    interface = raw.get("interface") or "raw"
    if interface not in INTERFACES:
        raise ManifestError(f"invalid interface type {interface}")
    err_log = raw.get("errLog", "")
    plugin_id = os.path.basename(path).removesuffix(".yml")
    return Manifest(
        id=plugin_id,
        path=path,
        name=raw.get("name") or plugin_id,
        interface=interface,
        exec=raw.get("exec", ()),
        err_log=err_log if err_log in LOG_LEVELS else "error",
        tasks=tuple(_operation(task) for task in raw.get("tasks", ())),
        hooks=tuple(_operation(hook) for hook in raw.get("hooks", ())),
        settings={k: _setting(k, v) for k, v in raw.get("settings", {}).items()},
        ui=_ui(raw.get("ui", {})),
        version=raw.get("version", ""),
    )


def find_manifest(plugin_dir: str) -> str:
    """The only `*.yml` directly in the plugin's folder; raises ManifestError for none or several."""
    found = sorted(name for name in os.listdir(plugin_dir) if name.endswith(".yml"))
    if len(found) != 1:
        raise ManifestError(f"{plugin_dir} holds {len(found)} manifests: {', '.join(found)}")
    return os.path.join(plugin_dir, found[0])


CHECKOUT = (".git", ".venv", ".ui", ".wine", "dist")
"""Folders of a checkout that an installation lacks."""


def other_manifests(plugin_dir: str, skip: Collection[str] = CHECKOUT) -> list[str]:
    """Every other `*.yml` below the folder: Stash would try each as a plugin.

    `skip` names folders that are not searched.
    """
    own = os.path.realpath(find_manifest(plugin_dir))
    found: list[str] = []
    for folder, folders, names in os.walk(plugin_dir, followlinks=True):
        folders[:] = [name for name in folders if name not in skip]
        paths = [os.path.join(folder, name) for name in names if name.endswith(".yml")]
        found += [path for path in paths if os.path.realpath(path) != own]
    return sorted(found)
