"""What goes wrong in a history? Deaths, calls without an answer, late ones, sleepers, lost and doubled messages, clocks that jump."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

from db.model import Command
from mq.broker import Message
from system.context import REPORT_QUEUE
from system.errors import BrokerError, HorariumError, Unavailable
from system.lanes import managed_queues
from system.timeperiod import parse
from tests.support.mortal import Act, Death
from tests.support.simulation_entries import entry_commands
from tests.support.simulation_plan import LEASE_S, Plan
from tests.support.simulation_world import Process, World

_WRITES = {
    "insert_turn", "project", "claim", "give_back", "finish", "open_session", "beat", "close_sessions", "expire_sessions", "publish",
}
_SCHEDULES = ("every 1", "every 60", "at 00:30", "cron 15 * * * *")
_UNHURRIED = "every 120"
_ORDERS = ("skip", "skip", "hold", "hold", "release", "reprocess", "reprocess", "cancel")
_COMMANDS = ("cancel", "reprocess", "reprocess", "release")


class Misfortune:
    """Strikes calls by chance, and the world at planned moments; only while the storm lasts."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Deaths and long pauses seldom, so that there is a life between them.
        on_call: dict[str, tuple[int, Callable[[Process, str, str, Act], Any]]] = {
            "death": (1, self._death), "unavailable": (3, self._unavailable), "late": (3, self._late), "nap": (5, self._nap),
            "pause": (1, self._pause),
        }
        self._on_call = [strike for kind, (share, strike) in on_call.items() if kind in world.plan.kinds for _ in range(share)]
        self._odds = world.plan.odds

    def strike(self, process: Process, port: str, name: str, act: Act) -> Any:
        """Let a call happen, or what its luck has for it."""
        world = self._world
        if not world.is_stormy or not self._on_call or world.luck.random() >= self._odds:
            return act()
        return world.luck.choice(self._on_call)(process, port, name, act)

    def calm(self) -> None:
        """Let everything be reachable and awake again."""
        self._world.away_until_s.clear()
        for process in self._world.processes:
            process.away_until_s = 0.0
            process.doom = None
            if process.frozen_until_s > self._world.now_s:
                process.frozen_until_s = self._world.now_s
                process.main.ring()
                process.beats.ring()

    def plan(self) -> None:
        """Draw what strikes the whole world, and when."""
        world = self._world
        events: dict[str, tuple[int, Callable[[], None]]] = {
            "death": (5, self._doom_one), "pause": (4, self._freeze_one), "store away": (3, self._take_away), "purge": (3, self._purge),
            "jump": (3, self._jump), "stop": (2, self._stop_one), "messages": (5, self._repeat_message),
        }
        for kind, (most, act) in events.items():
            for _ in range(world.luck.randint(1, most) if kind in world.plan.kinds else 0):
                world.after(world.luck.uniform(0.1, world.plan.storm_s), act)
        for hour in range(world.plan.hours):
            world.after(world.plan.storm_s * (hour + 1) / (world.plan.hours + 1), partial(world.clock.jump, 3_600.0))
        plan = world.plan
        fired = entry_commands(plan.seed, plan.context, plan.begin, plan.storm_s)
        for moment, command in (*switchings(plan, world.book.nodes), *fired):
            world.after(moment, partial(self._tell, command))
        for _ in range(world.plan.commands):
            world.after(world.luck.uniform(0.1, world.plan.storm_s), self._command)
        luck = Random(f"orders {world.plan.seed}")  # its own, as that of `_with_needs` of the plan
        for _ in range(luck.choice((0, 0, 3, 8))):
            world.after(luck.uniform(0.1, world.plan.storm_s), partial(self._order, luck))

    def _tell(self, command: Command) -> None:
        self._world.store.add_command(command)

    # -- on a call

    def _death(self, process: Process, port: str, name: str, act: Act) -> Any:
        if self._world.luck.random() < 0.5:
            act()
        process.die()
        raise Death(name)

    def _unavailable(self, process: Process, port: str, name: str, act: Act) -> Any:
        if self._world.luck.random() < 0.5:
            act()
        raise self._error(port, f"{name} has no answer")

    def _late(self, process: Process, port: str, name: str, act: Act) -> Any:
        if name in _WRITES:
            self._world.after(self._world.luck.uniform(0.0, 0.8 * LEASE_S), partial(_carelessly, act))
        raise self._error(port, f"{name} may yet take effect")

    def _nap(self, process: Process, port: str, name: str, act: Act) -> Any:
        return self._sleep(act, self._world.luck.choice((0.01, 0.3, 1.5, 4.0)))

    def _pause(self, process: Process, port: str, name: str, act: Act) -> Any:
        seconds = self._world.luck.choice((0.5, 1.2, 2.0)) * LEASE_S
        if self._world.luck.random() < 0.7 and self._world.may_freeze():
            process.frozen_until_s = self._world.now_s + seconds
        return self._sleep(act, seconds)

    def _sleep(self, act: Act, seconds: float) -> Any:
        """Let the caller stand still, before or after the effect, while all others go on."""
        world = self._world
        is_after = world.luck.random() < 0.5
        answer = act() if is_after else None
        if world.may_freeze():
            world.run(world.now_s + seconds)
        return answer if is_after else act()

    def _error(self, port: str, text: str) -> HorariumError:
        return BrokerError(text) if port == "broker" and self._world.luck.random() < 0.5 else Unavailable(text)

    # -- on the world

    def _one(self) -> Process:
        world = self._world
        living = [process for process in world.processes if process.is_alive]
        return world.luck.choice(living or world.processes)

    def _doom_one(self) -> None:
        process = self._one()
        if self._world.luck.random() < 0.4:
            process.die()
        else:
            process.doom = (self._world.luck.randint(0, 8), self._world.luck.random() < 0.5)

    def _freeze_one(self) -> None:
        self._one().frozen_until_s = self._world.now_s + self._world.luck.choice((0.3, 1.2, 2.0, 3.0)) * LEASE_S

    def _take_away(self) -> None:
        until_s = self._world.now_s + self._world.luck.choice((0.5, 3.0, 1.5 * LEASE_S, 2.5 * LEASE_S))
        if self._world.luck.random() < 0.5:
            self._one().away_until_s = until_s
        else:
            self._world.away_until_s[self._world.luck.choice(("store", "broker"))] = until_s

    def _purge(self) -> None:
        for queue in (REPORT_QUEUE, *managed_queues(self._world.plan.context)):
            if self._world.luck.random() < 0.5:
                self._world.broker.purge(queue)

    def _jump(self) -> None:
        self._world.clock.jump(self._world.luck.choice((-3_600.0, -30.0, 30.0, 3_600.0, 7_200.0, 90_000.0)))

    def _stop_one(self) -> None:
        self._one().stop()

    def _repeat_message(self) -> None:
        """Say again what was said long ago, or nonsense."""
        world = self._world
        uows = world.store.every_uow()
        if uows and world.luck.random() < 0.8:
            uow = world.luck.choice(uows)
            world.broker.publish([Message(world.luck.choice((uow.queue, REPORT_QUEUE)), uow.id)])
        else:
            world.broker.publish([Message(REPORT_QUEUE, "nonsense/1")])

    def _command(self) -> None:
        world = self._world
        verb = world.luck.choice(_COMMANDS)
        held = [job for job in world.store.active_jobs() if job.held]
        if verb == "release" and held:
            job = world.luck.choice(held)
            world.give(verb, job.process, job.timeperiod)
        else:
            busy = [(job.process, job.timeperiod) for job in world.store.active_jobs()]
            world.give(verb, *world.luck.choice(busy if busy and world.luck.random() < 0.6 else world.book.nodes))

    def _order(self, luck: Random) -> None:
        """Give a command that changes what is to be run, about a period or a range of them."""
        world = self._world
        busy = [(job.process, job.timeperiod) for job in world.store.active_jobs()]
        process, timeperiod = luck.choice(busy if busy and luck.random() < 0.4 else world.book.nodes)
        length = luck.choice((0, 0, 2, 4, 30))
        until = parse(world.plan.context.managed[process].qualifier, timeperiod).shift(length).id if length else ""
        world.give(luck.choice(_ORDERS), process, timeperiod, until)


