"""Do the two commands say exactly what is missing?"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def pretend(folder: Path, *, fails: str) -> Path:
    """Return a program that answers as a Python of which every check passes but those whose code holds `fails`."""
    program = folder / "python-pretended"
    program.write_text(f"""#!/bin/sh
case "$2" in
*"{fails}"*) exit 1 ;;
*print*) echo 3.11 ;;
esac
[ "$1" != --version ] || echo Python 3.9.2
""")
    program.chmod(0o755)
    return program


def base_python(candidate: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """Look for a Python; `path` is where, once the script has been read and found itself."""
    command = f'source "{SCRIPTS}/setup.sh"; PATH="{path or "$PATH"}"; base_python'
    environ = {"BASE_PYTHON": candidate, "PATH": "/usr/bin:/bin"}
    return subprocess.run(["bash", "-c", command], env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", ["demo.sh", "test.sh"])
def test_the_scripts_may_be_started_by_sh(script: str) -> None:
    done = subprocess.run(["sh", str(SCRIPTS / script), "--nonsense"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.split(";")[0]) == (2, "error: --nonsense is unknown")


def test_a_python_that_has_everything_is_taken(tmp_path: Path) -> None:
    found = base_python(str(pretend(tmp_path, fails="nothing at all")))
    assert (found.returncode, found.stdout.strip()) == (0, str(tmp_path / "python-pretended"))


def test_a_missing_venv_is_named_with_the_package_to_install(tmp_path: Path) -> None:
    found = base_python(str(pretend(tmp_path, fails="import ensurepip")))
    assert (found.returncode, found.stdout) == (1, "")
    assert "apt-get install python3-venv" in found.stderr


def test_a_python_without_sqlite_is_named(tmp_path: Path) -> None:
    assert "without its module sqlite3" in base_python(str(pretend(tmp_path, fails="import sqlite3"))).stderr


def test_a_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    found = base_python(str(pretend(tmp_path, fails="version_info")))
    assert found.returncode == 1
    assert "that is no Python 3.11, 3.12 or 3.13" in found.stderr


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    found = base_python("", path=str(tmp_path))
    assert found.returncode == 1
    assert "apt-get install python3 python3-venv" in found.stderr


def test_a_machine_with_an_old_python_is_told_which_one_it_is(tmp_path: Path) -> None:
    pretend(tmp_path, fails="version_info").rename(tmp_path / "python3")
    found = base_python("", path=str(tmp_path))
    assert "3.9.2 is here, needed is Python 3.11, 3.12 or 3.13" in found.stderr


@pytest.mark.parametrize("script", ["demo.sh", "test.sh"])
def test_an_unknown_argument_is_a_usage_error(script: str) -> None:
    found = subprocess.run([str(SCRIPTS / script), "--fast"], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "--fast is unknown; usage" in found.stderr


@pytest.mark.parametrize("script", ["demo.sh", "test.sh"])
def test_help_tells_both_ways(script: str) -> None:
    found = subprocess.run([str(SCRIPTS / script), "--help"], capture_output=True, text=True, check=False)
    assert found.stdout.count(f"./scripts/{script}") == 2


STATUS = """rabbitmq    answers          amqp://x
postgresql  down             -
mariadb     does not answer  mysql://x
mongodb     elsewhere        mongodb://x
prometheus  missing          -"""
SERVERS = r"""
set -euo pipefail
servers="" ours="" results="$1" PYTHON="$1/python"
source <(sed -n '/^bring_down() {/,/^}/p; /^start_servers() {/,/^}/p' "$2/test.sh")
start_servers
wait "$servers"
bring_down
bring_down
"""


@pytest.mark.parametrize(
    ("status", "ended"), [(STATUS, "down postgresql prometheus\n"), ("rabbitmq    answers          amqp://x", ""), ("", "")]
)
def test_the_tests_bring_down_only_the_servers_that_were_down_before(tmp_path: Path, status: str, ended: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ncase $3 in\nstatus) echo '{status}'; exit 1 ;;\ndown) shift 2; echo $* >>{tmp_path}/ended ;;\nesac\n")
    python.chmod(0o755)
    subprocess.run(["bash", "-c", SERVERS, "bash", str(tmp_path), str(SCRIPTS)], check=True)
    found = tmp_path / "ended"
    assert (found.read_text() if found.exists() else "") == ended
