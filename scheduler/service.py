"""How does a scheduler run? The engine's turns in a loop, until it is told to stop."""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import uuid4

from db.model import MACHINE, Session
from db.source_urls import open_source
from db.store import Store
from mq.broker import Broker
from scheduler.audit_count import FACT, AuditCount
from scheduler.engine import Engine
from scheduler.health import BROKER_FACT, TROUBLE_FACT
from scheduler.housekeeping import Housekeeping
from scheduler.keeper import Keeper
from scheduler.policy import SchedulerSettings
from scheduler.presence import Presence
from scheduler.prober import ThreadProber
from scheduler.setbacks import GIVES_WAY_S, MOST_FAILED, gives_way
from scheduler.tally import ROUNDS_FACT, SHORT_S, Tally
from system.clock import Clock
from system.context import REPORT_QUEUE, Context
from system.context_watch import ContextWatch
from system.errors import BrokerError, HorariumError, Unavailable
from system.hidden import hide
from system.lanes import managed_queues
from system.processes import machine, own_identity
from system.routes import routes_of
from system.source_entry import source_of

log = logging.getLogger(__name__)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_MOST_TOLD = 1_000  # characters of an error, with each beat


class SchedulerService:
    """One scheduler process. `run` returns after `stop`, which any thread or signal handler may call.

    `watch` hands out a changed context that may be taken up; it is taken up in a session of its own. `after_load` is called whenever
    it has begun to lead, with all that it read.
    """

    def __init__(
        self,
        store: Store,
        broker: Broker,
        context: Context,
        clock: Clock,
        settings: SchedulerSettings,
        box: str,
        *,
        keeper: Keeper | None = None,
        watch: ContextWatch | None = None,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._broker = broker
        self._context = context
        self._clock = clock
        self._settings = settings
        self._box = box
        self._watch = watch
        self.after_load: Callable[[], object] = lambda: None
        self._led_since: datetime | None = None
        self._is_stopping = False
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_in, False)
        self._engine: Engine | None = None
        self._audit: AuditCount | None = None
        self._before: Presence | None = None
        self._prepare_at_s: float | None = None  # when the broker is to be told once more what it could not take
        self._gave_way = False
        self._trouble = ""
        self._rounds = Tally(SHORT_S)

    def stop(self) -> None:
        """Let `run` end after the turn that is under way."""
        self._is_stopping = True
        os.write(self._wake_in, b"x")

    def run(self) -> None:
        """Schedule until stopped. What goes wrong is tried again; a context that does not fit what is registered does not lead."""
        pause_s = _FIRST_PAUSE_S
        while not self._is_stopping:
            try:
                self._prepare()
                self._serve()
                pause_s = _FIRST_PAUSE_S
                if self._gave_way:
                    self._pause(GIVES_WAY_S)
            except HorariumError as error:
                log.error("scheduler goes on in %.1f s: %s", pause_s, error)  # noqa: TRY400  said by the error, a traceback adds nothing
                self._let_go()
                self._pause(pause_s)
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
        self._let_go()

    def _let_go(self) -> None:
        """Close the session whose place a new one of ours has taken."""
        before, self._before = self._before, None
        if before is not None:
            before.close()

    def _prepare(self) -> None:
        """Tell the broker what the context needs. One that can't take that now holds nothing up: it is told again between the turns."""
        try:
            self._broker.route(routes_of(self._context))
            self._broker.declare([REPORT_QUEUE, *managed_queues(self._context)])
            self._prepare_at_s = None
        except (BrokerError, Unavailable) as error:
            self._prepare_at_s = self._clock.monotonic() + _LONGEST_PAUSE_S
            log.error("queues and routes could not be declared, again in %.1f s: %s", _LONGEST_PAUSE_S, error)  # noqa: TRY400

    def _prepare_again(self) -> None:
        if self._prepare_at_s is not None and self._clock.monotonic() >= self._prepare_at_s:
            self._prepare()

    def _serve(self) -> None:
        """Run one session, from its opening until it is closed by us or by others, or the context has changed.

        With a changed context the next session takes the place of this one, which stays open until then: else a standby would lead
        that has the older context.
        """
        me = own_identity()
        name = f"{self._box}-scheduler-{me.pid}-{uuid4().hex[:12]}"
        session = Session(name, "scheduler", self._box, me.pid, me.created_s, self._clock.now(), facts={MACHINE: machine()})
        prober = self._prober_of_sources()
        engine = self._engine = Engine(
            self._store, self._broker, self._context, self._clock, self._settings, session=name, prober=prober,
            heir_of=self._before.session.id if self._before else "", box=self._box,
        )
        presence = Presence(self._store, session, self._beat_s, self._facts)
        presence.open()
        audit = self._audit = self._audit or AuditCount(self._store, self._context)
        audit.context = self._context
        chores = [Housekeeping(audit, self._clock, engine.surely_leads, name="audit", trouble="the audit was not counted")]
        if self._keeper:
            chores.append(Housekeeping(self._keeper, self._clock, engine.surely_leads))
        for chore in chores:
            chore.start()
        has_other_context = self._gave_way = False
        try:
            has_other_context = self._loop(engine, presence)
        finally:
            for chore in chores:
                chore.ask_to_stop()
            engine.close()
            prober.close()
            self._let_go()
            self._before = presence
            if not has_other_context or self._is_stopping:
                self._let_go()
            # Only now: a batch may take long, and nobody else leads as long as the session is open.
            for chore in chores:
                chore.stop()

    def _prober_of_sources(self) -> ThreadProber:
        managed = self._context.managed.values()
        sources = {p.name: source_of(p.source) for p in managed if p.state_machine_name == "recomputing"}
        return ThreadProber(sources, open_source, self._clock, self._settings.probe_timeout_s, self._ring)

    def _ring(self) -> None:
        """Have the next turn come at once."""
        with suppress(BlockingIOError):  # the bell is full, so it rings anyhow
            os.write(self._wake_in, b"x")

    def _loop(self, engine: Engine, presence: Presence) -> bool:
        """Do turns until this session is over; returns whether that is for a changed context."""
        pause_s = _FIRST_PAUSE_S
        while not self._is_stopping and not presence.is_closed():
            if self._has_other_context():
                return True
            self._prepare_again()
            try:
                began_s = self._clock.monotonic()
                wait_s = engine.turn(self._clock.now())
                self._rounds.add(self._clock.monotonic() - began_s)
                self._let_go()
                if engine.leads and engine.leads_since != self._led_since:
                    self._led_since = engine.leads_since
                    self.after_load()
            except HorariumError as error:
                log.error("this turn failed, the next in %.1f s: %s", pause_s, error)  # noqa: TRY400
                self._trouble = str(error)
            except Exception as error:
                # The edge of the process's turn. The engine has dropped what it did not commit and reads it again.
                log.exception("this turn failed, the next in %.1f s", pause_s)
                self._trouble = repr(error)
            else:
                self._trouble = ""
                if not engine.failed_rounds:
                    pause_s = _FIRST_PAUSE_S
                if wait_s > 0:
                    self._wait(engine.fileno(), wait_s)
                continue
            if self._gives_way(engine, presence):
                return False
            self._pause(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
        return False

    def _gives_way(self, engine: Engine, presence: Presence) -> bool:
        """Return whether the session is to end because its turns fail while its beats go on, and another scheduler stands by."""
        if engine.failed_rounds < MOST_FAILED:
            return False
        try:
            sessions = self._store.sessions()
        except HorariumError:
            return False  # it is not this scheduler that is ill
        own = presence.session.id
        self._gave_way = gives_way(engine.failed_rounds, is_beating=presence.is_beating, own=own, sessions=sessions)
        if self._gave_way:
            log.error("%d turns in a row failed: another scheduler is to lead, session %s ends", engine.failed_rounds, own)
        return self._gave_way

    def _has_other_context(self) -> bool:
        """Return whether a changed context is to be taken up, which becomes ours by that."""
        found = self._watch.take() if self._watch else None
        if found is not None:
            self._context = found
        return found is not None

    def _wait(self, bell: int, seconds: float) -> None:
        ready, _, _ = select.select([self._wake_out, *([bell] if bell >= 0 else [])], [], [], seconds)
        if self._wake_out in ready:
            os.read(self._wake_out, 4096)

    def _pause(self, seconds: float) -> None:
        self._wait(-1, seconds)

    def _beat_s(self) -> float:
        """Return how long until the next beat: often only where somebody waits for it, since each is a write that wakes an idle system."""
        is_watched = self._engine is not None and self._engine.leads and self._engine.has_standby
        return self._settings.beat_s if is_watched else self._settings.calm_beat_s

    def _facts(self) -> dict[str, str]:
        engine = self._engine
        leads = engine if engine and engine.leads else None
        turned_at: datetime | None = engine.turned_at if engine else None
        refused = (engine.refusal if engine else "") or (self._watch.refusal if self._watch else "")
        return {
            MACHINE: machine(),
            "role": "leads" if leads else "follows",
            "turn": str(engine.head if engine else 0),
            "turned_at": turned_at.isoformat() if turned_at else "",
            "leads_since": leads.leads_since.isoformat() if leads and leads.leads_since else "",
            "context": self._context.digest,
            "second_look_found": str(engine.second_look_found if engine else 0),
            ROUNDS_FACT: self._rounds.text(),
            **({"refused": refused} if refused else {}),
            **({TROUBLE_FACT: hide(self._trouble)[:_MOST_TOLD]} if self._trouble else {}),
            **({BROKER_FACT: leads.broker_trouble} if leads and leads.broker_trouble else {}),
            **({FACT: self._audit.fact} if self._audit and self._audit.fact and leads else {}),
        }
