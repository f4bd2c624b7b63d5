"""What happens in one of a worker's places for attempts? They run there one after another: functions in a slot that lives on, each
command under a guardian of its own.

A function's task may wait in its slot's line while another one runs, where both are known to be short; it is taken back as soon as that
turns out wrong. Called under the lock of `workers/processes.py`.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from system.clock import Clock
from workers.channel import Attempt, Channel, Frame
from workers.hosting import Hosting
from workers.pace import Pace
from workers.slots import Ended, Ending, Output
from workers.transcript import Transcript
from workers.vault import Masks

log = logging.getLogger(__name__)

MOST_QUEUED = 64
_GUARDIAN_EXTRA_S = 2.0  # a guardian kills by itself after its grace time; it is killed when it does not
_NEVER_BEGAN = ("refused", "failed")  # causes that the host gives


@dataclass(frozen=True, slots=True)
class Limits:
    """A worker's figures for its slots, as `ProcessSlots` takes them."""

    uows_per_slot: int
    output_limit_bytes: int
    end_grace_s: float
    moment_s: float

    @property
    def relief_s(self) -> float:
        """How long a task may hold up those behind it until they are taken back."""
        return 4 * self.moment_s


@dataclass(slots=True)
class Workshop:
    """What all lanes of a worker share. `ended` and `pieces` collect what its next calls return, `fault` why a new slot died at once."""

    hosting: Hosting
    clock: Clock
    limits: Limits
    scratch: str
    watch: Callable[[Lane, Channel], None]
    unwatch: Callable[[Channel], None]
    masks: Masks
    pace: Pace = field(default_factory=Pace)
    ended: list[Ended] = field(default_factory=list)
    pieces: list[Output] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    fault: str = ""


