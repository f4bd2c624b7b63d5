"""Do commands say and do by the API of a dashboard what they say and do over the store of their own box? The same commands, both ways."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from launcher.main import main
from launcher.parts import Roof
from launcher.remote.client import Client, Denied
from launcher.web.desk import WebDesk
from mx.api.app import ApiApp
from mx.security.roles import Role
from system.errors import ConfigError, HorariumError, NotFound, Refused, Unavailable
from tests.services.machine import free_port
from tests.support.mx import app_over, web_desk
from tests.support.mx_served import HOST, served
from tests.support.mx_worked import worked

CONTEXT = """
from system.context import freerun_context_entry, managed_context_entry, timetable_tree_entry

process_context = [
    managed_context_entry("flights_hourly", "jobs.run", "flights", "_hourly", start="2013010100", end="2013010200"),
    managed_context_entry("flights_daily", "jobs.run", "flights", "_daily", start="2013010100", end="2013010200",
                          blocking_type="blocking_children"),
    freerun_context_entry("load", "often", "jobs.run", "load", "cron 30 3 * * *", arguments={"shop": "Graz"}),
]
timetable_context = [timetable_tree_entry("flights", ["flights_hourly", "flights_daily"])]
"""
WHY = ("--why", "late data", "--wait", "0")


@dataclass
class Ways:
    """The same deployment, over its store and by its API."""

    var: Path
    context: Path
    url: str
    app: ApiApp
    capsys: pytest.CaptureFixture[str]

    def own(self) -> Roof:
        """A roof over the store."""
        return Roof({"HORARIUM_VAR": str(self.var), "HORARIUM_CONTEXT": str(self.context), "HORARIUM_SETTINGS": "none"})

    def elsewhere(self) -> Roof:
        """A roof that knows a URL, and neither store nor context."""
        nothing = {"HORARIUM_VAR": "/proc/none", "HORARIUM_CONTEXT": "/proc/none.py", "HORARIUM_SETTINGS": "none"}
        return Roof({**nothing, "HORARIUM_URL": self.url})

    def run(self, roof: Roof, *argv: str) -> tuple[int, str, str]:
        """Run a command; returns its exit code and what it printed."""
        self.capsys.readouterr()
        code = main(argv, roof)
        return (code, *self.capsys.readouterr())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDesk]:
    folder = tmp_path_factory.mktemp("remote")
    (folder / "context.py").write_text(CONTEXT)
    (folder / "jobs.py").write_text("def run(work):\n    return 1\n")
    with web_desk(folder / "var", folder / "context.py") as desk:
        worked(desk)
        yield desk


@pytest.fixture(scope="module")
def server(desk: WebDesk) -> Iterator[tuple[str, ApiApp]]:
    app = app_over(desk)
    with served(app) as url:
        yield url, app


@pytest.fixture
def ways(desk: WebDesk, server: tuple[str, ApiApp], capsys: pytest.CaptureFixture[str]) -> Ways:
    settings = desk.parts.roof.settings
    return Ways(settings.folder, Path(settings.context), *server, capsys)


@pytest.mark.parametrize(
    "argv",
    [
        "job why flights_daily 2013010100", "job why flights_hourly 2013010105", "job show flights_hourly 2013010101",
        "job show flights_daily 2013010100", "job events flights_hourly 2013010100", "job log flights_hourly 2013010100",
        "job list --state processed", "job list --state embryo", "job list --state requested --process flights_hourly",
        "plan reprocess flights_hourly 2013010100..2013010103", "plan skip flights_daily 2013010100",
        "plan release flights_hourly 2013010100",
        "process show", "process show flights_daily", "timetable", "timetable --json", "freerun list", "freerun next load often",
        "plan hold flights_hourly 2013010110 --json", "job why flights_daily 2013010100 --json", "process show --json",
        "freerun list --json",
    ],
)  # fmt: skip
def test_a_command_says_the_same_both_ways(ways: Ways, argv: str) -> None:
    own, elsewhere = ways.run(ways.own(), *argv.split()), ways.run(ways.elsewhere(), *argv.split())
    assert elsewhere == own
    assert own[1] or own[2]


def test_the_status_is_the_same_both_ways(ways: Ways) -> None:
    shown = [ways.run(roof, "status")[1] for roof in (ways.own(), ways.elsewhere())]
    # Ages are of two moments: that of the one may be one of minutes where the machine has much to do.
    own, elsewhere = (re.sub(r" +", " ", re.sub(r"[0-9.]+ (s|min)\b", "some time", text)) for text in shown)
    assert elsewhere == own
    told = [json.loads(ways.run(roof, "status", "--json")[1]) for roof in (ways.own(), ways.elsewhere())]
    assert told[0]["progress"] == told[1]["progress"]
    assert told[0].keys() == told[1].keys()


@pytest.mark.parametrize(
    "argv",
    [
        "job why nobody 2013010100", "job show flights_hourly tomorrow", "freerun show load never", "freerun next nobody often",
        "process on nobody --why x", "job reprocess flights_hourly 2013010105..2013010101 --why x",
    ],
)  # fmt: skip
def test_a_wrong_name_is_refused_both_ways(ways: Ways, argv: str) -> None:
    own, elsewhere = ways.run(ways.own(), *argv.split()), ways.run(ways.elsewhere(), *argv.split())
    assert elsewhere[:1] == own[:1]
    assert elsewhere[2].split(";")[0] == own[2].split(";")[0]


def test_a_freerun_entry_is_shown(ways: Ways) -> None:
    code, out, _ = ways.run(ways.elsewhere(), "freerun", "show", "load", "often")
    assert (code, "cron 30 3 * * *" in out) == (0, True)


@pytest.mark.parametrize(
    ("argv", "verb", "place"),
    [
        (("job", "hold", "flights_daily", "2013010100"), "hold", ("flights_daily", "2013010100", "")),
        (("job", "reprocess", "flights_hourly", "2013010100..2013010102"), "reprocess", ("flights_hourly", "2013010100", "2013010102")),
        (("process", "off", "flights_daily"), "off", ("flights_daily", "", "")),
        (("process", "frequency", "flights_daily", "at 03:30"), "frequency", ("flights_daily", "", "")),
        (("freerun", "off", "load", "often"), "freerun off", ("load", "often", "")),
        (("freerun", "create", "load", "new", "--schedule", "every 60"), "freerun create", ("load", "new", "")),
        (("freerun", "change", "load", "often", "--arg", "shop=Linz"), "freerun change", ("load", "often", "")),
        (("freerun", "delete", "load", "often"), "freerun delete", ("load", "often", "")),
    ],
)  # fmt: skip
def test_a_command_is_given_by_whom_the_server_says_and_with_its_reason(
    ways: Ways, desk: WebDesk, argv: tuple[str, ...], verb: str, place: tuple[str, str, str]
) -> None:
    code, out, err = ways.run(ways.elsewhere(), *argv, *WHY, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    told = told[0] if isinstance(told, list) else told
    kept = desk.asker.ask(lambda: desk.parts.store.command(told["number"]))
    assert (kept.verb, (kept.process, kept.timeperiod, kept.until)) == (verb, place)
    assert (kept.who, kept.why.splitlines()[0]) == ("local", "late data")


def asked(url: str, *path: str, token: str = "") -> HorariumError:
    """Return the error that a question ends with."""
    with pytest.raises(HorariumError) as caught:
        Client(url, token).get(*path)
    return caught.value


def test_a_dashboard_that_is_not_there_is_said() -> None:
    error = asked(f"http://{HOST}:{free_port(HOST)}", "health")
    assert isinstance(error, Unavailable)
    assert "Connection refused" in str(error)
    assert "HORARIUM_URL" in str(error)


def test_what_is_not_there_is_not_found(ways: Ways) -> None:
    assert isinstance(asked(ways.url, "commands", "999999"), NotFound)
    assert isinstance(asked(ways.url, "jobs", "a/b", "2013010100"), NotFound)
    assert isinstance(asked(ways.url, "jobs", "flights_hourly", "tomorrow"), Refused)


@pytest.mark.parametrize(
    ("code", "kind", "says"), [(401, Denied, "HORARIUM_TOKEN"), (403, Denied, "role"), (302, ConfigError, "elsewhere")]
)
def test_refusals_say_what_to_do(code: int, kind: type[HorariumError], says: str) -> None:
    app = Flask("refusing")

    @app.get("/api/v1/health")
    def refuse() -> tuple[str, int, dict[str, str]]:
        return json.dumps({"detail": "this takes the role admin"}), code, {"Location": "https://elsewhere.example.org/"}

    with served(app) as url:
        error = asked(url, "health")
    assert isinstance(error, kind)
    assert says in str(error)


def test_another_server_is_no_dashboard() -> None:
    app = Flask("another")
    app.get("/api/v1/health")(lambda: "<html>")
    with served(app) as url:
        assert "is no dashboard" in str(asked(url, "health"))


@pytest.mark.parametrize("url", ["mx.example.org", "ftp://mx", "https://", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="HORARIUM_URL"):
        Client(url, "")


def test_what_was_lost_on_its_way_is_sent_again_and_done_once(desk: WebDesk) -> None:
    app = app_over(desk, Role.OPERATOR)
    answers, losses, waits = app.wsgi_app, iter([True, True, False]), list[float]()

    def losing(environ: Any, start: Any) -> Any:
        if not next(losses, False):
            return answers(environ, start)
        list(answers(environ, lambda *_: lambda _data: None))
        start("503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"lost"]

    app.wsgi_app = losing  # type: ignore[method-assign, assignment]
    before = max((each.number for each in desk.commands(limit=1).lines), default=0)
    body = {"verb": "reprocess", "processes": ["flights_hourly"], "timeperiod": "2013010101", "until": "", "why": "test"}
    with served(app) as url:
        given = Client(url, "", sleep=waits.append).post("commands", body=body)
    assert given["number"] == before + 1 == desk.commands(limit=1).lines[0].number
    assert len(waits) == 2


def test_what_was_wrong_is_said_and_not_that_the_key_is_used(desk: WebDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> int:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(type(desk), "command_entry", away)
    with served(app_over(desk, Role.OPERATOR)) as url, pytest.raises(Unavailable, match=f"the disk is full; .* {url}/commands"):
        Client(url, "", sleep=lambda _: None).post("freerun", "load", "often", "trigger", body={"why": "test"})


def test_a_refusal_after_a_loss_is_the_answer() -> None:
    app, answers = Flask("refusing"), iter([503, 409])

    @app.post("/api/v1/commands")
    def refuse() -> tuple[str, int]:
        return json.dumps({"detail": "nothing to reprocess"}), next(answers)

    with served(app) as url, pytest.raises(Refused, match="nothing to reprocess"):
        Client(url, "", sleep=lambda _: None).post("commands", body={})


def test_the_token_is_shown_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--set", "token=hz_secret", "settings", "--json"], Roof({"HORARIUM_SETTINGS": "none"})) == 0
    assert "hz_secret" not in capsys.readouterr().out
