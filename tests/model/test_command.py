"""Commands of the page: parsed strictly, and rejected with a helpful message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plexsync.model.arguments import REQUIRED
from plexsync.model.command import (
    COMMANDS,
    MOST_PREVIEWS,
    MOST_SCENES,
    from_input,
    is_accepted_id,
    read_command,
    to_input,
)
from plexsync.model.event import parse_event
from plexsync.policy.events import RunCommand, actions_of

GOOD: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("finish_step", {"step": "paths"}, {"step": "paths", "choice": None}),
    ("check_sign_in", {"id": "7"}, {"id": "7"}),
    (
        "choose_server",
        {"id": "7", "machine": "abc", "url": "https://plex"},
        {"machine": "abc", "url": "https://plex"},
    ),
    ("connect", {"url": "http://plex:32400"}, {"token": ""}),
    ("pause_backfill", {}, {"backfill": None, "until": "resumed"}),
    ("stop_backfill", {"backfill": "sync all"}, {"backfill": "sync all"}),
    ("retry", {"scene": 7}, {"scene": 7}),
    ("retry", {"scene": "7"}, {"scene": 7}),
    ("retry_class", {"class": "PlexNotFound"}, {"class": "PlexNotFound"}),
    ("sync", {"scenes": 7}, {"scenes": (7,)}),
    ("sync", {"scenes": ["7", 9, 7]}, {"scenes": (7, 9)}),
    ("preview", {"scenes": [7]}, {"scenes": (7,), "scope": None, "forced": False}),
    ("preview", {"scope": "recent", "forced": True}, {"scope": "recent", "forced": True}),
    ("undo", {"scene": 2**53}, {"scene": 2**53}),
    ("pin", {"scene": 7, "part": " /a/ü.mp4 "}, {"part": "/a/ü.mp4", "rating_key": None}),
    ("pin", {"scene": 7, "part": "/a", "rating_key": "12"}, {"rating_key": 12}),
    ("unpin", {"scene": 7}, {"scene": 7}),
    ("adopt_path_map", {"path_map": ""}, {"path_map": ""}),
    ("try_recipes", {"settings": {"title": "{file}"}, "scenes": "7"}, {"scenes": (7,)}),
    ("save_settings", {"settings": {"a": "b", "c": 1, "d": False}}, {}),
    ("finish_step", {"step": "paths"}, {"step": "paths"}),
    ("check_sign_in", {"id": "9f2c6c1d3a4b5e60"}, {"id": "9f2c6c1d3a4b5e60"}),
    ("choose_server", {"id": "9f", "machine": "m", "url": " http://nas "}, {"url": "http://nas"}),
    ("connect", {"url": "nas:32400"}, {"url": "nas:32400", "token": ""}),
    ("connect", {"url": "nas:32400", "token": "t"}, {"token": "t"}),
    ("clear", {"what": "queue"}, {"what": "queue", "class": None}),
    ("clear", {"what": "dead_letters", "class": None}, {"class": None}),
]

SECRETS = ["a\tsecret", "secret" * 400, ["secret"], "\ud800secret"]
"""Tokens that cannot be one."""


@pytest.mark.parametrize("token", SECRETS)
def test_an_invalid_token_is_not_repeated(token: Any) -> None:
    with pytest.raises(ValueError, match="token must be a text") as raised:
        read_command("connect", {"url": "http://nas", "token": token})
    assert "secret" not in str(raised.value)


BAD: list[tuple[Any, Any, str]] = [
    ("format_disk", {}, "PlexSync has no command 'format_disk'."),
    (["sync"], {}, "PlexSync has no command 'list'."),
    ("retry", [], "its arguments must be an object"),
    ("retry", {}, "retry: scene must be a whole number from 1"),
    ("retry", {"scene": None}, "not nothing."),
    ("retry", {"scene": 0}, "not 0."),
    ("retry", {"scene": -1}, "not -1."),
    ("retry", {"scene": True}, "not True."),
    ("retry", {"scene": 1.5}, "not 1.5."),
    ("retry", {"scene": float("nan")}, "not nan."),
    ("retry", {"scene": 2**63}, "whole number"),
    ("retry", {"scene": "٣"}, "whole number"),
    ("retry", {"scene": "9" * 5000}, "whole number"),
    ("retry", {"scene": {"id": 1}}, "not 'dict'."),
    ("retry", {"scene": 1, "scenes": [2]}, "retry has no argument 'scenes'; it takes scene."),
    ("retry_class", {"class": "DROP TABLE letters"}, "a name such as PlexNotFound"),
    ("retry_class", {"class": "A" * 61}, "a name such as PlexNotFound"),
    ("sync", {"scenes": []}, f"1 to {MOST_SCENES} scene ids"),
    ("sync", {"scenes": [1, None]}, f"1 to {MOST_SCENES} scene ids"),
    ("sync", {"scenes": list(range(1, MOST_SCENES + 2))}, f"1 to {MOST_SCENES} scene ids"),
    ("preview", {}, "preview takes either scenes or a scope."),
    ("preview", {"scenes": 1, "scope": "recent"}, "either scenes or a scope"),
    ("preview", {"scenes": list(range(1, MOST_PREVIEWS + 2))}, f"1 to {MOST_PREVIEWS} scene ids"),
    ("preview", {"scope": "everything"}, "one of recent, waiting"),
    ("preview", {"scenes": 1, "forced": "yes"}, "true or false"),
    ("pin", {"scene": 1}, "pin: part must be a text"),
    ("pin", {"scene": 1, "part": "  "}, "pin: part must be a text"),
    ("pin", {"scene": 1, "part": "a\nb"}, "on one line"),
    ("pin", {"scene": 1, "part": "a\0b"}, "on one line"),
    ("pin", {"scene": 1, "part": "\ud800"}, "on one line"),
    ("pin", {"scene": 1, "part": "x" * 5000}, "at most 4096 characters"),
    ("adopt_path_map", {"path_map": ["a"]}, "a text of at most"),
    ("save_settings", {"settings": {}}, "1 to 100 settings"),
    ("save_settings", {"settings": [1]}, "1 to 100 settings"),
    ("save_settings", {"settings": {"a b": 1}}, "the names of settings"),
    ("save_settings", {"settings": {"a": None}}, "whole numbers"),
    ("save_settings", {"settings": {"a": 1.5}}, "whole numbers"),
    ("save_settings", {"settings": {"a": "x\ny"}}, "on one line"),
    ("save_settings", {"settings": {"a": "x" * 20_001}}, "at most 20000 characters"),
    ("try_recipes", {"settings": {"a": ""}, "scenes": [1, 2, 3, 4, 5, 6]}, "1 to 5 scene ids"),
    ("clear", {"what": "everything"}, "one of dead_letters, queue"),
    ("clear", {"what": "queue", "class": "PlexNotFound"}, "class goes with dead_letters only"),
]


@pytest.mark.parametrize(("name", "args", "read"), GOOD)
def test_a_command_is_read_with_every_argument(
    name: str, args: dict[str, Any], read: dict[str, Any]
) -> None:
    command = read_command(name, args)
    assert command.name == name
    assert set(command.args) == set(COMMANDS[name])
    assert {key: command.args[key] for key in read} == read


@pytest.mark.parametrize(("name", "args", "read"), GOOD)
def test_a_command_is_the_same_after_its_way_through_the_inbox(
    name: str, args: dict[str, Any], read: dict[str, Any]
) -> None:
    command = read_command(name, args)
    record = {"id": 1, "type": "PlexSync.Command.Post", "input": to_input(command)}
    (action,) = actions_of(parse_event(json.dumps(record).encode(), 1.0))
    assert isinstance(action, RunCommand)
    again = from_input(action.sent)
    assert (again.name, again.args) == (command.name, command.args)


@pytest.mark.parametrize(("name", "args", "words"), BAD)
def test_a_bad_command_is_refused_with_a_short_sentence(name: Any, args: Any, words: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_command(name, args)
    text = str(refused.value)
    assert words in text
    assert len(text) < 250
    assert "\n" not in text


def test_every_required_argument_is_required() -> None:
    for name, rules in COMMANDS.items():
        for key, rule in rules.items():
            if rule.default is REQUIRED:
                with pytest.raises(ValueError, match=f"{name}: {key} must be"):
                    read_command(name, {k: v for k, v in _whole(name).items() if k != key})


def _whole(name: str) -> dict[str, Any]:
    return next(args for known, args, _ in GOOD if known == name)


@pytest.mark.parametrize("sent", [None, 1, [], {}, {"command": "retry"}, {"args": {}}])
def test_what_is_no_command_is_refused(sent: object) -> None:
    with pytest.raises(ValueError):
        from_input(sent)


def test_only_the_name_of_an_inbox_record_can_be_an_accepted_id() -> None:
    assert is_accepted_id("01795223115410978306-11159-17fdbfcc")
    for other in (
        None,
        7,
        "",
        "../01795223115410978306-11159-17fdbfcc",
        "01795223115410978306-11159-17fdbfcc/..",
        "01795223115410978306-11159-17FDBFCC",
        "01795223115410978306-11159-17fdbfc",
        "0179522311541097830-11159-17fdbfcc",
        "01795223115410978306--17fdbfcc",
        "01795223115410978306-1/1-17fdbfcc",
        "01795223115410978306-11159-17fdbfcc\n",
        "٠1795223115410978306-11159-17fdbfcc",
    ):
        assert not is_accepted_id(other), other
