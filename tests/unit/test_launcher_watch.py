"""When does `up` believe that nothing is left to do, and what does a person see meanwhile?"""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.live import Live

from launcher.overview import level_table
from launcher.paint import Bars, Lines, picture, summary
from launcher.watch import Ending, Rate, Sight, Watch
from scheduler.levels import Level, Progress
from supervisor.keeper import View
from system.clock import ManualClock
from system.context import ManagedProcess
from system.errors import Unavailable
from system.lifecycle import UowEvent
from tests.support.contexts import managed
from tests.support.lamp import Lamp, hours, january

RUNNING = [View("scheduler", 1), View("worker.1", 2)]
LEVEL = Level("flights", "flights_hourly", "_hourly", {"state_processed": 6_000}, 8_760, 6_000, 400, 1, 2, "2013010100", "2013123123")
PROGRESS = Progress(8_760, 6_000, 400, 1, 2, is_done=False, is_stuck=False)
SIGHT = Sight([LEVEL], PROGRESS, (), 410.0)


class Album:
    """A painter that keeps what it was shown."""

    def __init__(self) -> None:
        self.sights: list[Sight] = []

    def paint(self, sight: Sight) -> None:
        self.sights.append(sight)


def watch_over(lamp: Lamp, views: list[View] = RUNNING, *, until_done: bool = True) -> Watch:
    return Watch(lamp.desk, lambda: views, Album(), lamp.clock, until_done=until_done)


def ending_of(watch: Watch, looks: int = 5) -> Ending | None:
    """Return the end that a watch finds within a few looks."""
    rounds = iter(range(looks))
    look = watch.look

    def counted() -> Sight:
        if next(rounds, None) is None:
            watch.stop()
        return look()

    watch.look = counted  # type: ignore[method-assign]
    watch.run(0.0, on_end=lambda: None)
    return watch.ending


def test_a_finished_timetable_is_the_end() -> None:
    lamp = Lamp(january())
    lamp.run()
    ending = ending_of(watch_over(lamp))
    assert ending is not None
    assert ending.is_good
    assert ending.text == "nothing is left to do: 25 periods are finished"


def test_what_was_skipped_is_not_passed_over_in_the_end() -> None:
    lamp = Lamp(january(("hourly",), days=1, max_attempts=1))
    lamp.turn()
    lamp.work(*hours(24), event=UowEvent.FAILED)
    ending = ending_of(watch_over(lamp))
    assert ending is not None
    assert ending.text == "nothing is left to do: 24 periods are finished, 24 of them skipped (launch.py timetable)"


def test_an_unfinished_timetable_is_no_end() -> None:
    lamp = Lamp(january())
    lamp.work(*hours(3))
    assert ending_of(watch_over(lamp)) is None


def test_without_until_done_there_is_no_end() -> None:
    lamp = Lamp(january())
    lamp.run()
    assert ending_of(watch_over(lamp, until_done=False)) is None


