"""Does `launch.py test` tell good tests from bad ones and from none, also where pytest is not installed?"""

from __future__ import annotations

from importlib import util
from pathlib import Path

import pytest

from launcher.parts import Roof
from tests.support.pretended_roof import Terminal

GOOD = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertTrue({})\n"


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A project of a machine without pytest."""
    (tmp_path / "context.py").write_text("process_context = []\ntimetable_context = []\n")
    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, package=None: None if name == "pytest" else find(name, package))
    return Terminal(Roof({}, tmp_path), capsys)


def test_without_tests_it_fails_and_says_what_to_write(terminal: Terminal) -> None:
    assert terminal.run("test") == 1
    assert f"there are no tests in {terminal.roof.here}: write test_jobs.py" in terminal.err


@pytest.mark.parametrize(("holds", "code"), [("True", 0), ("False", 1)])
def test_unittest_runs_those_of_the_folder_with_what_is_handed_on(terminal: Terminal, holds: str, code: int) -> None:
    (terminal.roof.here / "test_jobs.py").write_text(GOOD.format(holds))
    for argv in ((), ("-q",), ("test_jobs.T",)):
        assert terminal.run("test", *argv) == code
    assert "unittest test_jobs.T" in terminal.err


def test_a_test_that_is_skipped_is_one(terminal: Terminal) -> None:
    (terminal.roof.here / "test_jobs.py").write_text("import unittest\nraise unittest.SkipTest('no data')\n")
    assert terminal.run("test") == 0
