"""The states that Plex can be in, with their user-visible words: one table for log, tasks, status
and page.

Each of the page's requests starts a process, so this imports next to nothing.
"""

from __future__ import annotations

from plexsync.model.places import OUR_FORM, STASHS_FORM
from plexsync.model.stored import moment, one_line, words

HEALTHY, STARTING, FAILING, DOWN = "healthy", "starting", "failing", "down"
FOREIGN, TLS, UNAUTHORISED = "not Plex", "no TLS", "unauthorised"
"""States that a health check can find."""

WRITING = "writing"
"""Reads work, and writes fail."""

STUCK = "stuck"
"""Plex is healthy, but a request that every scene needs fails."""

READ_ONLY = "read only"
JWT, CLAIM, REFUSED = "jwt", "claim", "refused token"

TOKEN_TROUBLES = frozenset({READ_ONLY, JWT, CLAIM, REFUSED})
"""What can be wrong with a token."""

BY_SETTINGS = TOKEN_TROUBLES | {FOREIGN, TLS, "redirect", "web page"}
"""Kinds of trouble that only a changed setting ends."""

_WHERE = STASHS_FORM
_NEW_TOKEN = f"Enter a new Plex token in {_WHERE}."
_ADDRESS = f"Correct Plex URL in {_WHERE}"

_VIEW_XML = "the token that Plex Web shows under Get Info > View XML, at the end of the address"

_WORDS: dict[str, tuple[str, str, str]] = {
    HEALTHY: ("Healthy", "Plex is healthy", "Nothing to do."),
    DOWN: (
        "Away",
        "Plex is away",
        f"Check that Plex runs and that Plex URL in {_WHERE} is the address at which this machine "
        "reaches it.",
    ),
    "proxy": (
        "Away",
        "Plex is away",
        "Check that Plex runs, and that the proxy in front of it reaches it.",
    ),
    STARTING: (
        "Starting",
        "Plex is starting",
        "Plex is starting or repairing its database; PlexSync waits and continues by itself.",
    ),
    FAILING: (
        "Failing",
        "Plex is failing",
        "Check Plex's log and disk; PlexSync waits and continues by itself.",
    ),
    FOREIGN: (
        "Not Plex",
        "Plex URL leads to something else",
        f"{_ADDRESS}: it must be the address at which Plex itself answers this machine.",
    ),
    "redirect": (
        "Redirected",
        "Plex URL is redirected",
        f"If that is where your Plex is, enter it as Plex URL in {_WHERE}. PlexSync follows no "
        "redirect, because the token would be sent along.",
    ),
    "web page": (
        "Not Plex",
        "Plex URL leads to a web page",
        f"{_ADDRESS}, or let this machine reach Plex without the sign-in page in front of it.",
    ),
    TLS: (
        "Not secure",
        "There is no secure connection to Plex",
        f"Correct Plex URL or Plex certificate in {OUR_FORM}; docs/troubleshooting.md has each case.",
    ),
    UNAUTHORISED: ("Refuses the token", "Plex refuses the token", _NEW_TOKEN),
    REFUSED: ("Refuses the token", "Plex refuses the token", _NEW_TOKEN),
    JWT: (
        "Refuses the token",
        "Plex refuses the token",
        f"Enter {_VIEW_XML}, in {_WHERE}.",
    ),
    CLAIM: (
        "Refuses the token",
        "Plex refuses the token",
        f"A claim code only joins a new server to an account. Enter {_VIEW_XML}, in {_WHERE}.",
    ),
    READ_ONLY: (
        "May not write",
        "The Plex token may not write",
        f"Sign in to Plex as the server's owner, and enter that token in {_WHERE}.",
    ),
    WRITING: (
        "Does not write",
        "Plex answers but does not write",
        "Plex may be busy with a backup, its database or a scan, or a proxy in front of it blocks "
        "all edits; PlexSync tries one scene a minute and continues by itself.",
    ),
    STUCK: (
        "Refuses a request",
        "Plex refuses what every scene needs",
        "Check Plex's log; PlexSync tries again every minute and continues by itself.",
    ),
}


KINDS = tuple(_WORDS)
"""All kinds."""


def kind_of(state: str, cause: str) -> str:
    """The most specific kind in the table: `cause` if it has an entry, otherwise `state`."""
    return cause if cause in _WORDS else state if state in _WORDS else DOWN


def title(kind: str) -> str:
    """The short title of a kind, two or three words."""
    return _WORDS.get(kind, _WORDS[DOWN])[0]


def headline(kind: str) -> str:
    """The headline of a kind, a sentence without its full stop."""
    return _WORDS.get(kind, _WORDS[DOWN])[1]


def remedy(kind: str) -> str:
    """What the user can do about it."""
    return _WORDS.get(kind, _WORDS[DOWN])[2]


def told(kind: str, words: str) -> str:
    """The headline with the details, without repeating them; a sentence without its full stop."""
    return words if words.startswith(headline(kind)) else f"{headline(kind)}: {words}"


def token_trouble(token: str) -> str:
    """Which kind of token Plex refuses, as far as its form shows."""
    if token.startswith("claim-"):
        return CLAIM
    return JWT if token.startswith("eyJ") else REFUSED


TOKEN_WORDS = {
    REFUSED: "Plex refuses the token",
    JWT: "Plex refuses the token: it is a short-lived token of plex.tv (JWT), valid for no server",
    CLAIM: "Plex refuses the token: it is a claim code, not a token",
    READ_ONLY: "The Plex token may read but not write: it is not the server owner's",
}


TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.model.status import HealthCheck

FILE = "health_check.json"

WORKER, WAKE_UP = "the worker", "the worker, when it was woken"
"""A scheduled probe, or one because another process has found Plex healthy."""

FAILURE = "a sync that met a failure"
"""A probe after a failure whose cause the answers leave open."""

BEFORE_TASK = "a task, before it began"
"""A task probes before it starts if the breaker is open and a probe is due."""

NEVER: HealthCheck = {"at": 0.0, "by": "", "state": ""}
"""No health check yet."""


def parse_health_check(raw: object) -> HealthCheck:
    """Parse a stored health check; raises ValueError if anything is wrong with it."""
    if not isinstance(raw, dict):
        raise ValueError("it holds no object")
    found = one_line(words(raw, "state"))
    return {"at": moment(raw, "at"), "by": one_line(words(raw, "by")), "state": found}
