"""What does the scheduler do now? One round after another, each committed by one record.

A session leads by having inserted the last turn. Whoever finds its next number taken leads no longer: it reads the turns and decides
again. A follower reads them as they come, so it is ready at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from db import contexts
from db.contexts import ContextRow
from db.model import Answer, Command, CommandState, Job, ProcessRow, Turn
from db.store import Store
from mq.broker import Broker, Delivery
from scheduler import sweep
from scheduler.board import Board
from scheduler.commands import STEP_BYTES, obey, step_bytes
from scheduler.context_order import older
from scheduler.draft import Draft
from scheduler.inbox import Inbox
from scheduler.journal import Journal
from scheduler.late_rows import LateRows
from scheduler.policy import SchedulerSettings
from scheduler.probing import NoProber, Prober
from scheduler.registry import Fit, fit, read_registered
from scheduler.reopening import reopen_owed
from scheduler.standby import LeaderWatch
from scheduler.suspects import Suspects
from scheduler.switches import reconciled
from scheduler.timetable import Timetable, has_gap
from scheduler.trees import Topology
from system.clock import Clock
from system.context import Context
from system.errors import BrokerError, StoreError, Unavailable
from system.reports import is_news, named_in

log = logging.getLogger(__name__)
_TURNS_AT_ONCE = 500
_SOON_S = 0.01


class Engine:
    """One scheduler. Belongs to one thread; `turn` is to be called again after the seconds that it returned, or earlier.

    The session must be open. `heir_of` is a session of the same process that this one takes the place of, without waiting for its end.
    `turned_at` is when the last round of this engine succeeded, `leads` whether it led then, `leads_since` since when.
    `refusal` says why it may not lead, empty where it may: whoever's context does not fit what is registered, or is older than that
    which leads, does not lead.
    `failed_rounds` counts rounds of a leader that failed since the last one that got through; to have taken over once more is no such one.
    `has_standby`: another scheduler's session was open when this leader looked last; True as long as it has not looked.
    `second_look_found` counts what the second look had to repair: 0, or there is a fault in the marking.
    """

    def __init__(  # noqa: PLR0913  keywords
        self, store: Store, broker: Broker, context: Context, clock: Clock, settings: SchedulerSettings, *, session: str,
        prober: Prober | None = None, heir_of: str = "", box: str = "",
    ) -> None:
        self._store = store
        self._broker = broker
        self._context = context
        self._clock = clock
        self._settings = settings
        self._session = session
        self._topology = Topology(context)
        self._timetable: Timetable | None = None
        self._board: Board | None = None
        self._prober = prober or NoProber()
        self._late = LateRows()
        self._journal = Journal(store, broker, session)
        self._watch = LeaderWatch(store, clock, settings.silence_s)
        self._leader = ""
        self._fitted: tuple[tuple[ProcessRow, ...], str] | None = None  # the refusal for what is registered, which seldom changes
        self._heir_of = heir_of
        self._box = box
        self._round_s = 0.0
        self._sweep = sweep.Sweep(store, broker, clock, settings.lease_s)
        self._swept_s: float | None = None
        self._commands: dict[int, Command] = {}
        self._suspects = Suspects()
        self._inbox = Inbox(broker, settings.reports)
        self.refusal = ""
        self.turned_at: datetime | None = None
        self.leads_since: datetime | None = None
        self.second_look_found = 0
        self.failed_rounds = 0
        self.has_standby = True

    @property
    def leads(self) -> bool:
        """Return whether this session leads, as far as it knows."""
        return self._board is not None

    def surely_leads(self) -> bool:
        """Return whether this session led so lately that no standby can have taken over since. May be called from another thread."""
        return self._board is not None and self._clock.monotonic() - self._round_s < self._settings.silence_s

    @property
    def head(self) -> int:
        """Return the number of the last turn that this engine knows; 0 before the first."""
        return self._timetable.head if self._timetable else 0

    @property
    def broker_trouble(self) -> str:
        """Why messages of this engine wait here, empty where none does."""
        return self._journal.trouble

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when a report may have come; -1 while there is none."""
        return self._inbox.fileno()

    def turn(self, now: datetime) -> float:
        """Do one round; returns after how many seconds, at the latest, the next one is wanted. Raises Unavailable when the store is away.

        After an error the next call goes on where this one stopped, or reads everything again.
        """
        if self._board is None:
            wait_s = self._follow(now)
            if not self.failed_rounds:
                self.turned_at = now
            return wait_s
        self.failed_rounds += 1
        wait_s = self._lead(self._board, now)
        self.failed_rounds = 0
        self.turned_at = now
        return wait_s

    def close(self) -> None:
        """Stop consuming reports. What was taken and not acknowledged comes back, at the latest when this consumer is found gone."""
        self._inbox.close()

    # -- following

    def _follow(self, now: datetime) -> float:
        timetable = self._timetable or self._load()
        while turns := self._store.turns_after(timetable.head, _TURNS_AT_ONCE):
            if has_gap(timetable.head, turns) and timetable.head < self._store.projected_turn():
                # What lies between was archived meanwhile: whoever fell behind so far reads everything again.
                timetable = self._load()
                continue
            for turn in turns:
                timetable.apply(turn)
                self._leader = turn.session
            if timetable.is_outdated:
                timetable = self._load()
        registered = tuple(timetable.registered.values())
        if self._fitted is None or self._fitted[0] != registered:
            self._fitted = registered, self._fit(timetable, now).refusal
        self._refuse(self._fitted[1] or older(timetable.contexts.values(), self._context.digest, self._box))
        if self.refusal:
            return self._settings.follow_s
        if self._leader_lives():
            self.failed_rounds = 0
            return min(self._settings.follow_s, max(_SOON_S, self._watch.left_s()))
        return 0.0 if self._take_over(timetable, self._fit(timetable, now).rows, now) else self._settings.follow_s

    def _fit(self, timetable: Timetable, now: datetime) -> Fit:
        return fit(timetable.registered, self._context, self._settings.timetable_start, now, timetable.head + 1)

    def _refuse(self, text: str) -> None:
        if text and text != self.refusal:
            log.error("does not lead: %s", text)
        self.refusal = text

    def _load(self) -> Timetable:
        """Read the timetable: what is projected first, then the turns that may not be."""
        timetable = Timetable(self._context, self._settings.timetable_start)
        projected = self._store.projected_turn()
        active, chunks = self._store.active_jobs(), self._store.chunks(list(self._context.managed))
        timetable.load(chunks, active, self._store.entries(), self._store.switches(), read_registered(self._store).values())
        contexts.take_over(timetable.contexts, self._store.contexts())
        timetable.head = projected
        last = self._store.turns_after(projected - 1, 1) if projected else []
        self._leader = last[0].session if last else ""
        self._timetable = timetable
        return timetable

    def _leader_lives(self) -> bool:
        """Return whether someone else leads and beats."""
        return self._leader not in ("", self._session, self._heir_of) and self._watch.lives(self._leader, self.head)

    def _take_over(self, timetable: Timetable, rows: tuple[ProcessRow, ...], now: datetime) -> bool:
        """Lead: finish the projections that the last leader may have left, then say so in a turn of our own, which registers `rows`."""
        self.replay()
        number = timetable.head + 1
        switches = tuple(reconciled(self._context, self._topology, timetable, now, number))
        mine = ContextRow(self._context.digest, self._box, now, number)
        strays = tuple(self._strays(timetable))
        turn = Turn(number, self._session, now, strays, switches=switches, registered=rows, contexts=(mine,))
        nodes = [timetable.put(job) for job in turn.jobs]
        if not self._journal.commit(turn, timetable.chunks_of(nodes, turn.number), ()):
            return False
        timetable.apply(turn)
        self._leader = self._session
        self.leads_since, self._round_s = now, self._clock.monotonic()
        board = Board(self._context, self._topology, timetable, self._settings, now)
        active = [*(job.uow_id for job in timetable.active.values() if job.run), *board.freerun.uow_ids()]
        uows = self._store.uows(active)
        board.resume(uows)
        board.freerun.take_up(uows)
        self._board = board
        self._late = LateRows()
        self._swept_s = None
        self._commands = {}
        log.info("leads from turn %d, %d jobs and fires under way", turn.number, len(active))
        return True

    def _strays(self, timetable: Timetable) -> Iterator[Job]:
        """Yield the records, as of the next turn, of periods that the chunks wrongly hold for under way.

        A leader who replays a turn can't write the chunks of a process that its context lacks; here the process is back.
        """
        for process, timeperiods in timetable.strays().items():
            log.error("%s: chunks hold %d periods for under way that are not; taken from their records", process, len(timeperiods))
            for job in self._store.jobs(process, timeperiods):
                yield replace(job, turn=timetable.head + 1)

    def replay(self) -> None:
        """Project the turns that are not known to be projected; harmless for those that are."""
        timetable = self._timetable
        assert timetable is not None
        number = self._store.projected_turn()
        # A turn that came after our reading is not ours to project: the chunks we know don't hold it.
        while turns := [turn for turn in self._store.turns_after(number, _TURNS_AT_ONCE) if turn.number <= timetable.head]:
            for turn in turns:
                # What was read holds later turns than this one: the guards by number keep what is newer.
                self._journal.project(turn, timetable.chunks_of(timetable.nodes(turn), turn.number))
                number = turn.number

    # -- leading

    def _lead(self, board: Board, now: datetime) -> float:
        if not self._carry_on() or self._overslept():
            return self._step_down()
        board.begin(now)
        self._suspects.begin()
        deliveries = self._inbox.take()
        try:
            wait_s = self._round(board, deliveries)
        except Exception as error:
            if not isinstance(error, Unavailable | BrokerError):
                self._suspects.failed()
            # What was decided, but is not in a turn whose fate is still open, is read again. Hints that were taken come back.
            if not self._journal.is_pending():
                self._forget()
            self.close()
            raise
        if wait_s is None:
            return self._step_down()
        self._suspects.passed()
        self._inbox.acknowledge(deliveries)
        self._round_s = self._clock.monotonic()
        return wait_s

    def _carry_on(self) -> bool:
        """Bring the turn of the last round to its end; returns False where its number is taken. Raises as the journal does."""
        try:
            return self._journal.carry_on()
        except StoreError:
            if not self._journal.is_pending():  # it was refused for good: what its round carried out is suspect, and all is read again
                self._suspects.failed()
                self._forget()
                self.close()
            raise

    def _overslept(self) -> bool:
        """Return whether another one leads since this one stood still for so long that it may have been taken for dead.

        Whoever decides something finds out anyhow; but reports that are the other one's must not be taken from it.
        """
        return not self.surely_leads() and bool(self._store.turns_after(self.head, 1))

    def _round(self, board: Board, deliveries: list[Delivery]) -> float | None:
        """Take in what came, decide, commit; returns the seconds until the next round is wanted, None when the turn was taken."""
        hints = self._read_reports(board, deliveries)
        if not self._sweep_if_due(board, at_once=hints):
            return None
        is_more = self._obey(board) or reopen_owed(board, self._store)
        for probed in self._prober.answers():
            board.hear(probed)
            self._late.hear(probed)
        if not is_more:  # else the turn has enough
            self._late.reopen(board, self._store)
        board.pass_time()
        board.settle_marked()
        self.second_look_found += board.look_again(self._settings.second_looks)
        board.settle_marked()
        is_more = board.fill(self._settings.looks) or is_more
        draft = board.draft
        if draft.is_empty():
            self._journal.send(draft.messages)
        elif not self._commit(board, draft):
            return None
        self._prober.ask([*board.live.probes.to_ask(), *self._late.to_ask(board)])
        return 0.0 if is_more or board.look_at or self._inbox.has_more else self._wait_s(board)

    def _obey(self, board: Board) -> bool:
        """Carry out the open commands, as many as one record can hold; returns whether more of them can be in the next turn.

        One over which a round fails by a fault of ours is refused, so that it holds up nothing else.
        """
        numbers = list(self._commands)
        chosen = self._suspects.carried_out(numbers)
        for number in self._suspects.refused(numbers):
            text = "the scheduler failed over it; nothing was changed, log/scheduler.log says more"
            board.draft.answers.append(Answer(number, CommandState.REFUSED, text))
            del self._commands[number]
        room = self._settings.looks * STEP_BYTES
        for number in chosen:
            if room <= 0:
                return True
            before, command = len(board.draft.jobs), self._commands[number]
            self._suspects.carries(number)
            if self._obeyed(command, board):
                del self._commands[number]
            room -= (len(board.draft.jobs) - before) * step_bytes(command)
        return len(chosen) < len(numbers) or room <= 0

    def _obeyed(self, command: Command, board: Board) -> bool:
        try:
            return obey(command, board, self._store)
        except (Unavailable, BrokerError):
            raise
        except Exception:
            self._suspects.blame(command.number)
            raise

    def _commit(self, board: Board, draft: Draft) -> bool:
        chunks = board.timetable.chunks_of(draft.jobs, draft.number)
        board.committed()
        return self._journal.commit(draft.turn(self._session), chunks, draft.messages)

    def _read_reports(self, board: Board, deliveries: list[Delivery]) -> bool:
        """Read the units of work that reports name, and those that the last turn wants to see; returns whether to sweep at once."""
        ids = dict.fromkeys(uow_id for delivery in deliveries for uow_id in named_in(delivery.body))
        wanted = [uow_id for uow_id in (*ids, *board.look_at) if uow_id in board.inflight.flights]
        board.look_at.clear()
        for uow in self._store.uows(wanted) if wanted else ():
            board.read(uow)
        return any(is_news(delivery.body) for delivery in deliveries)

    def _sweep_if_due(self, board: Board, *, at_once: bool) -> bool:
        """Look at what is in flight where that is due; returns False where the look finds that another one leads."""
        monotonic_s = self._clock.monotonic()
        if not at_once and self._swept_s is not None and monotonic_s - self._swept_s < self._settings.sweep_s:
            return True
        # Who has nothing to decide inserts nothing, and would not notice.
        if self._store.turns_after(self.head, 1):
            return False
        findings = self._sweep.read(board, self._session)
        self._swept_s = monotonic_s
        self.has_standby = findings.has_standby
        sweep.apply(findings, board)
        board.draft.messages.extend(self._sweep.messages_missing(board))
        self._commands.update({command.number: command for command in findings.commands})
        return True

    def _wait_s(self, board: Board) -> float:
        moment = min((m for m in (board.next_alarm(), self._late.next_at()) if m), default=None)
        since_s = 0.0 if self._swept_s is None else self._clock.monotonic() - self._swept_s
        wait_s = max(0.0, self._settings.sweep_s - since_s)
        if moment is None:
            return wait_s
        return max(0.0, min(wait_s, self._clock.lasting_s(moment - board.draft.now)))

    def _step_down(self) -> float:
        log.warning("turn %d was taken by another scheduler: following", self.head)
        self._forget()
        self.close()
        return 0.0

    def _forget(self) -> None:
        """Drop what is in memory; the next turn reads it again."""
        self._board = None
        self._timetable = None
