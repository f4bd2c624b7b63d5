"""How does a test stand between a part and its port? Every call goes through a toll, which may delay, refuse or end it.

`Mortal` is the toll that ends its process at the n-th call, before or after that call's effect.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

from mq.broker import Broker, Consumer

Act = Callable[[], Any]
Toll = Callable[[str, Act], Any]
P = TypeVar("P")


class Death(BaseException):
    """The process that made the call is gone: nothing in it may catch this."""


class Mortal:
    """Lets `calls` calls pass, and dies at the next one; `after`: once that call has had its effect. `died_at` says which call it was."""

    def __init__(self, calls: int, *, after: bool) -> None:
        self._left = calls
        self._after = after
        self.died_at = ""

    def __call__(self, name: str, act: Act) -> Any:
        """Pass a call on, or die of it; a dead process calls nothing any more."""
        if self.died_at:
            raise Death(f"dead since {self.died_at}")
        self._left -= 1
        if self._left >= 0:
            return act()
        if self._after:
            act()
        self.died_at = name
        raise Death(name)


def behind_toll(port: type[P], inner: P, toll: Toll) -> P:
    """Return a `port` whose every call is `toll(name, act)`, `act` being the call of `inner`."""
    made: P = _class(port)(inner, toll)  # type: ignore[arg-type]
    return made


def broker_behind_toll(broker: Broker, toll: Toll) -> Broker:
    """Return a broker whose consumers pay the toll, too."""

    def with_consumers(name: str, act: Act) -> Any:
        answer = toll(name, act)
        return behind_toll(Consumer, answer, toll) if name == "consumer" else answer

    return behind_toll(Broker, broker, with_consumers)  # type: ignore[type-abstract]


# What costs no toll, and is not to be what the port has for those that don't know it.
_FREE = ("foretell", "opens_at_once")


@cache
def _class(port: Any) -> type[Any]:
    names = sorted(port.__abstractmethods__)
    verbs = {name: _read(name) if isinstance(getattr(port, name), property) else _call(name) for name in names}
    verbs |= {name: _read(name) for name in _FREE if hasattr(port, name)}
    return type(f"Toll{port.__name__}", (port,), {"__init__": _init, **verbs})


def _init(self: Any, inner: Any, toll: Toll) -> None:
    self.inner, self.toll = inner, toll


def _call(name: str) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **named: Any) -> Any:
        return self.toll(name, partial(getattr(self.inner, name), *args, **named))

    return call


def _read(name: str) -> property:
    return property(lambda self: getattr(self.inner, name))
