"""What if somebody wrote markup into everything that the store keeps? A deployment full of it, and what a browser would make of a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from db.entries import Entry, Run
from db.model import Answer, Command, CommandState, Event, Job, Outcome, OutputPiece, ProcessRow, Session, Switch, UnitOfWork
from db.model_boxes import BoxChild, BoxReport, BoxWish
from db.store import Store
from launcher.web.desk import WebDesk
from system.clock import ManualClock
from system.lifecycle import JobState, UowEvent, UowState
from tests.support.builders import turn
from tests.support.mx import web_desk
from tests.support.steered import CONTEXT, FIRE, HOUR, NOW, within, write_context
from tests.support.stores import commit

# Would leave an attribute, a cell, a title, a script or a template, and has no slash, so that it can stand in a name.
EVIL = "\"'`><x-evil onclick=alert(1)><img src=x onerror=alert(1)>{{7*7}}{%x%}&lt;x-evil&gt;-->"
LONG_EVIL = f"</title></textarea></script></style><script>alert(1)</script>{EVIL} javascript:alert(1)"
_TAGS = ("x-evil", "img")


class _Page(HTMLParser):
    """What is wrong with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _TAGS or (tag == "script" and not given.get("src")):
            self.faults.append(f"<{tag} {given}>")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.faults.append(f"{tag} has {name}={value!r}")
            if name in ("href", "src", "action", "formaction") and (value or "").strip().lower().startswith(("javascript:", "data:", "//")):
                self.faults.append(f"{tag} has {name}={value!r}")


def faults_of(html: str) -> list[str]:
    """Return where a page would do what its texts say: strange tags, attributes that are scripts, addresses that are."""
    parser = _Page()
    parser.feed(html)
    return parser.faults + (["a template was rendered"] if "49{%" in html else [])


@contextmanager
def hostile(folder: Path) -> Iterator[WebDesk]:
    """Open the dashboard's desk over a deployment in which every text is markup."""
    text = CONTEXT.replace("Sales of an hour", LONG_EVIL.replace('"', '\\"'))
    with web_desk(folder / "var", write_context(folder / "project", text), clock=ManualClock(NOW), box="b1") as desk:
        within(desk, lambda: fill(desk.parts.store))
        yield desk


def fill(store: Store) -> None:
    """Write markup wherever a text goes."""
    store.open_session(Session("b1-worker-7-0a", "worker", EVIL, 7, 1.0, NOW, slots=2, queues=(EVIL,), facts={"note": LONG_EVIL}))
    store.open_session(Session(EVIL, EVIL, EVIL, 8, 1.0, NOW, facts={"role": LONG_EVIL, "turn": "1", "turned_at": NOW.isoformat()}))
    child = BoxChild(EVIL, 8, 1.0, trouble=LONG_EVIL, is_crash_loop=True, deaths=7)
    store.put_box_reports([BoxReport("b1", "worker", 1, NOW, EVIL, (child,)), BoxReport(EVIL, EVIL, 1, NOW, EVIL, (child,))])
    store.put_box_wishes([BoxWish("b1", "mx", is_on=False, who=EVIL, why=LONG_EVIL, given_at=NOW), BoxWish(EVIL, EVIL, who=EVIL)])
    for verb in ("reprocess", "skip", "hold"):
        store.add_command(Command(verb, "sales_hourly", HOUR, EVIL, LONG_EVIL, NOW, until=""))
    store.add_command(Command("hold", EVIL, EVIL, EVIL, LONG_EVIL, NOW))
    first = Job("sales_hourly", HOUR, JobState.IN_PROGRESS, NOW, 1, run=1, uow_state=UowState.REQUESTED, opened_turn=1)
    held = replace(first, timeperiod=HOUR[:-1] + "1", held=LONG_EVIL, reason=LONG_EVIL, failures=3, failing_since=NOW)
    strange = replace(first, process=EVIL, timeperiod=HOUR[:-1] + "2", reason=LONG_EVIL)
    uows = [
        UnitOfWork(job.uow_id, job.process, job.timeperiod, EVIL, job.timeperiod, job.timeperiod, opened_at=NOW, turn=1)
        for job in (first, held, strange)
    ]
    fire = UnitOfWork(f"load/{EVIL}/{FIRE}/1", "load", FIRE, EVIL, FIRE, FIRE, opened_at=NOW, turn=1, arguments='{"a": "<x-evil>"}')
    run = Run(FIRE, UowState.INVALID, NOW, failures=3, failing_since=NOW, held=LONG_EVIL, reason=LONG_EVIL)
    ended = Entry("load", "night", 1, NOW, fired=1, last_fire=FIRE, last_end="state_invalid", ended_at=NOW, runs=(run,))
    entries = [ended, replace(ended, name=EVIL, last_reason=LONG_EVIL)]
    events = [Event("sales_hourly", HOUR, 1, place, NOW, EVIL if place else "hold", EVIL, LONG_EVIL) for place in (0, 1)]
    switches = [Switch(name, is_on=False, at=NOW, turn=1, who=EVIL, why=LONG_EVIL, frequency_who=EVIL, frequency_why=LONG_EVIL)
                for name in ("sales_daily", EVIL)]  # fmt: skip
    answers = [Answer(1, CommandState.REFUSED, LONG_EVIL), Answer(2, CommandState.DONE, LONG_EVIL)]
    registered = [ProcessRow(EVIL, "2026112000", "{}", NOW)]
    commit(store, turn(1, session=EVIL, decided_at=NOW, jobs=[first, held, strange], opened=[*uows, fire], entries=entries,
                       events=events, switches=switches, answers=answers, registered=registered))  # fmt: skip
    claimed = store.claim([uows[0].id], "b1-worker-7-0a", NOW)[0]
    store.append_output([OutputPiece(claimed.id, 1, 0, f"{LONG_EVIL}\n"), OutputPiece(fire.id, 1, 0, LONG_EVIL)])
    store.finish([Outcome(claimed.id, claimed.session, claimed.fence, UowEvent.FAILED, NOW, reason=LONG_EVIL, failures=1)])
