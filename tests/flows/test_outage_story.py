"""An outage of Plex: PlexSync waits, detects its end by itself, and drains at a rising rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.storage import files
from plexsync.policy.circuit_breaker import CircuitBreaker

LONG_AGO = 1_600_000_000


@pytest.fixture
def quiet(world: Any) -> Any:
    world.configure(no_poster=True)
    return world


def crowd(world: Any, count: int) -> list[tuple[int, Any]]:
    return [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(count)]


def stored(world: Any, name: str) -> Any:
    return json.loads((Path(world.folder) / name).read_text())


def synced(pairs: list[tuple[int, Any]]) -> int:
    return sum(item.title.startswith("T") for _, item in pairs)


@pytest.mark.long
def test_two_hundred_edits_reach_plex_after_the_outage_without_event_or_click(quiet: Any) -> None:
    pairs = crowd(quiet, 200)
    quiet.plex.stop()
    for scene, _ in pairs:
        quiet.event(scene)
    quiet.run(minutes=90)
    assert synced(pairs) == 0
    quiet.plex.start()
    quiet.run(minutes=5)
    assert synced(pairs) == 200
    assert quiet.waiting() == {}
    outages = stored(quiet, "outage_history.json")["outages"]
    assert len(outages) == 1
    assert outages[0]["jobs_affected"] == 200
    assert outages[0]["jobs_recovered"] == 200
    assert 88 * 60 < outages[0]["end"] - outages[0]["start"] < 92 * 60


@pytest.mark.long
def test_an_outage_counts_the_jobs_that_it_held_back_and_those_in_step_again_once_each(
    quiet: Any,
) -> None:
    missing = quiet.stash.add_scene(title="not in Plex", files=[("/data/none.mp4", 7)])
    quiet.event(missing)
    pairs = crowd(quiet, 3)
    quiet.run(minutes=35)  # by now it waits for more than five minutes between attempts
    while quiet.waiting()[missing].not_before - quiet.clock.now() < 200:
        quiet.run(minutes=1)
    quiet.plex.stop()
    quiet.edit(pairs[0][0], title="T again")
    quiet.run(minutes=0.5)
    for scene, _ in pairs:
        quiet.edit(scene, title="T newer")
    quiet.run(minutes=1.5)
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert (outage["jobs_affected"], outage["jobs_recovered"]) == (3, 0)
    quiet.plex.start()
    done = lambda: "one is done" if pairs[0][1].title == "T newer" else ""  # noqa: E731
    quiet.run(minutes=5, leave=done)
    quiet.run(minutes=5)
    for turn in range(3):
        quiet.edit(pairs[turn][0], title=f"T unrelated {turn}")
        quiet.run()
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert (outage["jobs_affected"], outage["jobs_recovered"]) == (3, 3)


def test_a_job_that_came_before_the_probe_that_ends_the_outage_was_held_back_too(
    quiet: Any,
) -> None:
    old = {"created_at": LONG_AGO, "updated_at": LONG_AGO}  # no sweep finds them
    pairs = [quiet.pair(f"{n}.mp4", title=f"T{n}", **old) for n in range(2)]
    quiet.plex.stop()
    quiet.event(pairs[0][0])
    opened: list[float] = []

    def event_and_plex_is_back() -> None:
        """Before a probe is due, and long before a trial is."""
        opened.extend([quiet.clock.passed] if "CLOSED -> OPEN" in quiet.said() else [])
        if opened and quiet.clock.passed > opened[0] + 14 and not quiet.plex.running:
            quiet.event(pairs[1][0])
            quiet.plex.start()

    quiet.clock.on_wait = event_and_plex_is_back
    quiet.run(minutes=2)
    assert synced(pairs) == 2
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert (outage["jobs_affected"], outage["jobs_recovered"]) == (2, 2)


def test_a_job_that_came_while_plex_did_not_write_was_held_back_too(quiet: Any) -> None:
    """No probe detects the end of such an outage, but the next job does."""
    old = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    pairs = [quiet.pair(f"{n}.mp4", title=f"T{n}", **old) for n in range(3)]
    fault = quiet.plex.add_fault("status", match="PUT", status=503)
    for scene, _ in pairs[:2]:
        quiet.event(scene)
    quiet.run(minutes=5)
    assert stored(quiet, "circuit_breaker.json")["cause"] == "writing"
    quiet.event(pairs[2][0])
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 3
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert (outage["jobs_affected"], outage["jobs_recovered"]) == (3, 3)


def test_what_an_outage_gives_up_or_clears_is_not_recovered(quiet: Any) -> None:
    pairs = crowd(quiet, 3)
    quiet.plex.stop()
    for scene, _ in pairs:
        quiet.edit(scene, title="T newer")
    quiet.run(minutes=2)
    quiet.stash.destroy(pairs[0][0])
    quiet.event(pairs[0][0], kind="Scene.Destroy.Post")
    quiet.plex.start()
    quiet.run(minutes=5)
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert (outage["jobs_affected"], outage["jobs_recovered"]) == (3, 2)


def test_the_first_job_follows_the_healthy_probe_at_once(quiet: Any) -> None:
    pairs = crowd(quiet, 3)
    quiet.plex.stop()
    for scene, _ in pairs:
        quiet.event(scene)
    quiet.run(minutes=10)
    quiet.plex.start()
    before = quiet.clock.passed
    quiet.run(minutes=2, leave=lambda: "seen" if synced(pairs) else "")
    assert quiet.clock.passed - before <= 70


def test_the_open_breaker_survives_a_restart_and_no_job_is_tried_meanwhile(quiet: Any) -> None:
    pairs = crowd(quiet, 3)
    for scene, _ in pairs:
        quiet.event(scene)
    fault = quiet.plex.add_fault("starting")
    quiet.run(minutes=1)
    assert stored(quiet, "circuit_breaker.json")["state"] == "OPEN"
    quiet.plex.clear_journal()
    quiet.run(minutes=0.01)
    assert quiet.plex.count("PUT") == 0
    assert quiet.said("warning").count("CLOSED -> OPEN") == 1
    fault.remove()
    quiet.run(minutes=3)
    assert synced(pairs) == 3
    assert stored(quiet, "circuit_breaker.json")["state"] == "CLOSED"


def test_a_damaged_breaker_is_closed_with_one_warning(quiet: Any) -> None:
    pairs = crowd(quiet, 1)
    (Path(quiet.folder) / "circuit_breaker.json").write_text('{"version": 1, "state": "AJAR"}')
    quiet.event(pairs[0][0])
    quiet.run()
    assert synced(pairs) == 1
    assert quiet.said("warning").count("circuit_breaker.json was damaged") == 1


@pytest.mark.long
def test_plex_gets_requests_slowly_at_first(quiet: Any) -> None:
    pairs = crowd(quiet, 150)
    quiet.plex.stop()
    for scene, _ in pairs:
        quiet.event(scene)
    quiet.run(minutes=2)
    quiet.plex.start()
    start = quiet.clock.passed
    marks: list[float] = []

    def leave() -> str:
        marks.extend([quiet.clock.passed] * (quiet.plex.count("PUT") - len(marks)))
        return "done" if synced(pairs) == 150 else ""

    quiet.run(minutes=5, leave=leave)
    assert synced(pairs) == 150
    lasted = marks[-1] - marks[0]
    assert 20 < lasted < 40, "150 requests at 5 to 6 a second"
    assert quiet.clock.passed - start < 120


@pytest.mark.long
def test_no_ramp_when_it_is_switched_off(quiet: Any) -> None:
    quiet.configure(recovery_minutes=0)
    pairs = crowd(quiet, 150)
    quiet.plex.stop()
    for scene, _ in pairs:
        quiet.event(scene)
    quiet.run(minutes=2)
    quiet.plex.start()
    quiet.run(minutes=1, leave=lambda: "done" if synced(pairs) == 150 else "")
    first = next(i for i, (_, text) in enumerate(quiet.sink.lines) if "-> CLOSED" in text)
    assert synced(pairs) == 150
    assert "The ramp after" not in "\n".join(text for _, text in quiet.sink.lines[first:])


def test_the_ramp_goes_on_after_a_restart_and_ends_by_itself(quiet: Any) -> None:
    pairs = crowd(quiet, 40)
    quiet.plex.stop()
    for scene, _ in pairs:
        quiet.event(scene)
    quiet.run(minutes=2)
    quiet.plex.start()
    quiet.run(minutes=2, leave=lambda: "stop" if synced(pairs) >= 10 else "")
    assert stored(quiet, "recovery_state.json")["recovery_started_at"] > 0
    before, left = quiet.clock.passed, 40 - synced(pairs)
    quiet.run(minutes=1, leave=lambda: "stop" if synced(pairs) == 40 else "")
    assert synced(pairs) == 40
    assert quiet.clock.passed - before > left / 8, "5 to 6 requests a second"
    quiet.clock.passed += 600
    late, item = quiet.pair("late.mp4", title="T late")
    quiet.event(late)
    quiet.run()
    assert item.title == "T late"
    assert stored(quiet, "recovery_state.json")["recovery_started_at"] == 0


def test_flapping_for_an_hour_loses_nothing_and_keeps_the_history_short(quiet: Any) -> None:
    pairs = crowd(quiet, 30)
    waiting = iter(pairs)

    def flap() -> None:
        up = int(quiet.clock.passed / 20) % 2 == 0
        if up != quiet.plex.running:
            (quiet.plex.start if up else quiet.plex.stop)()
            pair = next(waiting, None)
            if pair:
                quiet.event(pair[0])

    quiet.clock.on_wait = flap
    quiet.run(minutes=60)
    quiet.clock.on_wait = lambda: None
    quiet.plex.start()
    quiet.run(minutes=5)
    assert synced(pairs) == 30
    assert len(stored(quiet, "outage_history.json")["outages"]) <= 30
    assert quiet.stores().stores.dead_letters.counts() == {}


@pytest.mark.long
def test_answers_below_500_never_open_the_breaker(quiet: Any) -> None:
    pairs = crowd(quiet, 12)
    refused = {str(item.key) for _, item in pairs[::2]}

    def is_refused(request: Any) -> bool:
        key = request.get("id") or request.path.rsplit("/", 1)[-1]
        return request.method == "PUT" and key in refused

    quiet.plex.add_fault("status", match=is_refused, status=400)
    for scene, _ in pairs:
        quiet.event(scene)
        quiet.run(minutes=0.1)
    missing = quiet.stash.add_scene(title="T", files=[("/data/none.mp4", 1)])
    quiet.event(missing)
    quiet.run(minutes=1)
    assert "OPEN" not in quiet.said()
    assert quiet.stores().stores.dead_letters.counts() == {"PlexPermanentError": 6}
    assert not (Path(quiet.folder) / "circuit_breaker.json").exists()


@pytest.mark.parametrize(("pause", "back"), [(0, True), (3600, False)])
def test_dead_letters_of_the_outage_are_recovered_automatically(
    quiet: Any, pause: float, back: bool
) -> None:
    """One scene becomes a dead letter by a server failure; later all of Plex goes down."""
    quiet.configure(max_retries=1)
    old = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    buried, item = quiet.pair("1.mp4", title="T1", **old)
    other, _ = quiet.pair("2.mp4", title="T2", **old)
    fault = quiet.plex.add_fault(
        "status",
        match=lambda r: r.method == "PUT" and ("id", str(item.key)) in list(r.params),
        status=503,
    )
    quiet.event(buried)
    quiet.run(minutes=0.05)
    quiet.event(quiet.pair("3.mp4", title="T3")[0])
    quiet.run(minutes=1, leave=lambda: "buried" if "Gave up" in quiet.said() else "")
    assert quiet.dead_letter(buried).error == "PlexServerDown"
    fault.remove()
    quiet.clock.passed += pause
    quiet.plex.stop()
    quiet.event(other)
    quiet.run(minutes=2)
    quiet.plex.start()
    quiet.run(minutes=3)
    assert (item.title == "T1") is back
    assert (quiet.dead_letter(buried) is None) is back


def test_what_no_hook_told_is_found(quiet: Any) -> None:
    scene, item = quiet.pair("1.mp4", title="T")
    other, its = quiet.pair("2.mp4", title="T2")
    _, old = quiet.pair("3.mp4", title="Told", created_at=LONG_AGO, updated_at=LONG_AGO)
    quiet.event(scene)
    quiet.run()
    assert (item.title, its.title, old.title) == ("T", "T2", "3")
    quiet.stash.auto_tag(other, tags=[quiet.stash.add_tag("auto")])
    quiet.clock.passed += 1000
    quiet.event(scene)
    quiet.run()
    assert its.genre == ["auto"]
    assert old.title == "3", "older than the installation: nobody asked"


def test_a_week_off_is_made_good_at_the_next_start(quiet: Any) -> None:
    scene, item = quiet.pair("1.mp4", title="T")
    quiet.event(scene)
    quiet.run()
    quiet.clock.passed += 7 * 86400
    pairs = [
        quiet.pair(f"w{n}.mp4", title=f"T{n}", updated_at=quiet.clock.now() - n * 7200)
        for n in range(80)
    ]
    quiet.event(scene)
    quiet.run(minutes=2)
    assert synced(pairs) == 80


@pytest.mark.long
def test_a_while_of_503_during_hundreds_of_jobs_costs_none(quiet: Any) -> None:
    pairs = crowd(quiet, 400)
    for scene, _ in pairs:
        quiet.event(scene)
    edits = iter(range(10**6))
    fault = quiet.plex.add_fault("starting", match=lambda r: next(edits) > 280)
    ended: list[float] = []

    def leave() -> str:
        if fault.used and not ended and quiet.clock.passed - ended_at() > 900:
            fault.remove()
            ended.append(quiet.clock.passed)
        return "done" if synced(pairs) == 400 else ""

    def ended_at() -> float:
        starts.append(quiet.clock.passed) if not starts else None
        return starts[0]

    starts: list[float] = []
    quiet.run(minutes=60, leave=leave)
    assert synced(pairs) == 400
    app = quiet.stores()
    assert app.stores.dead_letters.counts() == {}
    app.close()
    outages = stored(quiet, "outage_history.json")["outages"]
    assert len(outages) == 1
    assert 800 < outages[0]["end"] - outages[0]["start"] < 1100


@pytest.mark.long
def test_a_plex_that_hangs_is_an_outage_too(quiet: Any) -> None:
    """Each attempt ends by its own real deadline, so four failures are prepared."""
    quiet.configure(read_timeout=5)
    now = quiet.clock.now()
    before = CircuitBreaker(failures=4, failing_since=now, last_failure=now, reason="no answer")
    files.replace_json(f"{quiet.folder}/circuit_breaker.json", before.to_json())
    pairs = crowd(quiet, 2)
    fault = quiet.plex.add_fault("hang")
    quiet.event(pairs[0][0])
    quiet.run(minutes=2, leave=lambda: "open" if "CLOSED -> OPEN" in quiet.said() else "")
    assert quiet.waiting()[pairs[0][0]].attempts == {}
    fault.remove()
    quiet.event(pairs[1][0])
    quiet.run(minutes=3)
    assert synced(pairs) == 2
