"""Is the process context sound? Loads it and checks it as a whole, listing all faults at once."""

from __future__ import annotations

import graphlib
import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TypeVar

from system.class_path import find_modules
from system.context import Context, DaemonProcess, Dependency, FreerunProcess, ManagedProcess, ProcessEntry, Queue, Tree
from system.dependency_check import dependency_faults, graph_faults
from system.entry_check import is_texts, name_fault, near, process_faults, qualifier_of, queue_faults, queue_name_fault, tree_faults
from system.errors import ConfigError
from system.zone_check import SINCE, zone_faults

Entry = TypeVar("Entry", bound=ProcessEntry | Tree | Queue)
_HOW = "give the path of a .py file, or a dotted module name"


def check(processes: object, trees: object, queues: object = (), folder: str = "", default_start: str = SINCE) -> Context:
    """Return the context that the entries make up; raises ConfigError that lists every fault.

    Each of the three is a list of entries, or a dict whose values are entries. `folder` is where the user's code lives; where it is
    empty, class paths are not looked up. `default_start` is the hourly id at which processes start that have no start of their own.
    """
    return _checked("the process context", (processes, trees, queues), folder, default_start)


def load_context(where: str, default_start: str = SINCE) -> Context:
    """Return the checked context of a module, `where` being the path of its file or its dotted name; raises ConfigError.

    The file's folder is the user's folder. The module is imported under its own name, with that folder first on the path.
    `default_start` as for `check`.
    """
    file, name = _locate(where)
    title = f"the process context {file}"
    module = _imported(title, file, name)
    missing = [given for given in ("process_context", "timetable_context") if not hasattr(module, given)]
    if missing:
        raise _refusal(title, [f"{given} is missing: add a list of entries by this name" for given in missing])
    folder = str(file.parent)
    given = module.process_context, module.timetable_context, getattr(module, "queue_context", ())
    return _checked(title, given, folder, default_start)


def context_file(where: str) -> Path:
    """Return the file of a context that `load_context` would load; raises ConfigError where there is none."""
    return _locate(where)[0]


def shape(process: ManagedProcess, context: Context) -> str:
    """Return as JSON what must not change silently once a process is registered.

    `level` is the process whose periods it waits for as its children; `dependencies` those of the trees that its tree depends on.
    """
    tree = next((t for t in context.trees.values() if process.name in t.enclosed_processes), None)
    finer = [p for p in _members(context, tree) if p.qualifier > process.qualifier]
    inputs = [p for name in (tree.dependent_on if tree else ()) for p in _members(context, context.trees.get(name))]
    facts = {
        "qualifier": process.time_qualifier,
        "grouping": process.time_grouping,
        "tree": tree.name if tree else "",
        "level": min(finer, key=lambda p: p.qualifier).name if finer else "",
        "dependencies": sorted({p.name for p in inputs if p.qualifier == process.qualifier}),
        "start": process.start,
        "end": process.end,
    }
    # What follows is left out where there is none of it: what was registered before there was any has no such fact.
    if process.needs:
        facts["depends_on"] = sorted(map(_said_of, process.needs))
    if (calendar := context.calendar_of(process.name)).moves(process.qualifier):
        facts["time_zone"] = calendar.time_zone
    return json.dumps(facts, sort_keys=True)


def _said_of(need: Dependency) -> str:
    """Return a dependency in one way of writing, whatever the order of its processes."""
    shown = [", ".join(sorted(need.processes))]
    shown += [f"{f.name}={getattr(need, f.name)}" for f in fields(need)[1:] if getattr(need, f.name) != f.default]
    return " ".join(shown)


def _members(context: Context, tree: Tree | None) -> list[ManagedProcess]:
    return [context.managed[name] for name in tree.enclosed_processes if name in context.managed] if tree else []


