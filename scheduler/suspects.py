"""Which command is to blame for a round that failed? It is refused in a round of its own, so that it holds up nothing else."""

from __future__ import annotations

from collections.abc import Collection


class Suspects:
    """What one scheduler knows of the commands that its failed rounds had carried out. A new leader finds out by itself.

    Of several, each is carried out alone next time; one that was alone is faulty, unless a round without any command fails too.
    """

    def __init__(self) -> None:
        self._carried: list[int] = []
        self._doubtful: set[int] = set()
        self._faulty: set[int] = set()

    def begin(self) -> None:
        """Begin a round."""
        self._carried = []

    def carries(self, number: int) -> None:
        """Remember that the round carries out a command."""
        self._carried.append(number)

    def blame(self, number: int) -> None:
        """Remember that it was this command, and no other one, over which the round fails."""
        self._carried = [number]

    def failed(self) -> None:
        """Take over that the round failed, and not for a store or a broker that was away."""
        if not self._carried:
            self._faulty.clear()  # it was none of them
        elif len(self._carried) > 1:
            self._doubtful.update(self._carried)
        else:
            self._faulty.update(self._carried)

    def passed(self) -> None:
        """Take over that the round got through, with the commands that it carried out or refused."""
        self._doubtful.difference_update(self._carried)
        self._faulty.clear()

    def refused(self, numbers: Collection[int]) -> list[int]:
        """Return those of the open commands that are to be refused in this round."""
        return [number for number in numbers if number in self._faulty]

    def carried_out(self, numbers: Collection[int]) -> list[int]:
        """Return those of the open commands that may be carried out in this round: none while others are refused, in doubt only one."""
        if self.refused(numbers):
            return []
        return [number for number in numbers if number in self._doubtful][:1] or list(numbers)
