"""What does the gate refuse, and what does it tell whom it refuses?"""

from __future__ import annotations

from system.errors import HorariumError


class Refusal(HorariumError):
    """Something about accounts, passwords or tokens was refused; the message says what was expected."""


class Throttled(Refusal):
    """Too many failures: nothing was looked at. `wait_s` is how long it takes until it will be."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many failed attempts: wait {wait_s} s, then try again")
        self.wait_s = wait_s


class NoEntry(Refusal):
    """Name and password don't belong together. Which of both is wrong is not told, nor whether the account is disabled."""

    def __init__(self) -> None:
        super().__init__("name and password don't belong to an account that may log in")
