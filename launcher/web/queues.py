"""What waits in the queues, who takes from them, and what becomes of messages that were given up on?"""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.model import Command, Session
from launcher import dead_letters
from launcher.parts import scheduler_settings
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.noted import note
from launcher.web.parts import WebParts
from launcher.web.readers import Readers
from launcher.web.undertakings import given_before, mark_of
from mx.models.queues import DeadLetter, DeadLetters, QueueAnswer, QueueRow, Queues
from scheduler.attention import under_way
from system.context import DEAD_QUEUE, REPORT_QUEUE
from system.errors import BrokerError, NotFound, Unavailable
from system.hidden import hide
from system.lanes import BACKFILL_END
from system.lifecycle import UowState

log = logging.getLogger(__name__)

_MOST_UOWS = 2_000
_MOST_LETTERS = 200


@dataclass(frozen=True)
class _Work:
    """What the store knows of the queues: units of work requested and running by queue, of those that were looked at."""

    requested: Mapping[str, int]
    running: Mapping[str, int]
    looked_at: int
    is_all: bool
    sessions: Sequence[Session]


class QueuesArea(Area):
    """Answers `mx.desk_queues.QueuesDesk`."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._readers = Readers()

    @asked
    def queues(self, *, words: str = "", offset: int = 0, limit: int = 50, only_busy: bool = False) -> Queues:
        """Return queues."""
        readers, low = self._readers.of(self.parts.context), words.casefold()
        names = [name for name in readers if name != DEAD_QUEUE and low in " ".join([name, *readers[name]]).casefold()]
        work = self._work_now()
        # Of thousands only those that are shown are asked about, unless those that hold anything are to be found out.
        depths, fault = self._depths([*(names if only_busy else names[offset : offset + limit]), DEAD_QUEUE])
        if only_busy:
            names = [name for name in names if depths.get(name) or work.requested.get(name) or work.running.get(name)]
        rows = tuple(self._queue_row(name, readers[name], depths, work) for name in names[offset : offset + limit])
        return Queues(
            rows=rows, total=len(names), dead=depths.get(DEAD_QUEUE), dead_queue=DEAD_QUEUE, looked_at=work.looked_at, is_all=work.is_all,
            fault=fault,
        )  # fmt: skip

    @asked
    def queue(self, name: str) -> QueueRow:
        """Return one queue."""
        depths, _ = self._depths([self._existing(name)])
        return self._queue_row(name, self._readers.of(self.parts.context)[name], depths, self._work_now())

    @asked
    def dead_letters(self) -> DeadLetters:
        """Return the oldest messages that were given up on."""
        found = dead_letters.dead_letters(self.parts.store, self.parts.joined.broker)
        letters = tuple(DeadLetter(body=hide(each.body), queue=each.queue, state=each.state) for each in found[:_MOST_LETTERS])
        total, _ = self._depths([DEAD_QUEUE])
        return DeadLetters(letters=letters, total=max(len(found), total.get(DEAD_QUEUE, 0)))

    @asked
    def requeue_dead(self, who: str, why: str, *, only: Sequence[str] | None = None, token: str = "") -> QueueAnswer:
        """Send those that are still due to their queues and drop the rest."""
        if before := self._noted_before("queue requeue", DEAD_QUEUE, who, token):
            return before
        done = dead_letters.send_again(self.parts.store, self.parts.joined.broker, only)
        return self._noted("queue requeue", DEAD_QUEUE, who, why, done.sent_text, token)

    @asked
    def drop_dead(self, who: str, why: str, *, only: Sequence[str] | None = None, token: str = "") -> QueueAnswer:
        """Drop them."""
        if before := self._noted_before("queue drop", DEAD_QUEUE, who, token):
            return before
        done = dead_letters.drop(self.parts.joined.broker, only)
        return self._noted("queue drop", DEAD_QUEUE, who, why, done.dropped_text, token)

    @asked
    def purge_queue(self, name: str, who: str, why: str, *, token: str = "") -> QueueAnswer:
        """Drop what waits in a queue."""
        if before := self._noted_before("queue purge", name, who, token):
            return before
        dropped = self.parts.joined.broker.purge(self._existing(name))
        text = f"dropped {dropped:,} messages of {name}; a scheduler that leads sends anew what is still requested"
        return self._noted("queue purge", name, who, why, text, token)

    def _noted(self, verb: str, queue: str, who: str, why: str, text: str, token: str) -> QueueAnswer:
        done = Command(verb, queue, "", who, why, self.now(), answer=text, details=mark_of(token))
        return QueueAnswer(command=note(self.parts.store, done), text=text)

    def _noted_before(self, verb: str, queue: str, who: str, token: str) -> QueueAnswer | None:
        """Return what was done under `token` already. What was not noted is done again: that does no harm."""
        number = given_before(self.parts.store, token, verb, queue, "", who)
        return QueueAnswer(command=number, text=self.parts.store.command(number).answer) if number else None

    def _existing(self, name: str) -> str:
        """Return the name of a queue that there is; raises NotFound with near ones."""
        names = self._readers.of(self.parts.context)
        if name not in names:
            near = difflib.get_close_matches(name, names, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "/queues lists them"
            raise NotFound(f"there is no queue {name!r}; {hint}")
        return name

    def _depths(self, names: Iterable[str]) -> tuple[dict[str, int], str]:
        """Return how many messages each queue holds; where the broker does not tell, that, which says nothing of the timetable."""
        try:
            return self.parts.joined.broker.depths(list(names)), ""
        except (BrokerError, Unavailable) as error:
            log.debug("could not ask for the depth of the queues: %s", error)
            return {}, hide(str(error))

    def _work_now(self) -> _Work:
        desk = self.parts.desk
        ids = under_way(desk.read(), _MOST_UOWS + 1)
        ids += [entry.uow_id(run.fire) for entry in desk.entries() for run in entry.runs if not run.held]
        looked = ids[:_MOST_UOWS]
        uows = self.parts.store.uows(looked) if looked else []
        requested = Counter(uow.queue for uow in uows if uow.state is UowState.REQUESTED)
        running = Counter(uow.queue for uow in uows if uow.state is UowState.IN_PROGRESS)
        return _Work(requested, running, len(looked), len(ids) <= _MOST_UOWS, self.parts.store.sessions())

    def _queue_row(self, name: str, readers: Sequence[str], depths: Mapping[str, int], work: _Work) -> QueueRow:
        is_work = name not in (REPORT_QUEUE, DEAD_QUEUE)
        workers = [session for session in work.sessions if session.kind == "worker"]
        takers = [session for session in workers if name in session.takes_from]
        figures = scheduler_settings(self.parts.roof.settings)
        window = max(figures.window_least, figures.window_per_slot * sum(session.slots for session in workers))
        return QueueRow(
            queue=name, lane=("backfill" if name.endswith(BACKFILL_END) else "live") if is_work and readers else "",
            messages=depths.get(name), requested=work.requested.get(name, 0), running=work.running.get(name, 0),
            window=window if is_work and readers else 0, consumers=len(takers), slots=sum(session.slots for session in takers),
            readers=tuple(readers),
        )  # fmt: skip
