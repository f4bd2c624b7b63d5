"""What does the doctor find in a real deployment that something was done to? Its files, its store, and what never answers."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from launcher import doctor_look
from launcher.doctor import diagnose
from launcher.doctor_look import Look, look
from launcher.doctor_seen import Finding, Gravity, Seen
from launcher.main import main
from launcher.parts import Roof
from system.errors import HorariumError
from system.sqlfile import SqlFile
from tests.support.older_stores import write_version_1

CONTEXT = """
from system.context import managed_context_entry, timetable_tree_entry
process_context = [managed_context_entry("sales_daily", "jobs.run", "sales", "_daily", start="2026010100")]
timetable_context = [timetable_tree_entry("sales", ["sales_daily"])]
"""


class Practice:
    """A deployment that was installed, and its doctor."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "context.py").write_text(CONTEXT)
        (folder / "jobs.py").write_text("def run(work):\n    return 24\n")
        self.environ = {
            "HORARIUM_CONTEXT": str(folder / "context.py"), "HORARIUM_VAR": str(folder / "var"), "HORARIUM_BOX": "box-1",
            "HORARIUM_DISK_LOW_MB": "0", "HORARIUM_DISK_LEAST_MB": "0", "HORARIUM_SETTINGS": "none",
        }  # fmt: skip

    @property
    def database(self) -> Path:
        return self.folder / "var" / "horarium.db"

    def run(self, *argv: str) -> int:
        """Press a command."""
        return main(argv, Roof(self.environ))

    def findings(self) -> dict[str, Finding]:
        """Return what is wrong, by check, without what is wrong with every deployment that does not run."""
        every = diagnose(look(Roof(self.environ)))
        return {f.check: f for f in every if f.gravity is not Gravity.NOTE and f.check not in ("leader", "workers", "boxes")}

    def execute(self, statement: str) -> None:
        """Do something to the store behind its back."""
        file = SqlFile(self.database)
        file.write(lambda conn: conn.execute(sa.text(statement)))
        file.close()


@pytest.fixture
def practice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Practice:
    made = Practice(tmp_path)
    assert made.run("install") == 0
    capsys.readouterr()
    return made


def test_nothing_is_found_in_what_was_just_installed(practice: Practice) -> None:
    assert practice.findings() == {}


def test_looking_at_a_deployment_that_was_never_begun_makes_nothing(tmp_path: Path) -> None:
    assert "is not there yet" in Practice(tmp_path).findings()["store"].text
    assert not (tmp_path / "var").exists()


def test_an_older_store_is_found_and_left_as_it_is(practice: Practice) -> None:
    practice.database.unlink()
    write_version_1(practice.database)
    for _ in range(2):
        assert "has schema 1, this program has" in practice.findings()["store"].text


@pytest.mark.parametrize(
    ("statement", "check", "missing"),
    [
        ("DROP INDEX job_active", "store", "index job_active"),
        ("DROP TABLE event", "store", "table event"),
        ("ALTER TABLE uow DROP COLUMN slice", "store", "column uow.slice"),
        ("DROP INDEX message_waiting", "broker", "index message_waiting"),
    ],
)
def test_what_is_missing_is_found_and_mended_by_db_update(practice: Practice, statement: str, check: str, missing: str) -> None:
    practice.execute(statement)
    finding = practice.findings()[check]
    assert (finding.text.endswith(missing), "launch.py db --update" in finding.fix) == (True, True)
    assert practice.run("db", "--update") == 0
    assert practice.findings() == {}


def test_a_file_that_is_no_store_is_a_finding(practice: Practice) -> None:
    practice.database.write_bytes(b"not a database, but long enough to look like one" * 100)
    assert "it is not a database" in practice.findings()["store"].text


def test_a_context_with_a_fault_hides_nothing_else(practice: Practice) -> None:
    (practice.folder / "context.py").write_text("process_context = [1]")
    practice.execute("DROP INDEX job_active")
    assert {"context", "store"} <= practice.findings().keys()


def test_a_context_that_changes_the_timetable_is_found_before_a_scheduler_refuses_it(practice: Practice) -> None:
    assert practice.run("context", "apply", "--yes") == 0  # registers nothing new by itself
    practice.execute("INSERT INTO process VALUES ('sales_daily', '2025010100', '{}', '2026-01-01T00:00:00+00:00', 0, NULL, '')")
    assert practice.findings()["context"].text.startswith("the context changes the timetable of sales_daily")


def test_a_context_that_others_may_write_is_found(practice: Practice) -> None:
    (practice.folder / "context.py").chmod(0o666)
    finding = practice.findings()["modes"]
    assert finding.fix == f"`chmod go-w {practice.folder / 'context.py'}`"


