"""Is a user's context module found, run with its folder first on the path, and are its mistakes told by file and line?"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from system.context_check import load_context
from system.errors import ConfigError

HEAD = "from system.context import managed_context_entry as managed, timetable_tree_entry as tree\n"
SOUND = HEAD + (
    "process_context = [managed('{name}_daily', '{classname}', '{name}', '_daily')]\n"
    "timetable_context = [tree('{name}', ['{name}_daily'])]\n"
)


def write(folder: Path, classname: str = "jobs.count", *, name: str = "flights", jobs: str = "def count(work): ...\n") -> Path:
    """Write a context of one process, and its jobs, to `folder`; return the context's file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "jobs.py").write_text(jobs)
    (folder / "context.py").write_text(SOUND.format(name=name, classname=classname))
    return folder / "context.py"


def fault_of(file: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_context(str(file))
    (fault,) = caught.value.faults
    return fault


def test_a_file_is_loaded_and_its_folder_is_the_users_folder(tmp_path: Path) -> None:
    context = load_context(str(write(tmp_path)))
    assert list(context.managed) == ["flights_daily"]
    assert context.folder == str(tmp_path)


def test_a_relative_path_is_taken_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "deployment")
    monkeypatch.chdir(tmp_path)
    assert load_context("deployment/context.py").folder == str(tmp_path / "deployment")


def test_a_dotted_name_is_found_where_python_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "airport")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_context("airport.context").folder == str(tmp_path / "airport")


def test_two_deployments_may_both_have_a_context_and_neither_stays_behind(tmp_path: Path) -> None:
    path, modules = list(sys.path), set(sys.modules)
    one, other = load_context(str(write(tmp_path / "a", name="a"))), load_context(str(write(tmp_path / "b", name="b")))
    assert (list(one.managed), list(other.managed)) == (["a_daily"], ["b_daily"])
    assert (sys.path, set(sys.modules) - modules) == (path, set())


def test_a_module_that_goes_by_the_same_name_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("context")
    monkeypatch.setitem(sys.modules, "context", other)
    assert list(load_context(str(write(tmp_path))).managed) == ["flights_daily"]
    assert sys.modules["context"] is other


def test_a_context_may_change_the_path_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = write(tmp_path)
    file.write_text("import sys\nsys.path.remove(sys.path[0])\n" + file.read_text())
    assert list(load_context(str(file)).managed) == ["flights_daily"]


def test_modules_beside_the_context_can_be_imported_by_it(tmp_path: Path) -> None:
    file = write(tmp_path)
    (tmp_path / "names_of_my_airports.py").write_text("NAMES = ['EWR']\n")
    file.write_text("from names_of_my_airports import NAMES\n" + file.read_text())
    assert list(load_context(str(file)).managed) == ["flights_daily"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import os\nx = {}['carrier']\n", "context.py line 2: KeyError: 'carrier'; mend this line"),
        ("x = = 1\n", "context.py line 1: SyntaxError: invalid syntax"),
        ("\n\nimport no_such_module_here\n", "context.py line 3: ModuleNotFoundError: No module named 'no_such_module_here'"),
        (HEAD + "managed('a', 'b.c', 'a', '_daily', max_in_fligth=1)\n", "context.py line 2: TypeError: "),
        ("raise SystemExit(3)\n", "context.py line 1: SystemExit: 3"),
        ("raise ValueError\n", "context.py line 1: ValueError: without a message"),
    ],
)
def test_an_error_in_the_module_is_told_by_file_line_and_message(tmp_path: Path, source: str, told: str) -> None:
    (tmp_path / "context.py").write_text(source)
    with pytest.raises(ConfigError) as caught:
        load_context(str(tmp_path / "context.py"))
    assert f"can't be loaded: {tmp_path}/{told}" in str(caught.value)


def test_lists_that_are_missing_are_named(tmp_path: Path) -> None:
    (tmp_path / "context.py").write_text("process_context = []\n")
    assert fault_of(tmp_path / "context.py") == "timetable_context is missing: add a list of entries by this name"


@pytest.mark.parametrize(
    ("where", "found"),
    [("no_such.py", "neither there"), ("no.such.module", "neither there"), (".", "a folder"), ("notes.txt", "no .py file")],
)
def test_what_is_no_context_is_refused_with_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, found: str) -> None:
    (tmp_path / "notes.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"the process context '{where}' is {found}.*give the path of a .py file, or a dotted module"):
        load_context(where)


@pytest.mark.parametrize(
    "classname", ["jobs.count", "jobs.Counter.count", "inner.deep.run", "os.path.join", "time.sleep", "jobs.imported", "jobs.aliased"]
)
def test_class_paths_that_lead_somewhere_are_taken(tmp_path: Path, classname: str) -> None:
    jobs = "import json as aliased\nfrom json import loads as imported\ndef count(work): ...\nclass Counter:\n    count = print\n"
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.py").write_text("run = print\n")
    assert load_context(str(write(tmp_path, classname, jobs=jobs))).managed["flights_daily"].classname == classname


@pytest.mark.parametrize(
    ("classname", "told"),
    [
        ("jbos.count", "no module 'jbos' in {folder} nor where Python looks"),
        ("jobs.cuont", "{folder}/jobs.py has no 'cuont'; did you mean 'count'?"),
        ("jobs.a.b.c", "'jobs' has no module 'a'"),
        ("inner.deep", "'inner.deep' names a module: add the function, such as 'inner.deep.run'"),
        ("inner.run", "'inner' has no module 'run'"),
        ("broken.run", "{folder}/broken.py line 1 can't be read: "),
        ("latin.run", "{folder}/latin.py can't be read: 'utf-8' codec can't decode"),
    ],
)
def test_class_paths_that_lead_nowhere_are_faults(tmp_path: Path, classname: str, told: str) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.py").write_text("")
    (tmp_path / "broken.py").write_text("def run(:\n")
    (tmp_path / "latin.py").write_bytes(b"#\n#\nname = '\xfc'\n")
    fault = fault_of(write(tmp_path, classname))
    assert fault.startswith(f"process 'flights_daily': classname '{classname}'")
    assert told.format(folder=tmp_path) in fault


@pytest.mark.parametrize("name", ["json", "select", "time"])
def test_a_module_that_bears_the_name_of_one_of_pythons_own_is_a_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("def count(work): ...\n")
    assert f"Python has a module '{name}' of its own" in fault_of(write(tmp_path, f"{name}.count"))


@pytest.mark.parametrize("jobs", ["from json import *\n", "globals()['x'] = print\n", "def __getattr__(name): ...\n"])
def test_a_module_that_makes_its_names_as_it_runs_is_given_the_benefit_of_the_doubt(tmp_path: Path, jobs: str) -> None:
    assert load_context(str(write(tmp_path, "jobs.x", jobs=jobs))).managed["flights_daily"].classname == "jobs.x"


def test_looking_a_class_path_up_runs_nothing_of_the_users(tmp_path: Path) -> None:
    jobs = "raise SystemExit('a job module ran while the context was checked')\ndef count(work): ...\n"
    assert list(load_context(str(write(tmp_path, jobs=jobs))).managed) == ["flights_daily"]
