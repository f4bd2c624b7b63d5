"""Which place wins where several say what a setting is, and is a settings file refused where it should be?"""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.parts import Roof, fingerprint
from launcher.sources import settle
from settings import Settings
from system.context import Context
from system.errors import ConfigError
from tests.support.pretended_roof import Terminal, roof_of

EMPTY = Context((), {})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "context.py").write_text("process_context = []\ntimetable_context = []\n")
    return tmp_path


def wrote(home: Path, text: str, mode: int = 0o644, name: str = "settings.toml") -> Path:
    path = home / name
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(home: Path, environ: dict[str, str] | None = None, given: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigError) as caught:
        settle(environ or {}, given, home)
    return str(caught.value)


def test_the_command_line_overrules_the_environment_which_overrules_the_file(home: Path) -> None:
    wrote(home, "slots = 3\nworkers = 3\nbeat_s = 3\n")
    found = settle({"HORARIUM_SLOTS": "4", "HORARIUM_WORKERS": "4"}, ["slots=5"], home)
    assert (found.settings.slots, found.settings.workers, found.settings.beat_s) == (5, 4, 3.0)
    assert [found.places[name] for name in ("slots", "workers", "beat_s", "poll_s")] == ["command line", "environment", "file", "default"]


def test_no_file_is_no_fault(home: Path) -> None:
    assert set(settle({}, [], home).places.values()) == {"default"}


def test_the_file_lies_beside_the_context_that_is_named(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    wrote(home, "slots = 9\n")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert settle({"HORARIUM_CONTEXT": str(home / "context.py")}, [], elsewhere).settings.slots == 9
    assert settle({}, [f"context={home}/context.py"], elsewhere).settings.slots == 9


def test_a_file_that_is_named_is_read_instead(home: Path) -> None:
    wrote(home, "slots = 9\n")
    named = wrote(home, 'slots = 8\ncontext = "other.py"\n', name="mine.toml")
    found = settle({"HORARIUM_SETTINGS": str(named)}, [], Path("/srv"))
    assert (found.settings.slots, found.settings.context) == (8, str(home / "other.py"))


def test_none_means_that_no_file_is_read(home: Path) -> None:
    wrote(home, "nonsense")
    assert settle({"HORARIUM_SETTINGS": "none"}, [], home).settings.slots == 2


@pytest.mark.parametrize("named", ["", "nowhere.toml", "/"])
def test_a_named_file_that_is_not_there_is_refused(home: Path, named: str) -> None:
    assert f"HORARIUM_SETTINGS is {named!r}, and no such file is there" in refusal(home, {"HORARIUM_SETTINGS": named})


def test_paths_of_the_file_start_at_its_folder(home: Path) -> None:
    wrote(home, 'var = "data"\nstore_url = "sqlite:///data/a.db"\n')
    found = settle({}, [], home).settings
    assert (found.var, found.store_url) == (str(home / "data"), f"sqlite:///{home}/data/a.db")


@pytest.mark.parametrize("way", ["environment", "command line"])
def test_a_store_given_from_the_current_folder_is_the_same_one_for_a_child_elsewhere(
    home: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    url = "sqlite:///data/a.db"
    found = settle({"HORARIUM_STORE_URL": url}, [], home) if way == "environment" else settle({}, [f"store_url={url}"], home)
    monkeypatch.chdir("/")
    assert settle(found.environ(), [], home).settings.store_url == f"sqlite:///{home}/data/a.db"


def test_children_see_the_same_values_whatever_becomes_of_the_file(home: Path) -> None:
    path = wrote(home, "slots = 9\npoll_s = 0.25\n")
    found = settle({}, ["workers=3"], home).settings
    path.write_text("nonsense")
    assert settle(found.environ(), [], Path("/elsewhere")).settings == found
    assert Settings.load(found.environ(), Path("/elsewhere")) == found


def test_a_child_tells_where_its_parent_had_them_from(home: Path) -> None:
    path = wrote(home, "slots = 3\n")
    parent = settle({"HORARIUM_WORKERS": "4"}, ["lease_s=40"], home)
    child = settle(parent.environ(), ["beat_s=1"], home)
    assert child.file == str(path)
    assert [child.places[name] for name in ("slots", "workers", "lease_s", "beat_s", "poll_s")] == [
        "file", "environment", "command line", "command line", "default",
    ]  # fmt: skip


def test_what_is_kept_running_inherits_nothing_that_commands_go_by(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("HORARIUM_TOKEN", "swordfish-42"), ("HORARIUM_URL", "https://mx.example.org/"), ("HORARIUM_SECRET_KEY", "k")):
        monkeypatch.setenv(name, text)
    found = Roof({"HORARIUM_TOKEN": "swordfish-42", "HORARIUM_SLOTS": "3"}, home).child_environ()
    assert "swordfish-42" not in found.values()
    assert "HORARIUM_URL" not in found
    assert (found["HORARIUM_SECRET_KEY"], found["HORARIUM_SLOTS"]) == ("k", "3")
    assert found["PATH"]


def test_places_that_nobody_told_are_refused(home: Path) -> None:
    assert refusal(home, {"HORARIUM_PLACES": "nonsense"}) == "HORARIUM_PLACES is set by Horarium for its own children: unset it"


def test_the_fingerprint_goes_by_values_not_by_where_they_came_from(home: Path) -> None:
    by_environment = settle({"HORARIUM_SLOTS": "9"}, [], home).settings
    wrote(home, "slots = 9\n")
    by_file, other = settle({}, [], home).settings, settle({}, ["slots=8"], home).settings
    assert fingerprint(by_file, EMPTY) == fingerprint(by_environment, EMPTY) != fingerprint(other, EMPTY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slot = 2", "slot in {path} is not a setting: did you mean slots? there are archive, "),
        ('slots = "2"', "slots in {path} is '2': expected a whole number, 1 or more, without quotes"),
        ("slots = true", "slots in {path} is True: expected a whole number, 1 or more"),
        ("slots = 2.5", "slots in {path} is 2.5: expected a whole number, 1 or more"),
        ("timetable_start = 2020010100", "timetable_start in {path} is 2020010100: expected a text, in quotes"),
        ("[slots]\na = 1", "slots in {path} is {{'a': 1}}: expected a whole number, 1 or more, without quotes"),
        ("slots 2", "the settings file {path} is no TOML: "),
        ('context = "b.py"', "context in {path} can't be used: the file itself was found beside a context"),
    ],
)
def test_a_faulty_file_is_refused_with_what_is_expected(home: Path, text: str, expected: str) -> None:
    path = wrote(home, text)
    assert expected.format(path=path) in refusal(home)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("slot=2", "--set slot is not a setting: did you mean slots?"),
        ("slots=x", "--set slots is 'x': expected a whole number, 1 or more"),
        ("slots", "--set slots: expected NAME=VALUE, such as --set slots=4"),
        ("=4", "expected NAME=VALUE"),
    ],
)
def test_a_faulty_command_line_is_refused_with_what_is_expected(home: Path, given: str, expected: str) -> None:
    assert expected in refusal(home, given=(given,))


