"""How does a queue live in the store's own file? One table of messages, one writer thread with the store, doorbells to wake consumers.

A taken message carries its consumer's name until it is acknowledged; the consumer's doorbell tells whether it still lives.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

import sqlalchemy as sa

from mq.broker import Broker, BrokerFacts, Consumer, Delivery, Message
from mq.declared import refuse_undeclared
from mq.doorbell import Belfry, Doorbell
from system.errors import BrokerError, StoreError, Unavailable
from system.sqlfile import SqlFile
from system.sqlmany import Many
from system.sqlplace import FileId
from system.sqlschema import grow, missing_of

log = logging.getLogger(__name__)

PART = "queue"

metadata = sa.MetaData()
queues = sa.Table("queue", metadata, sa.Column("name", sa.Text, primary_key=True))
messages = sa.Table(
    "message",
    metadata,
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),  # 0 urgent, 1 not
    sa.Column("holder", sa.Text),
    sqlite_autoincrement=True,  # a number is never used again, so a late acknowledgement can't drop another message
)
_m = messages.c
_WAITS = _m.holder.is_(None)
_HELD = _m.holder.is_not(None)
sa.Index("message_waiting", _m.queue, _m.rank, _m.n, sqlite_where=_WAITS)
sa.Index("message_held", _m.holder, sqlite_where=_HELD)

_AMONG = _m.queue.in_(sa.bindparam("names", expanding=True))
_NAMES = sa.select(queues.c.name)
_DECLARE = Many(sa.insert(queues).prefix_with("OR IGNORE"), ("name",))
_PUBLISH = Many(
    sa.insert(messages).values({name: sa.bindparam(name) for name in ("queue", "body", "rank")}), ("queue", "body", "rank")
)
_DEPTHS = sa.select(_m.queue, sa.func.count()).where(_WAITS, _AMONG).group_by(_m.queue)
_HOLDERS = sa.select(_m.holder).where(_HELD).distinct()
_HELD_QUEUES = sa.select(_m.queue).where(_m.holder == sa.bindparam("who")).distinct()
_RELEASE = sa.update(messages).where(_m.holder == sa.bindparam("who")).values(holder=None)
# The queues come as one JSON text: a walk along the index for each of them. A union of a walk for each opens a table for each.
_mine = sa.func.json_each(sa.bindparam("names", type_=sa.Text)).table_valued("value", name="mine")
_most = sa.bindparam("most", type_=sa.Integer)
_w = messages.alias("waiting")
_walk = sa.select(_w.c.n).where(_w.c.holder.is_(None), _w.c.queue == _mine.c.value).correlate(_mine)
# One question, since an idle consumer asks it again and again: each costs more than what it looks up.
_LOOK = sa.select(sa.exists().select_from(_mine).where(_walk.exists()), sa.exists().where(_HELD))
_OLDEST = (
    sa.select(_m.n, _m.queue, _m.body)
    .select_from(_mine.join(messages, _m.n.in_(_walk.order_by(_w.c.rank, _w.c.n).limit(_most))))
    .order_by(_m.rank, _m.n)
    .limit(_most)
)
_numbers = sa.func.json_each(sa.bindparam("numbers", type_=sa.Text)).table_valued("value", name="taken")
_HOLD = sa.update(messages).where(_m.n.in_(sa.select(_numbers.c.value))).values(holder=sa.bindparam("who"))
_DROP = Many(sa.delete(messages).where(_m.n == sa.bindparam("number"), _m.holder == sa.bindparam("who")), ("number", "who"))
_PURGE = sa.delete(messages).where(_m.queue == sa.bindparam("name"), _WAITS)


def _create(conn: sa.Connection) -> None:
    metadata.create_all(conn)


# Step n leads from version n to n + 1. A step that was released is never changed: the next change is a new step.
STEPS = (_create,)


class EmbeddedBroker(Broker):
    """Queues in `file`, doorbells in `belfry`. It closes the belfry; the file is the store's to close, after the broker."""

    def __init__(self, file: SqlFile, belfry: Belfry) -> None:
        self._file = file
        self._belfry = belfry
        # Queues are never undeclared, so a name that was seen once in a file need not be asked for again, as long as that file lies there.
        self._declared: tuple[FileId | None, frozenset[str]] = None, frozenset()

    def prepare(self) -> None:
        """See Broker. Also frees what the dead of earlier runs left."""
        with _translating():
            self._file.migrate(PART, STEPS)
        self._belfry.sweep()
        self.revive()

    def describe(self, queues: Sequence[str]) -> BrokerFacts:
        """See Broker."""
        with _translating():
            return self._file.read(lambda conn: _facts(conn, queues))

    def mend(self) -> None:
        """See Broker."""
        with _translating():
            self._file.write_long(lambda conn: grow(conn, metadata))

    def declare(self, queues: Sequence[str]) -> None:
        """See Broker."""
        with _translating():
            file_id, known = self._known()
            new = [(name,) for name in dict.fromkeys(queues) if name not in known]
            if new:
                self._file.write_anew(lambda conn: _DECLARE(conn, new))
                self._declared = file_id, known | {name for (name,) in new}

    def publish(self, messages: Sequence[Message]) -> None:
        """See Broker."""
        if not messages:
            return
        to = {message.queue for message in messages}
        self._refuse_undeclared(to)
        rows = [(message.queue, message.body, int(not message.urgent)) for message in messages]
        with _translating():
            self._file.write(lambda conn: _PUBLISH(conn, rows))
        self.ring(to)

    def consumer(self, queues: Sequence[str]) -> Consumer:
        """See Broker."""
        names = tuple(dict.fromkeys(queues))
        self._refuse_undeclared(names)
        return EmbeddedConsumer(self, self._file, self._belfry.hang(names), names)

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """See Broker."""
        self.revive()
        with _translating():
            found = self._file.read(lambda conn: conn.execute(_DEPTHS, {"names": list(queues)}).all())
        return dict.fromkeys(queues, 0) | {row[0]: row[1] for row in found}

    def purge(self, queue: str) -> int:
        """See Broker."""
        with _translating():
            return self._file.write(lambda conn: conn.execute(_PURGE, {"name": queue}).rowcount)

    def close(self) -> None:
        """See Broker."""
        self._belfry.close()

    def revive(self) -> bool:
        """Give back what dead consumers hold; returns whether there was any."""
        with _translating():
            holders = self._file.read(lambda conn: conn.execute(_HOLDERS).scalars().all())
        dead = [holder for holder in holders if not self._belfry.is_alive(holder)]
        for holder in dead:
            log.warning("consumer %s is dead, what it held waits again", holder, extra={"action": "messages_revived", "consumer": holder})
            self.release(holder)
            self._belfry.take_down(holder)
        return bool(dead)

    def release(self, holder: str) -> None:
        """Let the messages of `holder` wait again, and tell who consumes their queues."""
        def release(conn: sa.Connection) -> list[str]:
            freed = list(conn.execute(_HELD_QUEUES, {"who": holder}).scalars())
            conn.execute(_RELEASE, {"who": holder})
            return freed

        with _translating():
            freed = self._file.write(release)
        self.ring(freed)

    def ring(self, queues: Iterable[str]) -> None:
        """Ring the consumers of `queues`. What was committed stays so: where a bell can't be rung, its consumer looks by itself soon."""
        try:
            self._belfry.ring(set(queues))
        except BrokerError:
            log.warning("a doorbell could not be rung", exc_info=True, extra={"action": "doorbell_failed"})

    def _refuse_undeclared(self, names: Iterable[str]) -> None:
        with _translating():
            file_id, known = self._known()
            if not known.issuperset(names):
                self._declared = file_id, frozenset(self._file.read(lambda conn: conn.execute(_NAMES).scalars().all()))
                refuse_undeclared(names, self._declared[1])

    def _known(self) -> tuple[FileId, frozenset[str]]:
        """Return which file lies there, and the queues that are known to be declared in it."""
        file_id = self._file.file_id()
        return file_id, self._declared[1] if self._declared[0] == file_id else frozenset()


