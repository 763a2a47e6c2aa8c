"""The whole chain on real servers, from two empty ones to a saved scene in Plex.

    python3 dev.py contract --plex URL --stash URL --media DIR --plugins DIR --report FILE

For throw-away servers: a Plex that nobody has claimed and that needs no token here (its
ALLOWED_NETWORKS), and a Stash that nobody has set up. Makes a video for each of two libraries, "Other
Videos" and "Movies", installs the package that `dev.py package` built, saves a scene of each
library and waits until Plex shows it; then `dev.py live --write` tries every kind of request on one
of them. The report holds all that was printed. Ends with 1 at the first step that fails, or if live
finds that something differs.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import requests

from plexsync.flows.contact import command

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0
"""Seconds for each thing that servers do by themselves."""
EVERY = 0.1
NO_TOKEN = "unclaimed"
"""Sent as the token: an unclaimed server accepts any from an allowed network."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library of Plex with one video, and the scene that is saved for it."""

    name: str
    agent: str
    scanner: str
    language: str
    video: str
    title: str
    details: str

    @property
    def folder(self) -> str:
        """The folder of its video, relative to the media."""
        return self.video.partition("/")[0]


LIBRARIES = (
    Library(
        "Contract home videos",
        "com.plexapp.agents.none",
        "Plex Video Files Scanner",
        "xn",
        "home/plexsync contract one.mp4",
        "A title from Stash",
        "Two lines\nwith ümlauts and 日本",
    ),
    Library(
        "Contract movies",
        "tv.plex.agents.movie",
        "Plex Movie",
        "en-US",
        "films/plexsync contract two.mp4",
        "Another title from Stash",
        "Shown in a library of movies",
    ),
)
"""No name may look like a real film's, an episode or a sample: Plex would match or skip it."""

SETUP = "mutation($input: SetupInput!) { setup(input: $input) }"
SCAN = "mutation($input: ScanMetadataInput!) { metadataScan(input: $input) }"
CONFIGURE = "mutation($id: ID!, $input: Map!) { configurePlugin(plugin_id: $id, input: $input) }"
SAVE = "mutation($input: SceneUpdateInput!) { sceneUpdate(input: $input) { id } }"
SCENES = "{ findScenes(filter: {per_page: -1}) { scenes { id files { path } } } }"
JOB = "query($id: ID!) { findJob(input: {id: $id}) { status error } }"


class Failed(Exception):
    """A step that did not succeed; the message says what was waited for, or who refused."""


