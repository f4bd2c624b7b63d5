"""Does the house stand as DESIGN drew it? Every rule holds for every file, and every rule is proven to see a bad one."""

from __future__ import annotations

import graphlib

import pytest

from tests.support.house_rules import PRODUCT, RULES, Rule, local_words
from tests.support.sources import ROOT, Source, files, sources

SOURCES = sources()
TEXTS = (".py", ".md", ".toml", ".txt", ".in", ".sh", ".cfg", ".ini", ".yml", ".yaml", ".json", ".html", ".css", ".js", ".service", "")

# Rule, path, a source that breaks it, and a word of what is said.
BAD = [
    ("imports_go_down", "system/clock.py", "import db.model", "system must not import db"),
    ("imports_go_down", "db/memory.py", "def f():\n    from mq import broker", "db must not import mq"),
    ("imports_go_down", "scheduler/engine.py", "if TYPE_CHECKING:\n    from workers import slots", "must not import workers"),
    ("imports_go_down", "workers/worker.py", "importlib.import_module('supervisor.policy')", "workers must not import supervisor"),
    ("imports_go_down", "db/sql.py", "from ..scheduler import engine", "db must not import scheduler"),
    ("imports_go_down", "db/urls.py", "import settings", "db must not import settings"),
    ("imports_go_down", "supervisor/keeper.py", "import scheduler.desk", "supervisor must not import scheduler"),
    ("imports_go_down", "mx/app.py", "from db.store import Store", "mx knows db.model only"),
    ("imports_go_down", "settings.py", "from db.urls import open_store", "settings must not import db"),
    ("every_folder_has_a_floor", "cellar/wine.py", "", "cellar stands on no floor"),
    ("drivers_stay_in_their_files", "db/store.py", "import sqlalchemy as sa", "sqlalchemy may be imported in"),
    ("drivers_stay_in_their_files", "scheduler/desk.py", "def f():\n    from pymongo.errors import X", "pymongo.errors.X may be"),
    ("drivers_stay_in_their_files", "mq/broker.py", "import pika", "mq/rabbit*.py only"),
    ("drivers_stay_in_their_files", "supervisor/keeper.py", "import psutil", "system/processes.py only"),
    ("drivers_stay_in_their_files", "launcher/daemons.py", "from daemon import DaemonContext", "system/daemons.py only"),
    ("drivers_stay_in_their_files", "launch.py", "import flask", "mx/* only"),
    ("drivers_stay_in_their_files", "scheduler/why.py", "import rich.console", "launcher/* only"),
    ("clocks_are_read_in_one_file", "system/logs.py", "import time\nx = time.time()", "time.time belongs"),
    ("clocks_are_read_in_one_file", "workers/slot.py", "import time as t\nt.sleep(1)", "time.sleep belongs"),
    ("clocks_are_read_in_one_file", "tests/unit/test_x.py", "from time import monotonic as age\nage()", "time.monotonic belongs"),
    ("clocks_are_read_in_one_file", "launch.py", "from datetime import datetime\ndatetime.now(UTC)", "datetime.datetime.now belongs"),
    ("clocks_are_read_in_one_file", "examples/a.py", "import datetime as dt\ndt.date.today()", "datetime.date.today belongs"),
    ("clocks_are_read_in_one_file", "db/sql.py", "import datetime\ncreated = datetime.datetime.utcnow", "utcnow belongs"),
    ("clocks_are_read_in_one_file", "db/sql.py", "from time import *", "time.* belongs"),
    ("clocks_are_read_in_one_file", "bench/a.py", "from datetime import datetime\ndatetime.now(UTC)", "datetime.now belongs"),
    ("the_environment_is_read_at_the_roof", "db/urls.py", "import os\nos.environ['X']", "os.environ belongs"),
    ("the_environment_is_read_at_the_roof", "workers/service.py", "from os import getenv\ngetenv('X')", "os.getenv belongs"),
    ("states_move_by_the_tables", "scheduler/engine.py", "replace(job, state=JobState.NOOP)", "replace() is given JobState.NOOP"),
    ("states_move_by_the_tables", "workers/outbox.py", "UnitOfWork(i, p, state=UowState.PROCESSED)", "UnitOfWork() is given"),
    ("states_move_by_the_tables", "db/memory.py", "Job(p, t, JobState.SKIPPED)", "Job() is given JobState.SKIPPED"),
    ("states_move_by_the_tables", "db/sql_uows.py", "update(uows).values(state=UowState.INVALID.value)", "values() is given"),
    ("states_move_by_the_tables", "db/memory.py", "uow.state = UowState.CANCELED", "a state is set"),
    ("states_move_by_the_tables", "db/memory.py", "replace(j, state=JobState.EMBRYO if x else JobState.NOOP)", "use advance"),
    ("functions_are_short", "system/a.py", "def f():\n" + "    x = 1\n" * 51, "f has 51 lines"),
    ("files_are_short", "system/a.py", "x = 1\n" * 501, "the file has 501 lines"),
    ("errors_are_not_swallowed", "db/sql.py", "try: f()\nexcept: log.exception('x')", "a bare except"),
    ("errors_are_not_swallowed", "db/sql.py", "try: f()\nexcept Exception: pass", "neither logged nor raised"),
    ("errors_are_not_swallowed", "mq/memory.py", "try: f()\nexcept (KeyError, BaseException) as e: print(e)", "neither logged nor raised"),
    ("raises_name_their_cause", "db/sql.py", "try: f()\nexcept KeyError: raise StoreError('x')", "without `from`"),
    ("raises_name_their_cause", "db/sql.py", "try: f()\nexcept KeyError as e:\n    if e: raise StoreError(e)", "without `from`"),
    ("quick_tests_never_sleep", "tests/unit/test_a.py", "clock = RealClock()\ndef f(): clock.sleep(1)", "a test sleeps"),
    ("quick_tests_never_sleep", "tests/contract/test_a.py", "RealClock().sleep(1)", "a test sleeps"),
    ("public_names_are_documented", "system/a.py", "x = 1", "the file has no docstring"),
    ("public_names_are_documented", "system/a.py", "'''A?'''\ndef f(): ...", "f has no docstring"),
    ("public_names_are_documented", "system/a.py", "'''A?'''\nclass A:\n    '''A.'''\n    def f(self): ...", "f has no docstring"),
    ("public_names_are_documented", "tests/unit/test_a.py", "x = 1", "the file has no docstring"),
    ("names_say_something", "system/utils.py", "", "utils says nothing"),
    ("names_say_something", "workers/common/slots.py", "", "common says nothing"),
    ("names_say_something", "db/sql.py", "from system.errors import *", "a star import"),
    ("tests_assert_something", "tests/unit/test_a.py", "def test_it_works():\n    f()", "test_it_works asserts nothing"),
]  # fmt: skip
# Rule, path, a source that looks like a breach and is none.
GOOD = [
    ("imports_go_down", "scheduler/engine.py", "from db.store import Store\nimport mq.broker\nfrom scheduler.trees import Topology"),
    ("imports_go_down", "launcher/parts.py", "import scheduler.service, workers.service, settings"),
    ("imports_go_down", "mx/app.py", "from db.model import Job"),
    ("drivers_stay_in_their_files", "db/sql_schema.py", "import sqlalchemy"),
    ("drivers_stay_in_their_files", "tests/support/mongo.py", "import mongomock"),
    ("clocks_are_read_in_one_file", "system/clock.py", "import time\ntime.time()"),
    ("clocks_are_read_in_one_file", "bench/a.py", "import time\ntime.perf_counter()"),
    ("clocks_are_read_in_one_file", "db/sql.py", "from datetime import datetime\ndatetime.fromisoformat(x); clock.sleep(1); clock.now()"),
    ("the_environment_is_read_at_the_roof", "settings.py", "import os\nos.environ"),
    ("states_move_by_the_tables", "scheduler/draft.py", "replace(job, state=advance(T, job.state, e)); Job(p, t, JobState.EMBRYO)"),
    ("states_move_by_the_tables", "scheduler/draft.py", "x = job.state is JobState.NOOP; f(state=JobState.NOOP)"),
    ("functions_are_short", "system/a.py", "def f():\n    '''" + "\n" * 60 + "    '''\n" + "    x = 1\n" * 50),
    ("errors_are_not_swallowed", "db/sql.py", "try: f()\nexcept Exception as e: raise StoreError() from e"),
    ("errors_are_not_swallowed", "workers/service.py", "try: f()\nexcept Exception: log.exception('x')"),
    ("raises_name_their_cause", "db/sql.py", "try: f()\nexcept KeyError as e:\n    def g(): raise ValueError\n    raise\n"),
    ("raises_name_their_cause", "db/sql.py", "try: f()\nexcept KeyError as e: raise X() from None\nexcept OSError as e: raise e"),
    ("quick_tests_never_sleep", "tests/unit/test_a.py", "clock = ManualClock()\nclock.sleep(1)"),
    ("quick_tests_never_sleep", "tests/e2e/test_a.py", "RealClock().sleep(1)"),
    ("public_names_are_documented", "db/a.py", "'''A?'''\nclass A(Store):\n    '''A.'''\n    def f(self): ...\ndef _g(): ..."),
    ("tests_assert_something", "tests/unit/test_a.py", "def check(): assert x\ndef test_a(): check()"),
    ("tests_assert_something", "tests/unit/test_a.py", "def test_b():\n    with pytest.raises(X): f()"),
]
BY_NAME: dict[str, Rule] = {rule.__name__: rule for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    assert [breach for source in SOURCES for breach in rule(source)] == []


@pytest.mark.parametrize(("rule", "path", "text", "words"), BAD)
def test_the_rule_sees_a_breach(rule: str, path: str, text: str, words: str) -> None:
    breaches = list(BY_NAME[rule](Source(path, text)))
    assert len(breaches) == 1
    assert breaches[0].startswith(f"{path}:")
    assert words in breaches[0]


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_the_rule_lets_pass_what_is_right(rule: str, path: str, text: str) -> None:
    assert list(BY_NAME[rule](Source(path, text))) == []


def test_every_rule_is_proven() -> None:
    assert {rule for rule, *_ in BAD} == set(BY_NAME)


def test_the_rules_look_at_the_whole_house() -> None:
    seen = {source.path for source in SOURCES}
    assert {"system/clock.py", "db/model.py", "scheduler/trees.py", "tests/test_architecture.py"} <= seen


def test_no_file_names_a_machine_or_a_package_index() -> None:
    found = [
        breach
        for path in files(*TEXTS)
        for breach in local_words(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "pieces",
    [
        ("/wo", "rk/main/x"), ("cd /ro", "ot/x"), ("/ro", "ot/.x/y"), ("/tmp/", "venv"), ("--extra-", "index-url x"),
        ("pyp", "i.org/simple"),
    ],
)
def test_a_word_of_one_machine_is_seen(pieces: tuple[str, str]) -> None:
    assert len(list(local_words("a.md", "fine\n" + "".join(pieces)))) == 1


@pytest.mark.parametrize("text", ["https://example.org/homework/x", "docs/homework/plan", "framework/x", "/srv/horarium/x", "var/home"])
def test_ordinary_paths_are_no_words_of_one_machine(text: str) -> None:
    assert list(local_words("a.md", text)) == []


def inner_imports(found: list[Source]) -> dict[str, set[str]]:
    """Return which modules of the product import which, hidden imports counted."""
    modules = {source.module for source in found if source.floor in PRODUCT}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for source in found:
        if source.module in modules:
            names = {name for _, name in source.imports} | {name.rpartition(".")[0] for _, name in source.imports}
            graph[source.module] = names & modules - {source.module}
    return graph


def test_no_modules_import_each_other_in_a_circle() -> None:
    order = list(graphlib.TopologicalSorter(inner_imports(SOURCES)).static_order())
    assert "system.timeperiod" in order


def test_a_circle_of_imports_is_seen() -> None:
    circle = [Source("db/a.py", "import db.b"), Source("db/b.py", "def f():\n    from db.a import x")]
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(inner_imports(circle)).static_order())
