"""What every process has that talks to both servers: the settings, and a client for Plex.

Tasks that only read have nothing else; app.py builds the rest for the owner of the data folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from plexsync.edges.clock import Clock
from plexsync.edges.http.certificates import Trust
from plexsync.edges.log.log import Log
from plexsync.edges.log.redact import load_words
from plexsync.edges.messenger import AppriseSender, Sender
from plexsync.edges.plex.client import PlexClient, load_client_id
from plexsync.edges.plex.health import HealthChecks
from plexsync.edges.plex.plex_tv import PLEX_TV, PlexTv
from plexsync.edges.stash.client import StashClient
from plexsync.edges.storage.read_only import peek_json
from plexsync.flows.services import Trial
from plexsync.flows.setup.checked_settings import CheckedSettings
from plexsync.flows.setup.trials import PATIENCE
from plexsync.flows.worker.folder_owner import judge
from plexsync.model import stash_identity
from plexsync.model.config import PlexSyncConfig
from plexsync.model.config_reader import read_config
from plexsync.model.errors import AnotherStash
from plexsync.model.paths import PathMap
from plexsync.model.readiness import typed_secrets
from plexsync.model.stash_identity import Owner
from plexsync.model.stats import TRAFFIC
from plexsync.policy.recipe.recipe import recipe_of

PLEX_TV_VARIABLE = "PLEXSYNC_PLEX_TV"
"""The environment variable with the address of a simulated plex.tv."""


class Services:
    """What every task needs: the settings, and a Plex client, rebuilt only if its settings change."""

    def __init__(
        self,
        folder: str,
        stash: StashClient,
        clock: Clock,
        log: Log,
        environ: Mapping[str, str],
        sender: Sender | None = None,
    ) -> None:
        self.folder = folder
        self.stash = stash
        self.clock = clock
        self.log = log
        self.sender = sender or AppriseSender(folder, clock, environ)
        self.entered: PlexSyncConfig | None = None
        """The settings as last read, whether they allow any work or not."""
        self.checked = CheckedSettings(folder)
        self._environ = environ
        self._read: tuple[str, PlexSyncConfig, list[str]] = ("", PlexSyncConfig(), [])
        """The settings as Stash last sent them, and what was read from them."""
        self._plex: PlexClient | None = None
        self._plex_key: object = None
        self._spent = dict.fromkeys(TRAFFIC, 0)
        """Traffic of closed clients, by the names in TRAFFIC."""

    def path(self, name: str) -> str:
        """A file of the data folder."""
        return os.path.join(self.folder, name)

    def config_without_stash(self) -> PlexSyncConfig:
        """The defaults, with what the environment says."""
        return self._parsed({})[0]

    def _parsed(self, settings: Mapping[str, object]) -> tuple[PlexSyncConfig, list[str]]:
        config, warnings = read_config(settings, self._environ)
        self.checked.check(config)
        return config, warnings

    def config(self, *, anybody: bool = False) -> PlexSyncConfig:
        """Read the current settings from Stash; raises StashDown or StashAuthError.

        Raises AnotherStash if the data folder belongs to another Stash, unless `anybody` is set.
        """
        found = self.stash.settings()
        text = repr(found.plugin)  # in which 1 differs from True
        if self._read[0] != text:
            self._read = (text, *self._parsed(found.plugin))
        _, config, warnings = self._read
        tokens = [config.plex_token.get_secret_value(), *typed_secrets(found.plugin, self._environ)]
        self.log.set_secrets([*self.stash.secrets, *tokens])
        words = load_words(self.folder, self.log.warning) if config.obfuscate_paths else None
        self.log.configure(debug=config.debug_logging, words=words)
        _, unusable = PathMap.parse(config.path_map)
        for warning in (*warnings, *unusable, *recipe_of(config).problems):
            self.log.warn_once(warning, warning)
        if not anybody:
            self.check_owner()
            self.settings_read(found.plugin)
        self.entered = config
        return config

    def settings_read(self, settings: Mapping[str, object]) -> None:
        """Only the owner of the data folder remembers anything of them."""

    def check_owner(self) -> None:
        """Raise AnotherStash if the data folder belongs to another Stash; stores nothing."""
        owner = peek_json(self.path(stash_identity.FILE), stash_identity.parse, Owner())
        problem, _ = judge(owner, self.stash)
        if problem:
            raise AnotherStash(problem)

    def plex(self, config: PlexSyncConfig) -> PlexClient:
        """The client for these settings."""
        token = config.plex_token.get_secret_value()
        limits = (config.connect_timeout, config.read_timeout, config.plex_connections)
        key = (config.plex_url, token, config.plex_certificate, *limits)
        if self._plex is None or key != self._plex_key:
            if self._plex is not None:
                self._spent["requests"] += self._plex.requests
                self._spent["received"] += self._plex.received
                self._plex.close()
            self._plex = PlexClient(
                config.plex_url,
                token,
                load_client_id(self.path("device_id.json"), self.log.warning),
                connect_timeout=config.connect_timeout,
                read_timeout=config.read_timeout,
                connections=config.plex_connections,
                trust=Trust(config.plex_certificate, self._environ),
                in_flight=self.stash.in_flight,
                checked=HealthChecks(self.folder, self.clock).note,
            )
            self._plex_key = key
        return self._plex

    def trial(self, config: PlexSyncConfig) -> Trial:
        """Makes clients for addresses that are only tried: nothing interrupts or records them."""
        client_id = load_client_id(self.path("device_id.json"), self.log.warning)
        trust = Trust(config.plex_certificate, self._environ)
        connect_timeout = min(PATIENCE, config.connect_timeout)

        def make(url: str, token: str) -> PlexClient:
            return PlexClient(
                url,
                token,
                client_id,
                connect_timeout=connect_timeout,
                read_timeout=PATIENCE,
                connections=1,
                trust=trust,
            )

        return make

    def plex_tv(self) -> PlexTv:
        """A client for plex.tv, or for what a test or the demo has put in its place."""
        client_id = load_client_id(self.path("device_id.json"), self.log.warning)
        base = self._environ.get(PLEX_TV_VARIABLE) or PLEX_TV
        return PlexTv(client_id, base, Trust("", self._environ))

    def close(self) -> None:
        """Close every connection."""
        if self._plex is not None:
            self._plex.close()
