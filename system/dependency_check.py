"""Is what processes depend on by themselves sound? Wrong entries, unknown processes, and cycles that do not lead into the past.

A cycle of processes is no fault where each way round it ends at an earlier period. That is decided by bounds: how much later, at the
most, can the end of what is depended on lie than the end of the period that depends on it? The sum over a cycle has to be below 0.
Ends are instants: what the zones of trees move them by is counted in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from system.context import Dependency, ManagedProcess, ProcessEntry, Tree
from system.entry_check import is_texts, near, qualifier_of
from system.timeperiod import DAILY, HOURLY, MONTHLY, YEARLY
from system.zone_check import SINCE, is_zone, shifts, start_day

LARGEST_OFFSET = 10_000
LARGEST_WINDOW = 1_000

_DAY_S = 86_400
_FIXED = ("its child", "by tree")
# The shortest and the longest period of a qualifier, in seconds.
_LENGTHS_S = {
    HOURLY.name: (3_600, 3_600),
    DAILY.name: (_DAY_S, _DAY_S),
    MONTHLY.name: (28 * _DAY_S, 31 * _DAY_S),
    YEARLY.name: (365 * _DAY_S, 366 * _DAY_S),
}


@dataclass(frozen=True, slots=True)
class Link:
    """`user` depends on `other`, whose period ends at most `later_s` after the user's; `text` says which link it is."""

    user: str
    other: str
    later_s: int
    text: str


@dataclass(frozen=True, slots=True)
class Member:
    """A process, and by how many seconds its periods end before those of UTC: at the least, and at the most. `zone` is UTC below a day."""

    process: ManagedProcess
    zone: str = "UTC"
    least_s: int = 0
    most_s: int = 0


def dependency_faults(process: ManagedProcess) -> Iterator[str]:
    """Yield what is wrong with a process's `depends_on` and `in_order` by themselves."""
    if not isinstance(process.in_order, bool):
        yield f"in_order is {process.in_order!r}: use True or False"
    given: object = process.depends_on
    if isinstance(given, str | Dependency) or not isinstance(given, list | tuple):
        yield f"depends_on is {given!r}: write a list of names and of dependency_entry(...)"
        return
    for entry in given:
        if isinstance(entry, Dependency):
            yield from _entry_faults(entry)
        elif not isinstance(entry, str):
            yield f"depends_on holds {entry!r}: use a process's name, or dependency_entry(...)"


def _entry_faults(entry: Dependency) -> Iterator[str]:
    if not is_texts(entry.processes) or not entry.processes:
        yield f"depends_on names {entry.processes!r}: give dependency_entry a process's name, or a list of names"
    if not _is_whole(entry.offset) or abs(entry.offset) > LARGEST_OFFSET:
        bounds = f"{-LARGEST_OFFSET} to {LARGEST_OFFSET}"
        yield f"depends_on has the offset {entry.offset!r}: use a whole number, {bounds}; -1 is the period before"
    if not _is_whole(entry.last) or not 1 <= entry.last <= LARGEST_WINDOW:
        yield f"depends_on has the window last={entry.last!r}: use a whole number of periods, 1 to {LARGEST_WINDOW}"
    for field in ("any_of", "optional"):
        if not isinstance(found := getattr(entry, field), bool):
            yield f"depends_on has {field}={found!r}: use True or False"


def _is_whole(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)


def graph_faults(processes: Iterable[ProcessEntry], trees: Iterable[Tree], default_start: str = SINCE) -> Iterator[str]:
    """Yield what is wrong with who depends on whom: unknown processes, periods that wait for themselves, cycles.

    `default_start` is the hourly id at which processes start that have no start of their own.
    """
    by_name = {p.name: p for p in processes if isinstance(p.name, str)}
    readable = [t for t in trees if isinstance(t.name, str) and is_texts(t.enclosed_processes) and is_texts(t.dependent_on)]
    zones = {name: tree.time_zone for tree in readable for name in tree.enclosed_processes if is_zone(tree.time_zone)}
    sound = {
        name: _member(p, zones.get(name, "UTC"), default_start)
        for name, p in by_name.items()
        if isinstance(p, ManagedProcess) and qualifier_of(p) and not any(dependency_faults(p))
    }
    links = list(_tree_links(sound, readable))
    for member in sound.values():
        process = member.process
        for need in process.needs:
            for name in need.processes:
                other = by_name.get(name)
                title = f"process {process.name!r}: depends on {name!r}"
                if other is None:
                    yield f"{title}, which is not registered: correct depends_on{near(name, sound)}"
                elif not isinstance(other, ManagedProcess):
                    yield f"{title}, which is not managed and has no timeperiods: take it out of depends_on"
                elif name == process.name:
                    if need.offset >= 0:
                        yield f"{title}, itself, with the offset {need.offset}, and waits for ever: use -1, the period before, or less"
                elif name in sound:
                    links.append(_link(member, sound[name], need.offset))
    yield from _cycles_faults(links)


