"""What is kept, and told, of what attempts print? With real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.slot_bench import Bench, task, wait_until
from workers.slots import Ending

LIMIT = 20_000
MARK = 48


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, output_limit_bytes=LIMIT, end_grace_s=20.0) as bench:
        yield bench


def test_all_ways_of_printing_lead_to_the_attempts_own_file(bench: Bench) -> None:
    one = task("log_and_print", uow="flights_hourly/2013010105/2/3", fence=4)
    bench.run_one(one)
    text = (bench.out / "flights_hourly" / "2013010105" / "2.3.4.log").read_text()
    assert bench.text() == text
    for part in ("printed\n", "to stderr\n", f"INFO flights_hourly: logged for {one.uow_id}\n", "written\n", "by a child\n"):
        assert part in text


def test_a_silent_task_makes_no_file(bench: Bench) -> None:
    bench.run_one(task("noop"))
    assert bench.pieces == []
    assert [path.name for path in bench.out.iterdir()] == [".slots"]


def test_what_a_running_attempt_prints_is_told_while_it_runs(bench: Bench, tmp_path: Path) -> None:
    one = task("print_and_wait", arguments={"file": f"{tmp_path}/runs"})
    bench.start_waiting(one, tmp_path / "runs")
    bench.look()
    assert bench.text() == "begun äöü\n"
    bench.slots.end(one.uow_id, one.fence, "canceled")
    bench.collect(1)
    assert [(piece.offset, piece.text) for piece in bench.pieces] == [(0, "begun äöü\n"), (13, "saw that it is canceled\n")]


def test_the_output_of_tasks_in_one_slot_does_not_mix(bench: Bench) -> None:
    tasks = [task("say", arguments={"text": f"it is {number}"}) if number % 3 else task("noop") for number in range(30)]
    bench.run(*tasks)
    assert [bench.text(one.uow_id) for one in tasks] == [f"it is {number}\n" if number % 3 else "" for number in range(30)]


@pytest.mark.parametrize(("way", "blocks"), [("print", 250), ("descriptor", 250)])
def test_fifty_megabytes_stay_bounded_with_their_head_and_their_tail(bench: Bench, way: str, blocks: int) -> None:
    one = task("print_much", arguments={"way": way, "blocks": blocks})
    assert bench.run_one(one).ending is Ending.DONE
    file = next(bench.out.glob("flights_hourly/*/*.log"))
    text = bench.text().encode()
    assert file.stat().st_size <= LIMIT + MARK
    assert len(text) <= LIMIT + MARK + LIMIT // 2
    assert text.startswith("000000000ää".encode())
    assert text.endswith(f"{blocks * 1000 - 1:09d}{'ä' * 98}\n".encode())
    assert "\N{REPLACEMENT CHARACTER}" not in bench.text()


def test_a_printing_job_is_bounded_while_it_runs(bench: Bench) -> None:
    bench.slots.start(task("print_much", arguments={"way": "print", "blocks": 250}))
    sizes: list[int] = []

    def has_ended() -> bool:
        bench.look()
        sizes.extend(path.stat().st_size for path in (bench.out / ".slots").glob("*.log") if path.exists())
        return bool(bench.ended)

    wait_until(has_ended)
    assert max(sizes) <= 3 * LIMIT


def test_pieces_join_without_gaps(bench: Bench) -> None:
    bench.slots.start(task("print_much", arguments={"way": "print", "blocks": 20}))
    bench.collect(1)
    ends = [piece.offset + len(piece.text.encode()) for piece in bench.pieces]
    assert [piece.offset for piece in bench.pieces[1:]] == ends[:-1]


def test_bytes_that_are_no_text_are_replaced(bench: Bench) -> None:
    bench.run_one(task(argv=("printf", r"a\377b\303")))
    assert bench.text() == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("closed", [False, True])
def test_on_a_full_disk_a_jobs_own_error_is_told_and_its_slot_is_replaced(bench: Bench, closed: bool) -> None:
    ended = bench.run_one(task("fill_the_disk", arguments={"closed": closed}))
    assert (ended.ending, ended.reason) == (Ending.FAILED, "ValueError: the real error")
    assert bench.run_one(task("noop")).ending is Ending.DONE


def test_an_output_folder_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("a file")
    with pytest.raises(Exception, match="the folder for the jobs' output can't be made"):
        Bench(tmp_path)
