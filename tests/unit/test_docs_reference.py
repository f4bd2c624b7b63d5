"""Does the reference say what the code has? Tables, commands, options, JSON and states are compared with it, both ways."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from ast import literal_eval
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import click
import pytest

from db.model_boxes import BoxChild, BoxReport
from launcher.main import cli
from launcher.screen import plain
from scheduler.blockers import Blocker
from scheduler.plans import PREVIEWS
from scheduler.policy import SchedulerSettings
from scripts.draw_lifecycles import drawing
from settings import CHILD_MARKS, FILE_VARIABLE, JOBS_OWN, PREFIX, Settings
from supervisor import policy
from system.context import (
    FreerunProcess,
    ManagedProcess,
    daemon_context_entry,
    freerun_context_entry,
    managed_context_entry,
    timetable_tree_entry,
)
from system.lifecycle import JobState, UowEvent, UowState
from system.schedule import parse_schedule
from system.timeperiod import QUALIFIERS, parse
from tests.support.builders import NOW
from tests.support.commands import commands_of
from tests.support.lamp import Lamp, january
from tests.support.pretended_roof import LampRoof, Terminal
from tests.support.sources import ROOT, sources
from workers.guardian import environment
from workers.policy import WorkerSettings
from workers.slot import Work

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
REFERENCE = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
HOWTO = (ROOT / "docs/howto.md").read_text(encoding="utf-8")
CALLED = re.compile(r"launch\.py((?: +[^`|#;\n]+)?)")
HEADING = re.compile(r"^#{2,3} launch\.py (.+)$", re.MULTILINE)


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}$\n(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"there is no heading {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables of a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = {at - 1 for at, row in enumerate(cells) if set("".join(row)) == {"-"}}
    return [row for at, row in enumerate(cells) if at not in heads and at - 1 not in heads]


def column(heading: str, at: int = 0) -> list[str]:
    """Return one column of the reference's tables below a heading, without backticks."""
    return [row[at].strip("`") for row in rows(section(REFERENCE, heading))]


def commands(group: click.Command = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its words."""
    if not isinstance(group, click.Group):
        yield " ".join(path), group
        return
    for name, command in commands_of(group):
        yield from commands(command, (*path, name))


COMMANDS = dict(commands())


def options(command: click.Command) -> set[str]:
    return {opt for parameter in command.params if isinstance(parameter, click.Option) for opt in parameter.opts}


def calls(text: str) -> list[list[str]]:
    """Return the words of every `launch.py ...` in a text."""
    return [shlex.split(found[1].rstrip(" .,:)")) for found in CALLED.finditer(re.sub(r"\]\([^)]*\)", "]", text))]


def fault_of(words: list[str]) -> str:
    """Return what is wrong with the words after `launch.py`, empty where nothing is."""
    command: click.Command = cli
    given = list(words)
    while given[:1] == ["--set"] and len(given) > 1:
        del given[:2]
    while isinstance(command, click.Group) and given and not given[0].startswith("-") and given[0] != "...":
        found = command.commands.get(given[0])
        if found is None:
            return f"{given[0]!r} is no command"
        command = found
        given.pop(0)
    known = options(command) | {"-h", "--help"}
    wrong = [word for word in given if word.startswith("-") and word not in known]
    return f"{wrong} of {words} is no option" if wrong else ""


@pytest.mark.parametrize("name", PAGES)
def test_every_command_that_a_page_shows_exists(name: str) -> None:
    shown = calls(code_of((ROOT / name).read_text(encoding="utf-8")))
    assert [fault for words in shown if (fault := fault_of(words))] == []


def code_of(text: str) -> str:
    """Return what a page shows of the shell: its fences without a language or of `sh`, and the spans that name `launch.py`."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    fences = [shown for language, shown in found if language in ("", "sh")]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return "\n".join([*fences, *(f"`{span}`" for span in re.findall(r"`([^`\n]+)`", prose) if "launch.py" in span)])


WRONG = ["launch.py jobs why A B", "launch.py job way A B", "launch.py up --untill-done", "launch.py job why A B --why x"]


@pytest.mark.parametrize("shown", WRONG)
def test_a_command_that_does_not_exist_is_seen(shown: str) -> None:
    assert [fault_of(words) for words in calls(shown)] != [""]


def test_every_command_has_its_section() -> None:
    assert sorted(HEADING.findall(REFERENCE)) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_options_of_a_command_are_all_there(name: str) -> None:
    assert set(column(f"launch.py {name}")) == options(COMMANDS[name])


def test_the_settings_are_all_there_with_their_defaults() -> None:
    told = {row[0]: (row[1].strip("`"), literal_eval(row[3].strip("`"))) for row in rows(section(REFERENCE, "Settings"))}
    assert told == {f.name: (PREFIX + f.name.upper(), f.default) for f in fields(Settings)}


def test_the_types_of_the_settings_are_as_told() -> None:
    types = {"text": "str", "seconds": "float", "part of 1": "float", "whole number": "int", "bytes": "int", "MB": "int", "hours": "float"}
    assert {row[0]: types[row[2]] for row in rows(section(REFERENCE, "Settings"))} == {f.name: str(f.type) for f in fields(Settings)}


def test_every_variable_on_a_page_is_a_setting_or_a_mark() -> None:
    known = {PREFIX + f.name.upper() for f in fields(Settings)} | CHILD_MARKS | {"HORARIUM_", FILE_VARIABLE}
    told = {name for page in PAGES for name in re.findall(r"\bHORARIUM_[A-Z_]*", (ROOT / page).read_text(encoding="utf-8"))}
    assert {name for name in told - known if not name.startswith(JOBS_OWN)} == set()


def defaults_of(factory: Callable[..., object]) -> dict[str, object]:
    """Return a factory's parameters with their defaults."""
    parameters = inspect.signature(factory).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD}


def test_the_fields_of_a_process_are_all_there_with_their_defaults() -> None:
    told = {row[0]: row[1].strip("`") for row in rows(section(REFERENCE, "managed_context_entry"))}
    own = {f.name: f.default for f in fields(ManagedProcess) if f.name != "name"}
    assert set(told) == set(own) | set(defaults_of(managed_context_entry))
    plain = {name for name, default in own.items() if default is not MISSING} - {"queue", "routing"}
    assert {name: literal_eval(told[name]) for name in plain} == {name: own[name] for name in plain}
    made = managed_context_entry("a", token="t", time_qualifier="_daily")
    assert (made.queue, made.routing, made.arguments) == ("queue_t_daily", "queue_t_daily", literal_eval(told["arguments"]))


