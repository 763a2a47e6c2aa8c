"""PlexSync says once when it needs somebody, and once when it no longer does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.tasks.context import TaskFailed
from plexsync.flows.tasks.send_test_message import send_test_message
from plexsync.model.messages import FAILED, REFUSED, Delivery
from tests.flows.test_alarms_story import tick
from tests.task_running import run_task
from tests.world import World

SECRET = "AbCdEfGh1234567890"
TOPIC = f"ntfy://topic-{SECRET}"


@pytest.fixture
def told(world: World) -> World:
    world.configure(no_poster=True, notify_urls=TOPIC)
    return world


def stored(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(world.folder) / "notifications.json").read_text())
    return found


def test_a_refused_token_is_said_within_a_minute_once_across_restarts(told: World) -> None:
    scene, item = told.pair("1.mp4", title="T")
    told.configure(plex_token="another-token")
    told.event(scene)
    told.run(minutes=1)
    assert told.sender.titles == ["PlexSync: Plex refuses the token"]
    told.run(minutes=2)
    told.run(minutes=2)
    assert len(told.sender.sent) == 1
    told.configure(plex_token="plex-sim-token")
    told.run(minutes=3)
    assert item.title == "T"
    assert told.sender.titles[1:] == ["PlexSync: Plex accepts the token"]


def test_a_token_that_may_not_write_is_said(told: World) -> None:
    told.plex.guest_token = "guest-token"
    told.configure(plex_token="guest-token")
    told.event(told.pair("1.mp4", title="T")[0])
    told.run(minutes=2)
    assert told.sender.titles == ["PlexSync: The Plex token may not write"]


@pytest.mark.long
def test_half_an_hour_is_reached_although_nothing_else_happens(told: World) -> None:
    told.plex.stop()
    for n in range(3):
        told.event(told.pair(f"{n}.mp4", title="T")[0])
    told.run(minutes=29)
    assert told.sender.sent == []
    told.run(minutes=2)
    assert told.sender.titles == ["PlexSync: Plex is away"]
    told.plex.start()
    told.run(minutes=3)
    (back,) = told.sender.sent[1:]
    assert back.title == "PlexSync: Plex is back"
    assert "3 scenes waited for it, 3 of them are written now. 0 scenes wait." in back.body


def test_the_time_is_a_setting(told: World) -> None:
    told.configure(notify_after=5)
    told.plex.stop()
    told.event(told.pair("1.mp4", title="T")[0])
    told.run(minutes=6)
    assert told.sender.titles == ["PlexSync: Plex is away"]


def test_scenes_that_are_given_up_are_collected_for_an_hour(told: World) -> None:
    told.plex.add_fault("status", match="PUT", status=400)
    for n in range(3):
        told.event(told.pair(f"{n}.mp4", title="T")[0])
        told.run(minutes=1)
    told.event(told.pair("last.mp4", title="T")[0])
    told.clock.passed += 3200
    told.run(minutes=1)
    assert len(told.sender.sent) == 1
    told.clock.passed += 240
    told.run(minutes=1)
    assert told.sender.titles == ["PlexSync: 1 scene needs you", "PlexSync: 3 scenes need you"]
    assert "Refused by Plex: 3" in told.sender.sent[1].body


def test_older_dead_letters_are_no_news(told: World) -> None:
    told.configure(notify_urls="")
    told.plex.add_fault("status", match="PUT", status=400)
    told.event(told.pair("1.mp4", title="T")[0])
    told.run(minutes=1)
    assert told.dead_letter(1)
    told.configure(notify_urls=TOPIC)
    told.run(minutes=5)
    assert told.sender.sent == []


def test_a_message_that_nobody_takes_is_tried_again_and_keeps_the_worker(told: World) -> None:
    told.sender.answers["ntfy"] = Delivery("", FAILED, "failed (503)")
    told.plex.guest_token = "guest-token"
    told.configure(plex_token="guest-token")
    told.event(told.pair("1.mp4", title="T")[0])
    told.run(minutes=3)
    assert len(told.sender.sent) == 2
    told.configure(plex_token="plex-sim-token")
    told.sender.answers.clear()
    told.run(minutes=20)
    assert told.sender.titles[2:] == ["PlexSync: Plex accepts the token"]
    assert stored(told)["outbox"] == []
    assert told.said("warning").count("A message was not taken: ntfy: failed (503).") == 1


def test_a_page_starts_a_worker_for_a_message_that_is_due_again(told: World) -> None:
    told.sender.answers["ntfy"] = Delivery("", FAILED, "failed (503)")
    told.plex.add_fault("status", match="PUT", status=400)
    told.event(told.pair("1.mp4", title="T")[0])
    told.run(minutes=0.75)
    assert (len(told.sender.sent), tick(told)) == (1, "not needed")
    told.clock.passed += 60
    assert tick(told) == "started"


def test_a_refusal_is_final_and_says_what_to_do(told: World) -> None:
    told.sender.answers["ntfy"] = Delivery("", REFUSED, "refused (401)")
    told.configure(plex_token="another-token")
    told.event(told.pair("1.mp4", title="T")[0])
    told.run(minutes=3)
    assert len(told.sender.sent) == 1
    assert "A message was not taken: ntfy: refused (401). Correct Notify URLs" in told.said()
    assert "sent=0 of=1" in told.said()


def test_a_message_on_its_way_holds_up_nothing(told: World) -> None:
    told.sender.open = False
    fault = told.plex.add_fault("status", match="PUT", status=400)
    told.event(told.pair("1.mp4", title="T")[0])
    told.run(minutes=2)
    assert len(told.sender.sent) == 1
    fault.remove()
    scene, item = told.pair("2.mp4", title="Next")
    told.event(scene)
    told.run(minutes=1)
    assert item.title == "Next"


def test_without_urls_nothing_is_sent_and_the_state_is_known(world: World) -> None:
    world.configure(no_poster=True, plex_token="another-token")
    world.event(world.pair("1.mp4", title="T")[0])
    world.run(minutes=2)
    assert world.sender.sent == []
    assert [alert["subject"] for alert in stored(world)["alerts"]] == ["token"]


def test_settings_that_no_longer_allow_any_work_are_said(told: World) -> None:
    told.run(minutes=0.1)
    told.configure(sync_only="no such condition", notify_after=2)
    told.event(told.pair("1.mp4", title="T")[0])
    told.run(minutes=1)
    assert told.sender.sent == []
    told.clock.passed += 60
    told.run(minutes=0.1)
    assert told.sender.titles == ["PlexSync can no longer sync"]


def test_no_file_log_or_answer_has_a_url(told: World) -> None:
    told.configure(plex_token="another-token", notify_urls=f"{TOPIC} json://me:pass{SECRET}@host/x")
    told.event(told.pair("1.mp4", title=f"topic-{SECRET}")[0])
    told.run(minutes=2)
    answer = run_task(told, send_test_message)
    seen = told.said() + json.dumps(answer) + str(told.sender.sent)
    files = b"".join(p.read_bytes() for p in Path(told.folder).rglob("*.json"))
    assert SECRET not in seen
    assert SECRET.encode() not in files


def test_the_button_says_what_each_url_did_by_its_scheme(told: World) -> None:
    told.configure(notify_urls=f"{TOPIC} discord://1/{SECRET}")
    told.sender.answers["discord"] = Delivery("", REFUSED, "refused (401)")
    answer = run_task(told, send_test_message)
    assert [each["words"] for each in answer["deliveries"]] == ["sent", "refused (401)"]
    assert "ntfy: sent" in told.said() and "discord: refused (401)" in told.said()
    told.sender.answers["ntfy"] = told.sender.answers["discord"]
    with pytest.raises(TaskFailed, match=r"No message was taken: ntfy: refused \(401\); discord"):
        run_task(told, send_test_message)
    told.configure(notify_urls="")
    with pytest.raises(TaskFailed, match="enter Notify URLs in Settings > Plugins > PlexSync"):
        run_task(told, send_test_message)
