"""How does all that one store holds come into another? Kind by kind, in pages, so that a broken-off move goes on; then both are compared.

How far it is stands in a note of the target: which source, how that stood, which kind, after which record. All that is written is
written as it is, under its own key, so a page that is written twice is written once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from zlib import crc32

from db.moving import KINDS, Kind, Marks, Record
from db.store import Store
from system.errors import StoreError

NOTE = "migration"
COPYING, COPIED, VERIFIED = "copying", "copied", "verified"

_TURNS_AT_ONCE = 200
# Records in a page: a turn may be long, and a piece of output is.
_PAGES: Mapping[str, int] = {"turns": 100, "output": 50, "chunks": 200}
_PAGE = 1_000
_BUCKETS = 256
_NAMED = 3

Told = Callable[[str, str, int], None]  # what is done, to which kind, to how many records so far


@dataclass(frozen=True, slots=True)
class Progress:
    """What a target has noted. `origin` is what a person knows the source by, `stamp` how that stood. `after` is a place in `kind`.

    `done` counts the records of each kind that were copied.
    """

    origin: str
    stamp: str
    phase: str = COPYING
    kind: str = ""
    after: str = ""
    done: Mapping[str, int] = field(default_factory=dict)


class Refused(StoreError):
    """A move that must not be made, or did not come out right; the message says why, and what to do."""


def read_progress(store: Store) -> Progress | None:
    """Return what a store has noted of its being moved to; None where nothing was ever moved there."""
    text = store.note(NOTE)
    return Progress(**json.loads(text)) if text else None


def stamp_of(store: Store) -> str:
    """Return a text that changes with whatever a scheduler, a worker or an operator does to a store."""
    marks, head, body = store.marks(), 0, ""
    while turns := store.turns_after(head or marks.projected - 1, _TURNS_AT_ONCE):
        head, body = turns[-1].number, KINDS["turns"].text(turns[-1])
    beats = sorted((session.id, session.beat) for session in store.sessions())
    said = repr((marks, head, body, beats, sorted(store.sizes().items())))
    return sha256(said.encode()).hexdigest()[:32]


def half_moved(store: Store) -> str:
    """Return where a store is half moved from, empty where it is whole: it must not be led by."""
    found = read_progress(store)
    return found.origin if found and found.phase != VERIFIED else ""


def begin(source: Store, target: Store, origin: str) -> Progress:
    """Return how far a move from `source` to `target` is, noting its beginning; raises Refused where the target must not be moved to."""
    if not any(source.records(kind, "", 1).found for kind in KINDS):
        raise Refused("the source holds nothing: is its URL the one that is meant?")
    if half_moved(source):
        raise Refused(f"the source is itself half of a move from {half_moved(source)}: finish that first")
    stamp, found = stamp_of(source), read_progress(target)
    if found is None:
        _refuse_what_is_used(target)
        found = Progress(origin, stamp)
        _note(target, found)
    elif found.stamp != stamp:
        said = f"{found.origin} was being moved to the target, and it or the source has changed since"
        raise Refused(f"{said}: nothing was done; empty the target (`launch.py db --reset` with its URL), then begin anew")
    elif found.phase == VERIFIED and stamp_of(target) != stamp:
        raise Refused("the target was moved to before, and has been used since: nothing was done")
    return found


def copy(source: Store, target: Store, begun: Progress, told: Told) -> Progress:
    """Copy what is not copied yet, and return how that is noted."""
    if begun.phase != COPYING:
        return begun
    kinds, done = list(KINDS), dict(begun.done)
    for kind in kinds[kinds.index(begun.kind) if begun.kind else 0 :]:
        after = begun.after if kind == begun.kind else ""
        is_over = False
        while not is_over:
            page = source.records(kind, after, _PAGES.get(kind, _PAGE))
            if page.found:
                target.put_records(kind, page.found)
            done[kind] = done.get(kind, 0) + len(page.found)
            after, is_over = page.next, not page.next
            # Where the kind is over its last page would be copied again: that changes nothing but the count.
            if not is_over:
                _note(target, Progress(begun.origin, begun.stamp, COPYING, kind, after, done))
            told("copied", kind, done[kind])
        following = kinds[kinds.index(kind) + 1 : kinds.index(kind) + 2]
        if following:
            _note(target, Progress(begun.origin, begun.stamp, COPYING, following[0], "", done))
    target.put_marks(source.marks())
    copied = Progress(begun.origin, begun.stamp, COPIED, done=done)
    _note(target, copied)
    return copied


def verify(source: Store, target: Store, copied: Progress, told: Told) -> Mapping[str, int]:
    """Compare both record by record and return how many of each kind there are; raises Refused that names what differs."""
    counts = {}
    for kind in KINDS:
        here, there = (_Digest.of(store, kind, told, name) for store, name in ((source, "read"), (target, "compared")))
        counts[kind] = here.count
        if here != there:
            raise Refused(_difference(source, target, kind, here, there))
    ours, theirs = source.marks(), target.marks()
    if ours != theirs:
        raise Refused(f"the marks of both differ ({ours}, {theirs}): {_ANEW}")
    if stamp_of(source) != copied.stamp:
        raise Refused(f"the source has changed while it was moved: something runs on it; stop that, then {_ANEW}")
    _note(target, Progress(copied.origin, copied.stamp, VERIFIED, done=counts))
    return counts


_ANEW = "empty the target (`launch.py db --reset` with its URL), and begin anew"


@dataclass
class _Digest:
    """What identifies a number of records, whatever their order: by bucket how many there are, and the sum of their hashes."""

    counts: Counter[int] = field(default_factory=Counter)
    sums: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, store: Store, kind: str, told: Told, what: str) -> _Digest:
        made, done = cls(), 0
        for name, hashed in _hashes(store, kind):
            bucket = _bucket(name)
            made.counts[bucket] += 1
            made.sums[bucket] = (made.sums[bucket] + hashed) % (1 << 256)
            done += 1
            if done % _PAGE == 0:
                told(what, kind, done)
        told(what, kind, done)
        return made

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def unlike(self, other: _Digest) -> set[int]:
        return {n for n in range(_BUCKETS) if (self.counts[n], self.sums[n]) != (other.counts[n], other.sums[n])}


def _hashes(store: Store, kind: str) -> Iterator[tuple[str, int]]:
    after, how = "", KINDS[kind]
    while True:
        page = store.records(kind, after, _PAGES.get(kind, _PAGE))
        for record in page.found:
            yield _hash(how, record)
        after = page.next
        if not after:
            return


def _hash(how: Kind, record: Record) -> tuple[str, int]:
    name, text = how.written(record)
    return name, int.from_bytes(sha256(text.encode()).digest())


def _bucket(name: str) -> int:
    return crc32(name.encode(errors="replace")) % _BUCKETS


def _difference(source: Store, target: Store, kind: str, here: _Digest, there: _Digest) -> str:
    """Name some records that differ: those of the buckets that do are read once more, which are few."""
    wanted = here.unlike(there)
    ours, theirs = ({n: h for n, h in _hashes(store, kind) if _bucket(n) in wanted} for store in (source, target))
    named = [f"{name} ({_how(name, ours, theirs)})" for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return f"{kind} differ ({here.count:,} and {there.count:,} of them): {', '.join(named[:_NAMED])}{more}; {_ANEW}"


def _how(name: str, ours: Mapping[str, int], theirs: Mapping[str, int]) -> str:
    return "only in the source" if name not in theirs else "only in the target" if name not in ours else "not the same"


def _refuse_what_is_used(target: Store) -> None:
    used = [kind for kind in KINDS if target.records(kind, "", 1).found]
    if used or target.marks() != Marks():
        said = f"the target holds {', '.join(used) or 'turns'} already, and they are not of a move that was broken off"
        raise Refused(f"{said}: nothing was done; name an empty database, or empty this one by `launch.py db --reset` with its URL")


def _note(target: Store, progress: Progress) -> None:
    values = {name: getattr(progress, name) for name in Progress.__dataclass_fields__}
    target.put_note(NOTE, json.dumps({**values, "done": dict(progress.done)}))