def _member(process: ManagedProcess, zone: str, default_start: str) -> Member:
    if zone == "UTC" or process.qualifier > DAILY:
        return Member(process)
    return Member(process, zone, *shifts(zone, start_day(process, default_start)))


def _tree_links(sound: Mapping[str, Member], trees: list[Tree]) -> Iterator[Link]:
    readable = {tree.name: tree for tree in trees}
    for tree in trees:
        members = sorted((sound[n] for n in dict.fromkeys(tree.enclosed_processes) if n in sound), key=lambda m: m.process.qualifier)
        for at, member in enumerate(members):
            if at + 1 < len(members):
                yield _link(member, members[at + 1], 0, "its child")
            for name in tree.dependent_on:
                for other in readable[name].enclosed_processes if name in readable and name != tree.name else ():
                    if other in sound and sound[other].process.time_qualifier == member.process.time_qualifier:
                        yield _link(member, sound[other], 0, f"by tree {tree.name!r}")


def _link(user: Member, other: Member, offset: int, text: str = "") -> Link:
    later_s = _moved_s(user, other, offset) + _group_s(user, other, offset)
    return Link(user.process.name, other.process.name, later_s, text or (f"offset {offset}" if offset else "the same period"))


def _moved_s(user: Member, other: Member, offset: int) -> int:
    """Return how much later than a period the one that it depends on ends at the most, without any grouping."""
    own, others = user.process.qualifier, other.process.qualifier
    least_s, most_s = _LENGTHS_S[others.name]
    if others >= own:
        return offset * (most_s if offset > 0 else least_s) + _shifted_s(user, other, is_same_end=offset == 0)
    # The first fine period of a coarse one is the one that has longest to wait.
    steps = offset + 1
    later_s = steps * (most_s if steps > 0 else least_s) - _LENGTHS_S[own.name][0]
    # An hour begins inside the day that contains it, wherever its zone lets it begin: nothing is moved before whole days are counted.
    return later_s if own > DAILY >= others and steps == 0 else later_s + _shifted_s(user, other, is_same_end=False)


def _shifted_s(user: Member, other: Member, *, is_same_end: bool) -> int:
    """Return by how much the zones of two processes move their ends apart at the most. `is_same_end`: in one zone both end together."""
    is_mixed = (user.process.qualifier > DAILY) != (other.process.qualifier > DAILY)
    if not is_mixed and user.zone == other.zone and is_same_end:
        return 0
    if not is_mixed:
        return user.most_s - other.least_s
    coarse = other if user.process.qualifier > DAILY else user
    # Days that begin between two hours: the last hour that begins inside one of them ends after it.
    return max(coarse.least_s % 3_600, coarse.most_s % 3_600) if coarse is user else coarse.most_s - coarse.least_s


def _group_s(user: Member, other: Member, offset: int) -> int:
    """Return how much later the end of the group may lie that a period of `other` is in."""
    own, others = user.process, other.process
    if others.time_grouping == 1:
        return 0
    is_crossed = others.qualifier > DAILY and user.zone != "UTC"  # groups of hours are those of UTC's days
    is_aligned = offset == 0 and not is_crossed and (
        others.qualifier > own.qualifier
        or (own.time_qualifier, own.time_grouping) == (others.time_qualifier, others.time_grouping)
    )
    return 0 if is_aligned else others.time_grouping * _LENGTHS_S[others.time_qualifier][1]


def _cycles_faults(links: list[Link]) -> Iterator[str]:
    left = links
    while cycle := _cycle(left):
        way = "".join(f" -> {link.other} ({link.text})" for link in cycle)
        yield (
            f"process {cycle[0].user!r}: depends on itself, {cycle[0].user}{way}, and that does not surely lead into the past: "
            "take one of these dependencies out, or give one an offset of -1 or less"
        )
        own = [link for link in cycle if not link.text.startswith(_FIXED)]
        left = [link for link in left if link is not (own or cycle)[0]]


def _cycle(links: list[Link]) -> list[Link]:
    """Return a cycle whose sum is not below 0, empty where there is none: the longest way is looked for, round by round."""
    names = {link.user for link in links} | {link.other for link in links}
    # A sum of 0 is a fault too: each link counts as a little longer than it is, all together as less than a second.
    scale = len(names) + 1
    far = dict.fromkeys(names, 0)
    came: dict[str, Link] = {}
    changed = ""
    for _ in range(len(names) + 1):
        changed = ""
        for link in links:
            reach = far[link.user] + link.later_s * scale + 1
            if reach > far[link.other]:
                far[link.other], came[link.other], changed = reach, link, link.other
        if not changed:
            return []
    for _ in names:
        changed = came[changed].user
    cycle = [came[changed]]
    while cycle[0].user != changed:
        cycle.insert(0, came[cycle[0].user])
    return cycle
