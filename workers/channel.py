"""How does a worker speak to one slot? A line with one frame per task down and one per end up, and a way to take tasks back.

The worker keeps the slot's end of the line open as well. So what the slot has not read yet can be read back, each frame by exactly one of
the two: it is always known which task has started and which has not.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from workers.slot import FRAME_BYTES
from workers.slots import Ended, Ending, Task
from workers.transcript import Transcript


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not plain data: {value!r:.100}")


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


class Frame(NamedTuple):
    """What a slot says about the end of a task. `began_s` and `ended_s` are readings of the clock's `monotonic`."""

    number: int
    ending: str
    rows: int | None
    reason: str
    was_asked: bool
    has_printed: bool
    leak: str
    began_s: float
    ended_s: float


@dataclass(slots=True, eq=False)
class Attempt:
    """A task on its way. `verdict` is what it ends with once we have asked it to end; `kill_at_s` is when asking is over."""

    task: Task
    number: int
    output: str
    expected_s: float
    is_known: bool
    frame: bytes = b""
    spilled: Path | None = None
    started_s: float = 0.0
    verdict: Ended | None = None
    kill_at_s: float = 0.0
    transcript: Transcript | None = None

    def ended(self, ending: Ending, reason: str = "", rows: int | None = None) -> Ended:
        """Return the attempt's end."""
        return Ended(self.task.uow_id, self.task.fence, ending, rows, reason)


def write_frame(attempt: Attempt, spill: str) -> None:
    """Set what a slot is sent; a long frame goes into the file `spill`. Raises TypeError or ValueError for arguments that are not plain."""
    task = attempt.task
    text = {
        "number": attempt.number, "uow_id": task.uow_id, "fence": task.fence, "process": task.process, "attempt": task.attempt,
        "timeperiod": task.timeperiod, "qualifier": task.qualifier, "start_timeperiod": task.start_timeperiod,
        "end_timeperiod": task.end_timeperiod, "start": task.start, "end": task.end, "classname": task.classname, "argv": task.argv,
        "arguments": task.arguments, "noop_exit_code": task.noop_exit_code, "slice": task.slice, "output": attempt.output,
    }  # fmt: skip
    frame = _encode(text).encode()
    if len(frame) > FRAME_BYTES:
        attempt.spilled = Path(spill)
        attempt.spilled.write_bytes(frame)
        frame = _encode({"number": attempt.number, "spilled": spill}).encode()
    attempt.frame = frame


class Channel:
    """The line to one slot or guardian. `sent` are tasks that it has and has not ended, the first of them running."""

    def __init__(self, number: int, scratch: Path, *, is_command: bool) -> None:
        self.number = number
        self.scratch = scratch
        self.is_command = is_command
        self.sent: deque[Attempt] = deque()
        self.held: list[Ended] = []  # to be told once nothing of the slot is left
        self.taken = 0
        self.is_closing = False
        self._near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the slot says something."""
        return self._near.fileno()

    def send(self, attempt: Attempt, now_s: float) -> bool:
        """Hand over a task; returns False where the line is full."""
        try:
            self._near.send(attempt.frame, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        if not self.sent:
            attempt.started_s = now_s
        self.sent.append(attempt)
        self.taken += 1
        return True

    def read(self) -> list[Frame]:
        """Return what the slot said since the last call, without waiting."""
        found: list[Frame] = []
        while len(found) < len(self.sent):  # a slot with nothing to do says nothing, and is not asked
            try:
                data = self._near.recv(FRAME_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            found.append(Frame(*json.loads(data)))
        return found

    def recall(self) -> list[Attempt]:
        """Take back the tasks that the slot has not read; it will never see them.

        Named by their frames, not by their place: the slot may take the last one while we read back those before it.
        """
        numbers: set[int] = set()
        while True:
            try:
                frame = self.far.recv(FRAME_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            if not frame:  # the line was shut
                break
            numbers.add(json.loads(frame)["number"])
        self.taken -= len(numbers)
        back = [attempt for attempt in self.sent if attempt.number in numbers]
        self.sent = deque(attempt for attempt in self.sent if attempt.number not in numbers)
        return back

    def shut(self) -> None:
        """Let the slot end when it has done what it has."""
        self.is_closing = True
        self._near.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of a slot that is gone, and of its scratch file."""
        self._near.close()
        self.far.close()
        self.scratch.unlink(missing_ok=True)
