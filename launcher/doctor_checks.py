"""What of all that was seen is wrong, and what is to be done about it? Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from shlex import quote

from launcher.boxes import off_row, switch_on
from launcher.doctor_seen import DiskSeen, Finding, Gravity, Seen
from launcher.query import GONE, STRANGER
from launcher.say import counted
from scheduler.health import Health
from supervisor.attendance import KIND as SUPERVISOR
from supervisor.places import SCHEDULER, WORKER
from system.hidden import hide

Check = Callable[[Seen], Iterator[Finding]]

_PYTHONS = ((3, 11), (3, 13))  # the oldest and the newest that the tests run on
_LEAST_ZONES = 300
_GRAVE_SKEW_S = 60.0
_LEAST_FREE_FILES = 1_000
_IDLE_TURNS = 5.0  # so many leases without a good turn are too long
_BEATS_S = 15.0  # who has not beaten for so long while another one of the box did is gone
_MB = 1_000_000
_CERTIFICATE_LOW_DAYS, _DAY_S = 14, 86_400
UPDATE = "`launch.py stop`, then `launch.py db --update`"


def wrong(check: str, text: str, fix: str) -> Finding:
    """Return a finding that needs a person."""
    return Finding(check, Gravity.WRONG, text, fix)


def warning(check: str, text: str, fix: str) -> Finding:
    """Return a finding that may become wrong."""
    return Finding(check, Gravity.WARNING, text, fix)


def note(check: str, text: str) -> Finding:
    """Return what is worth knowing."""
    return Finding(check, Gravity.NOTE, text)


def python(seen: Seen) -> Iterator[Finding]:
    """The interpreter is one that Horarium is tested on."""
    oldest, newest = _PYTHONS
    version, known = ".".join(map(str, seen.python)), f"{oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
    if seen.python[:2] < oldest:
        yield wrong("python", f"Python {version} is too old", f"install one of {known}")
    elif seen.python[:2] > newest:
        yield warning("python", f"Python {version} is newer than what was tried", f"use one of {known}, or look at the logs with care")


def zones(seen: Seen) -> Iterator[Finding]:
    """The data of time zones are there."""
    if seen.zones < _LEAST_ZONES:
        yield wrong("zones", f"only {seen.zones} time zones are known here", "install tzdata into this Python: `pip install tzdata`")


def folders(seen: Seen) -> Iterator[Finding]:
    """What is written can be."""
    if seen.var_fault:
        yield wrong("folders", seen.var_fault, "make the folder writable for this user, or set HORARIUM_VAR to another one")


def modes(seen: Seen) -> Iterator[Finding]:
    """Nobody else may read secrets, or write what is run or trusted."""
    if seen.secrets_fault:
        yield wrong("modes", seen.secrets_fault, "until it is mended, jobs that ask for a secret fail")
    for file in seen.files:
        if too_much := file.others & file.least:
            can = "write" if too_much & 0o022 else "read"
            right = "go-w" if not file.least & 0o044 else "go-rwx" if file.least & 0o040 else "g-wx,o-rwx"
            yield wrong("modes", f"others than its owner may {can} {file.path}, {file.what}", f"`chmod {right} {file.path}`")


def disks(seen: Seen) -> Iterator[Finding]:
    """There is space for what is written."""
    low, least = seen.settings.disk_low_mb, seen.settings.disk_least_mb
    for disk in seen.disks:
        free_mb = disk.free_bytes / _MB
        if free_mb < least:
            yield wrong("disks", _space(disk), f"free some space: {_takers(disk)}; less than {least:,} MB (disk_least_mb) is too little")
        elif free_mb < low:
            yield warning("disks", _space(disk), f"free some space: {_takers(disk)}; or set disk_low_mb lower than {low:,} MB")
        if disk.free_files is not None and disk.free_files < _LEAST_FREE_FILES:
            yield wrong("disks", f"{_disk(disk)} takes only {disk.free_files:,} more files", "remove files there")


def _takers(disk: DiskSeen) -> str:
    """Return how to find out what takes the space, and what of it may go. Archiving is no way: it writes files, and no store shrinks."""
    ways = [f"`du -xh {quote(disk.path)} | sort -h | tail` shows what takes it"]
    ways += ["old files of the archive may be moved away"] if "archive" in disk.names else []
    ways += ["`launch.py db --sizes` shows what the store keeps"] if "store" in disk.names else []
    return ", ".join(ways)


def _space(disk: DiskSeen) -> str:
    return f"{_disk(disk)} has {disk.free_bytes / _MB:,.0f} MB left"


def _disk(disk: DiskSeen) -> str:
    return f"the disk of {', '.join(disk.names)} ({disk.path})"


def context(seen: Seen) -> Iterator[Finding]:
    """The process context can be loaded, and is the one that schedulers lead by."""
    if seen.context_fault:
        yield wrong("context", seen.context_fault, "`launch.py context check` lists all faults")
    elif seen.registers:
        yield note("context", f"{seen.settings.context} registers {seen.registers}")
    if seen.unapplied:
        text = f"the context changes the timetable of {', '.join(seen.unapplied)}: no scheduler leads by it before somebody says yes"
        yield wrong("context", text, "`launch.py context plan` shows what it would do, `launch.py context apply` says yes")


def store(seen: Seen) -> Iterator[Finding]:
    """The store is of a version that is known, and whole."""
    if not seen.is_store_begun:
        text = f"{hide(seen.settings.store_url)} is not there yet"
        yield wrong("store", text, "`launch.py install` makes it; is STORE_URL the one that is meant?")
    found = seen.store
    if found is None:
        return
    yield note("store", f"{hide(seen.settings.store_url)} answers: {found.server}, schema {found.schema}")
    if found.unsupported:
        yield wrong("store", f"{found.server} is not supported", found.unsupported)
    if found.schema > found.known:
        text = f"the store has schema {found.schema}, this program knows up to {found.known}"
        yield wrong("store", text, "install the newer Horarium that wrote it on this box, too")
    elif found.schema < found.known:
        text = f"the store has schema {found.schema}, this program has {found.known}" if found.schema else "the store was never prepared"
        yield wrong("store", text, UPDATE)
    if seen.half_moved_from:
        text = f"the store is half of a move from {seen.half_moved_from}, so nothing is started over it"
        yield wrong("store", text, "`launch.py migrate` with the same URLs goes on with it")
    if found.missing:
        yield wrong("store", f"missing in the store: {', '.join(found.missing)}", UPDATE)


def clock(seen: Seen) -> Iterator[Finding]:
    """The clocks of this box and of the store agree. Leases never compare clocks; only when a period is due goes by them."""
    if seen.store is None:
        return
    if seen.skew is None:
        yield note("clock", "the store has no clock of its own: it goes by this box's")
        return
    ahead_s, doubt_s = seen.skew.ahead_s, seen.skew.doubt_s
    off_s = max(0.0, abs(ahead_s) - doubt_s)
    text = f"this box's clock is {abs(ahead_s):,.1f} s {'behind' if ahead_s > 0 else 'ahead of'} the store's (give or take {doubt_s:.1f} s)"
    fix = "let the clock follow a time server (chrony, systemd-timesyncd): periods become due and triggers fire by it; leases don't"
    if off_s > _GRAVE_SKEW_S:
        yield wrong("clock", text, fix)
    elif off_s > seen.settings.skew_low_s:
        yield warning("clock", text, fix)
    else:
        yield note("clock", f"{text}; only when periods are due depends on it, leases never compare clocks")


def broker(seen: Seen) -> Iterator[Finding]:
    """The broker answers, its queues are there as they should be, and certificates for it last."""
    found = seen.broker
    if found is None:
        return
    yield note("broker", f"{hide(seen.settings.broker_url)} answers: {found.server}")
    yield from (note("broker", text) for text in found.notes)
    if found.unsupported:
        yield wrong("broker", f"{found.server} is not supported", found.unsupported)
    if found.missing:
        yield wrong("broker", f"missing in the broker: {', '.join(found.missing)}", UPDATE)
    for queue, what in found.differing.items():
        text = f"queue {queue} was made with other arguments: {what}"
        yield wrong("broker", text, "stop, delete the queue on the broker, start: what is still requested is sent anew")
    if found.undeclared and _leads(seen.health):
        listed = ", ".join(found.undeclared[:5]) + (" ..." if len(found.undeclared) > 5 else "")
        text = f"{counted(len(found.undeclared), 'queue')} of the context missing: {listed}"
        yield wrong("broker", text, "start scheduler and workers again with this context: they declare what is missing")
    for queue, count in found.dead.items():
        text = f"{counted(count, 'message')} of {queue} {'was' if count == 1 else 'were'} given up on (dead letters)"
        fix = "`launch.py queue dead` lists and settles them; no work is lost, and the logs of the workers say why they died"
        yield warning("broker", text, fix)
    for certificate, left_s in seen.broker_left_s.items():
        yield from _ending("broker", certificate, left_s, "put another one in place: what is connected goes on, nobody comes in anew")


def leader(seen: Seen) -> Iterator[Finding]:
    """A scheduler leads, its turns succeed, and all of them go by one context."""
    health = seen.health
    if health is None:
        return
    if not _leads(health):
        fix = "`launch.py start`, or `launch.py up`; where one runs, its log says why it does not lead"
        yield wrong("leader", "no scheduler leads: nothing is scheduled", _kept_from(seen, SCHEDULER) or fix)
        return
    age_s, most_s = health.last_turn_age_s, seen.settings.lease_s * _IDLE_TURNS
    if age_s is not None and age_s > most_s:
        text = f"nothing is scheduled since {age_s:,.0f} s: {health.leader} leads, and its last good turn is as old as that"
        yield wrong("leader", text, "see the log of that scheduler: its turns fail")
    contexts = {s.facts["context"]: s.box for s in health.sessions if s.kind == SCHEDULER and s.facts.get("context")}
    if len(contexts) > 1:
        text = f"schedulers go by {len(contexts)} different contexts, on {', '.join(sorted(set(contexts.values())))}"
        yield wrong("leader", text, "put the same context on all boxes: who takes over would lead by another one")
    for session in health.sessions:
        if refused := session.facts.get("refused"):
            first = refused.partition("\n")[0].rstrip(":")
            yield wrong("leader", f"the {session.kind} on {session.box} refuses its context: {first}", "`launch.py context plan`")


def workers(seen: Seen) -> Iterator[Finding]:
    """Somebody does the work, and somebody answers commands."""
    if seen.health is None:
        return
    if not any(session.kind == "worker" for session in seen.health.sessions):
        fix = "`launch.py start`, or `launch.py up`"
        yield wrong("workers", "no worker runs: nothing is done", _kept_from(seen, WORKER) or fix)
    if seen.waiting_commands and not _leads(seen.health):
        text = f"{counted(seen.waiting_commands, 'command')} stored and not carried out"
        yield warning("commands", text, "a scheduler that leads carries out what is stored")


def _kept_from(seen: Seen, process: str) -> str:
    """Return what to do where a process is off on a box that is there, or belongs on none: starting boxes is no help then. Else nothing."""
    if off := off_row(seen.boxes, process):
        return f"`{switch_on(off)}`: {off.troubles[0]}"
    there = [row for row in seen.boxes if row.has_supervisor and row.placed]
    if there and not any(row.process == process for row in there):
        named = ", ".join(dict.fromkeys(row.box for row in there))
        return f"none belongs on the boxes that are there, {named}: {_PLACED_BY[process]}"
    return ""


_PLACED_BY = {
    SCHEDULER: "see the setting scheduler_boxes, or `launch.py start` on one that it matches",
    WORKER: "see present_on_boxes in the context and the setting workers, or `launch.py start` on another box",
}


def boxes(seen: Seen) -> Iterator[Finding]:
    """Each box that should keep something alive does, what it keeps stays alive, and no two have one name."""
    for box, beats in _beats(seen.health).items():
        count = sum(max(beats) - at < _BEATS_S for at in beats)
        if count > 1:
            text = f"{count} supervisors call themselves {box}: what one tells of the box overwrites what the other told"
            yield wrong("boxes", text, "give each machine a HORARIUM_BOX of its own, then `launch.py stop` and `launch.py start` there")
    for box in dict.fromkeys(row.box for row in seen.boxes):
        own = [row for row in seen.boxes if row.box == box and row.placed and row.is_on]
        if own and not any(row.has_supervisor for row in own):
            fix = f"`launch.py start` on {box}; where that box is gone for good: `launch.py super --reset --box {box}`"
            yield wrong("boxes", f"{box}: no supervisor beats there, and {', '.join(row.process for row in own)} should run", fix)
        for row in own:
            for trouble in row.troubles:
                yield wrong("boxes", trouble, f"see its log on {box}; `launch.py super --query` shows all")


def _beats(health: Health | None) -> dict[str, list[float]]:
    """Return by box when its supervisors beat last, in seconds. One from before a restart of its machine is open for a lease."""
    found: dict[str, list[float]] = {}
    for session in health.sessions if health else ():
        if session.kind == SUPERVISOR:
            told = session.facts.get("beat_at")
            found.setdefault(session.box, []).append((datetime.fromisoformat(told) if told else session.opened_at).timestamp())
    return found


def daemons(seen: Seen) -> Iterator[Finding]:
    """What the pid files of this box name does run, and is kept by somebody."""
    stale = [f"{row.name} ({row.state})" for row in seen.daemons if row.state in (GONE, STRANGER)]
    if stale:
        fix = "`launch.py start` takes up what was left, `launch.py stop` clears it away"
        yield warning("daemons", f"stale pid files: {', '.join(stale)}", fix)
    running = [row.name for row in seen.daemons[1:] if row.is_running and row.kept_by == seen.daemons[0].name]
    if running and not seen.daemons[0].is_running:
        text = f"{', '.join(running)} run without a supervisor"
        yield warning("daemons", text, "`launch.py start` adopts what runs, `launch.py stop` ends it")


def mx(seen: Seen) -> Iterator[Finding]:
    """The dashboard can be served as the settings say, its certificate lasts, and who should get in can."""
    if seen.mx is None:
        return
    if seen.mx.fault:
        yield wrong("mx", seen.mx.fault, "mend that, then `launch.py super --start mx`")
    if seen.mx.left_s is not None:
        fix = "put another one in place (mx_certificate), then start mx anew"
        yield from _ending("mx", "the dashboard's certificate", seen.mx.left_s, fix)
    if seen.mx.is_locked:
        yield warning("mx", "nobody has an account, and the dashboard asks for a login", "`launch.py user link`")
    if seen.mx.plain:
        text, _, fix = seen.mx.plain.partition(": ")
        yield warning("mx", text, fix)


def _ending(check: str, certificate: str, left_s: float, fix: str) -> Iterator[Finding]:
    if left_s < _CERTIFICATE_LOW_DAYS * _DAY_S:
        judge, when = (wrong, "has ended") if left_s <= 0 else (warning, f"ends in {left_s / _DAY_S:.0f} days")
        yield judge(check, f"{certificate} {when}", fix)


def _leads(health: Health | None) -> bool:
    return health is not None and bool(health.leader)


CHECKS: tuple[Check, ...] = (
    python, zones, folders, modes, disks, context, store, clock, broker, leader, workers, boxes, daemons, mx,
)  # fmt: skip
