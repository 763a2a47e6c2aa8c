"""Check Setup for Plex itself: whether it answers, its version, the token, and its clock."""

from __future__ import annotations

from collections.abc import Iterator

from plexsync.edges import surroundings
from plexsync.edges.plex.client import Health
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.setup_points import BAD, OK, WARN, WHERE, Point
from plexsync.model.plex_state import (
    REFUSED,
    TOKEN_WORDS,
    UNAUTHORISED,
    remedy,
    token_trouble,
)

FOLDER_SCANS = (1, 20)
"""The first version of Plex that can scan a single folder."""

CLOCK_SLACK = 60.0


def reachability(health: Health, platform: str) -> Iterator[Point]:
    """How Plex answered, its version and platform."""
    milliseconds = f"{health.latency * 1000:.0f} ms"
    if health.state == "healthy":
        version = f"; version {health.version}" if health.version else ""
        system = f" on {platform}" if version and platform else ""
        yield Point("Plex", OK, f"healthy, answers in {milliseconds}{version}{system}")
    else:
        state = WARN if health.state == "starting" else BAD
        yield Point("Plex", state, f"{health.state}: {health.detail}", health.remedy)


def token_form(context: TaskContext, health: Health) -> Iterator[Point]:
    """What the form of the token says, while Plex cannot judge it."""
    kind = token_trouble(context.config.plex_token.get_secret_value())
    if kind != REFUSED and not health.healthy and health.state != UNAUTHORISED:
        text = TOKEN_WORDS[kind].removeprefix("Plex refuses the token: ")
        yield Point("Plex token", BAD, text, remedy(kind))


def version(context: TaskContext, found: str) -> Iterator[Point]:
    """Whether Plex is too old for a setting that is on."""
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdecimal())
    if context.config.trigger_plex_scan and len(numbers) == 2 and numbers < FOLDER_SCANS:
        text = f"version {found} cannot scan a single folder"
        remedy = f'Update Plex, or switch off "Make Plex scan for new scenes" in {WHERE}.'
        yield Point("Plex version", WARN, text, remedy)


def owner(context: TaskContext) -> Iterator[Point]:
    """Whether the token is the server owner's: only the owner may edit."""
    owns = context.plex.owns()
    if owns is None:
        yield Point("Token's owner", OK, "Plex does not say whose token it is")
    elif owns:
        yield Point("Token's owner", OK, "the token is the server owner's")
    else:
        remedy = f'Sign in to Plex as the owner, and enter that token as "Plex token" in {WHERE}.'
        text = "the token is not the server owner's, and only the owner may edit"
        yield Point("Token's owner", BAD, text, remedy)


def clock(context: TaskContext) -> Iterator[Point]:
    """Plex's clock compared with ours: new items are found by Plex's times."""
    theirs = surroundings.server_time(f"{context.config.plex_url}/identity")
    if theirs is None:
        yield Point("Clock", OK, "Plex's answers have no date")
        return
    off = theirs - context.clock.now()
    text = f"Plex's clock and this machine's differ by {abs(off):.0f} s"
    if abs(off) <= CLOCK_SLACK:
        yield Point("Clock", OK, text)
    else:
        yield Point("Clock", WARN, text, "Set both machines' clocks by a time server.")
