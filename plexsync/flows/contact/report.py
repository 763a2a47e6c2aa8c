"""The report for help: what somebody needs to know who helps, without anything private.

It only reads. Each section that fails says the class of its error; the others are still there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from plexsync.flows.contact import here, servers
from plexsync.flows.contact.kinds import MOST_TIMEOUTS, plex_answers, stash_answers
from plexsync.flows.contact.plex_rules import PLEX
from plexsync.flows.contact.stash_rules import STASH
from plexsync.flows.contact.subject import Subject
from plexsync.flows.contact.veil import Word, sealed
from plexsync.flows.contact.verdicts import SKIPPED, verdict
from plexsync.model.named_tuple import NamedTuple

FORMAT = 1
"""Of the report; a later one may have other sections."""

NOT_ASKED = "not asked"
"""The key with the reason, in place of a section."""


class Section(NamedTuple):
    """A part of the report, and what it holds, for the user."""

    name: str
    holds: str
    make: Callable[[Subject], object]
    asks: str = ""
    """The server that it asks ("plex" or "stash"); left out while that does not answer."""


def _rules(subject: Subject) -> Iterator[dict[str, object]]:
    checks = [("plex", rule.__doc__, partial(rule, subject.plex_contact)) for rule in PLEX]
    checks += [("stash", law.__doc__, partial(law, subject.stash_contact)) for law in STASH]
    silent: Counter[str] = Counter()
    for server, text, rule in checks:
        if silent[server] < MOST_TIMEOUTS:
            state, why = verdict(rule)
            silent[server] += "timeout" in why
        else:
            state, why = SKIPPED, "the server takes too long"
        found: dict[str, object] = {"server": Word(server), "rule": Word(text or "")}
        found["verdict"] = Word(state)
        yield found | ({"why": Word(why)} if why else {})


SECTIONS: Sequence[Section] = (
    Section(
        "versions",
        "versions of PlexSync, Python, the operating system and the packages",
        lambda subject: here.versions(subject.plugin_dir, subject.folder),
    ),
    Section(
        "settings",
        "settings that differ from their defaults; texts hidden, secrets left out",
        lambda subject: here.settings(subject.config),
    ),
    Section(
        "folder",
        "disk, free space and sizes of PlexSync's own files",
        lambda subject: here.data_folder(subject.folder),
    ),
    Section(
        "queue",
        "numbers of waiting jobs, by class",
        lambda subject: here.queue(subject.folder, subject.clock.now()),
    ),
    Section(
        "dead letters",
        "numbers of dead letters, by class and cause",
        lambda subject: here.dead_letters(subject.folder),
    ),
    Section(
        "ledger",
        "numbers of scenes by state, and of refused fields",
        lambda subject: here.ledger(subject.folder),
    ),
    Section(
        "breaker",
        "state of the circuit breaker",
        lambda subject: here.breaker(subject.folder, subject.clock.now()),
    ),
    Section(
        "recovery",
        "state of probes and of the ramp after an outage",
        lambda subject: here.recovery(subject.folder, subject.clock.now()),
    ),
    Section(
        "outages",
        "number, lengths and causes of outages",
        lambda subject: here.outages(subject.folder, subject.clock.now()),
    ),
    Section(
        "statistics",
        "numbers of done and failed jobs, and how long they took",
        lambda subject: here.statistics(subject.folder, subject.clock.now()),
    ),
    Section(
        "index",
        "numbers of items per library in the index, and their age",
        lambda subject: here.index(subject.folder, subject.clock.now()),
    ),
    Section(
        "log",
        "numbers of lines of the background worker's log, by level",
        lambda subject: here.log(subject.folder),
    ),
    Section("stash", "version of Stash, whether it has a login, number of scenes", servers.stash),
    Section("plex", "health, version, platform and kind of address of Plex", servers.plex),
    Section("clocks", "how far the clocks of both servers are off", servers.clocks),
    Section(
        "libraries", "agents, scanners and sizes of Plex's libraries", servers.libraries, "plex"
    ),
    Section(
        "requests to Plex",
        "status, content type, size and time of each kind of request",
        lambda subject: list(plex_answers(subject.plex_contact)),
    ),
    Section(
        "requests to Stash",
        "status, content type, size and time of each kind of request",
        lambda subject: list(stash_answers(subject.stash_contact)),
    ),
    Section(
        "rules",
        "whether both servers behave as PlexSync expects",
        lambda subject: list(_rules(subject)),
        "plex",
    ),
)


def make_report(subject: Subject, progress: Callable[[float], None]) -> dict[str, object]:
    """The report as JSON values; never raises."""
    made: dict[str, object] = {"format": FORMAT}
    for number, section in enumerate(SECTIONS):
        made[section.name] = _made(section, subject, made)
        progress((number + 1) / len(SECTIONS))
    return made


def _made(section: Section, subject: Subject, made: Mapping[str, object]) -> object:
    plex = made.get("plex")
    if section.asks == "plex" and not (isinstance(plex, Mapping) and plex.get("healthy")):
        return {NOT_ASKED: "Plex is not healthy"}
    try:
        return sealed(section.make(subject))
    except Exception as problem:  # noqa: BLE001 - it runs where things are broken
        return {"error": type(problem).__name__}


def holds(report: Mapping[str, object]) -> list[str]:
    """What a report holds, a line per section, for whoever is about to save it."""
    lines = []
    for section in SECTIONS:
        found = report.get(section.name)
        line = f"{section.name[:1].upper()}{section.name[1:]}: {section.holds}"
        if isinstance(found, Mapping) and "error" in found:
            line = f"{line} (failed with {found['error']})"
        elif isinstance(found, Mapping) and NOT_ASKED in found:
            line = f"{line} (not asked: {found[NOT_ASKED]})"
        lines.append(line)
    return lines


def hidden(value: object) -> int:
    """How many texts of a report are hidden."""
    if isinstance(value, Mapping):
        if set(value) == {"hash", "length"}:
            return 1
        return sum(map(hidden, value.values()))
    return sum(map(hidden, value)) if isinstance(value, list) else 0
