"""How are frozen dataclasses made by the thousand? `lean` drops what a frozen one pays at run time; the type checker keeps it frozen.

A frozen dataclass sets each of its fields by a call of `object.__setattr__`: seven times the price of a plain one of twenty fields, and the
engine makes a dozen for each unit of work. What is lean can be written to at run time, by code that no type checker has seen.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, field, fields, make_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

Record = TypeVar("Record")

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414  the type checker knows names and types of what is changed
else:

    def replace(record: Record, /, **changes: Any) -> Record:
        """Return `record` with `changes`, as dataclasses.replace does, in half the time where it is lean; raises TypeError for no field."""
        try:
            names, known, values = record._lean
        except AttributeError:
            return dataclasses.replace(record, **changes)
        if not known.issuperset(changes):
            raise TypeError(f"{type(record).__name__} has no {', '.join(sorted(changes.keys() - known))}")
        return type(record)(*map(changes.get, names, values(record)))


def lean(cls: type[Record]) -> type[Record]:
    """Let a frozen dataclass with slots be made as fast as one that is not frozen: `@lean` above `@dataclass(frozen=True, slots=True)`.

    Only for a class without __post_init__ and with at least two fields, all of them positional.
    """
    found: tuple[Any, ...] = fields(cls)  # type: ignore[arg-type]
    if hasattr(cls, "__post_init__") or any(item.kw_only or not item.init for item in found):
        raise TypeError(f"{cls.__name__} can't be lean: it has __post_init__, or fields that are not positional")
    twin = make_dataclass(cls.__name__, [(item.name, item.type, _default(item)) for item in found])
    names = tuple(item.name for item in found)
    # What the decorators above made of the class is changed in place: pickles and subclasses find the class they know.
    changed: Any = cls
    changed.__init__ = vars(twin)["__init__"]
    changed._lean = (names, frozenset(names), attrgetter(*names))
    del changed.__setattr__, changed.__delattr__
    return cls


def _default(item: Any) -> Any:
    if item.default is not MISSING:
        return field(default=item.default)
    return field(default_factory=item.default_factory) if item.default_factory is not MISSING else field()
