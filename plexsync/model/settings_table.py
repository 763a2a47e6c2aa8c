"""Every setting, in groups for the reader: its key in Stash, and the texts that explain it.

Stash's form, docs/settings.md and the page's form are made from this table; types, defaults and
limits are those of PlexSyncConfig. To add a setting, add a row here and a field there.
"""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.named_tuple import NamedTuple


class Setting(NamedTuple):
    """One setting. A field that is on by default has an inverted key: `pause_sync`, `enabled`."""

    field: str
    """The field of PlexSyncConfig."""
    label: str
    means: str
    """What it does, in sentences that every form shows."""
    unset: str = ""
    """What its default amounts to, where the value alone does not say it."""
    unit: str = ""
    """What a number counts."""
    secret: bool = False
    """Never shown, exported, or kept in a result."""


GROUPS: Mapping[str, Mapping[str, Setting]] = {
    "Connection": {
        "plex_url": Setting(
            "plex_url",
            "Plex URL",
            "Required. Address of your Plex server as Stash reaches it, for example "
            "http://192.168.1.5:32400.",
            unset="nothing is synced, unless PLEX_URL is set in the environment",
        ),
        "plex_token": Setting(
            "plex_token",
            "Plex token",
            "Required. The X-Plex-Token of the server's owner; Plex's help page \"Finding an "
            'authentication token" shows where to find it.',
            unset="nothing is synced, unless PLEX_TOKEN is set in the environment",
            secret=True,
        ),
        "plex_certificate": Setting(
            "plex_certificate",
            "Plex certificate",
            "For https with a certificate of your own: the absolute path, on the machine that "
            "runs Stash, of a PEM file with your issuer's certificate or the server's own. The "
            "word ignore switches the check off, so that anyone on the network could impersonate "
            "Plex.",
            unset="public issuers, Plex's own plex.direct certificates, and what that machine trusts",
        ),
        "plex_library": Setting(
            "plex_library",
            "Plex libraries",
            "Names of the movie libraries to write to, separated by commas. A name that contains "
            "a comma is recognised; quotes keep a name and its spaces together.",
            unset="all movie libraries",
        ),
        "connect_timeout": Setting(
            "connect_timeout",
            "Connect timeout",
            "How long Plex may take to accept a connection. Raise it for a slow network.",
            unit="seconds",
        ),
        "read_timeout": Setting(
            "read_timeout",
            "Read timeout",
            "How long Plex may take to answer. Raise it for a slow server.",
            unit="seconds",
        ),
        "plex_connections": Setting(
            "plex_connections",
            "Connections to Plex",
            "How many requests are sent to Plex at the same time. Lower it if Plex stutters "
            "during playback.",
        ),
    },
    "Finding the Plex item": {
        "path_map": Setting(
            "path_map",
            "Path map",
            "Needed when Plex and Stash see the same files under different folders. Write the "
            "folder in Plex, =>, the folder in Stash, and a semicolon between pairs: "
            "/movies=>/data/movies; /clips=>/data/clips.",
            unset="both see the same paths",
        ),
        "accept_ambiguous": Setting(
            "strict_matching",
            "Accept uncertain matches",
            "When several Plex items could be the scene, write to the first of them instead of "
            "asking. Wrong items may be overwritten.",
            unset="such a scene becomes a dead letter that names the items",
        ),
        "skip_not_found": Setting(
            "skip_not_found",
            "Skip scenes that Plex does not have",
            "Drop such a scene silently if Plex does not find its file in time.",
            unset="it becomes a dead letter and is retried automatically once Plex has the file",
        ),
        "trigger_plex_scan": Setting(
            "trigger_plex_scan",
            "Make Plex scan for new scenes",
            "When Stash finds a new scene, ask Plex to scan that one folder. Switch it on if Plex "
            "does not find new files by itself.",
        ),
    },
    "Which scenes": {
        "sync_only": Setting(
            "sync_only",
            "Sync only",
            "Write only scenes for which all of these conditions hold, separated by semicolons: "
            "organized; stash_id; url; rating>=8; stars>=4; tag:A, B (any of them); studio:A/* "
            "(with all below it); performer:A; path:/data/a. Put a name with a comma or semicolon "
            "in double quotes.",
            unset="all scenes",
        ),
        "sync_never": Setting(
            "sync_never",
            "Sync never",
            "Leave out scenes for which any of these conditions holds, for example: "
            "tag:Private/*; path:/data/private. What Plex already has of such a scene stays. The "
            "conditions are those of Sync only.",
            unset="none is left out",
        ),
    },
    "What is written": {
        "no_summary": Setting(
            "sync_summary",
            "Do not sync summaries",
            "Leave the summary in Plex alone.",
            unset="the scene's details are written as the summary",
        ),
        "no_studio": Setting(
            "sync_studio",
            "Do not sync studios",
            "Leave the studio in Plex alone.",
            unset="the scene's studio is written",
        ),
        "no_date": Setting(
            "sync_date",
            "Do not sync dates",
            "Leave the release date in Plex alone.",
            unset="the scene's date is written",
        ),
        "no_performers": Setting(
            "sync_performers",
            "Do not sync performers",
            "Leave actors in Plex alone.",
            unset="performers are written as actors",
        ),
        "no_tags": Setting(
            "sync_tags",
            "Do not sync tags",
            "Leave genres in Plex alone.",
            unset="tags are written as genres",
        ),
        "no_director": Setting(
            "sync_director",
            "Do not sync directors",
            "Leave directors in Plex alone.",
            unset="the scene's director is written",
        ),
        "no_collection": Setting(
            "sync_collection",
            "Do not sync the studio as a collection",
            "Leave collections in Plex alone.",
            unset="the item is put into a collection named after its studio",
        ),
        "no_poster": Setting(
            "sync_poster",
            "Do not sync posters",
            "Leave posters in Plex alone.",
            unset="the scene's cover becomes the poster",
        ),
        "no_tagline": Setting(
            "sync_tagline",
            "Do not sync taglines",
            "Leave the tagline in Plex alone.",
            unset="it is written if it has a recipe, because Stash has no taglines",
        ),
        "sync_background": Setting(
            "sync_background",
            "Sync backgrounds too",
            "Write the scene's cover as the background as well.",
        ),
        "sync_groups": Setting(
            "sync_groups",
            "Sync groups too",
            "Put the item into a collection for each group of the scene.",
        ),
        "sync_rating": Setting(
            "sync_rating",
            "Sync ratings too",
            "Write the scene's rating as the rating of the token's owner.",
        ),
        "sync_code": Setting(
            "sync_code",
            "Sync studio codes too",
            "Write the scene's studio code as the original title.",
        ),
        "poster_from": Setting(
            "poster_from",
            "Poster from",
            "Which picture becomes the poster: the first of your list that the scene has. Words: "
            "cover, group (front image of its first group that has one), gallery (cover of its "
            "first gallery), performer (picture of its only performer), none. Example: group, "
            "cover.",
            unset="the cover",
        ),
        "background_from": Setting(
            "background_from",
            "Background from",
            "Which picture becomes the background, with the words of Poster from. Example: "
            "gallery, cover.",
            unset="follows Sync backgrounds too",
        ),
        "collection_details": Setting(
            "collection_details",
            "Posters and summaries for collections",
            "Give each collection that PlexSync created the picture and the text of its studio, "
            "group, performer or tag, and keep them up to date. Your own collections and smart "
            "ones are not changed.",
            unset="collections are only names",
        ),
        "collection_sort": Setting(
            "collection_sort",
            "Sort title of collections",
            "Sort title of the collections that PlexSync created, where {name} is replaced by the "
            "name: !{name} puts them first. Needs Posters and summaries for collections.",
            unset="by name",
        ),
        "max_tags": Setting(
            "max_tags",
            "Tags per scene",
            "The most tags of a scene that are written as genres, and the most collections and "
            "labels. The log names scenes that have more.",
        ),
        "max_performers": Setting(
            "max_performers",
            "Performers per scene",
            "The most performers of a scene that are written as actors, and the most directors "
            "and writers. The log names scenes that have more.",
        ),
        "strip_emoji": Setting(
            "strip_emoji",
            "Remove emoji",
            "Remove emoji from everything that is written to Plex.",
            unset="they stay",
        ),
        "strict_mode": Setting(
            "strict_mode",
            "Refuse unclean text",
            "Do not write a scene whose text contains control characters or is too long; it "
            "becomes a dead letter that names the field.",
            unset="such text is cleaned",
        ),
        "preserve_plex_edits": Setting(
            "preserve_plex_edits",
            "Keep edits made in Plex",
            "Do not overwrite what was changed in Plex, and remove only names that PlexSync wrote.",
            unset="Stash wins",
        ),
    },
    "What becomes what": {
        "title": Setting(
            "recipe_title",
            "Recipe: title",
            "A pattern for the title, for example [{studio}: ]{title}[ ({year})]. The README "
            'explains patterns under "What becomes what".',
            unset="{title}",
        ),
        "sort_title": Setting(
            "recipe_sort_title",
            "Recipe: sort title",
            "A pattern for the title by which Plex sorts, for example {studio} {date}.",
            unset="not written",
        ),
        "original_title": Setting(
            "recipe_original_title",
            "Recipe: original title",
            "A pattern for the original title.",
            unset='{code} if "Sync studio codes too" is on, otherwise not written',
        ),
        "summary": Setting(
            "recipe_summary",
            "Recipe: summary",
            "A pattern for the summary.",
            unset="{details}",
        ),
        "tagline": Setting(
            "recipe_tagline",
            "Recipe: tagline",
            "A pattern for the tagline, for example {studio}[, {year}].",
            unset="not written",
        ),
        "studio": Setting(
            "recipe_studio",
            "Recipe: studio",
            "A pattern for the studio, for example {root_studio}.",
            unset="{studio}",
        ),
        "content_rating": Setting(
            "recipe_content_rating",
            "Recipe: content rating",
            "A pattern for the content rating, for example XXX.",
            unset="not written",
        ),
        "genres": Setting(
            "recipe_genres",
            "Recipe: genres",
            "Patterns for the genres, separated by semicolons, for example {tag:Genre/*}.",
            unset="{tag}",
        ),
        "collections": Setting(
            "recipe_collections",
            "Recipe: collections",
            "Patterns for the collections, separated by semicolons, for example {studio}; Series: "
            "{group}; Rating: {stars}.",
            unset="{studio}",
        ),
        "labels": Setting(
            "recipe_labels",
            "Recipe: labels",
            "Patterns for the labels, separated by semicolons, for example {tag:Kids,Adults}. "
            "Labels that were added in Plex are kept.",
            unset="not written",
        ),
        "actors": Setting(
            "recipe_actors",
            "Recipe: actors",
            "Patterns for the actors, separated by semicolons, for example {performer:-male}.",
            unset="{performer}",
        ),
        "directors": Setting(
            "recipe_directors",
            "Recipe: directors",
            "Patterns for the directors, separated by semicolons.",
            unset="{director}",
        ),
        "writers": Setting(
            "recipe_writers",
            "Recipe: writers",
            "Patterns for the writers, separated by semicolons.",
            unset="not written",
        ),
        "ignore_tags": Setting(
            "ignore_tags",
            "Tags to ignore",
            "Names of tags, separated by commas, that PlexSync ignores in every scene; "
            "Technical/* is Technical and every tag below it.",
            unset="none",
        ),
    },
    "Pausing, retries, dead letters": {
        "pause_sync": Setting(
            "enabled",
            "Pause syncing",
            "Keep recording changes, but send nothing to Plex. Switch it off to continue.",
            unset="syncing runs",
        ),
        "no_master": Setting(
            "sync_master",
            "Do not write anything",
            "Keep recording changes, but write nothing to Plex. When this is switched off again, "
            "all recorded changes are written.",
            unset="Plex is written",
        ),
        "quiet_hours": Setting(
            "quiet_hours",
            "Quiet hours",
            "Times at which only edits are written; backfills, automatic reconciliations and "
            "collections wait: 20:00-23:30, 1:00-6:00. They are those of Stash's machine.",
            unset="never",
        ),
        "max_retries": Setting(
            "max_retries",
            "Retries",
            "How often a scene is retried after an ordinary failure before it becomes a dead "
            "letter. Waiting for a Plex that is down costs no retry.",
        ),
        "dlq_retention_days": Setting(
            "dlq_retention_days",
            "Keep dead letters",
            "How long a scene that could not be synced stays in the list of dead letters.",
            unit="days",
        ),
    },
    "After an outage of Plex": {
        "recovery_strategy": Setting(
            "recovery_strategy",
            "Recovery strategy",
            "Which scenes that failed for good during an outage are retried automatically when it "
            "is over: conservative (those for which Plex was down), normal (temporary errors too) "
            "or aggressive (also those that Plex did not have; starts faster).",
        ),
        "recovery_minutes": Setting(
            "recovery_minutes",
            "Ramp after an outage",
            "How long Plex gets requests at a rising rate once it is back. Enter 0 for full speed "
            "at once.",
            unset="if the field was never set",
            unit="minutes",
        ),
        "recovery_start_rate": Setting(
            "recovery_start_rate",
            "Rate at the start of a recovery",
            "How many write requests per second Plex gets right after an outage.",
            unit="writes per second",
        ),
        "recovery_end_rate": Setting(
            "recovery_end_rate",
            "Rate at the end of a recovery",
            "How many write requests per second Plex gets at the end of the ramp after an outage.",
            unit="writes per second",
        ),
    },
    "Reconciliation": {
        "reconcile_interval": Setting(
            "reconcile_interval",
            "Reconcile automatically",
            "How often PlexSync compares Stash and Plex automatically and closes the gaps: never, "
            "hourly, daily or weekly. Stash has no timer, so it happens when something is saved, "
            "a task runs or the background worker is running. After an outage of more than an "
            "hour what changed around it is compared even with never.",
        ),
        "reconcile_scope": Setting(
            "reconcile_scope",
            "Scope of that reconciliation",
            "Which scenes it compares: all, 24h or 7days (those created or updated within that "
            "time).",
        ),
        "reconcile_batch_size": Setting(
            "reconcile_batch_size",
            "Scenes per page of a reconciliation",
            "How many scenes a reconciliation reads from Stash at a time. Lower it if memory is "
            "short.",
            unit="scenes",
        ),
        "skip_missing": Setting(
            "reconcile_missing",
            "Reconcile only what Plex has",
            "Do not report or queue scenes that Plex does not have. Switch it on if Plex is meant "
            "to have only some of your scenes.",
            unset="they are gaps too",
        ),
    },
    "On Stash's pages": {
        "mark_cards": Setting(
            "mark_cards",
            "Mark scenes in Stash's grid",
            "Show on each card whether the scene is in step, waits, or needs you. Costs one request "
            "for each page of the grid.",
            unset="no marks",
        ),
    },
    "Messages": {
        "notify_urls": Setting(
            "notify_urls",
            "Notify URLs",
            "Where messages go when PlexSync needs you: URLs of the Apprise library, separated by "
            "spaces, for example ntfys://my-topic or discord://webhook_id/webhook_token. "
            "docs/notifications.md has more. Apprise is installed when this is first used.",
            unset="no messages",
            secret=True,
        ),
        "notify_after": Setting(
            "notify_after",
            "Message when Plex is away",
            "How long Plex must be away before a message says so; other messages do not wait.",
            unit="minutes",
        ),
    },
    "Log and privacy": {
        "debug_logging": Setting(
            "debug_logging",
            "Log debug lines",
            "Show every decision in the log, marked [DEBUG]. Switch it on before you report a "
            "problem.",
        ),
        "obfuscate_paths": Setting(
            "obfuscate_paths",
            "Hide paths and titles in the log",
            "Replace paths and titles in the log by random words, always the same word for the "
            "same part. Switch it on before you share a log.",
        ),
    },
}

SETTINGS: Mapping[str, Setting] = {
    key: setting for group in GROUPS.values() for key, setting in group.items()
}
"""Key in Stash -> setting."""

FIELDS: Mapping[str, str] = {key: SETTINGS[key].field for key in sorted(SETTINGS)}
"""Key in Stash -> field of PlexSyncConfig."""

IN_STASHS_FORM = (
    "debug_logging",
    "notify_urls",
    "path_map",
    "pause_sync",
    "plex_library",
    "plex_token",
    "plex_url",
    "preserve_plex_edits",
    "trigger_plex_scan",
)
"""Those that everybody needs, in the order in which Stash shows them: by key. PlexSync.yml names no
others; what is stored under the other keys is kept and handed over by Stash all the same."""

SECRETS = frozenset(key for key, setting in SETTINGS.items() if setting.secret)
