"""What is to run on which box? `launch.py super`: rows in the store, which each box's supervisor takes up by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from db.model import Command
from db.store import Store
from launcher import box_wishes, boxes, named
from launcher.asking import sure
from launcher.boxes import BoxRow
from launcher.parts import Roof
from launcher.say import counted, say
from launcher.screen import json_option, show, show_json
from launcher.web.noted import note
from launcher.who import who
from supervisor.places import MOST_INSTANCES
from system.errors import NotFound

_ACTIONS = "--query, --start, --stop, --update, --reset or --boxid"


@click.command("super")
@click.option("--start", "started", multiple=True, metavar="PROCESS", help="Keep PROCESS alive; a crash loop is tried at once.")
@click.option("--stop", "stopped", multiple=True, metavar="PROCESS", help="Let PROCESS end, and don't start it.")
@click.option("--query", "is_query", is_flag=True, help="Show the rows of all boxes (of one with --box).")
@click.option("--update", "is_update", is_flag=True, help="Bring the rows of a box in line with the context; changes of operators stay.")
@click.option("--reset", "is_reset", is_flag=True, help="Forget what operators changed on a box, or another box that is gone. Asks first.")
@click.option("--boxid", "is_boxid", is_flag=True, help="Show the name of this box, and where it comes from.")
@click.option("--box", "box", default="", metavar="BOX", help="The box that is meant; this one by default.")
@click.option("--instances", type=click.IntRange(1, MOST_INSTANCES), metavar="N", help="With --start: how many of it.")
@click.option("--why", default="", metavar="TEXT", help="With --start, --stop and --reset: the reason; it is kept.")
@click.option("--yes", "is_sure", is_flag=True, help="Don't ask.")
@json_option
@click.pass_obj
def super_command(  # noqa: PLR0913  one option each
    roof: Roof, *, started: tuple[str, ...], stopped: tuple[str, ...], is_query: bool, is_update: bool, is_reset: bool, is_boxid: bool,
    box: str, instances: int | None, why: str, is_sure: bool, as_json: bool,
) -> int:  # fmt: skip
    """Look at what is kept alive on the boxes, and change it.

    What is changed is stored; the supervisor of the box takes it up within a beat, or when it is started.
    """
    asked = [bool(started), bool(stopped), is_query, is_update, is_reset, is_boxid]
    if sum(asked) != 1:
        raise named.BadName(f"say one thing to do: {_ACTIONS}")
    if instances and not started:
        raise named.BadName("--instances goes with --start PROCESS")
    if is_boxid:
        return _boxid(roof, as_json=as_json)
    with roof.joined() as parts:
        if is_query:
            return _query(parts.store, box, as_json=as_json)
        with _named():
            mine = box_wishes.known(roof, parts.store, box)
        is_here = mine == roof.settings.box
        if is_reset:
            if not sure(f"forget what operators changed on {mine}?", is_sure=is_sure):
                return 1
            if _forget(roof, parts.store, mine, why, is_here=is_here):
                return _forgotten(mine, as_json=as_json)
        if is_here or is_update or is_reset:  # what belongs on another box is for that one to say
            box_wishes.update(roof, parts.store, mine)
        if started or stopped:
            _switch(roof, parts.store, mine, started or stopped, is_on=bool(started), instances=instances or 0, why=why)
        return _say(parts.store, mine, started or stopped, as_json=as_json)


def _forget(roof: Roof, store: Store, box: str, why: str, *, is_here: bool) -> bool:
    """Forget what was wanted on a box, and note it in the audit log; returns whether all of the box is forgotten, since it is gone."""
    text, is_gone = box_wishes.forget(store, box), not is_here and not box_wishes.is_kept(store, box)
    verb, said = ("box forget", text) if is_gone else ("box reset", f"forgot what operators changed on {box}")
    note(store, Command(verb, "", box, who(), why, roof.clock.now(), answer=said))
    return is_gone


def _switch(roof: Roof, store: Store, box: str, processes: Sequence[str], *, is_on: bool, instances: int, why: str) -> None:
    """Want processes on or off, and note each in the audit log."""
    with _named():
        box_wishes.switch(roof, store, box, processes, is_on=is_on, instances=instances, who=who(), why=why)
    for process in processes:
        text = box_wishes.told(store, box, process, is_on=is_on, instances=instances)
        note(store, Command("box start" if is_on else "box stop", process, box, who(), why, roof.clock.now(), answer=text))


def _boxid(roof: Roof, *, as_json: bool) -> int:
    box, place = roof.settings.box, roof.settled.places["box"]
    if as_json:
        show_json({"box": box, "from": place})
    else:
        say(f"{box} ({'the host name' if place == 'default' else place})")
    return 0


def _query(store: Store, box: str, *, as_json: bool) -> int:
    rows = boxes.read(store)
    found = [row for row in rows if row.box == box] if box else rows
    if box and not found:
        raise named.BadName(box_wishes.no_box(box, rows))
    if as_json:
        show_json([{**_plain(row), "running": row.running, "state": row.state} for row in found])
    elif not found:
        say("no box is known yet: `launch.py start` begins one, `launch.py super --update` writes the rows of this one")
    else:
        show(boxes.table(found))
        for trouble in boxes.troubles_of(found):
            say(f"! {trouble}")
    return 0


def _plain(row: BoxRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in BoxRow.__slots__}


@contextmanager
def _named() -> Iterator[None]:
    """Say what was named and is not there as other commands say it."""
    try:
        yield
    except NotFound as error:
        raise named.BadName(str(error)) from error


def _forgotten(box: str, *, as_json: bool) -> int:
    if as_json:
        show_json({"box": box, "rows": []})
    else:
        say(f"forgot {box}: it is known again once its supervisor runs")
    return 0


def _say(store: Store, box: str, processes: Sequence[str], *, as_json: bool) -> int:
    rows = [row for row in box_wishes.rows_of(store, box) if not processes or row.process in processes]
    if as_json:
        show_json({"box": box, "rows": [{"process": row.process, "on": row.is_on, "instances": row.instances} for row in rows]})
        return 0
    for row in rows:
        say(f"{row.process} on {box}: {'on' if row.is_on else 'off'}, {counted(row.instances, 'instance')}")
    say(f"its supervisor takes it up within a beat: launch.py super --query --box {box}" if box_wishes.is_kept(store, box) else
               f"no supervisor runs on {box}: it holds from its next start (launch.py start, there)")  # fmt: skip
    return 0
