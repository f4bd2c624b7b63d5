"""How does MongoDB keep turns? A document each, whose insert is the commit; a long text is packed, and a very long one lies in parts.

A document ends at 16 MB. The parts of a turn are written before it, under a name made of what they hold: so a leader that repeats an
insert writes the same parts again, and one that loses the number leaves some that nobody reads, until turns of that age are removed.

Turns are removed in time, but the number of one that was inserted by another leader than the turn before it stays taken for ever. It is
the number that the leader before would insert next, however long that one stands still: so who goes on from a turn of its own needs only
the insert to know that it still leads.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from hashlib import sha256

from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from db.documents import Row, decode_turn, encode_turn
from db.model import Turn
from db.mongo_bulk import write
from db.mongo_client import Talk
from db.storable import refuse_heavy
from db.store import Store
from system.errors import StoreError

PLAIN = 1 << 16  # characters: a shorter text is kept as it is, to be read by people too
PART = 12 << 20  # bytes
# What is no longer there but for its number, and what is.
_EMPTIED: Row = {"$set": {"removed": True}, "$unset": {"text": "", "packed": "", "parts": ""}}
_PRESENT: Row = {"removed": {"$ne": True}}


class MongoTurns(Store):
    """The part of `MongoStore` that keeps turns."""

    _talk: Talk
    _meta: Collection[Row]
    _turns: Collection[Row]
    _turn_parts: Collection[Row]
    _own: tuple[int, str] | None  # the last turn, and its session, that this store inserted for sure; None after one that is in doubt

    def insert_turn(self, turn: Turn) -> bool:
        """See Store."""
        text = encode_turn(turn)
        refuse_heavy(turn, text)
        document, parts = packed(turn.number, text)
        goes_on = self._own == (turn.number - 1, turn.session)
        self._own = None
        if not goes_on:
            document["takes_over"] = True
        with self._talk():
            for part in parts:  # one by one: together they may be more than a message holds
                write(self._turn_parts, [ReplaceOne({"_id": part["_id"]}, part, upsert=True)])
            try:
                self._turns.insert_one(document)
            except DuplicateKeyError:
                return False
            # After the insert: what is removed later than this was ours, what was removed before is seen here.
            if goes_on or turn.number > self._removed_turns():
                self._own = turn.number, turn.session
                return True
            self._turns.delete_one({"_id": turn.number})
            return False

    def turns_after(self, number: int, limit: int) -> list[Turn]:
        """See Store."""
        if limit < 1:  # to the driver, 0 is no limit
            return []
        with self._talk():
            found = list(self._turns.find({"_id": {"$gt": number}, **_PRESENT}, sort=[("_id", 1)], limit=limit))
            texts = [self._text(document) for document in found]
        return [decode_turn(text) for text in texts if text]

    def remove_turns(self, upto: int) -> None:
        """See Keeping."""
        with self._talk():
            # First: an insert that finds one of these numbers free sees then that it is not.
            self._meta.update_one({"_id": "removed_turns"}, {"$max": {"number": upto}}, upsert=True)
            self._turns.update_many({"_id": {"$lte": upto}, "takes_over": True, **_PRESENT}, _EMPTIED)
            self._turns.delete_many({"_id": {"$lte": upto}, "takes_over": {"$ne": True}})
            self._turn_parts.delete_many({"_id": {"$lt": _front(upto + 1)}})

    def _removed_turns(self) -> int:
        """Return the number up to which turns were removed."""
        found = self._meta.find_one({"_id": "removed_turns"})
        return int(found["number"]) if found else 0

    def _text(self, document: Row) -> str:
        """Return the text of a turn; empty where it was removed while it was read."""
        if "text" in document:
            return str(document["text"])
        if "packed" in document:
            return _unpacked(document["_id"], [document["packed"]])
        names: Sequence[str] = document["parts"]
        parts = {part["_id"]: part["packed"] for part in self._turn_parts.find({"_id": {"$in": names}})}
        if len(parts) == len(names):
            return _unpacked(document["_id"], [parts[name] for name in names])
        if document["_id"] <= self._removed_turns():
            return ""
        raise StoreError(f"turn {document['_id']} is damaged: {len(names) - len(parts)} of its parts are missing; restore a backup")


def packed(turn: int, text: str) -> tuple[Row, list[Row]]:
    """Return the document of a turn that is written as `text`, and the parts that are to be there before it."""
    if len(text) < PLAIN:
        return {"_id": turn, "text": text}, []
    packed = zlib.compress(text.encode("ascii"), 1)
    if len(packed) <= PART:
        return {"_id": turn, "packed": packed}, []
    front = f"{_front(turn)}/{sha256(packed).hexdigest()[:16]}"
    pieces = [packed[place : place + PART] for place in range(0, len(packed), PART)]
    parts: list[Row] = [{"_id": f"{front}/{number:04}", "packed": piece} for number, piece in enumerate(pieces)]
    return {"_id": turn, "parts": [part["_id"] for part in parts]}, parts


def _unpacked(number: int, pieces: Sequence[bytes]) -> str:
    try:
        return zlib.decompress(b"".join(pieces)).decode("ascii")
    except (zlib.error, UnicodeDecodeError) as error:
        raise StoreError(f"turn {number} is damaged ({error}); restore the store from a backup") from error


def _front(number: int) -> str:
    """Return what the names of a turn's parts begin with, so that they sort by number."""
    return f"{number:015}"
