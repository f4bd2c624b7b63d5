"""Does what `launch.py init` writes work as it is: context, test, one period in the foreground, and the whole timetable?"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
ENVIRON = {name: text for name, text in os.environ.items() if not name.startswith("HORARIUM_")}


def call(*argv: str, cwd: Path, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(argv if argv[0] == "-m" else (str(ROOT / "launch.py"), *argv))]
    return subprocess.run(command, cwd=cwd, env=ENVIRON | (environ or {}), capture_output=True, text=True, timeout=120, check=False)


def of(project: Path) -> dict[str, str]:
    return {"HORARIUM_CONTEXT": str(project / "context.py")}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new project")
    made = call("init", "visits and more", cwd=folder)
    assert (made.returncode, made.stderr) == (0, "")
    return folder / "visits and more"


def test_its_context_is_sound(project: Path) -> None:
    checked = call("context", "check", cwd=project, environ=of(project))
    assert (checked.returncode, checked.stdout) == (0, f"sound: {project}/context.py registers 1 process in 1 tree\n")


def test_its_test_passes(project: Path) -> None:
    tested = call("-m", "unittest", "-v", cwd=project)
    assert tested.returncode == 0
    assert "Ran 1 test" in tested.stderr


def test_its_settings_are_found(project: Path) -> None:
    document = json.loads(call("settings", "--json", cwd=project, environ=of(project)).stdout)
    assert [(row["value"], row["from"]) for row in document if row["setting"] == "var"] == [(str(project / "var"), "file")]


def test_a_period_runs_and_then_all_that_is_due(project: Path) -> None:
    readme = (project / "README.md").read_text()
    period = re.findall(r"run visits_daily (\d{10})", readme)[0]
    assert call("run", "visits_daily", period, cwd=project, environ=of(project)).returncode == 0
    assert [path.name for path in (project / "results").iterdir()] == [f"{period}.csv"]
    done = call("up", "--until-done", "--json", cwd=project, environ=of(project))
    assert (done.returncode, json.loads(done.stdout)["is_done"]) == (0, True)
    assert len(list((project / "results").iterdir())) in (3, 4)  # midnight may pass meanwhile


def test_its_readme_calls_this_launcher(project: Path) -> None:
    lines = re.findall(r"^(?:export|alias) .*$", (project / "README.md").read_text(), re.MULTILINE)
    script = "\n".join(["shopt -s expand_aliases", *lines, "launch.py list --json"])
    found = subprocess.run(["bash", "-c", script], env=ENVIRON, capture_output=True, text=True, timeout=60, check=False)
    assert [row["process"] for row in json.loads(found.stdout)] == ["visits_daily"]


@pytest.mark.parametrize("name", ["context.py", "settings.toml", "README.md"])
def test_a_folder_that_holds_such_a_file_is_refused_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    refused = call("init", str(tmp_path), cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr == f"error: {tmp_path} holds {name} already, and nothing is overwritten: name another folder\n"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_a_folder_that_is_a_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    assert call("init", "a", cwd=tmp_path).returncode == 2
    assert call("init", cwd=tmp_path).returncode == 2
    under = call("init", "a/b", cwd=tmp_path)
    assert (under.returncode, under.stderr) == (1, f"error: {tmp_path}/a/b can't be made (not a directory): name another folder\n")


def test_as_json_it_names_what_was_written(tmp_path: Path) -> None:
    document = json.loads(call("init", "p", "--json", cwd=tmp_path).stdout)
    assert document["folder"] == str(tmp_path / "p")
    assert sorted(document["files"]) == sorted(path.name for path in (tmp_path / "p").iterdir())


def test_an_interrupt_ends_a_run_with_all_that_it_started(tmp_path: Path) -> None:
    call("init", "p", cwd=tmp_path)
    project = tmp_path / "p"
    (project / "jobs.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        "def daily(work):\n    Path('pid').write_text(str(os.getpid()))\n    print('here')\n    time.sleep(600)\n"
    )
    command = [sys.executable, str(ROOT / "launch.py"), "run", "visits_daily", "2026010200"]
    process = subprocess.Popen(
        command, env=ENVIRON | of(project), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_until(lambda: (project / "pid").exists() and bool((project / "pid").read_text()), what="the job to run")
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"  # what it prints is shown while it runs
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to all of the terminal's group
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (1, "error: interrupted")
    assert not Path(f"/proc/{(project / 'pid').read_text()}").exists()
