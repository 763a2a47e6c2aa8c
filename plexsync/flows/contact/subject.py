"""What a report for help is about."""

from __future__ import annotations

from plexsync.edges.clock import Clock
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.stash.client import StashClient
from plexsync.flows.contact.plex_contact import PlexContact
from plexsync.flows.contact.stash_contact import StashContact
from plexsync.model.config import PlexSyncConfig
from plexsync.model.named_tuple import NamedTuple


class Subject(NamedTuple):
    """What a report is about. `plex` and `stash` are PlexSync's own clients, the contacts send raw
    requests.
    """

    plugin_dir: str
    folder: str
    config: PlexSyncConfig
    plex: PlexClient
    stash: StashClient
    plex_contact: PlexContact
    stash_contact: StashContact
    clock: Clock
