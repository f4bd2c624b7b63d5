"""What is the dashboard's desk made of? Store and broker once they are there, and the scheduler's desk over the context of the moment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from launcher.once_there import waiting_for
from launcher.parts import Joined, Roof, open_parts
from launcher.watching import watching
from launcher.web.asked import Asker
from mx.errors import BrokerUnusable, Unusable
from scheduler.desk import Desk
from system.context_watch import ContextWatch
from system.errors import BrokerAway, BrokerError, HorariumError, Unavailable
from system.hidden import hide

if TYPE_CHECKING:
    from db.store import Store
    from system.context import Context

log = logging.getLogger(__name__)
_READ_EVERY_S = 60.0
_PATIENCE_S = 4.0  # for the broker: less than a page is waited for


class WebParts:
    """Opened by the asking thread itself, at its first question or whenever nothing is asked; until then every question is refused.

    So the dashboard is there, and says what is wrong, while the store is not. A broker that is away makes no difference but to what
    is asked of it.
    """

    def __init__(self, roof: Roof) -> None:
        self.roof = roof
        self.asker = Asker(idle=self._idle, before=self._before)
        self._stack = ExitStack()
        self._joined: Joined | None = None
        self._desk: Desk | None = None
        self._watch: ContextWatch | None = None
        self._read_s = 0.0
        self._refusal: Unavailable = Unavailable("the store is being opened")
        self.after_load: Callable[[], object] = lambda: None  # called when a timetable was read anew
        self.before_close: list[Callable[[], object]] = []  # called before the store is closed
        self.when_replaced: list[Callable[[], object]] = []  # called once another file lies in the store's place

    def close(self) -> None:
        """Close what was opened. Nothing is asked after it."""
        for call in self.before_close:
            call()
        self.asker.ask(self._stack.close)
        self.asker.stop()

    @property
    def joined(self) -> Joined:
        """Store and broker; raises Unavailable until they are there. For the asking thread alone."""
        if self._joined is None:
            self._tend()
        if self._joined is None:
            raise type(self._refusal)(str(self._refusal))
        return self._joined

    @property
    def store(self) -> Store:
        """The store; raises Unavailable until it is there. For the asking thread alone."""
        return self.joined.store

    @property
    def shared_store(self) -> Store:
        """The store, for any thread; raises Unavailable until it is there."""
        return (self._joined or self.asker.ask(lambda: self.joined)).store

    @property
    def context(self) -> Context:
        """The context as it was when the question came, also while the store is away; raises ConfigError. For the asking thread alone."""
        if self._joined is not None:
            self._be_watched()
        return self.roof.context

    @property
    def desk(self) -> Desk:
        """The scheduler's desk over `context`; raises Unavailable, or ConfigError where the context can't be read.

        For the asking thread alone.
        """
        joined = self.joined
        self._be_watched()
        if self._desk is None:
            desk = self.roof.desk_over(joined)
            desk.entries()  # with the timetable
            self._desk = desk
            self.after_load()
        return self._desk

    def _idle(self) -> None:
        self._go_by_what_is_there()
        self._tend()
        self._read_along()

    def _tend(self) -> None:
        """Open what is not open yet."""
        if self._joined is not None:
            return
        try:
            with ExitStack() as stack:
                self._joined = stack.enter_context(open_parts(self.roof.settings, beside=self.roof.beside(_PATIENCE_S)))
                self._stack.push(stack.pop_all())
        except HorariumError as error:
            self._refuse(_refusal_of(error))
        except Exception as error:  # a full disk, say: nothing that a store is known to raise
            unforeseen = Unavailable(f"store or broker can't be opened: {type(error).__name__}: {hide(str(error))}")
            if str(unforeseen) != str(self._refusal):
                log.exception("store or broker can't be opened", extra={"action": "parts_failed"})
            self._refusal = unforeseen
        else:
            log.info("the store is there", extra={"action": "parts_back"})

    def _refuse(self, refusal: Unavailable) -> None:
        """Answer every question so from now on; said in the log once."""
        if str(refusal) != str(self._refusal):
            log.warning("%s", refusal, extra={"action": "parts_away"})
        self._refusal = refusal

    def _read_along(self) -> None:
        """Read the turns that were made since, so that the first question after a quiet night need not read all of the night's."""
        now_s = self.roof.clock.monotonic()
        if self._desk is None or now_s - self._read_s < _READ_EVERY_S:
            return
        self._read_s = now_s
        try:
            self._desk.read()
        except HorariumError as error:
            log.debug("could not read along: %s", error)

    def _be_watched(self) -> None:
        if self._watch is None:  # the context could not be read so far
            self._watch = self._stack.enter_context(watching(self.roof, self.joined))

    def _before(self) -> None:
        self._go_by_what_is_there()
        self._take_up()

    def _go_by_what_is_there(self) -> None:
        """Go by a backup that was put in the store's place, by a desk that knows nothing of what was there before."""
        try:
            if self._joined is not None and self._joined.store.renew():
                self._desk = None
                for forget in self.when_replaced:
                    forget()
                log.info("another file took the place of the store, and is gone by from now on", extra={"action": "store_replaced"})
        except Unavailable as error:  # it went away again this very moment: the question will say so
            log.debug("could not go by another store: %s", error)

    def _take_up(self) -> None:
        """Go by a context that has changed: between questions, so that one is answered by one context."""
        context = self._watch.take() if self._watch else None
        if context is not None:
            self.roof.__dict__["context"] = context  # the cached property's place
            self._desk = None


def _refusal_of(error: HorariumError) -> Unavailable:
    """Return what every question is answered by while store or broker can't be opened."""
    if isinstance(error, Unavailable):
        return (BrokerAway if isinstance(error, BrokerAway) else Unavailable)(waiting_for(error))
    return (BrokerUnusable if isinstance(error, BrokerError) else Unusable)(str(error))
