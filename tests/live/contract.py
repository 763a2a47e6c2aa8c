"""Do real servers behave as the simulators do? For a developer who has them; never in CI.

    STASH_API_KEY=... PLEX_TOKEN=... python3 dev.py live --stash http://nas:9999 --plex http://nas:32400

Each line says "ok", "differs: ..." or "skipped: ..." (nothing to check). Everything is only
read, a few dozen requests in all, except with `--write SCENE`: that appends a few words to the
summary of the Plex item which PlexSync matches with that scene of Stash, reads them back, and
restores the summary and its lock. Leave STASH_API_KEY out for a Stash without a password. Secrets
come from the environment alone. The output can be shown to anybody: no secret, address, title, name
or path is in it, only numbers, and of a text its length and a hash. Ends with 1 when something differs.

What is checked is what PlexSync relies on: something that differs here is a fault to come, and the
simulators (and then perhaps PlexSync) want correcting.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from one_edit import edit
from plex_contract import PLEX, Plex
from stash_contract import STASH, Stash
from verdicts import DiffersError, SkippedError, short

from plexsync.edges.http.certificates import Trust
from plexsync.edges.http.transport import TransportError
from plexsync.model.errors import SyncError


class Report:
    """Prints one line per check and remembers whether something differed.

    `hidden` maps what must not be shown to what stands in its place.
    """

    def __init__(self, hidden: Mapping[str, str]) -> None:
        self._hidden = {text: word for text, word in hidden.items() if text}
        self.differed = 0

    def check(self, server: str, text: str, run: Callable[[], None]) -> None:
        """Run one check."""
        try:
            run()
            verdict = "ok"
        except SkippedError as nothing:
            verdict = f"skipped: {nothing}"
        except (DiffersError, TransportError) as problem:
            verdict = f"differs: {problem}"
        except SyncError as problem:
            said = f"{problem.kind}, status {problem.status}, {problem.cause}"
            verdict = f"differs: {said}: {short(problem.message)}"
        except Exception as problem:  # noqa: BLE001 - an answer of a shape that nobody thought of
            verdict = f"differs: {type(problem).__name__} {_where(problem)}: {short(str(problem))}"
        self.differed += verdict.startswith("differs")
        line = f"{server}: {text}: {verdict}"
        for text, word in self._hidden.items():
            line = line.replace(text, word)
        print(" ".join("".join(c if c.isprintable() else " " for c in line).split()), flush=True)


def _where(problem: Exception) -> str:
    """The line of these checks or of PlexSync that failed."""
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    return f"in {os.path.basename(frame.filename)} line {frame.lineno}"


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


def main(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Check what was asked for; 1 when something differs, 2 when it cannot begin."""
    args = _arguments(words)
    token, key = environ.get("PLEX_TOKEN", ""), environ.get("STASH_API_KEY", "")
    if args.plex and not token:
        print("Put the token of your Plex server into the environment variable PLEX_TOKEN.")
        return 2
    report = Report(_hidden(args, token, key))
    trust = Trust(args.certificate, environ)
    plex = Plex(args.plex, token, trust) if args.plex else None
    stash = Stash(args.stash, key) if args.stash else None
    if plex:
        for rule in PLEX:
            report.check("Plex", rule.__doc__ or "", partial(rule, plex))
    if stash:
        for law in STASH:
            report.check("Stash", law.__doc__ or "", partial(law, stash))
    if plex and stash and args.write is not None:
        number = args.write
        report.check("both", edit.__doc__ or "", lambda: edit(plex, stash, number))
    for server in (plex, stash):
        if server:
            server.close()
    print(f"{report.differed} differ" if report.differed else "nothing differs")
    return 1 if report.differed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
