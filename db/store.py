"""What does Horarium ask of a store? The port that every backend answers.

A backend holds no rule. The common denominator is the atomic write of one record: a batch is many such writes, not a transaction.
Every verb may raise Unavailable (the same call may succeed later; whether it took effect is not known) or StoreError.
Every verb may be called from any thread.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from db.contexts import ContextRow
from db.entries import Entry
from db.facts import StoreFacts
from db.keeping import Keeping
from db.looking import Looking
from db.model import (
    BeatAnswer,
    Chunk,
    Command,
    Event,
    Job,
    Outcome,
    OutputPiece,
    ProcessRow,
    Session,
    Switch,
    Turn,
    UnitOfWork,
)
from db.model_boxes import BoxReport, BoxWish
from db.moving import Moving
from db.papers import Papers

_FEW = 8


def nothing() -> None:
    """Do nothing."""


def opened_at_once(turn: Turn) -> Sequence[UnitOfWork]:
    """Return the units of work that a store which `opens_at_once` opens with their turn: few, where nothing becomes of others before."""
    is_plain = not (turn.moves or turn.cancels or turn.lost)
    return turn.opened if is_plain and len(turn.opened) <= _FEW else ()


class Store(Keeping, Looking, Moving, Papers):
    """The truth: turns, their projections, claims, beats and outcomes.

    `opens_at_once`: `opened_at_once` of a turn can be claimed as soon as it is inserted.
    """

    opens_at_once = False

    @abstractmethod
    def prepare(self) -> None:
        """Create what is missing and migrate what is older. Idempotent; raises SchemaError when the schema is newer than the code."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections and threads; what was called before is on disk."""

    @abstractmethod
    def describe(self) -> StoreFacts:
        """Return what the store tells of itself. Changes nothing, and works on one that was not prepared."""

    @abstractmethod
    def mend(self) -> None:
        """Create again what `describe` finds missing in a store that is prepared. Idempotent; may take as long as an index takes."""

    def renew(self) -> bool:
        """Go by the store that came in place of this one, restored from a backup; returns whether one did. Raises Unavailable.

        Whoever opens a session does so by that; until then each verb raises Unavailable. Only a file can be replaced so.
        """
        return False

    # -- turns

    @abstractmethod
    def insert_turn(self, turn: Turn) -> bool:
        """Insert `turn` if its number is free. Returns False, and changes nothing, when it is taken. Durable on return.

        The number of a turn that was removed stays taken. Raises StoreError where a record of it is more than the store keeps: what is in
        can be projected.
        """

    @abstractmethod
    def turns_after(self, number: int, limit: int) -> list[Turn]:
        """Return at most `limit` turns with a higher number than `number`, ascending."""

    @abstractmethod
    def projected_turn(self) -> int:
        """Return the number up to which every turn is known to be projected; 0 before the first. May lag behind, never run ahead."""

    # -- projections

    @abstractmethod
    def project(self, turn: Turn, chunks: Sequence[Chunk], on_requested: Callable[[], None] = nothing) -> None:
        """Apply `turn` to the records, `chunks` being the chunks it touched as they stand after it. Idempotent. In this order:

        `opened`: inserted, where the id is not there yet (whoever came first keeps it).
        `cancels`: `cancel_requested` and reason set, where the unit of work is not finished.
        `moves`: where state and fence still match and the record's `turn` is older: state, losses, reason; the session is cleared
        by any move to REQUESTED. The record's `turn` is set.
        `widenings`: the slice, where the unit of work is REQUESTED under that fence and the record's `turn` is older, which is set.
        `jobs`, `entries`, `chunks` and `switches`: written where there is no record or its `turn` is older.
        `lost`: those sessions are closed. `answers`: state, answer and turn of the commands, where still OPEN.
        `registered`: processes, written where there is none of that name or its `turn` is older. `contexts`: by digest and box, likewise.
        `events`: inserted, where that place of that turn is not there yet.
        Last, `projected_turn` becomes `turn.number`, where it was lower.

        `on_requested` is called once, in this thread, when the units of work can be claimed, which may be before all the rest is done.
        """

    # -- jobs and chunks

    @abstractmethod
    def active_jobs(self) -> list[Job]:
        """Return every job that has a record and is not finished, in no order. Cost grows with their number, not with history."""

    @abstractmethod
    def jobs(self, process: str, timeperiods: Sequence[str]) -> list[Job]:
        """Return the records there are of one process's `timeperiods`, in no order."""

    @abstractmethod
    def chunks(self, processes: Sequence[str]) -> Iterator[Chunk]:
        """Yield every chunk of `processes`, in no order."""

    # -- freerun entries

    @abstractmethod
    def entries(self) -> list[Entry]:
        """Return the record of every freerun entry, in no order."""

    # -- events

    @abstractmethod
    def events(self, process: str, timeperiod: str, limit: int) -> list[Event]:
        """Return the events of one job, at most `limit`, latest turn first."""

    # -- units of work

    @abstractmethod
    def uows(self, ids: Sequence[str]) -> list[UnitOfWork]:
        """Return the units of work there are among `ids`, in no order."""

    @abstractmethod
    def uows_of(self, process: str, timeperiod: str, limit: int) -> list[UnitOfWork]:
        """Return the units of work of one job that are kept, at most `limit`, last opened first."""

    @abstractmethod
    def fires(self, process: str, entry: str, limit: int) -> list[UnitOfWork]:
        """Return the units of work of a freerun entry that are kept, at most `limit`, the latest fire first; cost grows with `limit`."""

    @abstractmethod
    def claim(self, ids: Sequence[str], session: str, at: datetime) -> list[UnitOfWork]:
        """Take those of `ids` that are still REQUESTED and not to be canceled for `session`, each in one atomic step.

        Returns the ones won, as they now stand (IN_PROGRESS, fence one higher, `started_at` = `at`), in no order. What someone else
        won is left out. A repeated id is won once.
        """

    @abstractmethod
    def give_back(self, claims: Sequence[UnitOfWork]) -> list[str]:
        """Make claims that never started REQUESTED again, where (id, session, fence, IN_PROGRESS) still match; returns their ids."""

    @abstractmethod
    def finish(self, outcomes: Sequence[Outcome]) -> list[str]:
        """Write `outcomes` where (id, session, fence, IN_PROGRESS) still match; returns the ids that were written. Durable on return.

        An outcome other than CANCELED is not written where `cancel_requested` stands.
        """

    # -- sessions

    @abstractmethod
    def open_session(self, session: Session) -> None:
        """Insert `session`, open; raises StoreError when the id was used before."""

    @abstractmethod
    def beat(self, session_id: str, facts: dict[str, str]) -> BeatAnswer:
        """Raise an open session's beat by one and replace its facts; tells which of its claims have `cancel_requested`.

        A closed (or unknown) session is left as it is and answered `is_open=False`.
        """

    @abstractmethod
    def sessions(self) -> list[Session]:
        """Return the open sessions, in no order."""

    @abstractmethod
    def beat_of(self, session_id: str) -> int | None:
        """Return the beat of a session, None where it is closed or unknown. Reads one record: it is asked several times a second."""

    @abstractmethod
    def close_sessions(self, ids: Sequence[str]) -> None:
        """Close sessions for good. The caller knows that nothing of theirs runs any more."""

    @abstractmethod
    def expire_sessions(self, beats: Mapping[str, int]) -> list[str]:
        """Close those open sessions whose beat still is the given one, each in one atomic step; returns the ids that were closed.

        After it no beat of theirs is answered `is_open=True` any more, so an owner that wakes up late can't go on.
        """

    # -- commands

    @abstractmethod
    def add_command(self, command: Command) -> int:
        """Store `command` under the next free number and return that number, from 1. One that is answered stays so."""

    @abstractmethod
    def open_commands(self, limit: int) -> list[Command]:
        """Return at most `limit` commands that wait for an answer, by number."""

    @abstractmethod
    def latest_commands(self, before: int, limit: int) -> list[Command]:
        """Return at most `limit` commands with a number below `before` (0: with any), the newest first."""

    @abstractmethod
    def command(self, number: int) -> Command:
        """Return one command; raises NotFound."""

    # -- switches

    @abstractmethod
    def switches(self) -> list[Switch]:
        """Return the switches of all processes that have one, in no order."""

    # -- output of attempts

    @abstractmethod
    def append_output(self, pieces: Sequence[OutputPiece]) -> None:
        """Keep pieces of output; a piece with the same id, fence and offset replaces the one before."""

    @abstractmethod
    def output(self, uow_id: str) -> list[OutputPiece]:
        """Return what the attempts of a unit of work printed, by fence, then offset."""

    # -- registered processes

    @abstractmethod
    def processes(self) -> list[ProcessRow]:
        """Return the processes that were ever registered, by name."""

    @abstractmethod
    def contexts(self) -> list[ContextRow]:
        """Return which contexts were led by on which boxes, in no order."""

    # -- boxes

    @abstractmethod
    def box_wishes(self) -> list[BoxWish]:
        """Return what operators want of the boxes, by box, then process."""

    @abstractmethod
    def put_box_wishes(self, wishes: Sequence[BoxWish]) -> None:
        """Write `wishes`, each in place of the one for the same (box, process)."""

    @abstractmethod
    def box_reports(self) -> list[BoxReport]:
        """Return what the supervisors last said of their boxes, by box, then process."""

    @abstractmethod
    def put_box_reports(self, reports: Sequence[BoxReport]) -> None:
        """Write `reports`, each in place of the one for the same (box, process). May be lost, whole, when the machine stops."""

    @abstractmethod
    def drop_box(self, box: str, processes: Sequence[str]) -> None:
        """Forget wishes and reports of these processes of a box."""
