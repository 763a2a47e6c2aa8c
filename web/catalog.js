/*
 * Every setting, placeholder and preset. Generated from plexsync/model and plexsync/policy/recipe by
 * `python3 dev.py docs`: change them there.
 */
(function () {
  "use strict";

  const { PlexSync } = window;
  if (!PlexSync) return;

  PlexSync.catalog = {
 "groups": [
  {
   "name": "Connection",
   "keys": [
    "plex_url",
    "plex_token",
    "plex_certificate",
    "plex_library",
    "connect_timeout",
    "read_timeout",
    "plex_connections"
   ]
  },
  {
   "name": "Finding the Plex item",
   "keys": [
    "path_map",
    "accept_ambiguous",
    "skip_not_found",
    "trigger_plex_scan"
   ]
  },
  {
   "name": "Which scenes",
   "keys": [
    "sync_only",
    "sync_never"
   ]
  },
  {
   "name": "What is written",
   "keys": [
    "no_summary",
    "no_studio",
    "no_date",
    "no_performers",
    "no_tags",
    "no_director",
    "no_collection",
    "no_poster",
    "no_tagline",
    "sync_background",
    "sync_groups",
    "sync_rating",
    "sync_code",
    "poster_from",
    "background_from",
    "collection_details",
    "collection_sort",
    "max_tags",
    "max_performers",
    "strip_emoji",
    "strict_mode",
    "preserve_plex_edits"
   ]
  },
  {
   "name": "What becomes what",
   "keys": [
    "title",
    "sort_title",
    "original_title",
    "summary",
    "tagline",
    "studio",
    "content_rating",
    "genres",
    "collections",
    "labels",
    "actors",
    "directors",
    "writers",
    "ignore_tags"
   ]
  },
  {
   "name": "Pausing, retries, dead letters",
   "keys": [
    "pause_sync",
    "no_master",
    "quiet_hours",
    "max_retries",
    "dlq_retention_days"
   ]
  },
  {
   "name": "After an outage of Plex",
   "keys": [
    "recovery_strategy",
    "recovery_minutes",
    "recovery_start_rate",
    "recovery_end_rate"
   ]
  },
  {
   "name": "Reconciliation",
   "keys": [
    "reconcile_interval",
    "reconcile_scope",
    "reconcile_batch_size",
    "skip_missing"
   ]
  },
  {
   "name": "On Stash's pages",
   "keys": [
    "mark_cards"
   ]
  },
  {
   "name": "Messages",
   "keys": [
    "notify_urls",
    "notify_after"
   ]
  },
  {
   "name": "Log and privacy",
   "keys": [
    "debug_logging",
    "obfuscate_paths"
   ]
  }
 ],
 "settings": {
  "accept_ambiguous": {
   "label": "Accept uncertain matches",
   "kind": "switch",
   "means": "When several Plex items could be the scene, write to the first of them instead of asking. Wrong items may be overwritten.",
   "default": "off (such a scene becomes a dead letter that names the items)"
  },
  "actors": {
   "label": "Recipe: actors",
   "kind": "text",
   "means": "Patterns for the actors, separated by semicolons, for example {performer:-male}.",
   "default": "empty ({performer})"
  },
  "background_from": {
   "label": "Background from",
   "kind": "text",
   "means": "Which picture becomes the background: the first of your list that the scene has. Words: cover, group (front image of its first group that has one), gallery (cover of its first gallery), performer (picture of its only performer), none. Example: gallery, cover.",
   "default": "empty (follows Sync backgrounds too)"
  },
  "collection_details": {
   "label": "Posters and summaries for collections",
   "kind": "switch",
   "means": "Give each collection that PlexSync created the picture and the text of its studio, group, performer or tag, and keep them up to date. Your own collections and smart ones are not changed.",
   "default": "off (collections are only names)"
  },
  "collection_sort": {
   "label": "Sort title of collections",
   "kind": "text",
   "means": "Sort title of the collections that PlexSync created, where {name} is replaced by the name: !{name} puts them first. Needs Posters and summaries for collections.",
   "default": "empty (by name)"
  },
  "collections": {
   "label": "Recipe: collections",
   "kind": "text",
   "means": "Patterns for the collections, separated by semicolons, for example {studio}; Series: {group}; Rating: {stars}.",
   "default": "empty ({studio})"
  },
  "connect_timeout": {
   "label": "Connect timeout",
   "kind": "number",
   "means": "How long Plex may take to accept a connection. Raise it for a slow network.",
   "default": "5",
   "unit": "seconds",
   "low": 1,
   "high": 30
  },
  "content_rating": {
   "label": "Recipe: content rating",
   "kind": "text",
   "means": "A pattern for the content rating, for example XXX.",
   "default": "empty (not written)"
  },
  "debug_logging": {
   "label": "Log debug lines",
   "kind": "switch",
   "means": "Show every decision in the log, marked [DEBUG]. Switch it on before you report a problem.",
   "default": "off"
  },
  "directors": {
   "label": "Recipe: directors",
   "kind": "text",
   "means": "Patterns for the directors, separated by semicolons.",
   "default": "empty ({director})"
  },
  "dlq_retention_days": {
   "label": "Keep dead letters",
   "kind": "number",
   "means": "How long a scene that could not be synced stays in the list of dead letters.",
   "default": "30",
   "unit": "days",
   "low": 1,
   "high": 365
  },
  "genres": {
   "label": "Recipe: genres",
   "kind": "text",
   "means": "Patterns for the genres, separated by semicolons, for example {tag:Genre/*}.",
   "default": "empty ({tag})"
  },
  "ignore_tags": {
   "label": "Tags to ignore",
   "kind": "text",
   "means": "Names of tags, separated by commas, that PlexSync ignores in every scene; Technical/* is Technical and every tag below it.",
   "default": "empty (none)"
  },
  "labels": {
   "label": "Recipe: labels",
   "kind": "text",
   "means": "Patterns for the labels, separated by semicolons, for example {tag:Kids,Adults}. Labels that were added in Plex are kept.",
   "default": "empty (not written)"
  },
  "mark_cards": {
   "label": "Mark scenes in Stash's grid",
   "kind": "switch",
   "means": "Show on each card whether the scene is in step, waits, or needs you. Costs one request for each page of the grid.",
   "default": "off (no marks)"
  },
  "max_performers": {
   "label": "Performers per scene",
   "kind": "number",
   "means": "The most performers of a scene that are written as actors, and the most directors and writers. The log names scenes that have more.",
   "default": "200",
   "low": 10,
   "high": 1000
  },
  "max_retries": {
   "label": "Retries",
   "kind": "number",
   "means": "How often a scene is retried after an ordinary failure before it becomes a dead letter. Waiting for a Plex that is down costs no retry.",
   "default": "5",
   "low": 1,
   "high": 20
  },
  "max_tags": {
   "label": "Tags per scene",
   "kind": "number",
   "means": "The most tags of a scene that are written as genres, and the most collections and labels. The log names scenes that have more.",
   "default": "100",
   "low": 10,
   "high": 500
  },
  "no_collection": {
   "label": "Do not sync the studio as a collection",
   "kind": "switch",
   "means": "Leave collections in Plex alone.",
   "default": "off (the item is put into a collection named after its studio)"
  },
  "no_date": {
   "label": "Do not sync dates",
   "kind": "switch",
   "means": "Leave the release date in Plex alone.",
   "default": "off (the scene's date is written)"
  },
  "no_director": {
   "label": "Do not sync directors",
   "kind": "switch",
   "means": "Leave directors in Plex alone.",
   "default": "off (the scene's director is written)"
  },
  "no_master": {
   "label": "Do not write anything",
   "kind": "switch",
   "means": "Keep recording changes, but write nothing to Plex. When this is switched off again, all recorded changes are written.",
   "default": "off (Plex is written)"
  },
  "no_performers": {
   "label": "Do not sync performers",
   "kind": "switch",
   "means": "Leave actors in Plex alone.",
   "default": "off (performers are written as actors)"
  },
  "no_poster": {
   "label": "Do not sync posters",
   "kind": "switch",
   "means": "Leave posters in Plex alone.",
   "default": "off (the scene's cover becomes the poster)"
  },
  "no_studio": {
   "label": "Do not sync studios",
   "kind": "switch",
   "means": "Leave the studio in Plex alone.",
   "default": "off (the scene's studio is written)"
  },
  "no_summary": {
   "label": "Do not sync summaries",
   "kind": "switch",
   "means": "Leave the summary in Plex alone.",
   "default": "off (the scene's details are written as the summary)"
  },
  "no_tagline": {
   "label": "Do not sync taglines",
   "kind": "switch",
   "means": "Leave the tagline in Plex alone.",
   "default": "off (it is written if it has a recipe, because Stash has no taglines)"
  },
  "no_tags": {
   "label": "Do not sync tags",
   "kind": "switch",
   "means": "Leave genres in Plex alone.",
   "default": "off (tags are written as genres)"
  },
  "notify_after": {
   "label": "Message when Plex is away",
   "kind": "number",
   "means": "How long Plex must be away before a message says so; other messages do not wait.",
   "default": "30",
   "unit": "minutes",
   "low": 1,
   "high": 1440
  },
  "notify_urls": {
   "label": "Notify URLs",
   "kind": "text",
   "means": "Where messages go when PlexSync needs you: URLs of the Apprise library, separated by spaces, for example ntfys://my-topic or discord://webhook_id/webhook_token. docs/notifications.md has more. Apprise is installed when this is first used.",
   "default": "empty (no messages)",
   "secret": true
  },
  "obfuscate_paths": {
   "label": "Hide paths and titles in the log",
   "kind": "switch",
   "means": "Replace paths and titles in the log by random words, always the same word for the same part. Switch it on before you share a log.",
   "default": "off"
  },
  "original_title": {
   "label": "Recipe: original title",
   "kind": "text",
   "means": "A pattern for the original title.",
   "default": "empty ({code} if \"Sync studio codes too\" is on, otherwise not written)"
  },
  "path_map": {
   "label": "Path map",
   "kind": "text",
   "means": "Needed when Plex and Stash see the same files under different folders. Write the folder in Plex, =>, the folder in Stash, and a semicolon between pairs: /movies=>/data/movies; /clips=>/data/clips.",
   "default": "empty (both see the same paths)"
  },
  "pause_sync": {
   "label": "Pause syncing",
   "kind": "switch",
   "means": "Keep recording changes, but send nothing to Plex. Switch it off to continue.",
   "default": "off (syncing runs)"
  },
  "plex_certificate": {
   "label": "Plex certificate",
   "kind": "text",
   "means": "For https with a certificate of your own: the absolute path, on the machine that runs Stash, of a PEM file with your issuer's certificate or the server's own. The word ignore switches the check off, so that anyone on the network could impersonate Plex.",
   "default": "empty (public issuers, Plex's own plex.direct certificates, and what that machine trusts)"
  },
  "plex_connections": {
   "label": "Connections to Plex",
   "kind": "number",
   "means": "How many requests are sent to Plex at the same time. Lower it if Plex stutters during playback.",
   "default": "2",
   "low": 1,
   "high": 4
  },
  "plex_library": {
   "label": "Plex libraries",
   "kind": "text",
   "means": "Names of the movie libraries to write to, separated by commas. A name that contains a comma is recognised; quotes keep a name and its spaces together.",
   "default": "empty (all movie libraries)"
  },
  "plex_token": {
   "label": "Plex token",
   "kind": "text",
   "means": "Required. The X-Plex-Token of the server's owner; Plex's help page \"Finding an authentication token\" shows where to find it.",
   "default": "empty (nothing is synced, unless PLEX_TOKEN is set in the environment)",
   "secret": true
  },
  "plex_url": {
   "label": "Plex URL",
   "kind": "text",
   "means": "Required. Address of your Plex server as Stash reaches it, for example http://192.168.1.5:32400.",
   "default": "empty (nothing is synced, unless PLEX_URL is set in the environment)"
  },
  "poster_from": {
   "label": "Poster from",
   "kind": "text",
   "means": "Which picture becomes the poster: the first of your list that the scene has. Words: cover, group (front image of its first group that has one), gallery (cover of its first gallery), performer (picture of its only performer), none. Example: group, cover.",
   "default": "empty (the cover)"
  },
  "preserve_plex_edits": {
   "label": "Keep edits made in Plex",
   "kind": "switch",
   "means": "Do not overwrite what was changed in Plex, and remove only names that PlexSync wrote.",
   "default": "off (Stash wins)"
  },
  "quiet_hours": {
   "label": "Quiet hours",
   "kind": "text",
   "means": "Times at which only edits are written; backfills and automatic reconciliations wait until they are over. Several are separated by commas, and one may go past midnight: 20:00-23:30, 1:00-6:00. They are times of the machine on which Stash runs.",
   "default": "empty (never)"
  },
  "read_timeout": {
   "label": "Read timeout",
   "kind": "number",
   "means": "How long Plex may take to answer. Raise it for a slow server.",
   "default": "30",
   "unit": "seconds",
   "low": 5,
   "high": 120
  },
  "reconcile_batch_size": {
   "label": "Scenes per page of a reconciliation",
   "kind": "number",
   "means": "How many scenes a reconciliation reads from Stash at a time. Lower it if memory is short.",
   "default": "500",
   "unit": "scenes",
   "low": 10,
   "high": 1000
  },
  "reconcile_interval": {
   "label": "Reconcile automatically",
   "kind": "choice",
   "means": "How often PlexSync compares Stash and Plex automatically and closes the gaps: never, hourly, daily or weekly. Stash has no timer, so it happens when something is saved, a task runs or the background worker is running. After an outage of more than an hour what changed around it is compared even with never.",
   "default": "never",
   "choices": [
    "never",
    "hourly",
    "daily",
    "weekly"
   ]
  },
  "reconcile_scope": {
   "label": "Scope of that reconciliation",
   "kind": "choice",
   "means": "Which scenes it compares: all, 24h or 7days (those created or updated within that time).",
   "default": "24h",
   "choices": [
    "all",
    "24h",
    "7days"
   ]
  },
  "recovery_end_rate": {
   "label": "Rate at the end of a recovery",
   "kind": "number",
   "means": "How many write requests per second Plex gets at the end of the ramp after an outage.",
   "default": "20",
   "unit": "writes per second",
   "low": 1,
   "high": 100
  },
  "recovery_minutes": {
   "label": "Ramp after an outage",
   "kind": "number",
   "means": "How long Plex gets requests at a rising rate once it is back. Enter 0 for full speed at once.",
   "default": "5 (if the field was never set)",
   "unit": "minutes",
   "high": 60
  },
  "recovery_start_rate": {
   "label": "Rate at the start of a recovery",
   "kind": "number",
   "means": "How many write requests per second Plex gets right after an outage.",
   "default": "5",
   "unit": "writes per second",
   "low": 1,
   "high": 100
  },
  "recovery_strategy": {
   "label": "Recovery strategy",
   "kind": "choice",
   "means": "Which scenes that failed for good during an outage are retried automatically when it is over: conservative (those for which Plex was down), normal (temporary errors too) or aggressive (also those that Plex did not have; starts faster).",
   "default": "conservative",
   "choices": [
    "conservative",
    "normal",
    "aggressive"
   ]
  },
  "skip_missing": {
   "label": "Reconcile only what Plex has",
   "kind": "switch",
   "means": "Do not report or queue scenes that Plex does not have. Switch it on if Plex is meant to have only some of your scenes.",
   "default": "off (they are gaps too)"
  },
  "skip_not_found": {
   "label": "Skip scenes that Plex does not have",
   "kind": "switch",
   "means": "Drop such a scene silently if Plex does not find its file in time.",
   "default": "off (it becomes a dead letter and is retried automatically once Plex has the file)"
  },
  "sort_title": {
   "label": "Recipe: sort title",
   "kind": "text",
   "means": "A pattern for the title by which Plex sorts, for example {studio} {date}.",
   "default": "empty (not written)"
  },
  "strict_mode": {
   "label": "Refuse unclean text",
   "kind": "switch",
   "means": "Do not write a scene whose text contains control characters or is too long; it becomes a dead letter that names the field.",
   "default": "off (such text is cleaned)"
  },
  "strip_emoji": {
   "label": "Remove emoji",
   "kind": "switch",
   "means": "Remove emoji from everything that is written to Plex.",
   "default": "off (they stay)"
  },
  "studio": {
   "label": "Recipe: studio",
   "kind": "text",
   "means": "A pattern for the studio, for example {root_studio}.",
   "default": "empty ({studio})"
  },
  "summary": {
   "label": "Recipe: summary",
   "kind": "text",
   "means": "A pattern for the summary.",
   "default": "empty ({details})"
  },
  "sync_background": {
   "label": "Sync backgrounds too",
   "kind": "switch",
   "means": "Write the scene's cover as the background as well.",
   "default": "off"
  },
  "sync_code": {
   "label": "Sync studio codes too",
   "kind": "switch",
   "means": "Write the scene's studio code as the original title.",
   "default": "off"
  },
  "sync_groups": {
   "label": "Sync groups too",
   "kind": "switch",
   "means": "Put the item into a collection for each group of the scene.",
   "default": "off"
  },
  "sync_never": {
   "label": "Sync never",
   "kind": "text",
   "means": "Leave out scenes for which any of these conditions holds, for example: tag:Private/*; path:/data/private. What Plex already has of such a scene stays. The conditions are those of Sync only.",
   "default": "empty (none is left out)"
  },
  "sync_only": {
   "label": "Sync only",
   "kind": "text",
   "means": "Write only scenes for which all of these conditions hold, separated by semicolons: organized; stash_id; url; rating>=8; stars>=4; tag:A, B (any of them); studio:A/* (with all below it); performer:A; path:/data/a. Put a name with a comma or semicolon in double quotes.",
   "default": "empty (all scenes)"
  },
  "sync_rating": {
   "label": "Sync ratings too",
   "kind": "switch",
   "means": "Write the scene's rating as the rating of the token's owner.",
   "default": "off"
  },
  "tagline": {
   "label": "Recipe: tagline",
   "kind": "text",
   "means": "A pattern for the tagline, for example {studio}[, {year}].",
   "default": "empty (not written)"
  },
  "title": {
   "label": "Recipe: title",
   "kind": "text",
   "means": "A pattern for the title, for example [{studio}: ]{title}[ ({year})]. The README explains patterns under \"What becomes what\".",
   "default": "empty ({title})"
  },
  "trigger_plex_scan": {
   "label": "Make Plex scan for new scenes",
   "kind": "switch",
   "means": "When Stash finds a new scene, ask Plex to scan that one folder. Switch it on if Plex does not find new files by itself.",
   "default": "off"
  },
  "writers": {
   "label": "Recipe: writers",
   "kind": "text",
   "means": "Patterns for the writers, separated by semicolons.",
   "default": "empty (not written)"
  }
 },
 "recipes": [
  {
   "key": "title",
   "label": "Title",
   "field": "title",
   "default": "{title}",
   "switch": ""
  },
  {
   "key": "sort_title",
   "label": "Sort title",
   "field": "sort_title",
   "default": "",
   "switch": ""
  },
  {
   "key": "original_title",
   "label": "Original title",
   "field": "original_title",
   "default": "{code}",
   "switch": ""
  },
  {
   "key": "summary",
   "label": "Summary",
   "field": "summary",
   "default": "{details}",
   "switch": "no_summary"
  },
  {
   "key": "tagline",
   "label": "Tagline",
   "field": "tagline",
   "default": "",
   "switch": "no_tagline"
  },
  {
   "key": "studio",
   "label": "Studio",
   "field": "studio",
   "default": "{studio}",
   "switch": "no_studio"
  },
  {
   "key": "content_rating",
   "label": "Content rating",
   "field": "content_rating",
   "default": "",
   "switch": ""
  },
  {
   "key": "genres",
   "label": "Genres",
   "field": "tags",
   "default": "{tag}",
   "switch": "no_tags"
  },
  {
   "key": "collections",
   "label": "Collections",
   "field": "collections",
   "default": "{studio}",
   "switch": "no_collection"
  },
  {
   "key": "labels",
   "label": "Labels",
   "field": "labels",
   "default": "",
   "switch": ""
  },
  {
   "key": "actors",
   "label": "Actors",
   "field": "performers",
   "default": "{performer}",
   "switch": "no_performers"
  },
  {
   "key": "directors",
   "label": "Directors",
   "field": "directors",
   "default": "{director}",
   "switch": "no_director"
  },
  {
   "key": "writers",
   "label": "Writers",
   "field": "writers",
   "default": "",
   "switch": ""
  }
 ],
 "placeholders": [
  {
   "text": "{title}",
   "means": "the title, or the file's name if there is none; {title:bare} omits the performers' names at its start"
  },
  {
   "text": "{file}",
   "means": "the name of the first file without its extension"
  },
  {
   "text": "{folder}",
   "means": "the name of the first file's folder"
  },
  {
   "text": "{studio}",
   "means": "the studio"
  },
  {
   "text": "{parent_studio}",
   "means": "the studio above it"
  },
  {
   "text": "{root_studio}",
   "means": "the topmost studio, which may be the scene's own"
  },
  {
   "text": "{date}",
   "means": "the date, as Stash has it"
  },
  {
   "text": "{year}",
   "means": "the year of the date"
  },
  {
   "text": "{code}",
   "means": "the studio code"
  },
  {
   "text": "{director}",
   "means": "each director"
  },
  {
   "text": "{details}",
   "means": "the details"
  },
  {
   "text": "{performers}",
   "means": "all performers, separated by commas"
  },
  {
   "text": "{performer}",
   "means": "each performer"
  },
  {
   "text": "{tag}",
   "means": "each tag"
  },
  {
   "text": "{performer_tag}",
   "means": "each tag of the performers"
  },
  {
   "text": "{group}",
   "means": "each group"
  },
  {
   "text": "{group_number}",
   "means": "the scene's number in that group"
  },
  {
   "text": "{stars}",
   "means": "the rating as 1 to 5 whole stars"
  },
  {
   "text": "{rating}",
   "means": "the rating as a number from 0 to 10"
  },
  {
   "text": "{resolution}",
   "means": "the first file's resolution, such as 1080p or 4K"
  },
  {
   "text": "{url}",
   "means": "the first web address"
  },
  {
   "text": "{stash_id}",
   "means": "the first id in a stash-box"
  },
  {
   "text": "{?organized}",
   "means": "whether the scene is organized"
  },
  {
   "text": "{?favorite}",
   "means": "whether one of the performers is a favorite"
  }
 ],
 "presets": [
  {
   "key": "plain",
   "name": "Plain",
   "means": "Each field as Stash has it; the studio is also a collection.",
   "settings": {
    "title": "",
    "sort_title": "",
    "original_title": "",
    "summary": "",
    "tagline": "",
    "studio": "",
    "content_rating": "",
    "genres": "",
    "collections": "",
    "labels": "",
    "actors": "",
    "directors": "",
    "writers": ""
   }
  },
  {
   "key": "stashplexagent",
   "name": "As StashPlexAgent did",
   "means": "Collections for the site and the studio above it, and the content rating XXX.",
   "settings": {
    "title": "",
    "sort_title": "",
    "original_title": "",
    "summary": "",
    "tagline": "",
    "studio": "",
    "content_rating": "XXX",
    "genres": "",
    "collections": "Site: {studio}; Studio: {parent_studio}",
    "labels": "",
    "actors": "",
    "directors": "",
    "writers": ""
   }
  },
  {
   "key": "studio_first",
   "name": "Studio first",
   "means": "The studio leads the title and sorts the library; collections for it and for the topmost one.",
   "settings": {
    "title": "[{studio}: ]{title}[ ({year})]",
    "sort_title": "[{root_studio} ][{date} ]{title}",
    "original_title": "",
    "summary": "",
    "tagline": "",
    "studio": "",
    "content_rating": "",
    "genres": "",
    "collections": "{root_studio}; {studio}",
    "labels": "",
    "actors": "",
    "directors": "",
    "writers": ""
   }
  },
  {
   "key": "series",
   "name": "Series",
   "means": "Scenes of a group stand together, in its order, in a collection of its own.",
   "settings": {
    "title": "",
    "sort_title": "[{group} ][{group_number} ]{title}",
    "original_title": "",
    "summary": "",
    "tagline": "",
    "studio": "",
    "content_rating": "",
    "genres": "",
    "collections": "Series: {group}; {studio}",
    "labels": "",
    "actors": "",
    "directors": "",
    "writers": ""
   }
  }
 ]
};
})();
