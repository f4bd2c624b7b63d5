"""Over what do commands look and act? This box's own store, or, where the setting `url` names one, the dashboard of another deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from system.context import Context

if TYPE_CHECKING:
    from launcher.parts import Roof
    from launcher.remote.client import Client
    from launcher.remote.desk import RemoteDesk, RemoteFreerun
    from scheduler.desk import Desk
    from scheduler.freerun_desk import FreerunDesk


@dataclass(frozen=True)
class Deployment:
    """What commands look at and act on. `context` is what is registered there, as far as it is known here; `is_elsewhere`: by an API."""

    context: Context
    desk: Desk | RemoteDesk
    freerun: FreerunDesk | RemoteFreerun
    is_elsewhere: bool


@contextmanager
def deployment(roof: Roof) -> Iterator[Deployment]:
    """Open what a command looks at and acts on; raises ConfigError, StoreError, BrokerError or Denied."""
    if roof.settings.url:
        from launcher.remote.desk import RemoteDesk, RemoteFreerun

        client, context = _client(roof), registered(roof)
        yield Deployment(context, RemoteDesk(client, context), RemoteFreerun(client), is_elsewhere=True)
        return
    from scheduler.freerun_desk import FreerunDesk

    context = roof.context  # read for its faults before anything is opened
    with roof.joined() as parts:
        freerun = FreerunDesk(parts.store, parts.broker, context, roof.clock)
        yield Deployment(context, roof.desk_over(parts), freerun, is_elsewhere=False)


def registered(roof: Roof) -> Context:
    """Return what is registered where commands act: this box's context, or what the API lists."""
    if not roof.settings.url:
        return roof.context
    from launcher.remote.desk import context_of

    if roof.elsewhere is None:
        roof.elsewhere = context_of(_client(roof))
    return roof.elsewhere


def _client(roof: Roof) -> Client:
    from launcher.remote.client import Client

    return Client(roof.settings.url, roof.settings.token)
