"""Which server is usable, and the order of its addresses."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync.model.plex_server import LOCAL, RELAY, REMOTE, AccountServer, Address, Attempt
from plexsync.policy.server_choice import best, in_order, proposed, unusable, verdict

HASH = "0123456789abcdef0123456789abcdef"
HOME = Address(f"https://192-168-1-5.{HASH}.plex.direct:32400", LOCAL)
AWAY = Address(f"https://8-8-8-8.{HASH}.plex.direct:32400", REMOTE)
LAST = Address(f"https://34-1-1-1.{HASH}.plex.direct:8443", RELAY)
PLAIN = Address("http://192.168.1.5:32400", LOCAL)


def server(*addresses: Address, **more: Any) -> AccountServer:
    known: dict[str, Any] = {
        "machine": "m",
        "name": "NAS",
        "owned": True,
        "owner": "",
        "secure_only": False,
        "token": "t",
    }
    return AccountServer(**{**known, "addresses": addresses, **more})


def test_local_addresses_come_first_and_the_relay_last() -> None:
    assert in_order(server(LAST, AWAY, HOME)) == (HOME, PLAIN, AWAY, LAST)


def test_a_plain_address_is_only_added_where_it_is_allowed_and_stays_at_home() -> None:
    assert in_order(server(HOME, secure_only=True)) == (HOME,)
    assert in_order(server(AWAY)) == (AWAY,)
    assert in_order(server(HOME, PLAIN)) == (HOME, PLAIN), "none is tried twice"


def test_a_token_is_never_sent_in_plain_over_the_internet() -> None:
    assert in_order(server(Address("http://8.8.8.8:32400", REMOTE))) == ()
    rented = Address(f"https://8-8-8-8.{HASH}.plex.direct:32400", LOCAL)
    assert in_order(server(rented)) == (rented,), (
        "plex.tv calls a rented machine's own address local"
    )


def test_ipv6_comes_after_ipv4_of_the_same_kind() -> None:
    six = Address("https://[fd00::5]:32400", LOCAL)
    assert in_order(server(six, HOME, secure_only=True)) == (HOME, six)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"owned": False, "owner": "Ann"}, "It belongs to Ann."),
        ({"owned": False}, "It belongs to somebody else."),
        ({"token": ""}, "no token"),
        ({"addresses": ()}, "no address"),
    ],
)
def test_what_cannot_be_used_says_why(more: dict[str, Any], words: str) -> None:
    assert words in unusable(server(HOME, **more))


def test_an_owned_server_with_a_token_and_an_address_can_be_used() -> None:
    assert unusable(server(LAST)) == ""


def test_another_server_is_refused() -> None:
    assert verdict("m", "m") == ""
    assert "Another" in verdict("m", "n")


def test_the_first_address_that_works_is_the_best() -> None:
    assert best([Attempt(HOME, "no answer"), Attempt(AWAY, ""), Attempt(LAST, "")]) == Attempt(
        AWAY, ""
    )
    assert best([Attempt(HOME, "no answer")]) is None


def test_the_server_that_is_reached_best_is_proposed() -> None:
    tried = {
        "relayed": [Attempt(LAST, "")],
        "away": [Attempt(HOME, "no answer"), Attempt(AWAY, "")],
        "dead": [Attempt(HOME, "no answer")],
    }
    assert proposed(tried) == "away"
    assert proposed({"home": [Attempt(PLAIN, "")], **tried}) == "home"
    assert proposed({"dead": tried["dead"]}) == ""
    assert proposed({}) == ""
