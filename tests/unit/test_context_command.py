"""Does `launch.py context check` say whether a context is sound, and list all that is wrong with it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.parts import Roof
from tests.support.pretended_roof import Terminal

FAULTY = """
from system.context import managed_context_entry as entry, timetable_tree_entry
process_context = [entry("a", "jobs.a", "a", "_dayly"), entry("b", "", "b", "_daily", trigger_frequency="every x", argv=["true"])]
timetable_context = [timetable_tree_entry("t", ["b", "c"])]
"""


def over(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> Terminal:
    (folder / "context.py").write_text(text)
    return Terminal(Roof({}, folder), capsys)


def test_a_sound_context_is_called_so_without_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = over(tmp_path, "process_context = []\ntimetable_context = []\n", capsys)
    assert terminal.run("context", "check") == 0
    assert terminal.out == f"sound: {tmp_path}/context.py registers 0 processes in 0 trees\n"
    assert terminal.json("context", "check") == {"context": f"{tmp_path}/context.py", "is_sound": True, "faults": []}
    assert [path.name for path in tmp_path.iterdir() if path.name != "__pycache__"] == ["context.py"]


def test_all_faults_are_listed_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = over(tmp_path, FAULTY, capsys)
    assert terminal.run("context", "check") == 1
    assert all(word in terminal.err for word in ("_dayly", "every x", "'c'"))
    document = terminal.json("context", "check")
    assert (document["is_sound"], len(document["faults"]) >= 3) == (False, True)


def test_a_context_that_raises_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = over(tmp_path, "1 / 0", capsys)
    assert terminal.run("context", "check") == 1
    assert "can't be loaded" in terminal.err
    assert "Traceback" not in terminal.err
    assert len(terminal.json("context", "check")["faults"]) == 1


def test_a_bad_secrets_file_is_a_fault_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "context.py").write_text("process_context = []\ntimetable_context = []\n")
    (tmp_path / "secrets.toml").write_text('[secrets]\nkey = "opensesame"\n')
    (tmp_path / "secrets.toml").chmod(0o644)
    terminal = Terminal(Roof({"HORARIUM_SECRETS_FILE": str(tmp_path / "secrets.toml")}, tmp_path), capsys)
    for command in (["context", "check"], ["settings"]):
        assert terminal.run(*command) == 1
        assert f"type `chmod 600 {tmp_path}/secrets.toml`" in terminal.err
        assert "opensesame" not in terminal.out + terminal.err
    found = terminal.json("context", "check")
    assert (found["is_sound"], len(found["faults"])) == (False, 1)
    (tmp_path / "secrets.toml").chmod(0o600)
    assert terminal.run("context", "check") == 0
