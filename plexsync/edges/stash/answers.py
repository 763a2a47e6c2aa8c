"""Parses Stash's JSON strictly: an answer of the wrong shape is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from plexsync.edges.stash.scenes import Unusable, an_id, field_of, message_of, utc_seconds
from plexsync.model.errors import StashDown
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.secret import SecretStr
from plexsync.model.stash_identity import Identity, IdentityAnswer

NOT_FOUND = re.compile(r"scene with id -?\d+ not found")
_DEFAULT_AGE = 3600
OLDEST = (0, 27)
_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})")
_NOT_WHAT_WE_ASKED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class StashSettings(NamedTuple):
    """What PlexSync needs of Stash's configuration: our saved settings, and how to stay signed in.

    `max_session_age` is in seconds, 0 means that sessions never expire; `api_key` is "" if Stash
    has none. `enabled`: PlexSync is not disabled in Stash.
    """

    plugin: Mapping[str, object]
    api_key: SecretStr = SecretStr("")
    max_session_age: int = _DEFAULT_AGE
    version: str = ""
    login: bool = True
    """Whether Stash requires a login at all."""
    enabled: bool = True


def read_body(status: int, body: bytes) -> dict[str, Any]:
    """The answer if it is an object. Raises StashDown for anything else."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    raise StashDown(
        f"Stash answered {status} with something that is not GraphQL", status=status, cause="body"
    )


def read_settings(data: Mapping[str, Any]) -> StashSettings:
    """Parse the answer to the settings query; raises StashDown if its shape is wrong."""
    try:
        general = data["configuration"]["general"]
        plugin = (data["configuration"]["plugins"] or {}).get("PlexSync") or {}
        age = general["maxSessionAge"]
        return StashSettings(
            plugin=dict(plugin),
            api_key=SecretStr(str(general["apiKey"] or "")),
            max_session_age=age if type(age) is int and age >= 0 else _DEFAULT_AGE,
            version=str((data.get("version") or {}).get("version") or ""),
            login=general.get("username") != "",
            enabled=read_enabled(data),
        )
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("the settings", problem) from None


def read_enabled(data: Mapping[str, Any]) -> bool:
    """Whether PlexSync is not disabled; raises StashDown if the answer's shape is wrong."""
    try:
        ours = [each for each in data.get("plugins") or () if each["id"] == "PlexSync"]
        return all(each["enabled"] is not False for each in ours)
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("the plugins", problem) from None


def read_identity(data: Mapping[str, Any], errors: Iterable[object], asked: int) -> IdentityAnswer:
    """What identifies a Stash, and its answers about `asked` scenes.

    Unreadable scenes are skipped. Raises StashDown if nothing useful is left.
    """
    sick = by_answer(errors)
    try:
        asked_for = [data[f"s{n}"] for n in range(asked)]
        known, odd = _created(row for row in asked_for if row is not None)
        ends = [data[end]["scenes"] for end in ("oldest", "newest") if end not in sick]
        listed, more = _created(row for end in ends for row in end)
        database = str(data["systemStatus"]["databasePath"] or "")
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("its identity", problem) from None
    trouble = [*odd, *more, *(said for said in sick.values() if not NOT_FOUND.search(said))]
    if trouble and not (known if asked else listed):
        raise unwell(trouble[0])
    sample = listed if len(ends) == 2 else known | listed
    return IdentityAnswer(Identity(database, sample, max(sample, default=0)), known)


def _created(rows: Iterable[object]) -> tuple[dict[int, float], list[str]]:
    """When each scene was created, and the errors of scenes for which that is unreadable."""
    found: dict[int, float] = {}
    odd = []
    for row in rows:
        try:
            found[field_of(row, "id", an_id)] = field_of(row, "created_at", utc_seconds)
        except Unusable as problem:
            odd.append(str(problem))
    return found, odd


def failed(error: object, status: int = 200, version: str = "") -> StashDown:
    """The failure for a GraphQL error; its text says so if Stash does not know the query.

    `version` is Stash's, "" if unknown.
    """
    text = f"Stash answered {status} with an error: {message_of(error)}"
    extensions = error.get("extensions") if isinstance(error, dict) else None
    if isinstance(extensions, dict) and extensions.get("code") == "GRAPHQL_VALIDATION_FAILED":
        text += f" ({_misfit(version)})"
    return StashDown(text, status=status, cause="body")


def _misfit(version: str) -> str:
    found = _VERSION.match(version)
    if found is None:
        return "PlexSync needs Stash 0.27 or newer; for a newer Stash there may be a newer PlexSync"
    if (int(found[1]), int(found[2])) < OLDEST:
        return f"this is Stash {version}, and PlexSync needs 0.27 or newer: update Stash"
    return f"Stash {version} no longer supports this PlexSync's queries: update PlexSync"


def unwell(trouble: str) -> StashDown:
    """The failure of a Stash whose answers are unusable for every scene."""
    return StashDown(f"Stash's answers about scenes are unusable: {trouble}", cause="body")


def wrong_shape(what: str, problem: Exception) -> StashDown:
    """The error for an answer that is JSON, but of the wrong shape."""
    detail = message_of(f"{type(problem).__name__} {problem}")
    return StashDown(f"Stash's answer about {what} has an unknown shape: {detail}", cause="body")


def by_answer(errors: Iterable[object]) -> dict[str, str]:
    """Error messages by the alias of the part that they affect, such as "s3"."""
    sick: dict[str, str] = {}
    for error in errors:
        path = error.get("path") if isinstance(error, dict) else None
        if not (isinstance(path, list) and path and isinstance(path[0], str)):
            raise failed(error)
        sick.setdefault(path[0], message_of(error))
    return sick
