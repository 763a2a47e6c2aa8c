"""The simulated Plex as raw HTTP sees it: identity, lists, single items, order of the journal."""

from __future__ import annotations

import http.client
import threading
import xml.etree.ElementTree as ET

import pytest
import requests

from simulator.plex import PlexSim


@pytest.fixture
def plex():
    with PlexSim() as sim:
        sim.add_section("Movies", ["/plex"])
        yield sim


class Client:
    """A session with the token, to read XML and statuses with."""

    def __init__(self, plex: PlexSim) -> None:
        self.plex = plex
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Plex-Token"] = plex.token

    def __call__(self, method: str, path: str, **kwargs) -> requests.Response:
        return self.session.request(method, self.plex.url + path, timeout=10, **kwargs)

    def xml(self, path: str, **kwargs) -> ET.Element:
        answer = self("GET", path, **kwargs)
        assert answer.status_code == 200, answer.text
        return ET.fromstring(answer.content)


@pytest.fixture
def ask(plex):
    client = Client(plex)
    yield client
    client.session.close()


def keys(container: ET.Element) -> list[int]:
    return [int(video.attrib["ratingKey"]) for video in container]


def test_identity_needs_no_token_and_everything_else_does(plex):
    bare = requests.Session()
    bare.trust_env = False
    identity = bare.get(plex.url + "/identity", timeout=5)
    assert ET.fromstring(identity.content).attrib["machineIdentifier"] == plex.machine
    refused = bare.get(plex.url + "/library/sections", timeout=5)
    assert refused.status_code == 401
    assert "<h1>401 Unauthorized</h1>" in refused.text
    assert bare.get(plex.url + "/", headers={"X-Plex-Token": "no"}, timeout=5).status_code == 401
    assert bare.get(f"{plex.url}/?X-Plex-Token={plex.token}", timeout=5).status_code == 200


def test_answers_carry_the_headers_of_plex(ask):
    headers = ask("GET", "/library/sections").headers
    assert headers["X-Plex-Protocol"] == "1.0"
    assert headers["Content-Type"] == "text/xml;charset=utf-8"
    assert headers["Keep-Alive"] == "timeout=20"
    assert headers["Cache-Control"] == "no-cache"


def test_sections_are_listed_with_their_folders(plex, ask):
    plex.add_section("Films & co", ["/a", "/b"], agent="tv.plex.agents.movie", uuid="u-u")
    own, films = ask.xml("/library/sections")
    assert (own.attrib["agent"], own.attrib["language"]) == ("com.plexapp.agents.none", "xn")
    assert (films.attrib["title"], films.attrib["uuid"]) == ("Films & co", "u-u")
    assert [place.attrib["path"] for place in films] == ["/a", "/b"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/library/sections/9/all", 404),
        ("/library/sections/None/all", 500),
        ("/library/metadata/999", 404),
        ("/nothing/here", 404),
        ("/library/sections/1/all?addedAt>>=soon", 400),
    ],
)
def test_wrong_addresses_are_refused_in_html(ask, path, status):
    answer = ask("GET", path)
    assert answer.status_code == status
    assert answer.text.startswith("<html>")


def test_a_list_item_has_all_attributes_files_and_cut_tags(plex, ask):
    key = plex.add_item(
        1,
        "/plex/a & b.mp4",
        77,
        studio="S",
        tagline="T",
        summary="one\ntwo",
        date="2020-02-03",
        user_rating=8,
        genres=list("abc"),
        roles=list("vwxyz"),
        directors=list("def"),
        collections=["C"],
        labels=["L"],
        locked=["title"],
    )
    container = ask.xml("/library/sections/1/all?type=1")
    assert container.attrib["librarySectionID"] == "1"
    assert container.attrib["librarySectionUUID"]
    (video,) = container
    assert video.attrib["ratingKey"] == str(key)
    assert video.attrib["summary"] == "one\ntwo"
    assert (video.attrib["studio"], video.attrib["tagline"]) == ("S", "T")
    assert (video.attrib["userRating"], video.attrib["year"]) == ("8.0", "2020")
    part = video.find("Media/Part")
    assert (part.attrib["file"], part.attrib["size"]) == ("/plex/a & b.mp4", "77")
    assert [tag.attrib for tag in video.findall("Genre")] == [{"tag": "a"}, {"tag": "b"}]
    assert len(video.findall("Role")) == 3
    assert len(video.findall("Director")) == 2
    assert video.find("Field") is None
    assert video.find("Label") is None
    assert video.find("Media/Part/Stream") is None
    assert not {"librarySectionID", "librarySectionTitle"} & set(video.attrib)


