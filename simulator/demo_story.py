"""The demo's story: a user who works in Stash, and a Plex that is not always available."""

from __future__ import annotations

import base64
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence

from simulator.demo_data import FILMS, FOLDER, Film, fill_plex, fill_stash, png
from simulator.demo_stage import Stage, Trouble, until
from simulator.demo_watch import Watch
from simulator.patience import PATIENCE

SHORTS = (
    Film("shorts/Tin Moon/clip0001.mp4", "Tin Moon", None, None, tags=("animation",)),
    Film("shorts/Half a Fish/fish.mp4", "Half a Fish", None, "2012"),
)
"""They are below the films' folder and in a library of their own as well: each is two items in
Plex."""
NEW = Film("Lantern Road (2024)/Lantern Road.mkv", "", None, None)
HARBOUR, ORCHARD, KITES, SALT, KOELN, COTTON, BUS, WINTER = range(1, 9)
TIN_MOON = len(FILMS) + 1
IN_STASH = "/data"
LONG_AGO = 1_600_000_000.0

Say = Callable[[str], None]


class Story:
    """Fills the stage, plays the steps and stores their rows in `watch.rows`."""

    def __init__(self, stage: Stage, say: Say) -> None:
        self.stage = stage
        self.plex, self.stash = stage.plex, stage.stash
        self.watch = Watch(self.plex, self.stash)
        self._say = say
        self._step = ""
        self._hooks = 0
        self._new = 0

    # -- before the first save ---------------------------------------------------------------

    def prepare(self) -> None:
        """Set up two libraries, the same films in both servers, and values that Plex has found
        itself.
        """
        films = (*FILMS, *SHORTS)
        scenes, keys = fill_stash(self.stash, films), fill_plex(self.plex, films)
        shorts = self.plex.add_section("Shorts", [f"{FOLDER}/shorts"])
        twins = [self.plex.add_item(shorts, film.path, film.size) for film in SHORTS]
        for scene in map(self.stash.scene, scenes):
            scene.created_at = scene.updated_at = LONG_AGO
            scene.files[0].path = scene.path.replace(FOLDER, IN_STASH, 1)
        self._found_by_plex(keys)
        pairs = [*zip(scenes, films, keys, strict=True)]
        pairs += [*zip(scenes[len(FILMS) :], SHORTS, twins, strict=True)]
        for scene_id, film, key in pairs:
            name = film.title or film.path.rpartition("/")[2]
            label = f"{name} (2)" if key in twins else name
            self.watch.add(scene_id, label, self.plex.item(key))
        self._configure()

    def _found_by_plex(self, keys: Sequence[int]) -> None:
        """Set values of an agent, a locked field and a collection of the user's own."""
        plex, (harbour, koeln, winter) = self.plex, (keys[i - 1] for i in (HARBOUR, KOELN, WINTER))
        plex.agent_refresh(harbour, summary="A man and a lamp.", studio="Unknown", genres=["Boats"])
        plex.user_edit(harbour, collections=["Rainy Sundays"])
        plex.user_edit(koeln, summary="Noch ansehen!")
        plex.agent_refresh(winter, studio="Old Studio", date="2001-01-01")

    def _configure(self, **more: object) -> None:
        """Fill in and save the plugin's settings."""
        settings = {
            "plex_url": self.plex.url,
            "plex_token": self.plex.token,
            "path_map": f"{FOLDER}=>{IN_STASH}",
            "debug_logging": True,  # shown only when the demo fails
        }
        self.stash.set_plugin_settings({**settings, **more})

    # -- the steps ---------------------------------------------------------------------------

    def single_edits(self) -> None:
        """Save a whole form with a cover, a few fields, and one field."""
        self._begin("1 Three scenes are edited and saved, one after the other")
        stash = self.stash
        cover = base64.b64encode(png((20, 60, 120))).decode()
        self._save(
            HARBOUR,
            title="Harbour Lights: Director's Cut",
            details="A keeper finds a letter.\n\nIt is addressed to his grandson.",
            studio_id=stash.add_studio("Foundry Classics"),
            date="2019-06-01",
            performer_ids=[1, 2, stash.add_performer("Iris Bell")],
            tag_ids=[1, stash.add_tag("lighthouse")],
            cover_image=f"data:image/png;base64,{cover}",
        )
        self._save(KOELN, title="Grüße aus Köln (restauriert)", date="2017")
        self._save(WINTER, details="Twelve snowfalls, one diary.")
        until(lambda: bool(self.stage.starts()), PATIENCE, "The worker did not become active", 0.02)
        self._end("A worker came to life. ")

    def bulk_edit(self) -> None:
        """One save of three scenes with four items."""
        self._begin("2 A bulk edit gives three scenes a tag; one of them is in two libraries")
        chosen = [ORCHARD, KITES, TIN_MOON]
        tag = {"ids": [self.stash.add_tag("festival")], "mode": "ADD"}
        self.watch.save(lambda: self.stash.bulk_edit(chosen, tag_ids=tag), chosen)
        self._end()

    def rename(self) -> None:
        """Rename a performer, which does not change the scenes in Stash."""
        self._begin("3 The performer Ada Marsh is renamed; every scene written with her follows")
        self.watch.save(
            lambda: self.stash.rename_performer(1, "Ada Marsh-Lund"), [HARBOUR, ORCHARD, WINTER]
        )
        self._end()

    def emptied(self) -> None:
        """Empty fields, so that what PlexSync wrote is removed again."""
        self._begin("4 Fields are emptied in Stash")
        self._save(ORCHARD, details="", performer_ids=[])
        self._save(KITES, studio_id=None, date=None)
        self._end()

    def new_file(self) -> None:
        """Scan a new file in Stash, which leads to a scan in Plex."""
        self._begin("5 Stash finds a new file; PlexSync is set to make Plex scan for it")
        self._configure(trigger_plex_scan=True)
        self.plex.scan_delay = 0.3
        self.plex.disk[NEW.path] = NEW.size
        began = time.monotonic()
        self._new = self.stash.scan_new(NEW.path.replace(FOLDER, IN_STASH, 1), NEW.size)
        until(self._scanned, PATIENCE, "Plex was not asked to scan the new file's folder")
        self._tell(f"Plex has scanned that folder {time.monotonic() - began:.1f} s after the hook.")
        self.watch.add(self._new, "Lantern Road", self.plex.find(NEW.path))
        self._save(
            self._new, title="Lantern Road", details="Nobody walks it twice.", date="2024-02-29",
            studio_id=1, performer_ids=[3], tag_ids=[1],
        )  # fmt: skip
        self._end()

    def _scanned(self) -> bool:
        return any(NEW.path in dict(item.files) for item in self.plex.items())

    def outage(self) -> None:
        """Stop Plex and start it again, without any other action."""
        self._begin("6 Plex is stopped. 7 scenes are edited meanwhile ...")
        known = len(self.stage.log())
        self.plex.stop()
        self._save(HARBOUR, title="Harbour Lights")
        self._save(KOELN, details="Postkarten, die nie ankamen. Bis jetzt.")
        self._save(TIN_MOON, tag_ids=[1])
        others = [ORCHARD, KITES, WINTER, self._new]
        tag = {"ids": [self.stash.add_tag("offline")], "mode": "ADD"}
        self.watch.save(lambda: self.stash.bulk_edit(others, tag_ids=tag), others)
        until(
            lambda: any(
                " warning " in line and "Plex" in line for line in self.stage.log()[known:]
            ),
            PATIENCE,
            "The worker did not notice that Plex is away",
        )
        before = len(self.plex.journal)
        self.plex.start()
        self._tell("The worker has noticed and asks again after 5 s. Plex is back; nobody clicks.")
        self._end()
        self._tell(
            f"Edits that Plex got in each second since: {self._pace(before)} (about 5 at first)."
        )

    def _pace(self, before: int) -> str:
        """Edits a second, from the first one after the outage on."""
        times = [entry.at for entry in self.plex.journal[before:] if entry.method == "PUT"]
        counts = Counter(int(at - times[0]) for at in times)
        return ", ".join(str(counts[second]) for second in range(max(counts, default=0) + 1))

    def killed_worker(self) -> None:
        """SIGKILL in the middle of a batch; another save brings the next worker."""
        self._begin("7 Six scenes are edited; the worker is killed while it writes them")
        chosen = [HARBOUR, ORCHARD, KITES, KOELN, WINTER, self._new]
        tag = {"ids": [self.stash.add_tag("seen")], "mode": "ADD"}
        puts, answered = itertools.count(), self._answered_puts()
        stuck = self.plex.add_fault("hang", match=lambda r: r.method == "PUT" and next(puts) >= 2)
        self.watch.save(lambda: self.stash.bulk_edit(chosen, tag_ids=tag), chosen)
        until(
            lambda: stuck.used > 0 and self._answered_puts() == answered + 2,
            PATIENCE,
            "The worker was not caught at work",
        )
        pid = self.stage.kill_worker()
        stuck.remove()
        there = len(self.watch.complete())
        self._tell(f"SIGKILL for worker {pid}: {there} of 6 are in Plex. A seventh scene is saved.")
        self._save(TIN_MOON, title="Tin Moon, Half Full")
        self._end()
        if self.stage.starts()[-1] == pid:
            raise Trouble("No second worker came to life")

    def _answered_puts(self) -> int:
        return sum(1 for e in self.plex.journal if e.method == "PUT" and e.status)

    def spoil(self) -> None:
        """Plant a defect: Plex loses what PlexSync wrote."""
        self.watch.pairs[0].item.summary = "Not what Stash says"

    # -- plumbing ----------------------------------------------------------------------------

    def _save(self, scene: int, **fields: object) -> None:
        self.watch.save(lambda: self.stash.edit(scene, **fields), [scene])

    def _tell(self, text: str) -> None:
        self._say(f"    {text}")

    def _begin(self, title: str) -> None:
        self._step = title.rstrip(" .")
        self._hooks = len(self.stash.runs)
        self._say(f"\n{title}")

    def _end(self, word: str = "") -> None:
        """Wait until all of the step is in Plex and the worker has read back what it wrote."""
        longest = self.watch.finish(self._step)
        until(self._read_back, PATIENCE, "The worker did not read back what it wrote")
        waits = [run.seconds for run in self.stash.runs[self._hooks :]]
        count = f"{len(waits)} hooks ran" if len(waits) > 1 else "One hook ran"
        self._tell(
            f"{word}{count}, none held its save over {max(waits) * 1000:.0f} ms. "
            f"In Plex after {longest:.1f} s."
        )

    def _read_back(self) -> bool:
        """Whether the last request to Plex was a read, and is answered."""
        last = self.plex.journal[-1]
        return last.method == "GET" and last.status > 0
