"""Sign in with Plex: from the button to the server's token in Stash's settings."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.setup.sign_in_file import SignInFile
from plexsync.flows.status.duties import duty_calls
from plexsync.model.sign_in import FILE, LIFE, SignIn
from simulator.plex import PlexSim
from simulator.plex_tv import PlexTvSim, connection
from tests import certificates
from tests.flows.test_commands_story import ask, done, failed, order, told
from tests.flows.test_set_up_story import places, refuse_settings, settings
from tests.world import TOKEN, World

NOBODY = connection("http://127.0.0.1:9")
"""An address at which nothing listens."""


@pytest.fixture
def plex_tv(world: World) -> Iterator[PlexTvSim]:
    """plex.tv, and a Stash in which nothing is set yet."""
    world.stash.set_plugin_settings({"max_tags": 5})
    with PlexTvSim() as plex_tv:
        plex_tv.clock = world.clock.passing
        world.environ["PLEXSYNC_PLEX_TV"] = plex_tv.url
        yield plex_tv


def own(world: World, plex_tv: PlexTvSim, *more: dict[str, Any], **fields: Any) -> None:
    """The account's own server, our Plex."""
    addresses = (*more, connection(world.plex.url))
    plex_tv.add_server(world.plex.machine, *addresses, token=TOKEN, **{"name": "NAS", **fields})


def signed_in(world: World, plex_tv: PlexTvSim) -> Any:
    """What the page sees once the user has allowed it."""
    started = done(world, "sign_in")
    plex_tv.allow()
    return done(world, "check_sign_in", id=started["id"])


def test_a_person_signs_in_and_is_connected(world: World, plex_tv: PlexTvSim) -> None:
    own(world, plex_tv, NOBODY)
    started = done(world, "sign_in")
    assert started["state"] == "waiting"
    assert started["url"].startswith(f"{plex_tv.url}/auth#?clientID=")
    assert done(world, "check_sign_in", id=started["id"]) == started
    assert ask(world, "set_up")["sign_in"] == started, "a page that is reloaded goes on"

    plex_tv.allow()
    found = done(world, "check_sign_in", id=started["id"])
    (server,) = found["servers"]
    assert (found["state"], found["proposed"]) == ("servers", world.plex.machine)
    assert (server["name"], server["best"], server["why"]) == ("NAS", world.plex.url, "")
    whys = {each["url"]: each["why"] for each in server["addresses"]}
    assert whys[world.plex.url] == "" and "nothing listens" in whys["http://127.0.0.1:9"]

    chosen = {"id": started["id"], "machine": server["machine"], "url": server["best"]}
    answer = done(world, "choose_server", **chosen)
    assert (answer["server"], answer["url"]) == ("NAS", world.plex.url)
    assert settings(world) == {"max_tags": 5, "plex_url": world.plex.url, "plex_token": TOKEN}
    state = ask(world, "set_up")
    assert state["connected"] and state["sign_in"] is None


def test_it_names_itself_by_one_lasting_identifier(world: World, plex_tv: PlexTvSim) -> None:
    done(world, "sign_in")
    done(world, "sign_in")
    clients = {entry.headers["x-plex-client-identifier"] for entry in plex_tv.journal}
    assert len(clients) == 1
    assert clients.pop() in Path(world.folder, "device_id.json").read_text()


def test_no_token_leaves_the_owner(world: World, plex_tv: PlexTvSim) -> None:
    own(world, plex_tv)
    started = done(world, "sign_in")
    plex_tv.allow()
    accepted = order(world, "check_sign_in", id=started["id"])
    world.run()
    shown = json.dumps([told(world, accepted), ask(world, "set_up")])
    assert TOKEN not in shown and plex_tv.token not in shown
    assert places(world.folder, plex_tv.token) == []
    assert places(world.folder, TOKEN) == [FILE]
    if os.name == "posix":
        assert stat.S_IMODE(Path(world.folder, FILE).stat().st_mode) == 0o600

    done(world, "choose_server", id=started["id"], machine=world.plex.machine, url=world.plex.url)
    assert places(world.folder, TOKEN) == []
    for secret in (TOKEN, plex_tv.token):
        assert secret not in world.said()
        assert not [entry for entry in plex_tv.journal if secret in str(entry.params)]


def test_the_token_is_not_sent_to_a_server_that_answers_as_another_one(
    world: World, plex_tv: PlexTvSim
) -> None:
    with PlexSim(token="other", machine="somebody-elses") as stranger:
        own(world, plex_tv, connection(stranger.url))
        found = signed_in(world, plex_tv)
        (server,) = found["servers"]
        whys = {each["url"]: each["why"] for each in server["addresses"]}
        assert whys[stranger.url] == "Another Plex server answers there."
        assert server["best"] == world.plex.url
        assert not [e for e in stranger.journal if TOKEN in e.headers.get("x-plex-token", "")]
        chosen = {"id": found["id"], "machine": world.plex.machine, "url": stranger.url}
        assert "Another Plex server answers" in failed(world, "choose_server", **chosen)
        assert "plex_url" not in settings(world)