def _checked(title: str, given: tuple[object, object, object], folder: str, default_start: str) -> Context:
    faults: list[str] = []
    processes, trees, queues = given
    kinds: tuple[type[ProcessEntry], ...] = (ManagedProcess, FreerunProcess, DaemonProcess)
    found_processes = _entries("process_context", processes, kinds, faults)
    found_trees = _entries("timetable_context", trees, (Tree,), faults)
    found_queues = _entries("queue_context", queues, (Queue,), faults)
    for process in found_processes:
        own = [*name_fault("name", process.name), *process_faults(process, folder)]
        if isinstance(process, ManagedProcess):
            own += dependency_faults(process)
        entry = f" entry {process.entry_name!r}" if isinstance(process, FreerunProcess) else ""
        faults.extend(f"process {process.name!r}{entry}: {fault}" for fault in own)
    managed = {p.name: p for p in found_processes if isinstance(p, ManagedProcess) and isinstance(p.name, str)}
    for tree in found_trees:
        own = [*name_fault("name", tree.name), *tree_faults(tree), *zone_faults(tree, managed, default_start)]
        faults.extend(f"tree {tree.name!r}: {fault}" for fault in own)
    for queue in found_queues:
        faults.extend(f"queue {queue.name!r}: {fault}" for fault in [*queue_name_fault(queue.name), *queue_faults(queue)])
    faults.extend(_double_names(found_processes, found_trees, found_queues))
    faults.extend(_shared_queues(found_processes))
    faults.extend(_tree_faults(found_processes, found_trees))
    if not any("depends on itself, " in fault for fault in faults):  # trees in a circle are said already
        faults.extend(graph_faults(found_processes, found_trees, default_start))
    if faults:
        raise _refusal(title, faults)
    return Context(
        processes=tuple(found_processes),
        trees=MappingProxyType({tree.name: tree for tree in found_trees}),
        queues=tuple(found_queues),
        folder=folder,
    )


def _refusal(title: str, faults: list[str]) -> ConfigError:
    count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
    return ConfigError("\n  - ".join([f"{title} has {count}:", *faults]), tuple(faults))


def _entries(what: str, given: object, kinds: tuple[type[Entry], ...], faults: list[str]) -> list[Entry]:
    """Return the entries of the right type; what else there is goes to `faults`."""
    if isinstance(given, Mapping):
        places = [(f"{what}[{key!r}]", key, entry) for key, entry in given.items()]
    elif isinstance(given, list | tuple):
        places = [(f"{what}[{at}]", None, entry) for at, entry in enumerate(given)]
    else:
        faults.append(f"{what} is {_kind_of(given)}: make it a list of entries, or a dict whose values are entries")
        return []
    found: list[Entry] = []
    for place, key, entry in places:
        if not isinstance(entry, kinds):
            faults.append(f"{place} is {_kind_of(entry)}: make it by the factories of system.context")
            continue
        found.append(entry)
        if key is not None and key != entry.name:
            faults.append(f"{place} holds the entry named {entry.name!r}: give key and entry the same name")
    return found


def _kind_of(found: object) -> str:
    return "None" if found is None else f"of type {type(found).__name__}"


def _double_names(processes: list[ProcessEntry], trees: list[Tree], queues: list[Queue]) -> Iterator[str]:
    yield from _doubles("process", (p.name for p in processes if not isinstance(p, FreerunProcess)))
    yield from _doubles("tree", (tree.name for tree in trees))
    yield from _doubles("queue", (queue.name for queue in queues))
    freeruns = [p for p in processes if isinstance(p, FreerunProcess)]
    yield from _doubles("freerun entry", (f"{p.name}/{p.entry_name}" for p in freeruns))
    others = [p.name for p in processes if not isinstance(p, FreerunProcess)]
    for name in dict.fromkeys(p.name for p in freeruns if p.name in others):
        yield f"process {name!r}: is registered as freerun and as another kind too: give one of them another name"


