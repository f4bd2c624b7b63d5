"""How does a worker run its attempts in real child processes? The slots port over a forkserver.

One forkserver, started first of all; in each of `size` lanes one slot that lives on for many functions, or a guardian for a command.
`workers/slot.py` tells what runs inside; nothing of the worker is in there.
"""

from __future__ import annotations

import logging
import os
import secrets
import select
from collections.abc import Sequence
from pathlib import Path
from threading import RLock

from system.clock import Clock
from system.errors import SlotError
from workers.channel import Attempt, Channel, write_frame
from workers.hosting import Hosting
from workers.lane import Lane, Limits, Workshop
from workers.leftovers import OUTPUT_MARK, WORKER_MARK, end_older_attempts
from workers.linux import Alarm
from workers.slots import Ended, Ending, Output, Slots, Task
from workers.transcript import attempt_file
from workers.vault import Masks, Vault

log = logging.getLogger(__name__)

_LOOK_S = 0.2
_EMPTY_WAIT_MS = 2_000
_CLOSE_WAIT_S = 2.0
_CLOSING_S = 0.01  # what a slot that is being replaced counts for when the least busy lane is looked for
_AT_ONCE_S = 0.001  # a reading of the clock that was long ago


class ProcessSlots(Slots):
    """Slots as processes. Build it before the process has threads or connections; raises SlotError where that fails.

    `mark` names the worker: it stands as `HORARIUM_WORKER` in the environment of all that runs here, so that what outlives the worker
    can be found. `kept_for_live` of the slots take no backfill. `vault` is where jobs find secrets and connections; what it holds is masked
    in all that they print. Nothing starts before the first `extend`.
    """

    def __init__(  # noqa: PLR0913  figures with defaults, all by name
        self,
        size: int,
        user_folder: Path,
        output_folder: Path,
        clock: Clock,
        *,
        mark: str,
        uows_per_slot: int = 1000,
        output_limit_bytes: int = 262_144,
        end_grace_s: float = 5.0,
        moment_s: float = 0.05,
        kept_for_live: int = 0,
        vault: Vault | None = None,
    ) -> None:
        self._clock = clock
        self._output_folder = output_folder.resolve()
        self._output_text = str(self._output_folder)
        self._lock = RLock()
        self._until_s = 0.0
        self._is_closed = False
        self._look_due_s = 0.0
        self._requests = 0
        self._emptied = 0
        self._channels: dict[int, tuple[Lane, Channel]] = {}
        self._by_number: dict[int, tuple[Lane, Channel]] = {}
        self._epoll = select.epoll()
        self._alarm = Alarm()
        limits = Limits(uows_per_slot, output_limit_bytes, end_grace_s, moment_s)
        scratch = _scratch(self._output_folder)
        place: dict[str, object] = {
            "user_folder": str(user_folder.resolve()), "output_limit_bytes": output_limit_bytes, "end_grace_s": end_grace_s,
        }  # fmt: skip
        place["secrets_file"] = vault.path if vault else ""
        hosting = Hosting(place, {WORKER_MARK: mark, OUTPUT_MARK: self._output_text})
        masks = Masks(vault or Vault())
        self._shop = Workshop(hosting, clock, limits, scratch, self._watch, self._unwatch, masks)
        self._lanes = [Lane(self._shop) for _ in range(size)]
        self._for_backfill = self._lanes[kept_for_live:]  # live work goes to the kept ones first where all are as busy
        self._watched_host = hosting.fileno()
        self._epoll.register(self._watched_host, select.EPOLLIN)
        if self._alarm.fileno() >= 0:
            self._epoll.register(self._alarm.fileno(), select.EPOLLIN)

    @property
    def size(self) -> int:
        """Return how many attempts can run at once."""
        return len(self._lanes)

    def room(self, *, backfill: bool = False, moments: int = 1) -> int:
        """See Slots. `backfill`: outside of the kept slots."""
        now_s = self._clock.monotonic()
        if now_s >= self._until_s or self._is_closed or self._shop.hosting.is_gone:
            return 0
        with self._lock:
            return sum(lane.room(now_s, moments) for lane in (self._for_backfill if backfill else self._lanes))

    def busy_s(self, *, backfill: bool = False, then: Sequence[str] = ()) -> float:
        """See Slots. A task whose process nobody knows may be over at once."""
        now_s = self._clock.monotonic()
        with self._lock:
            lanes = self._for_backfill if backfill else self._lanes
            full = [lane for lane in lanes if not lane.room(now_s)]
            if len(lanes) - len(full) > len(then):
                return 0.0
            soon = [self._shop.pace.expected_s(process) or 0.0 for process in then]
            return min([*soon, *(lane.busy_s(now_s) for lane in full)], default=0.0)

    def start(self, task: Task) -> None:
        """Hand `task` to the slot that has the least to do; raises SlotError when closed or without a host just now."""
        if task.attempt > 1:
            end_older_attempts(task.uow_id, task.fence, self._output_text)
        with self._lock:
            self._refuse_with_a_fault()
            attempt = self._attempt(task)
            if self._clock.monotonic() >= self._until_s:
                self._tell(attempt.ended(Ending.NOT_STARTED, "the worker's time is over"))
                return
            try:
                write_frame(attempt, f"{self._shop.scratch}-{attempt.number}.json")
            except (TypeError, ValueError) as error:
                self._tell(attempt.ended(Ending.FAILED, f"its arguments can't be handed over: {error}"))
                return
            lane = min(self._open_to(task), key=_cost)
            lane.add(attempt)
            lane.feed()
            if task.timeout_s or len(lane.attempts) == 2:
                self._set_alarm()

    def ended(self) -> list[Ended]:
        """Return the attempts that ended since the last call, without waiting; each task once. Replaces slots that died or leak."""
        with self._lock:
            if self._is_closed:
                return self._take_ended()
            self._hear()
            now_s = self._clock.monotonic()
            for lane in self._lanes:
                lane.tick(now_s)
                for attempt in lane.overdue(now_s):
                    self._move(attempt, now_s)
                lane.feed()
            if now_s >= self._look_due_s:
                self._look(now_s)
            self._set_alarm()
            return self._take_ended()

    def output(self) -> list[Output]:
        """Return what attempts printed since the last call."""
        with self._lock:
            self._look(self._clock.monotonic())
            pieces, self._shop.pieces = self._shop.pieces, []
            return pieces

    def end(self, uow_id: str, fence: int, reason: str) -> None:
        """End one attempt with all that it started: it is asked first, then killed. One that is not here has ended before."""
        with self._lock:
            if any(lane.end(uow_id, fence, reason) for lane in self._lanes):
                self._alarm.set(_AT_ONCE_S)

    def extend(self, until_s: float) -> None:
        """Let slots live until the clock's `monotonic` reads `until_s`; does not wait for other calls."""
        is_first = not self._until_s
        self._until_s = until_s
        self._shop.hosting.extend(until_s)
        if self._lock.acquire(blocking=False):
            try:
                # The worker's thread may be waiting for the store meanwhile: what runs must not fill the disk for that.
                self._look(self._clock.monotonic())
                if is_first and not self._is_closed:
                    for lane in self._lanes:
                        lane.open_slot()
            finally:
                self._lock.release()

    def end_all(self, reason: str) -> None:
        """Kill everything that runs, now; returns when nothing is left."""
        with self._lock:
            if self._is_closed:
                return
            for lane in self._lanes:
                lane.judge_all(reason)
            self._requests += 1
            self._shop.hosting.end_all(self._requests)
            while self._emptied < self._requests and not self._shop.hosting.is_gone:
                if not self._shop.hosting.wait(_EMPTY_WAIT_MS):
                    log.error("the slots' host does not answer; killing it", extra={"action": "host_killed"})
                    self._shop.hosting.is_gone = True
                self._hear_host()
            if self._shop.hosting.is_gone:
                self._replace_host()
            self._alarm.set(_AT_ONCE_S)

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when `ended` may have something."""
        return self._epoll.fileno()

    def close(self) -> None:
        """End everything, with the forkserver."""
        with self._lock:
            if self._is_closed:
                return
            self.end_all("the worker closes its slots")
            self._is_closed = True
            self._shop.hosting.close(_CLOSE_WAIT_S)
            for lane, channel in list(self._by_number.values()):
                lane.exited(channel, "closed", "ended")
            self._epoll.close()
            self._alarm.close()

    # -- inside

    def _refuse_with_a_fault(self) -> None:
        if self._is_closed:
            raise SlotError("the slots are closed")
        if self._shop.hosting.is_gone:
            raise SlotError("the slots are without their host just now")
        fault, self._shop.fault = self._shop.fault, ""
        if fault:
            raise SlotError(fault)

    def _attempt(self, task: Task) -> Attempt:
        known_s = None if task.argv else self._shop.pace.expected_s(task.process)
        expected_s = self._shop.limits.moment_s if known_s is None else known_s
        output = attempt_file(self._output_text, task.uow_id, task.fence)
        return Attempt(task, next(self._shop.numbers), output, expected_s, known_s is not None)

    def _tell(self, ended: Ended) -> None:
        self._shop.ended.append(ended)
        self._alarm.set(_AT_ONCE_S)

    def _take_ended(self) -> list[Ended]:
        found, self._shop.ended = self._shop.ended, []
        return found

    def _move(self, attempt: Attempt, now_s: float) -> None:
        lane = max(self._open_to(attempt.task), key=lambda one: one.room(now_s))
        if lane.room(now_s) > 0:
            lane.add(attempt)
            lane.feed()
        else:
            lane.drop(attempt, "the task before it takes longer than expected")

    def _open_to(self, task: Task) -> list[Lane]:
        return self._for_backfill if task.is_backfill else self._lanes

    def _look(self, now_s: float) -> None:
        self._look_due_s = now_s + _LOOK_S
        for lane in self._lanes:
            lane.look()

    def _set_alarm(self) -> None:
        self._alarm.set(_AT_ONCE_S if self._shop.ended else min((due for lane in self._lanes if (due := lane.due_s())), default=0.0))

    # -- what comes in

    def _hear(self) -> None:
        for fd, _ in self._epoll.poll(0):
            if fd == self._watched_host:
                self._hear_host()
            elif fd in self._channels:
                lane, channel = self._channels[fd]
                lane.hear(channel)
        if self._shop.hosting.is_gone:
            self._replace_host()

    def _hear_host(self) -> None:
        for what, facts in self._shop.hosting.read():
            if what == "exited":
                number, how, cause = facts
                lane, channel = self._by_number[number]
                lane.exited(channel, how, cause)
            elif what == "empty":
                self._emptied = facts[0]
            elif what == "expired":
                log.warning("the slots were not extended in time and have ended", extra={"action": "slots_expired"})

    def _replace_host(self) -> None:
        """End what the old host left, settle it, and start another host; without success the next call tries again."""
        log.error("the process that hosts the slots is gone; starting another", extra={"action": "host_replaced"})
        try:
            self._shop.hosting.restart()
        except SlotError as error:
            log.error("%s", error, extra={"action": "host_failed"})  # noqa: TRY400  the sentence says it
        else:
            self._watched_host = self._shop.hosting.fileno()
            self._epoll.register(self._watched_host, select.EPOLLIN)
        for lane, channel in list(self._by_number.values()):
            lane.exited(channel, "the process that hosts the slots died", "host")

    def _watch(self, lane: Lane, channel: Channel) -> None:
        self._channels[channel.fileno()] = self._by_number[channel.number] = (lane, channel)
        self._epoll.register(channel.fileno(), select.EPOLLIN)

    def _unwatch(self, channel: Channel) -> None:
        del self._channels[channel.fileno()], self._by_number[channel.number]
        self._epoll.unregister(channel.fileno())


def _cost(lane: Lane) -> float:
    return lane.backlog_s + (0.0 if lane.is_idle or lane.attempts else _CLOSING_S)


def _scratch(output_folder: Path) -> str:
    """Return the beginning of this worker's scratch files' paths, and remove those of workers that are gone."""
    folder = output_folder / ".slots"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SlotError(f"the folder for the jobs' output can't be made: {error}") from error
    for file in folder.glob("*-*-*"):
        owner = file.name.partition("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            file.unlink(missing_ok=True)
    return f"{folder}/{os.getpid()}-{secrets.token_hex(4)}"