def test_a_single_fetch_shows_every_tag_the_locks_and_the_section(plex, ask):
    key = plex.add_item(1, genres=list("abc"), roles=list("vwxyz"), locked=["genre", "title"])
    plex.item(key).roles["v"] = "the villain"
    (video,) = ask.xml(f"/library/metadata/{key}")
    assert video.attrib["librarySectionID"] == "1"
    assert video.attrib["librarySectionKey"] == "/library/sections/1"
    assert [tag.attrib["tag"] for tag in video.findall("Genre")] == list("abc")
    assert len(video.findall("Role")) == 5
    assert video.find("Role").attrib["role"] == "the villain"
    assert [(f.attrib["name"], f.attrib["locked"]) for f in video.findall("Field")] == [
        ("genre", "1"),
        ("title", "1"),
    ]
    genre = video.find("Genre").attrib
    assert genre["filter"] == f"genre={genre['id']}"


def test_pages_say_where_they_are_and_size_zero_only_counts(plex, ask):
    for n in range(5):
        plex.add_item(1, f"/plex/{n}.mp4")
    answer = ask(
        "GET",
        "/library/sections/1/all?type=1&sort=id",
        headers={"X-Plex-Container-Start": "3", "X-Plex-Container-Size": "3"},
    )
    container = ET.fromstring(answer.content)
    assert keys(container) == [4, 5]
    assert (container.attrib["totalSize"], container.attrib["offset"]) == ("5", "3")
    assert answer.headers["X-Plex-Container-Total-Size"] == "5"
    assert answer.headers["X-Plex-Container-Start"] == "3"
    count = ask.xml("/library/sections/1/all?X-Plex-Container-Start=0&X-Plex-Container-Size=0")
    assert (len(count), count.attrib["totalSize"]) == (0, "5")
    assert "totalSize" not in ask.xml("/library/sections/1/all").attrib


def test_the_server_may_cap_a_page_and_limit_hides_the_total(plex, ask):
    for n in range(5):
        plex.add_item(1, f"/plex/{n}.mp4")
    limited = ask.xml("/library/sections/1/all?limit=2&X-Plex-Container-Size=9")
    assert limited.attrib["totalSize"] == "2"
    plex.max_container_size = 2
    capped = ask.xml("/library/sections/1/all?sort=id&X-Plex-Container-Size=4")
    assert keys(capped) == [1, 2]
    assert capped.attrib["totalSize"] == "5"


@pytest.mark.parametrize(
    "query",
    ["addedAt>>=150", "addedAt%3E%3E=150", "addedAt%3E%3E%3D=150", "updatedAt>>=150"],
)
def test_dates_filter_strictly_however_the_sign_is_encoded(plex, ask, query):
    for at in (100, 150, 200):
        plex.add_item(1, f"/plex/{at}.mp4", added_at=at)
    assert keys(ask.xml(f"/library/sections/1/all?type=1&{query}")) == [3]


def test_other_filters_and_orders(plex, ask):
    for name, at, genre in (("Spider-Man", 3, "a"), ("Ant", 1, "b"), ("spider", 2, "b")):
        plex.add_item(1, f"/plex/{name}.mp4", added_at=at, genres=[genre])
    everything = "/library/sections/1/all?type=1"
    assert keys(ask.xml(f"{everything}&title=spider&sort=id")) == [1, 3]
    assert keys(ask.xml(f"{everything}&title==spider")) == [3]
    assert keys(ask.xml(f"{everything}&sort=addedAt:desc")) == [1, 3, 2]
    assert keys(ask.xml(everything)) == [2, 3, 1]  # by title
    choices = {d.attrib["title"]: d.attrib["key"] for d in ask.xml("/library/sections/1/genre")}
    assert sorted(keys(ask.xml(f"{everything}&genre={choices['b']}"))) == [2, 3]
    assert len(ask.xml(f"{everything}&file=/plex/Ant.mp4")) == 3  # no such filter


def test_many_items_come_in_the_order_asked_and_unknown_ones_are_left_out(plex, ask):
    for n in range(4):
        plex.add_item(1, f"/plex/{n}.mp4")
    assert keys(ask.xml("/library/metadata/3,99,1,4")) == [3, 1, 4]
    assert ask("GET", "/library/metadata/98,99").status_code == 404


