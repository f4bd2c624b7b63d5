"""What is to run on which box? `launch.py super`: rows in the store, which each box's supervisor takes up by itself."""

from __future__ import annotations

import difflib
import getpass
from collections.abc import Sequence

import click

from db.model_boxes import BoxReport, BoxWish
from db.store import Store
from launcher import boxes, named
from launcher.asking import sure
from launcher.box import places
from launcher.boxes import BoxRow
from launcher.parts import Roof
from launcher.say import counted, say
from launcher.screen import json_option, show, show_json
from supervisor.attendance import KIND
from supervisor.places import MOST_INSTANCES

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
@click.option("--why", default="", metavar="TEXT", help="With --start and --stop: the reason; it is kept.")
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
        mine = _known(roof, parts.store, box)
        if is_reset:
            if not sure(f"forget what operators changed on {mine}?", is_sure=is_sure):
                return 1
            parts.store.drop_box(mine, [row.process for row in _rows(parts.store, mine)])
        is_here = mine == roof.settings.box
        if is_reset and not is_here and not _is_kept(parts.store, mine):
            return _forgotten(mine, as_json=as_json)
        if is_here or is_update or is_reset:  # what belongs on another box is for that one to say
            _update(roof, parts.store, mine)
        if started or stopped:
            _switch(roof, parts.store, mine, started or stopped, is_on=bool(started), instances=instances or 0, why=why)
        return _say(parts.store, mine, started or stopped, as_json=as_json)


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
        raise named.BadName(_no_box(box, rows))
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


def _rows(store: Store, box: str) -> list[BoxRow]:
    return [row for row in boxes.read(store) if row.box == box]


def _known(roof: Roof, store: Store, box: str) -> str:
    """Return the box that is meant; a name that nobody has heard of is refused, as a wish for it would wait for ever."""
    rows = boxes.read(store)
    if box and box != roof.settings.box and not any(row.box == box for row in rows):
        raise named.BadName(_no_box(box, rows))
    return box or roof.settings.box


def _no_box(box: str, rows: Sequence[BoxRow]) -> str:
    there = ", ".join(dict.fromkeys(row.box for row in rows)) or "none yet"
    return f"no box is called {box!r}; there are: {there}. A box is known once its supervisor has run"


def _switch(roof: Roof, store: Store, box: str, processes: Sequence[str], *, is_on: bool, instances: int, why: str) -> None:
    before = {wish.process: wish for wish in store.box_wishes() if wish.box == box}
    # Another box may run by another context: what it says of itself counts as much as ours.
    told = [row.process for row in _rows(store, box) if row.placed]
    belong = list(dict.fromkeys([*(place.process for place in places(roof, box)), *told]))
    for process in processes:
        if process not in belong:
            near = difflib.get_close_matches(process, belong, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(belong)}"
            raise named.BadName(f"no process {process!r} belongs on {box}; {hint}")
    now, who = roof.clock.now(), getpass.getuser()
    kept = {process: instances or (before[process].instances if process in before else 0) for process in processes}
    store.put_box_wishes([BoxWish(box, process, is_on, kept[process], who, why, now) for process in processes])


def _update(roof: Roof, store: Store, box: str) -> None:
    """Write the rows that are missing, drop those of processes that don't belong here and that no operator spoke of."""
    rows = {row.process: row for row in _rows(store, box)}
    belong = {place.process: place for place in places(roof, box)}
    now = roof.clock.now()
    missing = [place for place in belong.values() if place.process not in rows or not rows[place.process].placed]
    store.put_box_reports([BoxReport(box, place.process, place.instances, now) for place in missing])
    store.drop_box(box, [row.process for row in rows.values() if row.process not in belong and row.given_at is None])
    gone = [row for row in rows.values() if row.process not in belong and row.given_at is not None]
    store.put_box_reports([BoxReport(box, row.process, 0, now) for row in gone])


def _is_kept(store: Store, box: str) -> bool:
    return any(session.kind == KIND and session.box == box for session in store.sessions())


def _forgotten(box: str, *, as_json: bool) -> int:
    if as_json:
        show_json({"box": box, "rows": []})
    else:
        say(f"forgot {box}: it is known again once its supervisor runs")
    return 0


def _say(store: Store, box: str, processes: Sequence[str], *, as_json: bool) -> int:
    rows = [row for row in _rows(store, box) if not processes or row.process in processes]
    if as_json:
        show_json({"box": box, "rows": [{"process": row.process, "on": row.is_on, "instances": row.instances} for row in rows]})
        return 0
    for row in rows:
        say(f"{row.process} on {box}: {'on' if row.is_on else 'off'}, {counted(row.instances, 'instance')}")
    say(f"its supervisor takes it up within a beat: launch.py super --query --box {box}" if _is_kept(store, box) else
               f"no supervisor runs on {box}: it holds from its next start (launch.py start, there)")  # fmt: skip
    return 0
