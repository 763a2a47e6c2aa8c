"""Pictures and scans of the simulated Plex."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import pytest
import requests

from simulator.plex import PlexSim


@pytest.fixture
def plex():
    with PlexSim() as sim:
        sim.add_section("Movies", ["/plex"])
        yield sim


@pytest.fixture
def ask(plex):
    with requests.Session() as session:
        session.trust_env = False
        session.headers["X-Plex-Token"] = plex.token

        def send(method: str, path: str, **kwargs) -> requests.Response:
            return session.request(method, plex.url + path, timeout=10, **kwargs)

        yield send


POSTERS = "/library/metadata/1/posters"


def sha(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def test_an_upload_is_selected_locked_and_stored_by_its_content(plex, ask):
    plex.add_item(1)
    before = plex.item(1).thumb
    assert ask("POST", POSTERS, data=b"one").status_code == 200
    item = plex.item(1)
    assert item.posters == [sha(b"one")]
    assert item.selected_poster == f"upload://posters/{sha(b'one')}"
    assert item.locks == {"thumb"}
    assert item.thumb != before
    assert ask("GET", item.thumb).content == b"one"


def test_the_same_bytes_are_one_entry_and_others_pile_up(plex, ask):
    plex.add_item(1)
    for data in (b"one", b"one", b"two"):
        ask("POST", POSTERS, data=data)
    assert plex.item(1).posters == [sha(b"one"), sha(b"two")]
    text = ask("GET", POSTERS).text
    assert text.count("<Photo ") == 3  # and the one that Plex made itself
    assert text.count('selected="1"') == 1
    assert ask("DELETE", f"{POSTERS}?url=x").status_code == 404


def test_the_former_picture_can_be_selected_again(plex, ask):
    plex.add_item(1)
    first = plex.item(1).selected_poster
    assert first.startswith("media://")
    ask("POST", POSTERS, data=b"one")
    put = "/library/metadata/1/poster?url="
    assert ask("PUT", put + quote(first, safe="")).status_code == 200
    assert plex.item(1).selected_poster == first
    assert ask("PUT", f"{put}upload://posters/none").status_code == 404
    assert ask("DELETE", "/library/metadata/1/thumb").status_code == 200
    assert (plex.item(1).selected_poster, plex.item(1).thumb) == ("", "")


def test_backgrounds_are_kept_apart_from_posters(plex, ask):
    plex.add_item(1)
    ask("POST", "/library/metadata/1/arts", data=b"wide")
    assert (plex.item(1).arts, plex.item(1).posters) == ([sha(b"wide")], [])
    assert plex.item(1).locks == {"art"}
    assert plex.item(1).art.startswith("/library/metadata/1/art/")


def test_a_picture_above_ten_megabytes_is_too_big(plex, ask):
    plex.add_item(1)
    assert ask("POST", POSTERS, data=bytes(10 << 20)).status_code == 200
    assert ask("POST", POSTERS, data=bytes((10 << 20) + 1)).status_code == 500
    assert ask("POST", POSTERS).status_code == 400
    assert len(plex.item(1).posters) == 1


def test_plex_fetches_a_picture_given_by_its_address(plex, ask):
    class Pictures(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            self.send_response(200 if self.path == "/cover" else 404)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"cover")

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        plex.add_item(1)
        at = f"http://127.0.0.1:{server.server_port}"
        url = quote(f"{at}/cover", safe="")
        assert ask("POST", f"{POSTERS}?url={url}").status_code == 200
        assert plex.item(1).posters == [sha(b"cover")]
        assert ask("POST", f"{POSTERS}?url={quote(f'{at}/gone', safe='')}").status_code == 500
    finally:
        server.shutdown()
        server.server_close()


def scan(path: str = "") -> str:
    return f"/library/sections/1/refresh?path={quote(path)}"


def test_a_scan_of_a_folder_takes_in_the_files_in_and_below_it(plex, ask):
    plex.disk.update({"/plex/a/1.mp4": 5, "/plex/a/b/2.mp4": 6, "/plex/ab/3.mp4": 7, "/o/4.mp4": 8})
    answer = ask("GET", scan("/plex/a"))
    assert answer.status_code == 200
    assert answer.headers["X-Plex-Activity"]
    assert [item.files for item in plex.items()] == [
        [("/plex/a/1.mp4", 5)],
        [("/plex/a/b/2.mp4", 6)],
    ]
    bare = plex.find("/plex/a/1.mp4")
    assert (bare.title, bare.locks, bare.genre) == ("1", set(), [])
    ask("POST", scan())
    assert len(plex.items()) == 3  # the whole section, and no files elsewhere


def test_a_scan_of_a_file_or_of_a_foreign_folder_finds_nothing(plex, ask):
    plex.disk.update({"/plex/a/1.mp4": 5, "/o/4.mp4": 8})
    for path in ("/plex/a/1.mp4", "/o", "/stash/a"):
        assert ask("GET", scan(path)).status_code == 200
    assert plex.items() == []


def test_a_second_scan_adds_nothing_and_brings_back_what_was_in_the_trash(plex, ask):
    plex.disk["/plex/1.mp4"] = 5
    ask("GET", scan("/plex"))
    plex.trash_item(1)
    ask("GET", scan("/plex"))
    assert [item.deleted_at for item in plex.items()] == [None]


def test_a_scan_takes_its_time_and_can_be_watched(plex, ask):
    plex.disk["/plex/1.mp4"] = 5
    plex.scan_delay = 60
    ask("GET", scan("/plex"))
    assert plex.items() == []
    assert 'title="Scanning Movies"' in ask("GET", "/activities").text
    assert 'refreshing="1"' in ask("GET", "/library/sections").text
    plex.finish_scans()
    assert plex.find("/plex/1.mp4")
    assert "<Activity" not in ask("GET", "/activities").text
    assert 'refreshing="0"' in ask("GET", "/library/sections").text


def test_a_scan_is_cancelled_on_request_and_by_a_restart(plex, ask):
    plex.disk["/plex/1.mp4"] = 5
    plex.scan_delay = 60
    ask("GET", scan("/plex"))
    assert ask("DELETE", "/library/sections/1/refresh").status_code == 200
    assert plex.scanning == 0
    ask("GET", scan("/plex") + "&force=1")
    plex.stop()
    plex.start()
    assert plex.scanning == 0
    assert plex.items() == []
    assert plex.journal[-1].get("force") == "1"


def test_folders_of_windows_are_scanned_too(plex, ask):
    section = plex.add_section("Win", ["D:\\Films"])
    plex.disk["D:\\Films\\x\\1.mp4"] = 5
    ask(
        "GET",
        f"/library/sections/{section}/refresh?path={quote(chr(92).join(['D:', 'Films', 'x']))}",
    )
    assert plex.find("D:\\Films\\x\\1.mp4").title == "1"


@pytest.mark.parametrize(
    "name",
    ["Extras/1.mp4", "a/Scenes/1.mp4", "a/shorts/x/1.mp4", "1-scene.mp4", "1-Trailer.mp4"]
    + ["sample.mp4", "1.sample.mp4", "Deleted Scenes/1.mp4", "a/Other/1.mp4"],
)
@pytest.mark.parametrize("agent", ["com.plexapp.agents.none", "tv.plex.agents.movie"])
def test_a_scan_passes_over_extras_and_samples(plex, ask, name, agent):
    section = plex.add_section("More", ["/more/Scenes"], agent=agent)
    plex.disk.update({f"/more/Scenes/{name}": 5, "/more/Scenes/film.mp4": 5})
    ask("GET", f"/library/sections/{section}/refresh")
    assert [item.files[0][0] for item in plex.items()] == ["/more/Scenes/film.mp4"]


@pytest.mark.parametrize(
    "name", ["Site - 2023-05-14 - A.mp4", "Site.14.05.2023.mp4", "Show S01E02.mp4", "Show 1x02.mp4"]
)
def test_only_the_movie_scanner_passes_over_names_like_episodes_and_dates(plex, ask, name):
    films = plex.add_section("Films", ["/films"], agent="tv.plex.agents.movie")
    own = plex.add_section("Own", ["/own"])
    plex.disk.update({f"/films/{name}": 5, f"/own/{name}": 5})
    for section in (films, own):
        ask("GET", f"/library/sections/{section}/refresh")
    assert [item.section for item in plex.items()] == [own]


def test_a_collection_has_a_poster_a_summary_and_locks_of_its_own(plex, ask):
    plex.add_item(1, collections=["Box"])
    box = plex.collection("Box")
    where = f"/library/metadata/{box.key}"
    assert f'thumb="/library/collections/{box.key}/composite/' in ask("GET", where).text
    assert 'selected="1"' not in ask("GET", f"{where}/posters").text
    edit = "summary.value=All&summary.locked=1&titleSort.value=!Box&titleSort.locked=1"
    assert ask("PUT", f"{where}?{edit}").status_code == 200
    assert ask("POST", f"{where}/posters", data=b"one").status_code == 200
    assert (box.summary, box.titleSort, box.posters) == ("All", "!Box", [sha(b"one")])
    assert box.locks == {"summary", "titleSort", "thumb"}
    text = ask("GET", where).text
    assert 'titleSort="!Box"' in text and '<Field locked="1" name="thumb"/>' in text
    assert ask("DELETE", f"{where}/thumb").status_code == 200
    assert f"/library/collections/{box.key}/composite/" in ask("GET", where).text


def test_a_collection_is_edited_at_its_own_path_since_1_43(plex, ask):
    plex.add_item(1, collections=["Box"])
    key = plex.collection("Box").key
    by_section = f"/library/sections/1/all?type=18&id={key}&summary.value=All"
    assert ask("PUT", by_section).status_code == 404
    plex.collection_edits_by_section = True
    assert ask("PUT", by_section).status_code == 200
    assert plex.collection("Box").summary == "All"
    assert ask("PUT", f"/library/metadata/{key}?studio.value=x").status_code == 400


def test_a_smart_collection_lives_by_its_filter(plex, ask):
    first = plex.add_item(1, title="Film")
    key = plex.add_smart_collection(1, "Box", [first])
    text = ask("GET", "/library/sections/1/all?type=18").text
    assert 'title="Box"' in text and 'smart="1"' in text
    assert 'title="Film"' in ask("GET", f"/library/collections/{key}/children").text
