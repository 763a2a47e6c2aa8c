"""All settings, parsed once into a frozen value."""

# no annotations as texts: types and limits are read from the fields

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from plexsync.model import readiness
from plexsync.model.filters import FILTERS
from plexsync.model.notify_urls import split_urls
from plexsync.model.pictures import COVER, read_choice_of_pictures
from plexsync.model.readiness import Readiness
from plexsync.model.secret import SecretStr

_DESIRED = {"plex_library", "path_map", "strict_matching", "preserve_plex_edits", "max_tags"}
_DESIRED |= {"strip_emoji", "strict_mode", "max_performers"}
"""Settings that change what is written or to which item, besides every `sync_` switch."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The lowest and highest value of a number."""

    low: int
    high: int


@dataclass(frozen=True, kw_only=True)
class PlexSyncConfig:
    """The settings in force. Times are seconds; a switch that is True is on. pydantic checks the values
    by these types and limits, see model/config_check.py.
    """

    plex_url: str = ""
    """Address of the Plex server without a trailing slash; "" until one is entered."""
    plex_token: SecretStr = SecretStr("")
    """Token for Plex; only ever sent in a header."""
    plex_certificate: str = ""
    """Which certificates are accepted from Plex: "" those of known issuers, a path those in that
    PEM file, "ignore" any."""
    plex_library: str = ""
    """Names of the movie libraries to write to, as entered; empty means all of them."""
    enabled: bool = True
    """Off: events are stored, but nothing is sent to Plex."""
    strict_matching: bool = True
    """Off: if several items may be the scene, the first one is written."""
    preserve_plex_edits: bool = False
    """On: edits made in Plex are kept, and only names that PlexSync added are removed."""
    path_map: str = ""
    """Folders that Plex and Stash know by different paths: "/plex/path=>/stash/path; ..."."""
    connect_timeout: Annotated[int, Limits(1, 30)] = 5
    """How long Plex may take to accept a connection."""
    read_timeout: Annotated[int, Limits(5, 120)] = 30
    """How long Plex may take to answer."""
    quiet_hours: str = ""
    """Times at which only edits are written, see model/quiet_hours.py; "" for none."""
    max_retries: Annotated[int, Limits(1, 20)] = 5
    """Retries after an ordinary failure before the scene becomes a dead letter."""
    max_tags: Annotated[int, Limits(10, 500)] = 100
    """Limit of tags per scene that become genres, and of groups that become collections."""
    max_performers: Annotated[int, Limits(10, 1000)] = 200
    """Limit of performers per scene that become actors, and of directors."""
    plex_connections: Annotated[int, Limits(1, 4)] = 2
    """Limit of concurrent requests to Plex."""
    sync_master: bool = True
    """Off: nothing is written; on again, everything is."""
    sync_studio: bool = True
    """Studio -> studio."""
    sync_summary: bool = True
    """Details -> summary."""
    sync_tagline: bool = True
    """Tagline, once Stash has one."""
    sync_date: bool = True
    """Date -> originally available."""
    sync_performers: bool = True
    """Performers -> actors."""
    sync_tags: bool = True
    """Tags -> genres."""
    sync_poster: bool = True
    """Cover -> poster."""
    sync_background: bool = False
    """Cover -> background."""
    poster_from: str = ""
    """Which picture becomes the poster: words of CHOICES in the user's order; "" for the cover."""
    background_from: str = ""
    """Which picture becomes the background; "" follows `sync_background`."""
    sync_collection: bool = True
    """Studio -> collection."""
    sync_director: bool = True
    """Director -> director."""
    sync_groups: bool = False
    """Groups -> collections."""
    sync_rating: bool = False
    """Rating -> user rating."""
    sync_code: bool = False
    """Studio code -> original title."""
    collection_details: bool = False
    """On: collections that PlexSync created get the poster and summary of what they represent."""
    collection_sort: str = ""
    """Sort title of such collections, with {name} for their name; "" for none."""
    sync_only: str = ""
    """Conditions (model/filters.py) that must all hold for a scene to be written; "" for none."""
    sync_never: str = ""
    """Conditions; a scene that meets any of them is not written. "" for none."""
    recipe_title: str = ""
    """Pattern of the title; "" here and below means the default, see policy/recipe."""
    recipe_sort_title: str = ""
    """Pattern of the title by which Plex sorts."""
    recipe_original_title: str = ""
    """Pattern of the original title."""
    recipe_summary: str = ""
    """Pattern of the summary."""
    recipe_tagline: str = ""
    """Pattern of the tagline."""
    recipe_studio: str = ""
    """Pattern of the studio."""
    recipe_content_rating: str = ""
    """Pattern of the content rating."""
    recipe_genres: str = ""
    """Pattern of the genres."""
    recipe_collections: str = ""
    """Pattern of the collections."""
    recipe_labels: str = ""
    """Pattern of the labels."""
    recipe_actors: str = ""
    """Pattern of the actors."""
    recipe_directors: str = ""
    """Pattern of the directors."""
    recipe_writers: str = ""
    """Pattern of the writers."""
    ignore_tags: str = ""
    """Tags that are ignored, separated by commas; "/*" includes all below one."""
    trigger_plex_scan: bool = False
    """On: a new scene makes Plex scan its folder."""
    skip_not_found: bool = False
    """On: a scene that Plex does not have ends quietly instead of as a dead letter."""
    strip_emoji: bool = False
    """On: emoji are taken out of everything that is written."""
    strict_mode: bool = False
    """On: text that would need cleaning is rejected instead."""
    mark_cards: bool = False
    """Only the page in Stash reads it."""
    debug_logging: bool = False
    """On: debug lines are logged too."""
    obfuscate_paths: bool = False
    """On: paths and titles are replaced in the log."""
    recovery_strategy: Literal["conservative", "normal", "aggressive"] = "conservative"
    """Which dead letters of an outage are retried automatically when it is over."""
    recovery_minutes: Annotated[int, Limits(0, 60)] = 5
    """Length of the ramp after an outage in minutes; 0 disables it."""
    recovery_start_rate: Annotated[int, Limits(1, 100)] = 5
    """Write requests per second at the start of the ramp."""
    recovery_end_rate: Annotated[int, Limits(1, 100)] = 20
    """Write requests per second at the end of the ramp."""
    reconcile_interval: Literal["never", "hourly", "daily", "weekly"] = "never"
    """How often Stash and Plex are compared automatically."""
    reconcile_scope: Literal["all", "24h", "7days"] = "24h"
    """Which scenes are compared: all, or those created or updated within that time."""
    reconcile_batch_size: Annotated[int, Limits(10, 1000)] = 500
    """Scenes per page of a reconciliation."""
    reconcile_missing: bool = True
    """Off: scenes missing from Plex are not reported as gaps (Plex holds only some on purpose)."""
    dlq_retention_days: Annotated[int, Limits(1, 365)] = 30
    """Days after which a dead letter is deleted."""
    notify_urls: SecretStr = SecretStr("")
    """Where messages go when PlexSync needs somebody: addresses for Apprise, between spaces."""
    notify_after: Annotated[int, Limits(1, 1440)] = 30
    """Minutes for which Plex must be away before a message says so."""

    @property
    def paused(self) -> bool:
        """Whether the user stopped all work in the settings."""
        return not (self.enabled and self.sync_master)

    @property
    def message_urls(self) -> list[str]:
        """The addresses that messages go to; each one is a secret."""
        return split_urls(self.notify_urls.get_secret_value())

    @property
    def poster_choice(self) -> tuple[str, ...]:
        """Which pictures may become the poster, in order of preference."""
        if not self.sync_poster:
            return ()
        return read_choice_of_pictures(self.poster_from) if self.poster_from else (COVER,)

    @property
    def background_choice(self) -> tuple[str, ...]:
        """Which pictures may become the background, in order of preference."""
        if self.background_from:
            return read_choice_of_pictures(self.background_from)
        return (COVER,) if self.sync_background else ()

    @property
    def picture_choices(self) -> dict[str, tuple[str, ...]]:
        """Field -> its choice, without fields that get no picture."""
        chosen = {"poster": self.poster_choice, "background": self.background_choice}
        return {name: words for name, words in chosen.items() if words}

    @property
    def more_pictures(self) -> bool:
        """Whether other pictures than covers have to be read from Stash."""
        return any({*words} - {COVER} for words in self.picture_choices.values())

    @property
    def syncs_images(self) -> bool:
        """Whether any picture is written to Plex."""
        return bool(self.picture_choices)

    def missing(self) -> str:
        """One line that names the settings still needed before anything can be synced; "" if none."""
        return readiness.missing(self.plex_url, self.plex_token.get_secret_value())

    def filter_problem(self) -> str:
        """Which filter is invalid and why, without a full stop; "" if none is."""
        return readiness.filter_problem(self._filters)

    def unreadable(self) -> str:
        """One line about a filter that cannot be parsed; "" if there is none."""
        return readiness.unreadable(self._filters)

    @property
    def readiness(self) -> Readiness:
        """Whether these settings allow a sync."""
        token = self.plex_token.get_secret_value()
        return readiness.judge(self.plex_url, token, self._filters, self.paused)

    @property
    def _filters(self) -> dict[str, str]:
        return {key: getattr(self, key) for key in FILTERS}

    def not_ready(self) -> str:
        """One line about missing or wrong settings without which nothing can be synced; "" if there
        are none.
        """
        return self.missing() or self.unreadable()

    def desired_fingerprint(self) -> str:
        """Hash of the settings that change what is written for a scene, or where.

        Settings at their default do not count, so that adding a setting keeps old hashes valid.
        """
        return self._hash_of(name for name in DECLARED if _changes_desired(name))

    def scenes_fingerprint(self) -> str:
        """The same, including the settings that choose the scenes, and the recipes. The recipes'
        output is part of each scene's own hash, so that only scenes with a different output are
        compared.
        """
        return self._hash_of(
            name
            for name in DECLARED
            if _changes_desired(name) or name in FILTERS or _is_recipe(name)
        )

    def _hash_of(self, names: Iterable[str]) -> str:
        chosen = {
            name: _libraries(value) if name == "plex_library" else value
            for name in names
            if (value := getattr(self, name)) != DECLARED[name].default
        }
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()

    def collection_fingerprint(self) -> str:
        """Hash of the settings that change what collections show."""
        chosen = [self.collection_details, self.collection_sort, self.strip_emoji]
        return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()

    def picture_fingerprint(self) -> str:
        """Hash of the settings that choose the pictures."""
        chosen = [self.poster_from, self.background_from]
        return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()

    def plex_fingerprint(self) -> str:
        """Hash of the Plex address and its certificate; the token is not part of it."""
        return hashlib.sha256(f"{self.plex_url}\n{self.plex_certificate}".encode()).hexdigest()


DECLARED = {each.name: each for each in fields(PlexSyncConfig)}
"""Each field by its name, with `type` and `default`."""


def _changes_desired(name: str) -> bool:
    return name in _DESIRED or (name.startswith("sync_") and name not in FILTERS)


def _is_recipe(name: str) -> bool:
    return name.startswith("recipe_") or name == "ignore_tags"


def _libraries(names: str) -> list[str] | str:
    """The names sorted, so that their order does not matter; kept as typed if quoted or padded."""
    if '"' in names or names != names.strip():
        return names
    return sorted({name.strip() for name in names.split(",")} - {""})
