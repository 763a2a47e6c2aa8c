"""The addresses of messages: read from one text, and never repeated but for their schemes."""

from __future__ import annotations

import pytest

from plexsync.edges.log.redact import Redactor
from plexsync.model.config_reader import read_config
from plexsync.model.notify_urls import read_notify_urls, scheme_of, secrets_in, split_urls
from plexsync.model.settings_table import SECRETS

HOOK = "https://discord.com/api/webhooks/112233445566778899/aB3-xYz_0123456789abcdefABCDEF"
MAIL = "mailtos://someone:p%40ss@mail.example.org?to=me@example.org"
GOTIFY = "gotify://192.168.1.5:8080/AbC1dEfGhIjK2lm"
TOPIC = "ntfys://my-plex-alarms"


@pytest.mark.parametrize("between", [" ", ", ", ";", "\t", " ,; "])
def test_several_urls_stand_in_one_text(between: str) -> None:
    assert split_urls(f"  {between.join((HOOK, MAIL, TOPIC))} ") == [HOOK, MAIL, TOPIC]
    assert read_notify_urls(f"{GOTIFY},{TOPIC}") == f"{GOTIFY} {TOPIC}"


def test_a_comma_within_a_url_belongs_to_it() -> None:
    assert split_urls("ntfy://host/one,two json://a") == ["ntfy://host/one,two", "json://a"]


@pytest.mark.parametrize(
    "typed",
    [
        "tokentoken123",
        "ntfy:// x",
        "ntfy://a b",
        "://x",
        "a" * 5000,
        " ".join(["json://a"] * 11),
        7,
    ],
)
def test_what_is_wrong_is_said_without_the_value(typed: object) -> None:
    config, warnings = read_config({"notify_urls": typed}, {})
    assert config.message_urls == []
    assert len(warnings) == 1 and warnings[0].startswith("notify_urls: ")
    assert "tokentoken123" not in warnings[0] and "a b" not in warnings[0]


def test_only_the_scheme_may_be_shown() -> None:
    assert [scheme_of(url) for url in (HOOK, MAIL, TOPIC, "x")] == [
        "https",
        "mailtos",
        "ntfys",
        "?",
    ]
    config, _ = read_config({"notify_urls": f"{HOOK} {MAIL}"}, {})
    assert "discord" not in repr(config) and "discord" not in str(config)
    assert {"plex_token", "notify_urls"} == SECRETS


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"sent to {HOOK}.", "sent to ***."),
        ("/webhooks/112233445566778899/other", "/webhooks/***/other"),
        ("token aB3-xYz_0123456789abcdefABCDEF!", "token ***!"),
        ("with p@ss or p%40ss", "with *** or ***"),
        ("POST /AbC1dEfGhIjK2lm?x", "POST /***?x"),
        ("the topic my-plex-alarms", "the topic ***"),
        # what is no secret stays readable: hosts, an address of Plex, our own name
        ("mail.example.org at http://192.168.1.5:32400 from /plugins/PlexSync", None),
    ],
)
def test_a_log_hides_every_part_that_is_a_secret(said: str, shown: str | None) -> None:
    redactor = Redactor(secrets_in(" ".join((HOOK, MAIL, GOTIFY, TOPIC, "ntfy://plexsync"))))
    assert redactor.secrets_out(said) == (shown or said)


def test_a_url_that_cannot_be_used_is_a_secret_too() -> None:
    assert "tokentoken123" in secrets_in("tokentoken123")
    assert secrets_in(None) == secrets_in(7) == []