def switchings(plan: Plan, nodes: Sequence[tuple[str, str]]) -> Iterator[tuple[float, Command]]:
    """Yield when the operator switches which process, or triggers a period, and how. Has luck of its own, as `_with_needs` of the plan."""
    luck = Random(f"switches {plan.seed}")
    for _ in range(luck.choice((0, 0, 3, 8))):
        verb = luck.choice(("off", "off", "on", "on", "frequency", "frequency", "reset", "trigger"))
        process, timeperiod = luck.choice(nodes)
        # Of late rows a source is asked each time that the schedule fires: that is to be soon.
        schedules = _SCHEDULES[:1] if plan.context.managed[process].late_s else _SCHEDULES
        schedule = luck.choice(schedules) if verb == "frequency" else ""
        if plan.context.managed[process].is_live and schedule == _SCHEDULES[0]:
            schedule = _UNHURRIED  # else older periods that can't end, and run for seconds, would hold all places of max_in_flight
        details = json.dumps({"frequency": schedule}) if schedule else ""
        command = Command(verb, process, timeperiod if verb == "trigger" else "", "ann", "test", plan.begin, details=details)
        yield luck.uniform(0.1, plan.storm_s), command


def _carelessly(act: Act) -> None:
    """Let a call take effect whose caller has given up on it: whatever it says, nobody hears it."""
    try:
        act()
    except (HorariumError, Death):  # who made it may be dead by now: then nothing follows from its answer
        return