def test_local_addresses_are_proposed_before_remote_ones_and_the_relay(
    world: World, plex_tv: PlexTvSim
) -> None:
    with PlexSim(token=TOKEN, machine=world.plex.machine) as relayed:
        relay = connection(relayed.url, local=False, relay=True)
        plex_tv.add_server(world.plex.machine, relay, connection(world.plex.url), token=TOKEN)
        (server,) = signed_in(world, plex_tv)["servers"]
        assert [each["kind"] for each in server["addresses"]] == ["local", "relay"]
        assert server["best"] == world.plex.url
        world.plex.stop()
        (server,) = signed_in(world, plex_tv)["servers"]
        assert server["best"] == relayed.url


def test_an_account_with_only_relay_addresses_can_be_used(world: World, plex_tv: PlexTvSim) -> None:
    relay = connection(world.plex.url, local=False, relay=True)
    plex_tv.add_server(world.plex.machine, relay, token=TOKEN)
    found = signed_in(world, plex_tv)
    chosen = {"id": found["id"], "machine": world.plex.machine, "url": world.plex.url}
    assert done(world, "choose_server", **chosen)["url"] == world.plex.url


def test_tls_names_stay_as_they_are_and_a_blocked_one_has_its_plain_address(
    world: World, plex_tv: PlexTvSim
) -> None:
    port = world.plex.port
    blocked = connection(f"https://127-0-0-1.{certificates.HASH}.plex.direct:{port}")
    plex_tv.add_server(world.plex.machine, blocked, token=TOKEN)
    (server,) = signed_in(world, plex_tv)["servers"]
    first, second = server["addresses"]
    assert first["url"] == blocked["uri"] and first["why"], "this name does not resolve here"
    assert (second["url"], second["why"]) == (f"http://127.0.0.1:{port}", "")


def test_a_secure_address_is_preferred(world: World, plex_tv: PlexTvSim) -> None:
    world.plex.tls = certificates.server("by_address")
    world.environ["SSL_CERT_FILE"] = certificates.path("ca")
    own(world, plex_tv, connection(f"https://localhost:{world.plex.port}"))
    (server,) = signed_in(world, plex_tv)["servers"]
    assert server["best"] == f"https://localhost:{world.plex.port}"


def test_somebody_elses_server_is_shown_and_cannot_be_used(
    world: World, plex_tv: PlexTvSim
) -> None:
    plex_tv.add_server("shared", connection(world.plex.url), token="shared", owner="Ann")
    found = signed_in(world, plex_tv)
    (server,) = found["servers"]
    assert server["why"].startswith("It belongs to Ann.") and server["addresses"] == []
    assert found["proposed"] == ""
    assert world.plex.journal == [], "and it is not even tried"
    chosen = {"id": found["id"], "machine": "shared", "url": world.plex.url}
    assert "was not offered" in failed(world, "choose_server", **chosen)


def test_a_token_that_may_not_edit_is_refused(world: World, plex_tv: PlexTvSim) -> None:
    own(world, plex_tv)
    world.plex.add_fault("status", match="/status/sessions", status=403)
    (server,) = signed_in(world, plex_tv)["servers"]
    assert "may read but not write" in server["addresses"][0]["why"]


def test_an_account_without_servers_says_so(world: World, plex_tv: PlexTvSim) -> None:
    plex_tv.add_server("phone", connection(world.plex.url), provides="player")
    found = signed_in(world, plex_tv)
    assert found["state"] == "ended" and "no Plex Media Server" in found["why"]
    assert ask(world, "set_up")["sign_in"] is None


def test_thirty_servers_are_tried_together_and_the_one_that_answers_comes_first(
    world: World, plex_tv: PlexTvSim
) -> None:
    for n in range(29):
        plex_tv.add_server(f"old-{n}", NOBODY, name=f"Old {n}", token="t")
    own(world, plex_tv, name="The last")
    found = signed_in(world, plex_tv)
    assert len(found["servers"]) == 30
    assert found["servers"][0]["name"] == "The last"
    assert all(server["best"] == "" for server in found["servers"][1:])


def test_a_sign_in_that_is_denied_or_expired_ends(world: World, plex_tv: PlexTvSim) -> None:
    started = done(world, "sign_in")
    plex_tv.deny()
    found = done(world, "check_sign_in", id=started["id"])
    assert found["state"] == "ended" and "denied" in found["why"]

    started = done(world, "sign_in")
    world.clock.passed += LIFE
    assert ask(world, "set_up")["sign_in"]["why"].startswith("The sign-in has expired")
    assert failed(world, "check_sign_in", id=started["id"])
    assert not Path(world.folder, FILE).exists()


def test_the_worker_stays_until_the_tokens_of_a_sign_in_are_deleted(
    world: World, plex_tv: PlexTvSim
) -> None:
    own(world, plex_tv)
    signed_in(world, plex_tv)
    assert places(world.folder, TOKEN) == [FILE]
    assert world.run(minutes=60) != "time is up"
    assert not Path(world.folder, FILE).exists()
    assert world.clock.passed >= LIFE