def test_several_files_are_versions_or_parts(plex, ask):
    plex.add_item(1, files=[("/plex/1.mp4", 1), ("/plex/2.mkv", 0)])
    plex.add_item(1, files=[("/plex/3.mp4", 1), ("/plex/4.mp4", 2)], stacked=True)
    versions, stacked = ask.xml("/library/sections/1/all?sort=id")
    assert len(versions.findall("Media")) == 2
    assert len(stacked.findall("Media")) == 1
    assert [p.attrib["file"] for p in stacked.iter("Part")] == ["/plex/3.mp4", "/plex/4.mp4"]
    assert "size" not in versions.findall("Media/Part")[1].attrib
    assert plex.find("/plex/4.mp4").key == 2


def test_a_trashed_item_stays_listed_and_a_removed_one_is_gone(plex, ask):
    trashed, removed = plex.add_item(1, "/plex/1.mp4"), plex.add_item(1, "/plex/2.mp4")
    plex.trash_item(trashed)
    plex.remove_item(removed)
    (video,) = ask.xml("/library/sections/1/all")
    assert video.attrib["deletedAt"]
    (full,) = ask.xml(f"/library/metadata/{trashed}?checkFiles=1")
    assert full.find("Media/Part").attrib["exists"] == "0"
    assert ask("GET", f"/library/metadata/{removed}").status_code == 404


def test_a_moved_item_is_a_new_bare_one_unless_the_key_is_kept(plex):
    key = plex.add_item(1, "/plex/a.mp4", 5, title="Edited", locked=["title"])
    new = plex.move_item(key, "/plex/b.mp4")
    assert new != key
    assert (plex.item(new).title, plex.item(new).locks) == ("b", set())
    assert plex.move_item(new, "/plex/c.mp4", keep_key=True) == new
    assert plex.find("/plex/c.mp4").files == [("/plex/c.mp4", 5)]
    with pytest.raises(KeyError):
        plex.find("/plex/a.mp4")


def test_a_line_that_is_too_long_is_refused_and_the_headers_count(plex, ask):
    fits, too_long = "x" * 7000, "x" * 8200
    assert ask("GET", f"/library/sections?q={fits}").status_code == 200
    answer = ask("GET", f"/library/sections?q={too_long}")
    assert answer.status_code == 431
    assert "html" not in answer.text
    assert ask("GET", "/library/sections", headers={"X-Long": too_long}).status_code == 431
    plex.max_header_bytes = 20000
    assert ask("GET", f"/library/sections?q={too_long}").status_code == 200
    assert plex.journal[-1].line_bytes == len(f"GET /library/sections?q={too_long} HTTP/1.1")


