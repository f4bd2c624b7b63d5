"""Is a lean record the frozen dataclass that it was, but for the price?"""

from __future__ import annotations

import dataclasses
import inspect
import pickle
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from db.model import Job, Outcome, UnitOfWork, UowMove
from mq.broker import Delivery, Message
from scheduler.decisions import Occasion
from scheduler.settlement import Settlement
from system.lifecycle import JobState, UowState
from system.records import lean, replace
from workers.slots import Ended, Task

LEAN = [Job, UnitOfWork, Outcome, UowMove, Message, Delivery, Occasion, Settlement, Task, Ended]
NOW = datetime(2026, 11, 21, 16, tzinfo=UTC)


def of(kind: Any) -> tuple[Any, dict[str, Any]]:
    """Return a record with another value in each of its fields, and those values."""
    values = {item.name: f"value {number}" for number, item in enumerate(dataclasses.fields(kind))}
    return kind(**values), values


@pytest.mark.parametrize("kind", LEAN)
def test_each_field_is_what_it_was_made_of(kind: Any) -> None:
    record, values = of(kind)
    assert dataclasses.asdict(record) == values
    assert kind(*values.values()) == record
    assert hash(kind(**values)) == hash(record)
    assert repr(record).startswith(f"{kind.__name__}({next(iter(values))}='value 0'")


@pytest.mark.parametrize("kind", LEAN)
def test_a_field_left_out_has_its_default(kind: Any) -> None:
    needed = [item for item in dataclasses.fields(kind) if item.default is item.default_factory is dataclasses.MISSING]
    record = kind(*(item.name for item in needed))
    for item in dataclasses.fields(kind)[len(needed) :]:
        made = item.default_factory() if item.default_factory is not dataclasses.MISSING else item.default
        assert getattr(record, item.name) == made, item.name
    with pytest.raises(TypeError, match=r"missing .* required positional argument"):
        kind()


@pytest.mark.parametrize("kind", LEAN)
def test_a_changed_one_is_what_dataclasses_make_of_it(kind: Any) -> None:
    record, values = of(kind)
    for name in values:
        assert replace(record, **{name: "new"}) == dataclasses.replace(record, **{name: "new"})
    assert record == kind(**values)
    assert replace(record) == record
    assert replace(record) is not record


def test_a_change_to_none_counts() -> None:
    job = Job("p", "2026112116", JobState.IN_PROGRESS, NOW, 1, uow_state=UowState.REQUESTED, retry_at=NOW)
    assert replace(job, uow_state=None, retry_at=None) == Job("p", "2026112116", JobState.IN_PROGRESS, NOW, 1)


def test_a_change_of_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Message has no colour, size"):
        replace(Message("queue", "body"), size=1, colour="red")  # type: ignore[call-arg]


def test_what_is_not_lean_is_changed_as_ever() -> None:
    @dataclass(frozen=True)
    class Plain:
        one: int
        two: int = 2

    assert replace(Plain(1), two=3) == Plain(1, 3)


def test_a_list_of_its_own_for_each() -> None:
    @lean
    @dataclass(frozen=True, slots=True)
    class Basket:
        name: str
        things: list[str] = field(default_factory=list)

    one, other = Basket("one"), Basket("other")
    one.things.append("apple")
    assert other.things == []


def test_what_can_not_be_lean_says_so() -> None:
    with pytest.raises(TypeError, match="Checked can't be lean"):

        @lean
        @dataclass(frozen=True, slots=True)
        class Checked:
            one: int
            two: int

            def __post_init__(self) -> None:
                raise AssertionError

    with pytest.raises(TypeError, match="Named can't be lean"):

        @lean
        @dataclass(frozen=True, slots=True, kw_only=True)
        class Named:
            one: int
            two: int


def test_it_travels_between_processes_and_tells_what_it_takes() -> None:
    message = Message("queue", "body", urgent=True)
    assert pickle.loads(pickle.dumps(message)) == message
    assert list(inspect.signature(Message).parameters) == ["queue", "body", "urgent"]