def test_the_fields_of_a_freerun_entry_are_all_there_with_their_defaults() -> None:
    told = {row[0]: row[1].strip("`") for row in rows(section(REFERENCE, "freerun_context_entry"))}
    own = {f.name: f.default for f in fields(FreerunProcess) if f.name != "name"}
    assert set(told) == set(own) | set(defaults_of(freerun_context_entry))
    plain = {name for name, default in own.items() if default is not MISSING} - {"queue"}
    assert {name: literal_eval(told[name]) for name in plain} == {name: own[name] for name in plain}


def test_the_fields_of_a_tree_are_all_there_with_their_defaults() -> None:
    told = {row[0]: row[1].strip("`") for row in rows(section(REFERENCE, "timetable_tree_entry"))}
    found = {name: "required" if d is inspect.Parameter.empty else repr(d) for name, d in defaults_of(timetable_tree_entry).items()}
    assert told == found


def test_the_fields_of_a_daemon_are_all_there() -> None:
    assert column("daemon_context_entry") == list(defaults_of(daemon_context_entry))


def test_the_schedules_can_be_read() -> None:
    assert [parse_schedule(text).text for text in column("Schedules")] == column("Schedules")


def test_the_timeperiods_are_as_told() -> None:
    told = rows(section(REFERENCE, "Timeperiods"))
    assert {row[0].strip("`"): row[1] for row in told} == {q.name: q.pattern for q in QUALIFIERS.values() if q.name != "_real_time"}
    assert [parse(QUALIFIERS[row[0].strip("`")], row[2]).id for row in told] == [row[2] for row in told]


def test_what_a_function_is_given_is_all_there() -> None:
    slots = {name for name in Work.__slots__ if not name.startswith("_")}
    assert set(column("What a function is given")) == slots | {"canceled", "connection", "done", "no_data", "secret"}
    assert all(hasattr(Work, name) for name in ("canceled", "done", "no_data"))


def test_the_environment_of_a_job_is_all_there() -> None:
    told = column("The environment of a job")
    names = ("process", "timeperiod", "qualifier", "start_timeperiod", "end_timeperiod", "start", "end", "attempt", "uow_id", "fence")
    task: Mapping[str, Any] = {**dict.fromkeys(names, "x"), "arguments": {"a": 1}, "slice": {"count": 1}}
    assert set(told) == CHILD_MARKS
    assert set(told) == {*environment(task, {}), "HORARIUM_WORKER"}


def test_the_states_are_all_there() -> None:
    states = column("States")[: len(JobState) + len(UowState)]
    assert states == [*(state.label for state in JobState), *UowState]


def test_the_life_cycles_are_drawn_from_their_tables() -> None:
    told = REFERENCE.partition("<!-- life cycles -->\n")[2].partition("<!-- end of life cycles -->")[0]
    assert told.strip() == drawing()


