"""The table of error classes, generated from the code: `python -m torture.classes` prints it."""

from __future__ import annotations

from plexsync.policy.backoff import BUDGETS, DONE, NO_RETRY, RULES, STANDARD, WAITS, ErrorRule

TITLES = (
    "class",
    "when",
    "costs the scene an attempt",
    "retries",
    "delay",
    "in the end",
)
WHEN = {
    "PlexServerDown": "refused, DNS, unreachable, timeouts, 502, 503, 504, an answer that is not Plex's",
    "PlexTemporaryError": "408, 425, 429, 500, other 5xx, 4xx on a read, cut bodies, unknown",
    "PlexNotFound": "no item in Plex holds the file yet",
    "PlexPermanentError": "400, 413, 414, 422 and other 4xx on a write, for every field alone",
    "AmbiguousMatch": "several items in Plex could be the scene",
    "SceneUnusable": "Stash's answer about this scene, and only this one, is invalid",
    "PlexAuthError": "401, 403",
    "StashDown": "no usable answer from Stash",
    "StashAuthError": "Stash refuses session and key",
    "SceneGone": "the scene is no longer in Stash",
}
_WAITING = {"stash": "waits for Stash", "auth": "waits for a new token"}


def table() -> str:
    """The table as Markdown, one row per class of `RULES`."""
    rows = [_row(kind.__name__, rule) for kind, rule in RULES.items()]
    lines = [TITLES, ["---"] * len(TITLES), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(name: str, rule: ErrorRule) -> tuple[str, ...]:
    costs = "if it is the scene's own" if rule.costs_attempt else "no"
    if rule.costs_attempt and rule.budget == NO_RETRY:
        costs = "–"
    return f"`{name}`", WHEN[name], costs, *_tries(rule), _end(rule)


def _tries(rule: ErrorRule) -> tuple[str, str]:
    budget = BUDGETS[rule.budget]
    if rule.budget == NO_RETRY:
        return "–", "–"
    retries = (
        f"{budget.retries} (`max_retries`)" if rule.budget == STANDARD else str(budget.retries)
    )
    return retries, f"{budget.base:.0f} s doubling to {budget.cap:.0f} s, half of it random"


def _end(rule: ErrorRule) -> str:
    if rule.end == WAITS:
        return _WAITING[rule.waits_for]
    if rule.end == DONE:
        return "done"
    at_once = "" if rule.budget != NO_RETRY else " at once"
    return f"dead letter{at_once}"


if __name__ == "__main__":
    print(table())
