"""What may be set, and what is said about a setting that can't be used?"""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import CHILD_MARKS, Settings
from system.errors import ConfigError

HERE = Path("/srv/horarium")


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        Settings.load(environ, HERE)
    return str(caught.value)


def test_without_variables_everything_lies_beside_the_launcher() -> None:
    settings = Settings.load({"PATH": "/bin"}, HERE)
    assert settings.context == "/srv/horarium/context.py"
    assert settings.folder == HERE / "var"
    assert settings.store_url == "sqlite:////srv/horarium/var/horarium.db"
    assert settings.box
    assert settings.workers in (1, 2)


def test_a_variable_overrules_a_default_in_its_own_type() -> None:
    settings = Settings.load({"HORARIUM_SLOTS": "7", "HORARIUM_LEASE_S": "12.5", "HORARIUM_BOX": "box-1"}, HERE)
    assert (settings.slots, settings.lease_s, settings.box) == (7, 12.5, "box-1")


def test_a_path_that_is_given_is_meant_from_the_current_folder() -> None:
    settings = Settings.load({"HORARIUM_VAR": "here", "HORARIUM_CONTEXT": "flights/context.py"}, HERE)
    assert settings.folder == Path.cwd() / "here"
    assert settings.context == str(Path.cwd() / "flights/context.py")


def test_a_dotted_context_is_left_as_it_is() -> None:
    assert Settings.load({"HORARIUM_CONTEXT": "flights.context"}, HERE).context == "flights.context"


def test_children_are_led_to_the_very_same_settings() -> None:
    settings = Settings.load({"HORARIUM_VAR": "/tmp/v", "HORARIUM_POLL_S": "0.25"}, HERE)
    assert Settings.load(settings.environ(), Path("/elsewhere")) == settings


def test_an_unknown_variable_is_refused_with_the_near_and_the_existing_names() -> None:
    text = refusal({"HORARIUM_WORKER_COUNT": "2", "HORARIUM_SLOT": "2"})
    assert "HORARIUM_WORKER_COUNT is not a setting" in text
    assert "did you mean HORARIUM_SLOTS?" in text
    assert "HORARIUM_STORE_URL" in text


def test_marks_of_children_are_no_settings() -> None:
    marks = dict.fromkeys(CHILD_MARKS, "x")
    assert Settings.load(marks, HERE) == Settings.load({}, HERE)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HORARIUM_SLOTS", "many", "expected a whole number, 1 or more"),
        ("HORARIUM_SLOTS", "0", "expected a whole number, 1 or more"),
        ("HORARIUM_SLOTS", "1.5", "expected a whole number, 1 or more"),
        ("HORARIUM_LOG_COUNT", "0", "expected a whole number, 1 or more"),
        ("HORARIUM_POLL_S", "-1", "expected a number of seconds"),
        ("HORARIUM_POLL_S", "nan", "expected a number of seconds"),
        ("HORARIUM_POLL_S", "inf", "expected a number of seconds"),
        ("HORARIUM_BOX", "", "expected a text that is not empty"),
        ("HORARIUM_BOX", "a/b", "expected a name without spaces and slashes"),
        ("HORARIUM_TIMETABLE_START", "2023023000", "expected an hourly timeperiod"),
    ],
)
def test_a_bad_value_is_refused_with_name_value_and_what_is_expected(name: str, value: str, expected: str) -> None:
    text = refusal({name: value})
    assert f"{name} is {value!r}" in text
    assert expected in text


def test_a_lease_that_hardly_lasts_a_beat_is_refused() -> None:
    assert "expected 3 times HORARIUM_BEAT_S" in refusal({"HORARIUM_LEASE_S": "2"})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.load({"HORARIUM_SLOTS": "x", "HORARIUM_NONSENSE": "y", "HORARIUM_BEAT_S": "z"}, HERE)
    assert len(caught.value.faults) == 3


def test_what_is_for_jobs_is_no_setting_and_the_secrets_file_lies_where_it_was_named() -> None:
    environ = {"HORARIUM_SECRET_KEY": "k", "HORARIUM_CONNECTION_LAKE": "c", "HORARIUM_SECRETS_FILE": "/srv/secrets.toml"}
    loaded = Settings.load(environ, Path("/here"))
    assert loaded.secrets_file == "/srv/secrets.toml"
    assert not any("SECRET_" in name or "CONNECTION_" in name for name in loaded.environ())