@pytest.mark.parametrize(
    ("owner", "mode", "fix"),
    [(1000, 0o640, "go-rwx"), (0, 0o644, "g-wx,o-rwx"), (1000, 0o600, ""), (0, 0o640, "")],
    ids=["its group", "all", "its owner alone", "the group of root's"],
)
def test_a_private_key_that_others_may_read_is_found(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, owner: int, mode: int, fix: str
) -> None:
    stat, key = Path.stat, practice.folder / "box.key"

    def looked(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = stat(path, follow_symlinks=follow_symlinks)
        return os.stat_result((*found[:4], owner, *found[5:])) if path == key else found

    key.write_text("")
    key.chmod(mode)
    monkeypatch.setattr(Path, "stat", looked)
    practice.environ["HORARIUM_BROKER_URL"] = f"amqps://ann@127.0.0.1:1/?cert_file={practice.folder}/box.pem&key_file={key}&wait_s=1"
    found = [(each.text, each.fix) for each in diagnose(look(Roof(practice.environ))) if each.check == "modes"]
    text = f"others than its owner may read {key}, our private key for the broker"
    assert found == ([(text, f"`chmod {fix} {key}`")] if fix else [])


def test_a_folder_that_can_not_be_entered_hides_no_other_check(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    (practice.folder / "context.py").chmod(0o666)
    locked, stat = practice.database.parent, Path.stat

    def refused(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if locked in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refused)
    found = [(each.gravity, each.text) for each in diagnose(look(Roof(practice.environ))) if each.check == "modes"]
    assert found == [
        (Gravity.WRONG, f"others than its owner may write {practice.folder / 'context.py'}, the context, whose code is run"),
        (Gravity.WARNING, f"{practice.database}, the store, can't be looked at (Permission denied): its mode is not known"),
    ]
    assert "disks" not in practice.findings()


def test_settings_that_can_not_be_read_are_a_finding(practice: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    practice.environ["HORARIUM_SLOTS"] = "many"
    assert practice.run("doctor", "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["check"] == "settings"
    assert "HORARIUM_SLOTS is 'many'" in finding["text"]


def test_a_disk_with_less_space_than_the_setting_is_found(practice: Practice) -> None:
    practice.environ["HORARIUM_DISK_LEAST_MB"] = "1000000000"
    assert practice.findings()["disks"].gravity is Gravity.WRONG


@pytest.fixture
def stuck() -> Iterator[Event]:
    """What somebody waits for who does not answer; set in the end, so that no thread is left."""
    event = Event()
    yield event
    event.set()


def test_what_never_answers_is_a_finding_and_is_not_waited_for_again(
    practice: Practice, stuck: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looking_for_ever(_found: Look) -> None:
        stuck.wait()

    monkeypatch.setattr(doctor_look, "STEPS", (*doctor_look.STEPS[:5], *[("store", looking_for_ever)] * 50))
    practice.environ["HORARIUM_DOCTOR_S"] = "0.2"
    assert practice.findings()["store"].text == "looking at looking for ever: no answer within 0.2 s"


def test_a_step_that_is_wrong_itself_is_a_finding(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    def looking(_found: Look) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(doctor_look, "STEPS", (("disks", looking), *doctor_look.STEPS))
    assert practice.findings()["disks"].text == "looking at looking failed itself: ZeroDivisionError: oh"


def test_a_check_that_is_wrong_itself_is_a_finding(practice: Practice) -> None:
    def silly(_seen: Seen) -> Any:
        raise HorariumError("oh")

    (finding,) = diagnose(Look(Roof(practice.environ), Seen(Roof(practice.environ).settings)), [silly])
    assert (finding.check, finding.text) == ("silly", "the check failed itself: HorariumError: oh")


def test_a_stale_pid_file_is_found(practice: Practice) -> None:
    (practice.folder / "var" / "daemons" / "supervisor.pid").write_text("{}")
    assert "stale pid files: supervisor (gone)" in practice.findings()["daemons"].text


def test_the_command_says_what_is_wrong_and_what_to_press(practice: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    assert practice.run("doctor") == 1
    said = capsys.readouterr().out
    assert "! leader: no scheduler leads: nothing is scheduled\n    launch.py start, or launch.py up" in said
    assert os.linesep.join(said.splitlines()[-2:-1]) == "2 things wrong, 0 warnings"


def test_a_status_is_there_while_the_broker_is_away_and_says_so_first(practice: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    practice.environ["HORARIUM_BROKER_URL"] = "amqp://ann:geheim@127.0.0.1:1/"
    capsys.readouterr()
    assert practice.run("status", "--json") == 0
    overview = json.loads(capsys.readouterr().out)["overview"]
    assert [need["kind"] for need in overview["needs"]["first"]][:2] == ["leader", "broker"]
    assert "connection refused" in overview["broker_fault"]
    assert "geheim" not in overview["broker_fault"]
    assert practice.run("queue", "list") == 1
