"""What is wrong with one entry of the process context, looked at by itself?

Every fault is a sentence: what was found, and what to do about it. Whoever asks puts the entry's name in front.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import cast

from system.class_path import class_path_fault
from system.context import (
    BLOCKING_TYPES,
    CATCHUP,
    JOB_QUEUE,
    MISFIRE,
    ON_FAILURE,
    REPORT_QUEUE,
    STATE_MACHINES,
    DaemonProcess,
    FreerunProcess,
    ManagedProcess,
    ProcessEntry,
    Queue,
    Tree,
    schedule_faults,
)
from system.errors import ConfigError, TimeperiodError
from system.fires import SHORTEST_EVERY_S
from system.grouping import largest_grouping
from system.lanes import BACKFILL_END, Lane, lane_of
from system.overlap import parse_overlap
from system.schedule import LONGEST_S
from system.source_entry import SourceEntry, source_fault
from system.timeperiod import LAST_YEAR, QUALIFIERS, REAL_TIME, Qualifier, Timeperiod, parse

# Names become ids, file names and words of a command line.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}", re.ASCII)
_QUEUE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", re.ASCII)
# What a broker may call by its name; it takes 255 bytes, with what is put before and behind.
_MOST_BYTES = {"exchange": 200, "routing": 200}
_MOST_CAUGHT_UP = 1_000_000
# Many fires are in one turn, which is one record of the store; and Linux takes 128 KiB in a variable of the environment.
MOST_ARGUMENTS = 100_000
_OPTIONAL_TEXTS = ("sink", "pid_file", "log_file")
_OWN_NAMES = ("scheduler", "worker", "supervisor", "mx")
_TEXTS = ("exchange", "routing", "description", "owner")


def process_faults(process: ProcessEntry, folder: str) -> Iterator[str]:
    """Yield what is wrong with a process by itself; class paths are looked up in `folder`, unless that is empty."""
    yield from name_fault("token", process.token)
    yield from _arguments_faults(process.arguments)
    if isinstance(process, ManagedProcess):
        yield from _managed_faults(process, folder)
    elif isinstance(process, FreerunProcess):
        yield from _freerun_faults(process, folder)
    else:
        yield from _daemon_faults(process, folder)


def tree_faults(tree: Tree) -> Iterator[str]:
    """Yield what is wrong with a tree by itself."""
    yield from _texts_fault("enclosed_processes", tree.enclosed_processes)
    yield from _texts_fault("dependent_on", tree.dependent_on)
    if not tree.enclosed_processes:
        yield "encloses no process: name at least one, or take the tree out"
    for field in ("mx_name", "mx_page"):
        yield from _text_fault(field, getattr(tree, field), optional=True)


def queue_faults(queue: Queue) -> Iterator[str]:
    """Yield what is wrong with a declared queue by itself, apart from its name."""
    yield from _text_fault("exchange", queue.exchange)
    yield from _text_fault("routing", queue.routing)


def name_fault(field: str, name: object, pattern: re.Pattern[str] = _NAME) -> Iterator[str]:
    """Yield what is wrong with a name that becomes part of ids."""
    if not isinstance(name, str) or not pattern.fullmatch(name):
        yield f"{field} {name!r} does not fit an id: use letters, digits, '_', '.' and '-', not starting with '.' or '-', 80 at most"


def queue_name_fault(name: object) -> Iterator[str]:
    """Yield what is wrong with a queue's name."""
    if name in (REPORT_QUEUE, JOB_QUEUE):
        yield f"queue {name!r} is Horarium's own: choose another"
    elif not isinstance(name, str) or not _QUEUE.fullmatch(name):
        yield f"queue {name!r} is no queue's name: use letters, digits, '_', '.' and '-', 200 at most"
    elif lane_of(name) is Lane.BACKFILL:
        yield f"queue {name!r} ends with '{BACKFILL_END}', which is for the queue of history beside each queue: choose another"