def test_a_page_of_stash_wakes_a_worker_for_tokens_that_a_crash_left_behind(
    world: World, plex_tv: PlexTvSim
) -> None:
    own(world, plex_tv)
    signed_in(world, plex_tv)
    assert duty_calls(world.folder, world.clock.now())
    done(world, "cancel_sign_in")
    assert not duty_calls(world.folder, world.clock.now())


def test_a_kill_while_the_tokens_are_stored_leaves_none_of_them(world: World) -> None:
    Path(world.folder).mkdir(exist_ok=True)
    Path(world.folder, f"{FILE}.4711-0a1b2c3d.tmp").write_text(TOKEN)
    world.event(world.stash.add_scene("x"))
    world.run()
    assert places(world.folder, TOKEN) == []


def test_cancelled_it_leaves_nothing(world: World, plex_tv: PlexTvSim) -> None:
    own(world, plex_tv)
    found = signed_in(world, plex_tv)
    assert done(world, "cancel_sign_in") == {"cancelled": True}
    assert places(world.folder, TOKEN) == []
    assert "has ended" in failed(world, "check_sign_in", id=found["id"])
    assert done(world, "cancel_sign_in") == {"cancelled": False}


def test_a_page_that_reads_the_sign_in_does_not_keep_it_from_being_deleted(tmp_path: Path) -> None:
    """Windows refuses to delete what another process has open."""
    file, stop = SignInFile(str(tmp_path)), threading.Event()

    def read() -> None:
        while not stop.is_set():
            file.read()

    page = threading.Thread(target=read)
    page.start()
    try:
        for n in range(20):
            file.keep(SignIn(str(n), 1.0, n, "https://plex.tv"))
            file.forget()
            assert file.read() is None
    finally:
        stop.set()
        page.join()


def test_the_second_of_two_browsers_goes_on(world: World, plex_tv: PlexTvSim) -> None:
    own(world, plex_tv)
    first = done(world, "sign_in")
    second = done(world, "sign_in")
    plex_tv.allow()
    assert "Another browser" in failed(world, "check_sign_in", id=first["id"])
    assert done(world, "cancel_sign_in", id=first["id"]) == {"cancelled": False}
    assert done(world, "check_sign_in", id=second["id"])["state"] == "servers"
    assert done(world, "cancel_sign_in", id=second["id"]) == {"cancelled": True}


@pytest.mark.parametrize("kind", ["down", "html", "json", "status", "busy", "hang"])
def test_without_plex_tv_one_sentence_names_the_way_by_hand(
    world: World, plex_tv: PlexTvSim, kind: str
) -> None:
    with ExitStack() as stack:
        if kind == "down":
            plex_tv.stop()
        elif kind == "busy":
            plex_tv.add_fault("status", status=429)
        elif kind == "hang":
            fault = plex_tv.add_fault("reset")
            stack.callback(fault.remove)
        else:
            plex_tv.add_fault(kind)
        said = failed(world, "sign_in")
    assert "plex.tv" in said and said.endswith("by hand.")


def test_plex_tv_out_of_reach_for_a_moment_ends_no_sign_in(
    world: World, plex_tv: PlexTvSim
) -> None:
    own(world, plex_tv)
    started = done(world, "sign_in")
    plex_tv.stop()
    assert "by hand" in failed(world, "check_sign_in", id=started["id"])
    plex_tv.start()
    plex_tv.allow()
    assert done(world, "check_sign_in", id=started["id"])["state"] == "servers"


def test_what_the_page_repeats_fills_no_log(world: World, plex_tv: PlexTvSim) -> None:
    started = done(world, "sign_in")
    plex_tv.stop()
    for _ in range(3):
        order(world, "check_sign_in", id=started["id"])
    world.run()
    assert world.said("warning").count("plex.tv cannot be reached from here") == 1


def test_a_stash_that_stores_no_settings_leaves_the_choice_open(
    world: World, plex_tv: PlexTvSim
) -> None:
    own(world, plex_tv)
    found = signed_in(world, plex_tv)
    fault = refuse_settings(world, "read-only")
    chosen = {"id": found["id"], "machine": world.plex.machine, "url": world.plex.url}
    assert "read-only" in failed(world, "choose_server", **chosen)
    fault.remove()
    assert done(world, "choose_server", **chosen)["server"] == "NAS"


def test_odd_answers_of_plex_tv_break_nothing(world: World, plex_tv: PlexTvSim) -> None:
    own(world, plex_tv)

    def spoil(body: bytes) -> bytes:
        servers = json.loads(body)
        odd = ["ftp://x", 5, "http://[x", "https://nas:abc", "https://me:secret@nas", "http://na s"]
        servers[0]["connections"] += [None, {}, *({"uri": uri, "local": True} for uri in odd)]
        odd = ["text", {}, {"provides": None}, {"provides": "server", "clientIdentifier": 5}]
        return json.dumps([*odd, *servers]).encode()

    plex_tv.add_fault("rewrite", match="/api/v2/resources", change=spoil)
    (server,) = signed_in(world, plex_tv)["servers"]
    assert [each["url"] for each in server["addresses"]] == [world.plex.url]