def test_a_timetable_that_waits_for_a_person_is_a_bad_end() -> None:
    lamp = Lamp(january(("hourly",), days=1, max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work(*hours(24), event=UowEvent.FAILED)
    ending = ending_of(watch_over(lamp))
    assert ending is not None
    assert (ending.is_good, ending.text) == (False, "24 periods wait for a person: 24 held")


def with_hours_off(*others: ManagedProcess) -> Lamp:
    """Return a lamp whose hours were switched off with one of them under way, which their day waits for."""
    lamp = Lamp([*january(max_in_flight=1), *others])
    lamp.turn()
    lamp.switch("off")
    return lamp


def test_what_waits_for_a_process_that_is_off_is_a_bad_end_that_names_it() -> None:
    lamp = with_hours_off()
    assert ending_of(watch_over(lamp)) is None  # what runs goes on
    lamp.run()
    ending = ending_of(watch_over(lamp))
    assert ending is not None
    assert (ending.is_good, ending.text) == (
        False, "1 period waits for a process that is off: `launch.py process on flights_hourly --why TEXT`",
    )  # fmt: skip


def test_what_failed_is_not_tried_again_while_its_process_is_off() -> None:
    lamp = with_hours_off()
    lamp.work(*lamp.requested(), event=UowEvent.FAILED)
    ending = ending_of(watch_over(lamp))
    assert ending is not None
    assert "1 period waits for a process that is off" in ending.text


def test_what_becomes_due_by_itself_is_no_end_though_a_process_is_off() -> None:
    bounds = {"start": "2013010100", "end": "2013010200", "blocking_type": "blocking_children"}
    hourly, daily = managed("other_hourly", lag_s=10 * 366 * 86_400.0, **bounds), managed("other_daily", "_daily", lag_s=0.0, **bounds)
    lamp = with_hours_off(hourly, daily)
    lamp.run()
    assert ending_of(watch_over(lamp)) is None


@pytest.mark.parametrize("broken", ["scheduler", "worker.1"])
def test_a_crash_loop_without_which_nothing_goes_on_is_a_bad_end(broken: str) -> None:
    views = [View(v.name, None, f"{v.name} died 5 times", is_crash_loop=True) if v.name == broken else v for v in RUNNING]
    ending = ending_of(watch_over(Lamp(january()), views))
    assert ending is not None
    assert (ending.is_good, ending.text) == (False, f"{broken} died 5 times")


def test_a_store_that_is_away_is_said_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = Lamp(january())
    lamp.run()
    watch = watch_over(lamp)

    def away() -> list[Level]:
        raise Unavailable("the disk is gone")

    monkeypatch.setattr(lamp.desk, "timetable", away)
    assert ending_of(watch) is None
    assert watch.sight is not None
    assert watch.sight.troubles == ("the timetable can't be read: the disk is gone",)


def test_a_leader_whose_turns_fail_is_shown() -> None:
    lamp = Lamp(january())
    lamp.store.beat("scheduler-1", {"turned_at": lamp.clock.now().isoformat()})
    lamp.clock.sleep(30)
    (trouble,) = watch_over(lamp).look().troubles
    assert trouble == "nothing is scheduled since 00:00:00Z: scheduler-1 leads and its turns fail, see log/scheduler.log on box-1"


def test_a_timetable_that_nobody_leads_is_shown_after_a_while() -> None:
    lamp = Lamp(january())
    lamp.store.close_sessions(["scheduler-1"])
    watch = watch_over(lamp)
    assert watch.look().troubles == ()
    lamp.clock.sleep(11)
    assert watch.look().troubles == ("no scheduler leads: nothing is scheduled",)


def test_the_rate_is_of_lately() -> None:
    rate = Rate()
    assert rate.update(0, 0) == 0
    assert rate.update(2, 100) == 50
    for second in range(3, 40):
        latest = rate.update(second, 100)
    assert latest == 0


def text_of(thing: object, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, height=24)
    console.print(thing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_bars_fit_80_columns_and_name_what_needs_a_person() -> None:
    text = text_of(picture(SIGHT, room=10))
    assert "6,000 of 8,760" in text
    assert "1 held, 2 failing" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_many_processes_become_a_bar_per_tree() -> None:
    levels = [replace(LEVEL, tree=f"tree{n % 3}", process=f"p{n}") for n in range(30)]
    text = text_of(picture(Sight(levels, PROGRESS, (), 0.0), room=10))
    assert "tree0" in text
    assert "p29" not in text
    assert "60,000 of 87,600" in text


def test_more_trees_than_lines_are_counted() -> None:
    levels = [replace(LEVEL, tree=f"tree{n}", process=f"p{n}") for n in range(30)]
    assert "... and 20 more trees" in text_of(picture(Sight(levels, PROGRESS, (), 0.0), room=10))


def test_each_box_has_a_line_and_many_are_counted() -> None:
    lines = tuple(f"box-{n}: scheduler 1/1, worker 2/2" for n in range(1, 7))
    text = text_of(picture(replace(SIGHT, boxes=lines), room=10))
    assert "box-4: scheduler 1/1, worker 2/2" in text
    assert "box-5" not in text
    assert "... and 2 more boxes: launch.py status" in text


def test_boxes_are_looked_at_now_and_then() -> None:
    lamp, looks = Lamp(january()), iter(["box-1: one worker", "box-1: two workers"])
    watch = Watch(lamp.desk, lambda: RUNNING, Album(), lamp.clock, until_done=False, boxes=lambda: [next(looks)])
    assert [watch.look().boxes for _ in range(3)] == [("box-1: one worker",)] * 3
    lamp.clock.sleep(2)
    assert watch.look().boxes == ("box-1: two workers",)


def test_the_summary_says_how_far_and_how_fast() -> None:
    assert summary(SIGHT) == "6,000 of 8,760 periods finished, 410 a second, 400 under way, 2 failing, 1 held"
    assert summary(Sight([], None, (), 0.0)) == "the timetable can't be read just now"


def test_what_is_over_has_no_speed() -> None:
    assert summary(SIGHT, is_over=True) == "6,000 of 8,760 periods finished, 2 failing, 1 held"


def test_what_is_announced_is_seen_at_once_and_stays() -> None:
    watch, album = announced_while_asleep("stopping")
    watch.run(600.0, on_end=lambda: None)
    assert [sight.announced for sight in album.sights] == ["", "stopping"]
    assert text_of(picture(album.sights[-1], room=10)).splitlines()[-1].strip() == "stopping"


def announced_while_asleep(text: str) -> tuple[Watch, Album]:
    """Return a watch that is told `text` while it looks first, and told to stop while it looks again."""
    lamp, album = Lamp(january()), Album()
    watch = Watch(lamp.desk, lambda: RUNNING, album, lamp.clock, until_done=False)
    look, orders = watch.look, iter([lambda: watch.announce(text), watch.stop])

    def looked() -> Sight:
        sight = look()
        next(orders)()
        return sight

    watch.look = looked  # type: ignore[method-assign]
    return watch, album


def test_plain_lines_say_once_what_is_announced() -> None:
    console = Console(file=io.StringIO(), width=80)
    lines = Lines(console, ManualClock())
    for announced in ("", "stopping", "stopping"):
        lines.paint(replace(SIGHT, announced=announced))
    assert isinstance(console.file, io.StringIO)
    assert [line.partition(" ")[2] for line in console.file.getvalue().splitlines()] == [summary(SIGHT), "stopping"]


def test_plain_lines_come_now_and_then_and_troubles_at_once() -> None:
    console, clock = Console(file=io.StringIO(), width=80), ManualClock()
    lines = Lines(console, clock)
    for troubles in ((), (), ("worker.1 is down",), ("worker.1 is down",)):
        lines.paint(replace(SIGHT, troubles=troubles))
    assert isinstance(console.file, io.StringIO)
    assert [line.partition(" ")[2] for line in console.file.getvalue().splitlines()] == [summary(SIGHT), "! worker.1 is down"]


def test_the_timetable_fits_80_columns() -> None:
    levels = [replace(LEVEL, counts={"state_processed": 6_000, "state_noop": 1_824, "state_skipped": 12}), replace(LEVEL, tree="weather")]
    text = text_of(level_table(levels))
    assert "…" not in text
    assert len(text.splitlines()) <= 5


def test_a_link_that_is_to_be_copied_stays_whole_and_is_said_once() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    link = f"http://127.0.0.1:8642/ (to make the first admin, once: http://127.0.0.1:8642/welcome/{'x' * 43})"
    with Live(console=console, auto_refresh=False) as live:
        bars = Bars(console, live)
        for _ in range(3):
            bars.paint(replace(SIGHT, address=link))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count(link) == 1
