"""What the servers themselves tell for a report."""

from __future__ import annotations

from urllib.parse import urlsplit

from plexsync.edges.surroundings import server_time
from plexsync.flows.contact.subject import Subject
from plexsync.flows.contact.veil import Word, version, word
from plexsync.model.errors import SyncError
from plexsync.model.plex_state import KINDS
from plexsync.model.settings import sends_openly

AGENTS = frozenset(
    {
        *("com.plexapp.agents.none", "tv.plex.agents.none", "tv.plex.agents.movie"),
        *("tv.plex.agents.nfo", "com.plexapp.agents.themoviedb", "com.plexapp.agents.imdb"),
        *("com.plexapp.agents.stashplexagent", "com.plexapp.agents.stash-plex-agent"),
    }
)
SCANNERS = frozenset(
    {"Plex Movie", "Plex Movie Scanner", "Plex Video Files Scanner", "Plex Video Files"}
)
PLATFORMS = ("Linux", "Windows", "MacOSX", "FreeBSD")
MODES = ("", "-1", "0", "1", "2")


def stash(subject: Subject) -> dict[str, object]:
    """Stash itself."""
    found = subject.stash.settings()
    _, scenes = subject.stash.scene_ids(0, 1)
    return {
        "version": version(found.version),
        "login": found.login,
        "api key": bool(found.api_key),
        "enabled": found.enabled,
        "scenes": scenes,
        "secure": subject.stash.address.startswith("https:"),
    }


def plex(subject: Subject) -> dict[str, object]:
    """Plex's health, and what kind of address it is reached by."""
    config = subject.config
    about: dict[str, object] = {
        "address": _address(config.plex_url),
        "token": len(config.plex_token.get_secret_value()),
    }
    if config.missing():
        return {**about, "healthy": False}
    health = subject.plex.check("Report for Help", to_write=True)
    platform = subject.plex.platform().partition(" ")[0] if health.healthy else ""
    return {
        **about,
        "healthy": health.healthy,
        "kind": word(health.kind, KINDS),
        "detail": health.detail,
        "ms": round(health.latency * 1000),
        "version": version(health.version),
        "platform": word(platform, PLATFORMS),
        "owner": subject.plex.owns() if health.healthy else None,
    }


def _address(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return {
        "scheme": word(parts.scheme, ("", "http", "https")),
        "host": host,
        "usual port": parts.port == 32400,
        "path": bool(parts.path.strip("/")),
        "plex.direct": host.endswith(".plex.direct"),
        "open": sends_openly(url),
    }


def clocks(subject: Subject) -> dict[str, object]:
    """How many seconds each server is ahead of this machine."""
    found: dict[str, object] = {}
    addresses = {"plex": f"{subject.config.plex_url}/identity", "stash": subject.stash.address}
    for name, address in addresses.items():
        theirs = server_time(address) if address.startswith("http") else None
        found[name] = None if theirs is None else round(theirs - subject.clock.now(), 1)
    return found


def libraries(subject: Subject) -> list[dict[str, object]]:
    """Each movie library that is synced."""
    return [
        {
            "title": section.title,
            "agent": word(section.agent, AGENTS),
            "scanner": word(section.scanner, SCANNERS),
            "folders": list(section.locations),
            **_more(subject, section.key),
        }
        for section in subject.plex.sections(subject.config.plex_library).found
    ]


def _more(subject: Subject, key: str) -> dict[str, object]:
    """What needs a request of its own, which may fail for one library."""
    try:
        return {
            "collections": word(subject.plex.collection_mode(key), MODES),
            "items": subject.plex.count(key),
        }
    except SyncError as error:
        return {"error": Word(type(error).__name__)}
