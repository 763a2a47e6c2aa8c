"""Do a Stash and a Plex behave as PlexSync expects? `python3 dev.py live`; never part of the tests.

    STASH_API_KEY=... PLEX_TOKEN=... python3 dev.py live --stash http://nas:9999 --plex http://nas:32400

Each line says "ok", "differs: ..." or "skipped: ..." (nothing to check). Everything is only
read, a few dozen requests in all, except with `--write SCENE`: that makes every kind of edit on the
Plex item which PlexSync matches with that scene of Stash, restores all of it, whatever happens, and
proves that. One tiny poster stays among those that can be chosen, since Plex deletes none. Leave
STASH_API_KEY out for a Stash without a password. Secrets come from the environment alone. The output
can be shown to anybody: no secret, address, title, name or path is in it, only numbers, and of a text
its length and a hash. Ends with 1 when something differs.

What is checked is what PlexSync relies on: something that differs here is a fault to come, and the
simulators (and then perhaps PlexSync) want correcting.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from plexsync.edges.clock import SystemClock
from plexsync.edges.http.certificates import Trust
from plexsync.edges.plex.client import PlexClient
from plexsync.flows.contact.matched_item import matched_item
from plexsync.flows.contact.plex_contact import PlexContact
from plexsync.flows.contact.plex_rules import PLEX
from plexsync.flows.contact.stash_contact import StashContact
from plexsync.flows.contact.stash_rules import STASH
from plexsync.flows.contact.trial import try_writing
from plexsync.flows.contact.verdicts import DIFFERS, short, verdict
from plexsync.flows.contact.write_rules import WRITES
from plexsync.model.plex import Target

CLIENT_ID = "8d0c2c1e-6f0b-4c55-9d4e-0a9b6f3c7e21"
"""Always the same: Plex tells its owner of each new one."""


class Report:
    """Prints one line per rule and remembers whether something differed.

    `hidden` maps what must not be shown to what stands in its place.
    """

    def __init__(self, hidden: Mapping[str, str]) -> None:
        self._hidden = {text: word for text, word in hidden.items() if text}
        self.differed = 0

    def check(self, server: str, text: str, rule: Callable[[], None]) -> None:
        """Apply one rule."""
        state, why = verdict(rule, say=str)
        self.differed += state == DIFFERS
        self.say(f"{server}: {text}: {state}{f': {why}' if why else ''}")

    def say(self, line: str) -> None:
        """Print a line."""
        for text, word in self._hidden.items():
            line = line.replace(text, word)
        shown = " ".join("".join(c if c.isprintable() else " " for c in line).split())
        sys.stdout.write(f"{shown}\n")
        sys.stdout.flush()


def _hidden(args: argparse.Namespace, token: str, key: str) -> dict[str, str]:
    """Secrets and addresses, longer ones first."""
    hidden = {token: "***", key: "***"}
    for name in ("plex", "stash"):
        parts = urlsplit(getattr(args, name) or "")
        hidden |= {parts.netloc: f"<{name}>", parts.hostname or "": f"<{name}>"}
    return dict(sorted(hidden.items(), key=lambda pair: -len(pair[0])))


def _address(text: str) -> str:
    """A base URL; a secret has no place in it."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError("an address like http://host:port is wanted")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise argparse.ArgumentTypeError("only scheme, host, port and path; secrets go elsewhere")
    return text.rstrip("/")


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dev.py live",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stash", type=_address, help="address of Stash")
    parser.add_argument("--plex", type=_address, help="address of Plex")
    parser.add_argument(
        "--certificate", default="", help="as the setting Plex certificate: a PEM file, or ignore"
    )
    parser.add_argument("--write", type=int, metavar="SCENE", help="edit and restore its Plex item")
    args = parser.parse_args(words)
    if not (args.stash or args.plex):
        parser.error("nothing to check: give --stash, --plex or both")
    if args.write is not None and not (args.stash and args.plex):
        parser.error("--write needs both --stash and --plex")
    return args


def main(
    words: Sequence[str],
    environ: Mapping[str, str],
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Check what was asked for; 1 when something differs, 2 when it cannot begin."""
    args = _arguments(words)
    token, key = environ.get("PLEX_TOKEN", ""), environ.get("STASH_API_KEY", "")
    report = Report(_hidden(args, token, key))
    if args.plex and not token:
        report.say("Put the token of your Plex server into the environment variable PLEX_TOKEN.")
        return 2
    trust = Trust(args.certificate, environ)
    plex = _plex(args.plex, token, trust) if args.plex else None
    stash = StashContact(args.stash, {"ApiKey": key} if key else {}) if args.stash else None
    try:
        _check_all(report, plex, stash)
        if plex and stash and args.write is not None:
            _write(report, plex, stash, args.write, pause)
    finally:
        if plex:
            plex.close()
            plex.client.close()
        if stash:
            stash.close()
    report.say(f"{report.differed} differ" if report.differed else "nothing differs")
    return 1 if report.differed else 0


def _plex(url: str, token: str, trust: Trust) -> PlexContact:
    client = PlexClient(url, token, CLIENT_ID, trust=trust)
    return PlexContact(url, token, client, CLIENT_ID, trust, SystemClock())


def _check_all(report: Report, plex: PlexContact | None, stash: StashContact | None) -> None:
    if plex:
        for rule in PLEX:
            report.check("Plex", rule.__doc__ or "", partial(rule, plex))
    if stash:
        for law in STASH:
            report.check("Stash", law.__doc__ or "", partial(law, stash))


def _write(
    report: Report,
    plex: PlexContact,
    stash: StashContact,
    scene: int,
    pause: Callable[[float], None],
) -> None:
    found: list[Target] = []

    def warn(text: str) -> None:
        report.say(f"PlexSync's index warns: {short(text)}")

    def find() -> None:
        """the scene is found in Plex"""
        found.append(matched_item(plex, stash, scene, warn).target)

    def edit() -> None:
        try_writing(plex, found[0], WRITES, partial(report.check, "both"), pause)

    report.check("both", find.__doc__ or "", find)
    if found:
        report.check("both", "the item can be edited and restored", edit)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
