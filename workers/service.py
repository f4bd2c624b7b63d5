"""How does a worker process go on and on? Its threads, its waiting, and its stop.

Two threads: one works, the other one sends beats and nothing else, so that no long call holds up a beat (fault 30).
"""

from __future__ import annotations

import contextlib
import logging
import re
import select
import socket
from threading import Event, Thread
from uuid import uuid4

from db.model import MACHINE, NEW_QUEUES, Session
from db.store import Store
from mq.broker import Broker, Consumer
from system.clock import Clock
from system.context import REPORT_QUEUE, Context, FreerunProcess, ManagedProcess
from system.context_watch import ContextWatch
from system.errors import BrokerError
from system.lanes import Lane, both_lanes, lane_of
from system.processes import machine, own_identity
from system.routes import routes_of
from workers.policy import Backoff, WorkerSettings
from workers.presence import Presence
from workers.slots import Slots
from workers.worker import Worker

log = logging.getLogger(__name__)


def queues_on(context: Context, box: str) -> tuple[str, ...]:
    """Return the queues, of both lanes, whose work may be done on `box`: `present_on_boxes` matches it whole, or is not given."""
    placed = [p for p in context.worked if p.present_on_boxes is None or re.fullmatch(p.present_on_boxes, box)]
    managed = both_lanes(process.queue for process in placed if isinstance(process, ManagedProcess))
    return (*managed, *dict.fromkeys(process.queue for process in placed if isinstance(process, FreerunProcess)))


class WorkerService:
    """A worker with its threads. What it is given it does not close: slots, store and broker belong to whoever built them.

    `watch` hands out a changed context that may be taken up; what runs goes on meanwhile.
    """

    def __init__(  # the ports, and the figures
        self,
        store: Store,
        broker: Broker,
        slots: Slots,
        context: Context,
        clock: Clock,
        settings: WorkerSettings,
        box: str,
        watch: ContextWatch | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._broker = broker
        self._context = context
        self._box = box
        self._watch = watch
        self._queues = queues_on(context, box)
        self._first_queues = len(self._queues)
        me = own_identity()
        where = {MACHINE: machine()}
        template = Session("", "worker", box, me.pid, me.created_s, clock.now(), slots=slots.size, queues=self._queues, facts=where)
        self._presence = Presence(store, clock, slots, template, settings, lambda: f"{box}-worker-{me.pid}-{uuid4().hex[:12]}")
        self._worker = Worker(store, broker, self._connect, slots, context, clock, settings, self._presence)
        self._trouble = Backoff(settings.retry_first_s, settings.retry_cap_s)
        self._is_asked_to_stop = False
        self._must_disconnect = False
        self._over = Event()
        self._ear, self._bell = socket.socketpair()
        self._ear.settimeout(0)
        self._bell.settimeout(0)

    def run(self) -> None:
        """Work until `stop`, then leave in order: attempts end, outcomes are written, the session is closed last."""
        log.info("worker starts with queues %s", ", ".join(self._queues) or "(none)", extra={"action": "worker_started"})
        beats = Thread(target=self._send_beats, name="beats", daemon=True)
        beats.start()
        try:
            while not self._worker.is_stopped:
                self._wait(self._turn())
        finally:
            self._over.set()
            beats.join()
            self._ear.close()
            self._bell.close()

    def stop(self) -> None:
        """Have `run` end soon; returns at once and may be called from a signal handler, also twice."""
        self._is_asked_to_stop = True
        self._ring()

    def _turn(self) -> float:
        try:
            if self._is_asked_to_stop:
                self._worker.stop()
            self._take_up_context()
            if self._must_disconnect:
                self._must_disconnect = False
                self._worker.disconnect()
            wait_s = self._worker.turn(self._clock.now())
        except Exception:  # the edge of the process's turn: the loop outlives whatever goes wrong in it (fault 9)
            self._must_disconnect = True
            wait_s = self._trouble.failed(self._clock.monotonic())
            log.exception("a turn failed; the next one comes in %.1f s", wait_s, extra={"action": "turn_failed"})
        else:
            self._trouble.worked()
        return wait_s

    def _take_up_context(self) -> None:
        if self._watch:
            self._presence.remark(self._remarks(self._watch.refusal))
        context = self._watch.take() if self._watch else None
        if context is None:
            return
        self._worker.take_up(context)
        self._context = context
        queues = tuple(dict.fromkeys((*self._queues, *queues_on(context, self._box))))
        if queues != self._queues:
            self._queues, self._must_disconnect = queues, True
            log.info("listens to queues %s", ", ".join(queues), extra={"action": "queues_changed"})

    def _remarks(self, refusal: str) -> dict[str, str]:
        """Return what beats tell beside how the work goes."""
        new = self._queues[self._first_queues :]
        return {**({"refused": refusal} if refusal else {}), **({NEW_QUEUES: " ".join(new)} if new else {})}

    def _send_beats(self) -> None:
        while not self._over.is_set():
            try:
                wait_s = self._presence.turn(self._clock.now())
            except Exception:  # the edge of this thread: a beat that fails, however, must not be the last one
                log.exception("a beat failed", extra={"action": "beat_failed"})
                wait_s = self._settings.beat_s
            if self._presence.has_news():
                self._ring()
            self._over.wait(wait_s)

    def _wait(self, wait_s: float) -> None:
        """Return when something may have ended or arrived, when the bell rang, or after `wait_s`."""
        poll = select.poll()
        for descriptor in (self._ear.fileno(), *self._worker.descriptors()):
            poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(wait_s * 1000)]
        if self._ear.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                self._ear.recv(4096)

    def _ring(self) -> None:
        # A full bell has rung already; a closed one has nobody left to hear it.
        with contextlib.suppress(OSError):
            self._bell.send(b"!")

    def _connect(self, lane: Lane) -> Consumer | None:
        queues = [queue for queue in self._queues if lane_of(queue) is lane]
        self._broker.route(routes_of(self._context))
        try:
            self._broker.declare([*queues, REPORT_QUEUE])
        except BrokerError as error:
            # A queue that was made with other options serves all the same; one that is not there is refused below.
            log.error("not all queues could be declared, going on with those that are there: %s", error)  # noqa: TRY400
        return self._broker.consumer(queues) if queues else None
