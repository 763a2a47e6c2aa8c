"""A model of who takes over the inbox: hooks, workers and tasks with their locks, step by step.

Every interleaving is explored, with kills and stops after any step. In the end no acknowledged
event may be stranded in the inbox, with no process to take it over. Not modelled are kills of a
worker, after which the next hook starts another one, and the moment in which a worker exits that
was idle for five minutes: no task asks it to step aside just then.
tests/hostile/test_handing_over.py compares each process's use of the locks with the real programs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

LOCKS = WORKER, TAKEOVER, STARTING, STARTED = ("worker", "takeover", "starting", "started")

HOOK, OWNER, TASK, CARELESS = "hook", "worker", "task", "careless task"
TASKS = (TASK, CARELESS)

PROGRAMS: dict[str, Sequence[tuple[str, ...]]] = {
    HOOK: (
        ("drop",),
        ("look", WORKER, "ok"),
        ("look", TAKEOVER, "ok"),
        ("enter", STARTING),
        ("try", STARTED, "leave"),
        ("look", WORKER, "leave"),
        ("look", TAKEOVER, "leave"),
        ("spawn", "lends"),
        ("label", "leave"),
        ("give", STARTED),
        ("give", STARTING),
        ("label", "ok"),
        ("acknowledge",),
    ),
    OWNER: (
        ("try", WORKER, "late"),
        ("give", STARTED),
        ("label", "own"),
        ("look", TAKEOVER, "aside"),
        ("see", "own"),
        ("sleep", "own"),
        ("look", TAKEOVER, "aside"),
        ("give", WORKER),
        ("empty?", "end"),
        ("try", WORKER, "end"),
        ("goto", "own"),
        ("label", "late"),
        ("give", STARTED),
        ("goto", "stand by"),
        ("label", "aside"),
        ("give", WORKER),
        ("label", "stand by"),
        ("look", TAKEOVER, "wait"),
        ("try", WORKER, "again"),
        ("goto", "own"),
        ("label", "again"),
        ("look", TAKEOVER, "wait"),
        ("try", WORKER, "end"),
        ("goto", "own"),
        ("label", "wait"),
        ("until free", TAKEOVER),
        ("goto", "stand by"),
        ("label", "end"),
    ),
    TASK: (
        ("label", "ask"),
        ("look", WORKER, "ask the worker"),
        ("spawn", "alone"),
        ("try", TAKEOVER, "end"),
        ("try", WORKER, "wait"),
        ("goto", "work"),
        ("label", "ask the worker"),
        ("try", TAKEOVER, "end"),
        ("try", WORKER, "wait"),
        ("give", WORKER),
        ("give", TAKEOVER),
        ("goto", "ask"),
        ("label", "wait"),
        ("wait", WORKER, "refused"),
        ("label", "work"),
        ("give", WORKER),
        ("label", "refused"),
        ("give", TAKEOVER),
        ("label", "end"),
    ),
}
"""The steps of each program. Each step, except checks of the inbox, is one system call."""

PROGRAMS[CARELESS] = tuple(step for step in PROGRAMS[TASK] if step[0] != "spawn")
"""A task without a worker on standby, as Preview Sync once was: the model must find the fault."""

_PLACES = {
    name: {step[1]: at for at, step in enumerate(steps) if step[0] == "label"}
    for name, steps in PROGRAMS.items()
}
_ASKS = range(_PLACES[TASK]["wait"])
"""Steps of a task before a worker stands by, or it waits for one."""
_ENDS = range(PROGRAMS[OWNER].index(("sleep", "own")) + 1, _PLACES[OWNER]["late"])
"""Steps of an idle worker on its way to exit."""
WORDS = {"look": "look", "try": "take", "enter": "take", "wait": "take", "give": "give"}
ENDED, KILLED, STOPPED = -1, -2, -3
MOST_WORKERS = 4


@dataclass(frozen=True, slots=True)
class State:
    """Processes as (program, next step), holders of each lock, and events by the hook that stored
    them.
    """

    processes: tuple[tuple[str, int], ...]
    holders: tuple[frozenset[int], ...]
    inbox: frozenset[int] = frozenset()
    acknowledged: frozenset[int] = frozenset()
    kills: int = 0
    stops: int = 0

    @property
    def stranded(self) -> frozenset[int]:
        """Acknowledged events that no process has taken over."""
        return self.inbox & self.acknowledged

    def at(self, me: int, place: int) -> State:
        """The state with this process at another step."""
        steps = PROGRAMS[self.processes[me][0]]
        while 0 <= place < len(steps) and steps[place][0] in ("label", "goto"):
            step = steps[place]
            place = place + 1 if step[0] == "label" else self._place(me, step[1])
        changed = (self.processes[me][0], ENDED if place >= len(steps) else place)
        processes = (*self.processes[:me], changed, *self.processes[me + 1 :])
        state = replace(self, processes=processes)
        return state.without(me) if changed[1] == ENDED else state

    def _place(self, me: int, label: str) -> int:
        return _PLACES[self.processes[me][0]][label]

    def holding(self, lock: str, holders: frozenset[int]) -> State:
        """The state with other holders of a lock."""
        at = LOCKS.index(lock)
        return replace(self, holders=(*self.holders[:at], holders, *self.holders[at + 1 :]))

    def of(self, lock: str) -> frozenset[int]:
        """The holders of a lock."""
        return self.holders[LOCKS.index(lock)]

    def without(self, me: int) -> State:
        """The state after a process has released everything, as by its exit."""
        return replace(self, holders=tuple(held - {me} for held in self.holders))


def start(*names: str, kills: int = 0, stops: int = 0, alive: bool = False) -> State:
    """These processes before their first step, with or without a living worker."""
    state = State(
        tuple((name, 0) for name in names), (frozenset(),) * len(LOCKS), kills=kills, stops=stops
    )
    for me in range(len(names)):
        state = state.at(me, 0)
    if not alive:
        return state
    me = len(names)
    state = replace(state, processes=(*state.processes, (OWNER, 0)))
    return state.holding(WORKER, frozenset({me})).at(me, _PLACES[OWNER]["own"])


def successors(state: State, *, workers_too: bool = False) -> Iterator[tuple[str, State]]:
    """All possible next states, each with the name of its step."""
    for me, (name, place) in enumerate(state.processes):
        if place < 0:
            continue
        for after in _step(state, me):
            yield f"{name} {me}: {' '.join(PROGRAMS[name][place])}", after
        if state.kills and (workers_too or name != OWNER):
            dead = replace(_gone(state, me, KILLED), kills=state.kills - 1)
            yield f"{name} {me} is killed", dead.without(me)
        if state.stops and name == HOOK:
            yield (
                f"{name} {me} is stopped",
                replace(_gone(state, me, STOPPED), stops=state.stops - 1),
            )


def _gone(state: State, me: int, how: int) -> State:
    processes = list(state.processes)
    processes[me] = (processes[me][0], how)
    return replace(state, processes=tuple(processes))


def _step(state: State, me: int) -> Iterator[State]:
    name, place = state.processes[me]
    kind, *rest = PROGRAMS[name][place]
    on = state.at(me, place + 1)
    if kind == "drop":
        yield replace(on, inbox=on.inbox | {me})
    elif kind == "acknowledge":
        yield replace(on, acknowledged=on.acknowledged | {me})
    elif kind == "spawn":
        yield _spawned(on, me, lends=rest[0] == "lends")
    elif kind == "see":
        yield (
            replace(state, inbox=frozenset()).at(me, _PLACES[name][rest[0]]) if state.inbox else on
        )
    elif kind == "empty?":
        yield on if state.inbox else state.at(me, _PLACES[name][rest[0]])
    elif kind == "sleep":
        if state.inbox or state.of(TAKEOVER):
            yield state.at(me, _PLACES[name][rest[0]])
        elif not _any(state, TASKS, _ASKS):
            yield on
    else:
        yield from _lock(state, on, me, kind, rest)


def _lock(state: State, on: State, me: int, kind: str, rest: Sequence[str]) -> Iterator[State]:
    name, _ = state.processes[me]
    lock, others = rest[0], state.of(rest[0]) - {me}
    if kind == "give":
        yield on.holding(lock, on.of(lock) - {me})
    elif kind == "until free":
        if not others:
            yield on
    elif kind == "look":
        if name not in TASKS or not _any(state, (OWNER,), _ENDS):
            yield state.at(me, _PLACES[name][rest[1]]) if others else on
    elif kind == "try" and name == HOOK and me not in state.of(STARTING):
        yield on  # it continues alone: two workers are harmless
    elif not others:
        yield on.holding(lock, frozenset({me}))
    elif kind == "enter":
        yield on  # a process that takes too long is not waited for
    elif kind == "try" and not _all_stopped(state, others):
        yield state.at(me, _PLACES[name][rest[1]])
    elif kind == "try":
        yield on  # after _LONGEST_START
    elif kind == "wait":
        yield state.at(me, _PLACES[name][rest[1]])  # not for ever


def _any(state: State, names: Sequence[str], places: range) -> bool:
    """Whether a process of one of these names is at one of these steps."""
    return any(each in names and place in places for each, place in state.processes)


def _all_stopped(state: State, processes: frozenset[int]) -> bool:
    return all(each >= 0 and state.processes[each][1] == STOPPED for each in processes)


def _spawned(state: State, me: int, *, lends: bool) -> State:
    """The state with another worker; more than MOST_WORKERS would only repeat states."""
    if sum(name == OWNER for name, _ in state.processes) >= MOST_WORKERS:
        return state
    child = len(state.processes)
    state = replace(state, processes=(*state.processes, (OWNER, 0)))
    held = state.of(STARTED)
    return state.holding(STARTED, held | {child}) if lends and me in held else state


def explore(first: State, *, workers_too: bool = False) -> tuple[int, list[list[str]]]:
    """Explore every state; returns how many there are, and the paths to those with a stranded
    event.

    With `workers_too` workers are killed as well; then the next hook has to help.
    """
    came: dict[State, tuple[State, str] | None] = {first: None}
    waiting: deque[State] = deque([first])
    bad: list[list[str]] = []
    while waiting:
        state = waiting.popleft()
        moved = False
        for name, after in successors(state, workers_too=workers_too):
            moved = moved or (" is " not in name and after != state)
            if after not in came:
                came[after] = (state, name)
                waiting.append(after)
        if not moved and state.stranded and not (workers_too and _alarm_helps(state)):
            bad.append(_way(came, state))
    return len(came), bad


def _alarm_helps(state: State) -> bool:
    """Whether another hook always leads to all events being taken over."""
    me = len(state.processes)
    more = replace(state, processes=(*state.processes, (HOOK, 0)), kills=0, stops=0)
    assert more.processes[me] == (HOOK, 0)
    return not explore(more)[1]


def _way(came: Mapping[State, tuple[State, str] | None], state: State) -> list[str]:
    way: list[str] = []
    while (before := came[state]) is not None:
        state, name = before
        way.append(name)
    return way[::-1]


SMALL: Sequence[tuple[tuple[str, ...], dict[str, int | bool]]] = (
    ((HOOK, HOOK), {"kills": 1}),
    ((HOOK, TASK), {"kills": 1}),
)
"""Cases that the test suite explores, in seconds."""

LARGE: Sequence[tuple[tuple[str, ...], dict[str, int | bool]]] = (
    *SMALL,
    ((HOOK, HOOK), {"stops": 1}),
    ((HOOK, HOOK), {"kills": 1, "alive": True}),
    ((HOOK, TASK), {"kills": 1, "alive": True}),
    ((HOOK, HOOK), {"kills": 1, "stops": 1}),
)
"""Cases that torture explores, in minutes."""


def check(cases: Sequence[tuple[tuple[str, ...], dict[str, int | bool]]]) -> tuple[int, list[str]]:
    """Explore these cases; returns the number of states, and the shortest path to each violation."""
    states, bad = 0, []
    for names, more in cases:
        seen, ways = explore(start(*names, **more))  # type: ignore[arg-type]
        states += seen
        bad += [f"{' + '.join(names)}, {more}: {'; '.join(way)}" for way in ways[:1]]
    seen, ways = explore(start(HOOK, HOOK, kills=1), workers_too=True)
    bad += [f"a killed worker, and no hook helps: {'; '.join(way)}" for way in ways[:1]]
    return states + seen, bad


def alone(name: str, holders: Mapping[str, int]) -> list[tuple[str, str]]:
    """A process's operations on locks if it runs alone, while others (-1, -2 ...) hold `holders`."""
    state = start(name)
    for lock, other in holders.items():
        state = state.holding(lock, frozenset({other}))
    done: list[tuple[str, str]] = []
    while state.processes[0][1] != ENDED:
        kind, *rest = PROGRAMS[name][state.processes[0][1]]
        done += [(WORDS[kind], rest[0])] if kind in WORDS else []
        if kind == "give" and 0 not in state.of(rest[0]):
            done.pop()
        state = next(_step(state, 0))
    return done