def test_the_faults_of_all_places_are_told_at_once(home: Path) -> None:
    wrote(home, "slots = 0")
    with pytest.raises(ConfigError) as caught:
        settle({"HORARIUM_BEAT_S": "z"}, ["nonsense=1"], home)
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_with_a_password_that_others_can_use_is_refused_with_the_chmod(home: Path, mode: int) -> None:
    path = wrote(home, 'store_url = "mongodb://ann:s3cret@db/x"', mode)
    text = refusal(home)
    assert f"type `chmod 600 {path}`" in text
    assert "s3cret" not in text


def test_a_file_with_a_password_of_its_owner_alone_is_taken(home: Path) -> None:
    wrote(home, 'store_url = "mongodb://ann:s3cret@db/x"', 0o600)
    assert settle({}, [], home).settings.store_url == "mongodb://ann:s3cret@db/x"


def test_a_file_without_a_password_may_be_read_by_all(home: Path) -> None:
    wrote(home, 'store_url = "mongodb://db/x"', 0o644)
    assert settle({}, [], home).places["store_url"] == "file"


# -- launch.py settings


def test_settings_shows_every_value_with_its_unit_its_help_and_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(roof_of(EMPTY), capsys)
    assert terminal.run("--set", "slots=7", "settings") == 0
    line, text = (found for found in terminal.out.splitlines() if found.startswith("slots") or "what one worker" in found)
    assert line.split() == ["slots", "7", "units", "of", "work", "command", "line"]
    assert text.strip() == "what one worker runs at once"


def test_settings_as_json_has_every_setting_and_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    roof = roof_of(EMPTY)
    roof.environ = {"HORARIUM_STORE_URL": "mongodb://ann:s3cret@db/x"}
    document = {row["setting"]: row for row in Terminal(roof, capsys).json("settings")}
    assert (document["store_url"]["value"], document["store_url"]["from"]) == ("mongodb://ann:***@db/x", "environment")
    assert document["lease_s"] | {"help": ""} == {"setting": "lease_s", "value": 30.0, "unit": "seconds", "help": "", "from": "default"}


def test_a_wrong_value_on_the_command_line_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(roof_of(EMPTY), capsys)
    assert terminal.run("--set", "slots=many", "settings") == 1
    assert terminal.err == "error: the settings can't be used:\n  - --set slots is 'many': expected a whole number, 1 or more\n"


def test_set_without_a_value_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert Terminal(roof_of(EMPTY), capsys).run("--set") == 2
