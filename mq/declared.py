"""Are these queues declared? One refusal for every broker, so that it reads the same everywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from system.errors import QueueMissing


def refuse_undeclared(asked: Iterable[str], declared: Collection[str]) -> None:
    """Raise QueueMissing that names the queues among `asked` which are not in `declared`."""
    missing = set(asked).difference(declared)
    if missing:
        raise queue_missing(missing)


def queue_missing(queues: Iterable[str], *, is_rest_sent: bool = False) -> QueueMissing:
    """Return the error that names `queues`."""
    names = tuple(sorted(queues))
    rest = "all else was sent" if is_rest_sent else "nothing was sent or taken"
    return QueueMissing(
        f"queue {', '.join(names)} is not declared, {rest}; "
        "register it in the process context (queues are declared when a scheduler or worker starts)",
        names,
        is_rest_sent=is_rest_sent,
    )
