"""Which rules of the house does a source file break? Each rule yields `path:line: what is wrong` and is blind to who asks."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch

from tests.support.sources import FunctionNode, Source

Rule = Callable[[Source], Iterator[str]]

MAY_IMPORT = {
    "system": {"system"},
    "db": {"db", "system"},
    "mq": {"mq", "system"},
    "scheduler": {"scheduler", "system", "db", "mq"},
    "workers": {"workers", "system", "db", "mq"},
    "supervisor": {"supervisor", "system", "db", "mq"},
    "mx": {"mx", "system", "db"},
    "settings": {"settings", "system"},
    "launch": {"*"},
    "process_starter": {"*"},
    "launcher": {"*"},
    "context": {"*"},
    "scripts": {"*"},
    "examples": {"*"},
    "bench": {"*"},
    "tests": {"*"},
}
PRODUCT = {"system", "db", "mq", "scheduler", "workers", "supervisor", "mx", "settings", "launch", "process_starter", "launcher"}
FREE_OF_DRIVERS = {"tests", "examples", "bench", "scripts"}
DRIVERS = {
    "sqlalchemy": ("system/sql*.py", "db/sql*.py", "mq/embedded*.py"),
    "sqlite3": ("system/sql*.py", "db/sql*.py", "mq/embedded*.py"),
    "pymongo": ("db/mongo*.py",),
    "bson": ("db/mongo*.py",),
    "mongomock": ("db/mongo*.py",),
    "pika": ("mq/rabbit*.py",),
    "psutil": ("system/processes.py",),
    "daemon": ("system/daemons.py",),
    "lockfile": ("system/daemons.py",),
    "cronsim": ("system/cron.py",),
    "flask": ("mx/*",),
    "werkzeug": ("mx/*",),
    "jinja2": ("mx/*",),
    "pydantic": ("mx/*",),
    "flask_openapi3": ("mx/*",),
    "prometheus_client": ("mx/*",),
    "gunicorn": ("launcher/web/*",),
    "click": ("launch.py", "launcher/*"),
    "rich": ("launch.py", "launcher/*"),
}
CLOCK_READS = re.compile(
    r"time\.(time|monotonic|perf_counter|process_time|thread_time|clock_gettime|sleep|localtime|gmtime|ctime|strftime|asctime)(_ns)?"
    r"|asyncio\.sleep|datetime\.(datetime|date)\.(now|utcnow|today)|time\.\*"
)
BENCH_CLOCKS = re.compile(r"time\.[a-z_]+|asyncio\.sleep")
ENVIRONMENT = re.compile(r"os\.(environ|environb|getenv|getenvb|putenv|unsetenv)(\..*)?")
# The roof; what hands its whole environment on to the children of slots; what is not the product.
MAY_READ_ENVIRONMENT = (
    "launch.py", "process_starter.py", "settings.py", "context.py", "launcher/*",
    "workers/slot.py", "workers/guardian.py", "workers/hosting.py",
    "examples/*", "scripts/*", "tests/*", "bench/*",
)  # fmt: skip
# Who catches everything and hands it on by another way: a slot tells it to its worker, a forked child can only print and end, the
# writer of a group gives it to each that waits for the group; what is asked within a time hands it to who asked.
CATCHES_ALL = {
    "workers/slot.py", "workers/forkserver.py", "system/groupcommit.py", "launcher/bounded.py", "launcher/web/asked.py",
    "mq/rabbit_reactor.py",
}  # fmt: skip
FIRST_STATES = {"EMBRYO", "REQUESTED"}
RECORD_WRITERS = {"replace", "_replace", "__replace__", "Job", "UnitOfWork", "values"}
VAGUE_NAMES = {"utils", "util", "helper", "helpers", "manager", "managers", "handler", "handlers", "common", "misc"}
LONGEST_FUNCTION = 50
LONGEST_FILE = 500


def imports_go_down(source: Source) -> Iterator[str]:
    """Imports go down only, never up and never sideways between tenants; also in functions and under TYPE_CHECKING."""
    allowed = MAY_IMPORT.get(source.floor, set())
    for line, name in source.imports:
        other = name.partition(".")[0]
        if other in MAY_IMPORT and other not in allowed and "*" not in allowed:
            yield f"{source.path}:{line}: {source.floor} must not import {other}"
        if source.floor == "mx" and other == "db" and not name.startswith("db.model"):
            yield f"{source.path}:{line}: mx knows db.model only, not {name}"


def every_folder_has_a_floor(source: Source) -> Iterator[str]:
    """A new folder at the top needs a floor in MAY_IMPORT, or the rule above would not see it."""
    if source.floor not in MAY_IMPORT:
        yield f"{source.path}:1: {source.floor} stands on no floor"


def drivers_stay_in_their_files(source: Source) -> Iterator[str]:
    """A driver is named in its backend's files only."""
    if source.floor in FREE_OF_DRIVERS:
        return
    for line, name in source.imports:
        homes = DRIVERS.get(name.partition(".")[0])
        if homes is not None and not any(fnmatch(source.path, home) for home in homes):
            yield f"{source.path}:{line}: {name} may be imported in {', '.join(homes)} only"


