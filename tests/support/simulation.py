"""How does history number N go? The unchanged engines and workers in virtual time, and a judgement on what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from math import inf
from zlib import crc32

from db.model import Command
from mq.memory import MemoryBroker
from scheduler.audit import LATE, OVERLAP
from scheduler.audit_count import EVERY_S, FACT, AuditCount, counted
from scheduler.desk import Desk
from system.lifecycle import JOB_FINISHED
from tests.support.audits import audited
from tests.support.simulation_actors import Scheduler, Working
from tests.support.simulation_book import Violation, must, state_of
from tests.support.simulation_commands import plans_judged
from tests.support.simulation_covered import Covered
from tests.support.simulation_entries import busy, quieten
from tests.support.simulation_faults import Misfortune
from tests.support.simulation_oracle import judge
from tests.support.simulation_plan import END, LEASE_S, SCHEDULER, Plan, plan_of
from tests.support.simulation_prober import Sources
from tests.support.simulation_reasons import Reasons
from tests.support.simulation_why import Asker, wrong_why
from tests.support.simulation_world import World

# With these time passes between a worker's taking messages and its claim, and live ones come meanwhile.
SLOWING = {"nap", "pause", "late", "unavailable", "store away"}
PATIENCE_S = 1_500.0
_LULL_S = 2.5 * LEASE_S


def play(seed: int, *, ignore_deadline: bool = False) -> World:
    """Play a history and judge it; raises Violation. `ignore_deadline`: slots run on past their worker's lease, which is a fault."""
    return played(plan_of(seed), ignore_deadline=ignore_deadline)


def played(plan: Plan, *, ignore_deadline: bool = False, also: Callable[[World], None] | None = None) -> World:
    """Play what is planned and judge it, see `play`. `also` plans what else happens in the world."""
    world = World(plan, ignore_deadline=ignore_deadline)
    misfortune = world.weather = Misfortune(world)
    world.sources = Sources(world, world.rows)
    asker = Asker(plan, world.book, world.store, world.clock)
    world.store.after_turn = asker.ask
    if not plan.kinds & SLOWING:
        world.store.waiting_live = world.waiting_live
    for _ in range(world.plan.schedulers):
        Scheduler(world)
    for size in world.plan.slots:
        Working(world, size)
    misfortune.plan()
    if also:
        also(world)
    with plans_judged(world.store) as world.plans:
        world.run(world.plan.storm_s)
        _calm(world, misfortune)
    found, kinds = [engine.second_look_found for engine in world.engines], world.plan.kinds
    fresh_s = inf if "jump" in kinds else SCHEDULER.probe_fresh_s  # an age by a clock that is set says nothing
    covered = Covered(
        world.book, world.rows, world.sources.given, world.store.began_s, world.store.inserted_s, world.clock.reached_s, fresh_s
    )
    jumps_s = None if kinds or also else world.clock.jumps_s
    judge(world.book, world.store, world.marks, found, covered, is_calm=not kinds, has_jumps="jump" in kinds, punctual_but=jumps_s)
    late = world.rows.late(world.store.every_job(), world.now_s, world.clock.now())
    must(not late, "rows came late, and these did not start anew:", late[:5])
    _audit(world)
    _ask_why(world)
    return world


def _ask_why(world: World) -> None:
    """Have `why` say of what is left unfinished what it waits for."""
    desk, jobs = Desk(world.store, MemoryBroker(), world.plan.context, world.clock, SCHEDULER), world.store.every_job()
    left = [node for node in world.book.nodes if state_of(jobs, node) not in JOB_FINISHED]
    reasons = Reasons.of(world.store, world.book, jobs, world.clock.now())
    runs = [node for node in left if world.book.runs(node)]
    wrong = [text for node in runs[:: 1 + len(runs) // 8] if (text := wrong_why(desk, reasons, node))]
    must(not wrong, *wrong[:3])


def _audit(world: World) -> None:
    """Have the audit find nothing that the judge did not find: workers' times say nothing where clocks were put back."""
    unclear = {LATE, *((OVERLAP,) if "jump" in world.plan.kinds else ())}
    wrong = [found for found in audited(world.store, world.plan.context, world.clock, SCHEDULER) if found.kind not in unclear]
    # Who runs every so many seconds may be due just now, with no engine's turn since.
    wrong = [found for found in wrong if not world.book.is_restless((found.process, found.timeperiod), world.store.every_job())]
    must(not wrong, "the audit found", len(wrong), *wrong[:3])
    count = AuditCount(world.store, world.plan.context, timedelta(days=10_000))
    while count.turn(world.clock.now()) < EVERY_S:
        pass
    told = counted({FACT: count.fact})
    listed = told.first if told else ("no count",)
    found = [text for text in listed if not text.endswith(tuple(f": {kind}" for kind in unclear))]
    must(not found, "the count of every minute found", *found)


def _calm(world: World, misfortune: Misfortune) -> None:
    """Let the storm end, and time pass until nothing is owed any more; then a while longer, in which nothing may happen."""
    world.is_stormy = False
    misfortune.calm()
    # What was put off until a time that has not come, may come now: everything is due.
    world.clock.jump(max(0.0, (END - world.clock.now()).total_seconds()) + 3_600.0)
    given_up_s = world.now_s + PATIENCE_S
    while world.now_s < given_up_s and _is_busy(world):
        world.run(world.now_s + 1.0)
        if world.plan.releases:
            _release_held(world)
        _switch_on(world)
        quieten(world.store, world.clock.now(), releases=world.plan.releases)
    world.run(world.now_s + _LULL_S)


def _is_busy(world: World) -> bool:
    """Return whether there is something left to be waited for."""
    is_held = world.plan.releases and any(job.held for job in world.store.active_jobs())
    is_off = any(not switch.is_on for switch in world.store.switches())
    fires = busy(world.store, releases=world.plan.releases)
    if fires or is_held or is_off or world.store.open_commands(1) or world.now_s < world.rows.last_s():
        return True
    jobs = world.store.every_job()
    return bool(world.book.owed(jobs) or world.rows.perhaps_late(jobs, world.now_s, world.clock.now()))


def _switch_on(world: World) -> None:
    """Have the operator switch on what he switched off, once he was answered."""
    if not world.store.open_commands(1):
        for switch in world.store.switches():
            if not switch.is_on:
                world.store.add_command(Command("on", switch.process, "", "ann", "the storm is over", world.clock.now()))


def _release_held(world: World) -> None:
    """Have the operator release what is held, once he was answered about what he asked before."""
    if not world.store.open_commands(1):
        for job in world.store.active_jobs():
            if job.held:
                world.give("release", job.process, job.timeperiod)


def wrong_ones(seeds: Iterable[int]) -> list[str]:
    """Return what went wrong in which of these histories, and how to play them again. Called in processes of their own."""
    logging.disable(logging.CRITICAL)
    return [text for seed in seeds if (text := violation(seed))]


def violation(seed: int, *, ignore_deadline: bool = False) -> str:
    """Return what went wrong in a history, empty when nothing did."""
    try:
        play(seed, ignore_deadline=ignore_deadline)
    except Violation as found:
        return f"history {seed}: {found}\n  play it again: pytest tests/simulation --seed {seed}"
    return ""


def digest(seed: int) -> str:
    """Return what a history came to, down to the last turn: the same seed gives the same wherever it is played."""
    logging.disable(logging.CRITICAL)
    world = play(seed)
    turns = world.store.every_turn()
    return f"{len(turns)} turns, {world.calls} calls, {crc32(repr([(t, sorted(world.store.every_job())) for t in turns]).encode()):08x}"
