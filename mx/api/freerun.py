"""Freerun entries: which there are, when they fire, and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from flask import Response, g
from pydantic import Field

from mx.api.answers import Accepted, accepted, answer
from mx.api.app import Part, area
from mx.api.idempotency import mark
from mx.api.paging import Page, page_after
from mx.api.params import Count, Name, Paged, ProcessPath, Query, Reasoned
from mx.desk import Desk
from mx.models.triggers import EntryDetails, EntryTrigger, FireOutput
from mx.security.roles import Role, needs

State = Literal["on", "off", "deleted", "held", "failing"]


class EntriesQuery(Paged):
    """Which entries."""

    process: Name | None = Field(None, description="Only of this process.")
    words: str = Field("", max_length=100, description="Only entries whose names hold this.")
    state: State | None = Field(None, description="Only those that stand so.")


class EntryQuery(Query):
    """How much of an entry."""

    coming: Count = Field(5, ge=0, le=1_000, description="How many of its next fires.")
    fires: Count = Field(20, ge=0, le=200, description="How many of its last fires.")


class EntryPath(ProcessPath):
    """An entry in the address."""

    entry: Name


class EntryVerbPath(EntryPath):
    """An entry, and what is to be done to it."""

    verb: Literal["on", "off", "trigger", "cancel", "release"]


class FirePath(EntryPath):
    """A fire in the address."""

    fire: Name


class WhyQuery(Query):
    """The reason for what has no body."""

    why: str = Field(min_length=1, max_length=1_000, pattern=r"\S", description="The reason; it is kept with the command.")


class EntryFields(Reasoned):
    """The fields of an entry that are given; what is left out stays as the context has it."""

    trigger_frequency: str | None = Field(None, max_length=200, description="When it fires: `every 60`, `at 04:30`, `cron 0 4 * * *`.")
    arguments: dict[str, Any] | None = Field(None, description="Arguments, over those of the process.")
    overlap: str | None = Field(None, max_length=40, description="While its last run goes on: `skip`, `queue N`, `allow N`, `replace`.")
    misfire: Literal["skip", "once", "all"] | None = Field(None, description="Of fires that no scheduler was there for.")
    grace_s: float | None = Field(None, ge=0, le=1e9, description="How old a missed fire may be for `all`.")
    max_attempts: int | None = Field(None, ge=0, le=1_000_000, description="Attempts that may fail before a fire is given up; 0: no limit.")
    description: str | None = Field(None, max_length=1_000, description="For the reader.")

    def fields(self) -> dict[str, object]:
        """Return those that were given."""
        return {name: value for name, value in self.model_dump(exclude={"why"}, exclude_unset=True).items() if value is not None}


class EntryChange(EntryFields):
    """What changes of an entry; `take_back` names fields that the context is to say again."""

    take_back: list[Name] | None = Field(None, max_length=20)


class EntryPage(Page[EntryTrigger]):
    """A page of the list of entries."""


def api(desk: Desk) -> Part:
    """Return `/freerun` and what lies under it."""
    bp = area("freerun", "Entries that fire by a schedule of their own")

    @bp.get("/freerun", operation_id="list_entries", responses={200: EntryPage})
    def entries(query: EntriesQuery) -> Response:
        """List freerun entries by process and name, those that are deleted last."""
        filters: dict[str, object] = {"process": query.process, "words": query.words, "state": query.state}

        def fetch(first: int, count: int) -> tuple[Sequence[EntryTrigger], int]:
            found = desk.entry_triggers(process=query.process or "", words=query.words, state=query.state or "", offset=first, limit=count)
            return found.rows, found.total

        rows, after = page_after(fetch, lambda row: f"{row.process}/{row.entry}", query.cursor, filters, query.limit)
        return answer(EntryPage(items=rows, next=after))

    @bp.get("/freerun/<process>/<entry>", operation_id="get_entry", responses={200: EntryDetails})
    def entry(path: EntryPath, query: EntryQuery) -> Response:
        """Show an entry: schedule, policies, what is under way, its next and its last fires."""
        return answer(desk.entry_details(path.process, path.entry, coming=query.coming, fires=query.fires))

    @bp.get("/freerun/<process>/<entry>/fires/<fire>/output", operation_id="fire_output", responses={200: FireOutput})
    def output(path: FirePath) -> Response:
        """Show the end of what the attempts of one fire printed."""
        return answer(desk.fire_output(path.process, path.entry, path.fire))

    _changing(bp, desk)
    return bp


def _changing(bp: Part, desk: Desk) -> None:
    def given(verb: str, path: EntryPath, why: str, fields: dict[str, object] | None = None) -> Response:
        return accepted(desk.command_entry(verb, path.process, path.entry, g.user.name, why, fields, token=mark()))

    @bp.put("/freerun/<process>/<entry>", operation_id="create_entry", responses={202: Accepted})
    @needs(Role.OPERATOR)
    def create(path: EntryPath, body: EntryFields) -> Response:
        """Make an entry that runs what the first entry of its process in the context runs."""
        return given("create", path, body.why, body.fields())

    @bp.patch("/freerun/<process>/<entry>", operation_id="change_entry", responses={202: Accepted})
    @needs(Role.OPERATOR)
    def change(path: EntryPath, body: EntryChange) -> Response:
        """Change an entry's schedule, arguments or policies; kept over changes of the context."""
        return given("change", path, body.why, body.fields())

    @bp.delete("/freerun/<process>/<entry>", operation_id="delete_entry", responses={202: Accepted})
    @needs(Role.OPERATOR)
    def delete(path: EntryPath, query: WhyQuery) -> Response:
        """Take an entry out, also one of the context. What runs goes on."""
        return given("delete", path, query.why)

    @bp.post("/freerun/<process>/<entry>/<verb>", operation_id="command_entry", responses={202: Accepted})
    @needs(Role.OPERATOR)
    def command(path: EntryVerbPath, body: Reasoned) -> Response:
        """Switch an entry on or off, let it fire now, end what runs of it, or let what is held be tried again."""
        return given(path.verb, path, body.why)