def _doubles(kind: str, names: Iterable[object]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for name in names:
        if isinstance(name, str):
            counts[name] = counts.get(name, 0) + 1
    for name, count in counts.items():
        if count > 1:
            yield f"{kind} {name!r}: is registered {count} times: give each its own name"


def _shared_queues(processes: list[ProcessEntry]) -> Iterator[str]:
    users: dict[str, dict[str, None]] = {}
    for process in processes:
        if not isinstance(process, DaemonProcess) and isinstance(process.queue, str):
            users.setdefault(process.queue, {})[str(process.name)] = None
    for queue, names in users.items():
        if len(names) > 1:
            yield f"queue {queue!r}: is shared by the processes {_listed(names)}: give each its own token, or its own queue"


def _tree_faults(processes: list[ProcessEntry], trees: list[Tree]) -> Iterator[str]:
    by_name = {p.name: p for p in processes if isinstance(p.name, str)}
    readable = [tree for tree in trees if is_texts(tree.enclosed_processes)]
    for tree in readable:
        yield from _members_faults(tree, by_name)
    yield from _homes_faults(by_name, readable)
    yield from _links_faults([tree for tree in trees if isinstance(tree.name, str) and is_texts(tree.dependent_on)])


def _members_faults(tree: Tree, by_name: Mapping[str, ProcessEntry]) -> Iterator[str]:
    levels: dict[str, str] = {}
    for name in dict.fromkeys(tree.enclosed_processes):
        process = by_name.get(name)
        if process is None:
            yield f"tree {tree.name!r}: encloses {name!r}, which is not registered: register it, or take it out{near(name, by_name)}"
        elif not isinstance(process, ManagedProcess):
            yield f"tree {tree.name!r}: encloses {name!r}, which is not managed and has no timeperiods: take it out"
        elif qualifier := qualifier_of(process):
            other = levels.setdefault(qualifier.name, name)
            if other != name:
                both = f"{other!r} and {name!r}"
                yield f"tree {tree.name!r}: has two {qualifier.name} processes, {both}: keep one, or move one to another tree"


def _homes_faults(by_name: Mapping[str, ProcessEntry], trees: list[Tree]) -> Iterator[str]:
    homes: dict[str, list[str]] = {}
    for tree in trees:
        for name in tree.enclosed_processes:
            homes.setdefault(name, []).append(str(tree.name))
    for name, process in by_name.items():
        found = homes.get(name, [])
        if len(found) > 1:
            yield f"process {name!r}: is enclosed {len(found)} times, by the trees {_listed(found)}: keep it in one of them, once"
        elif not found and isinstance(process, ManagedProcess):
            yield f"process {name!r}: is in no tree: name it in the enclosed_processes of one"


def _links_faults(trees: list[Tree]) -> Iterator[str]:
    names = [tree.name for tree in trees]
    for tree in trees:
        for name in dict.fromkeys(tree.dependent_on):
            if name not in names:
                yield f"tree {tree.name!r}: depends on {name!r}, which is no tree: correct dependent_on{near(name, names)}"
    graph = {tree.name: [name for name in tree.dependent_on if name in names] for tree in trees}
    while cycle := _cycle(graph):
        yield f"tree {cycle[0]!r}: depends on itself, {' -> '.join(cycle)}: take one of these out of dependent_on"
        graph[cycle[0]] = [name for name in graph[cycle[0]] if name != cycle[1]]


def _cycle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the trees of one cycle, each before the one that it depends on, the first again at the end; empty where there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in dict.fromkeys(names))


def _locate(where: str) -> tuple[Path, str]:
    """Return the file of a context module, and the name to import it under."""
    path = Path(where)
    if path.suffix == ".py" and path.is_file():
        return path.resolve(), path.stem
    parts = where.split(".")
    specs = find_modules(parts, list(sys.path)) if all(part.isidentifier() for part in parts) else []
    if len(specs) == len(parts) and specs[-1].has_location and specs[-1].origin:
        return Path(specs[-1].origin).resolve(), where
    if path.is_dir():
        raise ConfigError(f"the process context {where!r} is a folder: {_HOW}, such as {path / 'context.py'}")
    if path.exists():
        raise ConfigError(f"the process context {where!r} is no .py file: {_HOW}")
    raise ConfigError(f"the process context {where!r} is neither there as a file nor a module that Python finds: {_HOW}")


def _imported(title: str, file: Path, name: str) -> ModuleType:
    importlib.invalidate_caches()
    if "." in name:
        sys.modules.pop(name, None)  # it may have been loaded before it was changed
    run: Callable[[], ModuleType] = (lambda: importlib.import_module(name)) if "." in name else (lambda: _run(file, name))
    with _first_on_path(str(file.parent)):
        try:
            return run()
        except (Exception, SystemExit) as error:
            raise ConfigError(f"{title} can't be loaded: {_place(error, file)}{_said(error)}") from error


def _run(file: Path, name: str) -> ModuleType:
    """Run a file as the module `name`, whatever other module goes by that name: two deployments may both have a `context`."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None, f"every .py file has a loader: {file}"  # noqa: PT018  one belief
    module = importlib.util.module_from_spec(spec)
    other = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        if other is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = other
    return module


@contextmanager
def _first_on_path(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _place(error: BaseException, file: Path) -> str:
    """Return where in the user's own files the error arose, such as `/srv/jobs/context.py line 7: `; empty where that is unknown."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename} line {error.lineno}: "
    place = ""
    frame = error.__traceback__
    while frame:
        found = frame.tb_frame.f_code.co_filename
        if Path(found).is_relative_to(file.parent):
            place = f"{found} line {frame.tb_lineno}: "
        frame = frame.tb_next
    return place


def _said(error: BaseException) -> str:
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {message or 'without a message'}; mend this line"