def test_the_kinds_of_blockers_are_all_there() -> None:
    known = re.findall(r"`([a-z ]+)`", (Blocker.__doc__ or "").partition("Kinds:")[2].partition("`process`")[0].replace("\n", " "))
    assert set(column("Blockers")) == {*known, "waits"}


def test_the_fixed_figures_are_as_told() -> None:
    told, scheduler = section(REFERENCE, "Fixed figures"), SchedulerSettings()
    assert f"{scheduler.window_per_slot} for each slot that is there, at least {scheduler.window_least}" in told
    assert f"| {scheduler.max_losses}; with the next it is held |" in told
    assert f"| {WorkerSettings().uows_per_slot:,} |" in told
    loop = f"{policy.LOOP_AFTER} deaths in a row within {policy.HEALTHY_AFTER_S:g} seconds of their starts"
    assert f"| Crash loop | {loop}; a box tries one of its loops every {policy.BROKEN_PACE_S:g} seconds |" in told


def test_the_verbs_that_can_be_planned_are_all_named() -> None:
    sentence = REFERENCE.partition("### launch.py plan\n")[2].partition(" would touch now")[0]
    assert set(re.findall(r"`([a-z]+)`", sentence)) == set(PREVIEWS)


@pytest.mark.parametrize("name", PAGES)
def test_the_links_to_headings_lead_to_headings(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", (ROOT / name).read_text(encoding="utf-8"))
    targets = [(ROOT / name if page == "" else (ROOT / name).parent / page, anchor) for page, anchor in links]
    assert [(page.name, anchor) for page, anchor in targets if anchor not in anchors(page)] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


# -- JSON


def shape(value: object, *, free: bool = False) -> object:
    """Return the names that a document has, level by level; lists by their first item, plain values as None."""
    if isinstance(value, dict):
        return "free" if free else {name: shape(item, free=name in ("counts", "facts", "causes")) for name, item in value.items()}
    if isinstance(value, list):
        return [] if free else [shape(item) for item in value[:1] if isinstance(item, dict)]
    return None


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    lamp = Lamp(january(max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work("flights_hourly/2013010100/1/1", event=UowEvent.FAILED)
    lamp.open_session("scheduler-2", kind="scheduler")
    lamp.store.put_box_reports([BoxReport("box-1", "worker", 2, NOW, children=(BoxChild("worker.1", 7),))])
    return Terminal(LampRoof(lamp), capsys)


def example(name: str) -> object:
    """Return the document that the reference shows for a command."""
    found = re.search(r"^```json\n(.*?)^```$", section(REFERENCE, f"launch.py {name}"), re.DOTALL | re.MULTILINE)
    assert found, f"launch.py {name} has no example"
    return json.loads(found[1])


@pytest.mark.parametrize("name", ["timetable", "list", "status", "settings", "context check", "job list", "queue list", "query"])
def test_an_example_has_the_shape_of_what_is_printed(name: str, terminal: Terminal) -> None:
    assert shape(example(name)) == shape(terminal.json(*name.split()))


@pytest.mark.parametrize("name", ["job why", "job show", "job log", "job events"])
def test_an_example_of_a_job_has_the_shape_of_what_is_printed(name: str, terminal: Terminal) -> None:
    assert shape(example(name)) == shape(terminal.json(*name.split(), "flights_hourly", "2013010100"))


def test_the_example_of_a_command_has_the_shape_of_what_is_printed(terminal: Terminal) -> None:
    printed = terminal.json("job", "reprocess", "flights_hourly", "2013010100", "--why", "late data")
    assert shape(example("job reprocess")) == shape(printed)


def test_the_example_of_the_boxes_has_the_shape_of_what_is_printed(terminal: Terminal) -> None:
    assert shape(example("super")) == shape(terminal.json("super", "--query"))


def test_the_example_of_up_has_the_shape_of_what_is_printed(terminal: Terminal) -> None:
    with terminal.roof.desk() as desk:
        printed = {"is_done": True, "progress": plain(desk.progress()), **desk.totals(), "seconds": desk.seconds()}
    assert shape(example("up")) == shape(printed)


# -- troubleshooting


def test_every_message_that_is_explained_is_one_of_ours() -> None:
    texts = "\n".join(source.text for source in sources() if not source.path.startswith("tests/"))
    told = [row[0].strip("`") for row in rows(section(HOWTO, "Troubleshooting"))]
    assert [message for message in told if message.strip() not in texts] == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    assert [page for page in PAGES if page.startswith("docs/") and f"({Path(page).name})" not in index and page != "docs/README.md"] == []
