"""The packages that the worker and the tasks need: those of the running Python if all have the
pinned versions, otherwise a private set in the data folder, which pip installs once. Apprise, which
sends messages, is a set of its own, installed when the first message goes out.

The hook needs no packages, and none is installed outside the data folder. pip accepts only wheels
whose hash is in `requirements.txt` or `requirements-notify.txt`; what it unpacked is verified against the packages' own records
before its first use; and nothing is loaded from a folder that others may write to.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import sysconfig
import time
from collections.abc import Callable
from importlib import machinery

from plexsync import system
from plexsync.edges import packages
from plexsync.edges.packages import Stamp, parse_stamp
from plexsync.edges.storage import files
from plexsync.edges.storage.read_only import peek_json
from plexsync.model.formatting import quoted
from plexsync.model.named_tuple import NamedTuple

PRIVATE_PLACE = (
    "STASH_PLUGIN_DATA name a folder of Stash's own user on a disk with Unix permissions (in "
    "Docker: a volume)"
)

RETRY_AFTER = 600.0
"""Seconds after a failed installation before a worker retries; Check Setup always retries."""

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;#]+)")
_PATIENCE = packages.MOST_SECONDS + 30


class Unavailable(Exception):
    """The packages are missing; the message says why, and which command to run."""


class Needs(NamedTuple):
    """A list of pins: its file, where the state of its set is kept, and words for its messages."""

    file: str
    stamp: str
    what: str
    failed: str
    meanwhile: str
    again: str


MAIN = Needs(
    "requirements.txt",
    "dependencies.json",
    "the packages that PlexSync needs",
    "PlexSync cannot install the packages it needs:",
    "What you save meanwhile is kept.",
    "Press Check Setup",
)
MESSAGES = Needs(
    "requirements-notify.txt",
    "dependencies-notify.json",
    "Apprise, with which PlexSync sends messages,",
    "PlexSync cannot install Apprise, with which it sends messages:",
    "Everything else works without it.",
    "Press Send a Test Message",
)


class Dependencies:
    """The packages that a list in the plugin's folder pins, and where they are.

    Raises Unavailable if that file cannot be read.
    """

    def __init__(self, plugin_dir: str, data: str, needs: Needs = MAIN) -> None:
        self._needs = needs
        self._file = os.path.join(os.path.abspath(plugin_dir), needs.file)
        self._data = data
        self._root = os.path.join(data, "dependencies")
        self._stamp = os.path.join(data, needs.stamp)
        self._lock = system.LockFile(os.path.join(data, "dependencies.lock"))
        try:
            text = _text(self._file)
        except (OSError, ValueError) as problem:
            reason = f"PlexSync is incomplete ({system.text_of(problem)}): install it again."
            raise Unavailable(reason) from None
        pins = [found for line in text.splitlines() if (found := _PINNED.match(line.strip()))]
        self.pins = [(pin[1], pin[2]) for pin in pins]
        self.folder = os.path.join(self._root, _set_name(text))
        """The folder of the private set."""

    def use(self) -> bool:
        """Make the packages importable; False if they must be installed first."""
        if self._whole(sys.path):
            self._forget_failure()
            return True
        if not self._whole([self.folder]) or self._open_place() or not self._verified():
            return False
        sys.path.insert(0, self.folder)
        return True

    def _whole(self, places: list[str]) -> bool:
        return packages.versions(dict(self.pins), places) == dict(self.pins)

    def _open_place(self) -> str:
        """The first folder on the path of the set that others may write to; "" if none."""
        places = (self._data, self._root, self.folder)
        return next(
            (place for place in places if os.path.isdir(place) and not packages.is_closed(place)),
            "",
        )

    def _verified(self) -> bool:
        try:
            mark = packages.fingerprint(self.folder)
            if self._known().verified == mark:
                return True
            if packages.flaw(self.folder):
                return False
        except OSError:
            return False
        self._remember(Stamp(self.folder, verified=mark))
        return True

    def wrong(self) -> list[tuple[str, str, str]]:
        """Name, wanted and found version ("" if missing) of each package that does not match."""
        found = packages.versions(dict(self.pins), sys.path)
        pins = ((name, wanted, found.get(name, "")) for name, wanted in self.pins)
        return [pin for pin in pins if pin[1] != pin[2]]

    def origin(self) -> str:
        """Which packages are in use, as text for the user."""
        if self.folder in sys.path:
            return f"those of PlexSync's own folder {quoted(self.folder)}"
        return f"those of {quoted(sys.executable)}"

    def command(self, target: str = "") -> list[str]:
        """The command that installs the private set, for PlexSync itself and for the user."""
        python = [sys.executable or "python3", "-m", "pip", "install", "--upgrade", "--no-deps"]
        what = ["--requirement", self._file, "--target", target or self.folder]
        return [*python, "--require-hashes", "--only-binary", ":all:", *what]

    def remedy(self) -> str:
        """What the user can do instead."""
        return f"run this where Stash runs, as its user: {system.command_line(self.command())}"

    def failed(self, now: float) -> str:
        """Why the last installation failed, if within RETRY_AFTER seconds; otherwise ""."""
        last = self._known()
        return last.why if 0 <= now - last.at < RETRY_AFTER else ""

    def missing(self) -> str:
        """The message of a task that needs the packages but does not install them."""
        if self._installing():
            return (
                "PlexSync is installing the packages it needs; try again in a minute. "
                "What you save meanwhile is kept."
            )
        if self._open_place():
            return str(self._refusal())
        last = self._known()
        again = f" The last attempt failed: {last.why}." if last.why else ""
        return (
            "The packages that PlexSync needs are not installed yet; what you save meanwhile is "
            f"kept.{again} Press Check Setup, which installs them, or {self.remedy()}"
        )

    def _installing(self) -> bool:
        try:
            return os.path.exists(self._lock.path) and self._lock.busy()
        except OSError:
            return False

    def _known(self) -> Stamp:
        """The stored state, if it is of this set."""
        found = peek_json(self._stamp, parse_stamp, Stamp())
        return found if found.folder == self.folder else Stamp()

    def _forget_failure(self) -> None:
        """Nothing has to be installed any more, although the last attempt failed."""
        if peek_json(self._stamp, parse_stamp, Stamp()).why:
            self._remember(Stamp(self.folder))

    def _remember(self, stamp: Stamp) -> None:
        try:
            files.replace_json(self._stamp, stamp._asdict())
        except OSError:
            pass  # the disk is failing; the next process will find out itself

    def _refusal(self) -> Unavailable:
        return Unavailable(
            f"PlexSync loads no packages from {self._open_place()}, because others may write to "
            f"it. {self._needs.meanwhile} Let {PRIVATE_PLACE}, or install what {self._file} lists "
            f"for {sys.executable or 'the Python that Stash uses'} itself."
        )

    def install(self, say: Callable[[str], None]) -> None:
        """Install the set and use it; waits if another process is installing it.

        Raises Unavailable with the reason and the command. An incomplete set is never used.
        """
        if self._open_place():
            self._remember(Stamp(self.folder, time.time(), "others may write to its folder"))
            raise self._refusal()
        say(f"Installing {self._needs.what} into {self.folder}, once; it takes a minute.")
        try:
            self._acquire()
            try:
                if not self.use():
                    self._fetch()
                    self.use()
            finally:
                self._lock.release()
        except OSError as problem:
            raise self._gave_up(system.in_words(problem)) from None
        except packages.Failed as problem:
            raise self._gave_up(str(problem)) from None

    def _acquire(self) -> None:
        end = time.monotonic() + _PATIENCE
        while not self._lock.acquire():
            if time.monotonic() > end:
                raise packages.Failed("another process has been installing them for too long")
            time.sleep(0.1)

    def _gave_up(self, why: str) -> Unavailable:
        self._remember(Stamp(self.folder, time.time(), why))
        return Unavailable(
            f"{self._needs.failed} {why}. {self._needs.meanwhile} {self._needs.again} to try again, "
            f"or {self.remedy()}"
        )

    def _fetch(self) -> None:
        system.private_folder(self._root)
        self._sweep(packages.UNFINISHED)
        room = os.path.join(self._root, os.urandom(4).hex() + packages.UNFINISHED)
        target, scratch = os.path.join(room, "set"), os.path.join(room, "tmp")
        try:
            for folder in (room, scratch):
                system.make_folder(folder)
            packages.run_pip(self.command(target), self._root, scratch, os.environ)
            if not self._whole([target]):
                raise packages.Failed("pip reported success, but not all of them are there")
            flaw = packages.flaw(target)
            if flaw:
                raise packages.Failed(f"what pip unpacked is damaged: {flaw}")
            system.sync_all()
            packages.discard(self.folder)  # left incomplete by a manual installation
            system.replace(target, self.folder)
            system.sync_folder(self._root)
        finally:
            packages.discard(room)

    def tidy(self) -> None:
        """Delete sets of earlier versions and incomplete ones. Only for the owner: no other process
        may be using an older set."""
        try:
            if self._sweep("", only_count=True) and self._lock.acquire():
                try:
                    self._sweep("")
                finally:
                    self._lock.release()
        except OSError:
            pass  # only disk space is lost

    def _sweep(self, ending: str, only_count: bool = False) -> int:
        """Delete other folders with this ending, or only count them; returns how many."""
        if not os.path.isdir(self._root):
            return 0
        kept = self._kept()
        names = [n for n in os.listdir(self._root) if n not in kept and n.endswith(ending)]
        for name in [] if only_count else names:
            packages.discard(os.path.join(self._root, name))
        return len(names)

    def _kept(self) -> set[str]:
        """The names of the sets in use: ours, and the one that another process sends with."""
        found = {os.path.basename(self.folder)} if self.folder in sys.path else set[str]()
        try:
            text = _text(os.path.join(os.path.dirname(self._file), MESSAGES.file))
        except (OSError, ValueError):
            return found
        return {*found, _set_name(text)}


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _set_name(requirements: str) -> str:
    """The name of a set: it depends on the Python version, the platform and the pins."""
    kind = machinery.EXTENSION_SUFFIXES[0].strip(".").rpartition(".")[0]
    pins = hashlib.sha256(requirements.encode()).hexdigest()[:12]
    return f"{kind}-{sysconfig.get_platform()}-{pins}"
