"""What does `launch.py migrate` do, and what does it refuse? Real stores in files, and what somebody did to them meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from db import migration
from db.migration import Progress, begin, copy
from db.store import Store
from db.urls import open_store
from launcher.main import main
from launcher.parts import Roof
from tests.support.builders import NOW, command, turn
from tests.support.furnished import DONE, WAITING, furnish, written
from tests.support.older_stores import write_version_1
from tests.support.stores import commit

CONTEXT = "process_context = []\ntimetable_context = []\n"


class Mover:
    """Two stores in files, the first one furnished, and the command."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        (folder / "context.py").write_text(CONTEXT)
        self.source_url, self.target_url = (f"sqlite:///{folder / name}.db" for name in ("source", "target"))
        self.environ = {
            "HORARIUM_CONTEXT": str(folder / "context.py"), "HORARIUM_VAR": str(folder / "var"), "HORARIUM_SETTINGS": "none",
            "HORARIUM_LEASE_S": "0.2", "HORARIUM_BEAT_S": "0.05",
        }  # fmt: skip
        self.out = self.err = ""
        with self.opened(self.source_url) as source:
            furnish(source)

    def opened(self, url: str) -> OpenedStore:
        """Return a store, prepared, for a `with`."""
        return OpenedStore(url)

    def run(self, *argv: str, **environ: str) -> int:
        """Press a command."""
        code = main(argv, Roof(self.environ | environ))
        self.out, self.err = (" ".join(text.split()) for text in self._capsys.readouterr())
        return code

    def migrate(self, *argv: str) -> int:
        """Press `migrate` from the first to the second."""
        return self.run("migrate", "--from", self.source_url, "--to", self.target_url, *argv)


class OpenedStore:
    """A store for the time of a `with`."""

    def __init__(self, url: str) -> None:
        self._store = open_store(url)

    def __enter__(self) -> Store:
        self._store.prepare()
        return self._store

    def __exit__(self, *_: object) -> None:
        self._store.close()