class EmbeddedConsumer(Consumer):
    """Takes by writing its name to messages that wait."""

    def __init__(self, broker: EmbeddedBroker, file: SqlFile, bell: Doorbell, queues: Sequence[str]) -> None:
        self._broker = broker
        self._file = file
        self._bell = bell
        self._names = json.dumps(list(dict.fromkeys(queues)))
        self._is_closed = False

    def fileno(self) -> int:
        """See Consumer."""
        return self._bell.fileno()

    def take(self, limit: int) -> list[Delivery]:
        """See Consumer."""
        if self._is_closed:
            raise BrokerError("this consumer is closed; ask the broker for a new one")
        if limit <= 0:
            return []
        self._bell.quiet()
        is_waiting, is_held = self._look()
        if not (is_waiting or (is_held and self._broker.revive())):
            return []
        with _translating():
            # Not durable: what a power cut undoes here is a hint that comes twice.
            rows = self._file.write(lambda conn: self._hold(conn, limit), durable=False)
        if len(rows) == limit:
            self._bell.ring()  # there may be more, and the rings for it were forgotten above
        return [Delivery(number, queue, body) for number, queue, body in rows]

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """See Consumer."""
        if deliveries:
            rows = [(delivery.tag, self._bell.name) for delivery in deliveries]
            with _translating():
                self._file.submit(lambda conn: _DROP(conn, rows), durable=False).add_done_callback(_log_failure)

    def close(self) -> None:
        """See Consumer."""
        if self._is_closed:
            return
        self._is_closed = True
        self._bell.close()
        if not self._file.is_closed:  # else the next one that looks finds the bell gone
            self._broker.release(self._bell.name)

    def _look(self) -> tuple[bool, bool]:
        """Return whether something waits here, and whether anybody holds something of any queue, without asking for the write lock."""
        with _translating():
            is_waiting, is_held = self._file.read(lambda conn: conn.execute(_LOOK, {"names": self._names}).one())
        return bool(is_waiting), bool(is_held)

    def _hold(self, conn: sa.Connection, limit: int) -> list[tuple[int, str, str]]:
        rows = [(n, queue, body) for n, queue, body in conn.execute(_OLDEST, {"names": self._names, "most": limit})]
        conn.execute(_HOLD, {"numbers": json.dumps([row[0] for row in rows]), "who": self._bell.name})
        return rows


def _facts(conn: sa.Connection, queues: Sequence[str]) -> BrokerFacts:
    missing = tuple(missing_of(conn, metadata))
    is_there = sa.inspect(conn).has_table("queue")
    declared = set(conn.execute(_NAMES).scalars()) if is_there else set()
    undeclared = tuple(queue for queue in dict.fromkeys(queues) if queue not in declared)
    return BrokerFacts("a queue in the store's file", missing=missing, undeclared=undeclared)


def _log_failure(future: Future[int]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.warning("an acknowledgement failed, its messages come again: %s", error, extra={"action": "acknowledge_failed"})


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except Unavailable:
        raise
    except StoreError as error:
        raise BrokerError(str(error)) from error
