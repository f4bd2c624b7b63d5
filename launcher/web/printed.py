"""What has a job printed? Read from the store, where workers send it; bounded, and only what is new for who has the rest."""

from __future__ import annotations

from collections.abc import Sequence

from db.model import OutputPiece, UnitOfWork
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.named import node_of
from mx.models.job import Printed
from system.errors import NotFound
from system.lifecycle import UowState

_TAIL, _MOST = 65_536, 262_144  # characters: of the end of it; of what is new
_ATTEMPTS = 20
_BEYOND = 2**53  # no attempt and no byte has such a number, and every store takes it
_WITH_A_WORKER = (UowState.REQUESTED, UowState.IN_PROGRESS)


class PrintedArea(Area):
    """Answers the part of `mx.desk_job.JobDesk` that is about what jobs print."""

    @asked
    def printed(self, process: str, timeperiod: str, *, uow: str = "", fence: int = 0, begin: int | None = None) -> Printed:
        """See JobDesk."""
        found = self._named_uow(process, timeperiod, uow)
        if found is None:
            return Printed(uow="", fence=0, text="", begin=0, end=0, is_running=False)
        fence, begin = min(fence or found.fence, _BEYOND), None if begin is None else min(begin, _BEYOND)
        pieces = self.parts.store.output_from(found.id, fence, begin or 0) if fence else []
        shown = last_of(pieces) if begin is None else first_of(pieces)
        return Printed(
            uow=found.id,
            fence=fence,
            text="".join(piece.text for piece in shown),
            begin=shown[0].offset if shown else begin or 0,
            end=shown[-1].offset + 1 if shown else begin or 0,
            is_running=found.state in _WITH_A_WORKER and fence == found.fence,
            attempts=_attempts(found),
        )

    @asked
    def printed_whole(self, process: str, timeperiod: str, *, uow: str = "") -> str:
        """See JobDesk."""
        found = self._named_uow(process, timeperiod, uow)
        if found is None:
            return ""
        output = {fence: self.parts.store.output_from(found.id, fence, 0) for fence in _attempts(found)}
        texts = [f"--- {found.id}, attempt {fence}\n{''.join(each.text for each in pieces)}" for fence, pieces in output.items() if pieces]
        return "\n".join(texts)

    def _named_uow(self, process: str, timeperiod: str, uow: str) -> UnitOfWork | None:
        """Return a unit of work of a job, by default its current one; None where nothing has run yet."""
        node_of(self.parts.context, process, timeperiod)
        if not uow:
            found = self.parts.store.uows_of(process, timeperiod, 1)
            return found[0] if found else None
        if not uow.startswith(f"{process}/{timeperiod}/"):
            raise NotFound(f"{uow} is no unit of work of {process} {timeperiod}")
        named = self.parts.store.uows([uow])
        if not named:
            raise NotFound(f"{uow} is not kept any more, or never was")
        return named[0]


def last_of(pieces: Sequence[OutputPiece]) -> Sequence[OutputPiece]:
    """Return the last pieces, as many as are shown at once; of one that is longer than that all."""
    length, at = 0, len(pieces)
    while at > 0 and (length == 0 or length + len(pieces[at - 1].text) <= _TAIL):
        at -= 1
        length += len(pieces[at].text)
    return pieces[at:]


def first_of(pieces: Sequence[OutputPiece]) -> Sequence[OutputPiece]:
    """Return the first pieces, as many as are sent at once, and one at least."""
    length = 0
    for at, piece in enumerate(pieces):
        length += len(piece.text)
        if at and length > _MOST:
            return pieces[:at]
    return pieces


def _attempts(uow: UnitOfWork) -> tuple[int, ...]:
    """Return the numbers of a unit of work's last attempts. Each claim has one; those that were lost or failed count."""
    tries = uow.failures + uow.losses + (uow.state is not UowState.INVALID)
    return tuple(range(max(1, uow.fence - min(tries, _ATTEMPTS) + 1), uow.fence + 1))
