"""Whether the settings allow a sync, judged from what Stash stores: Plex's address and token, the
filters, and the switches that pause.

Light: the tasks that only show what is stored start with this instead of PlexSyncConfig.
"""

from __future__ import annotations

from collections import namedtuple

from plexsync.model.filters import FILTERS, FilterError, parse_filter
from plexsync.model.notify_urls import secrets_in
from plexsync.model.places import INVALID, MISSING, OUR_FORM, PAUSED, READY, STASHS_FORM
from plexsync.model.settings import (
    is_unset,
    read_address,
    read_filter,
    read_switch,
    read_token,
)
from plexsync.model.settings_table import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Readiness = namedtuple("Readiness", "state words")
"""A state of model/places.py, and a sentence about it; "" if nothing stands in the way."""

_PAUSED = (
    'PlexSync is paused in its settings: events are kept, and nothing is synced until "Pause '
    f'syncing" and "Do not write anything" are off, in {OUR_FORM}.'
)

_LEGACY = {"plex_url": "plexHost and plexPort", "plex_token": "plexToken"}
"""The settings of the older plugin of this name."""


def read_server(
    settings: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[str, str, list[str]]:
    """Plex's address, the token, and warnings, which never contain a secret.

    Each is taken from the settings, else from PLEX_URL or PLEX_TOKEN, else from the settings of the
    older plugin. A bad one is not replaced by the next place's, which may belong to another server.
    """
    warnings: list[str] = []

    def first(key: str, legacy: object, parse: Callable[[object], str]) -> str:
        name = key.upper()
        places = ((key, settings.get(key)), (name, environ.get(name)), (_LEGACY[key], legacy))
        for place, value in places:
            if is_unset(value):
                continue
            try:
                return parse(value)
            except ValueError as problem:
                warnings.append(f"{place}: the value {problem}; correct it in {STASHS_FORM}")
                return ""
        return ""

    url = first("plex_url", _legacy_address(settings), read_address)
    return url, first("plex_token", settings.get("plexToken"), read_token), warnings


def _legacy_address(settings: Mapping[str, object]) -> str | None:
    host, port = settings.get("plexHost"), settings.get("plexPort")
    if not isinstance(host, str) or is_unset(host):
        return None
    return host.strip() if is_unset(port) else f"{host.strip().rstrip('/')}:{port}".strip()


def typed_secrets(settings: Mapping[str, object], environ: Mapping[str, str]) -> list[str]:
    """Every secret that was entered anywhere, whether it is used, valid or neither; words too
    short for one would blot out harmless text.
    """
    typed = (settings.get("plex_token"), settings.get("plexToken"), environ.get("PLEX_TOKEN"))
    tokens = [text.strip() for text in typed if isinstance(text, str) and len(text.strip()) > 11]
    return [*tokens, *secrets_in(settings.get("notify_urls"))]


def missing(url: str, token: str) -> str:
    """One line that names the settings still needed before anything can be synced; "" if none."""
    wanted = [] if url else ['the address of your Plex server ("Plex URL")']
    if not token:
        wanted.append('a Plex token ("Plex token")')
    if not wanted:
        return ""
    return f"Nothing can be synced yet: enter {' and '.join(wanted)} in {STASHS_FORM}."


def filter_problem(filters: Mapping[str, str]) -> str:
    """Which filter, by its key, is invalid and why, without a full stop; "" if none is."""
    for key in FILTERS:
        try:
            parse_filter(filters[key])
        except FilterError as problem:
            return f'The filter "{SETTINGS[key].label}" is invalid {problem}'
    return ""


def unreadable(filters: Mapping[str, str]) -> str:
    """One line about a filter that cannot be parsed; "" if there is none."""
    problem = filter_problem(filters)
    return f"{problem}. Nothing is synced until it is corrected in {OUR_FORM}." if problem else ""


def judge(url: str, token: str, filters: Mapping[str, str], paused: bool) -> Readiness:
    """Whether these settings allow a sync."""
    if lacking := missing(url, token):
        return Readiness(MISSING, lacking)
    if wrong := unreadable(filters):
        return Readiness(INVALID, wrong)
    return Readiness(PAUSED, _PAUSED) if paused else Readiness(READY, "")


def readiness(settings: Mapping[str, object], environ: Mapping[str, str]) -> Readiness:
    """Whether the settings that Stash stores allow a sync."""
    url, token, _ = read_server(settings, environ)
    filters = {key: read_filter(settings.get(key) or "") for key in FILTERS}
    return judge(url, token, filters, is_on(settings, "pause_sync") or is_on(settings, "no_master"))


def is_on(settings: Mapping[str, object], key: str) -> bool:
    """Whether a switch is on; one with an invalid value is off, as by default."""
    try:
        return not is_unset(settings.get(key)) and read_switch(settings[key])
    except ValueError:
        return False