class Plex:
    """The few requests that a person would send by clicking."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._http = url, requests.Session()
        self._http.trust_env = False
        self._http.headers["X-Plex-Token"] = token

    def ask(self, method: str, path: str, **params: str) -> ElementTree.Element:
        """One request; raises Failed for a refusal."""
        answer = self._http.request(method, self._url + path, params=params, timeout=60)
        if not answer.ok:
            raise Failed(f"Plex answers {answer.status_code} to {method} {path}")
        return ElementTree.fromstring(answer.content or b"<MediaContainer/>")

    def sections(self) -> dict[str, str]:
        """The key of each library by its name."""
        found = self.ask("GET", "/library/sections").findall("Directory")
        return {each.get("title", ""): each.get("key", "") for each in found}

    def item(self, section: str, path: str) -> ElementTree.Element | None:
        """The item with this file, fetched by itself; None while there is none."""
        everything = {"type": "1", "X-Plex-Container-Start": "0", "X-Plex-Container-Size": "50"}
        for video in self.ask("GET", f"/library/sections/{section}/all", **everything):
            if any(part.get("file") == path for part in video.iter("Part")):
                return self.ask("GET", f"/library/metadata/{video.get('ratingKey')}")[0]
        return None


class Stash:
    """GraphQL without a login."""

    def __init__(self, url: str) -> None:
        self._url, self._http = url, requests.Session()
        self._http.trust_env = False

    def ask(self, query: str, **variables: Any) -> Any:
        """The answer's only field; raises Failed with Stash's own words."""
        sent = {"query": query, "variables": variables}
        answer = self._http.post(f"{self._url}/graphql", json=sent, timeout=60)
        if not answer.ok:
            raise Failed(f"Stash answers {answer.status_code}: {answer.text[:200]}")
        body = answer.json()
        if body.get("errors"):
            raise Failed(f"Stash answers: {body['errors'][0].get('message')}")
        (only,) = body["data"].values()
        return only


class Chain:
    """The steps, in the order in which they are played. Each raises Failed."""

    def __init__(self, args: argparse.Namespace, token: str) -> None:
        self.args, self.token = args, token
        self.plex, self.stash = Plex(args.plex, token), Stash(args.stash)
        self.scenes: dict[str, str] = {}

    def inside(self, video: str) -> str:
        """A file of the media as both servers see it."""
        return f"{self.args.media_inside}/{video}"

    def wait_for_plex(self) -> None:
        """Plex answers reads of its database"""
        wait("Plex to answer", lambda: self.plex.sections() is not None)

    def wait_for_stash(self) -> None:
        """Stash answers, and is set up with its media"""
        ask = "{ systemStatus { status } }"
        status = wait("Stash to answer", lambda: self.stash.ask(ask)["status"])
        if status == "SETUP":
            self.stash.ask(SETUP, input=first_setup(self.args.media_inside))
        wait("Stash to be set up", lambda: self.stash.ask(ask)["status"] == "OK")

    def make_videos(self) -> None:
        """a video of one second is made for each library"""
        for library in LIBRARIES:
            target = Path(self.args.media) / library.video
            target.parent.mkdir(parents=True, exist_ok=True)
            make_video([*self.args.ffmpeg.split("|")], target)

    def make_libraries(self) -> None:
        """Plex has the libraries, and the videos in them"""
        there = self.plex.sections()
        for each in LIBRARIES:
            if each.name not in there:
                wanted = {"name": each.name, "type": "movie", "location": self.inside(each.folder)}
                more = {"agent": each.agent, "scanner": each.scanner, "language": each.language}
                self.plex.ask("POST", "/library/sections", **wanted, **more)
        there = self.plex.sections()
        for each in LIBRARIES:
            self.plex.ask("GET", f"/library/sections/{there[each.name]}/refresh")
        for each in LIBRARIES:
            wait(f"Plex to list the video of {each.name}", lambda each=each: self.listed(each))

    def item(self, library: Library) -> ElementTree.Element | None:
        """A library's video in Plex."""
        return self.plex.item(self.plex.sections()[library.name], self.inside(library.video))

    def listed(self, library: Library) -> bool:
        """Whether Plex has found a library's video."""
        return self.item(library) is not None

    def install(self) -> None:
        """the package is installed, and Stash loads it"""
        with zipfile.ZipFile(self.args.package) as package:
            package.extractall(Path(self.args.plugins) / "PlexSync")
        self.stash.ask("mutation { reloadPlugins }")
        wait("Stash to load PlexSync", lambda: "PlexSync" in self.loaded())
        settings = {"plex_url": self.args.plex_for_stash or self.args.plex}
        settings["plex_token"] = self.token
        self.stash.ask(CONFIGURE, id="PlexSync", input=settings)

    def loaded(self) -> list[str]:
        """The ids of the plugins that Stash has loaded."""
        return [each["id"] for each in self.stash.ask("{ plugins { id } }") or ()]

    def scan(self) -> None:
        """Stash scans, and has a scene for each video"""
        job = self.stash.ask(SCAN, input={"scanGenerateCovers": True})
        over = ("FINISHED", "FAILED", "CANCELLED", None)
        wait("Stash's scan", lambda: (self.stash.ask(JOB, id=job) or {}).get("status") in over)
        for scene in self.stash.ask(SCENES)["scenes"]:
            self.scenes.update({file["path"]: scene["id"] for file in scene["files"]})
        missing = [each.video for each in LIBRARIES if self.inside(each.video) not in self.scenes]
        if missing:
            raise Failed(f"Stash has no scene for {', '.join(missing)}")

    def save(self) -> None:
        """a save in Stash arrives in Plex"""
        for each in LIBRARIES:
            scene = self.scenes[self.inside(each.video)]
            wanted = {"id": scene, "title": each.title, "details": each.details}
            self.stash.ask(SAVE, input={**wanted, "date": "2021-03-04"})
        for each in LIBRARIES:
            wait(f"{each.title!r} in Plex", lambda each=each: self.shown(each))

    def shown(self, library: Library) -> bool:
        """Whether Plex shows the scene as it was saved."""
        item = self.item(library)
        wanted = {
            "title": library.title,
            "summary": library.details,
            "originallyAvailableAt": "2021-03-04",
        }
        return item is not None and {name: item.get(name) for name in wanted} == wanted

    def live(self, environ: Mapping[str, str], pause: Callable[[float], None]) -> int:
        """`dev.py live --write` on the first scene; returns its exit status."""
        scene = self.scenes[self.inside(LIBRARIES[0].video)]
        words = ["--plex", self.args.plex, "--stash", self.args.stash, "--write", scene]
        return command.main(words, {**environ, "PLEX_TOKEN": self.token}, pause)


