"""The file of the sign-in that is going on, if one is: private, and deleted once its time is over."""

from __future__ import annotations

import glob
import math
import os

from plexsync import system
from plexsync.edges.storage import files
from plexsync.edges.storage.read_only import peek_json
from plexsync.model.sign_in import FILE, LIFE, SignIn


class SignInFile:
    """The owner's side of sign_in.json. Raises OSError if the disk refuses."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, FILE)
        for leftover in glob.glob(glob.escape(self._path) + ".*.tmp"):
            system.remove(leftover)  # left by a kill while tokens were written

    def read(self) -> SignIn | None:
        """The sign-in; None if there is none, or its file is damaged."""
        return peek_json(self._path, SignIn.parse, None)

    def keep(self, sign_in: SignIn) -> None:
        """Store it instead of any other."""
        files.replace_json(self._path, sign_in.to_json())

    def forget(self) -> None:
        """Delete it, with every token in it."""
        system.remove(self._path)

    def due_in(self, now: float) -> float:
        """Seconds until it must be deleted; infinity if there is none."""
        if not os.path.exists(self._path):
            return math.inf
        found = self.read()
        if found is None or found.expired(now):
            return 0.0
        return found.began_at + LIFE - now

    def forget_expired(self, now: float) -> None:
        """The alarm for `due_in`."""
        if self.due_in(now) <= 0:
            self.forget()