def test_a_connection_serves_many_requests_and_is_dropped_when_idle(plex):
    plex.keep_alive = 0.05
    connection = http.client.HTTPConnection("127.0.0.1", plex.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/identity")
        connection.getresponse().read()
    assert connection.sock.recv(1) == b""  # only the server closes the connection
    connection.close()


def test_nonsense_is_answered_with_400(plex):
    connection = http.client.HTTPConnection("127.0.0.1", plex.port, timeout=5)
    connection.connect()
    connection.sock.sendall(b"NONSENSE\r\n\r\n")
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 400 ")
    connection.close()


def test_the_journal_knows_what_was_asked(plex, ask):
    ask("PUT", "/library/sections/1/all?type=1&id=1&title.value=a%20b&title.locked=1")
    ask("POST", "/library/metadata/7/posters", data=b"12345")
    ask("GET", "/identity")
    put, post, _get = plex.journal
    assert (put.method, put.path, put.status) == ("PUT", "/library/sections/1/all", 200)
    assert put.params == [
        ("type", "1"),
        ("id", "1"),
        ("title.value", "a b"),
        ("title.locked", "1"),
    ]
    assert (post.bytes_in, post.status) == (5, 404)
    assert put.at <= put.done <= post.at
    assert (plex.writes(), plex.reads()) == (2, 1)
    assert plex.count("PUT", "/library/sections") == 1
    assert plex.count(path_prefix="/library") == 2
    assert plex.max_in_flight() == 1
    plex.clear_journal()
    assert plex.journal == []


def test_latency_runs_side_by_side_and_write_time_one_after_the_other(plex):
    plex.add_item(1)
    plex.latency = plex.write_time = 0.1
    clients = [Client(plex) for _ in range(3)]

    def together(method: str, path: str) -> list:
        plex.clear_journal()
        threads = [threading.Thread(target=c, args=(method, path)) for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(plex.journal, key=lambda entry: entry.done)

    together("GET", "/library/metadata/1")
    assert plex.max_in_flight() == 3
    first, second, third = together("PUT", "/library/metadata/1?title.value=x")
    # lower bounds only: a slow machine cannot break them, and the delay is what is under test
    assert second.done - first.done >= 0.09
    assert third.done - second.done >= 0.09


def test_a_stopped_server_refuses_and_comes_back_on_the_same_port(plex, ask):
    key = plex.add_item(1, title="kept")
    port = plex.port
    assert ask("GET", "/identity").status_code == 200
    plex.stop()
    assert not plex.running
    with pytest.raises(requests.ConnectionError):
        ask("GET", "/identity")
    plex.start()
    assert plex.port == port
    assert ask.xml(f"/library/metadata/{key}")[0].attrib["title"] == "kept"


def test_a_stop_breaks_off_what_is_under_way_and_leaves_no_handler(plex, ask):
    before = set(threading.enumerate())
    plex.add_item(1, title="before")
    plex.latency = 30
    outcome: list[object] = []

    def edit() -> None:
        try:
            outcome.append(ask("PUT", "/library/metadata/1?title.value=after"))
        except requests.ConnectionError as broken:
            outcome.append(broken)

    thread = threading.Thread(target=edit)
    thread.start()
    while not plex.journal:
        thread.join(0.01)
    plex.stop()
    thread.join(30)
    assert isinstance(outcome[0], requests.ConnectionError)
    assert plex.item(1).title == "before"
    assert plex.journal[0].status == 0
    ours = set(threading.enumerate()) - before
    assert not [t for t in ours if "process_request_thread" in t.name]


def test_a_large_section_is_paged_in_order_and_an_edit_reorders_it(plex, ask):
    for n in range(5000):  # above the size where the order is remembered
        plex.add_item(1, f"/plex/{n:05}.mp4")
    path = "/library/sections/1/all?type=1&sort=titleSort&X-Plex-Container-Size=1000"
    pages = [keys(ask.xml(f"{path}&X-Plex-Container-Start={at}")) for at in range(0, 5000, 1000)]
    assert sum(pages, []) == list(range(1, 5001))
    plex.user_edit(5000, title="!first")
    assert keys(ask.xml(path))[0] == 5000


def clocks(ask, section=0):
    directory = ask.xml("/library/sections")[section]
    return int(directory.get("scannedAt")), int(directory.get("contentChangedAt"))


def test_changed_files_move_the_clocks_of_the_library_and_not_those_of_the_item(plex, ask):
    key = plex.add_item(1, "/plex/a.mp4", 5, added_at=1000)
    before, sections = plex.item(key).updated_at, [clocks(ask)]
    plex.change_files(key, [("/plex/b.mp4", 5), ("/plex/c.mp4", 6)])
    sections.append(clocks(ask))
    plex.move_item(key, "/plex/d.mp4", keep_key=True)
    sections.append(clocks(ask))
    plex.rebuild(1, ["/plex/e.mp4"])
    sections.append(clocks(ask))
    assert (plex.item(key).added_at, plex.item(key).updated_at) == (1000, before)
    assert plex.find("/plex/e.mp4").key == key
    assert len({changed for _, changed in sections}) == 4
    assert [scanned for scanned, _ in sections] == sorted(scanned for scanned, _ in sections)


def test_one_broken_item_spoils_every_answer_that_would_hold_it(plex, ask):
    keys = [plex.add_item(1, f"/plex/{n}.mp4") for n in range(3)]
    plex.item(keys[1]).broken = True
    everything = "/library/sections/1/all?type=1&X-Plex-Container-Start={}&X-Plex-Container-Size={}"
    statuses = [ask("GET", everything.format(*page)).status_code for page in [(0, 3), (0, 1)]]
    statuses += [ask("GET", everything.format(*page)).status_code for page in [(2, 3), (0, 0)]]
    assert statuses == [500, 200, 200, 200]
    assert ask("GET", f"/library/metadata/{keys[0]},{keys[1]}").status_code == 500
    assert ask("GET", f"/library/metadata/{keys[0]},{keys[2]}").status_code == 200


def test_a_library_tells_its_agent_its_scanner_and_how_it_shows_collections(plex, ask):
    plex.add_section("Films", ["/films"], agent="tv.plex.agents.movie")
    plex.sections[2].collection_mode = 1
    own, films = ask.xml("/library/sections")
    assert (own.get("agent"), own.get("scanner")) == (
        "com.plexapp.agents.none",
        "Plex Video Files Scanner",
    )
    assert (films.get("agent"), films.get("scanner")) == ("tv.plex.agents.movie", "Plex Movie")
    modes = {
        key: [s.get("value") for s in ask.xml(f"/library/sections/{key}/prefs")] for key in (1, 2)
    }
    assert {key: values[1] for key, values in modes.items()} == {1: "2", 2: "1"}
