"""How Plex can stand, in words for people: one table for log, tasks, status and page.

A page's request starts a process for it, so this imports nothing.
"""

from __future__ import annotations

from plexsync.model.stored import moment, one_line, words

HEALTHY, STARTING, FAILING, DOWN = "healthy", "starting", "failing", "down"
FOREIGN, TLS, UNAUTHORISED = "not Plex", "no TLS", "unauthorised"
"""What a health check can find."""

WRITING = "writing"
"""Reads are fine, and nothing is written."""

STUCK = "stuck"
"""Plex is healthy, and a request that no scene can do without fails."""

READ_ONLY = "read only"
JWT, CLAIM, REFUSED = "jwt", "claim", "refused token"

TOKEN_TROUBLES = frozenset({READ_ONLY, JWT, CLAIM, REFUSED})
"""What can be wrong with a token that was sent."""

BY_SETTINGS = TOKEN_TROUBLES | {FOREIGN, TLS, "redirect", "web page"}
"""What ends when somebody corrects a setting."""

_WHERE = "Settings > Plugins > PlexSync"
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
        "Plex is starting or repairs its database; PlexSync waits and goes on by itself.",
    ),
    FAILING: (
        "Failing",
        "Plex is failing",
        "Look at Plex's own log and its disk; PlexSync waits and goes on by itself.",
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
        "redirect, because the token would go along.",
    ),
    "web page": (
        "Not Plex",
        "Plex URL leads to a web page",
        f"{_ADDRESS}, or let this machine reach Plex without the sign-in page in front of it.",
    ),
    TLS: (
        "Not secure",
        "There is no secure connection to Plex",
        f"Correct Plex URL or Plex certificate in {_WHERE}; docs/troubleshooting.md has each case.",
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
        "Plex may be busy with a backup, its database or a scan; PlexSync tries one scene a minute "
        "and goes on by itself.",
    ),
    STUCK: (
        "Refuses a request",
        "Plex refuses what every scene needs",
        "Look at Plex's own log; PlexSync asks again each minute and goes on by itself.",
    ),
}


def kind_of(state: str, cause: str) -> str:
    """The most exact kind that has words of its own."""
    return cause if cause in _WORDS else state if state in _WORDS else DOWN


def title(kind: str) -> str:
    """A kind in two or three words."""
    return _WORDS.get(kind, _WORDS[DOWN])[0]


def headline(kind: str) -> str:
    """A kind as a sentence without its full stop."""
    return _WORDS.get(kind, _WORDS[DOWN])[1]


def remedy(kind: str) -> str:
    """What a person can do about it."""
    return _WORDS.get(kind, _WORDS[DOWN])[2]


def told(kind: str, words: str) -> str:
    """A kind with what happened, as a sentence without its full stop that says nothing twice."""
    return words if words.startswith(headline(kind)) else f"{headline(kind)}: {words}"


def token_trouble(token: str) -> str:
    """What kind of token it is that Plex refuses."""
    if token.startswith("claim-"):
        return CLAIM
    return JWT if token.startswith("eyJ") else REFUSED


TOKEN_WORDS = {
    REFUSED: "Plex refuses the token",
    JWT: "Plex refuses the token: it is a short-lived one of plex.tv (JWT), and no server takes it",
    CLAIM: "Plex refuses the token: it is a claim code and no token",
    READ_ONLY: "The Plex token may read but not write: it is not the server owner's",
}


TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.model.status import HealthCheck

FILE = "health_check.json"

WORKER, WAKE_UP = "the worker", "the worker, when it was woken"
"""A probe by its schedule, or because somebody had seen Plex well."""

FAILURE = "a sync that met a failure"
"""Asked wherever something failed and the answers leave open why."""

BEFORE_TASK = "a task, before it began"
"""A button looks at a Plex that is left alone, if that is due."""

NEVER: HealthCheck = {"at": 0.0, "by": "", "state": ""}
"""Nobody has looked yet."""


def parse_health_check(raw: object) -> HealthCheck:
    """Read a stored look; raises ValueError on any doubt."""
    if not isinstance(raw, dict):
        raise ValueError("it holds no object")
    found = one_line(words(raw, "state"))
    return {"at": moment(raw, "at"), "by": one_line(words(raw, "by")), "state": found}