class Lane:
    """One place. `attempts` stand in the order in which they run; the first `_handed` of them are in a slot's hands."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self.attempts: deque[Attempt] = deque()
        self._handed = 0
        self._slot: Channel | None = None
        self._guardian: Channel | None = None
        self.backlog_s = 0.0

    def open_slot(self) -> None:
        """Have a slot ready before the first task comes."""
        self._slot = self._slot or self._open(is_command=False)

    @property
    def is_idle(self) -> bool:
        """Whether a task would start at once."""
        return not self.attempts and self._guardian is None and not (self._slot is not None and self._slot.is_closing)

    def room(self, now_s: float, moments: int = 1) -> int:
        """Return how many more tasks of the usual kind would start within so many moments."""
        overall_s = self._shop.pace.overall_s()
        moment_s = moments * self._shop.limits.moment_s
        if self.is_idle:
            return 1 if overall_s is None else max(1, min(MOST_QUEUED, int(moment_s / overall_s)))
        if not self.attempts or overall_s is None or not all((self.attempts[0].is_known, self.attempts[-1].is_known)):
            return 0
        if now_s - self.attempts[0].started_s > moment_s:
            return 0
        return max(0, min(MOST_QUEUED - len(self.attempts), int((moment_s - self.backlog_s) / overall_s)))

    def busy_s(self, now_s: float) -> float:
        """Return how long its first task still takes.

        One that should have ended may do so at any moment: machines are busy. After a while it takes as long again as it took so far.
        """
        if not self.attempts:
            return 0.0
        first = self.attempts[0]
        elapsed_s = now_s - first.started_s if first.started_s else 0.0
        if elapsed_s < first.expected_s:
            return first.expected_s - elapsed_s
        return elapsed_s if elapsed_s > self._shop.limits.relief_s else 0.0

    # -- in

    def add(self, attempt: Attempt) -> None:
        """Let `attempt` run after those that are here."""
        self.attempts.append(attempt)
        self.backlog_s += attempt.expected_s

    def feed(self) -> None:
        """Hand to the slot what it can take."""
        while self._handed < len(self.attempts) and self._hand(self.attempts[self._handed]):
            self._handed += 1

    def _hand(self, attempt: Attempt) -> bool:
        if self._guardian is not None:
            return False
        if attempt.task.argv:
            if self._handed:
                return False
            channel = self._guardian = self._open(is_command=True)
        else:
            self.open_slot()
            assert self._slot is not None
            channel = self._slot
            if channel.is_closing or channel.taken >= self._shop.limits.uows_per_slot:
                return False
        return channel.send(attempt, self._shop.clock.monotonic())

    def _open(self, *, is_command: bool) -> Channel:
        shop = self._shop
        number = next(shop.numbers)
        channel = Channel(number, Path(f"{shop.scratch}-{number}.log"), is_command=is_command)
        shop.watch(self, channel)
        shop.hosting.start(number, "command" if is_command else "function", channel.scratch, channel.far)
        return channel

    # -- out

    def hear(self, channel: Channel) -> None:
        """Take in what the slot says about ended tasks."""
        for frame in channel.read():
            self._settle(channel, frame)

    def _settle(self, channel: Channel, frame: Frame) -> None:
        attempt = channel.sent[0]
        assert attempt.number == frame.number, "a slot ends its tasks in the order in which it got them"
        self._take_first(channel)
        pace = self._shop.pace
        if frame.leak:
            pace.leaks(attempt.task.process)
            log.info("replacing the slot of %s, which left %s", attempt.task.uow_id, frame.leak, extra={"action": "slot_leak"})
        elif not channel.is_command:
            pace.took(attempt.task.process, frame.ended_s - frame.began_s)
        if channel.sent:
            channel.sent[0].started_s = frame.ended_s
        self._finish_output(attempt, has_printed=frame.has_printed)
        ended = attempt.ended(Ending(frame.ending), self._shop.masks.text(frame.reason), frame.rows)
        if frame.was_asked and ended.ending is not Ending.NOT_STARTED:
            ended = attempt.verdict or attempt.ended(Ending.ENDED, "asked to end by a SIGTERM from outside")
        if channel.is_command or frame.leak or frame.was_asked or attempt.verdict is not None:
            channel.held.append(ended)
            channel.shut()
            return
        self._shop.ended.append(ended)
        if channel.taken >= self._shop.limits.uows_per_slot and not channel.sent:
            channel.shut()

    def _take_first(self, channel: Channel) -> None:
        attempt = channel.sent.popleft()
        self.attempts.popleft()
        self._handed -= 1
        self.backlog_s = self.backlog_s - attempt.expected_s if self.attempts else 0.0

    def exited(self, channel: Channel, how: str, cause: str) -> None:
        """Settle what a slot had that is gone with all that it started. `cause` is why its host ended it, if it did."""
        self.hear(channel)
        unread = self._recall(channel)
        was_running = self._settle_running(channel, how, cause)
        if cause == "failed" or (how.startswith("exit code") and not (cause or was_running or channel.taken or channel.is_closing)):
            self._shop.fault = f"no slot could begin: {how}; {_last_words(channel.scratch)}"
        self._shop.unwatch(channel)
        channel.close()
        self._shop.ended += channel.held
        if channel is self._guardian:
            self._guardian = None
            for attempt in unread:
                self._withdraw(attempt, f"its guardian ended before: {how}")
        else:
            self._slot = None
            if not _goes_on(channel, cause, was_running=was_running):
                self.give_back(f"its slot ended before: {how}")
            elif not cause:
                self.open_slot()
        self.feed()

    def _settle_running(self, channel: Channel, how: str, cause: str) -> bool:
        if not channel.sent:
            return False
        attempt = channel.sent[0]
        self._take_first(channel)
        if attempt.spilled is not None:
            attempt.spilled.unlink(missing_ok=True)
        if not channel.is_command:
            _keep_last_words(channel.scratch, Path(attempt.output))
        self._finish_output(attempt, has_printed=Path(attempt.output).exists())
        channel.held.append(attempt.verdict or _crash(attempt, how, cause))
        return True

    def give_back(self, why: str) -> None:
        """Return the tasks that no slot has in its hands as never started."""
        while len(self.attempts) > self._handed:
            self.drop(self._take_last(), why)

    def drop(self, attempt: Attempt, why: str) -> None:
        """Return a task that no lane has any more as never started."""
        if attempt.spilled is not None:
            attempt.spilled.unlink(missing_ok=True)
        self._shop.ended.append(attempt.verdict or attempt.ended(Ending.NOT_STARTED, why))

    def _take_last(self) -> Attempt:
        attempt = self.attempts.pop()
        self.backlog_s = self.backlog_s - attempt.expected_s if self.attempts else 0.0
        return attempt

    def _withdraw(self, attempt: Attempt, why: str) -> None:
        self.attempts.remove(attempt)
        self.backlog_s = self.backlog_s - attempt.expected_s if self.attempts else 0.0
        self.drop(attempt, why)

    def recall(self) -> None:
        """Take back what the slot has not read yet, so that nothing but the running attempt is in its hands.

        A guardian's one task is left to it: it would wait for another for ever. Asked to end, it says that it never started.
        """
        if self._slot is not None and self._slot.sent:
            self._recall(self._slot)
            self.hear(self._slot)
        if self._guardian is not None:
            self.hear(self._guardian)

    def _recall(self, channel: Channel) -> list[Attempt]:
        back = channel.recall()
        if back:
            waiting = list(self.attempts)[self._handed :]
            self.attempts = deque([*channel.sent, *back, *waiting])
            self._handed = len(channel.sent)
            for attempt in back:
                attempt.started_s = 0.0
            if channel.sent and not channel.sent[0].started_s:
                channel.sent[0].started_s = self._shop.clock.monotonic()
        return back

    # -- time

    def due_s(self) -> float:
        """Return when `tick` has something to do, 0 for never."""
        running = self._running()
        if running is None:
            return 0.0
        moments = []
        if running.verdict is not None:
            moments.append(running.kill_at_s)
        elif running.task.timeout_s:
            moments.append(running.started_s + running.task.timeout_s)
        if len(self.attempts) > 1:
            moments.append(running.started_s + self._shop.limits.relief_s)
        return min((moment for moment in moments if moment), default=0.0)

    def tick(self, now_s: float) -> None:
        """End what ran too long."""
        running = self._running()
        if running is None:
            return
        if running.verdict is not None:
            if running.kill_at_s and now_s >= running.kill_at_s:
                running.kill_at_s = 0.0
                self._shop.hosting.kill(self._hands().number)
        elif running.task.timeout_s and now_s >= running.started_s + running.task.timeout_s:
            self._ask(running, Ending.FAILED, f"timed out after {running.task.timeout_s:g} s")

    def overdue(self, now_s: float) -> list[Attempt]:
        """Take out and return the tasks that were to wait for a moment and wait for longer."""
        running = self._running()
        if len(self.attempts) < 2 or running is None or now_s < running.started_s + self._shop.limits.relief_s:
            return []
        self.recall()
        if self._running() is not running:
            self.feed()
            return []
        return [self._take_last() for _ in range(len(self.attempts) - 1)][::-1]

    def _running(self) -> Attempt | None:
        return self.attempts[0] if self._handed else None

    def _hands(self) -> Channel:
        channel = self._guardian or self._slot
        assert channel is not None
        return channel

    def _ask(self, attempt: Attempt, ending: Ending, reason: str) -> None:
        """Ask the running attempt to end; nothing may be behind it in the slot, for the slot ends with it."""
        self.recall()
        if self._running() is attempt:
            self.give_back("the slot is replaced")
            self._judge(attempt, ending, reason)
            self._shop.hosting.ask(self._hands().number)
            return
        if attempt in self.attempts:  # the slot has not read it and never will; a time limit has not begun then
            attempt.verdict = attempt.ended(ending, reason) if ending is Ending.ENDED else None
            self._withdraw(attempt, "its slot did not begin with it in time")
        self.feed()

    def _judge(self, attempt: Attempt, ending: Ending, reason: str) -> None:
        grace_s = self._shop.limits.end_grace_s + (_GUARDIAN_EXTRA_S if attempt.task.argv else 0.0)
        attempt.verdict = attempt.ended(ending, reason)
        attempt.kill_at_s = self._shop.clock.monotonic() + grace_s

    def end(self, uow_id: str, fence: int, reason: str) -> bool:
        """End one attempt; returns whether it was here."""
        attempt = next((one for one in self.attempts if one.task.uow_id == uow_id and one.task.fence == fence), None)
        if attempt is None:
            return False
        if attempt is not self._running():
            self.recall()
        if attempt is self._running():
            if attempt.verdict is None:
                self._ask(attempt, Ending.ENDED, reason)
        elif attempt in self.attempts:
            attempt.verdict = attempt.ended(Ending.ENDED, reason)
            self._withdraw(attempt, reason)
        self.feed()
        return True

    def judge_all(self, reason: str) -> None:
        """Give back what has not started, and let what runs end with `reason`; the host kills it then."""
        if self._guardian is not None:
            self._recall(self._guardian)
        self.recall()
        self.give_back(reason)
        running = self._running()
        if running is not None and running.verdict is None:
            self._judge(running, Ending.ENDED, reason)

    # -- output

    def look(self) -> None:
        """Take in what the running attempt has printed, and keep its file bounded.

        Where the disk refuses that, the next look tries again, and the attempt's end tells it: cancels and ends must not wait for it.
        """
        running = self._running()
        if running is None:
            return
        with suppress(OSError):
            if running.transcript is None:
                running.transcript = self._transcript(running)
            if running.transcript is not None:
                self._shop.pieces += running.transcript.look()

    def _transcript(self, running: Attempt) -> Transcript | None:
        channel = self._hands()
        path = Path(running.output) if channel.is_command else channel.scratch
        try:
            if not path.stat().st_size:
                return None
            found = Transcript(running.task.uow_id, running.task.fence, str(path), self._shop.limits.output_limit_bytes, self._shop.masks)
        except FileNotFoundError:
            return None
        # A slot says that a task has ended before the next one may print: so the file is the running one's only if it still runs now.
        self.hear(channel)
        if self._running() is not running or not found.size:
            found.close()
            return None
        return found

    def _finish_output(self, attempt: Attempt, *, has_printed: bool) -> None:
        task = attempt.task
        try:
            if attempt.transcript is None and has_printed:
                limit = self._shop.limits.output_limit_bytes
                attempt.transcript = Transcript(task.uow_id, task.fence, attempt.output, limit, self._shop.masks)
            if attempt.transcript is not None:
                self._shop.pieces += attempt.transcript.finish()
        except OSError as error:  # what it printed may be lost, how it ended must not
            log.warning("the output of %s can't be read: %s", task.uow_id, error, extra={"action": "output_lost", "uow": task.uow_id})
        except Exception:  # whatever it is: who asks for its end would ask for ever
            log.exception("the output of %s is lost", task.uow_id, extra={"action": "output_lost", "uow": task.uow_id})
        if attempt.transcript is not None:
            attempt.transcript.close()
            attempt.transcript = None


def _goes_on(channel: Channel, cause: str, *, was_running: bool) -> bool:
    """Return whether the tasks that a slot had not started yet may go to the next one: only where its end says nothing about them."""
    if cause:
        return cause == "expired" and not was_running  # if the time is still over, the next slot is refused
    return channel.is_closing or (channel.taken > 0 and not was_running)


def _keep_last_words(scratch: Path, output: Path) -> None:
    """Give what a crashed attempt printed its own file."""
    try:
        if not output.exists() and scratch.exists() and scratch.stat().st_size:
            output.parent.mkdir(parents=True, exist_ok=True)
            scratch.rename(output)
    except OSError as error:
        log.warning("the output %s can't be kept: %s", output, error, extra={"action": "output_lost"})


def _last_words(scratch: Path) -> str:
    try:
        return scratch.read_text(errors="replace")[-2000:].strip() or "it printed nothing"
    except OSError:
        return "it printed to this worker's own output"


def _crash(attempt: Attempt, how: str, cause: str) -> Ended:
    if cause in _NEVER_BEGAN:
        return attempt.ended(Ending.NOT_STARTED, how)
    if cause == "expired":
        return attempt.ended(Ending.ENDED, "killed: the worker could not beat in time")
    if cause == "ended":
        return attempt.ended(Ending.ENDED, "killed with all others")
    return attempt.ended(Ending.FAILED, how if how != "exit code 0" else "exit code 0 in the middle: it ended the slot's process")
