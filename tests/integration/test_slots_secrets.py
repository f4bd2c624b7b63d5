"""Do jobs get secrets by name in real slots, and is none of them kept or shown?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.slot_bench import Bench, task
from workers.slots import Ending
from workers.vault import Vault

JOBS = """
import os, subprocess, sys, time

def use(work):
    assert work.secret("api_key") == "swordfish-42"
    assert work.connection("LAKE") == "postgresql://ann:hunter2222@db/lake"
    return 7

def tell(work):
    key = work.secret("api_key")
    print("the key is", key)
    subprocess.run(["sh", "-c", "echo child says " + key], check=True)
    raise ValueError("bad key " + key)

def tell_raw(work):
    print("the key is", work.secret("raw"))
    raise ValueError("bad key " + work.secret("raw"))

def slowly(work):
    sys.stdout.write("the key is sword"); sys.stdout.flush()
    time.sleep(0.5)
    print("fish-42 it is")

def ask(work):
    work.secret("nothing")
"""


RAW = b"mackerel\xff-43"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("HORARIUM_SECRET_RAW", os.fsdecode(RAW))
    monkeypatch.setenv("HORARIUM_CONNECTION_LAKE", "postgresql://ann:hunter2222@db/lake")
    path = tmp_path / "secrets.toml"
    path.write_text('[secrets]\napi_key = "swordfish-42"\n')
    path.chmod(0o600)
    with Bench(tmp_path, vault=Vault(str(path), os.environ)) as made:
        (made.user / "jobs.py").write_text(JOBS)
        yield made


def files(bench: Bench) -> str:
    """Return all that lies in the folder of output."""
    return "".join(path.read_text() for path in bench.out.rglob("*") if path.is_file())


def test_a_job_gets_secrets_and_connections_by_name(bench: Bench) -> None:
    ended = bench.run_one(task("use"))
    assert (ended.ending, ended.rows) == (Ending.DONE, 7)


def test_what_a_job_or_its_child_prints_and_raises_is_masked_and_so_is_the_file(bench: Bench) -> None:
    ended = bench.run_one(task("tell"))
    assert ended.reason == "ValueError: bad key ***"
    assert "the key is ***" in bench.text()
    assert "child says ***" in bench.text()
    assert "swordfish" not in bench.text() + files(bench)


def test_a_secret_that_comes_in_two_pieces_is_masked(bench: Bench) -> None:
    bench.slots.start(task("slowly"))
    while not bench.ended:
        bench.collect(1)
    assert "the key is *** it is" in bench.text()
    assert "sword" not in bench.text() + files(bench)


def test_an_unknown_name_fails_with_the_names_that_there_are(bench: Bench) -> None:
    assert "there are: API_KEY, RAW" in bench.run_one(task("ask")).reason


def test_a_command_finds_them_in_its_environment(bench: Bench) -> None:
    argv = ("sh", "-c", 'test "$HORARIUM_SECRET_API_KEY" = swordfish-42 && echo "it is $HORARIUM_SECRET_API_KEY"')
    assert bench.run_one(task(argv=argv)).ending is Ending.DONE
    assert bench.text().endswith("it is ***\n")


def test_a_file_that_others_may_read_fails_the_job_and_says_what_to_do(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").chmod(0o644)
    ended = bench.run_one(task("use"))
    assert ended.ending is Ending.FAILED
    assert "chmod 600" in ended.reason


def test_a_secret_that_is_no_utf_8_is_masked_and_holds_up_no_end(bench: Bench) -> None:
    ended = bench.run_one(task("tell_raw"))
    assert (ended.ending, ended.reason) == (Ending.FAILED, "ValueError: bad key ***")
    command = task(argv=("sh", "-c", 'echo "the key is $HORARIUM_SECRET_RAW"'))
    assert bench.run_one(command).ending is Ending.DONE
    assert bench.text(command.uow_id) == "the key is ***\n"
    kept = b"".join(path.read_bytes() for path in bench.out.rglob("*") if path.is_file())
    assert [word in bench.text().encode() + kept for word in (b"mackerel", b"swordfish")] == [False, False]
