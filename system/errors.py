"""Which errors does Horarium raise, and what does each one tell its reader?"""


class HorariumError(Exception):
    """Root of all errors of our own; its message says what was asked, what was found and what to do."""


class ConfigError(HorariumError):
    """A setting or the process context is wrong; lists every fault that was found.

    `faults` holds one sentence each, in the order in which they were found.
    """

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class TimeperiodError(HorariumError, ValueError):
    """A timeperiod id is malformed, impossible or of another qualifier."""


class ScheduleError(HorariumError, ValueError):
    """A schedule (`every`, `at`, `cron`) can't be read, or never fires."""


class TimezoneError(HorariumError, ValueError):
    """There is no time zone of that name."""


class IllegalTransition(HorariumError):
    """A life cycle has no such move; nothing was changed."""


class StoreError(HorariumError):
    """The store refused or could not do what was asked."""


class Unavailable(StoreError):
    """The store or the broker can't be reached just now; the same call may succeed later."""


class BrokerAway(Unavailable):
    """The broker can't be reached just now, or takes nothing; the store can be asked meanwhile."""


class Refused(HorariumError):
    """What was asked for can't be done as things stand; nothing was changed."""


class NotFound(StoreError, LookupError):
    """What was asked for is not in the store."""


class SchemaError(StoreError):
    """The store's schema is newer than this code, or damaged."""


class BrokerError(HorariumError):
    """The broker refused or could not do what was asked."""


class QueueMissing(BrokerError):
    """Queues that were to be used are not declared; `queues` names them. `is_rest_sent` tells whether what was for others was sent."""

    def __init__(self, message: str, queues: tuple[str, ...], *, is_rest_sent: bool = False) -> None:
        super().__init__(message)
        self.queues = queues
        self.is_rest_sent = is_rest_sent


class SlotError(HorariumError):
    """A slot could not be started or spoke out of turn."""


class SourceError(HorariumError):
    """A user's source of rows can't be asked: it is away, or what names it is wrong."""
