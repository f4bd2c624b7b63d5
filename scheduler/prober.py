"""Who asks the sources? Threads beside the engine, one a process, so that nobody waits for somebody else's database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from threading import Lock, Thread

from db.source import Extent, Opener, Source
from scheduler.probing import Probed, Question
from system.clock import Clock
from system.errors import SourceError
from system.source_entry import SourceEntry

log = logging.getLogger(__name__)


class ThreadProber:
    """Asks `sources`, by process. A question without an answer after `timeout_s` is answered for the source; what it says later is dropped.

    `ring` is called from a thread of ours whenever an answer came.
    """

    def __init__(
        self, sources: Mapping[str, SourceEntry], opener: Opener, clock: Clock, timeout_s: float, ring: Callable[[], None]
    ) -> None:
        self._sources = sources
        self._opener = opener
        self._clock = clock
        self._timeout_s = timeout_s
        self._ring = ring
        self._queues: dict[str, SimpleQueue[Question | None]] = {}
        self._waiting: dict[Question, float] = {}
        self._answers: list[Probed] = []
        self._lock = Lock()

    def ask(self, questions: Sequence[Question]) -> None:
        """See Prober."""
        for question in questions:
            with self._lock:
                self._waiting[question] = self._clock.monotonic()
            self._queue(question.node[0]).put(question)

    def answers(self) -> list[Probed]:
        """See Prober."""
        late_s = self._clock.monotonic() - self._timeout_s
        with self._lock:
            found, self._answers = self._answers, []
            late = [question for question, asked_s in self._waiting.items() if asked_s <= late_s]
            for question in late:
                del self._waiting[question]
        return [*found, *(Probed(question, error=f"no answer for {self._timeout_s:g} s") for question in late)]

    def close(self) -> None:
        """Let the threads end once their sources answer. They are daemons: a source that hangs does not hold up the process's end."""
        for queue in self._queues.values():
            queue.put(None)

    def _queue(self, process: str) -> SimpleQueue[Question | None]:
        if process not in self._queues:
            self._queues[process] = SimpleQueue()
            Thread(target=self._serve, args=(process, self._queues[process]), name=f"probe {process}", daemon=True).start()
        return self._queues[process]

    def _serve(self, process: str, queue: SimpleQueue[Question | None]) -> None:
        source: Source | None = None
        while (question := queue.get()) is not None:
            with self._lock:
                is_wanted = question in self._waiting
            if not is_wanted:
                continue  # its time was up while an earlier one was asked
            extent: Extent | None = None
            error = ""
            try:
                source = source or self._opener(self._sources[process])
                extent = source.probe(question.start, question.end)
            except SourceError as found:
                error = str(found)
            except Exception as found:
                # The edge of this thread's turn: a driver may raise anything, and the job must not wait for ever.
                log.exception("probing the source of %s failed", process)
                error = f"{type(found).__name__}: {found}"
            self._tell(Probed(question, extent, error))
        if source is not None:
            source.close()

    def _tell(self, probed: Probed) -> None:
        with self._lock:
            if self._waiting.pop(probed.question, None) is None:
                return
            self._answers.append(probed)
        self._ring()