def clocks_are_read_in_one_file(source: Source) -> Iterator[str]:
    """Nobody but system/clock.py reads a clock or sleeps; a bench measures, by the `time` module only, and may wait."""
    if source.path == "system/clock.py":
        return
    found = {*source.names(), *((line, name) for line, name in source.imports if name.endswith("*"))}
    for line, name in sorted(found):
        if CLOCK_READS.fullmatch(name) and not (source.floor == "bench" and BENCH_CLOCKS.fullmatch(name)):
            yield f"{source.path}:{line}: {name} belongs in system/clock.py"


def the_environment_is_read_at_the_roof(source: Source) -> Iterator[str]:
    """Below the roof nobody reads the environment."""
    if any(fnmatch(source.path, place) for place in MAY_READ_ENVIRONMENT):
        return
    for line, name in sorted(set(source.names())):
        if ENVIRONMENT.fullmatch(name):
            yield f"{source.path}:{line}: {name} belongs at the roof"


def states_move_by_the_tables(source: Source) -> Iterator[str]:
    """No line of the product gives a record a state of its own choice, but for the first; `advance` does."""
    if source.floor not in PRODUCT:
        return
    for node in source.nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Attribute) and target.attr == "state" for target in targets) and _chosen(node.value):
                yield f"{source.path}:{node.lineno}: a state is set; use advance"
        elif isinstance(node, ast.Call) and _called(node) in RECORD_WRITERS:
            given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in {"state", "uow_state"})]
            for value in given:
                if _chosen(value):
                    yield f"{source.path}:{node.lineno}: {_called(node)}() is given {ast.unparse(value)}; use advance"


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _chosen(value: ast.AST | None) -> bool:
    """Say whether a state is written out, `JobState.NOOP` or either side of an `if`; a record's first state may be."""
    if isinstance(value, ast.IfExp):
        return _chosen(value.body) or _chosen(value.orelse)
    if isinstance(value, ast.Attribute) and value.attr in {"value", "label"}:
        return _chosen(value.value)
    named = isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id in {"JobState", "UowState"}
    return named and isinstance(value, ast.Attribute) and value.attr not in FIRST_STATES


def functions_are_short(source: Source) -> Iterator[str]:
    """No function's body is over 50 lines, its docstring not counted."""
    for function in source.functions:
        body = function.body[1:] if ast.get_docstring(function) else function.body
        length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        if length > LONGEST_FUNCTION:
            yield f"{source.path}:{function.lineno}: {function.name} has {length} lines"


def files_are_short(source: Source) -> Iterator[str]:
    """No file is over 500 lines."""
    length = len(source.text.splitlines())
    if length > LONGEST_FILE:
        yield f"{source.path}:{length}: the file has {length} lines"


def errors_are_not_swallowed(source: Source) -> Iterator[str]:
    """No bare except; whoever catches everything logs it or raises."""
    if source.floor == "tests":
        return
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield f"{source.path}:{node.lineno}: a bare except"
            elif _catches_all(node.type) and not _logs_or_raises(node) and source.path not in CATCHES_ALL:
                yield f"{source.path}:{node.lineno}: {ast.unparse(node.type)} is caught and neither logged nor raised"


def _catches_all(caught: ast.expr) -> bool:
    types = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(one, ast.Name) and one.id in {"Exception", "BaseException"} for one in types)


def _logs_or_raises(handler: ast.ExceptHandler) -> bool:
    """Say whether an error goes on its way; handing it to whoever waits for a future is one way."""
    return any(isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _passes_on(node.func)) for node in ast.walk(handler))


