"""Parses the settings as Stash stores them; a bad value falls back to its default, with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from plexsync.model import readiness
from plexsync.model.config import DECLARED, Limits, PlexSyncConfig
from plexsync.model.filters import FILTERS
from plexsync.model.formatting import quoted
from plexsync.model.notify_urls import read_notify_urls
from plexsync.model.pictures import read_choice_of_pictures
from plexsync.model.places import STASHS_FORM
from plexsync.model.quiet_hours import read_quiet_hours
from plexsync.model.secret import SecretStr
from plexsync.model.settings import (
    is_unset,
    read_certificate,
    read_choice,
    read_filter,
    read_names,
    read_number,
    read_sort_pattern,
    read_switch,
    read_text,
    sends_openly,
)
from plexsync.model.settings_table import FIELDS

_SERVER = ("plex_url", "plex_token")


def read_config(
    settings: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[PlexSyncConfig, list[str]]:
    """Parse the plugin's settings as Stash stores them; never raises.

    A bad value falls back to its default and adds a warning, which never contains a secret. A
    missing address or token is taken from PLEX_URL or PLEX_TOKEN, then from the settings of the
    older plugin of this name.
    """
    settings = settings if isinstance(settings, Mapping) else {}
    reader = _Reader(settings)
    values: dict[str, Any] = {}
    for key, name in FIELDS.items():
        if name not in _APART:
            values[name] = reader.read(key, name)
    values["plex_url"], token, problems = readiness.read_server(settings, environ)
    values["plex_token"] = SecretStr(token)
    reader.warnings += problems
    values["notify_urls"] = SecretStr(reader.notify_urls())
    if sends_openly(values["plex_url"]):
        reader.warnings.append(
            "plex_url: the token is sent unencrypted to a server that seems to be on the internet; "
            "use https://"
        )
    return PlexSyncConfig(**values), reader.warnings


def masked(token: str) -> str:
    """A token shortened for display: its first and last four characters if it is long enough."""
    if len(token) < 16:
        return "*" * 8 if token else ""
    return f"{token[:4]}...{token[-4:]}"


class _Reader:
    """Reads the values one by one and collects warnings."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        self.settings = settings
        self.warnings: list[str] = []

    def read(self, key: str, name: str) -> object:
        """The value for a field of the model, or its default."""
        default = DECLARED[name].default
        value = self.settings.get(key)
        if is_unset(value) and not _means_zero(name, value):
            return default
        try:
            return _parse(name, default, value)
        except ValueError as problem:
            used = f"using the default, {_words(key, default)}"
            self.warnings.append(f"{key}: {_shown(value)} {problem}; {used}")
            return default

    def notify_urls(self) -> str:
        """Where messages go; no warning repeats any of it."""
        value = self.settings.get("notify_urls")
        if is_unset(value):
            return ""
        try:
            return read_notify_urls(value)
        except ValueError as problem:
            self.warnings.append(f"notify_urls: the value {problem}; correct it in {STASHS_FORM}")
            return ""


_APART = ("plex_url", "plex_token", "notify_urls")
"""What is read from several places, or must not be repeated in a warning."""


def _parse(name: str, default: object, value: object) -> object:
    if isinstance(default, bool):
        return read_switch(value) is not default
    if isinstance(default, int):
        return read_number(value, *bounds(name), default)
    if name == "plex_certificate":
        return read_certificate(value)
    if name == "plex_library":
        return read_names(value)
    if name in ("poster_from", "background_from"):
        read_choice_of_pictures(text := read_text(value))
        return text
    if name == "collection_sort":
        return read_sort_pattern(value)
    if name == "quiet_hours":
        read_quiet_hours(text := read_text(value))
        return text
    if name in FILTERS:
        return read_filter(value)
    choices = get_args(DECLARED[name].type)
    return read_choice(value, choices) if choices else read_text(value)


def _means_zero(name: str, value: object) -> bool:
    """Whether 0 was entered for a setting that accepts it; an unset one is missing."""
    default = DECLARED[name].default
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and type(default) is int and bounds(name)[0] == 0


def bounds(name: str) -> tuple[int, int]:
    """Lowest and highest value of a number field."""
    declared = get_args(DECLARED[name].type)
    return next((each.low, each.high) for each in declared if isinstance(each, Limits))


def _words(key: str, default: object) -> str:
    if isinstance(default, bool):
        return "off"
    return str(default) if isinstance(default, int) or default else "empty"


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge number"
    if not isinstance(value, (str, int, float)):
        return f"a {type(value).__name__}"
    text = quoted(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
