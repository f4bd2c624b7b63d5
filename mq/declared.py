"""Are these queues declared? One refusal for every broker, so that it reads the same everywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from system.errors import BrokerError


def refuse_undeclared(asked: Iterable[str], declared: Collection[str]) -> None:
    """Raise BrokerError that names the queues among `asked` which are not in `declared`."""
    missing = sorted(set(asked).difference(declared))
    if missing:
        raise BrokerError(
            f"queue {', '.join(missing)} is not declared, nothing was sent or taken; "
            "register it in the process context (queues are declared when a scheduler or worker starts)"
        )
