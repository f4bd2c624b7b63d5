"""How long does a process's next task take, as far as its last ones tell? Pure: durations in, expectations out."""

from __future__ import annotations

_LEAST_S = 1e-4
_KEPT = 0.8  # of the old figure when a task was faster; a slower one counts at once


class Pace:
    """Expected durations, per process and overall. A process that leaves things behind in its slot has none."""

    def __init__(self) -> None:
        self._by_process: dict[str, float] = {}
        self._leaky: set[str] = set()
        self._overall_s: float | None = None

    def expected_s(self, process: str) -> float | None:
        """Return how long the next task of `process` will take; None where nobody can say."""
        return self._by_process.get(process)

    def overall_s(self) -> float | None:
        """Return how long a task takes whose process is not known yet; None before the first one has ended."""
        return self._overall_s

    def took(self, process: str, seconds: float) -> None:
        """Learn from a task that has ended."""
        seconds = max(seconds, _LEAST_S)
        if process not in self._leaky:
            self._by_process[process] = _smoothed(self._by_process.get(process), seconds)
        self._overall_s = _smoothed(self._overall_s, seconds)

    def leaks(self, process: str) -> None:
        """Expect nothing of `process` any more: its slot is replaced after each task, so none should wait behind it."""
        self._leaky.add(process)
        self._by_process.pop(process, None)


def _smoothed(before: float | None, seconds: float) -> float:
    if before is None or seconds > before:
        return seconds
    return before * _KEPT + seconds * (1 - _KEPT)