@pytest.fixture
def mover(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Mover:
    return Mover(tmp_path, capsys)


def untold(_what: str, _kind: str, _done: int) -> None:
    """Tell nobody."""


def test_all_is_in_the_other_store_and_the_source_is_as_it_was(mover: Mover) -> None:
    with mover.opened(mover.source_url) as source:
        before = written(source)
    assert mover.migrate() == 0, mover.err
    with mover.opened(mover.source_url) as source, mover.opened(mover.target_url) as target:
        assert written(source) == written(target) == before
        assert source.marks() == target.marks()


def test_it_says_what_to_press_next(mover: Mover) -> None:
    assert mover.migrate() == 0
    assert f"set HORARIUM_STORE_URL (or store_url in the settings) to {mover.target_url} on every box" in mover.out
    assert "messages were not moved: what is requested and not taken is sent anew" in mover.out
    assert "never start it again beside the other" in mover.out


def test_done_a_second_time_it_compares_and_says_so(mover: Mover) -> None:
    assert mover.migrate() == 0
    assert mover.migrate("--json") == 0
    told = json.loads(mover.out)
    assert (told["how"], told["records"]["units of work"]) == ("moved before", 4)


def test_one_of_both_may_be_the_store_of_the_settings(mover: Mover) -> None:
    assert mover.run("migrate", "--to", mover.target_url, HORARIUM_STORE_URL=mover.source_url) == 0
    with mover.opened(mover.target_url) as target:
        assert target.uows([DONE])


def test_a_target_that_holds_something_is_refused_and_left_alone(mover: Mover) -> None:
    with mover.opened(mover.target_url) as target:
        target.add_command(command())
        before = written(target)
    assert mover.migrate() == 1
    assert "the target holds commands already" in mover.err
    with mover.opened(mover.target_url) as target:
        assert written(target) == before


def test_a_target_that_has_been_used_since_is_refused(mover: Mover) -> None:
    assert mover.migrate() == 0
    with mover.opened(mover.target_url) as target:
        commit(target, turn(4))
    assert mover.migrate() == 1
    assert "the target was moved to before, and has been used since" in mover.err


def half(mover: Mover) -> None:
    """Move some of it."""
    with mover.opened(mover.source_url) as source, mover.opened(mover.target_url) as target:
        migration._note(target, Progress("there", begin(source, target, "there").stamp, kind="jobs"))


def test_a_source_that_has_changed_since_is_not_gone_on_with(mover: Mover) -> None:
    half(mover)
    with mover.opened(mover.source_url) as source:
        source.claim([WAITING], "worker-1", NOW)
        commit(source, turn(4))
    assert mover.migrate() == 1
    assert "it or the source has changed since" in mover.err


def test_what_was_broken_off_is_not_led_by(mover: Mover) -> None:
    half(mover)
    assert mover.run("status", HORARIUM_STORE_URL=mover.target_url) == 1
    assert "the store is half of a move from there: `launch.py migrate` with the same URLs goes on with it" in mover.err


def test_what_was_broken_off_may_be_begun_anew(mover: Mover) -> None:
    half(mover)
    assert mover.run("db", "--reset", "--yes", HORARIUM_STORE_URL=mover.target_url) == 0
    assert mover.migrate("--json") == 0
    assert json.loads(mover.out)["how"] == "moved"


def test_a_record_that_came_out_otherwise_is_named(mover: Mover) -> None:
    with mover.opened(mover.source_url) as source, mover.opened(mover.target_url) as target:
        copy(source, target, begin(source, target, "there"), untold)
        target.claim([WAITING], "worker-9", NOW)
    assert mover.migrate() == 1
    assert f"units of work differ (4 and 4 of them): {WAITING} (not the same)" in mover.err


@pytest.fixture
def beating(mover: Mover) -> Iterator[Event]:
    """Somebody who beats over the source, and whether to stop that."""
    stopped = Event()

    def beat() -> None:
        with mover.opened(mover.source_url) as store:
            while not stopped.wait(0.02):
                store.beat("worker-1", {})

    thread = Thread(target=beat)
    thread.start()
    yield stopped
    stopped.set()
    thread.join()


def test_nothing_is_moved_while_somebody_beats(mover: Mover, beating: Event) -> None:
    mover.environ["HORARIUM_LEASE_S"] = "30"
    assert mover.migrate() == 1
    assert not beating.is_set()
    assert "worker on box-1 runs: nothing was moved; `launch.py stop` on every box first" in mover.err


def test_sessions_that_nobody_beats_for_are_moved_open_as_they_are(mover: Mover) -> None:
    assert mover.migrate() == 0
    assert "watching 1 open session for 0.2 s" in mover.err
    with mover.opened(mover.target_url) as target:
        assert [session.id for session in target.sessions()] == ["worker-1"]


def test_a_source_of_an_older_schema_is_refused_and_left_as_it_is(mover: Mover) -> None:
    path = mover.folder / "old.db"
    write_version_1(path)
    for _ in range(2):
        assert mover.run("migrate", "--from", f"sqlite:///{path}", "--to", mover.target_url) == 1
        assert "the source has schema 1" in mover.err


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        ((), 2, "say which stores"),
        (("--from", "sqlite:////a/b.db", "--to", "sqlite:////a/b.db"), 2, "are the same store"),
        (("--from", "sqlite:///b.db", "--to", f"sqlite:///{Path.cwd()}/b.db"), 2, "are the same store"),
        (("--from", "sqlite:////nowhere/b.db"), 1, "there is no store /nowhere/b.db"),
        (("--to", "oracle://x"), 1, "there is no store"),
        (("--from", "memory:"), 1, "memory: lives in one process only"),
        (("--from", "SOURCE", "--to", "oracle://ann:geheim@x"), 1, "can't be used"),
    ],
)
def test_wrong_input_is_refused(mover: Mover, argv: tuple[str, ...], code: int, says: str) -> None:
    given = [mover.source_url if word == "SOURCE" else word for word in argv]
    assert mover.run("migrate", *given) == code
    assert says in mover.err
    assert "geheim" not in mover.err


def test_a_store_that_holds_nothing_is_not_moved(mover: Mover) -> None:
    with mover.opened(f"sqlite:///{mover.folder / 'empty.db'}"):
        pass
    assert mover.run("migrate", "--from", f"sqlite:///{mover.folder / 'empty.db'}", "--to", mover.target_url) == 1
    assert "the source holds nothing" in mover.err