def _passes_on(called: ast.expr) -> bool:
    if not isinstance(called, ast.Attribute):
        return False
    return called.attr == "set_exception" or (isinstance(called.value, ast.Name) and called.value.id in {"log", "logger"})


def raises_name_their_cause(source: Source) -> Iterator[str]:
    """A raise inside an except says `from`."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            for inner in _own_nodes(node):
                if isinstance(inner, ast.Raise) and inner.exc and not inner.cause and ast.unparse(inner.exc) != node.name:
                    yield f"{source.path}:{inner.lineno}: a raise in an except without `from`"


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, FunctionNode | ast.Lambda):
            yield child
            yield from _own_nodes(child)


def quick_tests_never_sleep(source: Source) -> Iterator[str]:
    """Unit, property and contract tests don't sleep on a real clock, nor start a program that does."""
    if not source.path.startswith(("tests/unit/", "tests/property/", "tests/contract/")):
        return
    real = {"RealClock()"}
    for node in source.nodes:
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "RealClock()":
            real |= {ast.unparse(target) for target in node.targets}
    sleeps = {f"{clock}.sleep" for clock in real}
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in sleeps:
            yield f"{source.path}:{node.lineno}: a test sleeps"


def public_names_are_documented(source: Source) -> Iterator[str]:
    """Every file says what it answers; every public class and function of the product says what it gives.

    A method of a class that has bases may leave that to the port that it answers.
    """
    if not ast.get_docstring(source.tree):
        yield f"{source.path}:1: the file has no docstring"
    if source.floor in PRODUCT:
        yield from _undocumented(source, source.tree.body, is_port_known=False)


def _undocumented(source: Source, body: list[ast.stmt], *, is_port_known: bool) -> Iterator[str]:
    for node in body:
        if not isinstance(node, ast.ClassDef | FunctionNode) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not (is_port_known and isinstance(node, FunctionNode)):
            yield f"{source.path}:{node.lineno}: {node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(source, node.body, is_port_known=bool(node.bases))


def names_say_something(source: Source) -> Iterator[str]:
    """No module is called utils, helper, manager, handler or common; no star imports."""
    vague = VAGUE_NAMES & set(source.module.split("."))
    if vague:
        yield f"{source.path}:1: {vague.pop()} says nothing about the domain"
    for line, name in source.imports:
        if name.endswith(".*"):
            yield f"{source.path}:{line}: a star import"


def tests_assert_something(source: Source) -> Iterator[str]:
    """A test without an assertion is a defect; it may assert in a function that it calls."""
    if source.floor != "tests":
        return
    asserting = {function.name for function in source.functions if _asserts(function, set())}
    for function in source.functions:
        if function.name.startswith("test_") and not _asserts(function, asserting):
            yield f"{source.path}:{function.lineno}: {function.name} asserts nothing"


def _asserts(function: FunctionNode, asserting: set[str]) -> bool:
    calls = (_called(node) for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or any(_is_assertion(name, asserting) for name in calls)


def _is_assertion(called: str, asserting: set[str]) -> bool:
    return called in {"raises", "warns", "wait_until", "expect"} or called in asserting or called.startswith(("assert_", "expect_"))


# Put together from pieces, so that this file does not find itself.
_LOCAL = re.compile(
    "|".join([
        r"(?<![\w.:/-])/(?:" + "wo" + "rk|ro" + r"ot|home/\w+|Users/\w+)/[\w.]", r"(?<!\w)/tmp/" + "venv", r"--(?:extra-)?" + "index-url",
        r"pypi\.org/" + "simple", r"files\.python" + r"hosted\.org", r"trusted-" + "host",
    ])
)  # fmt: skip


def local_words(path: str, text: str) -> Iterator[str]:
    """Yield where a file of any kind names a folder of one machine, or the host of a package index."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _LOCAL.search(line):
            yield f"{path}:{number}: {found[0]!r} is of one machine"


RULES: tuple[Rule, ...] = (
    imports_go_down,
    every_folder_has_a_floor,
    drivers_stay_in_their_files,
    clocks_are_read_in_one_file,
    the_environment_is_read_at_the_roof,
    states_move_by_the_tables,
    functions_are_short,
    files_are_short,
    errors_are_not_swallowed,
    raises_name_their_cause,
    quick_tests_never_sleep,
    public_names_are_documented,
    names_say_something,
    tests_assert_something,
)