def near(found: object, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name that is nearest to `found`, empty where none is near."""
    import difflib  # late: only a fault needs it

    matches = difflib.get_close_matches(found, list(known), 1) if isinstance(found, str) else []
    return f"; did you mean {matches[0]!r}?" if matches else ""


def is_texts(found: object) -> bool:
    """Say whether `found` is a tuple or list of texts."""
    return isinstance(found, tuple | list) and all(isinstance(text, str) for text in found)


def qualifier_of(process: ManagedProcess) -> Qualifier | None:
    """Return a process's qualifier, None where that is unknown or not allowed."""
    found = QUALIFIERS.get(process.time_qualifier) if isinstance(process.time_qualifier, str) else None
    return None if found is REAL_TIME else found


def _managed_faults(process: ManagedProcess, folder: str) -> Iterator[str]:
    yield from _qualifier_fault(process.time_qualifier)
    yield from _work_faults(process, folder)
    yield from _schedule_fault(process.trigger_frequency)
    yield from _choice_fault("state_machine_name", process.state_machine_name, STATE_MACHINES)
    yield from _choice_fault("blocking_type", process.blocking_type, BLOCKING_TYPES)
    yield from _choice_fault("on_failure", process.on_failure, ON_FAILURE)
    yield from _switch_fault(process.is_on)
    yield from _catchup_fault(process.catchup)
    yield from _deadline_fault(process)
    yield from _grouping_faults(process)
    yield from _bounds_faults(process)
    yield from _number_faults(process, ("lag_s", "timeout_s", "backoff_s"), ("max_in_flight", "max_attempts"))
    yield from queue_name_fault(process.queue)
    yield from _boxes_fault(process.present_on_boxes)
    for field in _TEXTS:
        yield from _text_fault(field, getattr(process, field))
    for field in _OPTIONAL_TEXTS:
        yield from _text_fault(field, getattr(process, field), optional=True)
    yield from _source_faults(process)
    yield from _late_faults(process)


def _late_faults(process: ManagedProcess) -> Iterator[str]:
    late_s = process.late_s
    if not _is_number(late_s) or not 0 <= late_s <= LONGEST_S:
        yield f"late_s {late_s!r} is no number of seconds: use more than lag_s and less than a century, or 0 for never"
    elif late_s and process.state_machine_name != "recomputing":
        yield f"late_s {late_s!r} is for recomputing processes, whose source is asked for late rows: set it to 0"
    elif late_s and _is_number(process.lag_s) and late_s <= process.lag_s:
        yield f"late_s {late_s!r} is over before a period is finished (lag_s {process.lag_s!r}): make it longer, or the lag shorter"


def _source_faults(process: ManagedProcess) -> Iterator[str]:
    if process.state_machine_name == "recomputing":
        if fault := source_fault(process.source):
            yield fault
    elif not isinstance(process.source, SourceEntry):
        yield from _text_fault("source", process.source, optional=True)


def _freerun_faults(process: FreerunProcess, folder: str) -> Iterator[str]:
    yield from name_fault("entry_name", process.entry_name)
    yield from _work_faults(process, folder)
    yield from _schedule_fault(process.trigger_frequency)
    yield from _weight_fault(process.arguments)
    yield from _shortest_fault(process.trigger_frequency)
    yield from _overlap_fault(process.overlap)
    yield from _choice_fault("misfire", process.misfire, MISFIRE)
    yield from _choice_fault("on_failure", process.on_failure, ON_FAILURE)
    yield from _switch_fault(process.is_on)
    yield from _number_faults(process, ("grace_s", "timeout_s", "backoff_s"), ("max_attempts",))
    yield from queue_name_fault(process.queue)
    yield from _boxes_fault(process.present_on_boxes)
    for field in ("exchange", "description", "owner"):
        yield from _text_fault(field, getattr(process, field))


def _shortest_fault(frequency: object) -> Iterator[str]:
    words = frequency.split() if isinstance(frequency, str) else []
    if words[:1] == ["every"] and not schedule_faults(str(frequency)) and float(words[1]) < SHORTEST_EVERY_S:
        yield f"trigger_frequency {frequency!r} is too often for an entry: 'every {SHORTEST_EVERY_S}' is the most often"


def _overlap_fault(found: object) -> Iterator[str]:
    try:
        parse_overlap(found) if isinstance(found, str) else parse_overlap(repr(found))
    except ConfigError as error:
        yield str(error)


def _daemon_faults(process: DaemonProcess, folder: str) -> Iterator[str]:
    if isinstance(process.name, str) and (process.name in _OWN_NAMES or re.search(r"\.\d+$", process.name)):
        yield f"name {process.name!r} is taken by Horarium's own processes, or by a second instance of a daemon: choose another"
    yield from _class_path_fault(process.classname, folder)
    yield from _boxes_fault(process.present_on_boxes)


def _qualifier_fault(found: object) -> Iterator[str]:
    known = [name for name in QUALIFIERS if name != REAL_TIME.name]
    if found == REAL_TIME.name:
        yield f"time_qualifier '_real_time' is for freerun work, a managed process has timeperiods: use one of {', '.join(known)}"
    elif found not in known:
        yield f"time_qualifier {found!r} is unknown: use one of {', '.join(known)}{near(found, known)}"


def _work_faults(process: ManagedProcess | FreerunProcess, folder: str) -> Iterator[str]:
    if process.argv and process.classname:
        yield f"has both classname {process.classname!r} and argv {process.argv!r}: keep one of them"
    elif not process.argv and not process.classname:
        yield "has neither classname nor argv: name a function ('module.function'), or a command (['program', 'argument'])"
    elif process.argv:
        yield from _texts_fault("argv", process.argv)
    else:
        yield from _class_path_fault(process.classname, folder)
    code = process.noop_exit_code
    if code is not None and not (_is_whole(code) and 1 <= code <= 255):
        yield f"noop_exit_code {code!r} is no exit code that a command could mean 'no data' by: use 1 to 255, or None"


def _class_path_fault(classname: object, folder: str) -> Iterator[str]:
    if not isinstance(classname, str):
        yield f"classname {classname!r} is no text: write 'module.function' or 'module.Class.method'"
    elif fault := class_path_fault(classname, folder):
        yield f"classname {fault}"


def _schedule_fault(frequency: object) -> Iterator[str]:
    if not isinstance(frequency, str):
        yield f"trigger_frequency {frequency!r} is no text: write 'every SECONDS', 'at HH:MM' or 'cron M H D MON DOW'"
    elif fault := schedule_faults(frequency):
        yield f"trigger_frequency {fault}"


def _choice_fault(field: str, found: object, known: Collection[str]) -> Iterator[str]:
    if found not in known:
        yield f"{field} {found!r} is unknown: use one of {', '.join(known)}{near(found, known)}"


def _switch_fault(is_on: object) -> Iterator[str]:
    if not isinstance(is_on, bool):
        yield f"is_on {is_on!r} is neither True nor False: use one of them"


def _deadline_fault(process: ManagedProcess) -> Iterator[str]:
    found = process.deadline
    if found is None:
        return
    if not _is_number(found) or not 0 < found <= LONGEST_S:
        yield f"deadline {found!r} is no number of seconds: use more than 0, at most a century, counted from a period's end, or None"
    elif _is_number(process.lag_s) and found <= process.lag_s:
        yield f"deadline {found!r} is over before a period may run (lag_s {process.lag_s!r}): make it longer, or the lag shorter"


def _catchup_fault(found: object) -> Iterator[str]:
    if found not in CATCHUP and not (_is_whole(found) and 1 <= cast(int, found) <= _MOST_CAUGHT_UP):
        yield f"catchup {found!r} is unknown: use 'all', 'none', or how many of the last runs, 1 to {_MOST_CAUGHT_UP:,}"


def _grouping_faults(process: ManagedProcess) -> Iterator[str]:
    size = process.time_grouping
    qualifier = qualifier_of(process)
    largest = largest_grouping(qualifier) if qualifier else 1
    if not _is_whole(size) or not 1 <= size <= largest:
        yield f"time_grouping {size!r} does not fit {process.time_qualifier}: use a whole number, {_span(1, largest)}"


def _bounds_faults(process: ManagedProcess) -> Iterator[str]:
    qualifier = qualifier_of(process)
    bounds: dict[str, Timeperiod] = {}
    for field, text in (("start", process.start), ("end", process.end)):
        if not isinstance(text, str):
            yield f"{field} {text!r} is no text: write a timeperiod's id, or '' for none"
        elif text and qualifier:
            try:
                bounds[field] = parse(qualifier, text)
            except TimeperiodError as error:
                yield f"{field} {error}"
    if "start" in bounds and bounds["start"].start.year > LAST_YEAR:
        yield f"start {process.start!r} lies too near to the calendar's end: {LAST_YEAR} is the last year in which a process may start"
    if len(bounds) == 2 and bounds["end"] <= bounds["start"]:
        yield f"end {process.end!r} is not after start {process.start!r}: end is the first period that is not run any more"


def _number_faults(process: ManagedProcess | FreerunProcess, spans: Iterable[str], counts: Iterable[str]) -> Iterator[str]:
    for field in spans:
        if not _is_number(found := getattr(process, field)) or not 0 <= found <= LONGEST_S:
            yield f"{field} {found!r} is no number of seconds: use 0 or more, at most a century"
    if not _is_number(hours := process.life_support_hours) or hours <= 0:
        yield f"life_support_hours {hours!r} is no number of hours: use more than 0"
    for field in counts:
        if not _is_whole(found := getattr(process, field)) or found < 0:
            yield f"{field} {found!r} is no whole number: use 1 or more, or 0 for no limit"


def _boxes_fault(found: object) -> Iterator[str]:
    if found is None:
        return
    try:
        re.compile(found)  # type: ignore[call-overload]
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        yield f"present_on_boxes {found!r} is no regular expression ({error}): correct it, or use None for every box"


def _arguments_faults(arguments: object) -> Iterator[str]:
    if not isinstance(arguments, Mapping):
        yield f"arguments {arguments!r} is no dict: write {{'name': value}}"
        return
    yield from _keys_faults(arguments, "arguments", 0)
    try:
        json.dumps(dict(arguments), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        yield f"arguments can't be written as JSON ({error}): use texts, numbers, True, False, None, lists and dicts"


def _weight_fault(arguments: Mapping[str, object]) -> Iterator[str]:
    """Yield that arguments are too long to be written with each fire, and into the environment of a command."""
    with suppress(TypeError, ValueError, RecursionError, AttributeError):  # said of arguments of any process
        if (length := len(json.dumps(dict(arguments)))) > MOST_ARGUMENTS:
            yield (
                f"arguments are {length:,} characters as JSON, and those of an entry may be {MOST_ARGUMENTS:,}, as each fire carries them: "
                "keep what is long in a file or a table, and name that"
            )


def _keys_faults(found: object, where: str, depth: int) -> Iterator[str]:
    # JSON would turn a number into a text without a word, and the job would not find its key.
    inner: Iterable[tuple[object, object]] = ()
    if isinstance(found, Mapping):
        inner = found.items()
        for key in found:
            if not isinstance(key, str):
                yield f"{where} has the key {key!r}, which is no text: write {str(key)!r}"
    elif isinstance(found, list | tuple):
        inner = enumerate(found)
    if depth < 20:
        for key, value in inner:
            yield from _keys_faults(value, f"{where}[{key!r}]", depth + 1)


def _text_fault(field: str, found: object, *, optional: bool = False) -> Iterator[str]:
    if not isinstance(found, str) and not (optional and found is None):
        yield f"{field} {found!r} is no text: write a text{', or None' if optional else ''}"
    elif (most := _MOST_BYTES.get(field)) and len((found or "").encode("utf-8", "replace")) > most:
        yield f"{field} {found!r} is too long: use {most} bytes at most"


def _texts_fault(field: str, found: object) -> Iterator[str]:
    if isinstance(found, str):
        yield f"{field} is the one text {found!r}: write a list, such as {found.split() or [found]}"
    elif not is_texts(found):
        yield f"{field} {found!r} is no list of texts: write a list, such as ['a', 'b']"


def _is_number(found: object) -> bool:
    # A whole number of hundreds of digits is no float, and `isfinite` raises.
    return _is_whole(found) or (isinstance(found, float) and math.isfinite(found))


def _is_whole(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)


def _span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"
