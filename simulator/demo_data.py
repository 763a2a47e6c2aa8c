"""Sample data: a small library with the same films in both servers."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.plex import PlexSim
from simulator.stash import StashSim

FOLDER = "/media/films"


@dataclass(frozen=True, slots=True)
class Film:
    """One scene and its file; `summary` "" and `date` None are Stash's unset values."""

    file: str
    title: str
    studio: str | None
    date: str | None
    performers: Sequence[str] = ()
    tags: Sequence[str] = ()
    summary: str = ""
    rating: int | None = None

    @property
    def path(self) -> str:
        """Where both servers see the file."""
        return f"{FOLDER}/{self.file}"

    @property
    def size(self) -> int:
        """A size that is different for each file."""
        return 700_000_000 + zlib.crc32(self.file.encode()) % 100_000_000


FILMS = (
    Film("Harbour Lights (2019)/Harbour Lights.mkv", "Harbour Lights", "Northwind Pictures",
         "2019-05-17", ("Ada Marsh", "Tomas Keller"), ("drama", "sea"),
         "A lighthouse keeper finds a letter.\n\nIt is addressed to his grandson.", 80),
    Film("The Long Orchard/orchard.mp4", "The Long Orchard", "Northwind Pictures", "2020-09-01",
         ("Ada Marsh",), ("drama", "family"), "Three summers, one tree.", 70),
    Film("Paper Kites.mp4", "Paper Kites", "Small Hours Film", "2021-03", ("Mina Okafor",),
         ("comedy",), "A shop that sells only wind."),
    Film("Salt & Iron/Salt & Iron.mkv", "Salt & Iron", "Foundry", "2018",
         ("Tomas Keller", "Jun Watanabe"), ("action", "sea"), "Two ships, one <cargo>.", 60),
    Film("Grüße aus Köln/Grüße.mkv", "Grüße aus Köln", "Rheinfilm", "2017-12-24",
         ("Lena Vogt",), ("comedy", "christmas"), "Postkarten, die nie ankamen."),
    Film("100% Cotton.mp4", "100% Cotton", "Small Hours Film", "2022-01-09", ("Mina Okafor",),
         ("documentary",), "From field to shirt; question? #1"),
    Film("Night Bus 7/night_bus_7.mkv", "Night Bus 7", "Foundry", "2016-08-30",
         ("Jun Watanabe",), ("thriller",), "The last stop is not on the map."),
    Film("Winter Count.mp4", "Winter Count", None, None, ("Ada Marsh", "Lena Vogt"), ("drama",)),
    Film("holiday/clip0001.mp4", "", None, None),
    Film("Glass River (2023)/part one.mkv", "Glass River", "Rheinfilm", "2023-06-02",
         ("Tomas Keller", "Mina Okafor"), ("drama", "thriller"), "It runs only at night.", 90),
    Film("O'Hara's Clock.avi", "O'Hara's Clock", "Northwind Pictures", "2015-02-11",
         ("Jun Watanabe",), ("family",), "It strikes thirteen \N{ALARM CLOCK}"),
    Film("Field Notes/field-notes.mkv", "Field Notes", "Small Hours Film", "2024-10-05",
         (), ("documentary", "nature"), "A year in one meadow."),
)  # fmt: skip


def png(color: tuple[int, int, int], width: int = 48, height: int = 27) -> bytes:
    """An image of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\x00" + bytes(color) * width) * height
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def cover(film: Film) -> bytes:
    """A cover in the film's own colour."""
    mark = zlib.crc32(film.path.encode())
    return png((mark & 255, mark >> 8 & 255, mark >> 16 & 255))


def _names(*lists: Sequence[str]) -> list[str]:
    """All names without duplicates, in order of appearance."""
    return list(dict.fromkeys(name for names in lists for name in names))


def fill_stash(stash: StashSim, films: Sequence[Film] = FILMS) -> list[int]:
    """Add the films to Stash with everything they refer to; returns the scene ids in order."""
    studios = {
        name: stash.add_studio(name) for name in _names([f.studio for f in films if f.studio])
    }
    people = {name: stash.add_performer(name) for name in _names(*(f.performers for f in films))}
    tags = {name: stash.add_tag(name) for name in _names(*(f.tags for f in films))}
    return [
        stash.add_scene(
            film.title,
            [(film.path, film.size)],
            details=film.summary,
            date=film.date,
            studio=studios[film.studio] if film.studio else None,
            performers=[people[name] for name in film.performers],
            tags=[tags[name] for name in film.tags],
            rating100=film.rating,
            cover=cover(film),
        )
        for film in films
    ]


def fill_plex(plex: PlexSim, films: Sequence[Film] = FILMS) -> list[int]:
    """Add the bare files to a movie library of Plex; returns the rating keys in order."""
    section = plex.add_section("Films", [FOLDER])
    return [plex.add_item(section, film.path, film.size) for film in films]