STEPS = (
    Chain.wait_for_plex,
    Chain.wait_for_stash,
    Chain.make_videos,
    Chain.make_libraries,
    Chain.install,
    Chain.scan,
    Chain.save,
)


def first_setup(media: str) -> dict[str, Any]:
    """What Stash's own set-up sends when all proposals are accepted."""
    stash = {"path": media, "excludeVideo": False, "excludeImage": False}
    places = ("configLocation", "databaseFile", "generatedLocation", "cacheLocation")
    own = dict.fromkeys((*places, "blobsLocation"), "")
    return {**own, "stashes": [stash], "storeBlobsInDatabase": True}


def make_video(ffmpeg: Sequence[str], target: Path) -> None:
    """One second of a test picture."""
    picture = ["-f", "lavfi", "-i", "testsrc=duration=1:size=320x240:rate=10"]
    done = subprocess.run(
        [*ffmpeg, "-y", "-loglevel", "error", *picture, "-pix_fmt", "yuv420p", str(target)],
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise Failed(f"ffmpeg ended with {done.returncode}")


def wait(what: str, question: Callable[[], Any]) -> Any:
    """Ask until the answer is true. A server that does not answer yet is asked again."""
    end, trouble = time.monotonic() + PATIENCE, ""
    while time.monotonic() < end:
        try:
            if answer := question():
                return answer
        except (Failed, requests.RequestException, ElementTree.ParseError) as problem:
            trouble = f"; the last answer: {problem}"
        time.sleep(EVERY)
    raise Failed(f"waited {PATIENCE:.0f} s for {what}{trouble}")


class Tee(io.TextIOBase):
    """Writes to the terminal and to the report."""

    def __init__(self, *files: Any) -> None:
        self._files = files

    def write(self, text: str) -> int:
        for file in self._files:
            file.write(text)
            file.flush()
        return len(text)


@contextmanager
def reported(path: str) -> Iterator[None]:
    """All that is printed is also in this file."""
    with open(path, "w", encoding="utf-8") as file:
        with redirect_stdout(Tee(sys.stdout, file)):
            yield


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    found = argparse.ArgumentParser(
        prog="dev.py contract",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--plex", required=True, help="address of Plex from here")
    found.add_argument("--plex-for-stash", help="address of Plex from Stash, if another")
    found.add_argument("--stash", required=True, help="address of Stash from here")
    found.add_argument("--media", required=True, help="the folder of the videos here")
    found.add_argument("--media-inside", default="/media", help="that folder in both servers")
    found.add_argument("--plugins", required=True, help="Stash's folder of plugins here")
    found.add_argument("--package", default=str(ROOT / "dist" / "PlexSync.zip"))
    found.add_argument("--ffmpeg", default="ffmpeg", help="the program; its words divided by |")
    found.add_argument("--report", required=True, help="the file for the report")
    return found


def main(
    words: Sequence[str],
    environ: Mapping[str, str],
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Play all steps; 1 at the first that fails, or if a server differs from what is expected."""
    args = parser().parse_args(words)
    chain = Chain(args, environ.get("PLEX_TOKEN") or NO_TOKEN)
    with reported(args.report):
        for step in STEPS:
            said = " ".join((step.__doc__ or "").split())
            try:
                step(chain)
            except (Failed, OSError, zipfile.BadZipFile) as problem:
                print(f"{said}: FAILED: {problem}")
                return 1
            print(f"{said}: ok")
        return chain.live(environ, pause)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
